/* What a tree holds, for readers: nodes, names, sums of functions, bytes. See tree.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/phases.h"
#include "sampler/tree_inside.h"

const struct tree_node *tree_nodes(const struct tree *tree, uint32_t *n)
{
	*n = tree->n_nodes;
	return tree->nodes;
}

const char *tree_node_name(const struct tree *tree, uint32_t node, char *out, size_t bytes)
{
	const struct tree_node *row = &tree->nodes[node];
	const char *name = recording_string_at(tree->recording, row->name);
	if (node == 0)
		return "all";
	if (tree->options.root == TREE_ROOT_PHASE && row->flags & TREE_THREAD)
		return row->name ? name : "[no phase]";
	if (!(row->flags & TREE_THREAD) || tree->options.root == TREE_ROOT_NAME)
		return name;
	const struct thread_row *thread = recording_thread(tree->recording, row->function);
	if (tree->options.root == TREE_ROOT_PROCESS)
		snprintf(out, bytes, "%s-%u", name, thread->pid);
	else
		snprintf(out, bytes, "%s-%u/%u", name, thread->pid, thread->tid);
	return out;
}

size_t tree_bytes(const struct tree *tree)
{
	if (!tree)
		return 0;
	return sizeof *tree + tree->capacity * (sizeof *tree->nodes + sizeof *tree->last_children) +
	       hash_map_bytes(&tree->children) + hash_map_bytes(&tree->stacks) +
	       hash_map_bytes(&tree->functions) + tree->n_known * sizeof *tree->known +
	       tree->n_sums * sizeof *tree->sums + tree->n_roots * sizeof *tree->roots +
	       phases_bytes(tree->phases);
}

uint64_t tree_n_taken(const struct tree *tree)
{
	return tree->next_sample;
}

const struct tree_options *tree_get_options(const struct tree *tree)
{
	return &tree->options;
}

uint64_t tree_n_samples(const struct tree *tree)
{
	return tree->n_samples;
}

uint32_t tree_series(const struct tree *tree)
{
	return tree->series;
}

static int heavier(const void *a, const void *b)
{
	const struct tree_function *left = a, *right = b;
	if (left->exclusive != right->exclusive)
		return left->exclusive > right->exclusive ? -1 : 1;
	if (left->inclusive != right->inclusive)
		return left->inclusive > right->inclusive ? -1 : 1;
	return left->function < right->function ? -1 : left->function > right->function;
}

static struct tree_function function_of(const struct tree *tree, uint32_t id)
{
	const struct function_row *row = recording_function(tree->recording, id);
	const struct sum *sum = &tree->sums[id];
	return (struct tree_function){ .function = id,
				       .name = row->name,
				       .flags = row->flags,
				       .module = row->module,
				       .inclusive = sum->inclusive,
				       .exclusive = sum->exclusive,
				       .n_exclusive = sum->n_exclusive };
}

size_t tree_functions(const struct tree *tree, struct tree_function *out, size_t max)
{
	struct tree_function *all = allocate(tree->n_sums, sizeof *all);
	size_t n = 0;
	for (uint32_t i = 1; i < tree->n_sums; i++)
		if (tree->sums[i].inclusive)
			all[n++] = function_of(tree, i);
	if (n)
		qsort(all, n, sizeof *all, heavier);
	if (n > max)
		n = max;
	if (n)
		memcpy(out, all, n * sizeof *all);
	free(all);
	return n;
}
