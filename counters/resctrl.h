/*
 * resctrl: bytes that a program and its children moved to and from main memory, by the kernel's
 * resource control (Intel RDT, AMD PQoS, Arm MPAM): a monitoring group of their own.
 * Source: linux/Documentation/filesystems/resctrl.rst (arch/x86/resctrl.rst before 6.17)
 */
#ifndef COUNTERS_RESCTRL_H
#define COUNTERS_RESCTRL_H

#include <stdbool.h>
#include <sys/types.h>

#include "sampler/base/why.h"

enum { RESCTRL_PATH_BYTES = 512 };

struct resctrl {
	char group[RESCTRL_PATH_BYTES]; /* folder of the group; "" = none */
};

/*
 * resctrl_open: make a monitoring group and put the program into it; what it forks is in it too.
 * root    "" is this machine; tests have a folder with sys/fs/resctrl in it
 * Errors  false and a sentence: not there, not mounted, not allowed, no free monitor
 */
bool resctrl_open(struct resctrl *resctrl, const char *root, pid_t pid, struct why *why);

/* resctrl_read: bytes since the group was made, over all memory domains. False: a domain has no
 * count at the moment. */
bool resctrl_read(const struct resctrl *resctrl, double *bytes);

/* resctrl_close: the group goes; a zeroed one is fine. */
void resctrl_close(struct resctrl *resctrl);

#endif
