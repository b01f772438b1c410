/*
 * Phases come to be known after samples that lie in them: an inner one when it has ended, one that
 * goes on when it is told as open. Each sample's phase is kept, so that those whose phase is
 * another one now move: from one node to the one of the same stack below another root.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/phases.h"
#include "sampler/tree_inside.h"

static void add(struct tree *tree, uint32_t node, uint64_t weight, uint64_t n, bool is_bulk)
{
	tree->nodes[node].self += weight;
	tree->nodes[node].n_self += n;
	if (!is_bulk)
		tree_add_upwards(tree, node, weight, n);
}

/* Returns false if it stays where it is. */
static bool move(struct tree *tree, uint64_t id, const struct sample_row *row, bool is_bulk)
{
	struct sample_row sample;
	uint32_t from, to, root = tree_root(tree, row);
	if (root == tree->roots[id] || !tree_weigh(tree, id, &sample) ||
	    !tree_find(tree, tree->roots[id], sample.stack, &from) ||
	    !tree_find(tree, root, sample.stack, &to))
		return false;
	add(tree, from, -sample.weight, -(uint64_t)sample.count, is_bulk);
	add(tree, to, sample.weight, sample.count, is_bulk);
	tree->roots[id] = root;
	return true;
}

static void make_room(struct tree *tree)
{
	uint64_t n = tree->moment.n[TABLE_SAMPLES];
	if (n <= tree->n_roots)
		return;
	n += n / 2;
	tree->roots = reallocate(tree->roots, n, sizeof *tree->roots);
	memset(tree->roots + tree->n_roots, 0, (n - tree->n_roots) * sizeof *tree->roots);
	tree->n_roots = n;
}

bool tree_phases_update(struct tree *tree, bool *is_bulk)
{
	uint64_t from_ns, to_ns, n_moved = 0, most = tree_most_upwards(tree) / 2;
	if (!tree->phases)
		tree->phases = phases_open(tree->recording);
	make_room(tree);
	phases_update(tree->phases, &tree->moment);
	if (!phases_changed(tree->phases, tree->n_phases, &from_ns, &to_ns))
		return false;
	tree->n_phases = phases_n(tree->phases);
	for (uint64_t id = tree_first_since(tree, from_ns); id < tree->next_sample; id++) {
		const struct sample_row *row = recording_sample(tree->recording, id);
		if (tree->roots[id] && row->time_ns >= from_ns && row->time_ns < to_ns)
			n_moved += move(tree, id, row, n_moved > most);
	}
	*is_bulk = n_moved > most;
	return n_moved > 0;
}

void tree_phases_forget(struct tree *tree)
{
	if (tree->n_roots)
		memset(tree->roots, 0, tree->n_roots * sizeof *tree->roots);
}

void tree_phases_close(struct tree *tree)
{
	phases_close(tree->phases);
	free(tree->roots);
}

bool tree_has_phases(const struct tree *tree)
{
	return tree->phases && phases_n(tree->phases) > 0;
}
