/*
 * probe: how a program tells the profiler what it is doing: phases, progress, quality of its
 * result and the exact work done. Header-only, for any C program:
 *
 *     #include "probe.h"
 *     probe_phase_begin("train");
 *     ...
 *     probe_phase_end("train", (struct probe_work){ .flops = 2e9, .bytes = 1e9 });
 *     probe_quality("loss", loss);
 *
 * Started by `stoke run` or `stoke record`, the program finds the shared memory through the
 * descriptor in STOKE_PROBE_FD; without it each call costs one branch. Any thread may call; a
 * forked child may go on calling.
 * Cost  about 80 ns a call (a clock, a thread id, 128 bytes)
 */
#ifndef SAMPLER_BASE_PROBE_H
#define SAMPLER_BASE_PROBE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sampler/base/shared_ring.h"

/* Exact by construction; NaN (or PROBE_UNKNOWN) where the program does not know. */
struct probe_work {
	double flops, bytes, items;
};

#define PROBE_UNKNOWN ((struct probe_work){ NAN, NAN, NAN })

/* probe_ring: the memory shared with the profiler; NULL when nobody listens. */
static inline struct shared_ring *probe_ring(void)
{
	static struct shared_ring *ring;
	static atomic_int state; /* 0 = not looked, 1 = looking, 2 = known */
	int expected = 0;
	if (atomic_load_explicit(&state, memory_order_acquire) == 2)
		return ring;
	if (!atomic_compare_exchange_strong(&state, &expected, 1))
		return NULL; /* another thread is looking: this call goes unheard */
	const char *text = getenv("STOKE_PROBE_FD");
	int fd = text ? atoi(text) : -1;
	size_t bytes = shared_ring_bytes(SHARED_RING_RECORDS);
	void *memory =
		fd > 2 ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (memory != MAP_FAILED &&
	    shared_ring_is_good((struct shared_ring *)memory, SHARED_RING_RECORDS))
		ring = (struct shared_ring *)memory;
	atomic_store_explicit(&state, 2, memory_order_release);
	return ring;
}

static inline void probe_write(uint32_t type, const char *text, double a, double b, double c)
{
	struct shared_ring *ring = probe_ring();
	struct shared_record record;
	struct timespec now;
	static _Thread_local uint32_t tid;
	if (!ring)
		return;
	if (!tid)
		tid = (uint32_t)syscall(SYS_gettid);
	clock_gettime(CLOCK_MONOTONIC, &now);
	record.time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	record.type = type;
	record.pid = (uint32_t)getpid();
	record.tid = tid;
	record.values[0] = a;
	record.values[1] = b;
	record.values[2] = c;
	record.values[3] = 0;
	memset(record.text, 0, sizeof record.text);
	size_t n = strnlen(text, sizeof record.text - 1);
	memcpy(record.text, text, n);
	shared_ring_write(ring, &record);
}

/* Phases nest; each thread has its own. The name of the end tells that of the beginning. */
static inline void probe_phase_begin(const char *name)
{
	probe_write(SHARED_PHASE_BEGIN, name, 0, 0, 0);
}

static inline void probe_phase_end(const char *name, struct probe_work work)
{
	probe_write(SHARED_PHASE_END, name, work.flops, work.bytes, work.items);
}

static inline void probe_progress(double done_ratio)
{
	probe_write(SHARED_PROGRESS, "progress", done_ratio, 0, 0);
}

static inline void probe_quality(const char *name, double value)
{
	probe_write(SHARED_QUALITY, name, value, 0, 0);
}

/* probe_work: everything done since the program began. */
static inline void probe_work(struct probe_work total)
{
	probe_write(SHARED_WORK, "work", total.flops, total.bytes, total.items);
}

/* probe_restart: from here on progress and work are told from zero again, of other work or of the
 * same with other settings. What was told before stays done. */
static inline void probe_restart(void)
{
	probe_write(SHARED_RESTART, "restart", 0, 0, 0);
}

#endif
