/*
 * roofline_busy: with how many threads a phase runs, by its samples of a clock: by how many CPUs
 * were busy and, on a machine that others use too, by how many threads took turns.
 */
#ifndef COUNTERS_ROOFLINE_BUSY_H
#define COUNTERS_ROOFLINE_BUSY_H

#include <stdint.h>

struct sample_row;

enum { ROOFLINE_SLOT_THREADS = 64 };

/* Threads that ran within one slot of time. */
struct roofline_slot {
	uint64_t number;
	uint32_t n, threads[ROOFLINE_SLOT_THREADS];
	uint64_t weights[ROOFLINE_SLOT_THREADS];
};

/* Zeroed, nothing is known. */
struct roofline_busy {
	double ns;
	uint64_t n_slots, n_beside; /* threads beside each other, summed over slots */
	struct roofline_slot slot;  /* the latest */
};

/* roofline_busy_add: samples in the order of the recording; roofline_busy_end: after the last. */
void roofline_busy_add(struct roofline_busy *busy, const struct sample_row *sample);
void roofline_busy_end(struct roofline_busy *busy);

/*
 * roofline_busy_threads: 1 to `most`, if that is not 0; `otherwise` where too few samples tell.
 * seconds  that the phase took
 */
uint32_t roofline_busy_threads(const struct roofline_busy *busy, double seconds, uint32_t most,
			       uint32_t otherwise);

#endif
