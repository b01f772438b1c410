/*
 * Folded stacks, as flamegraph.pl, flamelens, speedscope and inferno read them: root first, frames
 * joined by semicolons, one space, an integer count of samples. Lines are sorted, so equal
 * recordings give equal files.
 * Source: Gregg, FlameGraph, stackcollapse-perf.pl.
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

struct line {
	size_t at, length;
	uint64_t count;
};

struct output {
	const struct tree *tree;
	const struct recording *recording;
	const struct tree_node *nodes;
	uint32_t n_nodes;
	bool annotate;
	struct text text; /* all stacks, one after the other */
	struct line *lines;
	size_t n_lines;
};

static void append(struct text *text, const char *bytes, size_t n)
{
	while (text->n + n > text->capacity) {
		text->capacity = text->capacity ? text->capacity * 2 : 1 << 16;
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

static void append_stack(struct output *output, uint32_t leaf, uint32_t *path)
{
	size_t depth = 0;
	char label[128];
	for (uint32_t node = leaf; node; node = output->nodes[node].parent)
		path[depth++] = node;
	while (depth-- > 0) {
		const struct tree_node *node = &output->nodes[path[depth]];
		append_name(&output->text,
			    tree_node_name(output->tree, path[depth], label, sizeof label));
		if (output->annotate) {
			const char *suffix = annotation(output, node);
			append(&output->text, suffix, strlen(suffix));
		}
		if (depth)
			append(&output->text, ";", 1);
	}
}

static void collect(struct output *output)
{
	uint32_t deepest = 1;
	for (uint32_t i = 0; i < output->n_nodes; i++)
		if (output->nodes[i].depth >= deepest)
			deepest = output->nodes[i].depth + 1u;
	/* Depth saturates at 65535; a chain can be no longer than there are nodes. */
	uint32_t *path = allocate(deepest > UINT16_MAX ? output->n_nodes : deepest, sizeof *path);
	output->lines = allocate(output->n_nodes, sizeof *output->lines);
	for (uint32_t i = 1; i < output->n_nodes; i++) {
		if (output->nodes[i].n_self == 0)
			continue;
		size_t at = output->text.n;
		append_stack(output, i, path);
		output->lines[output->n_lines++] =
			(struct line){ at, output->text.n - at, output->nodes[i].n_self };
	}
	free(path);
}

static int compare(const void *a, const void *b, void *opaque)
{
	const struct line *left = a, *right = b;
	const struct output *output = opaque;
	size_t n = left->length < right->length ? left->length : right->length;
	int order = memcmp(output->text.bytes + left->at, output->text.bytes + right->at, n);
	if (order)
		return order;
	return left->length < right->length ? -1 : left->length > right->length;
}

static bool is_equal(const struct output *output, const struct line *a, const struct line *b)
{
	return a->length == b->length &&
	       memcmp(output->text.bytes + a->at, output->text.bytes + b->at, a->length) == 0;
}

static void print(const struct output *output, FILE *out)
{
	for (size_t i = 0; i < output->n_lines; i++) {
		const struct line *line = &output->lines[i];
		uint64_t count = line->count;
		/* Functions of one name in two modules are one line to a reader of text. */
		while (i + 1 < output->n_lines && is_equal(output, line, &output->lines[i + 1]))
			count += output->lines[++i].count;
		fwrite(output->text.bytes + line->at, 1, line->length, out);
		if (fprintf(out, " %llu\n", (unsigned long long)count) < 0)
			return;
	}
}

static bool folded_write(const struct recording *recording, const struct export_options *options,
			 FILE *out, struct why *why)
{
	struct tree_options wanted = {
		.root = options->per_thread    ? TREE_ROOT_THREAD
			: options->per_process ? TREE_ROOT_PROCESS
					       : TREE_ROOT_NAME,
		.no_inline = options->no_inline,
		.series = options->series,
		.from_ns = options->from_ns,
		.to_ns = options->to_ns,
	};
	struct tree *tree = tree_open(recording, &wanted);
	struct output output = { .tree = tree,
				 .recording = recording,
				 .annotate = options->annotate };
	tree_update(tree);
	output.nodes = tree_nodes(tree, &output.n_nodes);
	collect(&output);
	if (output.n_lines)
		qsort_r(output.lines, output.n_lines, sizeof *output.lines, compare, &output);
	print(&output, out);
	free(output.lines);
	free(output.text.bytes);
	tree_close(tree);
	return exporter_finish(out, "folded stacks", why);
}

const struct exporter exporter_folded = {
	.name = "folded",
	.suffix = ".folded",
	.summary = "one line a stack, for flame graph tools",
	.write = folded_write,
};
