/*
 * compare: two sets of recordings, function by function or stack by stack: what grew, shrank,
 * appeared and vanished, with intervals of confidence and a verdict.
 *
 * Functions are matched by name, whatever module or address they are at: builds move code. A
 * comparison is of costs, which are weights of samples per something (enum compare_per), so that
 * recordings of different lengths compare.
 *
 * Intervals are bootstrapped. With three recordings or more on both sides, whole recordings are
 * drawn, so they hold what differs from run to run. With fewer, slices of time are drawn within
 * groups of four neighbours: the phases of a program are no noise, and what differs from run to run
 * is not in the interval. Recordings without times are treated as independent samples.
 *
 * Where whole recordings are drawn, functions are judged twice: by what they grew, and by what they
 * grew beyond the change that all share (sampler/compare_common.h), which a machine that is faster
 * in one run than in the next does not hide.
 * Source  Rao and Wu, Resampling Inference with Complex Survey Data, JASA 83 (1988), section 2;
 *         Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13
 */
#ifndef SAMPLER_COMPARE_H
#define SAMPLER_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct recording;

enum { COMPARE_A, COMPARE_B, N_COMPARED };

enum compare_by { COMPARE_FUNCTIONS, COMPARE_STACKS };

/* What weights are divided by. */
enum compare_per {
	COMPARE_PER_AUTO,     /* work if all have it; runs if three or more each; else the total */
	COMPARE_PER_TOTAL,    /* shares of all samples: says nothing of the whole */
	COMPARE_PER_RUN,      /* the same job on both sides */
	COMPARE_PER_DURATION, /* the time it was recorded */
	COMPARE_PER_WORK,     /* FLOPs, bytes or items that the program reported */
};

struct compare_side {
	const struct recording *const *recordings; /* borrowed while compare_open runs */
	size_t n;                                  /* at least 1 */
};

struct compare_request {
	enum compare_by by;
	enum compare_per per;
	const char *event;  /* with or without its modifiers; NULL = the first with samples */
	double limit_ratio; /* a growth above it is a regression (0.05); NaN = no verdict */
};

enum {
	COMPARE_NEW = 1,         /* not in A */
	COMPARE_GONE = 2,        /* not in B */
	COMPARE_SIGNIFICANT = 4, /* not chance, all judged rows taken together (1 %) */
	COMPARE_REGRESSION = 8,  /* significant, and grew by more than the limit; a new one: by more
				    than the limit of all of A */
	COMPARE_JUDGED = 16,     /* big enough to be judged */
	COMPARE_BEYOND = 32,     /* what it changed beyond all others is not chance (same 1 %); a
				    regression if beyond the limit, and the interval of its own
				    change reaches there */
};

/* One function or stack, by itself (without what it calls). */
struct compare_row {
	uint32_t key;                   /* compare_name(), compare_parent() */
	uint32_t flags;                 /* COMPARE_* */
	uint64_t n_samples[N_COMPARED]; /* of all recordings of a side */
	uint64_t weight[N_COMPARED];    /* of them, in the unit of the samples */
	double cost[N_COMPARED];        /* in compare->unit */
	double change;                  /* b / a - 1; NaN if it is new */
	double low, high;               /* 95 % interval of the change; NaN = not known */
	/* The change beyond compare->common, as a ratio of it, and its interval; NaN = not known.
	 */
	double beyond, beyond_low, beyond_high;
};

struct compare {
	struct compare_row *rows; /* biggest difference of costs first */
	size_t n_rows, n_judged, n_regressions;
	struct compare_row whole;      /* everything together; key 0; of no use per total */
	enum compare_per per;          /* never COMPARE_PER_AUTO */
	char unit[64];                 /* of costs: "ratio", "ns", "CPUs", "ns/FLOP" */
	const char *event[N_COMPARED]; /* borrowed from the recordings */
	uint32_t origin[N_COMPARED];   /* enum origin of the samples */
	double common;                 /* the change all functions share; NaN = not looked for */
	size_t n_units[N_COMPARED];    /* what was drawn from: recordings or slices; 0 = samples */
	bool draws_recordings;
	bool has_values; /* on both sides samples are values of their own (SERIES_VALUES) */
	double limit_ratio;
	struct compare_data *data; /* private */
};

/*
 * compare_open: the comparison of side A with side B. Equal recordings give equal results: the
 * draws are seeded by a constant.
 * Errors  NULL and a sentence: no samples, units that differ, work that nobody reported
 * Cost    a pass of all samples, then 1000 draws for each row of 0.05 % or more: 0.1 s a million
 *         rows of samples and a hundred such functions
 */
struct compare *compare_open(const struct compare_request *request,
			     const struct compare_side sides[N_COMPARED], struct why *why);
void compare_close(struct compare *compare);

/* compare_name: the function's name, of a stack its innermost one's. compare_parent: the key of the
 * calling stack; 0 = it has no caller, or functions are compared. */
const char *compare_name(const struct compare *compare, uint32_t key);
uint32_t compare_parent(const struct compare *compare, uint32_t key);

/* compare_per_name: "total", "run", "duration", "work". */
const char *compare_per_name(enum compare_per per);

#endif
