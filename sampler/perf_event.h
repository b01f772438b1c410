/*
 * perf_event: opening events with explained errors, and the rings the kernel writes records to.
 * Source: perf_event_open(2).
 */
#ifndef SAMPLER_PERF_EVENT_H
#define SAMPLER_PERF_EVENT_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sampler/base/why.h"

/* perf_event_open_fd: a descriptor, or a negative errno. Where descriptors run out, the soft limit
 * is raised first. */
int perf_event_open_fd(const struct perf_event_attr *attribute, pid_t pid, int cpu);

/* perf_event_open_member: the same, in the group of another event; -1 = in none. */
int perf_event_open_member(const struct perf_event_attr *attribute, pid_t pid, int cpu,
			   int leader_fd);

/*
 * perf_event_more_descriptors: raise the soft limit of open files to the hard one; false if it is
 * there already. Programs launched after that have it too, until _fewer_ gives the old one back.
 */
bool perf_event_more_descriptors(void);
void perf_event_fewer_descriptors(void);

/*
 * perf_event_inject: tests only: every open goes to `other`, which returns a descriptor or a
 * negative errno, instead of the kernel; NULL = the kernel again. No thread may be opening.
 */
void perf_event_inject(int (*other)(const struct perf_event_attr *attribute, pid_t pid, int cpu,
				    int leader_fd));

/* perf_event_refusal: the errno if perf_event_open is forbidden altogether, even to sample this
 * process's own user code by a clock: EPERM, EACCES or ENOSYS; else 0. */
int perf_event_refusal(void);

/*
 * perf_event_explain: a sentence for an errno of perf_event_open, with the machine's current
 * setting and what to change; always returns false.
 */
bool perf_event_explain(const char *event, int error, struct why *why);

/* perf_event_paranoid: /proc/sys/kernel/perf_event_paranoid; INT_MIN if it cannot be read. */
int perf_event_paranoid(void);

/* perf_event_setting: a number from /proc/sys/kernel/NAME, or `otherwise`. */
long perf_event_setting(const char *name, long otherwise);

/* A ring of one CPU. The kernel writes at head, we read up to it and then give the space back. */
struct perf_ring {
	struct perf_event_mmap_page *page;
	const uint8_t *data;
	uint64_t data_bytes;    /* a power of two */
	uint64_t head, tail;    /* of this pass */
	uint64_t wrapped[8192]; /* a record that crosses the ring's end: at most 64 KiB */
};

/* perf_ring_open: map the ring of an event; false and a sentence (memory-lock limit). */
bool perf_ring_open(struct perf_ring *ring, int fd, uint64_t data_bytes, struct why *why);
void perf_ring_close(struct perf_ring *ring);

/* perf_ring_refresh: see what the kernel has written by now. */
void perf_ring_refresh(struct perf_ring *ring);

/*
 * perf_ring_peek: the oldest record, whole and 8-byte aligned, valid until perf_ring_consume;
 * NULL if there is none. A record whose size makes no sense ends the pass: everything seen so far
 * is skipped and *is_broken set.
 */
const struct perf_event_header *perf_ring_peek(struct perf_ring *ring, bool *is_broken);
void perf_ring_consume(struct perf_ring *ring, const struct perf_event_header *header);

/* perf_ring_release: give the kernel the space of consumed records. */
void perf_ring_release(struct perf_ring *ring);

#endif
