/* Counting several threads and the whole machine: sums, what has ended, what refuses, limits; and
 * the kernel's own accounting of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counters/event_group.h"
#include "counters/events_sysfs.h"
#include "counters/metric_set.h"
#include "counters/usage.h"
#include "sampler/perf_event.h"
#include "tests/fixture_machine.h"
#include "tests/fixture_perf.h"

/* ---- an opener of our own: a pipe that holds what the kernel would let us read */

enum { MOST_OPENS = 4096 };

static struct opened {
	uint64_t config;
	pid_t pid;
	int cpu;
	bool inherits;
} opened[MOST_OPENS];
static uint32_t n_opened;
static int cpu_error; /* on CPUs */

/* Thread 12 has ended; 13 is shared, and has no instructions; 14 is another user's. */
static int open_pipe(const struct perf_event_attr *attribute, pid_t pid, int cpu, int leader_fd)
{
	int ends[2];
	uint64_t thread = (uint64_t)pid, running_ns = pid == 13 ? 250 : 1000;
	const uint64_t alone[] = { thread, 1000, running_ns, 0 };
	const uint64_t group[] = { 1, 1000, running_ns, pid < 0 ? 7 : thread, 0 };
	bool is_group = attribute->read_format & PERF_FORMAT_GROUP;
	(void)leader_fd;
	if (pid == 12)
		return -ESRCH;
	if (pid == 14)
		return -EACCES;
	if (pid == 13 && attribute->config == PERF_COUNT_HW_INSTRUCTIONS)
		return -EBUSY;
	if (cpu >= 0 && cpu_error)
		return -cpu_error;
	assert_true(n_opened < MOST_OPENS);
	opened[n_opened++] =
		(struct opened){ attribute->config, pid, cpu, attribute->inherit != 0 };
	assert_int_equal(pipe(ends), 0);
	if (is_group)
		assert_int_equal(write(ends[1], group, sizeof group), sizeof group);
	else
		assert_int_equal(write(ends[1], alone, sizeof alone), sizeof alone);
	close(ends[1]);
	return ends[0];
}

static uint32_t count_descriptors(void)
{
	uint32_t n = 0;
	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void open_by_pipes(struct event_group *group, const struct event_group_request *request)
{
	n_opened = 0;
	perf_event_inject(open_pipe);
	event_group_open(group, request);
	event_group_enable(group);
	perf_event_inject(NULL);
}

/* 11 + 13 counted in 1250 of 2000 ns: the sum is scaled, not each. */
static void test_sums_over_threads(void **state)
{
	const pid_t threads[] = { 11, 12, 13 };
	struct counted_event event = fixture_event("cycles");
	struct event_group_request request = {
		.events = &event, .n_events = 1, .threads = threads, .n_threads = 3
	};
	struct event_group group;
	struct count count;
	uint32_t before = count_descriptors();
	(void)state;
	open_by_pipes(&group, &request);
	assert_int_equal(n_opened, 2);
	assert_true(opened[0].inherits && opened[0].cpu == -1);
	assert_false(group.places.rows[0].is_gone);
	assert_true(group.places.rows[1].is_gone);
	event_group_read(&group, &count);
	assert_int_equal(count.counted, 24);
	assert_int_equal(count.enabled_ns, 2000);
	assert_int_equal(count.running_ns, 1250);
	assert_float_equal(count.value, 24 * 2000.0 / 1250, 1e-9);
	assert_float_equal(count.running_ratio, 0.625, 1e-9);
	assert_int_equal(count.origin, ORIGIN_SCALED);
	event_group_close(&group);
	assert_int_equal(count_descriptors(), before);
}

/* One of them that will not be counted would make a part pass for the whole. */
static void test_one_thread_refuses(void **state)
{
	const pid_t threads[] = { 11, 13 };
	struct counted_event events[] = { fixture_event("instructions"), fixture_event("cycles") };
	struct event_group_request request = {
		.events = events, .n_events = 2, .threads = threads, .n_threads = 2
	};
	struct event_group group;
	struct count counts[2];
	uint32_t before = count_descriptors();
	(void)state;
	open_by_pipes(&group, &request);
	event_group_read(&group, counts);
	assert_int_equal(counts[0].origin, ORIGIN_UNAVAILABLE);
	assert_non_null(strstr(counts[0].reason, "in use"));
	assert_false(group.members[0].is_open);
	assert_int_equal(counts[1].counted, 24);
	assert_int_equal(group.members[1].leader, 1);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(group.fds[2 * i].fd, -1);
		assert_true(group.fds[2 * i + 1].fd >= 0);
	}
	event_group_close(&group);
	assert_int_equal(count_descriptors(), before);
}

