/*
 * import_boxes: functions as lengths of time on threads, nested by time: stacks with what each
 * took by itself. A zeroed one is empty.
 */
#ifndef SAMPLER_IMPORT_BOXES_H
#define SAMPLER_IMPORT_BOXES_H

#include <stddef.h>
#include <stdint.h>

struct import_samples;
struct recording;

/* How the end of a box is said. */
enum import_box_kind {
	IMPORT_BOX_WHOLE, /* to_ns is its end */
	IMPORT_BOX_BEGIN, /* ends at the next END of its thread that closes it */
	IMPORT_BOX_END,
};

struct import_box {
	uint64_t from_ns, to_ns;
	uint64_t order;         /* set by import_boxes_add */
	uint64_t count, weight; /* what it stands for by itself, where that was said; else 0 */
	uint32_t thread;        /* TABLE_THREADS */
	uint32_t frame;
	uint32_t kind;
	uint32_t stack; /* private */
};

struct import_boxes {
	struct import_box *boxes;
	size_t n_boxes, capacity;
	uint64_t n_unmatched; /* ends without a beginning, beginnings without an end */
};

void import_boxes_add(struct import_boxes *boxes, const struct import_box *box);

/*
 * import_boxes_end: a sample for each box that is not filled by those inside it; frees the boxes.
 *
 * series    of the samples; their weight is time in ns
 * is_said   boxes say themselves what they stand for (count and weight), not their time
 * Cost      two sorts
 */
void import_boxes_end(struct import_boxes *boxes, struct recording *recording,
		      struct import_samples *samples, uint16_t series, int is_said);

#endif
