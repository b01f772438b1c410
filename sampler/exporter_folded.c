/*
 * Folded stacks, as flamegraph.pl, flamelens, speedscope and inferno read them: root first, frames
 * joined by semicolons, one space, an integer: how many samples, or their sum where each is a value
 * of its own (SERIES_VALUES). Lines come by name, a caller before what it calls, so equal
 * recordings give equal files. Source: Gregg, FlameGraph, stackcollapse-perf.pl.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"
#include "sampler/tree.h"

struct text {
	char *bytes;
	size_t n, capacity;
};

/* A node being written: its children wait in `order`, the line so far ends at `length`. */
struct level {
	uint32_t node;
	size_t first, next, end; /* places in order */
	size_t length;
};

struct output {
	const struct tree *tree;
	const struct recording *recording;
	const struct tree_node *nodes;
	uint32_t n_nodes;
	bool annotate;
	bool has_values; /* of which the sum is written, not the number */
	struct text line;
	struct level *levels; /* from the root to the node being written */
	size_t n_levels, levels_capacity;
	uint32_t *order; /* children of all levels, each level's by name */
	size_t n_order;
};

static void append(struct text *text, const char *bytes, size_t n)
{
	while (text->n + n > text->capacity) {
		text->capacity = text->capacity ? text->capacity * 2 : 1 << 12;
		text->bytes = reallocate(text->bytes, text->capacity, 1);
	}
	if (n) /* an empty name; there may be no buffer yet */
		memcpy(text->bytes + text->n, bytes, n);
	text->n += n;
}

/* A semicolon would split the frame, a line break the stack. */
static void append_name(struct text *text, const char *name)
{
	size_t start = text->n;
	append(text, name, strlen(name));
	for (size_t i = start; i < text->n; i++) {
		if (text->bytes[i] == ';')
			text->bytes[i] = ':';
		else if ((unsigned char)text->bytes[i] < 0x20)
			text->bytes[i] = ' ';
	}
}

static const char *annotation(const struct output *output, const struct tree_node *node)
{
	if (node->flags & TREE_THREAD)
		return "";
	if (node->flags & TREE_KERNEL)
		return "_[k]";
	if (node->flags & TREE_INLINED)
		return "_[i]";
	uint32_t flags = recording_function(output->recording, node->function)->flags;
	return flags & FUNCTION_JIT ? "_[j]" : "";
}

static void append_node(struct output *output, uint32_t node)
{
	char label[128];
	if (output->line.n > 0)
		append(&output->line, ";", 1);
	append_name(&output->line, tree_node_name(output->tree, node, label, sizeof label));
	if (output->annotate) {
		const char *suffix = annotation(output, &output->nodes[node]);
		append(&output->line, suffix, strlen(suffix));
	}
}

/* By name, so that equal recordings give equal files whatever order the samples came in. */
static int compare(const void *a, const void *b, void *opaque)
{
	const struct output *output = opaque;
	char left[128], right[128];
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
	int order = strcmp(tree_node_name(output->tree, one, left, sizeof left),
			   tree_node_name(output->tree, other, right, sizeof right));
	if (order)
		return order;
	return one < other ? -1 : one > other;
}

static void descend(struct output *output, uint32_t node)
{
	if (output->n_levels == output->levels_capacity) {
		output->levels_capacity =
			output->levels_capacity ? output->levels_capacity * 2 : 64;
		output->levels =
			reallocate(output->levels, output->levels_capacity, sizeof *output->levels);
	}
	struct level *level = &output->levels[output->n_levels++];
	*level = (struct level){ .node = node,
				 .first = output->n_order,
				 .next = output->n_order,
				 .length = output->line.n };
	for (uint32_t child = output->nodes[node].first_child; child;
	     child = output->nodes[child].next_sibling)
		output->order[output->n_order++] = child;
	level->end = output->n_order;
	if (level->end - level->first > 1)
		qsort_r(output->order + level->first, level->end - level->first,
			sizeof *output->order, compare, output);
}

static bool print_line(const struct output *output, const struct tree_node *node, FILE *out)
{
	uint64_t count = output->has_values ? node->self : node->n_self;
	if (count == 0)
		return true;
	fwrite(output->line.bytes, 1, output->line.n, out);
	return fprintf(out, " %llu\n", (unsigned long long)count) > 0;
}

/* Depth first, with a stack of our own: a file may hold a chain as deep as it has nodes. */
static void print(struct output *output, FILE *out)
{
	bool is_good = true; /* what went wrong, exporter_finish says */
	output->order = allocate(output->n_nodes, sizeof *output->order);
	descend(output, 0);
	while (output->n_levels > 0 && is_good) {
		struct level *level = &output->levels[output->n_levels - 1];
		output->line.n = level->length;
		if (level->next == level->end) {
			output->n_order = level->first;
			output->n_levels--;
			continue;
		}
		uint32_t node = output->order[level->next++];
		append_node(output, node);
		is_good = print_line(output, &output->nodes[node], out);
		descend(output, node);
	}
}

static bool folded_write(const struct recording *recording, const struct export_options *options,
			 FILE *out, struct why *why)
{
	struct tree_options wanted = {
		.root = options->per_thread    ? TREE_ROOT_THREAD
			: options->per_process ? TREE_ROOT_PROCESS
			: options->per_phase   ? TREE_ROOT_PHASE
					       : TREE_ROOT_NAME,
		.no_inline = options->no_inline,
		/* Functions of one name in two modules are one line to a reader of text. */
		.merge_names = !options->annotate,
		.series = options->series,
		.from_ns = options->from_ns,
		.to_ns = options->to_ns,
	};
	struct tree *tree = tree_open(recording, &wanted);
	struct output output = { .tree = tree,
				 .recording = recording,
				 .annotate = options->annotate };
	tree_update(tree);
	output.has_values = recording_series(recording, tree_series(tree))->flags & SERIES_VALUES;
	output.nodes = tree_nodes(tree, &output.n_nodes);
	print(&output, out);
	free(output.levels);
	free(output.order);
	free(output.line.bytes);
	tree_close(tree);
	return exporter_finish(out, "folded stacks", why);
}

const struct exporter exporter_folded = {
	.name = "folded",
	.suffix = ".folded",
	.summary = "one line a stack, for flame graph tools",
	.write = folded_write,
};
