/*
 * Edges come from a sorted sample of each feature; then each value takes a binary search without
 * branches, sixteen side by side so that their loads overlap.
 */
#include "workloads/support/gbdt_bins.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/support/dispatch.h"
#include "sampler/base/why.h"
#include "workloads/support/crew.h"

/* A quantile of 20,000 values is right to a third of a percent: finer than 256 bins. */
enum { MOST_SAMPLED = 20000 };
enum { SIDE_BY_SIDE = 16, ROWS_A_TASK = 65536 };

struct binning {
	struct gbdt_cuts *cuts;
	const struct gbdt_cut_settings *settings;
	struct gbdt_bins *bins;
	const float *values;
	size_t n_rows, n_tasks_a_column;
};

static int compare(const void *a, const void *b)
{
	float left = *(const float *)a, right = *(const float *)b;
	return left < right ? -1 : left > right;
}

static bool has_missing(const float *values, size_t n)
{
	bool is_any = false;
	for (size_t i = 0; i < n; i++)
		is_any |= values[i] != values[i];
	return is_any;
}

static size_t drop_repeated(float *sorted, size_t n)
{
	size_t n_kept = 0;
	for (size_t i = 0; i < n; i++)
		if (n_kept == 0 || sorted[i] != sorted[n_kept - 1])
			sorted[n_kept++] = sorted[i];
	return n_kept;
}

/* The share of distinct values up to edge i of n. */
static double tail_quantile(size_t i, size_t n)
{
	double at = (double)(i + 1) / (double)(n + 1);
	if (at < 0.25)
		return 0.1 * at / 0.25;
	if (at < 0.75)
		return 0.1 + 0.8 * (at - 0.25) / 0.5;
	return 0.9 + 0.1 * (at - 0.75) / 0.25;
}

/* An edge not below the largest value parts nothing. */
static void add_edge(struct gbdt_cut *cut, float edge, float largest)
{
	if (edge < largest && (cut->n_edges == 0 || edge > cut->edges[cut->n_edges - 1]))
		cut->edges[cut->n_edges++] = edge;
}

/* sample is sorted; n_edges is the most there may be. */
static void choose_edges(struct gbdt_cut *cut, float *sample, size_t n, size_t n_edges,
			 enum gbdt_edges edges)
{
	float largest = sample[n - 1];
	float *distinct = allocate(n, sizeof *distinct);
	memcpy(distinct, sample, n * sizeof *distinct);
	size_t n_distinct = drop_repeated(distinct, n);
	for (size_t i = 0; n_distinct <= n_edges + 1 && i < n_distinct; i++)
		add_edge(cut, distinct[i], largest);
	for (size_t i = 0; n_distinct > n_edges + 1 && i < n_edges; i++) {
		size_t place = (size_t)(tail_quantile(i, n_edges) * (double)n_distinct);
		add_edge(cut,
			 edges == GBDT_EDGES_TAILS ? distinct[place]
						   : sample[n * (i + 1) / (n_edges + 1)],
			 largest);
	}
	free(distinct);
}

static void find_edges(void *opaque, size_t feature, unsigned share)
{
	struct binning *binning = opaque;
	struct gbdt_cut *cut = &binning->cuts->features[feature];
	const float *values = binning->values + feature * binning->n_rows;
	size_t stride = binning->n_rows / MOST_SAMPLED + 1, n = 0;
	float *sample = allocate(binning->n_rows / stride + 1, sizeof *sample);
	(void)share;
	for (size_t row = 0; row < binning->n_rows; row += stride)
		if (!isnan(values[row]))
			sample[n++] = values[row];
	qsort(sample, n, sizeof *sample, compare);
	cut->median = n ? sample[n / 2] : 0;
	cut->first = binning->settings->missing == GBDT_MISSING_LEARN &&
		     has_missing(values, binning->n_rows);
	if (n > 0)
		choose_edges(cut, sample, n, binning->settings->n_bins - 1 - cut->first,
			     binning->settings->edges);
	for (size_t i = cut->n_edges; i < GBDT_MOST_BINS; i++)
		cut->edges[i] = INFINITY;
	free(sample);
}

void gbdt_cuts_make(struct gbdt_cuts *cuts, struct crew *crew, const float *values, size_t n_rows,
		    size_t n_features, const struct gbdt_cut_settings *settings)
{
	*cuts = (struct gbdt_cuts){ .n_features = n_features,
				    .features = allocate(n_features, sizeof *cuts->features) };
	struct binning binning = {
		.cuts = cuts, .settings = settings, .values = values, .n_rows = n_rows
	};
	crew_run_tasks(crew, n_features, find_edges, &binning);
	cuts->n_bins = 2;
	for (size_t i = 0; i < n_features; i++) {
		unsigned n = (unsigned)cuts->features[i].n_edges + 1 + cuts->features[i].first;
		cuts->n_bins = n > cuts->n_bins ? n : cuts->n_bins;
	}
}

void gbdt_cuts_free(struct gbdt_cuts *cuts)
{
	free(cuts->features);
	memset(cuts, 0, sizeof *cuts);
}

/* Edges below the value: a power of two more than n_edges halves to 1. */
static unsigned count_below(const struct gbdt_cut *cut, float value, unsigned top)
{
	unsigned at = 0;
	for (unsigned step = top; step > 0; step /= 2)
		at += cut->edges[at + step - 1] < value ? step : 0;
	return at;
}

static unsigned top_step(const struct gbdt_cut *cut)
{
	unsigned top = 1;
	while (2 * top <= cut->n_edges)
		top *= 2;
	return top;
}

