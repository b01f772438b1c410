/*
 * What kernels wait for, line by line: the injected library's part and the source's, with CUPTI's
 * PC sampling played by a mock, every call failing in turn; and NVIDIA's own libcupti, which knows
 * lines without a GPU, asked for those of a cubin of this machine's compiler.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gpu/cupti_pc.h"
#include "gpu/gpu_record.h"
#include "gpu/gpu_stalls.h"
#include "gpu/gpu_tables.h"
#include "sampler/recording.h"
#include "tests/fixture_cupti.h"
#include "tests/fixture_inject.h"
#include "tests/fixture_library.h"

int InitializeInjection(void);

enum { WAITING, WAITING_NOT_ISSUED, SELECTED, NO_REASON };

static int set_up(void **state)
{
	return fixture_cupti_load(state) ? -1 : setenv("STOKE_GPU_STALLS", "1", 1);
}

/* ---- programs */

static const char SOFTMAX[] = "softmax", GEMM[] = "_Z4gemmPKfS0_Pf", BARE[] = "without_lines";

static void here(const char *kernel)
{
	mock.launch(kernel, 7, 1000);
}

static const char *wanted;

static int launch_and_compare(const void *a, const void *b)
{
	(void)a;
	(void)b;
	here(wanted);
	return 0;
}

/* Another place: inner frames of the module that the injected code is in, which is this program,
 * are left out, those of libc are not. */
static void there(const char *kernel)
{
	char two[2] = "";
	wanted = kernel;
	qsort(two, 2, 1, launch_and_compare);
}

static void run_samples(void)
{
	mock.context();
	here(SOFTMAX);
	/* Lines 100, 100 and 101; only two of the four counters are reasons. */
	mock.sample(SOFTMAX, 0, WAITING, 10);
	mock.sample(SOFTMAX, 8, WAITING, 5);
	mock.sample(SOFTMAX, 16, SELECTED, 3);
	mock.sample(SOFTMAX, 16, WAITING_NOT_ISSUED, 1000);
	mock.sample(SOFTMAX, 16, NO_REASON, 1000);
	here(GEMM);
	there(GEMM);
	mock.sample(GEMM, 32, WAITING, 7);
	mock.sample("never_launched", 0, WAITING, 2);
	here(BARE);
	mock.sample(BARE, 0, SELECTED, 4);
	mock.deliver();
}

/* What is left when the context goes. */
static void run_context_end(void)
{
	run_samples();
	mock.context_end();
	here(SOFTMAX);
}

static void here_only(void)
{
	here(SOFTMAX);
}

static struct recording *record(const char *script, void (*program)(void))
{
	return fixture_inject_started(script, InitializeInjection, program);
}

/* ---- what a recording says */

static const char *text_of(const struct recording *recording, uint32_t stack)
{
	const struct frame_row *frame =
		recording_frame(recording, recording_stack(recording, stack)->frame);
	return recording_string_at(recording, (uint32_t)frame->address);
}

/* Samples under kernel;line;reason; *stack: the kernel's. */
static uint64_t weight_of(const struct recording *recording, const char *kernel, const char *line,
			  const char *reason, uint32_t *stack)
{
	uint64_t weight = 0;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SAMPLES]; i++) {
		const struct sample_row *row = recording_sample(recording, i);
		if (!fixture_is_stall(recording, row))
			continue;
		uint32_t at = recording_stack(recording, row->stack)->parent;
		uint32_t above = recording_stack(recording, at)->parent;
		if (strcmp(text_of(recording, row->stack), reason) != 0 ||
		    strcmp(text_of(recording, at), line) != 0 ||
		    strcmp(text_of(recording, above), kernel) != 0)
			continue;
		weight += row->weight;
		*stack = above;
	}
	return weight;
}

static uint32_t parent_of(const struct recording *recording, uint32_t stack)
{
	return recording_stack(recording, stack)->parent;
}

static const char *fact(const struct recording *recording, const char *key)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_FACTS]; i++) {
		const struct fact_row *row = recording_fact(recording, i);
		if (strcmp(recording_string_at(recording, row->key), key) == 0)
			return recording_string_at(recording, row->value);
	}
	return "";
}

