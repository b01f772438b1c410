/* Counting in groups: real software events, every errno of perf_event_open, scaling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counters/event_group.h"
#include "sampler/cpu_rings.h"
#include "sampler/ladder.h"
#include "sampler/perf_event.h"
#include "tests/fixture_perf.h"

/* ---- an opener of our own: some events fail, the others are the kernel's cpu-clock */

static struct {
	int error;             /* the errno */
	uint64_t failing;      /* config of the events that fail; UINT64_MAX = all */
	bool only_with_kernel; /* fails while the kernel is not excluded */
	bool only_in_groups;   /* fails with a leader */
	bool only_with_format; /* fails with PERF_FORMAT_GROUP */
	bool only_precise;     /* fails with precise_ip */
	int n_calls;
} plan;

static int open_by_plan(const struct perf_event_attr *attribute, pid_t pid, int cpu, int leader_fd)
{
	plan.n_calls++;
	assert_true(plan.n_calls < 1000);
	bool fails = (plan.failing == UINT64_MAX || attribute->config == plan.failing) &&
		     (!plan.only_with_kernel || !attribute->exclude_kernel) &&
		     (!plan.only_in_groups || leader_fd >= 0) &&
		     (!plan.only_with_format || (attribute->read_format & PERF_FORMAT_GROUP)) &&
		     (!plan.only_precise || attribute->precise_ip > 0);
	if (fails)
		return -plan.error;
	return fixture_perf_open(attribute, PERF_COUNT_SW_TASK_CLOCK, pid, cpu, leader_fd);
}

static void burn(void)
{
	volatile double sum = 0;
	for (int i = 0; i < 2000000; i++)
		sum = sum + i;
}

static void open_three(struct event_group *group)
{
	struct counted_event events[] = { fixture_event("cycles"), fixture_event("instructions"),
					  fixture_event("branches") };
	struct event_group_request request = { .events = events, .n_events = 3 };
	event_group_open(group, &request);
}

/* Every errno: the process goes on, each event has a count or a sentence. */
static void test_every_errno(void **state)
{
	(void)state;
	if (!fixture_can_count("task-clock:u"))
		skip();
	perf_event_inject(open_by_plan);
	for (int error = 1; error < 134; error++) {
		memset(&plan, 0, sizeof plan);
		plan.error = error;
		plan.failing = UINT64_MAX;
		struct event_group group;
		struct count counts[MAX_GROUP_EVENTS];
		open_three(&group);
		event_group_enable(&group);
		event_group_read(&group, counts);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(counts[i].origin, ORIGIN_UNAVAILABLE);
			assert_true(isnan(counts[i].value));
			assert_true(strlen(counts[i].reason) > 20);
			assert_non_null(strstr(counts[i].reason, "Cannot open"));
		}
		assert_int_equal(group.n_notes, 0); /* that user code is counted would be wrong */
		event_group_close(&group);
	}
	perf_event_inject(NULL);
}

/* One event of three fails: the two others still count, together. */
static void test_one_fails(void **state)
{
	(void)state;
	if (!fixture_can_count("task-clock:u"))
		skip();
	perf_event_inject(open_by_plan);
	for (uint64_t failing = 0; failing < 3; failing++) {
		static const uint64_t configs[] = { PERF_COUNT_HW_CPU_CYCLES,
						    PERF_COUNT_HW_INSTRUCTIONS,
						    PERF_COUNT_HW_BRANCH_INSTRUCTIONS };
		memset(&plan, 0, sizeof plan);
		plan.error = ENOENT;
		plan.failing = configs[failing];
		struct event_group group;
		struct count counts[MAX_GROUP_EVENTS];
		open_three(&group);
		event_group_enable(&group);
		burn();
		event_group_disable(&group);
		event_group_read(&group, counts);
		uint32_t leader = failing == 0 ? 1 : 0;
		for (uint64_t i = 0; i < 3; i++) {
			if (i == failing) {
				assert_int_equal(counts[i].origin, ORIGIN_UNAVAILABLE);
				continue;
			}
			assert_int_equal(group.members[i].leader, leader);
			assert_true(counts[i].value > 0);
		}
		assert_int_equal(group.n_notes, 0);
		event_group_close(&group);
	}
	perf_event_inject(NULL);
}

