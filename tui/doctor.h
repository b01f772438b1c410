/*
 * doctor: what this machine lets a profiler do, found out by trying. Each doctor_*.c prints one
 * chapter.
 */
#ifndef TUI_DOCTOR_H
#define TUI_DOCTOR_H

#include <stdbool.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"

struct settings;

struct doctor {
	bool is_ascii;
};

/*
 * doctor_line: a badge, what it is about, and a sentence; wrapped to 80 columns on stdout.
 * origin  says how good it is: measured (hardware), software, unavailable
 */
void doctor_line(const struct doctor *doctor, enum origin origin, const char *label,
		 const char *text);

/* doctor_fact: a setting that is neither good nor bad. */
void doctor_fact(const struct doctor *doctor, const char *label, const char *text);

void doctor_kernel(const struct doctor *doctor);  /* kernel, limits, container, VM */
void doctor_events(const struct doctor *doctor);  /* opens each kind of event */
void doctor_timer(const struct doctor *doctor);   /* sampling without perf_event_open */
void doctor_model(const struct doctor *doctor);   /* misses without counters */
void doctor_symbols(const struct doctor *doctor); /* unwinding, debug information, libraries */
void doctor_gpu(const struct doctor *doctor);     /* GPUs: driver, profiling */
/* doctor_grade: measures, prints and keeps grades (counters/grade.h). False and a sentence if they
 * cannot be kept. */
bool doctor_grade(const struct doctor *doctor, struct why *why);
/* doctor_cost: what profiling costs (profiling_cost.h). */
bool doctor_cost(const struct doctor *doctor, const struct settings *settings, struct why *why);
void doctor_terminal(const struct doctor *doctor); /* what the screen will look like */

#endif
