/* Metric groups over time, by the kernel's own counters, and marks of metrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "counters/metric_trust.h"
#include "sampler/perf_event.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"
#include "tests/fixture_perf.h"

extern const struct source source_counters;

/* There is no PMU: what the kernel itself counts opens. */
static int open_software(const struct perf_event_attr *attribute, pid_t pid, int cpu, int leader_fd)
{
	if (attribute->type != PERF_TYPE_SOFTWARE)
		return -ENOENT;
	long fd =
		syscall(SYS_perf_event_open, attribute, pid, cpu, leader_fd, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

static uint32_t series_of(const struct recording *recording, const char *name)
{
	uint64_t n = recording_moment(recording).n[TABLE_SERIES];
	for (uint32_t id = 1; id < n; id++)
		if (strcmp(recording_string_at(recording, recording_series(recording, id)->name),
			   name) == 0)
			return id;
	fail_msg("no series %s", name);
	return 0;
}

static uint32_t readings_of(const struct recording *recording, uint32_t series, double *last)
{
	uint32_t n = 0;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_READINGS]; i++) {
		const struct reading_row *row = recording_reading(recording, i);
		if (row->series != series)
			continue;
		*last = row->value;
		n++;
	}
	return n;
}

enum { FAULTS = 2000 };

/* most: of the machine others' are in it. */
static void check_faults(const struct recording *recording, double most)
{
	double faults = 0;
	(void)most;
	uint32_t series = series_of(recording, "major faults");
	const struct series_row *row = recording_series(recording, series);
	if (row->origin == ORIGIN_UNAVAILABLE) {
		printf("SKIP counting for real: %s\n", recording_string_at(recording, row->reason));
		return;
	}
	assert_int_equal(readings_of(recording, series, &faults), 1);
	assert_int_equal(readings_of(recording, series_of(recording, "page faults"), &faults), 1);
	/* A second, and it lasted a little more than a tenth of one, or much longer on a busy
	 * machine.
	 */
	assert_true(faults > FAULTS * 0.01);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* whose memory faults too */
	assert_true(faults < most);
#endif
}

static void groups_are_read_over_time(void **state)
{
	const struct timespec while_waiting = { .tv_nsec = 120000000 };
	struct sampling sampling;
	struct target target = { .sampling = &sampling, .pid = getpid() };
	struct recording *recording = recording_new();
	void *source = test_calloc(1, source_counters.state_bytes);
	struct why why;
	double last;
	(void)state;
	sampling_defaults(&sampling);
	assert_false(source_counters.wanted(&target));
	sampling.metric_groups = "faults,ipc";
	assert_true(source_counters.wanted(&target));
	perf_event_inject(open_software);
	assert_true(source_counters.open(source, &target, recording, &why));
	source_counters.drain(source, recording, false); /* too soon */
	fixture_touch_pages(FAULTS);
	nanosleep(&while_waiting, NULL);
	source_counters.drain(source, recording, false);
	source_counters.drain(source, recording, true); /* too short for a rate */
	source_counters.close(source);
	perf_event_inject(NULL);
	recording_publish(recording);
	check_faults(recording, FAULTS * 20.0);
	/* What is not there keeps its place. */
	uint32_t series = series_of(recording, "IPC");
	const struct series_row *row = recording_series(recording, series);
	assert_int_equal(row->origin, ORIGIN_UNAVAILABLE);
	assert_true(strlen(recording_string_at(recording, row->reason)) > 20);
	assert_int_equal(readings_of(recording, series, &last), 0);
	test_free(source);
	recording_free(recording);
}

/* The kernel's part may not be counted. */
static int open_denied(const struct perf_event_attr *attribute, pid_t pid, int cpu, int leader_fd)
{
	return attribute->exclude_kernel ? open_software(attribute, pid, cpu, leader_fd) : -EACCES;
}

static bool has_note(const struct recording *recording, const char *words)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_NOTES]; i++)
		if (strstr(recording_string_at(recording, recording_note_row(recording, i)->text),
			   words))
			return true;
	return false;
}

/* Less than was asked for: only user code; fewer groups. */
static void what_is_left_out_is_told(void **state)
{
	struct sampling sampling;
	struct target target = { .sampling = &sampling, .pid = getpid() };
	struct recording *recording = recording_new();
	void *source = test_calloc(1, source_counters.state_bytes);
	struct why why;
	char many[1024] = "faults";
	(void)state;
	for (int i = 0; i < 31; i++)
		strcat(many, ",faults");
	strcat(many, ",switches");
	sampling_defaults(&sampling);
	sampling.metric_groups = many;
	perf_event_inject(open_denied);
	assert_true(source_counters.open(source, &target, recording, &why));
	source_counters.close(source);
	perf_event_inject(NULL);
	recording_publish(recording);
	assert_true(has_note(recording, "Only user code is counted"));
	assert_true(has_note(recording, "The group switches is not read: 32 are the most"));
	assert_false(has_note(recording, "The group faults is not read"));
	test_free(source);
	recording_free(recording);
}

