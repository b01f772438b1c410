/*
 * code_sums: what each of the events counted that were sampled together, for the lines or the
 * instructions of a function: what their rates are made of.
 */
#ifndef TUI_CODE_SUMS_H
#define TUI_CODE_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/rates.h"
#include "sampler/thread_choice.h"

struct recording;
struct view_focus;

struct code_sums {
	struct rates rates;     /* n == 0: the events allow none, and nothing is summed */
	uint64_t *self, *total; /* rates.n_sums a stack: that end in it; and with its callees */
	uint64_t n_stacks, next_sample;
	uint64_t from_ns, to_ns; /* the window taken in */
	struct thread_choice only;
};

/*
 * code_sums_update: take in new samples of the focus's window.
 * series   what the lines are weighed by (rates_find)
 * Returns  true if anything changed
 * Cost     new samples; if there are any, some ns a stack and event
 */
bool code_sums_update(struct code_sums *sums, const struct recording *recording, uint32_t series,
		      const struct view_focus *focus);
void code_sums_free(struct code_sums *sums);

/* code_sums_any: did any event count anything in a stack or below it? */
bool code_sums_any(const struct code_sums *sums, uint64_t stack);

/* Sums of rows that stacks are given to. */
struct row_sums {
	uint64_t *values; /* 2 n_sums a row: itself, then with its callees */
	size_t n_rows, capacity;
};

/*
 * row_sums_add: give a stack to a row; rows that were not there yet have zeros.
 * is_self       the stack ends in the row
 * is_outermost  no stack above is in a row: what is below counts once
 */
void row_sums_add(struct row_sums *rows, const struct code_sums *sums, size_t row, uint64_t stack,
		  bool is_self, bool is_outermost);
/* row_sums_free: to no rows; before stacks are given anew too. */
void row_sums_free(struct row_sums *rows);

/* row_sums_of: as rates_value takes them; NULL for a row that nothing was added to. */
const uint64_t *row_sums_of(const struct row_sums *rows, const struct code_sums *sums, size_t row,
			    bool is_self);

#endif
