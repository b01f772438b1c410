/*
 * The tree knows where each stack belongs, so a sample costs one look-up. Sums with everything
 * below are made anew when something changed: one backward loop, as in tree.c.
 */
#include "sampler/tree_sums.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/phases.h"
#include "sampler/recording.h"
#include "sampler/tree_inside.h"

struct tree_sums {
	const struct recording *recording;
	const struct tree *tree;
	struct tree_sum sums[TREE_MOST_SUMS];
	size_t n_sums;
	uint64_t *self, *total; /* n_sums a node */
	uint32_t n_nodes, capacity;
	uint64_t *by_function; /* n_sums a function */
	uint64_t n_functions;
	uint64_t next_sample;
	/* Where phases may move samples: by sample, the node it is at + 1; 0 = at none. */
	uint32_t *places;
	uint64_t n_places, n_phases;
};

struct tree_sums *tree_sums_open(const struct recording *recording, const struct tree *tree,
				 const struct tree_sum *sums, size_t n_sums)
{
	struct tree_sums *made = allocate(1, sizeof *made);
	made->recording = recording;
	made->tree = tree;
	made->n_sums = n_sums < TREE_MOST_SUMS ? n_sums : TREE_MOST_SUMS;
	memcpy(made->sums, sums, made->n_sums * sizeof *sums);
	made->next_sample = 1;
	return made;
}

void tree_sums_close(struct tree_sums *sums)
{
	if (!sums)
		return;
	free(sums->self);
	free(sums->total);
	free(sums->by_function);
	free(sums->places);
	free(sums);
}

static void make_room(struct tree_sums *sums, uint32_t n_nodes)
{
	size_t row = sums->n_sums * sizeof(uint64_t);
	if (n_nodes > sums->capacity) {
		sums->capacity = n_nodes + n_nodes / 2;
		sums->self = reallocate(sums->self, sums->capacity, row);
		sums->total = reallocate(sums->total, sums->capacity, row);
	}
	if (n_nodes > sums->n_nodes)
		memset(sums->self + sums->n_nodes * sums->n_sums, 0,
		       (n_nodes - sums->n_nodes) * row);
	sums->n_nodes = n_nodes;
}

/* All weights of a sample; taken away with sign -1. */
static void weigh(struct tree_sums *sums, const struct sample_row *sample, uint32_t node, int sign)
{
	for (size_t i = 0; i < sums->n_sums; i++) {
		const struct tree_sum *sum = &sums->sums[i];
		if (sum->series != sample->series)
			continue;
		uint64_t weight = sum->weigh ? sum->weigh(sum->context, sample) : sample->weight;
		uint64_t *self = &sums->self[node * sums->n_sums + i];
		*self = sign < 0 ? *self - weight : *self + weight;
	}
}

static bool is_of_sums(const struct tree_sums *sums, const struct sample_row *sample)
{
	for (size_t i = 0; i < sums->n_sums; i++)
		if (sums->sums[i].series == sample->series)
			return true;
	return false;
}

static bool add_sample(struct tree_sums *sums, uint64_t id)
{
	const struct sample_row *sample = recording_sample(sums->recording, id);
	uint32_t node;
	if (!is_of_sums(sums, sample) || !tree_place(sums->tree, sample, &node))
		return false;
	weigh(sums, sample, node, 1);
	if (sums->tree->phases)
		sums->places[id] = node + 1;
	return true;
}

static void make_places(struct tree_sums *sums)
{
	uint64_t n = tree_n_taken(sums->tree);
	if (n <= sums->n_places)
		return;
	n += n / 2;
	sums->places = reallocate(sums->places, n, sizeof *sums->places);
	memset(sums->places + sums->n_places, 0, (n - sums->n_places) * sizeof *sums->places);
	sums->n_places = n;
}

/* As the tree has moved its samples; see tree_phases.c. */
static bool move_samples(struct tree_sums *sums)
{
	uint64_t from_ns, to_ns;
	bool is_moved = false;
	make_places(sums);
	if (!phases_changed(sums->tree->phases, sums->n_phases, &from_ns, &to_ns))
		return false;
	sums->n_phases = phases_n(sums->tree->phases);
	for (uint64_t id = tree_first_since(sums->tree, from_ns); id < sums->next_sample; id++) {
		const struct sample_row *sample = recording_sample(sums->recording, id);
		uint32_t node, *place = &sums->places[id];
		if (!is_of_sums(sums, sample) || sample->time_ns < from_ns ||
		    sample->time_ns >= to_ns)
			continue;
		uint32_t now = tree_place(sums->tree, sample, &node) ? node + 1 : 0;
		if (now == *place)
			continue;
		if (*place)
			weigh(sums, sample, *place - 1, -1);
		if (now)
			weigh(sums, sample, node, 1);
		*place = now;
		is_moved = true;
	}
	return is_moved;
}

/* Top-down the leaf is the function itself; bottom-up it is the path's first. */
static uint32_t own_node(const struct tree *tree, const struct tree_node *nodes, uint32_t node)
{
	if (tree_get_options(tree)->is_inverted)
		while (nodes[node].parent && !(nodes[nodes[node].parent].flags & TREE_THREAD))
			node = nodes[node].parent;
	return node;
}

static void sum_up(struct tree_sums *sums, const struct tree_node *nodes)
{
	size_t n = sums->n_sums;
	uint64_t n_functions = recording_moment(sums->recording).n[TABLE_FUNCTIONS];
	if (n_functions > sums->n_functions)
		sums->by_function =
			reallocate(sums->by_function, n_functions * n, sizeof *sums->by_function);
	sums->n_functions = n_functions;
	memset(sums->by_function, 0, n_functions * n * sizeof *sums->by_function);
	memcpy(sums->total, sums->self, sums->n_nodes * n * sizeof *sums->total);
	for (uint32_t i = sums->n_nodes; i-- > 1;) {
		uint32_t own = own_node(sums->tree, nodes, i);
		bool is_function =
			!(nodes[own].flags & TREE_THREAD) && nodes[own].function < n_functions;
		for (size_t k = 0; k < n; k++) {
			sums->total[nodes[i].parent * n + k] += sums->total[i * n + k];
			if (is_function)
				sums->by_function[nodes[own].function * n + k] +=
					sums->self[i * n + k];
		}
	}
}

bool tree_sums_update(struct tree_sums *sums)
{
	uint32_t n_nodes;
	const struct tree_node *nodes = tree_nodes(sums->tree, &n_nodes);
	bool is_changed = n_nodes != sums->n_nodes;
	make_room(sums, n_nodes);
	if (sums->tree->phases)
		is_changed |= move_samples(sums);
	for (; sums->next_sample < tree_n_taken(sums->tree); sums->next_sample++)
		is_changed |= add_sample(sums, sums->next_sample);
	if (is_changed)
		sum_up(sums, nodes);
	return is_changed;
}

const uint64_t *tree_sums_of(const struct tree_sums *sums, uint32_t node)
{
	return node < sums->n_nodes ? sums->total + node * sums->n_sums : NULL;
}

const uint64_t *tree_sums_of_function(const struct tree_sums *sums, uint32_t function)
{
	return function < sums->n_functions ? sums->by_function + function * sums->n_sums : NULL;
}
