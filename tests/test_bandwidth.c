/* Memory traffic by each rung in turn: made-up memory controllers, resource control in a folder,
 * misses, exact work; and what is said where there is none. */
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
#include <unistd.h>

#include "counters/bandwidth.h"
#include "counters/ceilings.h"
#include "counters/events_sysfs.h"
#include "counters/resctrl.h"
#include "sampler/perf_event.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"
#include "tests/fixture_machine.h"
#include "tests/fixture_perf.h"

extern const struct source source_bandwidth;

/* A Skylake server (LIBPFM_FORCE_PMU) with two memory controllers, or with none. */
static char *make_machine(bool has_controllers)
{
	static char devices[512]; /* it is borrowed */
	char *root = fake_new();
	fake_put(root, "4\n", "/devices/cpu/type");
	for (int i = 0; has_controllers && i < 2; i++) {
		fake_put(root, i ? "31\n" : "30\n", "/devices/uncore_imc_%d/type", i);
		fake_put(root, "0\n", "/devices/uncore_imc_%d/cpumask", i);
		fake_put(root, "config:0-7\n", "/devices/uncore_imc_%d/format/event", i);
		fake_put(root, "config:8-15\n", "/devices/uncore_imc_%d/format/umask", i);
		static const char *const names[] = { "read", "write" };
		for (int k = 0; k < 2; k++) {
			fake_put(root, k ? "event=0x04,umask=0x0c\n" : "event=0x04,umask=0x03\n",
				 "/devices/uncore_imc_%d/events/cas_count_%s", i, names[k]);
			fake_put(root, "6.103515625e-5\n",
				 "/devices/uncore_imc_%d/events/cas_count_%s.scale", i, names[k]);
			fake_put(root, "MiB\n", "/devices/uncore_imc_%d/events/cas_count_%s.unit",
				 i, names[k]);
		}
	}
	snprintf(devices, sizeof devices, "%s/devices", root);
	sysfs_events_root(devices);
	return root;
}

static void forget_machine(char *root)
{
	sysfs_events_root(NULL);
	perf_event_inject(NULL);
	fake_free(root);
}

/* ---- openers */

static bool only_uncore; /* else only events of the core open */

/* What the kernel would let us read: 1000 reads and 500 writes, then 3000 and 1000. */
static int open_controller(uint64_t config)
{
	int ends[2];
	bool is_read = config == 0x304;
	const uint64_t counts[][4] = { { is_read ? 1000 : 500, 100, 100, 1 },
				       { is_read ? 3000 : 1000, 200, 200, 1 } };
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], counts, sizeof counts), sizeof counts);
	close(ends[1]);
	return ends[0];
}

static int open_by_plan(const struct perf_event_attr *attribute, pid_t pid, int cpu, int leader_fd)
{
	bool is_uncore = attribute->type == 30 || attribute->type == 31;
	if (is_uncore)
		assert_true(pid == -1 && cpu == 0);
	if (is_uncore != only_uncore)
		return -ENOENT;
	return is_uncore
		       ? open_controller(attribute->config)
		       : fixture_perf_open(attribute, PERF_COUNT_SW_TASK_CLOCK, pid, -1, leader_fd);
}

static int open_nothing(const struct perf_event_attr *attribute, pid_t pid, int cpu, int leader_fd)
{
	(void)attribute;
	(void)pid;
	(void)cpu;
	(void)leader_fd;
	return -ENOENT;
}

static void controllers_come_first(void **state)
{
	char *root = make_machine(true);
	struct bandwidth bandwidth;
	struct bandwidth_request request = { .states_work = true, .root = root };
	(void)state;
	only_uncore = true;
	perf_event_inject(open_by_plan);
	bandwidth_open(&bandwidth, &request);
	assert_int_equal(bandwidth.rung, BANDWIDTH_CONTROLLERS);
	assert_non_null(strstr(bandwidth.reason.text, "whole machine"));
	bandwidth_enable(&bandwidth);
	/* Lines of 64 bytes, two controllers. */
	struct bandwidth_bytes read = bandwidth_read(&bandwidth, 5);
	assert_float_equal(read.bytes, 2 * 64 * 1500, 1e-3);
	assert_int_equal(read.origin, ORIGIN_MEASURED);
	read = bandwidth_read(&bandwidth, 5);
	assert_float_equal(read.bytes, 2 * 64 * 4000, 1e-3);
	bandwidth_close(&bandwidth);
	forget_machine(root);
}

