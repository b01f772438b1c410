/*
 * libstoke-timer.so in a shell, which is no program of ours; and what the source takes and refuses.
 * Programs with threads, signals and strange stacks: tests/timer.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sampler/recording.h"
#include "sampler/source.h"
#include "tests/fixture_inject.h"
#include "tests/fixture_timer.h"

/* Half a second or more in the shell's own code. */
static const char BUSY[] = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; exit 5";

static char preload[PATH_MAX + 32];

/* Beside the folder of the tests. */
static int find_library(void **state)
{
	char path[PATH_MAX] = "";
	(void)state;
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
	for (int i = 0; i < 2 && n > 0; i++)
		*strrchr(path, '/') = '\0';
	strcat(path, "/libstoke-timer.so");
	snprintf(preload, sizeof preload, "LD_PRELOAD=%s", path);
	return access(path, R_OK);
}

static void launch(struct fixture_timer *timer, const char *script, int fd)
{
	static char shell[] = "sh", option[] = "-c";
	char *argv[] = { shell, option, (char *)(uintptr_t)script, NULL };
	const char *environment[] = { preload, NULL };
	struct launch request = { .argv = argv,
				  .probe_fd = -1,
				  .timer_fd = fd,
				  .extra_environment = environment,
				  .output = TARGET_OUTPUT_TO_STDERR };
	struct why why;
	assert_true(target_launch(&timer->target, &request, &timer->sampling, &why));
}

static int run_to_end(struct fixture_timer *timer)
{
	struct why why;
	int status;
	assert_true(target_release(&timer->target, &status, &why));
	waitpid(timer->target.pid, &timer->target.wait_status, 0);
	timer->target.is_reaped = true;
	return target_exit_status(&timer->target);
}

static uint64_t cpu_ns_of_children(void)
{
	struct rusage usage;
	getrusage(RUSAGE_CHILDREN, &usage);
	return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000000 +
	       ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000;
}

/* Of all samples, or of those whose innermost frame has this name. */
static uint64_t weight_of(const struct recording *recording, const char *frame, uint64_t *n)
{
	uint64_t weight = 0;
	*n = 0;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SAMPLES]; i++) {
		const struct sample_row *row = recording_sample(recording, i);
		const struct location_row *leaf = recording_location(
			recording, recording_stack(recording, row->stack)->frame);
		const char *name = recording_string_at(
			recording, recording_function(recording, leaf->function)->name);
		if (frame && strcmp(name, frame) != 0)
			continue;
		weight += row->weight;
		*n += row->count;
	}
	return weight;
}

/* All of the time that the kernel counted, but for that of starting up, with the program's status.
 */
static void a_shell_is_sampled(void **state)
{
	struct fixture_timer timer;
	uint64_t n, n_named;
	(void)state;
	fixture_timer_open(&timer, 16384);
	launch(&timer, BUSY, timer.fd);
	fixture_timer_start(&timer);
	uint64_t before = cpu_ns_of_children();
	assert_int_equal(run_to_end(&timer), 5);
	uint64_t used = cpu_ns_of_children() - before;
	fixture_timer_drain(&timer, true);
	uint64_t weight = weight_of(timer.recording, NULL, &n);
	weight_of(timer.recording, "[unknown: not mapped]", &n_named);
	assert_true(n > 10);
	assert_int_equal(n_named, 0);
	assert_in_range(weight, used / 10 * 9, used + used / 50);
	const struct series_row *series =
		recording_series(timer.recording, recording_sample(timer.recording, 1)->series);
	assert_string_equal(recording_string_at(timer.recording, series->name), "cpu-timer");
	assert_int_equal(series->origin, ORIGIN_SOFTWARE);
	assert_true(fixture_has_note(timer.recording, "The timer fired"));
	fixture_timer_close(&timer);
}

