/*
 * function_lines: the samples of one function by source line.
 */
#ifndef TUI_FUNCTION_LINES_H
#define TUI_FUNCTION_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/hash_map.h"
#include "sampler/thread_choice.h"
#include "tui/code_sums.h"

struct recording;
struct view_focus;

struct function_line {
	uint32_t file, line; /* strings; 0, 0 = no line is known */
	uint64_t self;       /* weight of samples in the line itself */
	uint64_t with;       /* with what is called from it; of recursion the outermost call */
	uint32_t place;      /* in row_sums */
};

struct function_lines {
	uint64_t *weights; /* by stack: of the samples that end in it */
	uint64_t n_weights, next_sample;
	uint64_t from_ns, to_ns; /* the window taken in */
	struct thread_choice only;
	uint32_t series, function;
	struct function_line *rows; /* by file, then line */
	size_t n_rows, capacity;
	struct hash_map places;
	uint64_t whole, self, with; /* of all samples; of the function */
	struct code_sums sums;      /* of the events that were sampled together */
	struct row_sums row_sums;
};

/*
 * function_lines_update: take in new samples, for the focus's window and function.
 * series   what lines are weighed by; 0 = what was asked for first of what has samples
 * Returns  true if anything changed
 * Cost     new samples; if there are any, some ns a stack
 */
bool function_lines_update(struct function_lines *lines, const struct recording *recording,
			   const struct view_focus *focus, uint32_t series);
void function_lines_free(struct function_lines *lines);

#endif