static void test_all_threads_have_ended(void **state)
{
	const pid_t threads[] = { 12, 12 };
	struct counted_event events[] = { fixture_event("cycles"), fixture_event("instructions") };
	struct event_group_request request = {
		.events = events, .n_events = 2, .threads = threads, .n_threads = 2
	};
	struct event_group group;
	struct count counts[2];
	(void)state;
	open_by_pipes(&group, &request);
	event_group_read(&group, counts);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(counts[i].origin, ORIGIN_UNAVAILABLE);
		assert_non_null(strstr(counts[i].reason, "had ended"));
	}
	event_group_close(&group);
}

static void test_thread_of_another_user(void **state)
{
	const pid_t threads[] = { 11, 14 };
	struct counted_event event = fixture_event("cycles");
	struct event_group_request request = {
		.events = &event, .n_events = 1, .threads = threads, .n_threads = 2
	};
	struct event_group group;
	struct count count;
	(void)state;
	open_by_pipes(&group, &request);
	event_group_read(&group, &count);
	assert_int_equal(count.origin, ORIGIN_UNAVAILABLE);
	if (perf_event_paranoid() <= 2)
		assert_non_null(strstr(count.reason, "thread 14"));
	/* Where the kernel's part is not what is refused, it is not given up for it. */
	assert_int_equal(group.n_notes, 0);
	event_group_close(&group);
	request.may_leave_out = true;
	open_by_pipes(&group, &request);
	event_group_read(&group, &count);
	assert_int_equal(count.counted, 11);
	assert_true(group.places.rows[1].is_gone);
	event_group_close(&group);
	request.threads = &threads[1];
	request.n_threads = 1;
	open_by_pipes(&group, &request);
	event_group_read(&group, &count);
	assert_int_equal(count.origin, ORIGIN_UNAVAILABLE);
	assert_non_null(strstr(count.reason, "denied"));
	event_group_close(&group);
	request.threads = threads;
	request.n_threads = 2;
	perf_event_inject(open_pipe);
	assert_int_equal(event_places_denied(&request), EACCES);
	request.n_threads = 1;
	assert_int_equal(event_places_denied(&request), 0);
	perf_event_inject(NULL);
}

static uint32_t count_cpus(void)
{
	struct event_places places;
	struct event_group_request request = { .is_whole_machine = true };
	event_places_of(&places, &request);
	uint32_t n = places.n;
	event_places_free(&places);
	return n;
}

static void test_sums_over_cpus(void **state)
{
	struct counted_event event = fixture_event("cycles");
	struct event_group_request request = { .events = &event,
					       .n_events = 1,
					       .is_whole_machine = true };
	struct event_group group;
	struct count count;
	(void)state;
	cpu_error = 0;
	open_by_pipes(&group, &request);
	assert_int_equal(n_opened, count_cpus());
	assert_int_equal(n_opened, sysconf(_SC_NPROCESSORS_ONLN));
	for (uint32_t i = 0; i < n_opened; i++) {
		assert_int_equal(opened[i].pid, -1);
		assert_true(opened[i].cpu >= 0 && !opened[i].inherits);
		assert_true(i == 0 || opened[i].cpu > opened[i - 1].cpu);
	}
	event_group_read(&group, &count);
	assert_int_equal(count.counted, 7 * n_opened);
	assert_int_equal(count.origin, ORIGIN_MEASURED);
	event_group_close(&group);
}

