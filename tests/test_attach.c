/* Attaching to what runs: to which threads, what they and their children are seen doing, when it
 * has ended, and what is said where it is not permitted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sampler/address_space.h"
#include "sampler/attach.h"
#include "sampler/collector.h"
#include "sampler/exporter.h"
#include "sampler/perf_event.h"
#include "sampler/perf_replay.h"
#include "sampler/recording.h"
#include "sampler/target.h"
#include "tests/fixture_attach.h"
#include "tests/fixture_perf.h"

static const uint64_t LOOK_NS = 400 * 1000 * 1000; /* some 400 samples a CPU */

struct look {
	struct recording *recording;
	struct sampling sampling;
	struct target target;
	struct collector *collector;
	struct why why;
	char *folded;
};

static void sleep_ns(uint64_t ns)
{
	const struct timespec time = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
	nanosleep(&time, NULL);
}

static bool attach(struct look *look, const struct attach_request *request)
{
	memset(look, 0, sizeof *look);
	sampling_defaults(&look->sampling);
	look->sampling.no_gpu = true;
	return target_attach(&look->target, request, &look->sampling, &look->why);
}

static bool attach_to(struct look *look, const char *option, const char *list)
{
	struct attach_request request = { 0 };
	*(option[1] == 't' ? &request.threads : &request.processes) = list;
	return attach(look, &request);
}

static char *number(char text[16], pid_t number)
{
	snprintf(text, 16, "%d", number);
	return text;
}

static void attach_to_one(struct look *look, const char *option, pid_t pid)
{
	char text[16];
	if (!attach_to(look, option, number(text, pid)))
		fail_msg("%s", look->why.text);
}

static void start_looking(struct look *look)
{
	look->recording = recording_new();
	look->collector = collector_start(look->recording, &look->target, NULL, &look->why);
	if (!look->collector)
		fail_msg("%s", look->why.text);
}

static void look_at(struct look *look, const char *option, pid_t pid)
{
	attach_to_one(look, option, pid);
	start_looking(look);
}

/* Skips the test where nothing can be sampled. */
static void start_sampled(struct attached *program)
{
	if (!fixture_can_sample())
		skip();
	assert_true(attached_start(program));
}

static void stop_looking(struct look *look)
{
	const struct export_options options = { .no_inline = true, .per_thread = true };
	size_t n;
	collector_stop(look->collector);
	FILE *out = open_memstream(&look->folded, &n);
	assert_true(exporter_find("folded")->write(look->recording, &options, out, &look->why));
	fclose(out);
}

static void end_look(struct look *look)
{
	target_close(&look->target);
	recording_free(look->recording);
	free(look->folded);
}

/* Samples of stacks that hold both. */
static long count(const struct look *look, const char *thread, const char *function)
{
	long sum = 0;
	for (const char *line = look->folded; *line; line = strchr(line, '\n') + 1) {
		size_t n = strcspn(line, "\n");
		if (memmem(line, n, thread, strlen(thread)) &&
		    memmem(line, n, function, strlen(function)))
			sum += strtol((const char *)memrchr(line, ' ', n), NULL, 10);
	}
	return sum;
}

static void expect_samples(const struct look *look, const char *thread, const char *function)
{
	if (count(look, thread, function) < 5)
		fail_msg("fewer than 5 samples of %s in %s:\n%s", thread, function, look->folded);
}

static void expect_refusal(const char *option, const char *list, const char *sentence)
{
	struct look look;
	bool is_attached = attach_to(&look, option, list);
	if (is_attached || !strstr(look.why.text, sentence))
		fail_msg("%s %s: \"%s\" has no \"%s\"", option, list, look.why.text, sentence);
	target_close(&look.target);
}

/* ---- whom */

static void words_that_are_no_numbers(void **state)
{
	static const char *const bad[] = { "",     "abc", "12x", "-1", "1,,2",
					   "1,2,", ",1",  "0",   " 1", "99999999999999999999" };
	struct why why;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(attach_check_list("-p", bad[i], &why));
		expect_refusal("-p", bad[i], "is none");
	}
	assert_true(attach_check_list("-p", "1", &why));
	assert_true(attach_check_list("-p", "1,22,333", &why));
}

