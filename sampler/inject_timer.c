/*
 * libstoke-timer.so: preloaded into a program where perf_event_open is forbidden. Each thread gets
 * a timer that counts its own CPU time and signals that thread; the handler copies registers and
 * stack into memory shared with the profiler, which unwinds them as it does perf's. Without such
 * memory (STOKE_TIMER_FD) nothing is done but to pass calls through.
 *
 * Timers of CPU time fire on the kernel's tick only, so a sample carries the CPU time since the
 * last one: sums are right whatever rate comes out.
 * Source: timer_create(2), with SIGEV_THREAD_ID of Linux.
 */
#include "sampler/inject_timer.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum {
	USUAL_STACK_BYTES = 8 << 20, /* of a first thread, where there is no limit */
	MOST_STACK_BYTES = 1 << 30,  /* a larger limit is as good as none */
};

/* There from the thread's start: a signal handler must not make the C library allocate it. */
static __attribute__((tls_model("initial-exec"))) _Thread_local struct timer_thread this_thread;
static pthread_key_t end_key;
static bool is_open;

static int (*real_pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static int (*real_thrd_create)(thrd_t *, thrd_start_t, void *);

struct timer_thread *timer_thread_here(void)
{
	return &this_thread;
}

/* ISO C has no conversion from what dlsym returns. */
void timer_find_next(const char *name, void *call)
{
	void *address = dlsym(RTLD_NEXT, name);
	memcpy(call, &address, sizeof address);
}

/* ---- timers */

/* The first one comes after a part of the interval: who lives shorter than one is met as often as
 * it should be. */
static uint64_t first_ns(const struct timer_thread *thread, uint64_t interval_ns)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t mixed = ((uint64_t)now.tv_nsec ^ (uint64_t)thread->tid << 32) * 0x9e3779b97f4a7c15;
	return 1 + (mixed >> 32) % interval_ns;
}

static struct timespec time_of(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
}

static void start_timer(struct timer_thread *thread)
{
	uint64_t interval_ns = timer_samples_control()->interval_ns;
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF };
	/* NOLINTNEXTLINE(bugprone-casting-through-void): a mark that is compared, never read */
	event.sigev_value.sival_ptr = (void *)&timer_signals_cookie;
	event._sigev_un._tid = (pid_t)thread->tid;
	if (interval_ns == 0)
		interval_ns = 1;
	struct itimerspec times = { time_of(interval_ns), time_of(first_ns(thread, interval_ns)) };
	thread->has_timer = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &thread->timer) == 0 &&
			    timer_settime(thread->timer, 0, &times, NULL) == 0;
	if (!thread->has_timer)
		timer_samples_problem(TIMER_REFUSED, errno);
}

static void find_stack(struct timer_thread *thread)
{
	pthread_attr_t attributes;
	void *low;
	size_t bytes;
	if (pthread_getattr_np(pthread_self(), &attributes) != 0)
		return;
	if (pthread_attr_getstack(&attributes, &low, &bytes) == 0) {
		thread->stack_low = (uint64_t)(uintptr_t)low;
		thread->stack_high = thread->stack_low + bytes;
	}
	pthread_attr_destroy(&attributes);
}

/* The first thread's stack grows downwards as it is used; what the kernel put at its top is the
 * program's file name. */
static void find_first_stack(struct timer_thread *thread)
{
	unsigned long name = getauxval(AT_EXECFN);
	uint64_t here = (uint64_t)(uintptr_t)__builtin_frame_address(0);
	struct rlimit limit;
	if (name <= here)
		return;
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel hands an address over */
	thread->stack_high = (name + strlen((const char *)name) + 1) & ~7ul;
	/* The kernel maps nothing else within the limit. */
	bool is_limited = getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < MOST_STACK_BYTES;
	thread->stack_low = thread->stack_high - (is_limited ? limit.rlim_cur : USUAL_STACK_BYTES);
}

/* The key's destructor runs at this thread's end, however it ends. */
static void begin_thread(bool is_blocked)
{
	struct timer_thread *thread = &this_thread;
	thread->tid = (uint32_t)syscall(SYS_gettid);
	thread->is_blocked = is_blocked;
	find_stack(thread);
	start_timer(thread);
	timer_signals_unblock(thread);
	timer_signals_look(false);
	pthread_setspecific(end_key, thread);
}

