/*
 * One step of growth: histograms of some nodes, their best splits, and their rows parted. Threads
 * take tasks of a group of features, of a feature, of some rows; sums are whole numbers, so who
 * does what and when does not show in the result.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/probe.h"
#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/gbdt_grow_parts.h"
#include "workloads/support/gbdt_partition.h"

/* Fewer rows are not worth a thread's waking, some microseconds. */
enum { ROWS_A_PARTITION = 32768 };
/* A step of fewer takes less than 0.1 ms: it is part of the phase "grow" only, or reports would
 * come faster than they are read. */
enum { ROWS_WORTH_A_PHASE = 32768 };

struct gbdt_sums *gbdt_parts_take(struct gbdt_grower *grower)
{
	if (grower->n_spares > 0)
		return grower->spares[--grower->n_spares];
	struct gbdt_sums *histogram = malloc(grower->histogram_n * sizeof *histogram);
	if (!histogram)
		die("no memory for a histogram of %zu bins; use fewer bins= or leaves=",
		    grower->histogram_n);
	return histogram;
}

void gbdt_parts_give(struct gbdt_grower *grower, struct gbdt_sums *histogram)
{
	if (grower->settings.memory == GBDT_MEMORY_POOL && grower->n_spares < grower->most_spares)
		grower->spares[grower->n_spares++] = histogram;
	else
		free(histogram);
}

struct gbdt_histogram_job gbdt_parts_job(const struct gbdt_grower *grower,
					 const struct gbdt_part *part, unsigned group,
					 unsigned plane, struct gbdt_sums *out)
{
	const struct gbdt_bins *bins = grower->bins;
	size_t from, to, n_bins = bins->cuts->n_bins;
	const uint8_t *at = gbdt_bins_group(bins, group, &from, &to);
	return (struct gbdt_histogram_job){
		.bins = at,
		.stride = bins->together,
		.n_features = (unsigned)(to - from),
		.n_bins = (unsigned)n_bins,
		.rows = grower->rows[part->buffer] + part->from,
		.n_rows = part->to - part->from,
		.pairs = plane == 0 ? grower->gradients->pairs : grower->label_pairs,
		.out = out + (plane * bins->n_features + from) * n_bins,
	};
}

static bool is_group_used(const struct gbdt_grower *grower, unsigned group)
{
	size_t from, to;
	bool is_used = false;
	gbdt_bins_group(grower->bins, group, &from, &to);
	for (; from < to; from++)
		is_used |= grower->uses_feature[from];
	return is_used;
}

/* Task: a pair, one of the pieces of its rows, a group. */
static void histogram_task(void *opaque, size_t task, unsigned share)
{
	struct gbdt_grower *grower = opaque;
	unsigned n_groups = grower->bins->n_groups, group = (unsigned)task % n_groups;
	unsigned piece = (unsigned)(task / n_groups) % grower->n_pieces;
	unsigned pair = (unsigned)(task / n_groups / grower->n_pieces);
	const struct gbdt_part *part = grower->pairs[pair].small;
	struct gbdt_sums *out = piece == 0
					? part->histogram
					: grower->extras[pair * (grower->n_pieces - 1) + piece - 1];
	if (!is_group_used(grower, group))
		return;
	for (unsigned plane = 0; plane < grower->n_planes; plane++) {
		struct gbdt_histogram_job job = gbdt_parts_job(grower, part, group, plane, out);
		size_t from, to;
		crew_part(job.n_rows, piece, grower->n_pieces, &from, &to);
		job.rows += from;
		job.n_rows = to - from;
		job.table = grower->tables[share];
		memset(job.out, 0, (size_t)job.n_features * job.n_bins * sizeof *job.out);
		build_histogram(grower->settings.method, &job);
	}
}

static void count_work(struct gbdt_grower *grower)
{
	for (unsigned group = 0; group < grower->bins->n_groups; group++) {
		size_t from, to;
		gbdt_bins_group(grower->bins, group, &from, &to);
		for (unsigned i = 0; is_group_used(grower, group) && i < grower->n_pairs; i++) {
			const struct gbdt_part *part = grower->pairs[i].small;
			uint64_t n = (uint64_t)(part->to - part->from) * grower->n_planes;
			grower->work.n_visits += n;
			grower->work.n_updates += n * (to - from);
		}
	}
}

static void find_split_of(struct gbdt_grower *grower, const struct gbdt_part *part, size_t feature,
			  struct gbdt_split *split)
{
	const struct gbdt_cuts *cuts = grower->bins->cuts;
	const struct gbdt_cut *cut = &cuts->features[feature];
	const struct gbdt_sums *sums = part->histogram + feature * cuts->n_bins;
	struct gbdt_split_feature one = {
		.sums = sums,
		.counts = grower->n_planes > 1 ? sums + cuts->n_features * cuts->n_bins : NULL,
		.n_bins = cut->n_edges + 1U + cut->first,
		.has_missing = cut->first,
	};
	split->feature = (uint32_t)feature;
	find_split(&grower->settings.split, &part->whole, &one, split);
}