static void numbers_that_are_nobody(void **state)
{
	char text[16];
	struct attached program;
	(void)state;
	assert_true(attached_start(&program));
	expect_refusal("-p", number(text, program.worker), "is a thread of process");
	expect_refusal("-p", number(text, getpid()), "this profiler itself");
	expect_refusal("-t", number(text, getpid()), "this profiler's own");
	attached_finish(&program);
	expect_refusal("-p", number(text, program.pid), "has ended already");
	attached_end(&program);
	expect_refusal("-p", number(text, program.pid), "does not exist (any more)");
	expect_refusal("-t", number(text, program.pid), "does not exist (any more)");
}

static bool has_number(const pid_t *all, uint32_t n, pid_t wanted)
{
	for (uint32_t i = 0; i < n; i++)
		if (all[i] == wanted)
			return true;
	return false;
}

static void all_threads_and_the_end(void **state)
{
	char what[256];
	struct attached program;
	struct look look;
	pid_t *threads;
	(void)state;
	assert_true(attached_start(&program));
	attach_to_one(&look, "-p", program.pid);
	assert_true(target_is_attached(&look.target));
	assert_true(look.target.n_threads >= 2); /* a sanitizer has one of its own */
	assert_true(has_number(look.target.threads, look.target.n_threads, program.worker));
	assert_true(attach_has_process(&look.target, program.pid));
	assert_false(attach_has_process(&look.target, getpid()));
	assert_non_null(strstr(attach_describe(&look.target, what, sizeof what), "attached "));
	assert_false(target_poll(&look.target));
	attached_tell(&program, ATTACHED_STARTS_THREAD);
	uint32_t n = attach_list_threads(&look.target, &threads);
	assert_int_equal(n, look.target.n_threads + 1);
	free(threads);
	attached_finish(&program);
	assert_true(target_poll(&look.target));
	assert_int_equal(target_exit_status(&look.target), 0);
	target_close(&look.target);
	attached_end(&program);
}

static void threads_of_a_list_end_by_themselves(void **state)
{
	struct attached program;
	struct look look;
	(void)state;
	assert_true(attached_start(&program));
	attach_to_one(&look, "-t", program.worker);
	assert_int_equal(look.target.n_threads, 1);
	assert_int_equal(look.target.processes[0], program.pid);
	assert_false(target_poll(&look.target));
	attached_tell(&program, ATTACHED_ENDS_WORKER);
	assert_true(target_poll(&look.target));
	target_close(&look.target);
	attached_end(&program);
}

static void several_have_ended_when_all_have(void **state)
{
	char list[40];
	struct attached one = { 0 }, two = { 0 };
	struct look look;
	(void)state;
	assert_true(attached_start(&one) && attached_start(&two));
	snprintf(list, sizeof list, "%d,%d,%d", one.pid, two.pid, one.pid);
	assert_true(attach_to(&look, "-p", list));
	assert_int_equal(look.target.n_processes, 2);
	attached_end(&one);
	assert_false(target_poll(&look.target));
	attached_end(&two);
	assert_true(target_poll(&look.target));
	target_close(&look.target);
}

/* Beside a command, it alone says when it is over. */
static void beside_a_command(void **state)
{
	char text[16], sleeps[] = "sleep", seconds[] = "0.2";
	char *const argv[] = { sleeps, seconds, NULL };
	struct launch launch = { .argv = argv, .probe_fd = -1, .gpu_fd = -1 };
	struct attached program;
	struct look look = { 0 };
	int status;
	(void)state;
	assert_true(attached_start(&program));
	sampling_defaults(&look.sampling);
	assert_true(target_launch(&look.target, &launch, &look.sampling, &look.why));
	const struct attach_request request = { .processes = number(text, program.pid) };
	assert_true(target_attach(&look.target, &request, &look.sampling, &look.why));
	assert_true(look.target.is_launched && look.target.pid != program.pid);
	assert_true(target_release(&look.target, &status, &look.why));
	attached_end(&program);
	assert_false(look.target.is_reaped);
	while (!target_poll(&look.target))
		sleep_ns(10 * 1000 * 1000);
	assert_int_equal(target_exit_status(&look.target), 0);
	target_close(&look.target);
}