static uint8_t missing_bin(const struct gbdt_cut *cut)
{
	return cut->first ? 0 : (uint8_t)count_below(cut, cut->median, top_step(cut));
}

uint8_t gbdt_cut_bin(const struct gbdt_cut *cut, float value)
{
	return isnan(value) ? missing_bin(cut)
			    : (uint8_t)(cut->first + count_below(cut, value, top_step(cut)));
}

/* Sixteen values at a time: each step of all before the next step of any. */
static void bin_some(const struct gbdt_cut *cut, const float *values, uint8_t *out, unsigned top)
{
	uint32_t at[SIDE_BY_SIDE] = { 0 };
	for (uint32_t step = top; step > 0; step /= 2)
		for (int i = 0; i < SIDE_BY_SIDE; i++)
			at[i] += step & -(uint32_t)(cut->edges[at[i] + step - 1] < values[i]);
	for (int i = 0; i < SIDE_BY_SIDE; i++)
		out[i] = (uint8_t)(cut->first + at[i]);
}

__attribute__((noinline)) static void bin_values(const struct gbdt_cut *cut, const float *values,
						 size_t n, uint8_t *out)
{
	unsigned top = top_step(cut);
	uint8_t missing = missing_bin(cut);
	size_t row = 0;
	for (; row + SIDE_BY_SIDE <= n; row += SIDE_BY_SIDE)
		bin_some(cut, values + row, out + row, top);
	for (; row < n; row++)
		out[row] = (uint8_t)(cut->first + count_below(cut, values[row], top));
	for (row = 0; row < n; row++)
		out[row] = values[row] != values[row] ? missing : out[row];
}

static void bin_task(void *opaque, size_t task, unsigned share)
{
	struct binning *binning = opaque;
	struct gbdt_bins *bins = binning->bins;
	size_t feature = task / binning->n_tasks_a_column;
	size_t from = task % binning->n_tasks_a_column * ROWS_A_TASK;
	size_t n = bins->n_rows - from < ROWS_A_TASK ? bins->n_rows - from : ROWS_A_TASK;
	size_t place = feature * bins->n_rows + from;
	(void)share;
	bin_values(&bins->cuts->features[feature], binning->values + place, n,
		   bins->columns + place);
}

const uint8_t *gbdt_bins_group(const struct gbdt_bins *bins, unsigned group, size_t *from,
			       size_t *to)
{
	*from = bins->n_features * group / bins->n_groups;
	*to = bins->n_features * (group + 1) / bins->n_groups;
	return bins->groups + (size_t)group * bins->n_rows * bins->together;
}

/* Columns of a group side by side. */
__attribute__((noinline)) static void group_rows(struct gbdt_bins *bins, unsigned group,
						 size_t first, size_t end)
{
	size_t from, to, width = bins->together;
	uint8_t *out = bins->groups + (size_t)group * bins->n_rows * width;
	gbdt_bins_group(bins, group, &from, &to);
	for (size_t feature = from; feature < to; feature++) {
		const uint8_t *column = bins->columns + feature * bins->n_rows;
		for (size_t row = first; row < end; row++)
			out[row * width + feature - from] = column[row];
	}
}

static void group_task(void *opaque, size_t task, unsigned share)
{
	enum { ROWS_IN_CACHE = 1024 }; /* x 32 bytes read and written: the first-level cache */
	struct binning *binning = opaque;
	struct gbdt_bins *bins = binning->bins;
	size_t first = task % binning->n_tasks_a_column * ROWS_A_TASK;
	size_t end = first + ROWS_A_TASK < bins->n_rows ? first + ROWS_A_TASK : bins->n_rows;
	(void)share;
	for (; first < end; first += ROWS_IN_CACHE)
		group_rows(bins, (unsigned)(task / binning->n_tasks_a_column), first,
			   first + ROWS_IN_CACHE < end ? first + ROWS_IN_CACHE : end);
}

static void *take(size_t bytes)
{
	void *memory = aligned_take(bytes);
	if (!memory)
		die("no memory for %zu bytes of bins; use fewer rows=", bytes);
	return memory;
}

void gbdt_bins_make(struct gbdt_bins *bins, struct crew *crew, const struct gbdt_cuts *cuts,
		    const float *values, size_t n_rows, unsigned together)
{
	size_t n_features = cuts->n_features, most = together < n_features ? together : n_features;
	*bins = (struct gbdt_bins){ .n_rows = n_rows, .n_features = n_features, .cuts = cuts };
	struct binning binning = { .bins = bins,
				   .values = values,
				   .n_rows = n_rows,
				   .n_tasks_a_column = (n_rows + ROWS_A_TASK - 1) / ROWS_A_TASK };
	/* One vector more than there are rows: a group's bins are read sixteen at a time. */
	bins->columns = take(n_rows * n_features + GBDT_MOST_TOGETHER);
	crew_run_tasks(crew, n_features * binning.n_tasks_a_column, bin_task, &binning);
	bins->n_groups = (unsigned)((n_features + most - 1) / most);
	for (bins->together = 1; bins->together * bins->n_groups < n_features;)
		bins->together *= 2;
	bins->groups = bins->columns;
	if (bins->together == 1)
		return;
	bins->groups = take((size_t)bins->n_groups * n_rows * bins->together + GBDT_MOST_TOGETHER);
	crew_run_tasks(crew, bins->n_groups * binning.n_tasks_a_column, group_task, &binning);
}

void gbdt_bins_free(struct gbdt_bins *bins)
{
	if (bins->groups != bins->columns)
		free(bins->groups);
	free(bins->columns);
	memset(bins, 0, sizeof *bins);
}
