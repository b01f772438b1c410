/* NVML by a mock library: every value in its unit, and every call failing in turn. */
#include <dlfcn.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gpu/gpu_process.h"
#include "gpu/nvml.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"
#include "tests/fixture_library.h"
#include "tests/fixture_machine.h"

extern const struct source source_nvml;

static const char *const calls[] = {
	"nvmlInit_v2",
	"nvmlShutdown",
	"nvmlSystemGetDriverVersion",
	"nvmlDeviceGetCount_v2",
	"nvmlDeviceGetHandleByIndex_v2",
	"nvmlDeviceGetName",
	"nvmlDeviceGetUUID",
	"nvmlDeviceGetPowerUsage",
	"nvmlDeviceGetEnforcedPowerLimit",
	"nvmlDeviceGetTotalEnergyConsumption",
	"nvmlDeviceGetClockInfo",
	"nvmlDeviceGetTemperature",
	"nvmlDeviceGetCurrentClocksThrottleReasons",
	"nvmlDeviceGetMemoryInfo",
	"nvmlDeviceGetUtilizationRates",
	"nvmlDeviceGetTotalEccErrors",
	"nvmlDeviceGetComputeRunningProcesses_v3",
};

static struct sampling sampling;
static struct target target;

static int script(const char *text)
{
	return setenv("MOCK_SCRIPT", text, 1);
}

/* Runs before the mock is loaded; a machine with the real library has nothing to show here. */
static void no_library_is_a_sentence(void **state)
{
	struct why why = { "" };
	(void)state;
	struct nvml *nvml = nvml_open(&why);
	if (nvml) {
		nvml_close(nvml);
		print_message("SKIP no_library: this machine has NVML\n");
		skip();
	}
	assert_non_null(strstr(why.text, "install"));
}

static int load_mock(void **state)
{
	(void)state;
	sampling_defaults(&sampling);
	target.sampling = &sampling;
	target.pid = getpid();
	return script("") == 0 && fixture_library("mock_nvml") ? 0 : -1;
}

/* The value a metric has now; NaN if it has no reading. */
static double last_value(const struct recording *recording, const char *name, const char *device)
{
	struct moment moment = recording_moment(recording);
	for (uint64_t i = moment.n[TABLE_READINGS]; i-- > 1;) {
		const struct reading_row *row = recording_reading(recording, i);
		const struct series_row *series = recording_series(recording, row->series);
		if (strcmp(recording_string_at(recording, series->name), name) == 0 &&
		    strcmp(recording_string_at(recording, series->device), device) == 0)
			return row->value;
	}
	return NAN;
}

static struct recording *record(bool *is_open, struct why *why)
{
	struct recording *recording = recording_new();
	void *state = allocate(1, source_nvml.state_bytes);
	*is_open = source_nvml.open(state, &target, recording, why);
	if (*is_open) {
		source_nvml.drain(state, recording, false);
		source_nvml.drain(state, recording, true);
		source_nvml.close(state);
	}
	recording_publish(recording);
	free(state);
	return recording;
}

static const struct series_row *find_series(const struct recording *recording, const char *name)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SERIES]; i++) {
		const struct series_row *row = recording_series(recording, i);
		if (strcmp(recording_string_at(recording, row->name), name) == 0)
			return row;
	}
	return NULL;
}

/* Where our numbers are not the host's, the driver's say nothing of us. */
static void check_own_memory(const struct recording *recording)
{
	static const char name[] = "GPU memory of the program";
	if (gpu_process_sees_host("")) {
		assert_float_equal(last_value(recording, name, "GPU 0"), 123456789, 1);
		return;
	}
	assert_true(isnan(last_value(recording, name, "GPU 0")));
	assert_int_equal(find_series(recording, name)->origin, ORIGIN_UNAVAILABLE);
}

