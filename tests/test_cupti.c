/*
 * From a launch to a span: the injected library and the source, with CUPTI played by a mock. Each
 * program is a child process, as in life: the library sets itself up once and for all.
 * Run as `test_cupti --program`, this is a CUDA program for the whole profiler to record.
 */
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gpu/cupti.h"
#include "gpu/gpu_record.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/recording_file.h"
#include "tests/fixture_cupti.h"
#include "tests/fixture_frames.h"
#include "tests/fixture_inject.h"
#include "tests/fixture_library.h"

int InitializeInjection(void);

enum { LAUNCHES = 40, THREADS = 4 };

/* The functions that the stacks must show. */
__attribute__((noinline)) static void train_step(void)
{
	mock.launch("_Z4gemmPKfS0_Pf", 7, 10000);
	mock.launch("softmax", 13, 3000);
	__asm__ volatile("");
}

__attribute__((noinline)) static void run_program(void)
{
	for (int i = 0; i < LAUNCHES; i++) {
		train_step();
		if (i % 8 == 0)
			mock.deliver();
	}
	mock.graph("tiny", 5);
	mock.copy(1, 1 << 20);
	__asm__ volatile("");
}

static sem_t finished;

/* They end with the process: what libunwind does at a thread's end is after the thread
 * sanitizer's own end, which it does not survive. */
static void *launch_many(void *unused)
{
	for (int i = 0; i < LAUNCHES; i++) {
		mock.sample("softmax", 16 * (uint64_t)i, 0, 1);
		train_step();
		mock.deliver();
	}
	sem_post(&finished);
	for (;;)
		pause();
	return unused;
}

static void run_threads(void)
{
	pthread_t threads[THREADS];
	sem_init(&finished, 0, 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_create(&threads[i], NULL, launch_many, NULL);
		pthread_detach(threads[i]);
	}
	for (int i = 0; i < THREADS; i++)
		sem_wait(&finished);
}

static void run_stray(void)
{
	mock.stray("orphan");
}

static void run_nothing(void)
{
}

/* The thread sanitizer cannot start threads in a forked child. */
static void run_again(void)
{
	execl("/proc/self/exe", "test_cupti", "--threads", (char *)NULL);
	_exit(2);
}

/* ---- ways to end */

/* A child that goes on with what its parent began: CUDA does not work there. */
static void run_forked(void)
{
	run_program();
	pid_t pid = fork();
	if (pid == 0) {
		mock.launch("of the child", 7, 10);
		exit(0); /* what is registered for the end is the parent's business */
	}
	waitpid(pid, NULL, 0);
}

static void run_killed(void)
{
	run_program();
	mock.deliver();
	for (int i = 0; i < 5; i++)
		mock.launch("never seen", 7, 10);
	raise(SIGKILL);
}

static void run_crash(void)
{
	run_program();
	mock.deliver();
	signal(SIGSEGV, SIG_DFL); /* not the sanitizer's */
	raise(SIGSEGV);
}

static struct recording *record(const char *script, void (*program)(void))
{
	return fixture_inject_started(script, InitializeInjection, program);
}

static void everything_is_joined(void **state)
{
	(void)state;
	struct recording *recording = record("", run_program);
	assert_int_equal(fixture_fact(recording, "gpu.spans"), LAUNCHES * 2 + 5 + 2);
	assert_int_equal(fixture_fact(recording, "gpu.matched"), LAUNCHES * 2 + 5 + 1);
	assert_int_equal(fixture_fact(recording, "gpu.unmatched"), 0);
	assert_int_equal(fixture_fact(recording, "gpu.dropped"), 0);
	assert_int_equal(fixture_count_spans(recording, "gemm(float const*, float const*, float*)"),
			 LAUNCHES);
	assert_int_equal(fixture_count_spans(recording, "softmax"), LAUNCHES);
	assert_int_equal(fixture_count_spans(recording, "tiny"), 5);
	assert_int_equal(fixture_count_spans(recording, "copy host to device"), 1);
	assert_int_equal(fixture_count_spans(recording, "wait for stream"), 1);
	uint64_t last_start = 0;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SPANS]; i++) {
		const struct span_row *span = recording_span(recording, i);
		assert_true(span->start_ns >= last_start); /* in order */
		last_start = span->start_ns;
		assert_true(fixture_count_frames_of(recording, span->stack, "test_cupti") >= 2);
	}
	assert_false(fixture_has_note(recording, ""));
	recording_free(recording);
}

