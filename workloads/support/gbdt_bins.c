/* Quantile bins: edges from a sorted sample of each feature, then one binary search a value. */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/gbdt_tree.h"

/* A quantile of 20,000 values is right to a third of a percent: finer than 256 bins. */
enum { MOST_SAMPLED = 20000 };

struct binning {
	struct gbdt_bins *bins;
	const float *values;
};

static int compare(const void *a, const void *b)
{
	float left = *(const float *)a, right = *(const float *)b;
	return left < right ? -1 : left > right;
}

static void find_edges(struct binning *binning, size_t feature)
{
	struct gbdt_bins *bins = binning->bins;
	const float *values = binning->values + feature * bins->n_rows;
	size_t stride = bins->n_rows / MOST_SAMPLED + 1, n = 0;
	float *sample = allocate(bins->n_rows / stride + 1, sizeof *sample);
	for (size_t row = 0; row < bins->n_rows; row += stride)
		sample[n++] = values[row];
	qsort(sample, n, sizeof *sample, compare);
	float *edges = bins->edges + feature * (bins->n_bins - 1);
	for (size_t bin = 0; bin + 1 < bins->n_bins; bin++)
		edges[bin] = sample[n * (bin + 1) / bins->n_bins];
	free(sample);
}

static void bin_values(struct binning *binning, size_t feature)
{
	struct gbdt_bins *bins = binning->bins;
	const float *values = binning->values + feature * bins->n_rows;
	const float *edges = bins->edges + feature * (bins->n_bins - 1);
	uint8_t *out = bins->bins + feature * bins->n_rows;
	for (size_t row = 0; row < bins->n_rows; row++) {
		size_t low = 0, high = bins->n_bins - 1;
		while (low < high) {
			size_t middle = (low + high) / 2;
			if (edges[middle] < values[row])
				low = middle + 1;
			else
				high = middle;
		}
		out[row] = (uint8_t)low;
	}
}

static void edges_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct binning *binning = opaque;
	for (size_t feature = share; feature < binning->bins->n_features; feature += n_shares)
		find_edges(binning, feature);
}

static void bins_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct binning *binning = opaque;
	for (size_t feature = share; feature < binning->bins->n_features; feature += n_shares)
		bin_values(binning, feature);
}

void gbdt_bins_make(struct gbdt_bins *bins, struct crew *crew, const float *values, size_t n_rows,
		    size_t n_features, size_t n_bins)
{
	*bins = (struct gbdt_bins){ .n_rows = n_rows,
				    .n_features = n_features,
				    .n_bins = n_bins,
				    .bins = allocate(n_rows * n_features, 1),
				    .edges = allocate(n_features * (n_bins - 1), sizeof(float)) };
	struct binning binning = { bins, values };
	crew_run(crew, edges_share, &binning);
	crew_run(crew, bins_share, &binning);
}

void gbdt_bins_apply(struct gbdt_bins *bins, struct crew *crew, const struct gbdt_bins *like,
		     const float *values, size_t n_rows)
{
	size_t n_edges = like->n_features * (like->n_bins - 1);
	*bins = *like;
	bins->n_rows = n_rows;
	bins->bins = allocate(n_rows * like->n_features, 1);
	bins->edges = allocate(n_edges, sizeof(float));
	memcpy(bins->edges, like->edges, n_edges * sizeof(float));
	struct binning binning = { bins, values };
	crew_run(crew, bins_share, &binning);
}

void gbdt_bins_free(struct gbdt_bins *bins)
{
	free(bins->bins);
	free(bins->edges);
	memset(bins, 0, sizeof *bins);
}
