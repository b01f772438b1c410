/*
 * resctrl: bytes that programs and their children moved to and from main memory, by the kernel's
 * resource control (Intel RDT, AMD PQoS, Arm MPAM): a monitoring group of their own; or those of
 * the whole machine, from the groups that there are.
 * Source: linux/Documentation/filesystems/resctrl.rst (arch/x86/resctrl.rst before 6.17)
 */
#ifndef COUNTERS_RESCTRL_H
#define COUNTERS_RESCTRL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sampler/base/why.h"

enum { RESCTRL_PATH_BYTES = 512 };

struct resctrl_request {
	const char *root;   /* "" is this machine; tests have a folder with sys/fs/resctrl in it */
	const pid_t *tasks; /* threads; what they start is counted too */
	uint32_t n_tasks;
	bool is_attached;      /* they run already; one that has ended is left out */
	bool is_whole_machine; /* instead of tasks */
};

struct resctrl {
	char folder[RESCTRL_PATH_BYTES - 64]; /* of the resource control */
	char group[RESCTRL_PATH_BYTES];       /* folder of our group; "" = none */
	bool is_whole_machine;
	double before; /* bytes of the machine when it was opened */
};

/*
 * resctrl_open: make a monitoring group and put the tasks into it; what they fork is in it too.
 * Errors  false and a sentence: not there, not mounted, not allowed, no free monitor, all tasks
 *         have ended, somebody else's group has one
 */
bool resctrl_open(struct resctrl *resctrl, const struct resctrl_request *request, struct why *why);

/* resctrl_read: bytes since it was opened, over all memory domains. False: a domain has no count
 * at the moment. */
bool resctrl_read(const struct resctrl *resctrl, double *bytes);

/* resctrl_close: the group goes; a zeroed one is fine. */
void resctrl_close(struct resctrl *resctrl);

#endif
