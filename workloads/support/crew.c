/*
 * Threads that wait between jobs on a condition, which costs no CPU time, or in a loop that asks
 * for work, which costs all of it but hears of the job sooner: waking a thread takes 5 us, in a
 * virtual machine whose CPU has gone idle 50 to 100. Usual is the loop for as long as a waking may
 * take and then the condition: at most twice what knowing the future would cost (Karlin, Li,
 * Manasse, Owicki: Empirical studies of competitive spinning, SOSP 1991). A profile shows the loop
 * as one hot load.
 */
#include "workloads/support/crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sampler/base/why.h"

enum { MOST_THREADS = 256 };
/* About a millisecond: then let another thread have the CPU, or more threads than CPUs would wait
 * for whole time slices. */
enum { ASKS_BEFORE_YIELD = 20000 };
/* 50 to 100 us, by how long the CPU pauses: the time that waking the other thread may take. */
enum { ASKS_BEFORE_SLEEP = 2000 };

struct member {
	struct crew *crew;
	pthread_t thread;
	unsigned share;
};

struct crew {
	pthread_mutex_t mutex;
	pthread_cond_t has_job, is_done;
	enum crew_waits waits;
	void (*job)(void *argument, unsigned share, unsigned n_shares);
	void *argument;
	unsigned n;
	/* Written under the mutex by a crew that sleeps. */
	atomic_uint n_busy;
	atomic_ulong turn;
	atomic_bool must_end;
	struct member members[MOST_THREADS];
};

static void pause_cpu(unsigned *n_asks)
{
	if (++*n_asks % ASKS_BEFORE_YIELD == 0)
		sched_yield();
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* Waiting for another turn than the last one. */
__attribute__((noinline)) static void wait_spinning(struct crew *crew, unsigned long turn)
{
	unsigned n_asks = 0;
	while (atomic_load_explicit(&crew->turn, memory_order_acquire) == turn)
		pause_cpu(&n_asks);
}

__attribute__((noinline)) static bool spin_briefly(struct crew *crew, unsigned long turn)
{
	for (unsigned n_asks = 0; n_asks < ASKS_BEFORE_SLEEP; pause_cpu(&n_asks))
		if (atomic_load_explicit(&crew->turn, memory_order_acquire) != turn)
			return true;
	return false;
}

__attribute__((noinline)) static void wait_asleep(struct crew *crew, unsigned long turn)
{
	pthread_mutex_lock(&crew->mutex);
	while (atomic_load(&crew->turn) == turn)
		pthread_cond_wait(&crew->has_job, &crew->mutex);
	pthread_mutex_unlock(&crew->mutex);
}

static void wait_for_turn(struct crew *crew, unsigned long turn)
{
	if (crew->waits == CREW_SPINS)
		wait_spinning(crew, turn);
	else if (crew->waits == CREW_SLEEPS || !spin_briefly(crew, turn))
		wait_asleep(crew, turn);
}

static void end_share(struct crew *crew)
{
	if (crew->waits == CREW_SPINS) {
		atomic_fetch_sub_explicit(&crew->n_busy, 1, memory_order_release);
		return;
	}
	pthread_mutex_lock(&crew->mutex);
	if (atomic_fetch_sub(&crew->n_busy, 1) == 1)
		pthread_cond_signal(&crew->is_done);
	pthread_mutex_unlock(&crew->mutex);
}

static void *work(void *opaque)
{
	struct member *member = opaque;
	struct crew *crew = member->crew;
	for (unsigned long turn = 0;; turn++) {
		wait_for_turn(crew, turn);
		if (atomic_load(&crew->must_end))
			return NULL;
		crew->job(crew->argument, member->share, crew->n);
		end_share(crew);
	}
}

static unsigned count_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned)n : 1;
}

struct crew *crew_new_waiting(unsigned n, const char *name, enum crew_waits waits)
{
	struct crew *crew = allocate(1, sizeof *crew);
	crew->waits = waits;
	crew->n = n ? n : count_cpus();
	if (crew->n > MOST_THREADS)
		crew->n = MOST_THREADS;
	pthread_mutex_init(&crew->mutex, NULL);
	pthread_cond_init(&crew->has_job, NULL);
	pthread_cond_init(&crew->is_done, NULL);
	for (unsigned i = 1; i < crew->n; i++) {
		struct member *member = &crew->members[i];
		char label[16];
		member->crew = crew;
		member->share = i;
		if (pthread_create(&member->thread, NULL, work, member) != 0)
			die("cannot start thread %u of a workload; use threads=1", i);
		snprintf(label, sizeof label, "%.10s-%u", name, i % 1000);
		pthread_setname_np(member->thread, label);
	}
	return crew;
}

struct crew *crew_new(unsigned n, const char *name)
{
	return crew_new_waiting(n, name, CREW_SPINS_BRIEFLY);
}

/* The others begin their shares of a job, or end. */
static void begin_turn(struct crew *crew)
{
	if (crew->waits == CREW_SPINS) {
		atomic_fetch_add_explicit(&crew->turn, 1, memory_order_release);
		return;
	}
	pthread_mutex_lock(&crew->mutex);
	atomic_fetch_add(&crew->turn, 1);
	pthread_cond_broadcast(&crew->has_job);
	pthread_mutex_unlock(&crew->mutex);
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	atomic_store(&crew->must_end, true);
	begin_turn(crew);
	for (unsigned i = 1; i < crew->n; i++)
		pthread_join(crew->members[i].thread, NULL);
	pthread_cond_destroy(&crew->has_job);
	pthread_cond_destroy(&crew->is_done);
	pthread_mutex_destroy(&crew->mutex);
	free(crew);
}

unsigned crew_size(const struct crew *crew)
{
	return crew->n;
}

static void wait_until_done(struct crew *crew)
{
	unsigned n_asks = 0, most = crew->waits == CREW_SLEEPS ? 0 : ASKS_BEFORE_SLEEP;
	while (atomic_load_explicit(&crew->n_busy, memory_order_acquire) > 0 &&
	       (crew->waits == CREW_SPINS || n_asks < most))
		pause_cpu(&n_asks);
	if (crew->waits == CREW_SPINS)
		return;
	pthread_mutex_lock(&crew->mutex);
	while (atomic_load(&crew->n_busy) > 0)
		pthread_cond_wait(&crew->is_done, &crew->mutex);
	pthread_mutex_unlock(&crew->mutex);
}

void crew_run(struct crew *crew, void (*job)(void *, unsigned, unsigned), void *argument)
{
	crew->job = job;
	crew->argument = argument;
	atomic_store(&crew->n_busy, crew->n - 1);
	if (crew->n > 1)
		begin_turn(crew);
	job(argument, 0, crew->n);
	if (crew->n > 1)
		wait_until_done(crew);
}

struct batch {
	void (*task)(void *argument, size_t i, unsigned share);
	void *argument;
	size_t n;
	atomic_size_t next;
};

static void take_tasks(void *opaque, unsigned share, unsigned n_shares)
{
	struct batch *batch = opaque;
	size_t i;
	(void)n_shares;
	while ((i = atomic_fetch_add_explicit(&batch->next, 1, memory_order_relaxed)) < batch->n)
		batch->task(batch->argument, i, share);
}

void crew_run_tasks(struct crew *crew, size_t n_tasks, void (*task)(void *, size_t, unsigned),
		    void *argument)
{
	struct batch batch = { task, argument, n_tasks, 0 };
	if (n_tasks > 1 && crew->n > 1)
		crew_run(crew, take_tasks, &batch);
	else
		take_tasks(&batch, 0, 1);
}