static void test_machine_forbidden(void **state)
{
	struct counted_event event = fixture_event("cycles");
	struct event_group_request request = { .events = &event,
					       .n_events = 1,
					       .is_whole_machine = true };
	struct event_group group;
	struct count count;
	(void)state;
	cpu_error = EACCES;
	open_by_pipes(&group, &request);
	event_group_read(&group, &count);
	assert_int_equal(count.origin, ORIGIN_UNAVAILABLE);
	assert_non_null(strstr(count.reason, "kernel.perf_event_paranoid=0"));
	/* Without the kernel's part it is forbidden as well, so that is not said. */
	assert_int_equal(group.n_notes, 0);
	assert_false(group.is_user_only);
	event_group_close(&group);
	perf_event_inject(open_pipe);
	assert_int_equal(event_places_denied(&request), EACCES);
	perf_event_inject(NULL);
	cpu_error = 0;
}

/* Events of one kind of core, and what is counted with them, on the CPUs of that kind. */
static void test_kinds_of_cores(void **state)
{
	static char devices[512]; /* it is borrowed */
	struct counted_event events[] = { fixture_event("page-faults"), fixture_event("cycles") };
	struct event_group_request request = { .events = events,
					       .n_events = 2,
					       .is_whole_machine = true };
	struct event_places places;
	(void)state;
	if (count_cpus() < 2) {
		printf("SKIP: one CPU cannot be of two kinds\n");
		skip();
	}
	char *root = fake_new();
	fake_put(root, "4\n", "/devices/cpu_core/type");
	fake_put(root, "0\n", "/devices/cpu_core/cpus");
	fake_put(root, "10\n", "/devices/cpu_atom/type");
	fake_put(root, "1-3,64\n", "/devices/cpu_atom/cpus");
	snprintf(devices, sizeof devices, "%s/devices", root);
	sysfs_events_root(devices);
	for (int kind = 0; kind < 2; kind++) {
		events[1].sampled.attribute.config = kind ? 10ull << 32 : 0;
		event_places_of(&places, &request);
		assert_string_equal(places.core, kind ? "cpu_atom" : "cpu_core");
		assert_int_equal(places.n, kind ? count_cpus() - 1 > 3 ? 3 : count_cpus() - 1 : 1);
		assert_int_equal(places.rows[0].cpu, kind);
		event_places_free(&places);
	}
	request.n_events = 1;
	event_places_of(&places, &request);
	assert_string_equal(places.core, "");
	assert_int_equal(places.n, count_cpus());
	event_places_free(&places);
	sysfs_events_root(NULL);
	fake_free(root);
}

/* A CPU's clocks go on while it is idle. */
static void test_clocks_of_the_machine(void **state)
{
	struct metric_set set;
	struct metric_counts *counts = allocate(1, sizeof *counts);
	struct core_pmu cores[MAX_CORE_PMUS];
	struct event_group_request request = { .is_whole_machine = true };
	(void)state;
	core_pmus(cores);
	metric_set_choose(&set, metric_group_find("switches"), &cores[0]);
	perf_event_inject(open_pipe);
	metric_set_open(&set, &request);
	perf_event_inject(NULL);
	uint32_t n_clocked = 0;
	for (uint32_t i = 0; i < set.section->n_metrics; i++) {
		bool is_clocked =
			strcmp(set.section->metrics[i].name, "time between switches") == 0;
		n_clocked += is_clocked;
		const char *lack = metric_set_lacks(&set, i);
		assert_true((lack != NULL) == is_clocked);
		struct formula_result result = metric_set_evaluate(&set, counts, i, 1);
		if (is_clocked)
			assert_non_null(strstr(result.reason.text, "idle"));
	}
	assert_int_equal(n_clocked, 1);
	metric_set_close(&set);
	free(counts);
}

