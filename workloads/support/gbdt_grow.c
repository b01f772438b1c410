/*
 * A tree is grown in steps: split some leaves, part their rows, open their children. By level a
 * step takes all leaves of a level, by leaf the one that gains most. Of two children only the one
 * with fewer rows is summed; the other takes the parent's histogram less that.
 */
#include "workloads/support/gbdt_grow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/gbdt_grow_parts.h"
#include "workloads/support/random.h"

static unsigned most_leaves(const struct gbdt_grow_settings *settings)
{
	unsigned n = 1U << settings->depth;
	return settings->n_leaves > 0 && settings->n_leaves < n ? settings->n_leaves : n;
}

static uint32_t *pairs_of_labels(const float *labels, size_t n)
{
	uint32_t *pairs = allocate(n, sizeof *pairs);
	for (size_t i = 0; i < n; i++)
		pairs[i] = gbdt_pair(labels[i] > 0, 1);
	return pairs;
}

struct gbdt_grower *gbdt_grower_new(const struct gbdt_bins *bins, const float *labels,
				    struct crew *crew, const struct gbdt_grow_settings *settings)
{
	struct gbdt_grower *grower = allocate(1, sizeof *grower);
	unsigned n_leaves = most_leaves(settings), n_threads = crew_size(crew);
	grower->bins = bins;
	grower->crew = crew;
	grower->settings = *settings;
	grower->n_threads = n_threads;
	grower->n_planes = settings->split.entropy == GBDT_ENTROPY_OFF ? 1 : GBDT_PLANES;
	grower->histogram_n = grower->n_planes * bins->n_features * bins->cuts->n_bins;
	grower->label_pairs = grower->n_planes > 1 ? pairs_of_labels(labels, bins->n_rows) : NULL;
	grower->rows[0] = allocate(bins->n_rows, sizeof(uint32_t));
	grower->rows[1] = allocate(bins->n_rows, sizeof(uint32_t));
	grower->scratch = allocate(bins->n_rows, sizeof(uint32_t));
	grower->check_rows = allocate(bins->n_rows, sizeof(uint32_t));
	grower->uses_feature = allocate(bins->n_features, sizeof(bool));
	grower->most_parts = 2 * n_leaves;
	grower->parts = allocate(grower->most_parts, sizeof *grower->parts);
	grower->pairs = allocate(n_leaves, sizeof *grower->pairs);
	grower->splits = allocate(2 * n_leaves * bins->n_features, sizeof *grower->splits);
	grower->most_spares = n_leaves + 1;
	grower->spares = allocate(grower->most_spares, sizeof(void *));
	grower->extras = allocate(n_threads, sizeof(void *));
	grower->tables = allocate(n_threads, sizeof(void *));
	for (unsigned i = 0; i < n_threads; i++) {
		grower->tables[i] = gbdt_table_new();
		grower->extras[i] = gbdt_parts_take(grower);
	}
	grower->check = gbdt_parts_take(grower);
	return grower;
}

void gbdt_grower_free(struct gbdt_grower *grower)
{
	if (!grower)
		return;
	for (unsigned i = 0; i < grower->n_threads; i++) {
		free(grower->tables[i]);
		free(grower->extras[i]);
	}
	while (grower->n_spares > 0)
		free(grower->spares[--grower->n_spares]);
	free(grower->check);
	free(grower->check_rows);
	free(grower->label_pairs);
	free(grower->rows[0]);
	free(grower->rows[1]);
	free(grower->scratch);
	free(grower->uses_feature);
	free(grower->parts);
	free(grower->pairs);
	free(grower->splits);
	free(grower->spares);
	free(grower->extras);
	free(grower->tables);
	free(grower);
}

/* ---- samples */

static void sample_rows(struct gbdt_grower *grower)
{
	size_t n_rows = grower->bins->n_rows;
	struct random random = { grower->settings.seed + grower->n_trees * 2 };
	uint64_t bound = (uint64_t)(grower->settings.row_share * 0x1p32);
	uint32_t n = 0, *rows = grower->rows[0];
	for (size_t row = 0; grower->settings.row_share < 1 && row < n_rows; row++) {
		rows[n] = (uint32_t)row;
		n += random_bits(&random) >> 32 < bound;
	}
	for (size_t row = 0; n < 2 && row < n_rows; row++) /* all, or too few to split */
		rows[row] = (uint32_t)row;
	grower->n_rows = n < 2 ? (uint32_t)n_rows : n;
}