static void threads_do_not_mix(void **state)
{
	(void)state;
	setenv("STOKE_GPU_STALLS", "1", 1);
	struct recording *recording = fixture_inject("", run_again);
	unsetenv("STOKE_GPU_STALLS");
	assert_int_equal(fixture_count_stalls(recording), LAUNCHES * THREADS);
	assert_int_equal(fixture_fact(recording, "gpu.matched"), LAUNCHES * 2 * THREADS);
	assert_int_equal(fixture_fact(recording, "gpu.unmatched"), 0);
	recording_free(recording);
}

static void order_and_delay_change_nothing(void **state)
{
	(void)state;
	static const char *const scripts[] = { "reverse=1", "late=1", "late=1,reverse=1" };
	for (size_t i = 0; i < 3; i++) {
		struct recording *recording = record(scripts[i], run_program);
		assert_int_equal(fixture_fact(recording, "gpu.matched"), LAUNCHES * 2 + 5 + 1);
		assert_int_equal(fixture_fact(recording, "gpu.unmatched"), 0);
		assert_false(fixture_has_note(recording, ""));
		recording_free(recording);
	}
}

static void duplicates_count_once(void **state)
{
	(void)state;
	struct recording *recording = record("duplicate=1", run_program);
	assert_int_equal(fixture_fact(recording, "gpu.matched"), LAUNCHES * 2 + 5 + 1);
	assert_true(fixture_has_note(recording, "came twice"));
	recording_free(recording);
}

static void drops_are_counted(void **state)
{
	(void)state;
	struct recording *recording = record("lose=10", run_program);
	uint64_t n = fixture_fact(recording, "gpu.spans"),
		 n_dropped = fixture_fact(recording, "gpu.dropped");
	assert_in_range(n_dropped, 8, 16);
	assert_in_range(n + n_dropped, LAUNCHES * 2 + 5 + 2, LAUNCHES * 2 + 5 + 3); /* a device */
	assert_true(fixture_has_note(recording, "no room in CUPTI"));
	recording_free(recording);
}

static void broken_times_are_left_out(void **state)
{
	(void)state;
	struct recording *recording = record("broken=1", run_program);
	assert_int_equal(fixture_count_spans(recording, "softmax"), 0);
	assert_true(fixture_has_note(recording, "made no sense"));
	recording_free(recording);
}

static void what_nobody_launched_keeps_its_time(void **state)
{
	(void)state;
	struct recording *recording = record("", run_stray);
	assert_int_equal(fixture_fact(recording, "gpu.unmatched"), 1);
	const struct span_row *span = recording_span(recording, 1);
	const struct stack_row *kernel = recording_stack(recording, span->stack);
	const struct frame_row *frame =
		recording_frame(recording, recording_stack(recording, kernel->parent)->frame);
	assert_int_equal(frame->module, 0);
	assert_string_equal(recording_string_at(recording, (uint32_t)frame->address),
			    "[unmatched gpu]");
	assert_int_equal(recording_sample(recording, 1)->weight, 5000);
	recording_free(recording);
}

static void idle_programs_say_nothing(void **state)
{
	(void)state;
	struct recording *recording = record("", run_nothing);
	assert_int_equal(fixture_fact(recording, "gpu.spans"), 0);
	assert_false(fixture_has_note(recording, ""));
	recording_free(recording);
}

static void another_profiler_is_named(void **state)
{
	(void)state;
	struct recording *recording = record("cuptiSubscribe_v2=39", run_program);
	assert_true(fixture_has_note(recording, "another profiler"));
	assert_int_equal(fixture_count_spans(recording, "softmax"), 0);
	recording_free(recording);
}

/* Each call fails with each code: the program goes on, and the recording says so. */
static void every_call_may_fail(void **state)
{
	static const struct {
		const char *name;
		bool is_fatal;
	} calls[] = {
		{ "cuptiSubscribe_v2", true },
		{ "cuptiSetThreadIdType", false },
		{ "cuptiActivityRegisterTimestampCallback", true },
		{ "cuptiActivitySetAttribute", false },
		{ "cuptiActivityRegisterCallbacks", true },
		{ "cuptiActivityEnable", true },
		{ "cuptiActivityGetNextRecord", true },
		{ "cuptiActivityFlushPeriod", false },
		{ "cuptiEnableCallback", false },
		{ "cuptiGetCallbackName", false },
	};
	static const int codes[] = { 1, 2, 7, 14, 15, 35, 38, 39, 41, 43, 999 };
	char script[96];
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		for (size_t j = 0; j < sizeof codes / sizeof codes[0]; j++) {
			snprintf(script, sizeof script, "%s=%d", calls[i].name, codes[j]);
			struct recording *recording = record(script, run_program);
			assert_true(fixture_has_note(recording, "GPU work is"));
			assert_int_equal(fixture_count_spans(recording, "softmax"),
					 calls[i].is_fatal ? 0 : LAUNCHES);
			recording_free(recording);
		}
	}
}

