/*
 * A profiler comes to a CUDA program that runs, and goes again: kernels in between, whatever fails,
 * and however either of them ends.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gpu/attach_socket.h"
#include "sampler/recording.h"
#include "tests/fixture_dormant.h"
#include "tests/fixture_inject.h"
#include "tests/fixture_late.h"

int InitializeInjection(void);

static void check_device(const struct recording *recording)
{
	bool is_found = false;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_FACTS]; i++) {
		const struct fact_row *row = recording_fact(recording, i);
		is_found |= strcmp(recording_string_at(recording, row->key), "gpu.0.device") == 0 &&
			    strcmp(recording_string_at(recording, row->value),
				   "Mock of the driver") == 0;
	}
	assert_true(is_found);
}

/* Twice: the second profiler knows nothing of what the first was told. What runs between is
 * nobody's. */
static void a_running_program_is_attached_to(void **state)
{
	struct late_session session;
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(fixture_dormant_do(&dormant, 'r'));
		late_session_open(&session, &dormant.pid);
		assert_true(late_session_wait(&session, "gpu.cupti"));
		assert_true(fixture_dormant_do(&dormant, 'r'));
		struct recording *recording = late_session_close(&session);
		late_session_check(recording);
		check_device(recording);
		assert_false(fixture_has_note(recording, ""));
		recording_free(recording);
	}
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