static void values_have_their_units(void **state)
{
	struct why why;
	bool is_open;
	(void)state;
	script("");
	assert_null(source_nvml.unusable());
	assert_true(source_nvml.wanted(&target));
	struct recording *recording = record(&is_open, &why);
	assert_true(is_open);
	assert_float_equal(last_value(recording, "GPU power", "GPU 0"), 412.5, 1e-9);
	assert_float_equal(last_value(recording, "GPU power limit", "GPU 1"), 700, 1e-9);
	assert_float_equal(last_value(recording, "GPU energy", "GPU 0"), 5000123.456, 1e-6);
	assert_float_equal(last_value(recording, "GPU SM clock", "GPU 0"), 1.98e9, 1);
	assert_float_equal(last_value(recording, "GPU memory clock", "GPU 0"), 3.201e9, 1);
	assert_float_equal(last_value(recording, "GPU temperature", "GPU 0"), 61, 1e-9);
	assert_float_equal(last_value(recording, "GPU busy", "GPU 0"), 0.87, 1e-9);
	assert_float_equal(last_value(recording, "GPU memory busy", "GPU 0"), 0.45, 1e-9);
	assert_float_equal(last_value(recording, "GPU memory used", "GPU 0"), 1e9, 1);
	assert_float_equal(last_value(recording, "GPU throttled", "GPU 0"), 1, 0);
	assert_float_equal(last_value(recording, "GPU ECC corrected", "GPU 0"), 3, 0);
	assert_float_equal(last_value(recording, "GPU ECC uncorrected", "GPU 0"), 0, 0);
	assert_float_equal(last_value(recording, "GPU processes", "GPU 0"), 2, 0);
	check_own_memory(recording);
	assert_string_equal(recording_string_at(recording, recording_note_row(recording, 1)->text),
			    "GPU 0 lowered its clocks because of its power limit.");
	recording_free(recording);
}

static void idle_clocks_are_no_throttling(void **state)
{
	struct why why;
	bool is_open;
	(void)state;
	script("reasons=1,processes=1");
	struct recording *recording = record(&is_open, &why);
	assert_true(is_open);
	assert_float_equal(last_value(recording, "GPU throttled", "GPU 0"), 0, 0);
	assert_int_equal(recording_moment(recording).n[TABLE_NOTES], 1);
	recording_free(recording);
}

static void no_device_is_a_sentence(void **state)
{
	(void)state;
	script("devices=0");
	assert_non_null(strstr(source_nvml.unusable(), "no GPU"));
	assert_false(source_nvml.wanted(&target));
	script("devices=1000");
	struct why why;
	struct nvml *nvml = nvml_open(&why);
	assert_int_equal(nvml_n_devices(nvml), NVML_MOST_DEVICES);
	nvml_close(nvml);
}

static void counts_of_processes_are_not_trusted(void **state)
{
	struct why why;
	struct nvml_process processes[NVML_MOST_PROCESSES];
	uint32_t n;
	(void)state;
	script("processes=4000000000");
	struct nvml *nvml = nvml_open(&why);
	assert_int_equal(nvml_processes(nvml, 0, processes, &n), NVML_SUCCESS);
	assert_int_equal(n, NVML_MOST_PROCESSES);
	assert_true(isnan(processes[1].memory_bytes));
	nvml_close(nvml);
}

static void no_gpu_keeps_it_out(void **state)
{
	(void)state;
	script("");
	sampling.no_gpu = true;
	assert_false(source_nvml.wanted(&target));
	sampling.no_gpu = false;
}

static void check_unavailable(const struct recording *recording)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SERIES]; i++) {
		const struct series_row *row = recording_series(recording, i);
		assert_true((row->origin == ORIGIN_UNAVAILABLE) ==
			    (recording_string_at(recording, row->reason)[0] != '\0'));
	}
}

/* Each call fails with each code: either a sentence, or a series with its reason, or no harm. */
static void every_call_may_fail(void **state)
{
	static const int codes[] = { 1, 2, 3, 4, 9, 13, 15, 18, 999, -5 };
	char text[96];
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		for (size_t j = 0; j < sizeof codes / sizeof codes[0]; j++) {
			struct why why = { "" };
			bool is_open;
			snprintf(text, sizeof text, "%s=%d", calls[i], codes[j]);
			script(text);
			struct recording *recording = record(&is_open, &why);
			assert_true(is_open || strlen(why.text) > 20);
			assert_int_equal(is_open, i != 0 && i != 3); /* init and count */
			check_unavailable(recording);
			if (strcmp(calls[i], "nvmlDeviceGetPowerUsage") == 0)
				assert_true(isnan(last_value(recording, "GPU power", "GPU 0")));
			recording_free(recording);
		}
	}
}

