/* The data. See gbdt_data.h. */
#include "workloads/support/gbdt_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/random.h"

enum { SIGNAL = 6 };

/* Log odds: an interaction, a curve, a step, a straight line, and a shift that leaves about one
 * row in five positive. */
static double log_odds(const double *x)
{
	return 1.4 * x[0] * x[1] + 1.2 * sin(2 * x[2]) + (x[3] > 0.5 ? 1.5 : 0) + 0.8 * x[4] -
	       0.5 * x[5] * x[5] - 1.9;
}

/* The noise's deviation is 0.5; one label in fifty lies ten further off, where it would pull a
 * squared loss. */
static double value_near(double score, struct random *random)
{
	double noise = 0.5 * random_normal(random);
	return score + noise + (random_unit(random) < 0.02 ? 10 * random_normal(random) : 0);
}

/* Source: Knuth 3.4.1: products of uniform numbers until they fall below e^-mean. */
static double count_of(double mean, struct random *random)
{
	double bound = exp(-mean), product = random_unit(random), n = 0;
	for (; product > bound; n++)
		product *= random_unit(random);
	return n;
}

/* Each class has its own turn of the six features. The largest noisy score wins. */
static double class_of(const double *x, unsigned n_classes, struct random *random)
{
	double best = -INFINITY;
	unsigned at = 0;
	for (unsigned class = 0; class < n_classes; class ++) {
		double turned[SIGNAL];
		for (unsigned i = 0; i < SIGNAL; i++)
			turned[i] = x[(i + class) % SIGNAL];
		/* Gumbel noise makes it a draw from the softmax of the scores. */
		double score = 1.5 * log_odds(turned) - log(-log(1 - random_unit(random)));
		if (score > best) {
			best = score;
			at = class;
		}
	}
	return at;
}

static double label_of(const struct gbdt_data_settings *settings, const double *x, double score,
		       struct random *random)
{
	switch (settings->loss) {
	case GBDT_LOSS_LOGISTIC:
		return random_unit(random) < 1 / (1 + exp(-score)) ? 1 : 0;
	case GBDT_LOSS_POISSON:
		return count_of(exp(fmin(0.5 * score + 0.5, 3)), random);
	case GBDT_LOSS_SOFTMAX:
		return class_of(x, settings->n_classes, random);
	default:
		return value_near(score, random);
	}
}

static void lose_values(struct gbdt_data *data, double share, struct random *random)
{
	for (size_t i = 0; share > 0 && i < data->n_rows * data->n_features; i++)
		if (random_unit(random) < share)
			data->features[i] = NAN;
}

void gbdt_data_make(struct gbdt_data *data, const struct gbdt_data_settings *settings)
{
	struct random random = { settings->seed };
	size_t n_rows = settings->n_rows, n_features = settings->n_features;
	double x[SIGNAL] = { 0 };
	*data = (struct gbdt_data){ .n_rows = n_rows,
				    .n_features = n_features,
				    .features = allocate(n_rows * n_features, sizeof(float)),
				    .labels = allocate(n_rows, sizeof(float)),
				    .true_score = allocate(n_rows, sizeof(float)) };
	for (size_t row = 0; row < n_rows; row++) {
		for (size_t feature = 0; feature < n_features; feature++) {
			double value = random_normal(&random);
			if (feature < SIGNAL)
				x[feature] = value;
			data->features[feature * n_rows + row] = (float)value;
		}
		double score = log_odds(x);
		data->true_score[row] = (float)score;
		data->labels[row] = (float)label_of(settings, x, score, &random);
	}
	lose_values(data, settings->missing_share, &random);
}

void gbdt_data_free(struct gbdt_data *data)
{
	for (size_t i = 0; data->names && i < data->n_features; i++)
		free(data->names[i]);
	free(data->names);
	free(data->features);
	free(data->labels);
	free(data->true_score);
	memset(data, 0, sizeof *data);
}

static float *take(const float *from, const uint32_t *rows, size_t n)
{
	float *out = from ? allocate(n, sizeof *out) : NULL;
	for (size_t i = 0; out && i < n; i++)
		out[i] = from[rows[i]];
	return out;
}

void gbdt_data_take(struct gbdt_data *data, const struct gbdt_data *from, const uint32_t *rows,
		    size_t n)
{
	float *features = allocate(n * from->n_features, sizeof *features);
	for (size_t feature = 0; feature < from->n_features; feature++)
		for (size_t i = 0; i < n; i++)
			features[feature * n + i] =
				from->features[feature * from->n_rows + rows[i]];
	*data = (struct gbdt_data){ .n_rows = n,
				    .n_features = from->n_features,
				    .features = features,
				    .labels = take(from->labels, rows, n),
				    .true_score = take(from->true_score, rows, n) };
}

static const float *sort_values; /* qsort takes no argument of ours */

static int compare(const void *a, const void *b)
{
	float left = sort_values[*(const uint32_t *)a], right = sort_values[*(const uint32_t *)b];
	return left < right ? -1 : left > right;
}

void gbdt_data_sort(struct gbdt_data *data)
{
	struct gbdt_data sorted;
	uint32_t *rows = allocate(data->n_rows, sizeof *rows);
	for (size_t i = 0; i < data->n_rows; i++)
		rows[i] = (uint32_t)i;
	sort_values = data->features;
	qsort(rows, data->n_rows, sizeof *rows, compare);
	gbdt_data_take(&sorted, data, rows, data->n_rows);
	free(rows);
	gbdt_data_free(data);
	*data = sorted;
}

void gbdt_data_split(struct gbdt_data *data, struct gbdt_data *apart, size_t n, uint64_t seed)
{
	struct random random = { seed };
	struct gbdt_data rest;
	uint32_t *rows = allocate(data->n_rows, sizeof *rows);
	for (size_t i = 0; i < data->n_rows; i++) /* Fisher and Yates, from the inside out */
	{
		size_t j = random_bits(&random) % (i + 1);
		rows[i] = rows[j];
		rows[j] = (uint32_t)i;
	}
	n = n < data->n_rows ? n : data->n_rows - 1;
	gbdt_data_take(&rest, data, rows, data->n_rows - n);
	gbdt_data_take(apart, data, rows + data->n_rows - n, n);
	free(rows);
	gbdt_data_free(data);
	*data = rest;
}