static void add_pieces(struct gbdt_grower *grower, unsigned pair, size_t feature)
{
	size_t n_bins = grower->bins->cuts->n_bins;
	for (unsigned plane = 0; plane < grower->n_planes; plane++) {
		size_t at = (plane * grower->bins->n_features + feature) * n_bins;
		struct gbdt_sums *out = grower->pairs[pair].small->histogram + at;
		for (unsigned piece = 1; piece < grower->n_pieces; piece++) {
			const struct gbdt_sums *extra =
				grower->extras[pair * (grower->n_pieces - 1) + piece - 1] + at;
			for (size_t bin = 0; bin < n_bins; bin++) {
				out[bin].gradient += extra[bin].gradient;
				out[bin].hessian += extra[bin].hessian;
			}
		}
	}
}

/* Task: a pair, a feature: the sibling's histogram and the splits of both. */
static void split_task(void *opaque, size_t task, unsigned share)
{
	struct gbdt_grower *grower = opaque;
	size_t n_features = grower->bins->n_features, feature = task % n_features;
	size_t n_bins = grower->bins->cuts->n_bins;
	unsigned pair = (unsigned)(task / n_features);
	const struct gbdt_pair_parts *parts = &grower->pairs[pair];
	struct gbdt_split *splits = grower->splits + 2 * (size_t)pair * n_features + feature;
	(void)share;
	if (!grower->uses_feature[feature])
		return;
	if (grower->n_pieces > 1)
		add_pieces(grower, pair, feature);
	for (unsigned plane = 0; parts->large && plane < grower->n_planes; plane++) {
		size_t at = (plane * n_features + feature) * n_bins;
		subtract_histogram(parts->parent + at, parts->small->histogram + at, n_bins);
	}
	if (parts->small->whole.sums.hessian == 0) /* the root: its sums are in any feature */
		return;
	find_split_of(grower, parts->small, feature, splits);
	if (parts->large)
		find_split_of(grower, parts->large, feature, splits + n_features);
}

static void choose(const struct gbdt_grower *grower, struct gbdt_part *part,
		   const struct gbdt_split *splits)
{
	part->split.gain = GBDT_LEAST_GAIN;
	for (size_t feature = 0; feature < grower->bins->n_features; feature++)
		if (grower->uses_feature[feature] && splits[feature].gain > part->split.gain)
			part->split = splits[feature];
	if (part->split.gain <= GBDT_LEAST_GAIN)
		part->split.gain = 0;
}

/* Sums of the root's rows, from the histogram of any feature. */
static void sum_root(struct gbdt_grower *grower, struct gbdt_part *root)
{
	size_t feature = 0, n_bins = grower->bins->cuts->n_bins;
	while (!grower->uses_feature[feature])
		feature++;
	for (size_t bin = 0; bin < n_bins; bin++) {
		const struct gbdt_sums *sums = root->histogram + feature * n_bins + bin;
		const struct gbdt_sums *counts = sums + grower->bins->n_features * n_bins;
		root->whole.sums.gradient += sums->gradient;
		root->whole.sums.hessian += sums->hessian;
		root->whole.counts.gradient += grower->n_planes > 1 ? counts->gradient : 0;
		root->whole.counts.hessian += grower->n_planes > 1 ? counts->hessian : 0;
	}
}

static void choose_splits(struct gbdt_grower *grower)
{
	size_t n_features = grower->bins->n_features;
	for (unsigned i = 0; i < grower->n_pairs; i++) {
		choose(grower, grower->pairs[i].small, grower->splits + 2 * i * n_features);
		if (grower->pairs[i].large)
			choose(grower, grower->pairs[i].large,
			       grower->splits + (2 * i + 1) * n_features);
	}
}

static void choose_method(struct gbdt_grower *grower)
{
	enum { ROWS = 16384 };
	const struct gbdt_part *root = grower->pairs[0].small;
	struct gbdt_histogram_job job = gbdt_parts_job(grower, root, 0, 0, root->histogram);
	job.n_rows = job.n_rows < ROWS ? job.n_rows : ROWS;
	job.table = grower->tables[0];
	memset(job.out, 0, (size_t)job.n_features * job.n_bins * sizeof *job.out);
	grower->settings.method = gbdt_method_fastest(&job);
}

/* Two additions an update, whose bin is read and whose sums of 8 bytes are read and written; a
 * row's number and its pair each visit. */
struct probe_work gbdt_parts_work(const struct gbdt_grow_work *from,
				  const struct gbdt_grow_work *to)
{
	double n = (double)(to->n_updates - from->n_updates);
	double visits = (double)(to->n_visits - from->n_visits);
	return (struct probe_work){ 2 * n, 17 * n + 8 * visits, n };
}

static uint32_t rows_of_pairs(const struct gbdt_grower *grower)
{
	uint32_t n = 0;
	for (unsigned i = 0; i < grower->n_pairs; i++) {
		const struct gbdt_pair_parts *pair = &grower->pairs[i];
		n += pair->small->to - pair->small->from;
		n += pair->large ? pair->large->to - pair->large->from : 0;
	}
	return n;
}

