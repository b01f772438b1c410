/*
 * summary: a recording in a few lines of text.
 */
#ifndef TUI_SUMMARY_H
#define TUI_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sampler/recording.h"

/* summary_main_series: the first event asked for that has samples (0 = none has), and how many
 * events have. */
uint32_t summary_main_series(const struct recording *recording, uint32_t *n_series);

/* summary_print: how many samples, of what, lost and cut, in which time. One line. */
void summary_print(FILE *out, const struct recording *recording);

/* summary_print_notes: the notes of at least this severity, wrapped; returns how many were left
 * out. `prefix` starts each. */
size_t summary_print_notes(FILE *out, const struct recording *recording, enum severity least,
			   const char *prefix);

/* summary_print_functions: the functions with the most weight, as a table. */
void summary_print_functions(FILE *out, const struct recording *recording, size_t most);

/* summary_add_facts: who, where, when and how; the writer's, before the collector starts. words:
 * the command line; NULL = somebody else says what runs. */
void summary_add_facts(struct recording *recording, char *const *words);

#endif