/* ---- resource control */

static void put_group(const char *root, int pid, const char *first, const char *second)
{
	fake_put(root, "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n",
		 "/sys/fs/resctrl/info/L3_MON/mon_features");
	fake_put(root, "", "/sys/fs/resctrl/mon_groups/stoke-%d/tasks", pid);
	fake_put(root, first,
		 "/sys/fs/resctrl/mon_groups/stoke-%d/mon_data/mon_L3_00/mbm_total_bytes", pid);
	fake_put(root, second,
		 "/sys/fs/resctrl/mon_groups/stoke-%d/mon_data/mon_L3_01/mbm_total_bytes", pid);
}

static void resource_control_comes_second(void **state)
{
	char *root = make_machine(false), path[600], text[32] = "";
	struct bandwidth bandwidth;
	struct bandwidth_request request = { .pid = 4711, .root = root };
	(void)state;
	perf_event_inject(open_nothing);
	put_group(root, 4711, "1000000\n", "2000\n");
	bandwidth_open(&bandwidth, &request);
	assert_int_equal(bandwidth.rung, BANDWIDTH_RESCTRL);
	snprintf(path, sizeof path, "%s/sys/fs/resctrl/mon_groups/stoke-4711/tasks", root);
	FILE *file = fopen(path, "r");
	assert_non_null(fgets(text, sizeof text, file));
	fclose(file);
	assert_string_equal(text, "4711\n");
	assert_true(bandwidth_read(&bandwidth, 5).bytes == 1002000);
	assert_int_equal(bandwidth_read(&bandwidth, 5).origin, ORIGIN_MEASURED);
	put_group(root, 4711, "1500000\n", "3000\n");
	assert_true(bandwidth_read(&bandwidth, 5).bytes == 1503000);
	put_group(root, 4711, "1500000\n", "Unavailable\n");
	assert_true(isnan(bandwidth_read(&bandwidth, 5).bytes));
	bandwidth_close(&bandwidth);
	forget_machine(root);
}

static void resource_control_says_what_is_missing(void **state)
{
	char *root = fake_new();
	const pid_t task = 1;
	const struct resctrl_request request = { .root = root, .tasks = &task, .n_tasks = 1 };
	struct resctrl resctrl;
	struct why why;
	(void)state;
	assert_false(resctrl_open(&resctrl, &request, &why));
	assert_non_null(strstr(why.text, "no resource control"));
	fake_put(root, "", "/sys/fs/resctrl/x");
	assert_false(resctrl_open(&resctrl, &request, &why));
	assert_non_null(strstr(why.text, "mount -t resctrl"));
	fake_put(root, "llc_occupancy\n", "/sys/fs/resctrl/info/L3_MON/mon_features");
	assert_false(resctrl_open(&resctrl, &request, &why));
	assert_non_null(strstr(why.text, "does not count memory traffic"));
	fake_put(root, "mbm_total_bytes\n", "/sys/fs/resctrl/info/L3_MON/mon_features");
	assert_false(resctrl_open(&resctrl, &request, &why));
	assert_non_null(strstr(why.text, "Cannot make a monitoring group"));
	put_group(root, 1, "Unavailable\n", "1\n");
	assert_false(resctrl_open(&resctrl, &request, &why));
	assert_non_null(strstr(why.text, "has no counts"));
	assert_true(resctrl.group[0] == '\0');
	resctrl_close(&resctrl);
	fake_free(root);
}

static const char monitored[] = "/sys/fs/resctrl/mon_groups/stoke-21-%d/%s";

static void put_attached(const char *root, const char *bytes)
{
	fake_put(root, "mbm_total_bytes\n", "/sys/fs/resctrl/info/L3_MON/mon_features");
	fake_put(root, "", monitored, (int)getpid(), "tasks");
	fake_put(root, bytes, monitored, (int)getpid(), "mon_data/mon_L3_00/mbm_total_bytes");
}