static const char GEMM_NAME[] = "gemm(float const*, float const*, float*)";
static const char NO_LINES[] = "[unknown: no -lineinfo, or loaded before stoke came]";

static void check_samples(const struct recording *recording)
{
	uint32_t stack = 0;
	assert_int_equal(
		weight_of(recording, SOFTMAX, "kernel.cu:100", "stall: long_scoreboard", &stack),
		15);
	assert_string_not_equal(text_of(recording, parent_of(recording, stack)),
				"[launched in several places]");
	assert_int_not_equal(parent_of(recording, stack), 0);
	assert_int_equal(weight_of(recording, SOFTMAX, "kernel.cu:101", "issuing", &stack), 3);
	assert_int_equal(
		weight_of(recording, GEMM_NAME, "kernel.cu:102", "stall: long_scoreboard", &stack),
		7);
	uint32_t places = parent_of(recording, stack);
	assert_string_equal(text_of(recording, places), "[launched in several places]");
	assert_int_not_equal(parent_of(recording, places), 0); /* what they have in common */
	assert_int_equal(weight_of(recording, "never_launched", "kernel.cu:100",
				   "stall: long_scoreboard", &stack),
			 2);
	assert_string_equal(text_of(recording, parent_of(recording, stack)), "[unmatched gpu]");
	assert_int_equal(weight_of(recording, BARE, NO_LINES, "issuing", &stack), 4);
	assert_int_equal(fixture_count_stalls(recording), 15 + 3 + 7 + 2 + 4);
}

/* ---- tests */

static void samples_stand_below_their_lines(void **state)
{
	static const char *const scripts[] = { "", "room=1", "late=1", "reverse=1" };
	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct recording *recording = record(scripts[i], run_samples);
		check_samples(recording);
		assert_false(fixture_has_note(recording, ""));
		assert_string_equal(fact(recording, "gpu.stalls"),
				    "sampled every 4096 cycles of each multiprocessor");
		recording_free(recording);
	}
}

static void the_end_of_a_context_loses_nothing(void **state)
{
	(void)state;
	struct recording *recording = record("", run_context_end);
	check_samples(recording);
	assert_false(fixture_has_note(recording, ""));
	recording_free(recording);
}

static void not_asked_for_it_is_off(void **state)
{
	(void)state;
	unsetenv("STOKE_GPU_STALLS");
	struct recording *recording = record("", run_samples);
	assert_int_equal(fixture_count_stalls(recording), 0);
	assert_int_equal(fixture_count_spans(recording, SOFTMAX), 1);
	assert_false(fixture_has_note(recording, ""));
	assert_non_null(strstr(fact(recording, "gpu.stalls"), "--gpu-stalls"));
	recording_free(recording);
	setenv("STOKE_GPU_STALLS", "1", 1);
}

static bool has_remedy(const struct recording *recording, const char *part)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_NOTES]; i++)
		if (strstr(recording_string_at(recording, recording_note_row(recording, i)->remedy),
			   part))
			return true;
	return false;
}

/* All else is recorded, whatever is refused. */
static void every_call_may_fail(void **state)
{
	static const char *const calls[] = {
		"cuptiPCSamplingGetNumStallReasons",
		"cuptiPCSamplingGetStallReasons",
		"cuptiPCSamplingSetConfigurationAttribute",
		"cuptiPCSamplingEnable",
		"cuptiPCSamplingGetData",
		"reasons",
	};
	static const int codes[] = { 1, 2, 7, 15, 35, 41, 43, 999 };
	char script[96], part[96];
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		for (size_t j = 0; j < sizeof codes / sizeof codes[0]; j++) {
			bool is_count = strcmp(calls[i], "reasons") == 0;
			snprintf(script, sizeof script, "%s=%d", calls[i], is_count ? 0 : codes[j]);
			struct recording *recording = record(script, run_samples);
			snprintf(part, sizeof part, "%s failed with code %d", calls[i], codes[j]);
			assert_true(
				fixture_has_note(recording, is_count ? "libcupti has no" : part));
			assert_true(fixture_has_note(recording, "wait for is not sampled"));
			assert_int_equal(has_remedy(recording, "NVreg_Restrict"),
					 codes[j] == 35 && !is_count);
			assert_int_equal(fixture_count_stalls(recording), 0);
			assert_int_equal(fixture_count_spans(recording, SOFTMAX), 1);
			assert_in_range(fixture_count_spans(recording, GEMM_NAME), 2, 9);
			recording_free(recording);
		}
}