void gbdt_parts_evaluate(struct gbdt_grower *grower)
{
	struct gbdt_grow_work before = grower->work;
	size_t n_units = (size_t)grower->n_pairs * grower->bins->n_groups;
	size_t n_splits = grower->n_pairs * grower->bins->n_features;
	grower->n_pieces = n_units >= grower->n_threads
				   ? 1
				   : (unsigned)((grower->n_threads + n_units - 1) / n_units);
	bool is_told = rows_of_pairs(grower) >= ROWS_WORTH_A_PHASE;
	if (is_told)
		probe_phase_begin("histograms");
	if (grower->settings.method == GBDT_METHOD_AUTO)
		choose_method(grower);
	crew_run_tasks(grower->crew, n_units * grower->n_pieces, histogram_task, grower);
	struct gbdt_part *first = grower->pairs[0].small;
	if (first->node == 0) { /* the root's sums come from its histogram */
		if (grower->n_pieces > 1)
			crew_run_tasks(grower->crew, n_splits, split_task, grower);
		sum_root(grower, first);
		grower->n_pieces = 1; /* they have been added */
	}
	crew_run_tasks(grower->crew, n_splits, split_task, grower);
	choose_splits(grower);
	count_work(grower);
	if (!is_told)
		return;
	grower->told.n_updates += grower->work.n_updates - before.n_updates;
	grower->told.n_visits += grower->work.n_visits - before.n_visits;
	probe_phase_end("histograms", gbdt_parts_work(&before, &grower->work));
}

/* ---- partition */

struct piece {
	struct gbdt_part *part;
	uint32_t from, n, n_left;
	uint32_t to_left, to_right; /* where its rows go in the other buffer */
};

struct pieces {
	struct gbdt_grower *grower;
	struct piece *at;
	size_t n;
};

static void partition_task(void *opaque, size_t task, unsigned share)
{
	const struct pieces *pieces = opaque;
	struct piece *piece = &pieces->at[task];
	const struct gbdt_grower *grower = pieces->grower;
	const struct gbdt_split *split = &piece->part->split;
	struct gbdt_partition partition = {
		.column = grower->bins->columns + split->feature * grower->bins->n_rows,
		.low = split->low,
		.high = split->high,
		.rows = grower->rows[piece->part->buffer] + piece->from,
		.scratch = grower->scratch + piece->from,
		.n = piece->n,
		.simd = grower->settings.split.simd,
		.is_branchy = grower->settings.is_partition_branchy,
	};
	(void)share;
	piece->n_left = (uint32_t)partition_rows(&partition);
}

static void move_task(void *opaque, size_t task, unsigned share)
{
	const struct pieces *pieces = opaque;
	const struct piece *piece = &pieces->at[task];
	const struct gbdt_grower *grower = pieces->grower;
	const uint32_t *left = grower->rows[piece->part->buffer] + piece->from;
	const uint32_t *right = grower->scratch + piece->from;
	uint32_t *to = grower->rows[!piece->part->buffer];
	(void)share;
	memcpy(to + piece->to_left, left, piece->n_left * sizeof *to);
	memcpy(to + piece->to_right, right, (piece->n - piece->n_left) * sizeof *to);
}

static void add_part(struct pieces *pieces, struct gbdt_part *part)
{
	for (uint32_t from = part->from; from < part->to; from += ROWS_A_PARTITION) {
		uint32_t n = part->to - from < ROWS_A_PARTITION ? part->to - from
								: (uint32_t)ROWS_A_PARTITION;
		pieces->at[pieces->n++] = (struct piece){ .part = part, .from = from, .n = n };
	}
}

/* All left sides of a part's pieces, one after another, then all right ones. */
static void place_pieces(const struct pieces *pieces)
{
	for (size_t i = 0; i < pieces->n;) {
		struct gbdt_part *part = pieces->at[i].part;
		size_t end = i;
		uint32_t at = part->from;
		for (; end < pieces->n && pieces->at[end].part == part; end++) {
			pieces->at[end].to_left = at;
			at += pieces->at[end].n_left;
		}
		part->middle = at;
		for (; i < end; i++) {
			pieces->at[i].to_right = at;
			at += pieces->at[i].n - pieces->at[i].n_left;
		}
	}
}

void gbdt_parts_partition(struct gbdt_grower *grower, struct gbdt_part *const *parts, unsigned n)
{
	size_t most = n + grower->n_rows / ROWS_A_PARTITION + 1;
	struct pieces pieces = { .grower = grower, .at = allocate(most, sizeof *pieces.at) };
	uint32_t n_rows = 0;
	for (unsigned i = 0; i < n; i++) {
		add_part(&pieces, parts[i]);
		n_rows += parts[i]->to - parts[i]->from;
	}
	if (n_rows >= ROWS_WORTH_A_PHASE)
		probe_phase_begin("partition");
	crew_run_tasks(grower->crew, pieces.n, partition_task, &pieces);
	place_pieces(&pieces);
	crew_run_tasks(grower->crew, pieces.n, move_task, &pieces);
	if (n_rows >= ROWS_WORTH_A_PHASE)
		probe_phase_end("partition", PROBE_UNKNOWN);
	free(pieces.at);
}