static void stalls_are_sampled_where_they_are_asked_for(void **state)
{
	struct late_session session;
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	(void)state;
	for (int i = 0; i < 2; i++) {
		setenv("STOKE_GPU_STALLS", "1", 1);
		late_session_open(&session, &dormant.pid);
		unsetenv("STOKE_GPU_STALLS");
		assert_true(late_session_wait(&session, "gpu.cupti"));
		assert_true(fixture_dormant_do(&dormant, 'r'));
		struct recording *recording = late_session_close(&session);
		assert_int_equal(fixture_count_stalls(recording), DORMANT_LAUNCHES);
		assert_int_equal(fixture_fact(recording, "gpu.matched"), DORMANT_LAUNCHES * 2);
		recording_free(recording);
	}
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

/* Launches go on in several threads while profilers come and go. */
static void threads_go_on_meanwhile(void **state)
{
	struct late_session session;
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	(void)state;
	assert_true(fixture_dormant_do(&dormant, 't'));
	for (int i = 0; i < 8; i++) {
		if (i % 2)
			setenv("STOKE_GPU_STALLS", "1", 1);
		late_session_open(&session, &dormant.pid);
		unsetenv("STOKE_GPU_STALLS");
		assert_true(late_session_wait(&session, "gpu.cupti"));
		struct recording *recording = late_session_close(&session);
		recording_free(recording);
	}
	assert_true(fixture_dormant_do(&dormant, ' '));
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

/* A profiler that ends in the middle, by kill -9. */
static void a_killed_profiler_is_noticed(void **state)
{
	struct late_session session;
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	int started[2];
	char byte;
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pipe2(started, O_CLOEXEC), 0);
		pid_t profiler = fork();
		if (profiler == 0) {
			late_session_open(&session, &dormant.pid);
			if (late_session_wait(&session, "gpu.cupti") &&
			    write(started[1], "s", 1) == 1)
				pause();
			_exit(1);
		}
		close(started[1]);
		assert_int_equal(read(started[0], &byte, 1), 1);
		kill(profiler, SIGKILL);
		waitpid(profiler, NULL, 0);
		close(started[0]);
		assert_true(fixture_dormant_do(&dormant, 'r'));
	}
	/* If it is letting go of the last one still, it is asked again. */
	late_session_open(&session, &dormant.pid);
	assert_true(late_session_wait(&session, "gpu.cupti"));
	assert_true(fixture_dormant_do(&dormant, 'r'));
	struct recording *recording = late_session_close(&session);
	late_session_check(recording);
	recording_free(recording);
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

static void the_second_profiler_is_told_of_the_first(void **state)
{
	struct late_session first, second;
	char text[128];
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	(void)state;
	late_session_open(&first, &dormant.pid);
	assert_true(late_session_wait(&first, "gpu.cupti"));
	late_session_open(&second, &dormant.pid);
	snprintf(text, sizeof text, "is taken by process %d (", (int)getpid());
	assert_true(late_session_wait(&second, text));
	assert_true(fixture_dormant_do(&dormant, 'r'));
	struct recording *recording = late_session_close(&first);
	late_session_check(recording);
	recording_free(recording);
	/* It asks again. */
	assert_true(late_session_wait(&second, "gpu.cupti"));
	assert_true(fixture_dormant_do(&dormant, 'r'));
	recording = late_session_close(&second);
	late_session_check(recording);
	recording_free(recording);
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

static void what_one_profiler_left_is_not_told_to_the_next(void **state)
{
	struct dormant dormant = fixture_dormant_start("--dormant", "behind=1");
	(void)state;
	for (int i = 0; i < 3; i++)
		late_session_run(&dormant);
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

/* ---- ways to end */

static void what_a_program_leaves_is_kept(void **state)
{
	struct late_session session;
	(void)state;
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	late_session_open(&session, &dormant.pid);
	assert_true(late_session_wait(&session, "gpu.cupti"));
	assert_true(fixture_dormant_do(&dormant, 'r'));
	assert_int_equal(fixture_dormant_end(&dormant), 0); /* flushes as it leaves */
	struct recording *recording = late_session_close(&session);
	late_session_check(recording);
	recording_free(recording);

	dormant = fixture_dormant_start("--dormant", "");
	late_session_open(&session, &dormant.pid);
	assert_true(late_session_wait(&session, "gpu.cupti"));
	assert_false(fixture_dormant_do(&dormant, 'k'));
	assert_int_equal(fixture_dormant_end(&dormant), SIGKILL);
	recording = late_session_close(&session);
	late_session_check(recording);
	recording_free(recording);
}

static void forks_keep_nothing_open(void **state)
{
	struct late_session session;
	struct attach_peer peer;
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	struct stat namespace;
	(void)state;
	assert_int_equal(stat("/proc/self/ns/pid", &namespace), 0);
	const struct attach_place place = { namespace.st_ino, (uint32_t)dormant.pid };
	late_session_open(&session, &dormant.pid);
	assert_true(late_session_wait(&session, "gpu.cupti"));
	assert_true(fixture_dormant_do(&dormant, 'f'));
	assert_true(late_session_wait(&session, "forked off"));
	assert_true(fixture_dormant_do(&dormant, 'r'));
	struct recording *recording = late_session_close(&session);
	late_session_check(recording);
	assert_int_equal(fixture_count_spans(recording, "of the child"), 0);
	recording_free(recording);
	assert_int_equal(fixture_dormant_end(&dormant), 0);
	/* The child is still there; the name is not. */
	assert_int_equal(attach_socket_connect_place(&place, &peer), ATTACH_NOBODY);
}

static void a_program_may_close_everything(void **state)
{
	struct late_session session;
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	(void)state;
	late_session_open(&session, &dormant.pid);
	assert_true(late_session_wait(&session, "gpu.cupti"));
	assert_true(fixture_dormant_do(&dormant, 'r'));
	assert_true(fixture_dormant_do(&dormant, 'c'));
	assert_true(fixture_dormant_do(&dormant, 'r'));
	struct recording *recording = late_session_close(&session);
	/* Full buffers of the first run were in the ring before. Whether anything is told later
	 * depends on whether the thread that listens was asleep on what was closed. */
	assert_true(fixture_count_spans(recording, "softmax") > DORMANT_LAUNCHES / 2);
	recording_free(recording);
	/* Whatever comes now: the program goes on. */
	for (int i = 0; i < 3; i++) {
		struct attach_peer peer;
		if (attach_socket_connect(dormant.pid, &peer) == ATTACH_CONNECTED)
			close(peer.fd);
		usleep(20000);
	}
	assert_true(fixture_dormant_do(&dormant, 'r'));
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

/* ---- each call of CUPTI's failing as a profiler comes, or goes */

static void every_call_may_fail(void **state)
{
	static const struct {
		const char *name;
		bool is_fatal, is_silent, is_late;
	} calls[] = {
		{ "cuptiSubscribe_v2", true, false, false },
		{ "cuptiSetThreadIdType", false, false, false },
		{ "cuptiActivityRegisterTimestampCallback", true, false, false },
		{ "cuptiActivitySetAttribute", false, false, false },
		{ "cuptiActivityRegisterCallbacks", true, false, false },
		{ "cuptiActivityEnable", true, false, false },
		{ "cuptiActivityGetNextRecord", true, false, true },
		{ "cuptiActivityFlushPeriod", false, false, false },
		{ "cuptiEnableCallback", false, false, false },
		{ "cuptiGetCallbackName", false, false, false },
		{ "cuptiActivityDisable", false, true, false },
		{ "cuptiUnsubscribe", false, true, false },
		{ "cuptiActivityFlushAll", false, true, false },
		{ "cuDeviceGetCount", false, true, false },
	};
	static const int codes[] = { 1, 999 };
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0] * 2; i++) {
		struct late_session session;
		char script[96];
		const bool is_fatal = calls[i / 2].is_fatal;
		const bool is_begun = !is_fatal || calls[i / 2].is_late;
		snprintf(script, sizeof script, "%s=%d", calls[i / 2].name, codes[i % 2]);
		struct dormant dormant = fixture_dormant_start("--dormant", script);
		for (int round = 0; round < 2; round++) {
			late_session_open(&session, &dormant.pid);
			/* What fails for good leaves a note, the rest begins. */
			assert_true(late_session_wait(&session, is_begun ? "gpu.cupti" : ""));
			assert_true(fixture_dormant_do(&dormant, 'r'));
			struct recording *recording = late_session_close(&session);
			assert_int_equal(fixture_count_spans(recording, "softmax"),
					 is_fatal ? 0 : DORMANT_LAUNCHES);
			assert_int_equal(fixture_has_note(recording, "GPU work is"),
					 !calls[i / 2].is_silent);
			recording_free(recording);
		}
		assert_true(fixture_dormant_do(&dormant, 'r'));
		assert_int_equal(fixture_dormant_end(&dormant), 0);
	}
}

static void no_cupti_is_said(void **state)
{
	struct late_session session;
	(void)state;
	setenv("STOKE_CUPTI", "/nowhere/libcupti.so", 1);
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	unsetenv("STOKE_CUPTI");
	for (int i = 0; i < 2; i++) {
		late_session_open(&session, &dormant.pid);
		assert_true(late_session_wait(&session, "there is no library at STOKE_CUPTI"));
		assert_true(fixture_dormant_do(&dormant, 'r'));
		struct recording *recording = late_session_close(&session);
		assert_int_equal(fixture_count_spans(recording, "softmax"), 0);
		recording_free(recording);
	}
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return fixture_dormant_main(argv[1], InitializeInjection);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_running_program_is_attached_to),
		cmocka_unit_test(stalls_are_sampled_where_they_are_asked_for),
		cmocka_unit_test(threads_go_on_meanwhile),
		cmocka_unit_test(a_killed_profiler_is_noticed),
		cmocka_unit_test(the_second_profiler_is_told_of_the_first),
		cmocka_unit_test(what_one_profiler_left_is_not_told_to_the_next),
		cmocka_unit_test(what_a_program_leaves_is_kept),
		cmocka_unit_test(forks_keep_nothing_open),
		cmocka_unit_test(a_program_may_close_everything),
		cmocka_unit_test(every_call_may_fail),
		cmocka_unit_test(no_cupti_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
