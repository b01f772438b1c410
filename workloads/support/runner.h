/*
 * runner: the child process of a built-in workload: settings, units of work, checks.
 */
#ifndef WORKLOADS_SUPPORT_RUNNER_H
#define WORKLOADS_SUPPORT_RUNNER_H

#include <stdio.h>

struct workload;

/* workload_find: by name; NULL if there is none. */
const struct workload *workload_find(const char *name);

/*
 * workload_main: argv = NAME [key=value...]. Besides the workload's own parameters every one takes
 * seconds=N, a limit of time. `--selftest` runs it small and only reports the checks. New settings
 * that come by steer.h end the stretch at hand, with its checks and result, and begin another.
 *
 * Prints   one line with the work done and its rate on stdout, sentences on stderr
 * Returns  0; 1 when a check fails; 2 for a wrong setting; 3 when device=cuda has no library,
 *          driver or device. SIGINT and SIGTERM end it after the
 *          unit of work at hand, with the same line
 */
int workload_main(int argc, char **argv);

/* workload_describe: what it does, teaches and takes. */
void workload_describe(FILE *out, const struct workload *workload);

#endif