/* ---- descriptors */

enum { N_THREADS = 60 };

static bool opens_all(struct event_group *group)
{
	pid_t threads[N_THREADS];
	struct counted_event events[] = { fixture_event("cycles"), fixture_event("instructions") };
	struct event_group_request request = {
		.events = events, .n_events = 2, .threads = threads, .n_threads = N_THREADS
	};
	for (int i = 0; i < N_THREADS; i++)
		threads[i] = 100 + i;
	open_by_pipes(group, &request);
	return group->members[0].is_open && group->members[1].is_open;
}

static void test_soft_limit_is_raised(void **state)
{
	struct rlimit limit, low, now;
	struct event_group group;
	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 1024) {
		printf("SKIP: the hard limit of open files is below 1024\n");
		skip();
	}
	low = limit;
	low.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_true(opens_all(&group));
	event_group_close(&group);
	perf_event_fewer_descriptors();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(now.rlim_cur, 64);
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* In a child: what has been lowered stays so. */
static void test_hard_limit_is_said(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		struct rlimit limit = { 128, 128 };
		struct event_group group;
		struct count counts[2];
		setrlimit(RLIMIT_NOFILE, &limit);
		bool is_good = !opens_all(&group);
		event_group_read(&group, counts);
		/* One of the two still fits, and there is room for other files. */
		is_good = is_good && group.members[0].is_open != group.members[1].is_open;
		const char *reason = counts[group.members[0].is_open].reason;
		is_good = is_good && strstr(reason, "more open files than are left of the 128");
		for (int i = 0; i < 20; i++)
			is_good = is_good && dup(0) >= 0;
		event_group_close(&group);
		_exit(is_good ? 0 : 1);
	}
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

/* ---- real threads */

struct worker {
	pthread_t thread;
	pid_t tid;
	int wake[2], told[2];
	size_t n_pages;
};

static void *touch_in_child(void *pages)
{
	fixture_touch_pages(*(size_t *)pages);
	return NULL;
}

/* Half of the pages by itself, half by a thread that it starts. */
static void *work(void *opaque)
{
	struct worker *worker = opaque;
	pthread_t child;
	char byte;
	size_t half = worker->n_pages / 2;
	worker->tid = (pid_t)syscall(SYS_gettid);
	assert_int_equal(write(worker->told[1], "t", 1), 1);
	assert_int_equal(read(worker->wake[0], &byte, 1), 1);
	if (worker->n_pages > 0) {
		fixture_touch_pages(half);
		pthread_create(&child, NULL, touch_in_child, &half);
		pthread_join(child, NULL);
	}
	assert_int_equal(write(worker->told[1], "d", 1), 1);
	return NULL;
}

static void start(struct worker *worker, size_t n_pages)
{
	char byte;
	worker->n_pages = n_pages;
	assert_int_equal(pipe(worker->wake), 0);
	assert_int_equal(pipe(worker->told), 0);
	assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
	assert_int_equal(read(worker->told[0], &byte, 1), 1);
}

static void finish(struct worker *worker)
{
	char byte;
	assert_int_equal(write(worker->wake[1], "w", 1), 1);
	assert_int_equal(read(worker->told[0], &byte, 1), 1);
	pthread_join(worker->thread, NULL);
	for (int i = 0; i < 2; i++) {
		close(worker->wake[i]);
		close(worker->told[i]);
	}
}

/* Exactly the pages that two threads and their children touched, though all threads have ended
 * when it is read; not those of this one. */
