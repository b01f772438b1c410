/* Bins that widen. See bins.h. */
#include "tui/bins.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"

static const uint64_t FIRST_WIDTH_NS = 20 * 1000 * 1000;

/* Two into one, until the time fits. */
static void widen(struct bins *bins)
{
	for (int i = 0; i < BINS_MOST / 2; i++) {
		bins->sums[i] = bins->sums[i * 2] + bins->sums[i * 2 + 1];
		bins->counts[i] = bins->counts[i * 2] + bins->counts[i * 2 + 1];
	}
	memset(bins->sums + BINS_MOST / 2, 0, BINS_MOST / 2 * sizeof *bins->sums);
	memset(bins->counts + BINS_MOST / 2, 0, BINS_MOST / 2 * sizeof *bins->counts);
	bins->width_ns *= 2;
}

void bins_add(struct bins *bins, uint64_t at_ns, double value)
{
	if (!bins->sums) {
		bins->sums = allocate(BINS_MOST, sizeof *bins->sums);
		bins->counts = allocate(BINS_MOST, sizeof *bins->counts);
		bins->width_ns = bins->width_ns ? bins->width_ns : FIRST_WIDTH_NS;
	}
	if (at_ns > UINT64_MAX / 4) /* a clock gone wrong in a file */
		return;
	while (at_ns / bins->width_ns >= BINS_MOST)
		widen(bins);
	bins->sums[at_ns / bins->width_ns] += value;
	bins->counts[at_ns / bins->width_ns] += 1;
}

double bins_sum(const struct bins *bins, uint64_t from_ns, uint64_t to_ns, double *count)
{
	double sum = 0, n = 0;
	if (bins->sums && to_ns > from_ns)
		for (uint64_t i = from_ns / bins->width_ns;
		     i < BINS_MOST && i * bins->width_ns < to_ns; i++) {
			uint64_t start = i * bins->width_ns, end = start + bins->width_ns;
			uint64_t first = start > from_ns ? start : from_ns;
			uint64_t last = end < to_ns ? end : to_ns;
			double part = (double)(last - first) / (double)bins->width_ns;
			sum += bins->sums[i] * part;
			n += bins->counts[i] * part;
		}
	if (count)
		*count = n;
	return sum;
}

void bins_free(struct bins *bins)
{
	free(bins->sums);
	free(bins->counts);
	*bins = (struct bins){ 0 };
}