/* ---- what they do */

/* With 300 libraries nothing of any is read before the first sample in it. */
static void mappings_are_read_and_files_are_not(void **state)
{
	struct attached program;
	struct perf_replay replay;
	struct recording *recording = recording_new();
	(void)state;
	assert_true(attached_start(&program));
	perf_replay_open(&replay, recording, UNWINDER_FAST);
	assert_true(perf_replay_read_proc(&replay, program.pid));
	const struct process *process = address_space_process(replay.space, program.pid);
	assert_string_equal(process->name, "attached");
	assert_true(process->n_mappings >= 3); /* itself, libc, the loader */
	for (size_t i = 0; i < process->n_mappings; i++) {
		assert_false(process->mappings[i].module->is_image_tried);
		assert_null(process->mappings[i].module->symbols);
	}
	recording_publish(recording);
	assert_int_equal(recording_moment(recording).n[TABLE_MODULES], 1); /* row 0 is none */
	/* What perf says of the same mappings once more changes nothing. */
	size_t n = process->n_mappings;
	const struct mapping first = process->mappings[0];
	const struct mapped_file again = { first.start,         first.end - first.start,
					   first.file_offset,   first.module->device,
					   first.module->inode, first.prot,
					   first.module->path,  NULL };
	address_space_map(replay.space, program.pid, &again);
	assert_int_equal(process->n_mappings, n);
	assert_ptr_equal(process->mappings[0].module, first.module);
	perf_replay_close(&replay);
	recording_free(recording);
	attached_end(&program);
}

static void threads_that_run_and_those_to_come(void **state)
{
	char worker[32];
	struct attached program;
	struct look look;
	(void)state;
	start_sampled(&program);
	look_at(&look, "-p", program.pid);
	sleep_ns(LOOK_NS);
	attached_tell(&program, ATTACHED_STARTS_THREAD);
	attached_tell(&program, ATTACHED_FORKS);
	sleep_ns(LOOK_NS);
	stop_looking(&look);
	attached_end(&program);
	snprintf(worker, sizeof worker, "worker-%d/%d;", program.pid, program.worker);
	expect_samples(&look, "attached-", ";attached_main_spins");
	expect_samples(&look, worker, ";attached_worker");
	expect_samples(&look, "late-", ";attached_late");
	expect_samples(&look, "attached-", ";attached_forked");
	assert_int_equal(count(&look, "[unknown: not mapped]", ""), 0);
	/* Whose functions they are is right. */
	assert_int_equal(count(&look, worker, ";attached_main_spins"), 0);
	end_look(&look);
}

static void one_thread_alone(void **state)
{
	struct attached program;
	struct look look;
	(void)state;
	start_sampled(&program);
	look_at(&look, "-t", program.worker);
	attached_tell(&program, ATTACHED_STARTS_THREAD); /* by another thread */
	sleep_ns(LOOK_NS);
	stop_looking(&look);
	attached_end(&program);
	expect_samples(&look, "worker-", ";attached_worker");
	assert_int_equal(count(&look, "", ";attached_main_spins"), 0);
	assert_int_equal(count(&look, "", ";attached_late"), 0);
	end_look(&look);
}