/* Every thread of what runs already is put into the group, unless somebody watches it. */
static void resource_control_of_threads(void **state)
{
	char *root = make_machine(false), path[600], text[64] = "";
	const pid_t threads[] = { 21, 22, 31 };
	struct bandwidth bandwidth;
	struct bandwidth_request request = { .threads = threads, .n_threads = 3, .root = root };
	(void)state;
	perf_event_inject(open_nothing);
	put_attached(root, "5000\n");
	bandwidth_open(&bandwidth, &request);
	assert_int_equal(bandwidth.rung, BANDWIDTH_RESCTRL);
	snprintf(path, sizeof path, "%s/sys/fs/resctrl/mon_groups/stoke-21-%d/tasks", root,
		 (int)getpid());
	FILE *file = fopen(path, "r");
	assert_int_equal(fread(text, 1, sizeof text - 1, file), 9);
	fclose(file);
	assert_string_equal(text, "21\n22\n31\n");
	assert_true(bandwidth_read(&bandwidth, NAN).bytes == 5000);
	bandwidth_close(&bandwidth);
	fake_put(root, "res:/\nmon:\n", "/proc/21/cpu_resctrl_groups");
	fake_put(root, "res:/\nmon:theirs\n", "/proc/22/cpu_resctrl_groups");
	put_attached(root, "5000\n");
	bandwidth_open(&bandwidth, &request);
	assert_int_equal(bandwidth.rung, BANDWIDTH_NONE);
	assert_non_null(strstr(bandwidth.reason.text, "Thread 22 is in the monitoring group "
						      "theirs"));
	bandwidth_close(&bandwidth);
	forget_machine(root);
}

static void put_machine(const char *root, const char *rest, const char *first, const char *second)
{
	static const char file[] = "mon_data/mon_L3_00/mbm_total_bytes";
	fake_put(root, "mbm_total_bytes\n", "/sys/fs/resctrl/info/L3_MON/mon_features");
	fake_put(root, rest, "/sys/fs/resctrl/%s", file);
	fake_put(root, "1\n", "/sys/fs/resctrl/mon_groups/in_the_root/%s", file);
	fake_put(root, first, "/sys/fs/resctrl/control/%s", file);
	fake_put(root, "1\n", "/sys/fs/resctrl/control/mon_groups/in_it/%s", file);
	fake_put(root, second, "/sys/fs/resctrl/other/%s", file);
}

/* The root and all control groups, since it was opened; monitoring groups are in them. */
static void resource_control_of_the_machine(void **state)
{
	char *root = make_machine(false);
	struct bandwidth bandwidth;
	struct bandwidth_request request = { .is_whole_machine = true, .root = root };
	(void)state;
	perf_event_inject(open_nothing);
	put_machine(root, "1000\n", "200\n", "30\n");
	bandwidth_open(&bandwidth, &request);
	assert_int_equal(bandwidth.rung, BANDWIDTH_RESCTRL);
	assert_non_null(strstr(bandwidth.reason.text, "Of the whole machine"));
	assert_true(bandwidth_read(&bandwidth, NAN).bytes == 0);
	put_machine(root, "4000\n", "500\n", "60\n");
	assert_true(bandwidth_read(&bandwidth, NAN).bytes == 3330);
	put_machine(root, "4000\n", "500\n", "Unavailable\n");
	assert_true(isnan(bandwidth_read(&bandwidth, NAN).bytes));
	put_machine(root, "100\n", "100\n", "100\n"); /* a group went, and another came */
	assert_true(isnan(bandwidth_read(&bandwidth, NAN).bytes));
	bandwidth_close(&bandwidth);
	forget_machine(root);
}

/* ---- the estimates */

