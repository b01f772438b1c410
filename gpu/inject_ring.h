/*
 * inject_ring: the writing side of gpu_record.h inside a program: long things are cut into pieces
 * and sent once. Any thread; never waits for the profiler.
 */
#ifndef GPU_INJECT_RING_H
#define GPU_INJECT_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inject_ring;

/* inject_ring_open: with the memory behind the descriptor in STOKE_GPU_FD, if there is any; the
 * same ring at every call. */
struct inject_ring *inject_ring_open(void);

/*
 * inject_ring_attach: memory that a profiler brings while the program runs.
 * fd       stays the caller's; only a sealed ring of GPU_RING_RECORDS is taken
 * pid      the process's number in its records; 0 = its own
 * Returns  false: it is something else, or there is memory already
 * Thread   one at a time; others may be sending
 */
bool inject_ring_attach(struct inject_ring *ring, int fd, uint32_t pid);

/* inject_ring_detach: nothing is sent any more when it returns; a second at most. */
void inject_ring_detach(struct inject_ring *ring);

/* inject_ring_forked: in a child that was forked away, which has its own number. */
void inject_ring_forked(struct inject_ring *ring);

/* inject_ring_attachment: a number that each memory has for itself; 0 = nobody listens. What was
 * sent before it changed is not known to who listens now. */
uint32_t inject_ring_attachment(struct inject_ring *ring);

/* inject_ring_send: one record; time_ns 0 = now. False if the ring is full, or nobody listens. */
bool inject_ring_send(struct inject_ring *ring, uint32_t type, uint64_t time_ns,
		      const void *payload, size_t bytes);

/* inject_ring_name: the id of a text, which is sent the first time. 0 for NULL. */
uint64_t inject_ring_name(struct inject_ring *ring, const char *name);

/* inject_ring_once: a record that `id` stands for from then on; sent if it may not have been. */
void inject_ring_once(struct inject_ring *ring, uint32_t type, uint64_t id, const void *payload,
		      size_t bytes);

/* inject_hash: of bytes, as all ids are; never 0. */
uint64_t inject_hash(const void *bytes, size_t n);

/*
 * inject_ring_stack: the id of a call stack, which is sent the first time with the modules it is
 * in. Frames of `own` and of the module that holds `skipped` are left out at the inner end.
 *
 * frames  n return addresses, innermost first
 * Cost    a hash of the addresses once it is known
 */
uint64_t inject_ring_stack(struct inject_ring *ring, void *const *frames, size_t n, const void *own,
			   const void *skipped);

/* inject_lock: false after 20 ms: whoever held it was left behind by a fork. */
bool inject_lock(pthread_mutex_t *lock);

/* inject_now_ns: CLOCK_MONOTONIC, the clock of all times. */
uint64_t inject_now_ns(void);

#endif
