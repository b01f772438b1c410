/*
 * diff: a comparison of recordings as text, JSON, Markdown and differential folded stacks.
 */
#ifndef TUI_DIFF_H
#define TUI_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sampler/compare.h"

struct diff {
	const struct compare *compare;
	enum compare_by by;
	const char *names[N_COMPARED]; /* a file or a command */
	size_t n_recordings[N_COMPARED];
	bool is_ascii, has_color;
};

/* diff_print_text: the biggest differences and all guilty rows, in 80 columns; the verdict last. */
void diff_print_text(FILE *out, const struct diff *diff);

/* diff_print_json: one object with all rows; what is not known is null. */
void diff_print_json(FILE *out, const struct diff *diff);

/* diff_print_markdown: the biggest differences as GitHub's Markdown. */
void diff_print_markdown(FILE *out, const struct diff *diff);

/*
 * diff_print_folded: "main;work 12 15": samples in A and in B, as they were counted; by stack.
 * Source  Gregg, Differential Flame Graphs: difffolded.pl
 */
void diff_print_folded(FILE *out, const struct diff *diff);

/* What the printers share. */
enum { DIFF_TEXT_BYTES = 64 };

/* diff_cost: in the comparison's unit. diff_change: "+8.1 %", "new", "gone". diff_interval: "+6.2 …
 * +9.9 %"; unknown is a dash. */
char *diff_cost(const struct diff *diff, double cost, char *out);
char *diff_change(const struct compare_row *row, char *out);
char *diff_interval(const struct diff *diff, const struct compare_row *row, char *out);

/* diff_verdict: one sentence, with the guilty; "" without a limit. Borrowed names are cleaned. */
char *diff_verdict(const struct diff *diff, char *out, size_t bytes);

/* diff_method: what the costs and intervals are: two or three sentences. */
char *diff_method(const struct diff *diff, char *out, size_t bytes);

/* diff_is_shown: whether tables for people show row i: the biggest, and all that are guilty. */
bool diff_is_shown(const struct diff *diff, size_t i);

#endif