static void misses_come_third(void **state)
{
	char *root = make_machine(false);
	struct bandwidth bandwidth;
	struct bandwidth_request request = { .states_work = true, .root = root };
	(void)state;
	only_uncore = false;
	perf_event_inject(open_by_plan);
	bandwidth_open(&bandwidth, &request);
	if (bandwidth.rung == BANDWIDTH_WORK) {
		printf("SKIP: perf_event_open is forbidden here\n");
		forget_machine(root);
		skip();
	}
	assert_int_equal(bandwidth.rung, BANDWIDTH_MISSES);
	bandwidth_enable(&bandwidth);
	for (volatile int i = 0; i < 1000000; i++)
		;
	struct bandwidth_bytes read = bandwidth_read(&bandwidth, 5);
	assert_int_equal(read.origin, ORIGIN_MODELLED);
	assert_true(read.bytes > 0 && fmod(read.bytes, bandwidth.line_bytes) == 0);
	assert_non_null(strstr(bandwidth.reason.text, "Misses of the last cache times"));
	assert_non_null(strstr(bandwidth.remedy.text, "no resource control"));
	bandwidth_close(&bandwidth);
	forget_machine(root);
}

static void exact_work_comes_last(void **state)
{
	char *root = make_machine(false);
	struct bandwidth bandwidth;
	struct bandwidth_request request = { .states_work = true, .root = root };
	(void)state;
	perf_event_inject(open_nothing);
	bandwidth_open(&bandwidth, &request);
	assert_int_equal(bandwidth.rung, BANDWIDTH_WORK);
	assert_true(bandwidth_read(&bandwidth, 12345).bytes == 12345);
	assert_true(isnan(bandwidth_read(&bandwidth, NAN).bytes));
	assert_int_equal(bandwidth_read(&bandwidth, 1).origin, ORIGIN_MODELLED);
	bandwidth_close(&bandwidth);
	request.states_work = false;
	bandwidth_open(&bandwidth, &request);
	assert_int_equal(bandwidth.rung, BANDWIDTH_NONE);
	assert_true(isnan(bandwidth_read(&bandwidth, 12345).bytes));
	assert_int_equal(bandwidth_read(&bandwidth, 1).origin, ORIGIN_UNAVAILABLE);
	assert_non_null(strstr(bandwidth.reason.text, "uncore_imc"));
	assert_non_null(strstr(bandwidth.reason.text, "resource control"));
	assert_non_null(strstr(bandwidth.remedy.text, "probe.h"));
	bandwidth_close(&bandwidth);
	forget_machine(root);
}

/* ---- in a recording */

static void add_reading(struct recording *recording, uint32_t series, uint64_t time_ns,
			double value)
{
	struct reading_row row = { .time_ns = time_ns,
				   .value = value,
				   .series = series,
				   .running_ratio = 1,
				   .origin = ORIGIN_MODELLED };
	recording_add_reading(recording, &row);
}

static const struct series_row *find_series(const struct recording *recording, const char *name,
					    uint32_t *id)
{
	for (*id = 1; *id < recording_moment(recording).n[TABLE_SERIES]; ++*id) {
		const struct series_row *row = recording_series(recording, *id);
		if (strcmp(recording_string_at(recording, row->name), name) == 0)
			return row;
	}
	return NULL;
}

static size_t readings_of(const struct recording *recording, uint32_t series, double *out)
{
	size_t n = 0;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_READINGS]; i++)
		if (recording_reading(recording, i)->series == series)
			out[n++] = recording_reading(recording, i)->value;
	return n;
}