/* Nobody reads: what finds no place is lost, told, and as wide as it was. */
static void a_full_ring_keeps_the_width_of_what_is_lost(void **state)
{
	struct fixture_timer timer;
	uint64_t n, n_lost;
	(void)state;
	fixture_timer_open(&timer, 65528);
	assert_true(timer.shape.n_records <= 1024);
	/* All places but ten are taken. */
	const struct shared_record filler = { .type = TIMER_PROBLEM };
	launch(&timer, BUSY, timer.fd);
	fixture_timer_start(&timer);
	for (uint32_t i = 0; i + 10 < timer.shape.n_records; i++)
		assert_true(fixture_timer_put(&timer, &filler, NULL, 0));
	uint64_t before = cpu_ns_of_children();
	assert_int_equal(run_to_end(&timer), 5);
	uint64_t used = cpu_ns_of_children() - before;
	fixture_timer_drain(&timer, true);
	uint64_t weight = weight_of(timer.recording, NULL, &n);
	uint64_t lost = weight_of(timer.recording, "[lost]", &n_lost);
	assert_true(lost > 0 && lost < weight);
	assert_in_range(weight, used / 10 * 9, used + used / 50);
	assert_true(fixture_fact(timer.recording, "sampling.lost") > 10);
	fixture_timer_close(&timer);
}

static void nothing_is_sampled_while_it_is_off(void **state)
{
	struct fixture_timer timer;
	uint64_t n;
	(void)state;
	fixture_timer_open(&timer, 4096);
	timer.sampling.starts_paused = timer.sampling.can_pause = true;
	launch(&timer, BUSY, timer.fd);
	fixture_timer_start(&timer);
	assert_int_equal(run_to_end(&timer), 5);
	fixture_timer_drain(&timer, true);
	assert_int_equal(weight_of(timer.recording, NULL, &n), 0);
	fixture_timer_close(&timer);
}

/* The number may be any file's by the time the library looks. */
static void other_files_do_no_harm(void **state)
{
	(void)state;
	int files[] = { open("/dev/zero", O_RDWR), memfd_create("x", MFD_ALLOW_SEALING),
			open("/bin/sh", O_RDONLY), memfd_create("x", MFD_ALLOW_SEALING), 0 };
	assert_int_equal(ftruncate(files[1], 1 << 20), 0);
	assert_int_equal(ftruncate(files[3], 1 << 12), 0);
	/* Ours by the first page, sealed, and too small for what it says. */
	struct timer_control control = { .magic = TIMER_MAGIC,
					 .version = TIMER_VERSION,
					 .shape = { 256, 8192, 4096 } };
	assert_int_equal(pwrite(files[3], &control, sizeof control, 0), sizeof control);
	fcntl(files[3], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct fixture_timer timer;
		fixture_timer_open(&timer, 4096);
		launch(&timer, "exit 6", files[i]);
		assert_int_equal(run_to_end(&timer), 6);
		fixture_timer_close(&timer);
		if (files[i])
			close(files[i]);
	}
}

static void a_full_table_of_timers_is_told(void **state)
{
	struct fixture_timer timer;
	struct rlimit old, none = { 0, 0 };
	(void)state;
	fixture_timer_open(&timer, 4096);
	getrlimit(RLIMIT_SIGPENDING, &old);
	none.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_SIGPENDING, &none);
	launch(&timer, BUSY, timer.fd);
	setrlimit(RLIMIT_SIGPENDING, &old);
	fixture_timer_start(&timer);
	assert_int_equal(run_to_end(&timer), 5);
	fixture_timer_drain(&timer, true);
	assert_true(fixture_has_note(timer.recording, "got no timer"));
	fixture_timer_close(&timer);
}

/* ---- records that no library of ours writes */

static struct shared_record sample_of(uint32_t pid, uint32_t tid, uint64_t cpu_ns,
				      uint32_t stack_bytes)
{
	struct shared_record record = {
		.type = TIMER_SAMPLE, .pid = pid, .tid = tid, .time_ns = now_ns()
	};
	struct timer_sample sample = { .cpu_ns = cpu_ns, .stack_bytes = stack_bytes };
	memset(sample.name, 0xff, sizeof sample.name);
	memcpy(record.payload, &sample, sizeof sample);
	return record;
}