static void a_lost_device_is_left_alone(void **state)
{
	struct why why;
	struct recording *recording = recording_new();
	void *source = allocate(1, source_nvml.state_bytes);
	(void)state;
	script("reasons=0,processes=1");
	assert_true(source_nvml.open(source, &target, recording, &why));
	script("nvmlDeviceGetClockInfo=15,processes=1");
	source_nvml.drain(source, recording, true);
	uint64_t n = recording->tables[TABLE_READINGS].n_rows;
	script("");
	source_nvml.drain(source, recording, true);
	assert_int_equal(recording->tables[TABLE_READINGS].n_rows, n);
	assert_int_equal(recording->tables[TABLE_NOTES].n_rows, 3); /* one a device */
	source_nvml.close(source);
	free(source);
	recording_free(recording);
}

/* ---- who is on the device */

static void processes_have_two_numbers(void **state)
{
	char *folder = fake_new(), command[512], text[128];
	struct gpu_process process;
	(void)state;
	snprintf(command, sizeof command,
		 "cd %s && mkdir -p proc/4711/fd proc/12/fd proc/self/ns && "
		 "ln -s /dev/nvidia0 proc/4711/fd/5 && ln -s /dev/null proc/12/fd/0 && "
		 "ln -s 'pid:[4026531836]' proc/self/ns/pid",
		 folder);
	assert_int_equal(system(command), 0);
	fake_put(folder, "Name:\ttra\033in\nPPid:\t12\nNSpid:\t4711\t300\t9\n",
		 "/proc/4711/status");
	fake_put(folder, "Name:\tbash\nPPid:\t1\nNSpid:\t12\n", "/proc/12/status");
	fake_put(folder, "", "/proc/7/status");
	assert_true(gpu_process_read(folder, 4711, &process));
	assert_int_equal(process.parent, 12);
	assert_int_equal(process.inner_pid, 9);
	assert_null(strchr(process.name, '\033'));
	assert_non_null(strstr(gpu_process_print(&process, text, sizeof text),
			       "4711 (9 in its container) tra"));
	assert_true(gpu_process_has_device(folder, 4711));
	assert_true(gpu_process_read(folder, 12, &process));
	assert_string_equal(gpu_process_print(&process, text, sizeof text), "12 bash");
	assert_false(gpu_process_has_device(folder, 12));
	assert_false(gpu_process_read(folder, 7, &process));
	assert_false(gpu_process_read(folder, 99, &process));
	assert_string_equal(gpu_process_print(&process, text, sizeof text), "99 [not in sight]");
	assert_true(gpu_process_sees_host(folder));
	snprintf(command, sizeof command, "ln -sfn 'pid:[4026532000]' %s/proc/self/ns/pid", folder);
	assert_int_equal(system(command), 0);
	assert_false(gpu_process_sees_host(folder));
	assert_false(gpu_process_sees_host("/nowhere"));
	fake_free(folder);
}

static void others_on_the_device_are_named(void **state)
{
	struct why why;
	bool is_open, is_found = false;
	(void)state;
	if (!gpu_process_sees_host("")) {
		print_message("SKIP others_on_the_device_are_named: our numbers are not the "
			      "host's\n");
		skip();
	}
	script("reasons=0");
	struct recording *recording = record(&is_open, &why);
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_NOTES]; i++)
		is_found |= strstr(recording_string_at(recording,
						       recording_note_row(recording, i)->text),
				   "GPU 0 is also used by 1 other process: 1 ") != NULL;
	assert_true(is_found);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest before[] = { cmocka_unit_test(no_library_is_a_sentence) };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_have_their_units),
		cmocka_unit_test(idle_clocks_are_no_throttling),
		cmocka_unit_test(no_device_is_a_sentence),
		cmocka_unit_test(counts_of_processes_are_not_trusted),
		cmocka_unit_test(no_gpu_keeps_it_out),
		cmocka_unit_test(every_call_may_fail),
		cmocka_unit_test(a_lost_device_is_left_alone),
		cmocka_unit_test(processes_have_two_numbers),
		cmocka_unit_test(others_on_the_device_are_named),
	};
	int n_failed = cmocka_run_group_tests(before, NULL, NULL);
	return n_failed + cmocka_run_group_tests(tests, load_mock, NULL);
}
