/*
 * sample_slot: samples of the running slot of time, merged by (stack, thread, series), before
 * they become rows. Keeps a recording's size to distinct stacks and seconds. Writer only.
 */
#ifndef SAMPLER_SAMPLE_SLOT_H
#define SAMPLER_SAMPLE_SLOT_H

#include <stdbool.h>
#include <stdint.h>

struct sample_row;
struct table;

struct sample_slot;

struct sample_slot *sample_slot_new(void);
void sample_slot_free(struct sample_slot *slot);

/*
 * sample_slot_add: count one sample; a sample of a later slot first appends the slot's rows to
 * `samples`.
 * Returns  true when this call made the slot longer, because the table outgrew its memory budget
 * Cost     one hash look-up
 */
bool sample_slot_add(struct sample_slot *slot, struct table *samples, const struct sample_row *row);

/*
 * sample_slot_part: samples before this time and from it on are not merged, as long as they are yet
 * to come: a phase begins or ends here.
 * Cost  of as many as 64 in a slot, some comparisons a sample
 */
void sample_slot_part(struct sample_slot *slot, uint64_t time_ns);

/* sample_slot_flush: append the rows if the slot ended at or before at_ns. */
void sample_slot_flush(struct sample_slot *slot, struct table *samples, uint64_t at_ns);

/* sample_slot_budget_bytes: what rows of samples may fill before the slot gets longer, when they
 * fill used_bytes by now. Any thread. */
uint64_t sample_slot_budget_bytes(uint64_t used_bytes);

/* sample_slot_length_ns: how long a slot is by now. */
uint64_t sample_slot_length_ns(const struct sample_slot *slot);

#endif