static void test_user_only_rung(void **state)
{
	(void)state;
	if (!fixture_can_count("task-clock:u"))
		skip();
	perf_event_inject(open_by_plan);
	static const int errors[] = { EACCES, EPERM };
	for (int i = 0; i < 2; i++) {
		memset(&plan, 0, sizeof plan);
		plan.error = errors[i];
		plan.failing = UINT64_MAX;
		plan.only_with_kernel = true;
		struct counted_event events[] = { fixture_event("cycles"),
						  fixture_event("context-switches") };
		struct event_group_request request = { .events = events, .n_events = 2 };
		struct event_group group;
		struct count counts[MAX_GROUP_EVENTS];
		assert_int_equal(event_group_open(&group, &request), 1);
		assert_true(group.is_user_only);
		assert_int_equal(group.n_notes, 1);
		assert_non_null(strstr(group.notes[0].text, "Only user code"));
		event_group_enable(&group);
		burn();
		event_group_read(&group, counts);
		assert_true(counts[0].value > 0);
		/* It would open and stay 0, which is no measurement. */
		assert_int_equal(counts[1].origin, ORIGIN_UNAVAILABLE);
		assert_non_null(strstr(counts[1].reason, "happens in the kernel"));
		event_group_close(&group);
	}
	perf_event_inject(NULL);
}

/* An event of a part that is left out would open and stay 0, too; a clock's count goes on in both
 * parts, so it is of none of them. */
static void test_parts_left_out(void **state)
{
	static const struct {
		const char *event, *reason;
		bool user_only, kernel_only, is_denied;
	} cases[] = {
		{ "page-faults:k", "may not be counted here", false, false, true },
		{ "page-faults:k", "count it without --all-user", true, false, false },
		{ "page-faults:u", "is of user code, which is left out", false, true, false },
		{ "cs", "count it without --all-user", true, false, false },
		{ "task-clock:u", "a clock counts user code and the kernel", false, false, false },
		{ "cpu-clock:k", "a clock counts user code and the kernel", false, false, false },
	};
	(void)state;
	if (!fixture_can_count("task-clock"))
		skip();
	perf_event_inject(open_by_plan);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memset(&plan, 0, sizeof plan);
		plan.error = EACCES;
		plan.failing = cases[i].is_denied ? UINT64_MAX : UINT64_MAX - 1;
		plan.only_with_kernel = true;
		struct counted_event event = fixture_event(cases[i].event);
		struct event_group_request request = { .events = &event,
						       .n_events = 1,
						       .user_only = cases[i].user_only,
						       .kernel_only = cases[i].kernel_only };
		struct event_group group;
		struct count count;
		assert_int_equal(event_group_open(&group, &request), 0);
		event_group_enable(&group);
		event_group_read(&group, &count);
		assert_int_equal(count.origin, ORIGIN_UNAVAILABLE);
		assert_non_null(strstr(count.reason, cases[i].reason));
		event_group_close(&group);
	}
	perf_event_inject(NULL);
}

/* A PMU that knows no parts answers EINVAL. */
static void test_pmu_without_parts(void **state)
{
	(void)state;
	perf_event_inject(open_by_plan);
	memset(&plan, 0, sizeof plan);
	plan.error = EINVAL;
	plan.failing = UINT64_MAX;
	struct counted_event event = fixture_event("cycles:u");
	struct event_group_request request = { .events = &event, .n_events = 1 };
	struct event_group group;
	struct count count;
	assert_int_equal(event_group_open(&group, &request), 0);
	event_group_read(&group, &count);
	assert_non_null(strstr(count.reason, "leave its modifiers"));
	event_group_close(&group);
	perf_event_inject(NULL);
}

/* Too large a group, and a kernel that cannot read groups of programs with children. */
static void test_apart_rung(void **state)
{
	(void)state;
	if (!fixture_can_count("task-clock:u"))
		skip();
	perf_event_inject(open_by_plan);
	for (int with_format = 0; with_format < 2; with_format++) {
		memset(&plan, 0, sizeof plan);
		plan.error = EINVAL;
		plan.failing = UINT64_MAX;
		plan.only_in_groups = !with_format;
		plan.only_with_format = with_format;
		struct event_group group;
		struct count counts[MAX_GROUP_EVENTS];
		open_three(&group);
		assert_true(group.is_apart);
		assert_int_equal(group.n_notes, 1);
		assert_non_null(strstr(group.notes[0].text, "do not fit"));
		event_group_enable(&group);
		burn();
		event_group_read(&group, counts);
		for (int i = 0; i < 3; i++)
			assert_true(counts[i].value > 0);
		event_group_close(&group);
	}
	perf_event_inject(NULL);
}

