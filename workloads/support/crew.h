/*
 * crew: a fixed set of threads that do one job in shares and wait for the next.
 */
#ifndef WORKLOADS_SUPPORT_CREW_H
#define WORKLOADS_SUPPORT_CREW_H

#include <stddef.h>

struct crew;

/* How a thread without work waits, in the order of the choices below. */
enum crew_waits {
	CREW_SPINS_BRIEFLY, /* asking for 50 to 100 us, then asleep */
	CREW_SLEEPS,        /* in the kernel (futex) */
	CREW_SPINS,         /* asking again and again */
};

/* A setting of workloads that let one choose. */
#define CREW_WAITS_PARAMETER                                                                       \
	{                                                                                          \
		"pool", "how threads wait: asking and then asleep, asleep, asking",                \
			PARAMETER_CHOICE, "brief", 0, 0, "brief|futex|spin"                        \
	}

/* crew_new: n - 1 threads beside the caller, named "name-1", ..., that spin briefly; n = 0 takes
 * one a CPU. */
struct crew *crew_new(unsigned n, const char *name);
struct crew *crew_new_waiting(unsigned n, const char *name, enum crew_waits waits);
void crew_free(struct crew *crew);
unsigned crew_size(const struct crew *crew);

/* crew_run: call job(argument, share, n_shares) once for each share, the caller taking share 0;
 * returns when all are done. */
void crew_run(struct crew *crew, void (*job)(void *argument, unsigned share, unsigned n_shares),
	      void *argument);

/*
 * crew_run_tasks: call task(argument, i, share) once for each i < n_tasks; threads take the next
 * one when they are ready, so tasks may differ in length. A single task wakes nobody.
 */
void crew_run_tasks(struct crew *crew, size_t n_tasks,
		    void (*task)(void *argument, size_t i, unsigned share), void *argument);

/* crew_part: items [*from, *to) of n that belong to a share. */
static inline void crew_part(size_t n, unsigned share, unsigned n_shares, size_t *from, size_t *to)
{
	*from = n * share / n_shares;
	*to = n * (share + 1) / n_shares;
}

#endif
