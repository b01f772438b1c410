/*
 * cpu_rings: the same events on every CPU, one ring a CPU, and their records merged by time. The
 * kernel maps no ring for an inherited event that follows its task across CPUs, hence one each.
 * Threads that run already are followed one by one, and write into the same rings.
 */
#ifndef SAMPLER_CPU_RINGS_H
#define SAMPLER_CPU_RINGS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sampler/hash_map.h"
#include "sampler/perf_event.h"
#include "sampler/perf_record.h"

struct cpu_rings {
	struct perf_ring *rings;
	int *ring_fds; /* the event that owns each ring */
	uint32_t n_rings;
	int *fds, *side_fds; /* of all threads: sampled events, and side bands */
	uint32_t n_fds, n_side_fds, fds_capacity, side_fds_capacity;
	struct hash_map by_id; /* an event's id -> its attribute's place + 1 */
	uint32_t n_ended;      /* threads that had ended before they could be followed */
	uint32_t n_refused;    /* threads left out because they refused */
	struct perf_layout layout;
	uint32_t *heap; /* rings that have a record, oldest first */
	uint64_t *times_ns;
	uint32_t n_heap;
	uint64_t ring_bytes;
	bool is_broken; /* a ring held a record that makes no sense */
};

struct cpu_rings_request {
	const struct perf_event_attr *attributes; /* complete */
	uint32_t n_attributes;
	const bool *is_read;  /* by attribute: in the group of the one before that is not; may be
				 NULL */
	bool needs_side_band; /* mappings must be seen while the events are off */
	bool is_side_band_on; /* from the start, else from the program's exec on */
	bool may_leave_out;   /* threads that refuse (EACCES, EPERM) are left out, but not all */
	const pid_t *threads; /* to follow; -1 = everything that runs */
	uint32_t n_threads;
	uint64_t ring_bytes; /* power of two */
};

/*
 * cpu_rings_open: open on every online CPU, disabled (or enabled by exec, as the attributes say).
 * Returns 0, or the errno of the first failure with nothing left open. A thread that has ended is
 * no failure (ESRCH) unless all have. ENOMEM and EPERM from mapping halve the ring down to 128 KiB
 * before they count.
 * Cost     a descriptor for each thread, CPU and event; some 10 us each
 */
int cpu_rings_open(struct cpu_rings *rings, const struct cpu_rings_request *request);
void cpu_rings_close(struct cpu_rings *rings);

/* cpu_rings_enable: switch the sampled events on or off (the side band stays on). */
void cpu_rings_enable(struct cpu_rings *rings, bool is_on);

int cpu_rings_pollfds(const struct cpu_rings *rings, struct pollfd *out, int max);

/* cpu_rings_begin: see what all rings hold now. */
void cpu_rings_begin(struct cpu_rings *rings);

/*
 * cpu_rings_next: the oldest record not newer than limit_ns, NULL when there is none. Valid until
 * cpu_rings_consume, which goes on to the next one.
 */
const struct perf_event_header *cpu_rings_next(struct cpu_rings *rings, uint64_t limit_ns);
void cpu_rings_consume(struct cpu_rings *rings);

/* cpu_rings_end: give the space of what was returned back to the kernel. */
void cpu_rings_end(struct cpu_rings *rings);

/* cpu_rings_event: which of the request's attributes a sample's id belongs to. */
uint32_t cpu_rings_event(const struct cpu_rings *rings, uint64_t id);

#endif
