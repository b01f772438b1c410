/* Every errno that perf_event_open may give ends on the next rung with a note, or, on the last one,
 * in one sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "counters/events.h"
#include "sampler/ladder.h"
#include "sampler/perf_event.h"
#include "tests/fixture_perf.h"

enum { FIRST_ERROR = 1, LAST_ERROR = 133 }; /* ERFKILL, ERANGE, ...: all that Linux has */

/* Which opens fail, and how. */
static struct {
	int error;
	bool fails_hardware, fails_with_kernel, fails_with_stack, fails_all;
} plan;

static int open_by_plan(const struct perf_event_attr *attribute, pid_t pid, int cpu, int leader_fd)
{
	bool is_hardware = attribute->type != PERF_TYPE_SOFTWARE;
	if (plan.fails_all || (plan.fails_hardware && is_hardware) ||
	    (plan.fails_with_kernel && !attribute->exclude_kernel) ||
	    (plan.fails_with_stack && attribute->sample_stack_user > 1024))
		return -plan.error;
	return fixture_perf_open(attribute, PERF_COUNT_SW_CPU_CLOCK, pid, cpu, leader_fd);
}

struct result {
	struct recording *recording;
	struct rung rung;
	struct why why;
	bool is_open;
};

static struct result climb(const char *events)
{
	struct result result = { .recording = recording_new() };
	struct cpu_rings rings;
	struct sampling sampling;
	sampling_defaults(&sampling);
	if (events && !events_parse(events, sampling.events, MAX_SAMPLED_EVENTS, &sampling.n_events,
				    &result.why))
		fail_msg("%s", result.why.text);
	const struct target target = { .sampling = &sampling, .pid = getpid() };
	perf_event_inject(open_by_plan);
	result.is_open = ladder_open(&target, result.recording, &rings, &result.rung, &result.why);
	perf_event_inject(NULL);
	if (result.is_open)
		cpu_rings_close(&rings);
	recording_publish(result.recording);
	return result;
}

static void expect_note(const struct result *result, const char *words)
{
	uint64_t n = recording_moment(result->recording).n[TABLE_NOTES];
	for (uint64_t id = 1; id < n; id++) {
		const struct note_row *note = recording_note_row(result->recording, id);
		if (strstr(recording_string_at(result->recording, note->text), words))
			return;
	}
	fail_msg("errno %d (%s): no note of %d has \"%s\"", plan.error, strerror(plan.error),
		 (int)n - 1, words);
}

static void no_hardware_ends_at_the_clock(void **state)
{
	static const char *const asked[] = { NULL, "instructions:u", "{cycles,instructions}:S",
					     "L1-dcache-load-misses" };
	(void)state;
	if (!fixture_can_sample())
		skip();
	for (int error = FIRST_ERROR; error <= LAST_ERROR; error++)
		for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
			memset(&plan, 0, sizeof plan);
			plan.error = error;
			plan.fails_hardware = true;
			struct result result = climb(asked[i]);
			if (!result.is_open)
				fail_msg("errno %d: %s", error, result.why.text);
			/* Of the parts of the program that were asked for. */
			assert_string_equal(result.rung.events[0].name,
					    i == 1 ? "cpu-clock:u" : "cpu-clock");
			assert_int_equal(result.rung.events[0].attribute.exclude_kernel, i == 1);
			assert_int_equal(result.rung.n_events, 1);
			expect_note(&result, i == 1 ? "with the software clock cpu-clock:u instead"
						    : "with the software clock cpu-clock instead");
			expect_note(&result, "Cannot open");
			recording_free(result.recording);
		}
}

static void no_kernel_ends_at_user_code(void **state)
{
	(void)state;
	if (!fixture_can_sample())
		skip();
	for (int error = FIRST_ERROR; error <= LAST_ERROR; error++) {
		memset(&plan, 0, sizeof plan);
		plan.error = error;
		plan.fails_hardware = plan.fails_with_kernel = true;
		struct result result = climb(NULL);
		if (!result.is_open)
			fail_msg("errno %d: %s", error, result.why.text);
		assert_true(result.rung.is_user_only);
		expect_note(&result, "user code only");
		recording_free(result.recording);
	}
}

/* An event of the kernel's part has none in user code: nothing is sampled in its place, and what
 * was to be read beside another event is missing with its reason. */
static void the_kernels_part_is_not_user_code(void **state)
{
	static const char *const asked[] = { "page-faults:k", "cpu-clock:k", "cs" };
	(void)state;
	if (!fixture_can_sample())
		skip();
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		memset(&plan, 0, sizeof plan);
		plan.error = EACCES;
		plan.fails_with_kernel = true;
		struct result result = climb(asked[i]);
		assert_int_equal(result.is_open, i == 2); /* at the clock, of user code */
		recording_free(result.recording);
	}
	struct result result = climb("{page-faults,minor-faults:k}:S");
	assert_true(result.is_open && result.rung.is_user_only);
	assert_int_equal(result.rung.n_events, 1);
	assert_int_equal(result.rung.n_missing, 1);
	assert_false(result.rung.has_reads);
	expect_note(&result, "minor-faults:k happens in the kernel, which may not be counted");
	recording_free(result.recording);
}

static void no_stacks_end_at_chains(void **state)
{
	static const int errors[] = { EINVAL, EOPNOTSUPP, ENOSYS };
	(void)state;
	if (!fixture_can_sample())
		skip();
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		memset(&plan, 0, sizeof plan);
		plan.error = errors[i];
		plan.fails_with_stack = true;
		struct result result = climb("cpu-clock");
		assert_true(result.is_open);
		assert_int_equal(result.rung.call_graph, CALL_GRAPH_FP);
		expect_note(&result, "so fp is used");
		recording_free(result.recording);
	}
}

static void nothing_at_all_is_one_sentence(void **state)
{
	(void)state;
	for (int error = FIRST_ERROR; error <= LAST_ERROR; error++) {
		memset(&plan, 0, sizeof plan);
		plan.error = error;
		plan.fails_all = true;
		struct result result = climb(NULL);
		assert_false(result.is_open);
		assert_non_null(strstr(result.why.text, "Cannot open"));
		assert_null(strchr(result.why.text, '\n'));
		recording_free(result.recording);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_hardware_ends_at_the_clock),
		cmocka_unit_test(no_kernel_ends_at_user_code),
		cmocka_unit_test(the_kernels_part_is_not_user_code),
		cmocka_unit_test(no_stacks_end_at_chains),
		cmocka_unit_test(nothing_at_all_is_one_sentence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