static pid_t seen_pid;
static int seen_cpu;
static bool waits_for_exec;

static int open_and_look(const struct perf_event_attr *attribute, pid_t pid, int cpu, int leader_fd)
{
	if (attribute->type == PERF_TYPE_SOFTWARE && attribute->config != PERF_COUNT_SW_DUMMY) {
		seen_pid = pid;
		seen_cpu = cpu;
		waits_for_exec |= attribute->enable_on_exec;
	}
	return open_software(attribute, pid, cpu, leader_fd);
}

static struct recording *record_attached(struct target *target)
{
	const struct timespec while_waiting = { .tv_nsec = 120000000 };
	struct sampling sampling;
	struct recording *recording = recording_new();
	void *source = test_calloc(1, source_counters.state_bytes);
	struct why why;
	sampling_defaults(&sampling);
	sampling.metric_groups = "faults";
	target->sampling = &sampling;
	seen_pid = seen_cpu = -2;
	waits_for_exec = false;
	perf_event_inject(open_and_look);
	assert_true(source_counters.open(source, target, recording, &why));
	fixture_touch_pages(FAULTS);
	nanosleep(&while_waiting, NULL);
	source_counters.drain(source, recording, true);
	source_counters.close(source);
	perf_event_inject(NULL);
	recording_publish(recording);
	test_free(source);
	return recording;
}

/* Threads, and the machine beside a command: from the opening on, not from an exec. */
static void what_runs_already_is_counted(void **state)
{
	pid_t self = getpid();
	struct target targets[] = {
		{ .pid = -1, .threads = &self, .n_threads = 1 },
		{ .pid = -1, .is_whole_machine = true },
		{ .pid = self, .is_whole_machine = true, .is_launched = true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		struct recording *recording = record_attached(&targets[i]);
		assert_int_equal(seen_pid, i == 0 ? self : -1);
		assert_true(i == 0 ? seen_cpu == -1 : seen_cpu >= 0);
		assert_false(waits_for_exec);
		check_faults(recording, i == 0 ? FAULTS * 20.0 : INFINITY);
		recording_free(recording);
	}
}

/* a / b, and c alone. */
static const char text[] =
	"summary s\nabout a\nsource s\n\non *\nevent a r01\nevent b r02\nevent c "
	"r03\nmetric both [ratio] = a / b\n  x\nmetric third [events] = c\n  x\n";

static char both_of(struct grades *grades, struct metric_set *set, char a, char b)
{
	grades->n = 0;
	for (uint64_t i = 1; i <= 2; i++) {
		char mark = i == 1 ? a : b;
		if (mark)
			grades->rows[grades->n++] =
				(struct grade){ .mark = mark, .code = { PERF_TYPE_RAW, i, 0 } };
	}
	assert_int_equal(metric_trust(grades, set, 1), GRADE_NONE);
	return metric_trust(grades, set, 0);
}

static void metrics_are_as_good_as_their_worst_event(void **state)
{
	static struct grades grades;
	static struct metric_set set;
	struct metric_group group;
	struct core_pmu core = { .type = PERF_TYPE_RAW };
	struct why why;
	(void)state;
	if (!metric_group_parse(&group, "g", text, &why))
		fail_msg("%s", why.text);
	metric_set_choose(&set, &group, &core);
	assert_int_equal(both_of(&grades, &set, 'A', 'A'), 'A');
	assert_int_equal(both_of(&grades, &set, 'A', 'C'), 'C');
	assert_int_equal(both_of(&grades, &set, 'F', 'B'), 'F');
	assert_int_equal(both_of(&grades, &set, 'A', GRADE_UNKNOWN), GRADE_NONE);
	assert_int_equal(both_of(&grades, &set, 'A', 0), GRADE_NONE);
	assert_int_equal(both_of(&grades, &set, 0, 'F'), 'F');
	metric_group_free(&group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_read_over_time),
		cmocka_unit_test(what_is_left_out_is_told),
		cmocka_unit_test(what_runs_already_is_counted),
		cmocka_unit_test(metrics_are_as_good_as_their_worst_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
