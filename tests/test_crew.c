/* Threads that share jobs: every share once, however they wait, and all of it seen afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "workloads/support/crew.h"

enum { MOST_SHARES = 4, JOBS = 300, TASKS = 1000 };

static const enum crew_waits ways[] = { CREW_SPINS_BRIEFLY, CREW_SLEEPS, CREW_SPINS };
enum { N_WAYS = sizeof ways / sizeof ways[0] };

/* Plain numbers: that one thread sees what another wrote is the crew's promise. */
struct sums {
	unsigned n_shares[MOST_SHARES]; /* as each was told */
	uint64_t calls[MOST_SHARES];
	uint64_t next; /* what share 0 of the job before has left */
	uint64_t seen[MOST_SHARES];
};

static void add_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct sums *sums = opaque;
	sums->n_shares[share] = n_shares;
	sums->calls[share]++;
	sums->seen[share] = sums->next;
}

/* Longer than a thread asks before it sleeps. */
static void rest(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
}

static void run_jobs(struct crew *crew, unsigned n)
{
	struct sums sums = { 0 };
	for (uint64_t job = 0; job < JOBS; job++) {
		sums.next = job * 7;
		crew_run(crew, add_share, &sums);
		for (unsigned share = 0; share < n; share++) {
			assert_int_equal(sums.n_shares[share], n);
			assert_int_equal(sums.calls[share], job + 1);
			assert_int_equal(sums.seen[share], job * 7);
		}
		if (job % 10 == 0)
			rest();
	}
}

static void every_share_is_run_once(void **state)
{
	(void)state;
	for (int way = 0; way < N_WAYS; way++)
		for (unsigned n = 1; n <= MOST_SHARES; n++) {
			struct crew *crew = crew_new_waiting(n, "t", ways[way]);
			assert_int_equal(crew_size(crew), n);
			run_jobs(crew, n);
			crew_free(crew);
		}
}

/* The caller has done its share long before the others. */
static void be_slow(void *opaque, unsigned share, unsigned n_shares)
{
	if (share > 0)
		rest();
	add_share(opaque, share, n_shares);
}

static void slow_shares_are_waited_for(void **state)
{
	(void)state;
	for (int way = 0; way < N_WAYS; way++) {
		struct crew *crew = crew_new_waiting(MOST_SHARES, "t", ways[way]);
		struct sums sums = { 0 };
		for (uint64_t job = 1; job <= 20; job++) {
			crew_run(crew, be_slow, &sums);
			for (unsigned share = 0; share < MOST_SHARES; share++)
				assert_int_equal(sums.calls[share], job);
		}
		crew_free(crew);
	}
}

static void count_task(void *opaque, size_t i, unsigned share)
{
	((unsigned char *)opaque)[i]++;
	assert_true(share < MOST_SHARES);
}

static void every_task_is_run_once(void **state)
{
	(void)state;
	for (int way = 0; way < N_WAYS; way++) {
		struct crew *crew = crew_new_waiting(MOST_SHARES, "t", ways[way]);
		unsigned char calls[TASKS] = { 0 };
		for (unsigned job = 1; job <= 50; job++) {
			crew_run_tasks(crew, TASKS, count_task, calls);
			for (size_t i = 0; i < TASKS; i++)
				assert_int_equal(calls[i], job);
		}
		crew_run_tasks(crew, 1, count_task, calls);
		assert_int_equal(calls[0], 51);
		crew_run_tasks(crew, 0, count_task, calls);
		assert_int_equal(calls[0], 51);
		crew_free(crew);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_share_is_run_once),
		cmocka_unit_test(slow_shares_are_waited_for),
		cmocka_unit_test(every_task_is_run_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
