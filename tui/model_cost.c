/*
 * Both programs run with little work and with much: what surrounds the work falls out of the
 * difference. The least of some runs, in turns: whatever else the machine does only adds.
 */
#include "tui/model_cost.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "counters/model_memory.h"
#include "sampler/target.h"
#include "tui/session.h"
#include "tui/session_model.h"
#include "tui/session_program.h"
#include "tui/settings.h"

/* Products of the short run, and how many more the long one has: some tenths of a second. */
enum { N_RUNS = 3, SHORT = 1, MODELLED_MORE = 3, ALONE_MORE = 100 };
static const long STEP_NS = 2 * 1000 * 1000;

struct cost_run {
	double cpu_s;
	uint64_t n_accesses;
};

static double children_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static bool wait_for(struct target *target, struct why *why)
{
	const struct timespec step = { .tv_nsec = STEP_NS };
	while (!target_poll(target))
		nanosleep(&step, NULL);
	return target_exit_status(target) == 0 ||
	       why_fail(why, "The workload that was to be modelled ended with status %d.",
			target_exit_status(target));
}

/* Of the first process, which is the only one. */
static bool count_accesses(int fd, struct cost_run *run, struct why *why)
{
	struct model_memory *memory = model_memory_map(fd, why);
	if (!memory)
		return false;
	for (uint32_t i = 0; i < MODEL_SITES; i++)
		run->n_accesses += memory->sites[i].counts[MODEL_ACCESSES];
	model_memory_unmap(memory);
	return run->n_accesses > 0 || why_fail(why, "Nothing was modelled.");
}

static bool launch(const struct session_program *program, const struct session_model *model,
		   struct cost_run *run, struct why *why)
{
	char *none[] = { NULL };
	const char *environment[5];
	struct sampling sampling;
	struct target target;
	int status;
	session_model_environment(model, none, environment);
	sampling_defaults(&sampling);
	const struct launch launch = {
		.argv = program->argv,
		.workload = "gemm",
		.extra_environment = environment,
		.probe_fd = program->probe_fd,
		.gpu_fd = -1,
		.model_fd = model->fd,
		.output = TARGET_OUTPUT_TERMINAL, /* its few lines are nobody's */
		.columns = 80,
		.rows = 24
	};
	double before = children_seconds();
	if (!target_launch(&target, &launch, &sampling, why))
		return false;
	bool is_good = target_release(&target, &status, why) && wait_for(&target, why);
	target_close(&target);
	run->cpu_s = children_seconds() - before;
	return is_good && (!model->fd || count_accesses(model->fd, run, why));
}

static bool run_once(bool is_modelled, int repeats, struct cost_run *run, struct why *why)
{
	static char name[] = "gemm", size[] = "n=128", variant[] = "variant=ijp",
		    threads[] = "threads=1";
	char times[32];
	char *words[] = { name, size, variant, threads, times, NULL };
	struct settings settings = { .has_model = is_modelled };
	const struct session_request request = {
		.name = "doctor", .settings = &settings, .words = words, .workload = name
	};
	struct session_program program;
	struct session_model model;
	snprintf(times, sizeof times, "repeats=%d", repeats);
	*run = (struct cost_run){ 0 };
	if (!session_model_open(&model, &settings, why))
		return false;
	bool is_good = session_program_open(&program, &request, why);
	if (is_good) {
		is_good = launch(&program, &model, run, why);
		session_program_close(&program);
	}
	session_model_close(&model);
	return is_good;
}

/* What `more` products take, and how many accesses they are. */
static bool measure(bool is_modelled, int more, struct cost_run *least, struct why *why)
{
	struct cost_run few, many;
	if (!run_once(is_modelled, SHORT, &few, why) ||
	    !run_once(is_modelled, SHORT + more, &many, why))
		return false;
	double cpu_s = (many.cpu_s - few.cpu_s) / more;
	if (isnan(least->cpu_s) || cpu_s < least->cpu_s)
		least->cpu_s = cpu_s;
	least->n_accesses = (many.n_accesses - few.n_accesses) / (uint64_t)more;
	return true;
}

bool model_cost_measure(struct model_cost *cost, struct why *why)
{
	struct cost_run modelled = { .cpu_s = NAN }, alone = { .cpu_s = NAN };
	for (int i = 0; i < N_RUNS; i++)
		if (!measure(true, MODELLED_MORE, &modelled, why) ||
		    !measure(false, ALONE_MORE, &alone, why))
			return false;
	if (!(modelled.cpu_s > 0) || !(alone.cpu_s > 0) || modelled.n_accesses == 0)
		return why_fail(why, "The cache model's cost could not be told from what surrounds "
				     "it; try again when the machine is less busy.");
	*cost = (struct model_cost){ .access_ns =
					     modelled.cpu_s * 1e9 / (double)modelled.n_accesses,
				     .times = modelled.cpu_s / alone.cpu_s,
				     .n_accesses = modelled.n_accesses,
				     .workload = "gemm variant=ijp n=128 threads=1" };
	return true;
}
