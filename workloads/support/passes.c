/* A pass is timed by the clock on the wall: that it waits for its slowest thread is part of it. */
#include "workloads/support/passes.h"

#include <time.h>

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

bool passes_tell(struct passes *passes)
{
	struct work work = passes_work(passes);
	probe_work((struct probe_work){ work.flops, work.bytes, work.items });
	probe_progress((double)passes->n_done / (double)passes->n_wanted);
	return passes->n_done < passes->n_wanted;
}

bool passes_run(struct passes *passes, passes_job *job, void *argument)
{
	probe_phase_begin(passes->phase);
	double start_ns = now_ns();
	crew_run(passes->crew, job, argument);
	passes->last_ns = now_ns() - start_ns;
	probe_phase_end(passes->phase, passes->each);
	if (passes->n_done == 0 || passes->last_ns < passes->best_ns)
		passes->best_ns = passes->last_ns;
	passes->n_done++;
	return passes_tell(passes);
}

struct work passes_work(const struct passes *passes)
{
	double n = (double)passes->n_done;
	return (struct work){ passes->each.flops * n, passes->each.bytes * n,
			      passes->each.items * n };
}
