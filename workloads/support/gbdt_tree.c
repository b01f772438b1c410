/* Walks: eight rows side by side without branches, or one after another with them. */
#include "workloads/support/gbdt_tree.h"

#include <math.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "workloads/support/crew.h"

enum { ROWS_A_TASK = 16384, SIDE_BY_SIDE = 8 };

/* A node for the walk without branches: a leaf is its own left child. */
struct step {
	uint32_t feature, left;
	uint8_t low, high;
	float value;
};

struct prediction {
	const struct gbdt_tree *tree;
	const struct gbdt_bins *bins;
	const struct step *steps;
	const float *values;
	size_t n_rows;
	float *scores;
};

void gbdt_tree_free(struct gbdt_tree *tree)
{
	free(tree->nodes);
	*tree = (struct gbdt_tree){ 0 };
}

static bool goes_left(const struct gbdt_node *node, uint8_t bin)
{
	return (uint8_t)(bin - node->low) <= node->high;
}

uint32_t gbdt_tree_leaf(const struct gbdt_tree *tree, const struct gbdt_bins *bins, size_t row)
{
	uint32_t at = 0;
	while (tree->nodes[at].left) {
		const struct gbdt_node *node = &tree->nodes[at];
		uint8_t bin = bins->columns[node->feature * bins->n_rows + row];
		if (goes_left(node, bin))
			at = node->left;
		else
			at = node->left + 1;
	}
	return at;
}

__attribute__((noinline)) static void predict_branchy(const struct prediction *prediction,
						      size_t from, size_t to)
{
	for (size_t row = from; row < to; row++) {
		uint32_t leaf = gbdt_tree_leaf(prediction->tree, prediction->bins, row);
		prediction->scores[row] += prediction->tree->nodes[leaf].value;
	}
}

__attribute__((noinline)) static void predict_rows(const struct prediction *prediction, size_t from,
						   size_t to)
{
	const struct gbdt_bins *bins = prediction->bins;
	const struct step *steps = prediction->steps;
	for (size_t row = from; row < to; row += SIDE_BY_SIDE) {
		uint32_t at[SIDE_BY_SIDE] = { 0 };
		size_t n = to - row < SIDE_BY_SIDE ? to - row : SIDE_BY_SIDE;
		for (unsigned depth = 0; depth < prediction->tree->depth; depth++)
			for (size_t i = 0; i < n; i++) {
				const struct step *step = &steps[at[i]];
				uint8_t bin = bins->columns[step->feature * bins->n_rows + row + i];
				at[i] = step->left + ((uint8_t)(bin - step->low) > step->high);
			}
		for (size_t i = 0; i < n; i++)
			prediction->scores[row + i] += steps[at[i]].value;
	}
}

static struct step *steps_of(const struct gbdt_tree *tree)
{
	struct step *steps = allocate(tree->n_nodes, sizeof *steps);
	for (uint32_t i = 0; i < tree->n_nodes; i++) {
		const struct gbdt_node *node = &tree->nodes[i];
		steps[i] = (struct step){ node->feature, node->left, node->low, node->high,
					  node->value };
		if (!node->left)
			steps[i] = (struct step){ 0, i, 0, UINT8_MAX, node->value };
	}
	return steps;
}

static void predict_task(void *opaque, size_t task, unsigned share)
{
	const struct prediction *prediction = opaque;
	size_t from = task * ROWS_A_TASK;
	size_t to =
		from + ROWS_A_TASK < prediction->n_rows ? from + ROWS_A_TASK : prediction->n_rows;
	(void)share;
	if (prediction->steps)
		predict_rows(prediction, from, to);
	else
		predict_branchy(prediction, from, to);
}

/* scores are written through the job. NOLINTBEGIN(readability-non-const-parameter) */
void gbdt_predict(const struct gbdt_tree *tree, const struct gbdt_bins *bins, struct crew *crew,
		  enum gbdt_walk walk, float *scores)
{
	struct step *steps = walk == GBDT_WALK_BRANCHLESS ? steps_of(tree) : NULL;
	struct prediction prediction = {
		.tree = tree, .bins = bins, .steps = steps, .n_rows = bins->n_rows, .scores = scores
	};
	crew_run_tasks(crew, (bins->n_rows + ROWS_A_TASK - 1) / ROWS_A_TASK, predict_task,
		       &prediction);
	free(steps);
}
/* NOLINTEND(readability-non-const-parameter) */

static void raw_task(void *opaque, size_t task, unsigned share)
{
	const struct prediction *prediction = opaque;
	const struct gbdt_node *nodes = prediction->tree->nodes;
	size_t end = (task + 1) * ROWS_A_TASK;
	(void)share;
	for (size_t row = task * ROWS_A_TASK; row < end && row < prediction->n_rows; row++) {
		uint32_t at = 0;
		while (nodes[at].left) {
			float value =
				prediction->values[nodes[at].feature * prediction->n_rows + row];
			bool is_left =
				isnan(value) ? nodes[at].is_missing_left : value <= nodes[at].value;
			at = nodes[at].left + !is_left;
		}
		prediction->scores[row] += nodes[at].value;
	}
}

/* NOLINTBEGIN(readability-non-const-parameter) */
void gbdt_predict_raw(const struct gbdt_tree *tree, struct crew *crew, const float *values,
		      size_t n_rows, float *scores)
{
	struct prediction prediction = {
		.tree = tree, .values = values, .n_rows = n_rows, .scores = scores
	};
	crew_run_tasks(crew, (n_rows + ROWS_A_TASK - 1) / ROWS_A_TASK, raw_task, &prediction);
}
/* NOLINTEND(readability-non-const-parameter) */
