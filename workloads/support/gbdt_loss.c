/* Values of the losses, one row at a time, in double. Derivatives are in gbdt_gradients.c. */
#include "workloads/support/gbdt_loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/crew.h"

float gbdt_loss_weight(const float *labels, size_t n)
{
	const double most = 8; /* more lets single rows decide a leaf */
	double n_positive = 0;
	for (size_t i = 0; i < n; i++)
		n_positive += labels[i];
	double ratio = sqrt(((double)n - n_positive) / fmax(n_positive, 1));
	return (float)fmin(fmax(ratio, 1), most);
}

bool gbdt_loss_accepts(const struct gbdt_loss *loss, const float *labels, size_t n, size_t *row)
{
	for (*row = 0; *row < n; ++*row) {
		float label = labels[*row];
		bool is_good = isfinite(label);
		if (loss->kind == GBDT_LOSS_LOGISTIC)
			is_good = label == 0 || label == 1;
		else if (loss->kind == GBDT_LOSS_POISSON)
			is_good = is_good && label >= 0;
		else if (loss->kind == GBDT_LOSS_SOFTMAX)
			is_good = label >= 0 && label < (float)loss->n_classes &&
				  label == floorf(label);
		if (!is_good)
			return false;
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	float left = *(const float *)a, right = *(const float *)b;
	return left < right ? -1 : left > right;
}

static float median_of(const float *labels, size_t n)
{
	float *sorted = allocate(n, sizeof *sorted);
	memcpy(sorted, labels, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, compare);
	float median = sorted[n / 2];
	free(sorted);
	return median;
}

/* One more of each class than there is keeps the logarithm finite. */
static void base_of_classes(const struct gbdt_loss *loss, const float *labels, size_t n,
			    float *base)
{
	double counts[GBDT_MOST_CLASSES] = { 0 };
	for (size_t i = 0; i < n; i++)
		counts[(size_t)labels[i]]++;
	for (unsigned class = 0; class < loss->n_classes; class ++)
		base[class] = (float)log((counts[class] + 1) / ((double)n + loss->n_classes));
}

void gbdt_loss_base(const struct gbdt_loss *loss, const float *labels, size_t n, float *base)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += labels[i];
	if (loss->kind == GBDT_LOSS_LOGISTIC)
		base[0] = (float)log((sum * loss->positive_weight + 1) / ((double)n - sum + 1));
	else if (loss->kind == GBDT_LOSS_SQUARED)
		base[0] = (float)(sum / (double)n);
	else if (loss->kind == GBDT_LOSS_HUBER)
		base[0] = median_of(labels, n);
	else if (loss->kind == GBDT_LOSS_POISSON)
		base[0] = (float)log((sum + 1) / ((double)n + 1));
	else
		base_of_classes(loss, labels, n, base);
}

static double log_of_sum(const double *scores, unsigned n)
{
	double most = scores[0], sum = 0;
	for (unsigned i = 1; i < n; i++)
		most = fmax(most, scores[i]);
	for (unsigned i = 0; i < n; i++)
		sum += exp(scores[i] - most);
	return most + log(sum);
}

/* The logistic loss is written so that large scores do not overflow. */
double gbdt_loss_of(const struct gbdt_loss *loss, const double *scores, double label)
{
	double score = scores[0], distance = fabs(score - label), delta = loss->delta;
	switch (loss->kind) {
	case GBDT_LOSS_LOGISTIC:
		return (label > 0 ? loss->positive_weight : 1) *
		       (fmax(score, 0) - score * label + log1p(exp(-fabs(score))));
	case GBDT_LOSS_SQUARED:
		return 0.5 * distance * distance;
	case GBDT_LOSS_HUBER:
		return distance <= delta ? 0.5 * distance * distance
					 : delta * (distance - 0.5 * delta);
	case GBDT_LOSS_POISSON:
		return exp(score) - label * score;
	default:
		return log_of_sum(scores, loss->n_classes) - scores[(size_t)label];
	}
}

enum { ROWS_A_TASK = 16384 };

struct summing {
	const struct gbdt_loss *loss;
	const float *scores, *labels;
	size_t n;
	double *sums; /* by task: added in their order, whoever has done them */
};

static void sum_task(void *opaque, size_t task, unsigned share)
{
	struct summing *summing = opaque;
	double row[GBDT_MOST_CLASSES] = { 0 }, sum = 0;
	size_t from = task * ROWS_A_TASK, to = from + ROWS_A_TASK;
	(void)share;
	for (size_t i = from; i < to && i < summing->n; i++) {
		for (unsigned class = 0; class < summing->loss->n_classes; class ++)
			row[class] = (double)summing->scores[class * summing->n + i];
		sum += gbdt_loss_of(summing->loss, row, (double)summing->labels[i]);
	}
	summing->sums[task] = sum;
}

double gbdt_loss_mean(const struct gbdt_loss *loss, struct crew *crew, const float *scores,
		      const float *labels, size_t n)
{
	size_t n_tasks = (n + ROWS_A_TASK - 1) / ROWS_A_TASK;
	struct summing summing = { loss, scores, labels, n, allocate(n_tasks, sizeof(double)) };
	double sum = 0;
	if (crew)
		crew_run_tasks(crew, n_tasks, sum_task, &summing);
	for (size_t task = 0; task < n_tasks; task++) {
		if (!crew)
			sum_task(&summing, task, 0);
		sum += summing.sums[task];
	}
	free(summing.sums);
	return sum / (double)n;
}

void gbdt_loss_transform(const struct gbdt_loss *loss, double *scores)
{
	if (loss->kind == GBDT_LOSS_LOGISTIC) {
		*scores = 1 / (1 + exp(-*scores));
	} else if (loss->kind == GBDT_LOSS_POISSON) {
		*scores = exp(*scores);
	} else if (loss->kind == GBDT_LOSS_SOFTMAX) {
		double total = log_of_sum(scores, loss->n_classes);
		for (unsigned class = 0; class < loss->n_classes; class ++)
			scores[class] = exp(scores[class] - total);
	}
}
