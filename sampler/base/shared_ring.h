/*
 * shared_ring: fixed-size records from many threads and processes of a measured program to one
 * reader, the profiler, through shared memory. Header-only: it is compiled into the program.
 *
 * Nobody waits: a full ring drops the record and counts it. A writer that dies in the middle
 * leaves one record unfinished, which the reader skips after a while. The reader trusts nothing:
 * its position is its own, and every record is copied out before it is looked at.
 * Source: Vyukov, "Bounded MPMC queue" (2010), reduced to one reader.
 */
#ifndef SAMPLER_BASE_SHARED_RING_H
#define SAMPLER_BASE_SHARED_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	SHARED_RING_MAGIC = 0x53524e47, /* "SRNG" */
	SHARED_RING_VERSION = 1,
	SHARED_RING_RECORDS = 4096, /* 50 ms of 80,000 phases a second; a power of two */
	SHARED_RING_TEXT_BYTES = 64,
	SHARED_RING_VALUES = 4,
	SHARED_RING_PAYLOAD_BYTES = 88,          /* values and text less the bytes behind its end */
	SHARED_RING_LOST_NS = 200 * 1000 * 1000, /* a writer needs microseconds */
};

enum shared_record_type {
	SHARED_PHASE_BEGIN = 1, /* text: name */
	SHARED_PHASE_END, /* text: name; values: FLOPs, bytes, items done in it (NaN unknown) */
	SHARED_PROGRESS,  /* values[0]: 0…1 */
	SHARED_QUALITY,   /* text: name; values[0] */
	SHARED_WORK,      /* values: FLOPs, bytes, items since the program began */
	SHARED_RESTART,   /* progress and work begin again from zero */
};

struct shared_record {
	_Atomic uint64_t sequence; /* place in the stream + 1 once it is whole */
	uint64_t time_ns;          /* CLOCK_MONOTONIC */
	uint32_t type, pid, tid, reserved;
	union {
		struct {
			double values[SHARED_RING_VALUES];
			char text[SHARED_RING_TEXT_BYTES];
		};
		/* Of rings with records of another kind (gpu/gpu_record.h). */
		unsigned char payload[SHARED_RING_PAYLOAD_BYTES];
	};
};

struct shared_ring {
	uint32_t magic, version, n_records, record_bytes;
	_Alignas(64) _Atomic uint64_t head; /* next place to write */
	_Alignas(64) _Atomic uint64_t
		tail; /* next place to read: the reader's word to the writers */
	_Alignas(64) _Atomic uint64_t n_dropped;
	_Alignas(64) struct shared_record records[];
};

/* Memory of a ring of n_records, a power of two. Writers and reader each bring the number: what
 * is in the shared memory may be anything by the time it is used. */
static inline size_t shared_ring_bytes(uint32_t n_records)
{
	return sizeof(struct shared_ring) + n_records * sizeof(struct shared_record);
}

static inline void shared_ring_init(struct shared_ring *ring, uint32_t n_records)
{
	ring->n_records = n_records;
	ring->record_bytes = sizeof(struct shared_record);
	ring->version = SHARED_RING_VERSION;
	ring->magic = SHARED_RING_MAGIC;
}

static inline bool shared_ring_is_good(const struct shared_ring *ring, uint32_t n_records)
{
	return ring->magic == SHARED_RING_MAGIC && ring->version == SHARED_RING_VERSION &&
	       ring->n_records == n_records && ring->record_bytes == sizeof(struct shared_record);
}

/*
 * shared_ring_claim: a place for one record, which shared_ring_commit fills and gives out. What
 * goes with the record in memory of its own, by place, is to be written between. False if the ring
 * is full; the record counts as dropped.
 */
static inline bool shared_ring_claim(struct shared_ring *ring, uint32_t n_records, uint64_t *place)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	do {
		uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
		if (head - tail >= n_records) {
			atomic_fetch_add_explicit(&ring->n_dropped, 1, memory_order_relaxed);
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(
		&ring->head, &head, head + 1, memory_order_relaxed, memory_order_relaxed));
	*place = head;
	return true;
}