static void test_page_faults_of_threads(void **state)
{
	struct worker workers[3];
	(void)state;
	if (!fixture_can_count("page-faults:u"))
		skip();
	start(&workers[0], 400);
	start(&workers[1], 600);
	start(&workers[2], 0);
	finish(&workers[2]); /* has ended when it is opened */
	const pid_t threads[] = { workers[0].tid, workers[2].tid, workers[1].tid };
	struct counted_event events[] = { fixture_event("minor-faults:u"),
					  fixture_event("task-clock") };
	struct event_group_request request = {
		.events = events, .n_events = 2, .threads = threads, .n_threads = 3
	};
	struct event_group group;
	struct count counts[2];
	assert_int_equal(event_group_open(&group, &request), 2);
	assert_true(group.places.rows[1].is_gone);
	event_group_enable(&group);
	/* They wait: nothing is known to have happened, which is 0. */
	event_group_read(&group, counts);
	assert_true(counts[0].value == 0 && counts[0].origin == ORIGIN_SOFTWARE);
	fixture_touch_pages(5000);
	finish(&workers[0]);
	finish(&workers[1]);
	event_group_read(&group, counts);
	assert_int_equal(counts[0].origin, ORIGIN_SOFTWARE);
	assert_true(counts[0].value >= 1000);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* whose memory faults too */
	assert_true(counts[0].value < 1000 + 400); /* stacks and tables of the threads */
#endif
	assert_true(counts[1].value > 0 && counts[0].running_ratio == 1);
	event_group_close(&group);
}

/* ---- accounting */

static void test_times(void **state)
{
	char *root = fake_new();
	struct usage_times times;
	(void)state;
	fake_put(root,
		 "7 (a) R 1 (b) S 1 7 7 0 -1 4194304 10 20 30 40 500 60 7000 8000 20 0 3 0 12345 1 "
		 "2\n",
		 "/proc/7/stat");
	fake_put(root, "8 (t) R 1 7 7 0 -1 4194304 10 20 30 40 50 6 70 80 20 0 3 0 777 1 2\n",
		 "/proc/8/task/8/stat");
	fake_put(root, "cpu  100 20 3 9999 888 4 5 66 77 8\ncpu0 1 2 3 4 5 6 7 8 9 10\n",
		 "/proc/stat");
	assert_true(usage_of_process(root, 7, &times));
	assert_int_equal(times.user_ticks, 500);
	assert_int_equal(times.system_ticks, 60);
	assert_int_equal(times.start_ticks, 12345);
	assert_true(usage_of_thread(root, 8, &times));
	assert_int_equal(times.user_ticks, 50);
	assert_int_equal(times.system_ticks, 6);
	assert_true(usage_of_machine(root, &times));
	assert_int_equal(times.user_ticks, 120);
	assert_int_equal(times.system_ticks, 12);
	assert_false(usage_of_process(root, 9, &times));
	assert_false(usage_of_thread(root, 7, &times));
	static const char *const wrong[] = { "", "7", "7 (a", "7 (a)", "7 (a) R", "7 (a) R 1 2 x" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		fake_put(root, wrong[i], "/proc/7/stat");
		assert_false(usage_of_process(root, 7, &times));
	}
	fake_put(root, "cpu  1 2 3\n", "/proc/stat");
	assert_false(usage_of_machine(root, &times));
	fake_free(root);
	assert_true(usage_seconds((uint64_t)sysconf(_SC_CLK_TCK)) == 1);
	assert_true(usage_of_process("", getpid(), &times) && times.start_ticks > 0);
	assert_true(usage_of_machine("", &times) && times.user_ticks > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_over_threads),
		cmocka_unit_test(test_one_thread_refuses),
		cmocka_unit_test(test_all_threads_have_ended),
		cmocka_unit_test(test_thread_of_another_user),
		cmocka_unit_test(test_sums_over_cpus),
		cmocka_unit_test(test_machine_forbidden),
		cmocka_unit_test(test_kinds_of_cores),
		cmocka_unit_test(test_clocks_of_the_machine),
		cmocka_unit_test(test_soft_limit_is_raised),
		cmocka_unit_test(test_hard_limit_is_said),
		cmocka_unit_test(test_page_faults_of_threads),
		cmocka_unit_test(test_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
