/* Each event is counted by itself, so that none has to share its counter. See grade.h. */
#include "counters/grade.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/cores.h"
#include "counters/event_group.h"
#include "counters/events_sysfs.h"
#include "counters/grade_loops.h"
#include "sampler/trust.h"

enum { N_RUNS = 5, MOST_CPUS = 1024 };

/* Runs that lie farther apart than this share of what is expected are no measurement. */
static const double MOST_SPREAD = 0.25;

char grade_mark(double expected, double counted)
{
	double error = fabs(counted - expected) / expected;
	if (!isfinite(error) || expected <= 0)
		return GRADE_UNKNOWN;
	return error <= 0.01 ? 'A' : error <= 0.05 ? 'B' : error <= 0.25 ? 'C' : 'F';
}

void grade_reason(const struct grade *grade, struct why *reason)
{
	double times = grade->counted / grade->expected;
	reason->text[0] = '\0';
	if (grade->mark == 'F' && grade->counted == 0)
		why_fail(reason, "It stays 0: a hypervisor or emulator that passes the event on "
				 "but counts nothing, or a table for another processor.");
	else if (grade->mark == 'F' && times > 1)
		why_fail(reason, "It counts %.3g times as much as its name says here: %s.", times,
			 strcasestr(grade->event, "miss")
				 ? "something else, or also what prefetches and page walks miss"
				 : "something else, or more than one thread");
	else if (grade->mark == 'F')
		why_fail(reason,
			 "It counts only %.3g of what its name says here: something else, or a "
			 "part of it.",
			 times);
	else if (grade->is_unsteady)
		why_fail(reason, "Its five runs differ by more than a quarter: the machine is "
				 "busy, or somebody else uses the counter.");
	else if (grade->mark == 'C')
		why_fail(reason, "Good for comparisons, not for absolute numbers.");
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

static bool run_once(const struct grade_loop *loop, struct grade_memory *memory,
		     struct event_group *group, struct grade *grade, struct run *run)
{
	struct count before, now;
	event_group_read(group, &before);
	double units = loop->run(memory);
	event_group_read(group, &now);
	struct count count = count_since(&group->members[0].event, &now, &before);
	run->expected = units * loop->each;
	run->counted = count.value;
	if (units <= 0)
		return why_fail(&grade->reason,
				"There is no loop with a known count for this machine.");
	if (!isfinite(count.value))
		return why_fail(&grade->reason, "%s", count.reason);
	if (count.origin == ORIGIN_SCALED)
		grade->origin = count.origin;
	return true;
}

static void measure(const struct grade_loop *loop, struct grade_memory *memory,
		    struct event_group *group, struct grade *grade)
{
	struct run runs[N_RUNS];
	loop->run(memory); /* pages, caches and clocks are awake */
	if (loop->is_last_cache && !grade_memory_exceeds(memory)) {
		why_fail(&grade->reason, "The last cache is so large that a list which misses it "
					 "would take more than 256 MiB.");
		return;
	}
	for (int i = 0; i < N_RUNS; i++)
		if (!run_once(loop, memory, group, grade, &runs[i]))
			return;
	qsort(runs, N_RUNS, sizeof runs[0], by_ratio);
	grade->expected = runs[N_RUNS / 2].expected;
	grade->counted = runs[N_RUNS / 2].counted;
	grade->mark = grade_mark(grade->expected, grade->counted);
	double spread = runs[N_RUNS - 1].counted / runs[N_RUNS - 1].expected -
			runs[0].counted / runs[0].expected;
	grade->is_unsteady = spread > MOST_SPREAD;
	if (grade->is_unsteady && grade->mark != 'F')
		grade->mark = 'C';
	grade_reason(grade, &grade->reason);
}

/* ---- which event is which */

struct grade_code grade_code(const struct perf_event_attr *attribute)
{
	/* Bits by which x86's own registers say user, kernel, interrupt and enabled; libpfm4 may
	 * leave them in, and the kernel overrules them. */
	static const uint64_t no_event = 0x530000;
	struct core_pmu cores[MAX_CORE_PMUS];
	struct grade_code code = { attribute->type, attribute->config, attribute->config1 };
	if (attribute->type == PERF_TYPE_HARDWARE || attribute->type == PERF_TYPE_HW_CACHE ||
	    attribute->type == PERF_TYPE_SOFTWARE || attribute->type == PERF_TYPE_TRACEPOINT)
		return code;
	/* Where all cores are the same, their PMU's own number means what RAW means. */
	if (core_pmus(cores) == 1 && cores[0].type == code.type)
		code.type = PERF_TYPE_RAW;
#if defined(__x86_64__)
	if (code.type == PERF_TYPE_RAW)
		code.config &= ~no_event;
#else
	(void)no_event;
#endif
	return code;
}

static bool is_same(const struct grade_code *a, const struct grade_code *b)
{
	return a->type == b->type && a->config == b->config && a->config1 == b->config1;
}

const struct grade *grades_find(const struct grades *grades, const struct grade_code *code)
{
	for (uint32_t i = 0; i < grades->n; i++)
		if (grades->rows[i].mark != GRADE_UNKNOWN && is_same(&grades->rows[i].code, code))
			return &grades->rows[i];
	return NULL;
}

/* ---- all of them */

/* How far an event got. */
enum answer { ANSWER_NO_NAME, ANSWER_NO_COUNT, ANSWER_MARK };

static enum answer grade_event(const char *name, const struct grade_loop *loop,
			       struct grade_memory *memory, struct grade *grade)
{
	struct counted_event event;
	struct event_group group = { .n_members = 0 };
	*grade = (struct grade){
		.mark = GRADE_UNKNOWN, .expected = NAN, .counted = NAN, .what = loop->what
	};
	snprintf(grade->event, sizeof grade->event, "%.*s", (int)sizeof grade->event - 1, name);
	if (!event_resolve_counted(name, &event, NULL)) {
		why_fail(&grade->reason, "This processor has no event of this name, or libpfm4 "
					 "does not know it.");
		return ANSWER_NO_NAME;
	}
	grade->code = grade_code(&event.sampled.attribute);
	const struct event_group_request request = { .events = &event,
						     .n_events = 1,
						     .no_inherit = true };
	if (event_group_open(&group, &request) == 0) {
		grade->reason = group.members[0].reason;
	} else if (loop->is_kernels && group.is_user_only) {
		why_fail(&grade->reason, "It happens in the kernel, whose part may not be counted "
					 "here (kernel.perf_event_paranoid).");
	} else {
		event_group_enable(&group);
		grade->origin = event.sampled.attribute.type == PERF_TYPE_SOFTWARE
					? ORIGIN_SOFTWARE
					: ORIGIN_MEASURED;
		measure(loop, memory, &group, grade);
	}
	event_group_close(&group);
	return grade->mark == GRADE_UNKNOWN ? ANSWER_NO_COUNT : ANSWER_MARK;
}

/* The first name always has a row, unless its CPU is another one and this one's name was found;
 * the others where they count. */
static void grade_loop(struct grades *grades, const struct grade_loop *loop,
		       struct grade_memory *memory)
{
	enum answer first = ANSWER_MARK;
	for (int i = 0; i < MOST_LOOP_EVENTS && loop->events[i] && grades->n < MOST_GRADES; i++) {
		struct grade grade;
		enum answer answer = grade_event(loop->events[i], loop, memory, &grade);
		if (i > 0 && answer != ANSWER_MARK)
			continue;
		/* This CPU's name takes the place of another CPU's. */
		grades->n -= i > 0 && first == ANSWER_NO_NAME;
		first = i == 0 ? answer : ANSWER_MARK;
		grades->rows[grades->n++] = grade;
	}
}

/* A thread that moved would be counted on a PMU that the event is not of, or between two. */
static bool stay_here(cpu_set_t *before)
{
	struct core_pmu cores[MAX_CORE_PMUS];
	char list[256];
	uint16_t cpus[MOST_CPUS];
	cpu_set_t one;
	int here = sched_getcpu();
	if (sched_getaffinity(0, sizeof *before, before) != 0 || here < 0)
		return false;
	core_pmus(cores);
	uint32_t n = cores[0].sysfs[0] && sysfs_pmu_file(cores[0].sysfs, "cpus", list, sizeof list)
			     ? cpu_list_parse(list, cpus, MOST_CPUS)
			     : 0;
	bool is_of_pmu = n == 0;
	for (uint32_t i = 0; i < n && i < MOST_CPUS; i++)
		is_of_pmu |= cpus[i] == here;
	for (uint32_t i = 0; i < n && i < MOST_CPUS && !is_of_pmu; i++)
		if (cpus[i] < CPU_SETSIZE && CPU_ISSET(cpus[i], before)) {
			here = cpus[i];
			is_of_pmu = true;
		}
	CPU_ZERO(&one);
	CPU_SET((size_t)here, &one);
	return sched_setaffinity(0, sizeof one, &one) == 0;
}

void grades_measure(struct grades *grades, const struct grade_request *request)
{
	struct grade_memory memory = { .first_cache_bytes = request->first_cache_bytes,
				       .last_cache_bytes = request->last_cache_bytes };
	cpu_set_t before;
	bool is_held = stay_here(&before);
	memset(grades, 0, sizeof *grades);
	grades->machine = request->machine;
	for (const struct grade_loop *loop = grade_loops; loop->what; loop++)
		grade_loop(grades, loop, &memory);
	if (is_held)
		sched_setaffinity(0, sizeof before, &before);
	grade_memory_free(&memory);
}

void grades_store(const struct grade *grade, const char *series, struct recording *recording)
{
	char key[TRUST_KEY_BYTES], value[64];
	snprintf(value, sizeof value, "%c (%+.2f %%)", grade->mark,
		 100 * (grade->counted - grade->expected) / grade->expected);
	recording_add_fact(recording, trust_key(key, sizeof key, series), value);
}