/* What fails late, or matters less. */
static void some_calls_are_done_without(void **state)
{
	(void)state;
	uint32_t stack;
	struct recording *recording = record("cuptiPCSamplingDisable=2", run_samples);
	assert_int_equal(fixture_count_stalls(recording), 31);
	assert_true(fixture_has_note(recording, "is sampled in part: cuptiPCSamplingDisable"));
	recording_free(recording);
	recording = record("cuptiPCSamplingGetConfigurationAttribute=2", run_samples);
	check_samples(recording);
	assert_string_equal(fact(recording, "gpu.stalls"), "sampled, at a pace of CUPTI's own");
	recording_free(recording);
	static const char *const lines[] = { "cuptiGetSassToSourceCorrelation=999",
					     "cuptiGetCubinCrc=1" };
	for (size_t i = 0; i < 2; i++) {
		recording = record(lines[i], run_samples);
		assert_int_equal(
			weight_of(recording, SOFTMAX, NO_LINES, "stall: long_scoreboard", &stack),
			15);
		assert_int_equal(fixture_count_stalls(recording), 31);
		recording_free(recording);
	}
}

static void what_is_lost_is_said(void **state)
{
	(void)state;
	struct recording *recording = record("hardware_dropped=9,foreign=4", run_samples);
	assert_true(fixture_has_note(recording, "dropped by the GPU"));
	assert_true(fixture_has_note(recording, "not the program's own"));
	assert_int_equal(fixture_count_stalls(recording), 31);
	recording_free(recording);
	recording = record("cuptiPCSamplingGetData=8", run_samples);
	assert_true(fixture_has_note(recording, "too rarely"));
	assert_false(fixture_has_note(recording, "not sampled"));
	/* Disabling hands out what is left. */
	assert_int_equal(fixture_count_stalls(recording), 31);
	recording_free(recording);
}

/* CUPTI says that there are more than it was given room for. */
static void counts_are_not_believed(void **state)
{
	(void)state;
	struct recording *recording = record("claimed=100000000", run_samples);
	assert_true(fixture_count_stalls(recording) >= 31);
	recording_free(recording);
}

/* A callback for modules or contexts is refused: nothing is sampled. */
static void without_contexts_it_is_said(void **state)
{
	(void)state;
	struct recording *recording = record("cuptiEnableCallback=15", run_samples);
	assert_true(fixture_has_note(recording, "cuptiEnableCallback: resources"));
	assert_int_equal(fixture_count_stalls(recording), 0);
	recording_free(recording);
	recording = record("", here_only);
	assert_non_null(strstr(fact(recording, "gpu.stalls"), "made no context"));
	recording_free(recording);
}

/* ---- what the source makes of hostile records */

static void send_line(struct gpu_stalls *stalls, const struct gpu_stall_line *line, bool is_good)
{
	struct shared_record record = { .type = GPU_STALLS, .time_ns = 1, .pid = 1, .tid = 1 };
	memcpy(record.payload, line, sizeof *line);
	assert_int_equal(gpu_stalls_add(stalls, &record), is_good);
}

static void names_may_be_missing(void **state)
{
	struct recording *recording = recording_new();
	struct gpu_tables *tables = gpu_tables_new(recording);
	struct gpu_stalls *stalls = gpu_stalls_new(recording, tables);
	struct gpu_stall_line line = { .function = 1, .file = 2, .line = 3, .n = 2 };
	const struct gpu_stalls_end end = { true, true, true };
	uint32_t stack;
	(void)state;
	line.reasons[0] = 9;
	line.n_samples[0] = 6;
	send_line(stalls, &line, true);
	line.n = GPU_STALL_REASONS + 1;
	send_line(stalls, &line, false);
	gpu_stalls_emit(stalls, 2, &end);
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	assert_int_equal(
		weight_of(recording, "[kernel without name]", NO_LINES, "stall: ?", &stack), 6);
	gpu_stalls_free(stalls);
	gpu_tables_free(tables);
	recording_free(recording);
}

