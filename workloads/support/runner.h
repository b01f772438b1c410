/*
 * runner: the child process of a built-in workload: settings, units of work, checks.
 */
#ifndef WORKLOADS_SUPPORT_RUNNER_H
#define WORKLOADS_SUPPORT_RUNNER_H

#include <stdio.h>

#include "sampler/base/why.h"

struct workload;

/* workload_find: by name; NULL if there is none. */
const struct workload *workload_find(const char *name);

/*
 * workload_main: argv = NAME [key=value...]. Besides the workload's own parameters every one takes
 * seconds=N, a limit of time. `--selftest` runs it small and only reports the checks.
 *
 * Prints   one line with the work done and its rate on stdout, sentences on stderr
 * Returns  0; 1 when a check fails; 2 for a wrong setting. SIGINT and SIGTERM end it after the
 *          unit of work at hand, with the same line
 */
int workload_main(int argc, char **argv);

/* workload_settings_check: are these key=value words good for the workload? */
bool workload_settings_check(const struct workload *workload, char *const *words, struct why *why);

/* workload_describe: what it does, teaches and takes. */
void workload_describe(FILE *out, const struct workload *workload);

#endif
