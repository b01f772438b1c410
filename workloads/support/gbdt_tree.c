/*
 * Level by level. Threads share out features, so each histogram is summed by one thread in row
 * order and the tree does not depend on how many threads there are. Only the smaller child of a
 * split is summed from its rows; its sibling is the parent less it.
 */
#include "workloads/support/gbdt_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/probe.h"
#include "sampler/base/why.h"
#include "workloads/support/crew.h"

/* 16 bytes: one vector addition updates a bin. */
struct bin {
	double gradient, hessian;
};

struct split {
	double gain, left_gradient, left_hessian;
	uint32_t bin;
};

/* A node of the level at work. */
struct part {
	uint32_t node, from, to; /* rows[from, to) */
	double gradient, hessian;
	bool is_summed; /* from rows; else by subtraction */
	struct split split;
	uint32_t feature, middle;
	uint32_t parent; /* its place on the level above */
};

struct grower_check {
	uint32_t from, to;
	struct bin bins[GBDT_MOST_BINS];
};

struct gbdt_grower {
	const struct gbdt_bins *bins;
	struct crew *crew;
	struct gbdt_settings settings;
	const struct gbdt_gradient *gradients;
	uint32_t *rows, *scratch;
	struct part *parts, *next_parts;
	uint32_t n_parts;
	struct bin *level[2]; /* histograms: [part][feature][bin], of this level and the last */
	struct split *splits; /* [part][feature] */
	uint64_t n_updates;
	struct grower_check check;
};

struct gbdt_grower *gbdt_grower_new(const struct gbdt_bins *bins, struct crew *crew,
				    const struct gbdt_settings *settings)
{
	struct gbdt_grower *grower = allocate(1, sizeof *grower);
	size_t most_parts = (size_t)1 << settings->depth;
	size_t level_bins = most_parts * bins->n_features * bins->n_bins;
	grower->bins = bins;
	grower->crew = crew;
	grower->settings = *settings;
	grower->rows = allocate(bins->n_rows, sizeof(uint32_t));
	grower->scratch = allocate(bins->n_rows, sizeof(uint32_t));
	grower->parts = allocate(most_parts, sizeof *grower->parts);
	grower->next_parts = allocate(most_parts, sizeof *grower->next_parts);
	grower->level[0] = allocate(level_bins, sizeof(struct bin));
	grower->level[1] = allocate(level_bins, sizeof(struct bin));
	grower->splits = allocate(most_parts * bins->n_features, sizeof *grower->splits);
	return grower;
}

void gbdt_grower_free(struct gbdt_grower *grower)
{
	if (!grower)
		return;
	free(grower->rows);
	free(grower->scratch);
	free(grower->parts);
	free(grower->next_parts);
	free(grower->level[0]);
	free(grower->level[1]);
	free(grower->splits);
	free(grower);
}

static struct bin *histogram_of(const struct gbdt_grower *grower, int level, uint32_t part,
				size_t feature)
{
	const struct gbdt_bins *bins = grower->bins;
	return grower->level[level & 1] + (part * bins->n_features + feature) * bins->n_bins;
}

__attribute__((noinline)) static void build_histogram(const struct gbdt_grower *grower,
						      const struct part *part, size_t feature,
						      struct bin *histogram)
{
	const uint8_t *bins = grower->bins->bins + feature * grower->bins->n_rows;
	memset(histogram, 0, grower->bins->n_bins * sizeof *histogram);
	for (uint32_t i = part->from; i < part->to; i++) {
		uint32_t row = grower->rows[i];
		struct bin *bin = &histogram[bins[row]];
		bin->gradient += grower->gradients[row].gradient;
		bin->hessian += grower->gradients[row].hessian;
	}
}

__attribute__((noinline)) static void subtract_histogram(struct bin *out, const struct bin *parent,
							 const struct bin *sibling, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		out[i].gradient = parent[i].gradient - sibling[i].gradient;
		out[i].hessian = parent[i].hessian - sibling[i].hessian;
	}
}

static double score(double gradient, double hessian, double lambda)
{
	return gradient * gradient / (hessian + lambda);
}

__attribute__((noinline)) static struct split
find_split(const struct gbdt_grower *grower, const struct part *part, const struct bin *histogram)
{
	const struct gbdt_settings *settings = &grower->settings;
	struct split best = { .gain = 0 };
	double whole = score(part->gradient, part->hessian, settings->lambda);
	double gradient = 0, hessian = 0;
	for (uint32_t bin = 0; bin + 1 < grower->bins->n_bins; bin++) {
		gradient += histogram[bin].gradient;
		hessian += histogram[bin].hessian;
		double rest = part->hessian - hessian;
		if (hessian < settings->least_hessian || rest < settings->least_hessian)
			continue;
		double gain =
			0.5 * (score(gradient, hessian, settings->lambda) +
			       score(part->gradient - gradient, rest, settings->lambda) - whole) -
			settings->gamma;
		if (gain > best.gain)
			best = (struct split){ gain, gradient, hessian, bin };
	}
	return best;
}

