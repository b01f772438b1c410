/* Threads that sleep on a condition between jobs: their waiting costs no CPU time. */
#include "workloads/support/crew.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sampler/base/why.h"

enum { MOST_THREADS = 256 };

struct member {
	struct crew *crew;
	pthread_t thread;
	unsigned share;
};

struct crew {
	pthread_mutex_t mutex;
	pthread_cond_t has_job, is_done;
	void (*job)(void *argument, unsigned share, unsigned n_shares);
	void *argument;
	unsigned n, n_busy;
	unsigned long turn;
	bool must_end;
	struct member members[MOST_THREADS];
};

static void *work(void *opaque)
{
	struct member *member = opaque;
	struct crew *crew = member->crew;
	unsigned long turn = 0;
	for (;;) {
		pthread_mutex_lock(&crew->mutex);
		while (crew->turn == turn && !crew->must_end)
			pthread_cond_wait(&crew->has_job, &crew->mutex);
		bool must_end = crew->must_end;
		turn = crew->turn;
		pthread_mutex_unlock(&crew->mutex);
		if (must_end)
			return NULL;
		crew->job(crew->argument, member->share, crew->n);
		pthread_mutex_lock(&crew->mutex);
		if (--crew->n_busy == 0)
			pthread_cond_signal(&crew->is_done);
		pthread_mutex_unlock(&crew->mutex);
	}
}

static unsigned count_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned)n : 1;
}

struct crew *crew_new(unsigned n, const char *name)
{
	struct crew *crew = allocate(1, sizeof *crew);
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

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->mutex);
	crew->must_end = true;
	pthread_cond_broadcast(&crew->has_job);
	pthread_mutex_unlock(&crew->mutex);
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

void crew_run(struct crew *crew, void (*job)(void *, unsigned, unsigned), void *argument)
{
	pthread_mutex_lock(&crew->mutex);
	crew->job = job;
	crew->argument = argument;
	crew->n_busy = crew->n - 1;
	crew->turn++;
	pthread_cond_broadcast(&crew->has_job);
	pthread_mutex_unlock(&crew->mutex);
	job(argument, 0, crew->n);
	pthread_mutex_lock(&crew->mutex);
	while (crew->n_busy > 0)
		pthread_cond_wait(&crew->is_done, &crew->mutex);
	pthread_mutex_unlock(&crew->mutex);
}