/* Some kinds of record may be refused where kernels are not. */
static void kinds_fail_alone(void **state)
{
	(void)state;
	struct recording *recording = record("cuptiActivityEnable=27,onlykind=1", run_program);
	assert_true(fixture_has_note(recording, "recorded in part"));
	assert_int_equal(fixture_count_spans(recording, "copy host to device"), 0);
	assert_int_equal(fixture_count_spans(recording, "softmax"), LAUNCHES);
	recording_free(recording);
}

/* More than the ring holds before anybody reads: counted, never waited for. */
static void run_flood(void)
{
	for (int i = 0; i < GPU_RING_RECORDS; i++) {
		mock.launch("flood", 7, 10);
		if (i % 1000 == 0)
			mock.deliver();
	}
}

static void a_full_ring_drops(void **state)
{
	(void)state;
	struct recording *recording = record("", run_flood);
	uint64_t n = fixture_fact(recording, "gpu.spans"),
		 n_dropped = fixture_fact(recording, "gpu.dropped");
	assert_in_range(n, 1000, GPU_RING_RECORDS);
	/* Two records a launch, and one piece of a few for each path and name. */
	assert_true(n_dropped >= GPU_RING_RECORDS);
	assert_true(fixture_has_note(recording, "dropped"));
	recording_free(recording);
}

static void forks_are_told_and_do_no_harm(void **state)
{
	(void)state;
	struct recording *recording = record("", run_forked);
	assert_true(fixture_has_note(recording, "forked off"));
	assert_int_equal(fixture_fact(recording, "gpu.matched"), LAUNCHES * 2 + 5 + 1);
	assert_int_equal(fixture_count_spans(recording, "of the child"), 0);
	assert_false(fixture_has_note(recording, "came twice"));
	recording_free(recording);
}

static void a_killed_program_leaves_what_it_told(void **state)
{
	(void)state;
	struct recording *recording =
		fixture_inject_killed("", InitializeInjection, run_killed, SIGKILL);
	assert_int_equal(fixture_fact(recording, "gpu.matched"), LAUNCHES * 2 + 5 + 1);
	assert_true(fixture_has_note(recording, "5 calls that launch or copy have no record"));
	recording_free(recording);
	recording = fixture_inject_killed("", InitializeInjection, run_crash, SIGSEGV);
	assert_int_equal(fixture_fact(recording, "gpu.matched"), LAUNCHES * 2 + 5 + 1);
	assert_false(fixture_has_note(recording, ""));
	recording_free(recording);
}

static void without_cupti(void)
{
	setenv("STOKE_CUPTI", "/nowhere/libcupti.so", 1);
	if (InitializeInjection() != 1)
		_exit(1);
	run_program();
}

static void no_cupti_is_said(void **state)
{
	(void)state;
	struct recording *recording = fixture_inject("", without_cupti);
	assert_true(fixture_has_note(recording, "there is no library at STOKE_CUPTI for it"));
	assert_int_equal(fixture_fact(recording, "gpu.spans"), UINT64_MAX);
	recording_free(recording);
}

