/* The child process of `stoke run WORKLOAD`: runs it, unprofiled by itself. */
#include "tui/command.h"

#include "workloads/support/runner.h"

static int workload_run(int argc, char **argv)
{
	return workload_main(argc - 1, argv + 1);
}

const struct command command_workload = {
	.name = "workload",
	.summary = "run a built-in workload without profiling it",
	.usage = "NAME [key=value…] [--selftest]",
	.run = workload_run,
	.is_hidden = 1,
};