static void end_thread(void *opaque)
{
	struct timer_thread *thread = opaque;
	if (!thread->has_timer)
		return;
	timer_delete(thread->timer);
	thread->has_timer = false;
	timer_signals_look(timer_samples_rest(thread));
}

/* ---- threads that the program starts */

struct beginning {
	void *(*posix)(void *);
	thrd_start_t c11;
	void *argument;
	bool is_blocked;
};

/* Whoever called this has left no frame of ours by the time the program's function runs: both below
 * end in a jump to it. */
static __attribute__((noinline)) void begin(struct beginning *heap)
{
	bool is_blocked = heap->is_blocked;
	free(heap);
	begin_thread(is_blocked);
}

static void *run_posix(void *opaque)
{
	struct beginning *heap = opaque;
	void *(*function)(void *) = heap->posix;
	void *argument = heap->argument;
	begin(heap);
	return function(argument);
}

static int run_c11(void *opaque)
{
	struct beginning *heap = opaque;
	thrd_start_t function = heap->c11;
	void *argument = heap->argument;
	begin(heap);
	return function(argument);
}

static struct beginning *new_beginning(void *argument)
{
	if (!is_open || timer_samples_control()->only_pid)
		return NULL;
	struct beginning *beginning = malloc(sizeof *beginning);
	if (beginning)
		*beginning = (struct beginning){ .argument = argument,
						 .is_blocked = this_thread.is_blocked };
	return beginning;
}

EXPORT int start_posix(pthread_t *thread, const pthread_attr_t *attributes,
		       void *(*function)(void *), void *argument) __asm__("pthread_create");
int start_posix(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
		void *argument)
{
	if (!real_pthread_create)
		timer_find_next("pthread_create", (void *)&real_pthread_create);
	struct beginning *beginning = new_beginning(argument);
	if (!beginning)
		return real_pthread_create(thread, attributes, function, argument);
	beginning->posix = function;
	int error = real_pthread_create(thread, attributes, run_posix, beginning);
	if (error)
		free(beginning);
	return error;
}

EXPORT int start_c11(thrd_t *thread, thrd_start_t function, void *argument) __asm__("thrd_create");
int start_c11(thrd_t *thread, thrd_start_t function, void *argument)
{
	if (!real_thrd_create)
		timer_find_next("thrd_create", (void *)&real_thrd_create);
	struct beginning *beginning = new_beginning(argument);
	if (!beginning)
		return real_thrd_create(thread, function, argument);
	beginning->c11 = function;
	int result = real_thrd_create(thread, run_c11, beginning);
	if (result != thrd_success)
		free(beginning);
	return result;
}

/* ---- the process */

/* Timers are not inherited; the CPU time of a child begins at zero. */
static void begin_child(void)
{
	struct timer_thread *thread = &this_thread;
	thread->has_timer = false;
	thread->last_ns = 0;
	if (timer_samples_control()->only_pid)
		return;
	thread->tid = (uint32_t)syscall(SYS_gettid);
	timer_samples_begin(true);
	start_timer(thread);
}

/* What this thread has used before is another program's, or the dynamic linker's. */
static uint64_t cpu_so_far_ns(void)
{
	struct timespec now = { 0 };
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static __attribute__((constructor)) void begin_program(void)
{
	if (!timer_samples_open() || pthread_key_create(&end_key, end_thread) != 0)
		return;
	this_thread.tid = (uint32_t)syscall(SYS_gettid);
	this_thread.last_ns = cpu_so_far_ns();
	find_first_stack(&this_thread);
	timer_samples_begin(false);
	timer_signals_open(timer_samples_take);
	start_timer(&this_thread);
	timer_signals_unblock(&this_thread);
	pthread_atfork(NULL, NULL, begin_child);
	is_open = true;
}

static __attribute__((destructor)) void end_program(void)
{
	if (!is_open)
		return;
	end_thread(&this_thread);
	timer_samples_sum();
}
