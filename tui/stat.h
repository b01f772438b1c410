/*
 * stat: what `stoke stat` shares between its files: what is to be counted (blocks), and what came
 * out of it (rows). stat_plan.c makes both, stat_run.c runs the program and fills the rows,
 * stat_attach.c is for programs that run already, stat_text.c and stat_data.c print.
 */
#ifndef TUI_STAT_H
#define TUI_STAT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#include "counters/event_group.h"
#include "counters/metric_set.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/stat_bandwidth.h"

struct settings;
struct session_program;

enum { MAX_STAT_BLOCKS = 64, MAX_STAT_NOTES = 16 };

enum stat_kind { STAT_TIME, STAT_EVENT, STAT_METRIC, N_STAT_KINDS };

/* One line of the result: of all runs, or of one interval. */
struct stat_row {
	enum stat_kind kind;
	const char *name, *unit;
	const char *group, *core; /* metric group and kind of core; "" = none */
	const char *about;        /* of a metric; else "" */
	bool is_detail;           /* an event of a metric group: shown with -v only */
	enum origin origin;
	uint32_t n; /* values known */
	double mean, squares;
	double running_ratio; /* the worst */
	struct why reason;    /* why unknown */
	char trust;           /* the mark of `doctor --grade`; of a metric the worst of its events';
				 0 = not graded */
};

/* What is opened together: events as typed, or a metric group on one kind of core. */
struct stat_block {
	struct counted_event *events;
	uint32_t n_events;
	struct event_group *group;
	struct metric_set *set; /* instead of the three above */
	uint32_t first_row;
	struct metric_counts *now, *before; /* an event block uses only `whole` */
};

struct stat {
	const struct settings *settings;
	char *const *words; /* of the command; none when only what runs already is counted */
	char counted[256];  /* what runs already: "process 123 (name)"; "" = the command is counted
			     */
	struct stat_block blocks[MAX_STAT_BLOCKS];
	uint32_t n_blocks;
	struct stat_row *rows;
	uint32_t n_rows;
	struct stat_bandwidth bandwidth;
	struct why notes[MAX_STAT_NOTES];
	uint32_t n_notes, n_told; /* of the notes: those that have been printed */
	uint32_t n_runs;
	FILE *out;
	int write_error;   /* the first errno of writing, or 0 */
	int64_t n_written; /* up to where a file holds whole tables */
	bool is_ascii;
	int ended_by;             /* the signal that told us to leave, or 0 */
	int signal, first_signal; /* that ended the last run, and the first that failed; 0 = none */
};

/*
 * stat_plan: blocks and rows for what -e and -g say, or for what is always of interest.
 * Errors  false and a sentence: an unknown event or group
 */
bool stat_plan(struct stat *stat, struct why *why);
void stat_free(struct stat *stat);

/* stat_row_new: one more row, all zero but for these and no value. It moves when the next one
 * comes. */
struct stat_row *stat_row_new(struct stat *stat, enum stat_kind kind, const char *name,
			      const char *unit);

/* stat_stamp_grades: events and metrics get the marks that are kept for this machine; what a bad
 * one may come from is noted. After the plan. */
void stat_stamp_grades(struct stat *stat);

/* stat_note: kept once, however often it is said. */
void stat_note(struct stat *stat, const char *text);

/* stat_rows_clear: forget all values (a new interval begins). */
void stat_rows_clear(struct stat *stat);

/*
 * stat_run: run the program once, or wait while what was attached to goes on, and add what was
 * counted to the rows.
 * Returns  false and a sentence when it could not be started; *status is the exit status
 */
bool stat_run(struct stat *stat, const struct session_program *program, int *status,
	      struct why *why);

/* stat_require_check: are the words of --require known? NULL = nothing is required. */
bool stat_require_check(const char *list, struct why *why);

/* stat_require: after opening, before the program runs: hw = every hardware event opened, kernel =
 * with the kernel's part. */
bool stat_require(const struct stat *stat, struct why *why);

/*
 * stat_evaluate: rows of all blocks from their readings; `before` readings are taken off when
 * is_difference. seconds is the time between.
 */
void stat_evaluate(struct stat *stat, bool is_difference, double seconds);

/* stat_row_add: one more value of a row; a NaN is unknown, for `reason`. */
void stat_row_add(struct stat_row *row, double value, enum origin origin, double running_ratio,
		  const char *reason);

/* stat_row_deviation: the standard deviation of a row's values; NaN for fewer than two. */
double stat_row_deviation(const struct stat_row *row);

/* stat_check_times: user and system time that the kernel's steps are too coarse for become unknown:
 * a program that ran has had some of both. Before printing. */
void stat_check_times(struct stat *stat);

/* The printers. time_s: the end of the interval since the start; NaN = whole runs. */
void stat_print_text(const struct stat *stat, double time_s);
void stat_print_csv(const struct stat *stat, double time_s);
void stat_print_json(const struct stat *stat, double time_s);

/* stat_print: the one that was asked for; keeps the errno of a failure. */
void stat_print(struct stat *stat, double time_s);

/* stat_print_notes: those that nothing printed so far had a place for, to standard error. */
void stat_print_notes(struct stat *stat);

#endif