static void impossible_records_are_left_out(void **state)
{
	struct fixture_timer timer;
	char bytes[8192];
	uint64_t n;
	(void)state;
	memset(bytes, 0x5a, sizeof bytes);
	fixture_timer_open(&timer, 4096);
	fixture_timer_start(&timer);
	const uint32_t pid = TIMER_MOST_PID;
	const struct shared_record bad[] = {
		sample_of(0, pid, 1, 0),
		sample_of(pid, 0, 1, 0),
		sample_of(pid + 1, pid, 1, 0),
		sample_of(UINT32_MAX, UINT32_MAX, 1, 0),
		sample_of(pid, pid, 1, 4097),
		sample_of(pid, pid, 1, UINT32_MAX),
		sample_of(pid, pid, UINT64_MAX, 8),
		{ .type = TIMER_STARTED, .pid = pid, .tid = pid, .payload = { 0, 0, 0x40 } },
		{ .type = TIMER_STARTED },
		{ .type = TIMER_MAPS, .pid = pid, .tid = pid, .payload = { 1, 0x20 } },
		{ .type = TIMER_PROBLEM, .payload = { 99 } },
		{ .type = 0 },
		{ .type = 77, .pid = pid, .tid = pid },
	};
	const size_t n_bad = sizeof bad / sizeof bad[0];
	for (size_t i = 0; i < n_bad; i++)
		assert_true(fixture_timer_put(&timer, &bad[i], bytes, sizeof bytes));
	/* And good ones, of which nothing can be made. */
	const struct shared_record maps = {
		.type = TIMER_MAPS, .pid = pid, .tid = pid, .payload = { 0, 0x10 }
	};
	struct shared_record good = sample_of(pid, pid, 1, 4096);
	good.time_ns = UINT64_MAX;
	assert_true(fixture_timer_put(&timer, &maps, bytes, sizeof bytes));
	assert_true(fixture_timer_put(&timer, &good, bytes, sizeof bytes));
	fixture_timer_drain(&timer, false);
	fixture_timer_drain(&timer, true);
	assert_int_equal(weight_of(timer.recording, NULL, &n), 1);
	assert_int_equal(n, 1);
	char expected[64];
	snprintf(expected, sizeof expected, "%zu records made no sense", n_bad);
	assert_true(fixture_has_note(timer.recording, expected));
	fixture_timer_close(&timer);
}

/* A writer that was stopped in the middle holds the others up for a moment, and no longer. */
static void an_unfinished_record_is_given_up(void **state)
{
	struct fixture_timer timer;
	uint64_t place, n;
	(void)state;
	fixture_timer_open(&timer, 4096);
	fixture_timer_start(&timer);
	assert_true(
		shared_ring_claim(timer_memory_ring(timer.memory), timer.shape.n_records, &place));
	const struct shared_record good = sample_of(TIMER_MOST_PID, TIMER_MOST_PID, 1, 0);
	assert_true(fixture_timer_put(&timer, &good, "", 0));
	fixture_timer_drain(&timer, false);
	assert_int_equal(weight_of(timer.recording, NULL, &n), 0);
	usleep(250000);
	fixture_timer_drain(&timer, false);
	assert_int_equal(weight_of(timer.recording, NULL, &n), 1);
	fixture_timer_close(&timer);
}

/* What stands in the control page is the program's too, and lost time is its word. */
static void lies_about_lost_time_are_not_believed(void **state)
{
	struct fixture_timer timer;
	uint64_t n;
	(void)state;
	fixture_timer_open(&timer, 4096);
	fixture_timer_start(&timer);
	memset((void *)&timer.memory->lost_ns, 0xff, sizeof timer.memory->lost_ns);
	memset(&timer.memory->shape, 0xff, sizeof timer.memory->shape);
	memset(timer_memory_ring(timer.memory), 0xff, 16);
	fixture_timer_drain(&timer, false);
	fixture_timer_drain(&timer, true);
	assert_int_equal(weight_of(timer.recording, NULL, &n), 0);
	fixture_timer_close(&timer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shell_is_sampled),
		cmocka_unit_test(a_full_ring_keeps_the_width_of_what_is_lost),
		cmocka_unit_test(nothing_is_sampled_while_it_is_off),
		cmocka_unit_test(other_files_do_no_harm),
		cmocka_unit_test(a_full_table_of_timers_is_told),
		cmocka_unit_test(impossible_records_are_left_out),
		cmocka_unit_test(an_unfinished_record_is_given_up),
		cmocka_unit_test(lies_about_lost_time_are_not_believed),
	};
	return cmocka_run_group_tests(tests, find_library, NULL);
}
