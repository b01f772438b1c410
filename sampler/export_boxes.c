/* A parent's id is below its children's: one loop back adds counts up, one forward lays out. */
#include "sampler/export_boxes.h"

#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"

/* Hues as flamegraph.pl's users know them: warm for user code, orange the kernel, green JIT; the
 * lightness (contrast with black above 7) is what keeps them readable. */
const char *const export_box_colors[N_BOX_KINDS] = {
	[BOX_USER] = "#f5b7a0", [BOX_INLINED] = "#f7d9b0", [BOX_KERNEL] = "#f0a04b",
	[BOX_JIT] = "#a8d8a0",  [BOX_SPECIAL] = "#d0d0d0", [BOX_THREAD] = "#b8cbe8",
};
const char *const export_box_names[N_BOX_KINDS] = {
	[BOX_USER] = "function",         [BOX_INLINED] = "inlined",
	[BOX_KERNEL] = "kernel",         [BOX_JIT] = "compiled at run time",
	[BOX_SPECIAL] = "not found out", [BOX_THREAD] = "thread or phase",
};

static void lay_out(struct export_boxes *boxes)
{
	for (uint32_t i = boxes->n; i-- > 0;) {
		const struct tree_node *node = &boxes->nodes[i];
		boxes->boxes[i].weight = node->total;
		boxes->boxes[i].n_samples += node->n_self;
		if (i > 0)
			boxes->boxes[node->parent].n_samples += boxes->boxes[i].n_samples;
	}
	uint64_t *next = allocate(boxes->n, sizeof *next);
	for (uint32_t i = 1; i < boxes->n; i++) {
		uint32_t parent = boxes->nodes[i].parent;
		next[i] = boxes->boxes[i].left = next[parent];
		next[parent] += boxes->boxes[i].weight;
		if (boxes->nodes[i].depth > boxes->deepest)
			boxes->deepest = boxes->nodes[i].depth;
	}
	free(next);
}

struct export_boxes *export_boxes_open(const struct recording *recording,
				       const struct export_options *options)
{
	struct export_boxes *boxes = allocate(1, sizeof *boxes);
	const struct tree_options wanted = {
		.root = options->per_thread    ? TREE_ROOT_THREAD
			: options->per_process ? TREE_ROOT_PROCESS
			: options->per_phase   ? TREE_ROOT_PHASE
					       : TREE_ROOT_NAME,
		.no_inline = options->no_inline,
		.series = options->series,
		.from_ns = options->from_ns,
		.to_ns = options->to_ns,
	};
	boxes->tree = tree_open(recording, &wanted);
	tree_update(boxes->tree);
	boxes->nodes = tree_nodes(boxes->tree, &boxes->n);
	boxes->series = tree_series(boxes->tree);
	boxes->unit =
		recording_string_at(recording, recording_series(recording, boxes->series)->unit);
	boxes->boxes = allocate(boxes->n, sizeof *boxes->boxes);
	lay_out(boxes);
	return boxes;
}

void export_boxes_close(struct export_boxes *boxes)
{
	if (!boxes)
		return;
	tree_close(boxes->tree);
	free(boxes->boxes);
	free(boxes);
}

enum box_kind export_box_kind(const struct recording *recording, const struct tree_node *node)
{
	if (node->flags & TREE_THREAD)
		return BOX_THREAD;
	if (node->flags & TREE_SPECIAL)
		return BOX_SPECIAL;
	if (node->flags & TREE_KERNEL)
		return BOX_KERNEL;
	if (node->flags & TREE_INLINED)
		return BOX_INLINED;
	return recording_function(recording, node->function)->flags & FUNCTION_JIT ? BOX_JIT
										   : BOX_USER;
}
