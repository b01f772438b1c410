/* The data and the measure of success. See gbdt_data.h. */
#include "workloads/support/gbdt_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/random.h"

/* Log odds: an interaction, a curve, a step, a straight line, and a shift that leaves about one
 * row in five positive. */
static double log_odds(const double *x)
{
	return 1.4 * x[0] * x[1] + 1.2 * sin(2 * x[2]) + (x[3] > 0.5 ? 1.5 : 0) + 0.8 * x[4] -
	       0.5 * x[5] * x[5] - 1.9;
}

void gbdt_data_make(struct gbdt_data *data, size_t n_rows, size_t n_features, uint64_t seed)
{
	struct random random = { seed };
	double x[6] = { 0 };
	data->n_rows = n_rows;
	data->n_features = n_features;
	data->features = allocate(n_rows * n_features, sizeof(float));
	data->labels = allocate(n_rows, sizeof(float));
	data->true_score = allocate(n_rows, sizeof(float));
	for (size_t row = 0; row < n_rows; row++) {
		for (size_t feature = 0; feature < n_features; feature++) {
			double value = random_normal(&random);
			if (feature < 6)
				x[feature] = value;
			data->features[feature * n_rows + row] = (float)value;
		}
		double score = log_odds(x);
		data->true_score[row] = (float)score;
		data->labels[row] = random_unit(&random) < 1 / (1 + exp(-score)) ? 1 : 0;
	}
}

void gbdt_data_free(struct gbdt_data *data)
{
	free(data->features);
	free(data->labels);
	free(data->true_score);
	memset(data, 0, sizeof *data);
}

struct scored {
	float score, label;
};

static int compare(const void *a, const void *b)
{
	const struct scored *left = a, *right = b;
	return left->score < right->score ? -1 : left->score > right->score;
}

double gbdt_auc(const float *scores, const float *labels, size_t n)
{
	struct scored *rows = allocate(n, sizeof *rows);
	double n_positive = 0, rank_sum = 0;
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct scored){ scores[i], labels[i] };
	qsort(rows, n, sizeof *rows, compare);
	for (size_t from = 0; from < n;) {
		size_t to = from;
		double positives = 0;
		for (; to < n && rows[to].score == rows[from].score; to++)
			positives += rows[to].label;
		/* Ties share the mean of the ranks from + 1 ... to. */
		rank_sum += positives * ((double)(from + to) + 1) / 2;
		n_positive += positives;
		from = to;
	}
	free(rows);
	double n_negative = (double)n - n_positive;
	return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative);
}
