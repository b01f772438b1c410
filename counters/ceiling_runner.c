/*
 * Every thread works for a set time and divides its own work by its own time, so a thread that
 * starts a little later than the others spoils nothing.
 */
#include "counters/ceiling_runner.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Clocks of wide registers and of cores that slept take up to some milliseconds to settle. */
enum { WARM_UP_REPEATS = 3 };

struct member {
	struct run *run;
	unsigned place;
	pthread_t thread;
	bool has_thread;
};

struct run {
	const struct ceiling_loop *loop;
	struct ceiling_crew *crew;
	double *rates; /* (n_steps, n_repeats) */
	double *each;  /* (n_threads): of this repeat */
	double *wall_ns, *cpu_ns;
	pthread_barrier_t barrier;
	pthread_mutex_t gate; /* held until all threads exist, or are known not to */
	bool must_leave, is_out_of_memory;
};

static double clock_ns(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Cores that were taken from us meanwhile (cgroups) leave the thread where it is. */
static void bind(unsigned cpu)
{
	size_t bytes = CPU_ALLOC_SIZE(cpu + 1);
	cpu_set_t *set = CPU_ALLOC(cpu + 1);
	if (!set)
		return;
	CPU_ZERO_S(bytes, set);
	CPU_SET_S(cpu, bytes, set);
	sched_setaffinity(0, bytes, set);
	CPU_FREE(set);
}

/* The turn goes on from one repeat to the next: a walk through memory that began anew each time
 * would find the last one's part in the last cache. */
static double work_a_while(const struct run *run, void *state, unsigned step, unsigned place,
			   uint64_t *turn)
{
	double start = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	double work = 0, now = start, length = (double)run->crew->repeat_ns;
	for (; now - start < length; ++*turn) {
		work += run->loop->run(state, step, *turn);
		now = clock_ns(CLOCK_MONOTONIC);
	}
	run->wall_ns[place] += now - start;
	run->cpu_ns[place] += clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	return work / (now - start) * 1e9;
}

static void add_up(const struct run *run, unsigned step, unsigned repeat)
{
	double sum = 0;
	for (unsigned i = 0; i < run->crew->n_threads; i++)
		sum += run->each[i];
	run->rates[(size_t)step * run->crew->n_repeats + repeat] = sum;
}

static void repeat_steps(struct run *run, void *state, unsigned place)
{
	for (unsigned step = 0; step < run->loop->n_steps; step++) {
		uint64_t turn = 0;
		pthread_barrier_wait(&run->barrier);
		for (unsigned i = 0; i < WARM_UP_REPEATS; i++)
			work_a_while(run, state, step, place, &turn);
		for (unsigned repeat = 0; repeat < run->crew->n_repeats; repeat++) {
			pthread_barrier_wait(&run->barrier);
			run->each[place] = work_a_while(run, state, step, place, &turn);
			pthread_barrier_wait(&run->barrier);
			if (place == 0)
				add_up(run, step, repeat);
		}
	}
}

static void *work(void *opaque)
{
	struct member *member = opaque;
	struct run *run = member->run;
	pthread_mutex_lock(&run->gate);
	bool must_leave = run->must_leave;
	pthread_mutex_unlock(&run->gate);
	if (must_leave)
		return NULL;
	bind(run->crew->cpus[member->place]);
	void *state = run->loop->prepare(run->loop->argument);
	pthread_mutex_lock(&run->gate);
	run->is_out_of_memory |= state == NULL;
	pthread_mutex_unlock(&run->gate);
	pthread_barrier_wait(&run->barrier);
	if (!run->is_out_of_memory) /* nobody writes it any more */
		repeat_steps(run, state, member->place);
	if (state)
		run->loop->finish(state);
	return NULL;
}

static int start_threads(struct run *run, struct member *members)
{
	int error = 0;
	pthread_mutex_lock(&run->gate);
	for (unsigned i = 0; i < run->crew->n_threads && !error; i++) {
		members[i] = (struct member){ .run = run, .place = i };
		error = pthread_create(&members[i].thread, NULL, work, &members[i]);
		members[i].has_thread = !error;
	}
	run->must_leave = error != 0;
	pthread_mutex_unlock(&run->gate);
	return error;
}

static void add_times(struct run *run)
{
	for (unsigned i = 0; i < run->crew->n_threads; i++) {
		run->crew->wall_ns += run->wall_ns[i];
		run->crew->cpu_ns += run->cpu_ns[i];
	}
}

bool ceiling_run(const struct ceiling_loop *loop, struct ceiling_crew *crew, double *rates,
		 struct why *why)
{
	unsigned n = crew->n_threads;
	struct run run = { .loop = loop, .crew = crew };
	struct member *members = allocate(n, sizeof *members);
	run.rates = rates;
	run.each = allocate(n, 3 * sizeof *run.each);
	run.wall_ns = run.each + n;
	run.cpu_ns = run.wall_ns + n;
	pthread_mutex_init(&run.gate, NULL);
	pthread_barrier_init(&run.barrier, NULL, n);
	int error = start_threads(&run, members);
	for (unsigned i = 0; i < n; i++)
		if (members[i].has_thread)
			pthread_join(members[i].thread, NULL);
	pthread_barrier_destroy(&run.barrier);
	pthread_mutex_destroy(&run.gate);
	add_times(&run);
	free(run.each);
	free(members);
	if (error)
		return why_fail(why, "Cannot start %u threads: %s; raise `ulimit -u`.", n,
				strerror(error));
	return !run.is_out_of_memory ||
	       why_fail(why, "There is not enough memory to measure with %u threads.", n);
}
