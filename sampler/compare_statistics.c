/* Everything is drawn once a side and used for every row, so that rows agree with their sum. */
#include "sampler/compare_statistics.h"

#include <math.h>
#include <stdlib.h>

#include "sampler/base/mix.h"
#include "sampler/base/why.h"
#include "sampler/compare_data.h"

static uint64_t random_bits(uint64_t *state)
{
	return mix_bits(*state += MIX_STEP);
}

/* 0 < u <= 1: its logarithm is finite. */
static double random_unit(uint64_t *state)
{
	return (double)((random_bits(state) >> 11) + 1) / 9007199254740992.0;
}

static double random_normal(uint64_t *state)
{
	double radius = sqrt(-2 * log(random_unit(state)));
	return radius * cos(6.283185307179586 * random_unit(state));
}

static void draw_stratum(struct compare_draws *draws, size_t first, size_t n)
{
	if (n == 1) {
		for (size_t r = 0; r < COMPARE_DRAWS; r++)
			draws->times[first * COMPARE_DRAWS + r] = 1;
		return;
	}
	float times = (float)n / (float)(n - 1);
	for (size_t r = 0; r < COMPARE_DRAWS; r++)
		for (size_t i = 0; i + 1 < n; i++) {
			size_t unit = first + random_bits(&draws->random) % n;
			draws->times[unit * COMPARE_DRAWS + r] += times;
		}
}

void compare_draws_open(struct compare_draws *draws, const struct compare_half *half,
			bool draws_samples, uint64_t seed)
{
	*draws = (struct compare_draws){ .random = seed };
	draws->per = allocate(COMPARE_DRAWS, sizeof *draws->per);
	if (!draws_samples)
		draws->times = allocate(half->n_units * COMPARE_DRAWS, sizeof *draws->times);
	for (size_t first = 0; !draws_samples && first < half->n_units; first += half->stratum) {
		size_t n = half->n_units - first;
		draw_stratum(draws, first, n < half->stratum ? n : half->stratum);
	}
	for (size_t unit = 0; unit < half->n_units; unit++)
		for (size_t r = 0; r < COMPARE_DRAWS; r++) {
			double times = draws->times ? draws->times[unit * COMPARE_DRAWS + r] : 1;
			draws->per[r] += times * half->per[unit];
		}
}

void compare_draws_close(struct compare_draws *draws)
{
	free(draws->times);
	free(draws->per);
	*draws = (struct compare_draws){ 0 };
}

/* Samples that know nothing of each other: a count's deviation is its root. */
static void draw_samples(struct compare_draws *draws, double weight, uint64_t n_samples,
			 double *out)
{
	double relative = n_samples ? 1 / sqrt((double)n_samples) : 0;
	for (size_t r = 0; r < COMPARE_DRAWS; r++)
		out[r] += weight * fmax(0, 1 + relative * random_normal(&draws->random));
}

static void add_unit(const struct compare_draws *draws, size_t unit, double weight, double *out)
{
	const float *times = draws->times + unit * COMPARE_DRAWS;
	for (size_t r = 0; r < COMPARE_DRAWS; r++)
		out[r] += weight * (double)times[r];
}

void compare_draw(struct compare_draws *draws, const struct compare_half *half, uint32_t key,
		  double *out)
{
	double weight = 0;
	uint64_t n_samples = 0;
	for (size_t r = 0; r < COMPARE_DRAWS; r++)
		out[r] = 0;
	for (size_t i = half->first[key]; key && i < half->first[key + 1]; i++) {
		const struct compare_cell *cell = &half->cells[i];
		if (draws->times)
			add_unit(draws, cell->unit, cell->weight, out);
		weight += cell->weight;
		n_samples += cell->n_samples;
	}
	for (size_t unit = 0; key == 0 && unit < half->n_units; unit++) {
		if (draws->times)
			add_unit(draws, unit, half->whole[unit], out);
		weight += half->whole[unit];
	}
	if (!draws->times)
		draw_samples(draws, weight, key ? n_samples : half->n_samples, out);
	for (size_t r = 0; r < COMPARE_DRAWS; r++)
		out[r] = draws->per[r] > 0 ? out[r] / draws->per[r] : 0;
}

static int ascending(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return left < right ? -1 : left > right;
}

void compare_sort(double *values, size_t n)
{
	qsort(values, n, sizeof *values, ascending);
}

double compare_deviation(const double *values, size_t n)
{
	double mean = 0, squares = 0;
	for (size_t i = 0; i < n; i++)
		mean += values[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (values[i] - mean) * (values[i] - mean);
	return sqrt(squares / (double)(n - 1));
}

void compare_interval(double *values, double estimate, double widening, double *low, double *high)
{
	enum { TAIL = COMPARE_DRAWS / 40 };
	compare_sort(values, COMPARE_DRAWS);
	*low = estimate + (values[TAIL] - estimate) * widening;
	*high = estimate + (values[COMPARE_DRAWS - 1 - TAIL] - estimate) * widening;
}

double compare_critical(double tail, double degrees)
{
	double t = sqrt(-2 * log(tail));
	double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
			       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
	double z2 = z * z, v = degrees;
	return z + z * (z2 + 1) / (4 * v) + z * (3 + z2 * (16 + 5 * z2)) / (96 * v * v) +
	       z * (-15 + z2 * (17 + z2 * (19 + 3 * z2))) / (384 * v * v * v);
}
