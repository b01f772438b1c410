/* The pending rows are an array in arrival order with a hash of its indices beside it; clearing
 * is by generation, so an empty slot costs nothing. */
#include "sampler/sample_slot.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/table.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"

/* 20 ms: 50 rows a second are what a sub-second heat map needs (Gregg, FlameScope), and at
 * 4999 Hz a steady stack still merges 100 samples into one row. */
static const uint64_t SLOT_NS = 20 * 1000 * 1000;
/* 8 M rows: an hour of 64 busy threads at 99 Hz with no merging at all is 23 M. */
static const uint64_t BUDGET_BYTES = (uint64_t)256 << 20;

/* More in 20 ms are phases too short for samples to tell apart; they must not undo the merging. */
enum { FIRST_ENTRIES = 256, MOST_BORDERS = 64 };

struct entry {
	uint32_t generation, index;
};

struct sample_slot {
	uint64_t length_ns, end_ns, budget_bytes;
	struct sample_row *rows;
	struct entry *entries; /* twice the rows' capacity */
	uint32_t n_rows, capacity, generation;
	uint64_t borders[MOST_BORDERS]; /* in order of time; the latest that were told */
	uint32_t n_borders;
};

struct sample_slot *sample_slot_new(void)
{
	struct sample_slot *slot = allocate(1, sizeof *slot);
	slot->length_ns = SLOT_NS;
	slot->budget_bytes = BUDGET_BYTES;
	slot->capacity = FIRST_ENTRIES;
	slot->rows = allocate(slot->capacity, sizeof *slot->rows);
	slot->entries = allocate((size_t)slot->capacity * 2, sizeof *slot->entries);
	slot->generation = 1;
	return slot;
}

void sample_slot_free(struct sample_slot *slot)
{
	if (!slot)
		return;
	free(slot->rows);
	free(slot->entries);
	free(slot);
}

static uint32_t place_of(const struct sample_slot *slot, const struct sample_row *row)
{
	uint64_t key = ((uint64_t)row->stack << 32 | row->thread) ^ (uint64_t)row->series << 56;
	key *= 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */
	return (uint32_t)(key >> 32) & (slot->capacity * 2 - 1);
}

void sample_slot_part(struct sample_slot *slot, uint64_t time_ns)
{
	uint32_t at = slot->n_borders;
	while (at > 0 && slot->borders[at - 1] > time_ns)
		at--;
	if (slot->n_borders == MOST_BORDERS && at-- == 0)
		return;
	if (slot->n_borders == MOST_BORDERS)
		memmove(slot->borders, slot->borders + 1, at * sizeof slot->borders[0]);
	else
		memmove(slot->borders + at + 1, slot->borders + at,
			(slot->n_borders++ - at) * sizeof slot->borders[0]);
	slot->borders[at] = time_ns;
}

/* Does a border lie between them? A sample at a border is behind it. */
static bool is_parted(const struct sample_slot *slot, uint64_t a_ns, uint64_t b_ns)
{
	uint64_t first_ns = a_ns < b_ns ? a_ns : b_ns, last_ns = a_ns < b_ns ? b_ns : a_ns;
	for (uint32_t i = slot->n_borders; i-- > 0 && slot->borders[i] > first_ns;)
		if (slot->borders[i] <= last_ns)
			return true;
	return false;
}

static bool is_same(const struct sample_slot *slot, const struct sample_row *a,
		    const struct sample_row *b)
{
	return a->stack == b->stack && a->thread == b->thread && a->series == b->series &&
	       !is_parted(slot, a->time_ns, b->time_ns);
}

/* The entry of an equal row, or the free one where it belongs. */
static struct entry *find(struct sample_slot *slot, const struct sample_row *row)
{
	uint32_t mask = slot->capacity * 2 - 1;
	uint32_t at = place_of(slot, row);
	while (slot->entries[at].generation == slot->generation &&
	       !is_same(slot, &slot->rows[slot->entries[at].index], row))
		at = (at + 1) & mask;
	return &slot->entries[at];
}

static void grow(struct sample_slot *slot)
{
	slot->capacity *= 2;
	slot->rows = reallocate(slot->rows, slot->capacity, sizeof *slot->rows);
	free(slot->entries);
	slot->entries = allocate((size_t)slot->capacity * 2, sizeof *slot->entries);
	for (uint32_t i = 0; i < slot->n_rows; i++)
		*find(slot, &slot->rows[i]) = (struct entry){ slot->generation, i };
}

static void empty(struct sample_slot *slot, struct table *samples)
{
	table_append(samples, slot->rows, slot->n_rows);
	slot->n_rows = 0;
	if (++slot->generation == 0) {
		memset(slot->entries, 0, (size_t)slot->capacity * 2 * sizeof *slot->entries);
		slot->generation = 1;
	}
}

void sample_slot_flush(struct sample_slot *slot, struct table *samples, uint64_t at_ns)
{
	if (slot->n_rows > 0 && slot->end_ns <= at_ns)
		empty(slot, samples);
}

uint64_t sample_slot_budget_bytes(uint64_t used_bytes)
{
	uint64_t budget_bytes = BUDGET_BYTES;
	while (budget_bytes <= used_bytes)
		budget_bytes += BUDGET_BYTES / 2;
	return budget_bytes;
}

static bool thin_if_over_budget(struct sample_slot *slot, const struct table *samples)
{
	uint64_t used_bytes = samples->n_rows * samples->row_bytes;
	if (used_bytes < slot->budget_bytes)
		return false;
	slot->length_ns *= 2;
	slot->budget_bytes = sample_slot_budget_bytes(used_bytes);
	return true;
}

bool sample_slot_add(struct sample_slot *slot, struct table *samples, const struct sample_row *row)
{
	bool is_thinned = false;
	sample_slot_flush(slot, samples, row->time_ns);
	if (slot->n_rows == 0) {
		is_thinned = thin_if_over_budget(slot, samples);
		slot->end_ns = (row->time_ns / slot->length_ns + 1) * slot->length_ns;
	}
	if (slot->n_rows == slot->capacity)
		grow(slot);
	struct entry *entry = find(slot, row);
	if (entry->generation == slot->generation) {
		slot->rows[entry->index].weight += row->weight;
		slot->rows[entry->index].count += row->count;
		return is_thinned;
	}
	*entry = (struct entry){ slot->generation, slot->n_rows };
	slot->rows[slot->n_rows++] = *row;
	return is_thinned;
}

uint64_t sample_slot_length_ns(const struct sample_slot *slot)
{
	return slot->length_ns;
}