/* At least one; each set of that many equally likely (Knuth 3.4.2, algorithm S). */
static void sample_columns(struct gbdt_grower *grower)
{
	size_t n = grower->bins->n_features;
	struct random random = { grower->settings.seed + grower->n_trees * 2 + 1 };
	size_t n_wanted = (size_t)lround(grower->settings.column_share * (double)n);
	n_wanted = n_wanted < 1 ? 1 : n_wanted;
	for (size_t i = 0; i < n; i++) {
		grower->uses_feature[i] = random_unit(&random) * (double)(n - i) < (double)n_wanted;
		n_wanted -= grower->uses_feature[i];
	}
}

/* ---- growth */

static bool may_open(const struct gbdt_grower *grower, const struct gbdt_part *part)
{
	return part->whole.depth < grower->settings.depth && part->to - part->from >= 2;
}

static void set_leaf(const struct gbdt_grower *grower, struct gbdt_tree *tree,
		     const struct gbdt_part *part)
{
	struct gbdt_node *node = &tree->nodes[part->node];
	node->left = 0;
	node->depth = (uint8_t)part->whole.depth;
	node->value = (float)(gbdt_leaf(&grower->settings.split, &part->whole) *
			      grower->settings.learning_rate);
	tree->depth = tree->depth > part->whole.depth ? tree->depth : part->whole.depth;
}

/* The edge that a bin ends at; missing values alone on the left are below all others. */
static float edge_of(const struct gbdt_cut *cut, const struct gbdt_split *split)
{
	int edge = split->low + split->high - cut->first;
	return edge < 0 ? -INFINITY : cut->edges[edge];
}

static void set_inner(const struct gbdt_grower *grower, struct gbdt_tree *tree,
		      const struct gbdt_part *part)
{
	struct gbdt_node *node = &tree->nodes[part->node];
	const struct gbdt_split *split = &part->split;
	const struct gbdt_cut *cut = &grower->bins->cuts->features[split->feature];
	float edge = edge_of(cut, split);
	*node = (struct gbdt_node){
		.feature = split->feature,
		.left = tree->n_nodes,
		.value = edge,
		.low = split->low,
		.high = split->high,
		.depth = (uint8_t)part->whole.depth,
		/* Where none was missing, one that is is taken as the median. */
		.is_missing_left = cut->first ? split->is_missing_left : cut->median <= edge
	};
	tree->n_nodes += 2;
}

static struct gbdt_part *add_child(struct gbdt_grower *grower, const struct gbdt_part *parent,
				   uint32_t node, bool is_left)
{
	struct gbdt_part *part = &grower->parts[grower->n_parts++];
	const struct gbdt_split *split = &parent->split;
	*part = (struct gbdt_part){ .node = node,
				    .from = is_left ? parent->from : parent->middle,
				    .to = is_left ? parent->middle : parent->to,
				    .buffer = !parent->buffer,
				    .whole = parent->whole };
	part->whole.depth++;
	if (is_left) {
		part->whole.sums = split->left;
		part->whole.counts = split->left_counts;
		return part;
	}
	part->whole.sums.gradient -= split->left.gradient;
	part->whole.sums.hessian -= split->left.hessian;
	part->whole.counts.gradient -= split->left_counts.gradient;
	part->whole.counts.hessian -= split->left_counts.hessian;
	return part;
}

/* Both children of a split, and the histograms that they will need. */
static void open_children(struct gbdt_grower *grower, struct gbdt_tree *tree,
			  struct gbdt_part *parent)
{
	set_inner(grower, tree, parent);
	uint32_t node = tree->nodes[parent->node].left;
	struct gbdt_part *left = add_child(grower, parent, node, true);
	struct gbdt_part *right = add_child(grower, parent, node + 1, false);
	bool is_left_small = left->to - left->from <= right->to - right->from;
	struct gbdt_part *small = is_left_small ? left : right;
	struct gbdt_part *large = is_left_small ? right : left;
	set_leaf(grower, tree, left);
	set_leaf(grower, tree, right);
	if (may_open(grower, large)) {
		small->histogram = gbdt_parts_take(grower);
		large->histogram = parent->histogram;
		grower->pairs[grower->n_pairs++] =
			(struct gbdt_pair_parts){ small, large, parent->histogram };
	} else {
		gbdt_parts_give(grower, parent->histogram);
	}
	parent->histogram = NULL;
}

