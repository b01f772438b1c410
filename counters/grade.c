/* Each event is counted by itself, so that none has to share its counter. See grade.h. */
#include "counters/grade.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/event_group.h"
#include "counters/grade_kernels.h"

enum { N_RUNS = 5 };

/* What a unit of a kernel's work counts of an event. */
struct known {
	const char *event, *what;
	double (*run)(struct grade_memory *memory);
	double each;
	bool is_last_cache;  /* steps within the last cache do not count */
	bool is_alternative; /* another name of what the row before counts: the first known one is
				graded */
	bool is_kernels;     /* happens in the kernel */
};

static const struct known all[] = {
	{ "instructions:u", "rounds of 3 instructions", grade_rounds, .each = 3 },
	{ "branches:u", "rounds with 1 branch", grade_rounds, .each = 1 },
	{ "cycles:u", "additions that need the one before", grade_additions, .each = 1 },
	{ "L1-dcache-loads:u", "loads of one word", grade_loads, .each = 1 },
	{ "branch-misses:u", "branches by a coin: every other is foreseen", grade_coins,
	  .each = 0.5 },
	{ "L1-dcache-load-misses:u", "steps along a random list", grade_steps, .each = 1 },
	{ "cache-misses:u", "steps along a list larger than the last cache", grade_steps, .each = 1,
	  .is_last_cache = true },
	{ "LLC-load-misses:u", "steps along a list larger than the last cache", grade_steps,
	  .each = 1, .is_last_cache = true },
	{ "dTLB-load-misses:u", "steps along a random list", grade_steps, .each = 1 },
	{ "FP_ARITH_INST_RETIRED:SCALAR_DOUBLE:u", "additions in double precision", grade_flops,
	  .each = 1 },
	{ "RETIRED_SSE_AVX_FLOPS:ANY:u", "additions in double precision", grade_flops, .each = 1,
	  .is_alternative = true },
	{ "VFP_SPEC:u", "additions in double precision", grade_flops, .each = 1,
	  .is_alternative = true },
	{ "page-faults:u", "pages touched for the first time", grade_pages, .each = 1 },
	{ "task-clock", "nanoseconds by the thread's own clock", grade_time, .each = 1 },
	{ "context-switches", "naps", grade_naps, .each = 1, .is_kernels = true },
};
enum { N_KNOWN = sizeof all / sizeof all[0] };

_Static_assert((int)N_KNOWN <= (int)MOST_GRADES, "every counter has its row");

char grade_mark(double expected, double counted)
{
	double error = fabs(counted - expected) / expected;
	if (!isfinite(error) || expected <= 0)
		return GRADE_UNKNOWN;
	return error <= 0.01 ? 'A' : error <= 0.05 ? 'B' : error <= 0.25 ? 'C' : 'F';
}

struct run {
	double expected, counted;
};

static int by_ratio(const void *a, const void *b)
{
	const struct run *left = a, *right = b;
	double one = left->counted * right->expected, other = right->counted * left->expected;
	return one < other ? -1 : one > other;
}

static bool run_once(const struct known *known, struct grade_memory *memory,
		     struct event_group *group, struct run *run)
{
	struct count before, now;
	event_group_read(group, &before);
	double units = known->run(memory);
	event_group_read(group, &now);
	struct count count = count_since(&group->members[0].event, &now, &before);
	run->expected = units * known->each * (known->is_last_cache ? memory->missing_ratio : 1);
	run->counted = count.value;
	return run->expected > 0 && isfinite(run->counted);
}

/* What a bad mark comes from, as far as the number says. */
static void find_reason(struct grade *grade)
{
	if (grade->mark == 'F' && grade->counted == 0)
		why_fail(&grade->reason, "It stays 0: a hypervisor that passes the event on but "
					 "counts nothing, or a table for another processor.");
	else if (grade->mark == 'F')
		why_fail(&grade->reason, "It counts something else than its name says here.");
	else if (grade->mark == 'C')
		why_fail(&grade->reason, "Good for comparisons, not for absolute numbers.");
}

