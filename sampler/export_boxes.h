/*
 * export_boxes: a flame graph's boxes: the tree of a recording with widths, places and counts.
 */
#ifndef SAMPLER_EXPORT_BOXES_H
#define SAMPLER_EXPORT_BOXES_H

#include <stdint.h>

#include "sampler/tree.h"

struct export_options;
struct recording;

/* Colours by what a function is; the same on the page and in the picture. */
enum box_kind { BOX_USER, BOX_INLINED, BOX_KERNEL, BOX_JIT, BOX_SPECIAL, BOX_THREAD, N_BOX_KINDS };

struct box {
	uint64_t left, weight; /* in the series' unit; children from their parent's left on */
	uint64_t n_samples;    /* with everything below */
};

struct export_boxes {
	struct tree *tree;
	const struct tree_node *nodes;
	struct box *boxes; /* one a node */
	uint32_t n;
	uint32_t deepest; /* levels below the root */
	uint32_t series;
	const char *unit;
};

/* export_boxes_open: of the options' series and window. Cost: that of a tree, and 24 B a node. */
struct export_boxes *export_boxes_open(const struct recording *recording,
				       const struct export_options *options);
void export_boxes_close(struct export_boxes *boxes);

enum box_kind export_box_kind(const struct recording *recording, const struct tree_node *node);
/* "#rrggbb", light enough for black text, and what it means. */
extern const char *const export_box_colors[N_BOX_KINDS];
extern const char *const export_box_names[N_BOX_KINDS];

#endif