static void remember_for_check(struct gbdt_grower *grower)
{
	const struct gbdt_part *part = grower->pairs[0].large;
	if (!part || grower->check_n > 0)
		return;
	grower->check_n = part->to - part->from;
	memcpy(grower->check_rows, grower->rows[part->buffer] + part->from,
	       grower->check_n * sizeof(uint32_t));
	memcpy(grower->check, part->histogram, grower->histogram_n * sizeof *grower->check);
}

/* A node that cannot be split needs its histogram no more. */
static void close_hopeless(struct gbdt_grower *grower)
{
	for (unsigned i = 0; i < grower->n_pairs; i++) {
		struct gbdt_part *both[] = { grower->pairs[i].small, grower->pairs[i].large };
		for (int k = 0; k < 2; k++) {
			if (!both[k] || both[k]->split.gain > 0)
				continue;
			gbdt_parts_give(grower, both[k]->histogram);
			both[k]->histogram = NULL;
		}
	}
}

static void start_root(struct gbdt_grower *grower, struct gbdt_tree *tree)
{
	struct gbdt_part *root = &grower->parts[0];
	*root = (struct gbdt_part){
		.to = grower->n_rows,
		.whole = { .gradient_unit = grower->gradients->gradient_unit,
			   .hessian_unit = grower->gradients->hessian_unit },
		.histogram = gbdt_parts_take(grower),
	};
	grower->n_parts = 1;
	grower->n_pairs = 1;
	grower->check_n = 0;
	grower->pairs[0] = (struct gbdt_pair_parts){ .small = root };
	*tree = (struct gbdt_tree){ .nodes = allocate(grower->most_parts, sizeof *tree->nodes),
				    .n_nodes = 1 };
	gbdt_parts_evaluate(grower);
	set_leaf(grower, tree, root);
	tree->depth = 0;
	close_hopeless(grower);
}

/* The parts to split next: the best leaf, or all open ones from the best down, as many as the
 * number of leaves allows. */
static unsigned choose_parts(struct gbdt_grower *grower, struct gbdt_part **chosen,
			     unsigned n_leaves)
{
	unsigned n = 0, room = most_leaves(&grower->settings) - n_leaves;
	unsigned most = grower->settings.growth == GBDT_GROWTH_LEAF && room > 0 ? 1 : room;
	while (n < most) {
		struct gbdt_part *best = NULL;
		for (unsigned i = 0; i < grower->n_parts; i++) {
			struct gbdt_part *part = &grower->parts[i];
			if (part->histogram && !part->is_split &&
			    (!best || part->split.gain > best->split.gain))
				best = part;
		}
		if (!best)
			break;
		best->is_split = true;
		chosen[n++] = best;
	}
	return n;
}

static void close_all(struct gbdt_grower *grower)
{
	for (unsigned i = 0; i < grower->n_parts; i++)
		if (grower->parts[i].histogram)
			gbdt_parts_give(grower, grower->parts[i].histogram);
}

void gbdt_grow(struct gbdt_grower *grower, const struct gbdt_gradients *gradients,
	       struct gbdt_tree *tree)
{
	unsigned n, n_leaves = 1;
	struct gbdt_part **chosen = allocate(grower->most_parts, sizeof(void *));
	grower->told = grower->work; /* what steps do not tell, the tree does */
	probe_phase_begin("grow");
	grower->gradients = gradients;
	sample_rows(grower);
	sample_columns(grower);
	start_root(grower, tree);
	while ((n = choose_parts(grower, chosen, n_leaves)) > 0) {
		gbdt_parts_partition(grower, chosen, n);
		grower->n_pairs = 0;
		for (unsigned i = 0; i < n; i++)
			open_children(grower, tree, chosen[i]);
		n_leaves += n;
		if (grower->n_pairs == 0)
			continue;
		gbdt_parts_evaluate(grower);
		remember_for_check(grower);
		close_hopeless(grower);
	}
	close_all(grower);
	probe_phase_end("grow", gbdt_parts_work(&grower->told, &grower->work));
	grower->n_trees++;
	tree->nodes = reallocate(tree->nodes, tree->n_nodes, sizeof *tree->nodes);
	free(chosen);
}

