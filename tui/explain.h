/*
 * explain: what frames, counters, phases and notes are, from the files of tui/explain/, which are
 * built in. Anyone can edit them; the same numbers always give the same text.
 */
#ifndef TUI_EXPLAIN_H
#define TUI_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sampler/compare.h"

struct recording;
struct view_focus;

/* The files as strings; written by tests/embed.sh at build time. */
struct explain_text {
	const char *name; /* of the file, without .txt; NULL ends the list */
	const char *text;
};
extern const struct explain_text explain_texts[];

enum explain_part {
	EXPLAIN_WHAT,
	EXPLAIN_FORMULA,
	EXPLAIN_BOUND,
	EXPLAIN_MOVE,
	EXPLAIN_SEE,
	N_EXPLAIN_PARTS
};

enum { EXPLAIN_PART_BYTES = 1024, EXPLAIN_VALUE_BYTES = 96, EXPLAIN_MOST_VALUES = 32 };

struct explain_entry {
	char parts[N_EXPLAIN_PARTS][EXPLAIN_PART_BYTES]; /* "" = none; lines joined by blanks */
};

/* What is under the cursor. */
enum subject_kind {
	SUBJECT_NONE,
	SUBJECT_FUNCTION,
	SUBJECT_THREAD,
	SUBJECT_COUNTER,
	SUBJECT_PHASE,
	SUBJECT_NOTE,
	SUBJECT_GPU,     /* a kernel or a copy: the string of its name */
	SUBJECT_MOMENT,  /* a part of the time */
	SUBJECT_MACHINE, /* the picture, the ceilings, or a fact of the table by its key */
	SUBJECT_OUTPUT,  /* what the program wrote to its terminal */
};
struct view_subject {
	enum subject_kind kind;
	unsigned id;             /* row: function, series, string of the phase's name, note */
	const char *name;        /* borrowed */
	uint64_t from_ns, to_ns; /* SUBJECT_MOMENT: in the recording's clock */
	/* Where it is compared: what with what, borrowed (NULL = it is not), and its shares. */
	const char *sides[N_COMPARED];
	double shares[N_COMPARED];
};

/* What stands for {name}. */
struct explain_values {
	struct {
		const char *name;
		char text[EXPLAIN_VALUE_BYTES];
	} rows[EXPLAIN_MOST_VALUES];
	size_t n;
};

/*
 * explain_find: the first entry, in the order of the files' names, of a kind ("function",
 * "counter", "phase", "note", "thread", "gpu", "moment", "machine", "output", "numbers") whose
 * pattern fits the name. `*` stands for anything. Returns  false if there is none
 */
bool explain_find(const char *kind, const char *name, struct explain_entry *entry);

/* explain_set: a value by its name; explain_fill: the text with its {names} replaced, those that
 * are not known by a dash. */
void explain_set(struct explain_values *values, const char *name, const char *text);
void explain_fill(const char *text, const struct explain_values *values, char *out, size_t bytes);

/* subject_of_function: a row of the functions, or nothing for 0. */
struct view_subject subject_of_function(const struct recording *recording, unsigned function);

/* explain_fits: does the name fit the pattern? */
bool explain_fits(const char *pattern, size_t n_bytes, const char *name);

/*
 * explain_write: all that is to say of a subject: a title, then "PART: text" lines with the numbers
 * of the recording in the focus's window.
 */
void explain_write(FILE *out, const struct recording *recording, const struct view_focus *focus,
		   const struct view_subject *subject);

#endif