/* What each code of CUPTI's leads to doing. */
static void remedies_fit(void **state)
{
	static const struct {
		const char *script, *remedy;
	} cases[] = {
		{ "cuptiActivityEnable=14,onlykind=10", "driver as new as" }, /* old driver */
		{ "cuptiSubscribe_v2=15", "nvidia-smi" },                     /* no driver */
		{ "cuptiActivityEnable=35", "NVreg_Restrict" },
		{ "cuptiSubscribe_v2=39", "other profiler" },
		{ "cuptiActivityEnable=41,onlykind=10", "confidential" },
		{ "cuptiActivityEnable=43,onlykind=10", "MIG" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct recording *recording = record(cases[i].script, run_program);
		bool is_found = false;
		for (uint64_t j = 1; j < recording_moment(recording).n[TABLE_NOTES]; j++)
			is_found |=
				strstr(recording_string_at(
					       recording, recording_note_row(recording, j)->remedy),
				       cases[i].remedy) != NULL;
		assert_true(is_found);
		recording_free(recording);
	}
}

/* ---- the whole profiler */

static void own_folder(char *folder)
{
	ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	folder[n < 0 ? 0 : n] = '\0';
	*strrchr(folder, '/') = '\0';
}

static int program(void)
{
	/* As the driver does it. */
	const char *path = getenv("CUDA_INJECTION64_PATH");
	void *library = path ? dlopen(path, RTLD_NOW) : NULL;
	int (*start)(void);
	if (fixture_cupti_load(NULL) != 0)
		return 3;
	if (!fixture_library_find(library, "InitializeInjection", &start))
		return 4;
	if (start() != 1)
		return 5;
	mock.context();
	mock.sample("softmax", 32, 0, 9);
	run_program();
	return 0;
}

static int threads(void)
{
	if (fixture_cupti_load(NULL) != 0 || InitializeInjection() != 1)
		return 1;
	mock.context();
	run_threads();
	return 0;
}

static void the_profiler_injects_and_names(void **state)
{
	char folder[PATH_MAX], command[PATH_MAX * 3], file[] = "/tmp/stoke-cupti-XXXXXX.stoke";
	struct why why;
	(void)state;
	own_folder(folder);
	snprintf(command, sizeof command, "%s/../stoke", folder);
	if (access(command, X_OK) != 0) {
		print_message("SKIP the_profiler_injects_and_names: stoke is not built\n");
		skip();
	}
	close(mkstemps(file, 6));
	snprintf(command, sizeof command,
		 "%s/../stoke record -q -o %s -- %s/test_cupti --program 2>/dev/null", folder, file,
		 folder);
	assert_int_equal(system(command), 0);
	struct recording *recording = recording_file_open(file, &why);
	assert_non_null(recording);
	assert_int_equal(fixture_fact(recording, "gpu.matched"), LAUNCHES * 2 + 5 + 1);
	assert_true(fixture_has_function(recording, "train_step"));
	assert_true(fixture_has_function(recording, "gemm(float const*, float const*, float*)"));
	assert_false(fixture_has_function(recording, "kernel.cu:102"));
	recording_free(recording);
	snprintf(command, sizeof command,
		 "%s/../stoke record --gpu-stalls -f -q -o %s -- %s/test_cupti --program "
		 "2>/dev/null",
		 folder, file, folder);
	assert_int_equal(system(command), 0);
	recording = recording_file_open(file, &why);
	assert_non_null(recording);
	assert_int_equal(fixture_fact(recording, "gpu.matched"), LAUNCHES * 2 + 5 + 1);
	assert_true(fixture_has_function(recording, "kernel.cu:102"));
	assert_true(fixture_has_function(recording, "stall: long_scoreboard"));
	recording_free(recording);
	snprintf(command, sizeof command,
		 "%s/../stoke record --no-gpu -f -q -o %s -- %s/test_cupti --program 2>/dev/null",
		 folder, file, folder);
	assert_int_equal(WEXITSTATUS(system(command)), 4); /* nothing was injected */
	unlink(file);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--program") == 0)
		return program();
	if (argc > 1 && strcmp(argv[1], "--threads") == 0)
		return threads();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_joined),
		cmocka_unit_test(threads_do_not_mix),
		cmocka_unit_test(order_and_delay_change_nothing),
		cmocka_unit_test(duplicates_count_once),
		cmocka_unit_test(drops_are_counted),
		cmocka_unit_test(broken_times_are_left_out),
		cmocka_unit_test(what_nobody_launched_keeps_its_time),
		cmocka_unit_test(idle_programs_say_nothing),
		cmocka_unit_test(another_profiler_is_named),
		cmocka_unit_test(every_call_may_fail),
		cmocka_unit_test(kinds_fail_alone),
		cmocka_unit_test(a_full_ring_drops),
		cmocka_unit_test(forks_are_told_and_do_no_harm),
		cmocka_unit_test(a_killed_program_leaves_what_it_told),
		cmocka_unit_test(no_cupti_is_said),
		cmocka_unit_test(remedies_fit),
		cmocka_unit_test(the_profiler_injects_and_names),
	};
	return cmocka_run_group_tests(tests, fixture_cupti_load, NULL);
}