/* ---- what the grown tree says of its rows */

struct scoring {
	const struct gbdt_grower *grower;
	const struct gbdt_tree *tree;
	float *scores;
};

static void score_task(void *opaque, size_t task, unsigned share)
{
	const struct scoring *scoring = opaque;
	const struct gbdt_part *part = &scoring->grower->parts[task];
	const uint32_t *rows = scoring->grower->rows[part->buffer];
	float value = scoring->tree->nodes[part->node].value;
	(void)share;
	if (part->is_split)
		return;
	for (uint32_t i = part->from; i < part->to; i++)
		scoring->scores[rows[i]] += value;
}

void gbdt_grower_score(struct gbdt_grower *grower, const struct gbdt_tree *tree,
		       enum gbdt_walk walk, float *scores)
{
	struct scoring scoring = { grower, tree, scores };
	if (grower->n_rows == grower->bins->n_rows)
		crew_run_tasks(grower->crew, grower->n_parts, score_task, &scoring);
	else /* rows outside the sample are in no part */
		gbdt_predict(tree, grower->bins, grower->crew, walk, scores);
}

struct gbdt_grow_work gbdt_grower_work(const struct gbdt_grower *grower)
{
	return grower->work;
}

enum gbdt_method gbdt_grower_method(const struct gbdt_grower *grower)
{
	return grower->settings.method;
}

/* ---- checks */

static bool check_subtraction(const struct gbdt_grower *grower, struct why *why)
{
	size_t n_bins = grower->bins->cuts->n_bins;
	bool is_same = true;
	if (grower->check_n == 0) /* nothing was subtracted: no child had to be split */
		return true;
	for (size_t feature = 0; feature < grower->bins->n_features; feature++) {
		const uint8_t *column = grower->bins->columns + feature * grower->bins->n_rows;
		struct gbdt_sums sums[GBDT_MOST_BINS] = { 0 };
		if (!grower->uses_feature[feature])
			continue;
		for (uint32_t i = 0; i < grower->check_n; i++) {
			uint32_t row = grower->check_rows[i];
			uint32_t pair = grower->gradients->pairs[row];
			sums[column[row]].gradient += (int32_t)pair >> 16;
			sums[column[row]].hessian += pair & 0xffff;
		}
		is_same &=
			memcmp(sums, grower->check + feature * n_bins, n_bins * sizeof *sums) == 0;
	}
	return is_same || why_fail(why, "gbdt: a subtracted histogram is not that of its rows.");
}

static bool check_leaf(const struct gbdt_grower *grower, const struct gbdt_tree *tree,
		       const struct gbdt_part *part, struct why *why)
{
	const uint32_t *rows = grower->rows[part->buffer];
	struct gbdt_split_node node = part->whole;
	node.sums = (struct gbdt_sums){ 0 };
	for (uint32_t i = part->from; i < part->to; i++) {
		uint32_t pair = grower->gradients->pairs[rows[i]];
		node.sums.gradient += (int32_t)pair >> 16;
		node.sums.hessian += pair & 0xffff;
		if (gbdt_tree_leaf(tree, grower->bins, rows[i]) != part->node)
			return why_fail(why, "gbdt: row %u is in another leaf than its bins say.",
					rows[i]);
	}
	double value = gbdt_leaf(&grower->settings.split, &node) * grower->settings.learning_rate;
	if ((float)value != tree->nodes[part->node].value)
		return why_fail(why, "gbdt: a leaf is %g, not %g.",
				(double)tree->nodes[part->node].value, value);
	return true;
}

bool gbdt_grower_check(const struct gbdt_grower *grower, const struct gbdt_tree *tree,
		       struct why *why)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < grower->n_parts; i++) {
		const struct gbdt_part *part = &grower->parts[i];
		if (part->is_split)
			continue;
		if (!check_leaf(grower, tree, part, why))
			return false;
		n += part->to - part->from;
	}
	if (n != grower->n_rows)
		return why_fail(why, "gbdt: %llu rows are in leaves, not %u.",
				(unsigned long long)n, grower->n_rows);
	return check_subtraction(grower, why);
}