/* One thread has ended before its events are opened, then the one that owns the rings. */
static void threads_that_end(void **state)
{
	char list[40];
	struct attached program = { 0 }, other = { 0 };
	struct look look;
	struct rusage before, after;
	(void)state;
	start_sampled(&program);
	start_sampled(&other);
	snprintf(list, sizeof list, "%d,%d,%d", program.worker, other.worker, other.pid);
	assert_true(attach_to(&look, "-t", list));
	attached_tell(&program, ATTACHED_ENDS_WORKER);
	start_looking(&look);
	attached_tell(&other, ATTACHED_ENDS_WORKER);
	sleep_ns(LOOK_NS / 4);
	getrusage(RUSAGE_SELF, &before);
	sleep_ns(2 * LOOK_NS);
	getrusage(RUSAGE_SELF, &after);
	assert_false(target_poll(&look.target));
	stop_looking(&look);
	attached_end(&program);
	attached_end(&other);
	expect_samples(&look, "attached-", ";attached_main_spins");
	double used_us = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1e6 +
			 (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
			 (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1e6 +
			 (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec);
	/* A descriptor that hung up and is polled all the same takes a whole core. */
	print_message("of %.0f ms the collector ran %.1f\n", 2 * (double)LOOK_NS / 1e6,
		      used_us / 1e3);
	assert_true(used_us * 1e3 < (double)LOOK_NS);
	end_look(&look);
}

/* Threads all the time: attaching comes to an end, and the lasting ones are there. */
static void a_program_that_is_never_still(void **state)
{
	struct attached program;
	struct look look;
	(void)state;
	start_sampled(&program);
	attached_tell(&program, ATTACHED_CHURNS);
	look_at(&look, "-p", program.pid);
	sleep_ns(LOOK_NS);
	stop_looking(&look);
	attached_end(&program);
	expect_samples(&look, "attached-", ";attached_main_spins");
	expect_samples(&look, "worker-", ";attached_worker");
	end_look(&look);
}

static void the_end_ends_the_recording(void **state)
{
	struct attached program;
	struct look look;
	(void)state;
	start_sampled(&program);
	look_at(&look, "-p", program.pid);
	sleep_ns(LOOK_NS / 4);
	attached_end(&program);
	for (int i = 0; i < 500 && !collector_is_done(look.collector); i++)
		sleep_ns(10 * 1000 * 1000);
	if (look.target.pid_fd >= 0) /* else only target_poll knows */
		assert_true(collector_is_done(look.collector));
	assert_true(target_poll(&look.target));
	stop_looking(&look);
	expect_samples(&look, "worker-", ";attached_worker");
	end_look(&look);
}

static void the_whole_machine(void **state)
{
	const struct attach_request request = { .is_whole_machine = true };
	char one_name[32], two_name[32];
	struct attached one = { 0 }, two = { 0 };
	struct look look;
	(void)state;
	int error = attach_may_watch_machine();
	if (error) {
		printf("SKIP: the whole machine may not be watched here (%s)\n", strerror(error));
		skip();
	}
	assert_true(attached_start(&one) && attached_start(&two));
	assert_true(attach(&look, &request));
	assert_true(target_is_attached(&look.target));
	start_looking(&look);
	sleep_ns(2 * LOOK_NS);
	assert_false(target_poll(&look.target));
	stop_looking(&look);
	attached_end(&one);
	attached_end(&two);
	snprintf(one_name, sizeof one_name, "worker-%d/", one.pid);
	snprintf(two_name, sizeof two_name, "worker-%d/", two.pid);
	expect_samples(&look, one_name, ";attached_worker");
	expect_samples(&look, two_name, ";attached_worker");
	assert_int_equal(count(&look, "[idle]", ""), 0); /* a clock's ticks there are no work */
	end_look(&look);
}

static void all_of_this_user_but_ourselves(void **state)
{
	const struct attach_request request = { .is_user = true };
	struct attached program;
	struct look look;
	(void)state;
	assert_true(attached_start(&program));
	assert_true(attach(&look, &request));
	assert_true(look.target.may_leave_out);
	assert_true(has_number(look.target.processes, look.target.n_processes, program.pid));
	assert_true(has_number(look.target.threads, look.target.n_threads, program.worker));
	assert_false(has_number(look.target.processes, look.target.n_processes, getpid()));
	target_close(&look.target);
	attached_end(&program);
}

/* ---- what is not permitted */

static pid_t refused;
static int refusal;

static int open_but_refuse(const struct perf_event_attr *attribute, pid_t pid, int cpu,
			   int leader_fd)
{
	struct perf_event_attr copy = *attribute;
	if (refused == 0 || pid == refused)
		return -refusal;
	long fd = syscall(SYS_perf_event_open, &copy, pid, cpu, leader_fd, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

/* The sentence of a collector that cannot start, with opens refused for `who` (0 = for all). */
static void expect_explained(struct look *look, pid_t who, int error, const char *sentence)
{
	refused = who;
	refusal = error;
	look->recording = recording_new();
	perf_event_inject(open_but_refuse);
	look->collector = collector_start(look->recording, &look->target, NULL, &look->why);
	perf_event_inject(NULL);
	if (look->collector || !strstr(look->why.text, sentence))
		fail_msg("\"%s\" has no \"%s\"", look->why.text, sentence);
	end_look(look);
}

static void why_not(void **state)
{
	const struct attach_request machine = { .is_whole_machine = true };
	struct attached program;
	struct look look;
	(void)state;
	start_sampled(&program);
	attach_to_one(&look, "-t", program.worker);
	expect_explained(&look, program.worker, EACCES, "is not permitted: it has other rights");
	attach_to_one(&look, "-t", program.worker);
	expect_explained(&look, program.worker, ESRCH, "ended before it could be followed");
	attach_to_one(&look, "-p", program.pid);
	expect_explained(&look, 0, EPERM, "cannot be profiled without perf_event_open");
	assert_true(attach(&look, &machine));
	expect_explained(&look, -1, EACCES, "Watching the whole machine is not permitted");
	attached_end(&program);
}

static void who_refuses_is_left_out(void **state)
{
	char list[40];
	struct attached program;
	struct look look;
	(void)state;
	start_sampled(&program);
	snprintf(list, sizeof list, "%d,%d", program.pid, program.worker);
	assert_true(attach_to(&look, "-t", list));
	look.target.may_leave_out = true;
	refused = program.worker;
	refusal = EACCES;
	perf_event_inject(open_but_refuse);
	start_looking(&look);
	perf_event_inject(NULL);
	sleep_ns(LOOK_NS);
	stop_looking(&look);
	attached_end(&program);
	expect_samples(&look, "attached-", ";attached_main_spins");
	assert_int_equal(count(&look, "", ";attached_worker"), 0);
	end_look(&look);
}

static void descriptors_up_to_the_hard_limit(void **state)
{
	const struct target target = { .n_threads = 5 };
	struct rlimit before, limit;
	struct why why;
	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(attach_reserve(&target, 300, &why));
	getrlimit(RLIMIT_NOFILE, &limit);
	assert_true(limit.rlim_cur >= 300);
	assert_false(attach_reserve(&target, (uint64_t)before.rlim_max, &why));
	assert_non_null(strstr(why.text, "the hard limit is"));
	setrlimit(RLIMIT_NOFILE, &before);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_that_are_no_numbers),
		cmocka_unit_test(numbers_that_are_nobody),
		cmocka_unit_test(all_threads_and_the_end),
		cmocka_unit_test(threads_of_a_list_end_by_themselves),
		cmocka_unit_test(several_have_ended_when_all_have),
		cmocka_unit_test(beside_a_command),
		cmocka_unit_test(mappings_are_read_and_files_are_not),
		cmocka_unit_test(threads_that_run_and_those_to_come),
		cmocka_unit_test(one_thread_alone),
		cmocka_unit_test(threads_that_end),
		cmocka_unit_test(a_program_that_is_never_still),
		cmocka_unit_test(the_end_ends_the_recording),
		cmocka_unit_test(the_whole_machine),
		cmocka_unit_test(all_of_this_user_but_ourselves),
		cmocka_unit_test(why_not),
		cmocka_unit_test(who_refuses_is_left_out),
		cmocka_unit_test(descriptors_up_to_the_hard_limit),
	};
	attached_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