/* With and without ceilings. */
static void work_becomes_rates(void **state)
{
	const uint64_t ms = 1000000;
	(void)state;
	for (int with = 0; with < 2; with++) {
		char *root = make_machine(false);
		struct recording *recording = recording_new();
		struct sampling sampling;
		struct target target = { .sampling = &sampling,
					 .probe_fd = 3,
					 .is_launched = true };
		void *source = aligned_alloc(64, (source_bandwidth.state_bytes + 63) / 64 * 64);
		struct why why;
		uint32_t rate = 0, ratio = 0;
		double values[8] = { 0 };
		sampling_defaults(&sampling);
		perf_event_inject(open_nothing);
		memset(source, 0, source_bandwidth.state_bytes);
		if (with)
			fake_add_facts(recording); /* 61 GB/s */
		assert_true(source_bandwidth.open(source, &target, recording, &why));
		struct series_row row = { .name = recording_add_string(recording, "work.bytes"),
					  .unit = recording_add_string(recording, "B"),
					  .origin = ORIGIN_MODELLED,
					  .flags = SERIES_WORK };
		uint32_t work = recording_add_series(recording, &row);
		recording_publish(recording);
		source_bandwidth.drain(source, recording, false); /* nothing has been stated */
		uint64_t start = recording->start_ns;
		add_reading(recording, work, start + 100 * ms, 1e9);
		source_bandwidth.drain(source, recording, false); /* where the next begins */
		add_reading(recording, work, start + 120 * ms, 1.1e9);
		source_bandwidth.drain(source, recording, false); /* too soon */
		add_reading(recording, work, start + 300 * ms, 7.1e9);
		source_bandwidth.drain(source, recording, false);
		source_bandwidth.drain(source, recording, false); /* nothing new */
		add_reading(recording, work, start + 310 * ms, 7.2e9);
		source_bandwidth.drain(source, recording, true); /* the last counts, however soon */
		recording_publish(recording);
		const struct series_row *series = find_series(recording, BANDWIDTH_SERIES, &rate);
		assert_int_equal(series->origin, ORIGIN_MODELLED);
		assert_false(bandwidth_is_measured(recording, rate));
		assert_int_equal(readings_of(recording, rate, values), 2);
		assert_float_equal(values[0], 6.1e9 / 0.2, 1);
		assert_float_equal(values[1], 0.1e9 / 0.01, 10);
		series = find_series(recording, BANDWIDTH_RATIO_SERIES, &ratio);
		assert_int_equal(series->origin, with ? ORIGIN_MODELLED : ORIGIN_UNAVAILABLE);
		assert_int_equal(readings_of(recording, ratio, values), with ? 2 : 0);
		if (with)
			assert_float_equal(values[0], 30.5 / 61, 1e-9);
		else
			assert_non_null(strstr(recording_string_at(recording, series->remedy),
					       "stoke bench"));
		source_bandwidth.close(source);
		free(source);
		recording_free(recording);
		forget_machine(root);
	}
}

/* One report in all: its bytes over the time since the beginning. */
static void work_told_once_is_shown(void **state)
{
	char *root = make_machine(false);
	struct recording *recording = recording_new();
	struct sampling sampling;
	struct target target = { .sampling = &sampling, .probe_fd = 3, .is_launched = true };
	void *source = allocate(1, source_bandwidth.state_bytes);
	struct why why;
	uint32_t rate = 0;
	double values[8] = { 0 };
	(void)state;
	sampling_defaults(&sampling);
	perf_event_inject(open_nothing);
	assert_true(source_bandwidth.open(source, &target, recording, &why));
	struct series_row row = { .name = recording_add_string(recording, "work.bytes"),
				  .origin = ORIGIN_MODELLED,
				  .flags = SERIES_WORK };
	add_reading(recording, recording_add_series(recording, &row),
		    recording->start_ns + 500000000, 1e9);
	recording_publish(recording);
	source_bandwidth.drain(source, recording, true);
	recording_publish(recording);
	find_series(recording, BANDWIDTH_SERIES, &rate);
	assert_int_equal(readings_of(recording, rate, values), 1);
	assert_float_equal(values[0], 2e9, 1);
	source_bandwidth.close(source);
	free(source);
	recording_free(recording);
	forget_machine(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controllers_come_first),
		cmocka_unit_test(resource_control_comes_second),
		cmocka_unit_test(resource_control_says_what_is_missing),
		cmocka_unit_test(resource_control_of_threads),
		cmocka_unit_test(resource_control_of_the_machine),
		cmocka_unit_test(misses_come_third),
		cmocka_unit_test(exact_work_comes_last),
		cmocka_unit_test(work_becomes_rates),
		cmocka_unit_test(work_told_once_is_shown),
	};
	setenv("LIBPFM_FORCE_PMU", "skx", 1); /* before libpfm4 is asked for the first time */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