static void measure(const struct known *known, struct grade_memory *memory,
		    struct event_group *group, struct grade *grade)
{
	struct run runs[N_RUNS];
	known->run(memory); /* pages, caches and clocks are awake */
	for (int i = 0; i < N_RUNS; i++)
		if (!run_once(known, memory, group, &runs[i])) {
			why_fail(&grade->reason,
				 "There is no loop with a known count for this machine.");
			return;
		}
	qsort(runs, N_RUNS, sizeof runs[0], by_ratio);
	grade->expected = runs[N_RUNS / 2].expected;
	grade->counted = runs[N_RUNS / 2].counted;
	grade->mark = grade_mark(grade->expected, grade->counted);
	find_reason(grade);
}

/* False: this processor has no such event. */
static bool grade_event(const struct known *known, struct grade_memory *memory, struct grade *grade)
{
	struct counted_event event;
	struct event_group group = { .n_members = 0 };
	*grade = (struct grade){
		.mark = GRADE_UNKNOWN, .expected = NAN, .counted = NAN, .what = known->what
	};
	snprintf(grade->event, sizeof grade->event, "%s", known->event);
	if (!event_resolve_counted(known->event, &event, &grade->reason))
		return false;
	const struct event_group_request request = { .events = &event,
						     .n_events = 1,
						     .no_inherit = true };
	if (event_group_open(&group, &request) == 0) {
		grade->reason = group.members[0].reason;
	} else if (known->is_kernels && group.is_user_only) {
		why_fail(&grade->reason, "It happens in the kernel, whose part may not be counted "
					 "here (kernel.perf_event_paranoid).");
	} else {
		event_group_enable(&group);
		grade->origin = event.sampled.attribute.type == PERF_TYPE_SOFTWARE
					? ORIGIN_SOFTWARE
					: ORIGIN_MEASURED;
		measure(known, memory, &group, grade);
	}
	event_group_close(&group);
	return true;
}

void grades_measure(struct grades *grades, uint64_t machine)
{
	struct grade_memory memory = { .list = NULL };
	bool is_known = false;
	*grades = (struct grades){ .machine = machine };
	for (int i = 0; i < N_KNOWN; i++) {
		struct grade *grade = &grades->rows[grades->n];
		if (all[i].is_alternative && is_known)
			continue;
		/* Of alternatives the last one's reason stands for all. */
		if (all[i].is_alternative)
			grade = &grades->rows[--grades->n];
		is_known = grade_event(&all[i], &memory, grade);
		grades->n++;
	}
	grade_memory_free(&memory);
}

/* Without modifiers: "cycles:u" is cycles. */
static size_t base_length(const char *event)
{
	const char *colon = strrchr(event, ':');
	bool is_modifier = colon && colon[1] && strspn(colon + 1, "ukhpSG") == strlen(colon + 1);
	return is_modifier ? (size_t)(colon - event) : strlen(event);
}

const struct grade *grades_find(const struct grades *grades, const char *event)
{
	size_t n = base_length(event);
	for (uint32_t i = 0; i < grades->n; i++) {
		const struct grade *grade = &grades->rows[i];
		if (grade->mark != GRADE_UNKNOWN && base_length(grade->event) == n &&
		    strncmp(grade->event, event, n) == 0)
			return grade;
	}
	return NULL;
}

void grades_store(const struct grades *grades, struct recording *recording)
{
	char key[GRADE_EVENT_BYTES + 16], value[64];
	for (uint32_t i = 0; i < grades->n; i++) {
		const struct grade *grade = &grades->rows[i];
		if (grade->mark == GRADE_UNKNOWN)
			continue;
		snprintf(key, sizeof key, "counter_grade.%.*s", (int)base_length(grade->event),
			 grade->event);
		snprintf(value, sizeof value, "%c (%+.2f %%)", grade->mark,
			 100 * (grade->counted - grade->expected) / grade->expected);
		for (char *at = key; *at; at++)
			*at = *at == ':' ? '.' : *at; /* keys with a colon are rows of tables */
		recording_add_fact(recording, key, value);
	}
}
