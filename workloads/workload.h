/*
 * workloads: built-in programs whose results are checked and whose work is known exactly. They may
 * include kernels and sampler/base, and know nothing of the profiler. Every .c file directly in
 * this folder is one workload (gbdt.c defines `workload_gbdt`); what they share is in
 * workloads/support/. Start reading at triad.c, then gbdt.c.
 *
 * workload: one of them. It runs in a child process (`stoke` started again), so it is profiled as
 * any other program is.
 */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

enum parameter_kind { PARAMETER_INTEGER, PARAMETER_REAL, PARAMETER_CHOICE, PARAMETER_TEXT };

/* A setting, given as key=value; checked against its limits before the workload sees it. */
struct parameter {
	const char *name, *summary;
	enum parameter_kind kind;
	const char *initial; /* as the user would type it */
	double least, most;  /* numbers: limits, both included */
	/* PARAMETER_CHOICE: "spin|futex"; numbers: what S, M and L stand for, "3|300|3000", or
	 * NULL. size=S sets the parameter that has these, whatever its name. */
	const char *choices;
};

/* Values as given or initial, in the order of the workload's parameters. */
struct setting {
	const char *text;
	double number; /* INTEGER, REAL */
	int choice;    /* CHOICE: its place in the list */
};

/* Exact work of one unit, by construction. */
struct work {
	double flops, bytes, items;
};

struct workload {
	const char *name, *summary;
	const char *teaches;                /* a paragraph for `stoke list workloads NAME` */
	const char *source;                 /* paper, book or code it follows */
	const struct parameter *parameters; /* ended by a zero name; NULL = none */

	/* NULL = usable here; else a sentence with the reason and the remedy. May be NULL. */
	const char *(*unusable)(void);

	/* Make the inputs from settings and a fixed seed. NULL and a sentence on failure. */
	void *(*prepare)(const struct setting *settings, struct why *why);
	/* One unit of work; called until time is up or it returns false (all done). Reports phases,
	 * progress and quality through probe.h. */
	bool (*run)(void *state);
	/* Is the result right? A sentence says what is not. */
	bool (*verify)(void *state, struct why *why);
	/* Exact work of all units so far. */
	struct work (*work)(const void *state);
	void (*finish)(void *state);
};

extern const struct workload *const workloads[];

#endif