/* ---- NVIDIA's own */

/* By its path: the mock has its name by now. */
static void *open_real(void)
{
	static const char *const names[] = { "/usr/local/cuda/lib64/libcupti.so",
					     "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so" };
	void *library = NULL;
	for (size_t i = 0; i < sizeof names / sizeof names[0] && !library; i++)
		library = dlopen(names[i], RTLD_NOW);
	return library;
}

static size_t make_cubin(char **bytes)
{
	char folder[] = "/tmp/stoke-stalls-XXXXXX", command[512];
	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof command,
		 "cd %s && printf '__global__ void half(float *x)\\n{\\n\\tx[threadIdx.x] *= "
		 "0.5f;\\n}\\n' >half.cu && PATH=$PATH:/usr/local/cuda/bin nvcc -cubin -lineinfo "
		 "-arch=sm_90 -o half.cubin half.cu >log 2>&1",
		 folder);
	size_t n = 0;
	if (system(command) == 0) {
		snprintf(command, sizeof command, "%s/half.cubin", folder);
		FILE *file = fopen(command, "r");
		*bytes = calloc(1 << 20, 1);
		n = file ? fread(*bytes, 1, 1 << 20, file) : 0;
		if (file)
			fclose(file);
	}
	snprintf(command, sizeof command, "rm -rf %s", folder);
	(void)!system(command);
	return n;
}

static void lines_are_nvidias(void **state)
{
	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	print_message("SKIP lines_are_nvidias: libcupti opens others by RTLD_DEEPBIND, which "
		      "sanitizers do not survive\n");
	skip();
#endif
	char *cubin = NULL;
	void *library = open_real();
	size_t n = library ? make_cubin(&cubin) : 0;
	if (!n) {
		print_message("SKIP lines_are_nvidias: there is no libcupti, or no nvcc\n");
		skip();
	}
	int (*line_of)(struct cupti_pc_line *), (*crc_of)(struct cupti_pc_crc *);
	assert_true(fixture_library_find(library, "cuptiGetSassToSourceCorrelation", &line_of));
	assert_true(fixture_library_find(library, "cuptiGetCubinCrc", &crc_of));
	struct cupti_pc_crc crc = { CUPTI_PC_BYTES(struct cupti_pc_crc, crc), n, cubin, 0 };
	assert_int_equal(crc_of(&crc), 0);
	assert_int_not_equal(crc.crc, 0);
	unsigned n_third = 0;
	for (uint64_t offset = 0; offset < 16 * 16; offset += 16) {
		struct cupti_pc_line line = { .bytes = CUPTI_PC_BYTES(struct cupti_pc_line, folder),
					      .cubin = cubin,
					      .function = "_Z4halfPf",
					      .cubin_bytes = n,
					      .offset = offset };
		if (line_of(&line) != 0)
			continue;
		assert_in_range(line.line, 1, 4);
		assert_non_null(strstr(line.file, "half.cu"));
		n_third += line.line == 3;
		free(line.file);
		free(line.folder);
	}
	assert_true(n_third > 0);
	free(cubin);
}

int main(void)
{
	const struct CMUnitTest real[] = { cmocka_unit_test(lines_are_nvidias) };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_stand_below_their_lines),
		cmocka_unit_test(the_end_of_a_context_loses_nothing),
		cmocka_unit_test(not_asked_for_it_is_off),
		cmocka_unit_test(every_call_may_fail),
		cmocka_unit_test(some_calls_are_done_without),
		cmocka_unit_test(what_is_lost_is_said),
		cmocka_unit_test(counts_are_not_believed),
		cmocka_unit_test(without_contexts_it_is_said),
		cmocka_unit_test(names_may_be_missing),
	};
	int n_failed = cmocka_run_group_tests_name("tests", tests, set_up, NULL);
	return n_failed + cmocka_run_group_tests_name("NVIDIA's own", real, NULL, NULL);
}