struct level_job {
	struct gbdt_grower *grower;
	int level;
};

/* Parts 2k and 2k + 1 are the children of one split. */
static void histogram_pair(struct gbdt_grower *grower, int level, uint32_t pair, size_t feature)
{
	uint32_t small = pair + !grower->parts[pair].is_summed, large = pair + (small == pair);
	struct bin *summed = histogram_of(grower, level, small, feature);
	build_histogram(grower, &grower->parts[small], feature, summed);
	subtract_histogram(histogram_of(grower, level, large, feature),
			   histogram_of(grower, level - 1, grower->parts[pair].parent, feature),
			   summed, grower->bins->n_bins);
}

static void level_share(void *opaque, unsigned share, unsigned n_shares)
{
	const struct level_job *job = opaque;
	struct gbdt_grower *grower = job->grower;
	for (size_t feature = share; feature < grower->bins->n_features; feature += n_shares) {
		if (job->level == 0)
			build_histogram(grower, &grower->parts[0], feature,
					histogram_of(grower, 0, 0, feature));
		for (uint32_t pair = 0; job->level > 0 && pair < grower->n_parts; pair += 2)
			histogram_pair(grower, job->level, pair, feature);
		for (uint32_t i = 0; i < grower->n_parts; i++)
			grower->splits[i * grower->bins->n_features + feature] =
				find_split(grower, &grower->parts[i],
					   histogram_of(grower, job->level, i, feature));
	}
}

/* The best feature of each part; of equal gains the first. */
static void choose_splits(struct gbdt_grower *grower)
{
	for (uint32_t i = 0; i < grower->n_parts; i++) {
		struct part *part = &grower->parts[i];
		part->split.gain = 0;
		for (uint32_t feature = 0; feature < grower->bins->n_features; feature++) {
			const struct split *split =
				&grower->splits[i * grower->bins->n_features + feature];
			if (split->gain > part->split.gain) {
				part->split = *split;
				part->feature = feature;
			}
		}
	}
}

/* Rows keep their order on both sides: the next level then reads memory forwards. */
__attribute__((noinline)) static void partition_rows(struct gbdt_grower *grower, struct part *part)
{
	const uint8_t *bins = grower->bins->bins + part->feature * grower->bins->n_rows;
	uint32_t left = part->from, n_right = 0;
	for (uint32_t i = part->from; i < part->to; i++) {
		uint32_t row = grower->rows[i];
		bool goes_left = bins[row] <= part->split.bin;
		grower->rows[left] = row;
		grower->scratch[part->from + n_right] = row;
		left += goes_left;
		n_right += !goes_left;
	}
	memcpy(grower->rows + left, grower->scratch + part->from, n_right * sizeof(uint32_t));
	part->middle = left;
}

static void partition_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct gbdt_grower *grower = opaque;
	for (uint32_t i = share; i < grower->n_parts; i += n_shares)
		if (grower->parts[i].split.gain > 0)
			partition_rows(grower, &grower->parts[i]);
}

static void set_leaf(const struct gbdt_grower *grower, struct gbdt_tree *tree,
		     const struct part *part)
{
	double step = -part->gradient / (part->hessian + grower->settings.lambda);
	tree->nodes[part->node].left = 0;
	tree->nodes[part->node].value = (float)(step * grower->settings.learning_rate);
}

/* The two children of a split part, as parts of the next level. */
static void add_children(struct gbdt_grower *grower, struct gbdt_tree *tree, uint32_t place,
			 uint32_t *n_next)
{
	const struct part *part = &grower->parts[place];
	struct gbdt_node *node = &tree->nodes[part->node];
	bool is_left_small = part->middle - part->from <= part->to - part->middle;
	node->feature = part->feature;
	node->bin = (uint8_t)part->split.bin;
	node->left = tree->n_nodes;
	struct part left = { .node = tree->n_nodes,
			     .from = part->from,
			     .to = part->middle,
			     .gradient = part->split.left_gradient,
			     .hessian = part->split.left_hessian,
			     .is_summed = is_left_small,
			     .parent = place };
	struct part right = { .node = tree->n_nodes + 1,
			      .from = part->middle,
			      .to = part->to,
			      .gradient = part->gradient - part->split.left_gradient,
			      .hessian = part->hessian - part->split.left_hessian,
			      .is_summed = !is_left_small,
			      .parent = place };
	tree->n_nodes += 2;
	grower->next_parts[(*n_next)++] = left;
	grower->next_parts[(*n_next)++] = right;
}

static void remember_for_check(struct gbdt_grower *grower, int level)
{
	const struct part *part = &grower->parts[grower->parts[0].is_summed];
	grower->check.from = part->from;
	grower->check.to = part->to;
	memcpy(grower->check.bins, histogram_of(grower, level, grower->parts[0].is_summed, 0),
	       grower->bins->n_bins * sizeof(struct bin));
}

