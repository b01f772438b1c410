/*
 * Busy time alone does not tell: two threads that get half a CPU each, beside other programs, keep
 * one busy. Within a slot of time both show. See roofline_busy.h.
 */
#include "counters/roofline_busy.h"

#include <math.h>

#include "sampler/recording.h"

/* Samples are kept by slots as long (recording_add_sample); schedulers let threads take turns in
 * much less. */
static const uint64_t SLOT_NS = 20 * 1000 * 1000;
/* Each sample is 1 ms or so. */
static const double LEAST_BUSY_NS = 5e6;

/* Who did a quarter of what the busiest did worked beside it; others only looked whether there was
 * something to do. */
void roofline_busy_end(struct roofline_busy *busy)
{
	struct roofline_slot *slot = &busy->slot;
	uint64_t most = 0;
	for (uint32_t i = 0; i < slot->n; i++)
		most = slot->weights[i] > most ? slot->weights[i] : most;
	for (uint32_t i = 0; i < slot->n; i++)
		busy->n_beside += slot->weights[i] >= most / 4;
	busy->n_slots += slot->n > 0;
	slot->n = 0;
}

void roofline_busy_add(struct roofline_busy *busy, const struct sample_row *sample)
{
	struct roofline_slot *slot = &busy->slot;
	uint32_t i = 0;
	busy->ns += (double)sample->weight;
	if (slot->number != sample->time_ns / SLOT_NS)
		roofline_busy_end(busy);
	slot->number = sample->time_ns / SLOT_NS;
	while (i < slot->n && slot->threads[i] != sample->thread)
		i++;
	if (i == ROOFLINE_SLOT_THREADS)
		return;
	if (i == slot->n) {
		slot->threads[i] = sample->thread;
		slot->weights[i] = 0;
		slot->n++;
	}
	slot->weights[i] += sample->weight;
}

uint32_t roofline_busy_threads(const struct roofline_busy *busy, double seconds, uint32_t most,
			       uint32_t otherwise)
{
	if (!(seconds > 0) || busy->ns < LEAST_BUSY_NS)
		return otherwise;
	/* Threads that had to wait for a CPU count; helpers that did next to nothing do not. */
	double n = ceil(busy->ns / (seconds * 1e9) - 0.25);
	if (busy->n_slots)
		n = fmax(n, round((double)busy->n_beside / (double)busy->n_slots));
	if (most && n > most)
		return most;
	return n < 1 ? 1 : n < UINT16_MAX ? (uint32_t)n : UINT16_MAX;
}
