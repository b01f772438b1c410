/*
 * Beginnings and ends are first joined, then boxes are taken in the order of time, longer ones
 * first, with a stack of those that are open. A box that outlives the one around it counts against
 * that one only while it lasts.
 */
#include "sampler/import_boxes.h"

#include <stdbool.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/import_samples.h"
#include "sampler/recording.h"

enum { FIRST_BOXES = 4096 };

void import_boxes_add(struct import_boxes *boxes, const struct import_box *box)
{
	if (boxes->n_boxes == boxes->capacity) {
		boxes->capacity = boxes->capacity ? boxes->capacity * 2 : FIRST_BOXES;
		boxes->boxes = reallocate(boxes->boxes, boxes->capacity, sizeof *boxes->boxes);
	}
	boxes->boxes[boxes->n_boxes] = *box;
	boxes->boxes[boxes->n_boxes].order = boxes->n_boxes;
	boxes->n_boxes++;
}

static int by_order(const struct import_box *a, const struct import_box *b)
{
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Thread by thread, as time goes. */
static int by_time(const void *a, const void *b)
{
	const struct import_box *left = a, *right = b;
	if (left->thread != right->thread)
		return left->thread < right->thread ? -1 : 1;
	if (left->from_ns != right->from_ns)
		return left->from_ns < right->from_ns ? -1 : 1;
	return by_order(left, right);
}

/* The same, and what holds others before them. */
static int by_nesting(const void *a, const void *b)
{
	const struct import_box *left = a, *right = b;
	if (left->thread != right->thread)
		return left->thread < right->thread ? -1 : 1;
	if (left->from_ns != right->from_ns)
		return left->from_ns < right->from_ns ? -1 : 1;
	if (left->to_ns != right->to_ns)
		return left->to_ns > right->to_ns ? -1 : 1;
	return by_order(left, right);
}

/* Beginnings get their ends; ends go. What is never closed lasts as long as anything was seen. */
static void join(struct import_boxes *boxes)
{
	struct import_box *all = boxes->boxes;
	size_t *open = allocate(boxes->n_boxes + 1, sizeof *open);
	size_t n_open = 0, n = 0;
	for (size_t i = 0; i < boxes->n_boxes; i++) {
		uint64_t now = all[i].from_ns;
		if (all[i].kind == IMPORT_BOX_BEGIN)
			open[n_open++] = i;
		if (all[i].kind == IMPORT_BOX_END && n_open > 0)
			all[open[--n_open]].to_ns = now;
		else if (all[i].kind == IMPORT_BOX_END)
			boxes->n_unmatched++;
		if (i + 1 < boxes->n_boxes && all[i + 1].thread == all[i].thread)
			continue;
		boxes->n_unmatched += n_open;
		while (n_open > 0)
			all[open[--n_open]].to_ns = now;
	}
	for (size_t i = 0; i < boxes->n_boxes; i++)
		if (all[i].kind != IMPORT_BOX_END)
			all[n++] = all[i];
	boxes->n_boxes = n;
	free(open);
}

static uint64_t overlap(const struct import_box *outer, const struct import_box *inner)
{
	uint64_t to = inner->to_ns < outer->to_ns ? inner->to_ns : outer->to_ns;
	return to > inner->from_ns ? to - inner->from_ns : 0;
}

/* Each box's stack, and its weight: what it lasts less what is inside. */
static void nest(struct import_boxes *boxes, struct recording *recording, bool is_said)
{
	struct import_box *all = boxes->boxes;
	size_t *open = allocate(boxes->n_boxes + 1, sizeof *open);
	size_t n_open = 0;
	for (size_t i = 0; i < boxes->n_boxes; i++) {
		while (n_open > 0 && (all[open[n_open - 1]].thread != all[i].thread ||
				      all[open[n_open - 1]].to_ns <= all[i].from_ns))
			n_open--;
		struct import_box *outer = n_open > 0 ? &all[open[n_open - 1]] : NULL;
		all[i].stack =
			recording_add_stack(recording, outer ? outer->stack : 0, all[i].frame);
		open[n_open++] = i;
		if (is_said)
			continue;
		all[i].weight = all[i].to_ns - all[i].from_ns;
		all[i].count = 1;
		uint64_t inside = outer ? overlap(outer, &all[i]) : 0;
		if (outer)
			outer->weight -= inside < outer->weight ? inside : outer->weight;
	}
	free(open);
}

static void add_samples(const struct import_boxes *boxes, struct import_samples *samples,
			uint16_t series)
{
	for (size_t i = 0; i < boxes->n_boxes; i++) {
		const struct import_box *box = &boxes->boxes[i];
		struct sample_row row = {
			.time_ns = box->from_ns,
			.weight = box->weight,
			.stack = box->stack,
			.thread = box->thread,
			.count = box->count > UINT32_MAX ? UINT32_MAX : (uint32_t)box->count,
			.series = series,
			.cpu = SAMPLE_CPU_UNKNOWN,
		};
		if (row.weight > 0 && row.count > 0)
			import_samples_add(samples, &row);
	}
}

void import_boxes_end(struct import_boxes *boxes, struct recording *recording,
		      struct import_samples *samples, uint16_t series, int is_said)
{
	if (boxes->n_boxes > 0) {
		qsort(boxes->boxes, boxes->n_boxes, sizeof *boxes->boxes, by_time);
		join(boxes);
		qsort(boxes->boxes, boxes->n_boxes, sizeof *boxes->boxes, by_nesting);
		nest(boxes, recording, is_said);
		add_samples(boxes, samples, series);
	}
	free(boxes->boxes);
	boxes->boxes = NULL;
	boxes->n_boxes = boxes->capacity = 0;
}
