/* Both areas need rows by score. A radix sort of their bits is some ten times faster than qsort. */
#include "workloads/support/gbdt_metrics.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

struct scored {
	uint32_t key; /* ascends with the score */
	float label;
};

/* IEEE 754 orders positive numbers as their bits; negative ones the other way round. */
static uint32_t key_of(float score)
{
	uint32_t bits;
	score += 0.0F; /* -0 is 0 */
	memcpy(&bits, &score, sizeof bits);
	return bits & 0x80000000U ? ~bits : bits | 0x80000000U;
}

static void sort_by_digit(const struct scored *from, struct scored *to, size_t n, unsigned shift,
			  size_t *places)
{
	size_t at = 0;
	memset(places, 0, DIGITS * sizeof *places);
	for (size_t i = 0; i < n; i++)
		places[from[i].key >> shift & (DIGITS - 1)]++;
	for (size_t digit = 0; digit < DIGITS; digit++) {
		size_t count = places[digit];
		places[digit] = at;
		at += count;
	}
	for (size_t i = 0; i < n; i++)
		to[places[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
}

/* Three passes of 11 bits: from rows to other, back, and to other. */
static struct scored *sorted(const float *scores, const float *labels, size_t n)
{
	struct scored *rows = allocate(n, sizeof *rows), *other = allocate(n, sizeof *other);
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct scored){ key_of(scores[i]), labels[i] };
	size_t *places = allocate(DIGITS, sizeof *places);
	sort_by_digit(rows, other, n, 0, places);
	sort_by_digit(other, rows, n, DIGIT_BITS, places);
	sort_by_digit(rows, other, n, 2 * DIGIT_BITS, places);
	free(places);
	free(rows);
	return other;
}

double gbdt_auc(const float *scores, const float *labels, size_t n)
{
	struct scored *rows = sorted(scores, labels, n);
	double n_positive = 0, rank_sum = 0;
	for (size_t from = 0; from < n;) {
		size_t to = from;
		double positives = 0;
		for (; to < n && rows[to].key == rows[from].key; to++)
			positives += (double)rows[to].label;
		/* Ties share the mean of the ranks from + 1 ... to. */
		rank_sum += positives * ((double)(from + to) + 1) / 2;
		n_positive += positives;
		from = to;
	}
	free(rows);
	double n_negative = (double)n - n_positive;
	return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative);
}

double gbdt_pr_auc(const float *scores, const float *labels, size_t n)
{
	struct scored *rows = sorted(scores, labels, n);
	double n_found = 0, sum = 0;
	for (size_t to = n; to > 0;) {
		size_t from = to;
		double positives = 0;
		for (; from > 0 && rows[from - 1].key == rows[to - 1].key; from--)
			positives += (double)rows[from - 1].label;
		n_found += positives;
		sum += positives * n_found / (double)(n - from);
		to = from;
	}
	free(rows);
	return sum / n_found;
}

double gbdt_rmse(const float *values, const float *labels, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++) {
		double distance = (double)values[i] - (double)labels[i];
		sum += distance * distance;
	}
	return sqrt(sum / (double)n);
}

double gbdt_accuracy(const float *scores, const float *labels, size_t n, unsigned n_classes)
{
	size_t n_right = 0;
	for (size_t row = 0; row < n; row++) {
		unsigned best = 0;
		for (unsigned class = 1; class < n_classes; class ++)
			if (scores[class * n + row] > scores[best * n + row])
				best = class;
		n_right += (float)best == labels[row];
	}
	return (double)n_right / (double)n;
}