static void test_precise_rung(void **state)
{
	(void)state;
	if (!fixture_can_count("task-clock:u"))
		skip();
	perf_event_inject(open_by_plan);
	memset(&plan, 0, sizeof plan);
	plan.error = EOPNOTSUPP;
	plan.failing = UINT64_MAX;
	plan.only_precise = true;
	struct counted_event event = fixture_event("instructions:upp");
	struct event_group_request request = { .events = &event, .n_events = 1 };
	struct event_group group;
	assert_int_equal(event_group_open(&group, &request), 1);
	event_group_close(&group);
	perf_event_inject(NULL);
}

/* The sampling ladder, too, ends on a rung and a note, or in a sentence, for every errno. */
static void test_ladder_every_errno(void **state)
{
	(void)state;
	perf_event_inject(open_by_plan);
	for (int error = 1; error < 134; error++) {
		memset(&plan, 0, sizeof plan);
		plan.error = error;
		plan.failing = UINT64_MAX;
		struct sampling sampling;
		sampling_defaults(&sampling);
		struct target target = { .sampling = &sampling, .pid = getpid() };
		struct recording *recording = recording_new();
		struct cpu_rings rings = { 0 };
		struct rung rung;
		struct why why = { "" };
		assert_false(ladder_open(&target, recording, &rings, &rung, &why));
		assert_non_null(strstr(why.text, "Cannot open"));
		recording_free(recording);
	}
	perf_event_inject(NULL);
}

static void test_scale(void **state)
{
	(void)state;
	assert_true(isnan(event_scale(5, 100, 0)));
	assert_true(event_scale(100, 1000, 250) == 400.0);
	assert_true(event_scale(100, 1000, 1000) == 100.0);
	assert_true(event_scale(100, 1000, 1001) == 100.0);
	assert_true(event_scale(UINT64_MAX, UINT64_MAX, 1) > 1e30);
}

/* Exactly the pages touched, also by a child. */
static void test_page_faults(void **state)
{
	(void)state;
	enum { N_PAGES = 200 };
	if (!fixture_can_count("task-clock:u"))
		skip();
	struct counted_event events[] = { fixture_event("minor-faults:u"),
					  fixture_event("task-clock") };
	struct event_group_request request = { .events = events, .n_events = 2 };
	struct event_group group;
	struct count counts[MAX_GROUP_EVENTS];
	assert_int_equal(event_group_open(&group, &request), 2);
	event_group_enable(&group);
	pid_t child = fork();
	if (child == 0) {
		fixture_touch_pages(N_PAGES);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	event_group_disable(&group);
	event_group_read(&group, counts);
	assert_int_equal(counts[0].origin, ORIGIN_SOFTWARE);
	assert_true(counts[0].value >= N_PAGES);
	assert_true(counts[0].value < N_PAGES + 2000); /* the fork itself copies pages */
	assert_true(counts[1].value > 0);
	assert_true(counts[0].running_ratio == 1.0);
	event_group_close(&group);
}

/* What was never switched on is unknown, not 0. */
static void test_never_enabled(void **state)
{
	(void)state;
	if (!fixture_can_count("task-clock:u"))
		skip();
	struct counted_event event = fixture_event("page-faults:u");
	struct event_group_request request = { .events = &event, .n_events = 1 };
	struct event_group group;
	struct count count;
	assert_int_equal(event_group_open(&group, &request), 1);
	event_group_read(&group, &count);
	assert_int_equal(count.origin, ORIGIN_UNAVAILABLE);
	assert_true(isnan(count.value));
	event_group_close(&group);
	memset(&group, 0, sizeof group);
	event_group_close(&group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts_left_out), cmocka_unit_test(test_pmu_without_parts),
		cmocka_unit_test(test_every_errno),    cmocka_unit_test(test_one_fails),
		cmocka_unit_test(test_user_only_rung), cmocka_unit_test(test_apart_rung),
		cmocka_unit_test(test_precise_rung),   cmocka_unit_test(test_ladder_every_errno),
		cmocka_unit_test(test_scale),          cmocka_unit_test(test_page_faults),
		cmocka_unit_test(test_never_enabled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
