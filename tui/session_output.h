/*
 * session_output: where a recording goes and in which form; opened before the program starts, so
 * that a wrong path costs nothing.
 */
#ifndef TUI_SESSION_OUTPUT_H
#define TUI_SESSION_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/thread_choice.h"

struct recording;
struct recording_file;
struct settings;

struct session_output {
	const char *path; /* NULL = standard output */
	const struct exporter *exporter;
	FILE *stream;                /* for the exporter */
	struct recording_file *file; /* instead of an exporter: written live */
	struct export_options part;  /* series 0 = the main event's */
	struct thread_choice only;   /* whose samples; zeroed = everybody's */
	bool is_new, is_used;        /* made by us; holds what it should */
	bool is_assumed;             /* folded, though the path's extension says something else */
	bool is_begun;               /* in place: what was there is lost */
	char *beside, *replaced;     /* written first, then renamed to what it replaces; or NULL */
};

/*
 * session_output_open: by --format, else by the path's extension, else folded.
 * may_replace  a file that is there and not empty is replaced (-f), else refused
 * *status  on false: 2 for an unknown format, 125 for a file that cannot be written
 */
bool session_output_open(struct session_output *output, const char *path, const char *format,
			 bool may_replace, int *status, struct why *why);

/* session_output_remark: says so on stderr if the format was assumed: "stoke COMMAND: no format …".
 */
void session_output_remark(const struct session_output *output, const char *command);

/*
 * session_output_choose: what part to write: an event's samples, by its name with or without its
 * modifiers (":u"); a window of time; what stacks look like. Nothing set = everything.
 * Errors  false and a sentence: no such event (with those there are), no such window, or one event
 *         of a .stoke file, which holds all
 */
bool session_output_choose(struct session_output *output, const struct recording *recording,
			   const struct settings *settings, struct why *why);

/*
 * session_output_write: everything recorded. A pipe nobody reads any more is no error. A file that
 * is replaced stays as it was until the new one is whole.
 */
bool session_output_write(struct session_output *output, const struct recording *recording,
			  struct why *why);

/* session_output_close: a file that we made and never filled is removed; half a file is never left.
 */
void session_output_close(struct session_output *output);

#endif
