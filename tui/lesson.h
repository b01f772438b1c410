/*
 * lesson: two settings of built-in workloads whose results are compared, with a guess before and
 * the reason behind. Lessons are the files of tui/lessons/, which are built in; anyone can edit
 * them: lines of a word, blanks and the text, all words once.
 */
#ifndef TUI_LESSON_H
#define TUI_LESSON_H

#include <stdbool.h>
#include <stddef.h>

#include "sampler/base/why.h"

/* The files as strings; written by tests/embed.sh at build time. */
struct lesson_text {
	const char *name; /* of the file, without .txt; NULL ends the list */
	const char *text;
};
extern const struct lesson_text lesson_texts[];

enum { LESSON_TEXT_BYTES = 1024 };

struct lesson {
	const char *name;
	char title[LESSON_TEXT_BYTES], about[LESSON_TEXT_BYTES];
	char a[LESSON_TEXT_BYTES], b[LESSON_TEXT_BYTES]; /* "WORKLOAD KEY=VALUE ..." */
	char ask[LESSON_TEXT_BYTES], why[LESSON_TEXT_BYTES], see[LESSON_TEXT_BYTES];
};

/* What came of one side: its rate of exact work. */
struct lesson_rate {
	double value;  /* units a second */
	char text[64]; /* "20.8 GB/s" */
};

/* lesson_read: false and a sentence: a line is missing or none of the format. */
bool lesson_read(struct lesson *lesson, const struct lesson_text *text, struct why *why);

/*
 * lesson_run: a side, in a process of its own as `stoke workload` runs it.
 * words   "WORKLOAD KEY=VALUE ..."
 * Errors  false and a sentence: it cannot be started, fails its checks, or says no rate
 * Cost    a second or so
 */
bool lesson_run(const char *words, struct lesson_rate *rate, struct why *why);

/* lesson_parse_rate: the last "RATE by exact work" of a workload's output; false: there is none. */
bool lesson_parse_rate(const char *output, struct lesson_rate *rate);

/* lesson_fill: text with {a}, {b} and {ratio} replaced. Returns out. */
char *lesson_fill(const char *text, const struct lesson_rate *a, const struct lesson_rate *b,
		  char *out, size_t bytes);

/* lesson_verdict: of a guess: "close", or by how many times it was off. */
char *lesson_verdict(double guess, double ratio, char *out, size_t bytes);

#endif