static inline void shared_ring_commit(struct shared_ring *ring, uint32_t n_records, uint64_t head,
				      const struct shared_record *record)
{
	struct shared_record *place = &ring->records[head & (n_records - 1)];
	place->time_ns = record->time_ns;
	place->type = record->type;
	place->pid = record->pid;
	place->tid = record->tid;
	memcpy(place->values, record->values, sizeof place->values);
	memcpy(place->text, record->text, sizeof place->text);
	atomic_store_explicit(&place->sequence, head + 1, memory_order_release);
}

/*
 * shared_ring_write_to: add one record (its sequence is ignored). False if it was dropped.
 * Cost  about 30 ns alone; never waits
 */
static inline bool shared_ring_write_to(struct shared_ring *ring, uint32_t n_records,
					const struct shared_record *record)
{
	uint64_t place;
	if (!shared_ring_claim(ring, n_records, &place))
		return false;
	shared_ring_commit(ring, n_records, place, record);
	return true;
}

/* shared_ring_write: to a ring of SHARED_RING_RECORDS, such as probe.h has. */
static inline bool shared_ring_write(struct shared_ring *ring, const struct shared_record *record)
{
	return shared_ring_write_to(ring, SHARED_RING_RECORDS, record);
}

enum shared_ring_read { SHARED_RING_EMPTY, SHARED_RING_READ, SHARED_RING_UNFINISHED };

/*
 * shared_ring_peek_from: copy the record at the reader's own position; shared_ring_skip then moves
 * on. SHARED_RING_UNFINISHED: a writer has claimed the place and not filled it yet (or died);
 * shared_ring_skip gives it up. text is always terminated.
 */
static inline enum shared_ring_read shared_ring_peek_from(struct shared_ring *ring,
							  uint32_t n_records, uint64_t tail,
							  struct shared_record *out)
{
	const struct shared_record *place = &ring->records[tail & (n_records - 1)];
	uint64_t sequence = atomic_load_explicit(&place->sequence, memory_order_acquire);
	if (sequence != tail + 1) {
		uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
		return head == tail ? SHARED_RING_EMPTY : SHARED_RING_UNFINISHED;
	}
	out->time_ns = place->time_ns;
	out->type = place->type;
	out->pid = place->pid;
	out->tid = place->tid;
	memcpy(out->values, place->values, sizeof out->values);
	memcpy(out->text, place->text, sizeof out->text);
	out->text[sizeof out->text - 1] = '\0';
	return SHARED_RING_READ;
}

/*
 * shared_ring_has_lost_writer: of a reader that found a place unfinished at now_ns: has it been so
 * for so long that its writer must be gone? `*since_ns` is the reader's: 0 whenever it moves on.
 */
static inline bool shared_ring_has_lost_writer(uint64_t *since_ns, uint64_t now_ns)
{
	if (!*since_ns)
		*since_ns = now_ns;
	if (now_ns - *since_ns < SHARED_RING_LOST_NS)
		return false;
	*since_ns = 0;
	return true;
}

static inline void shared_ring_skip(struct shared_ring *ring, uint64_t *tail)
{
	atomic_store_explicit(&ring->tail, ++*tail, memory_order_release);
}

/* shared_ring_take_from: the same, and move on from what was read. */
static inline enum shared_ring_read shared_ring_take_from(struct shared_ring *ring,
							  uint32_t n_records, uint64_t *tail,
							  struct shared_record *out)
{
	enum shared_ring_read result = shared_ring_peek_from(ring, n_records, *tail, out);
	if (result == SHARED_RING_READ)
		shared_ring_skip(ring, tail);
	return result;
}

static inline enum shared_ring_read shared_ring_take(struct shared_ring *ring, uint64_t *tail,
						     struct shared_record *out)
{
	return shared_ring_take_from(ring, SHARED_RING_RECORDS, tail, out);
}

static inline uint64_t shared_ring_dropped(struct shared_ring *ring)
{
	return atomic_load_explicit(&ring->n_dropped, memory_order_relaxed);
}

#endif