static void next_level(struct gbdt_grower *grower, struct gbdt_tree *tree)
{
	uint32_t n_next = 0;
	for (uint32_t i = 0; i < grower->n_parts; i++) {
		if (grower->parts[i].split.gain > 0)
			add_children(grower, tree, i, &n_next);
		else
			set_leaf(grower, tree, &grower->parts[i]);
	}
	struct part *swap = grower->parts;
	grower->parts = grower->next_parts;
	grower->next_parts = swap;
	grower->n_parts = n_next;
}

static void start_root(struct gbdt_grower *grower, struct gbdt_tree *tree)
{
	size_t n_rows = grower->bins->n_rows;
	struct part root = { .to = (uint32_t)n_rows, .is_summed = true };
	for (size_t row = 0; row < n_rows; row++) {
		grower->rows[row] = (uint32_t)row;
		root.gradient += grower->gradients[row].gradient;
		root.hessian += grower->gradients[row].hessian;
	}
	grower->parts[0] = root;
	grower->n_parts = 1;
	tree->n_nodes = 1;
}

static uint64_t count_updates(const struct gbdt_grower *grower)
{
	uint64_t n = 0;
	for (uint32_t i = 0; i < grower->n_parts; i++)
		if (grower->parts[i].is_summed)
			n += grower->parts[i].to - grower->parts[i].from;
	return n * grower->bins->n_features;
}

void gbdt_grow(struct gbdt_grower *grower, const struct gbdt_gradient *gradients,
	       struct gbdt_tree *tree)
{
	grower->gradients = gradients;
	start_root(grower, tree);
	for (int level = 0; level < (int)grower->settings.depth && grower->n_parts; level++) {
		struct level_job job = { grower, level };
		uint64_t n_updates = count_updates(grower);
		probe_phase_begin("histograms");
		crew_run(grower->crew, level_share, &job);
		/* Two additions an update; bin, row, gradients read, 16 bytes read and written. */
		probe_phase_end("histograms",
				(struct probe_work){ 2.0 * (double)n_updates,
						     45.0 * (double)n_updates, (double)n_updates });
		grower->n_updates += n_updates;
		if (level == 1)
			remember_for_check(grower, level);
		choose_splits(grower);
		probe_phase_begin("partition");
		crew_run(grower->crew, partition_share, grower);
		probe_phase_end("partition", PROBE_UNKNOWN);
		next_level(grower, tree);
	}
	for (uint32_t i = 0; i < grower->n_parts; i++)
		set_leaf(grower, tree, &grower->parts[i]);
}

uint64_t gbdt_grower_updates(const struct gbdt_grower *grower)
{
	return grower->n_updates;
}

double gbdt_grower_check(const struct gbdt_grower *grower)
{
	struct bin direct[GBDT_MOST_BINS];
	struct part part = { .from = grower->check.from, .to = grower->check.to };
	double worst = 0, scale = 1e-300;
	if (grower->check.to == 0)
		return 0;
	build_histogram(grower, &part, 0, direct);
	for (size_t i = 0; i < grower->bins->n_bins; i++)
		scale = fmax(scale, fabs(direct[i].hessian));
	for (size_t i = 0; i < grower->bins->n_bins; i++) {
		worst = fmax(worst, fabs(direct[i].gradient - grower->check.bins[i].gradient));
		worst = fmax(worst, fabs(direct[i].hessian - grower->check.bins[i].hessian));
	}
	return worst / scale;
}

struct prediction {
	const struct gbdt_tree *tree;
	const struct gbdt_bins *bins;
	float *scores;
};

__attribute__((noinline)) static void predict_rows(const struct prediction *prediction, size_t from,
						   size_t to)
{
	const struct gbdt_node *nodes = prediction->tree->nodes;
	const struct gbdt_bins *bins = prediction->bins;
	for (size_t row = from; row < to; row++) {
		uint32_t at = 0;
		while (nodes[at].left) {
			uint8_t bin = bins->bins[nodes[at].feature * bins->n_rows + row];
			at = nodes[at].left + (bin > nodes[at].bin);
		}
		prediction->scores[row] += nodes[at].value;
	}
}

static void predict_share(void *opaque, unsigned share, unsigned n_shares)
{
	const struct prediction *prediction = opaque;
	size_t from, to;
	crew_part(prediction->bins->n_rows, share, n_shares, &from, &to);
	predict_rows(prediction, from, to);
}

/* scores are written through the job. NOLINTBEGIN(readability-non-const-parameter) */
void gbdt_predict(const struct gbdt_tree *tree, const struct gbdt_bins *bins, struct crew *crew,
		  float *scores)
{
	struct prediction prediction = { tree, bins, scores };
	crew_run(crew, predict_share, &prediction);
}
/* NOLINTEND(readability-non-const-parameter) */
