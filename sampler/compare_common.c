/* Logarithms, so that twice and half are equally far and the median of changes is a change. */
#include "sampler/compare_common.h"

#include <math.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/compare_statistics.h"

/* Of two, none can be told from what they share. */
enum { LEAST_ROWS = 3 };

struct weighted {
	double value, weight;
};

void compare_common_add(struct compare_common *common, struct compare_row *row, const double *a,
			const double *b)
{
	for (size_t r = 0; r < COMPARE_DRAWS; r++)
		if (!(a[r] > 0 && b[r] > 0))
			return;
	if (common->n_rows == common->capacity) {
		common->capacity = common->capacity ? common->capacity * 2 : 64;
		common->rows = reallocate(common->rows, common->capacity, sizeof *common->rows);
	}
	double *changes = allocate(COMPARE_DRAWS, sizeof *changes);
	for (size_t r = 0; r < COMPARE_DRAWS; r++)
		changes[r] = log(b[r] / a[r]);
	common->rows[common->n_rows++] = (struct compare_common_row){
		.row = row,
		.weight = row->cost[COMPARE_A] + row->cost[COMPARE_B],
		.changes = changes,
	};
}

void compare_common_free(struct compare_common *common)
{
	for (size_t i = 0; i < common->n_rows; i++)
		free(common->rows[i].changes);
	free(common->rows);
	*common = (struct compare_common){ 0 };
}

static int by_value(const void *a, const void *b)
{
	const struct weighted *left = a, *right = b;
	return left->value < right->value ? -1 : left->value > right->value;
}

/* The mean of the middle third of the weights: a median, but one that moves smoothly from draw to
 * draw, without which intervals come out too short. */
static double middle(struct weighted *items, size_t n)
{
	double whole = 0, before = 0, sum = 0;
	qsort(items, n, sizeof *items, by_value);
	for (size_t i = 0; i < n; i++)
		whole += items[i].weight;
	for (size_t i = 0; i < n; i++) {
		double from = fmax(before, whole / 3);
		before += items[i].weight;
		sum += items[i].value * fmax(0, fmin(before, whole * 2 / 3) - from);
	}
	return sum / (whole / 3);
}

/* One function that is most of the program is its own median. */
static bool can_judge(const struct compare_common *common, const struct compare *compare)
{
	double sum = 0, most = 0;
	for (size_t i = 0; i < common->n_rows; i++) {
		sum += common->rows[i].weight;
		most = fmax(most, common->rows[i].weight);
	}
	return common->n_rows >= LEAST_ROWS && most <= sum / 2 &&
	       !(compare->whole.flags & COMPARE_SIGNIFICANT);
}

static double change_of(const struct compare_row *row)
{
	return log(row->cost[COMPARE_B] / row->cost[COMPARE_A]);
}

/* What is shared is subtracted from every draw; the logarithm of what all recordings share. */
static double subtract(struct compare_common *common)
{
	struct weighted *items = allocate(common->n_rows, sizeof *items);
	for (size_t r = 0; r < COMPARE_DRAWS; r++) {
		for (size_t i = 0; i < common->n_rows; i++)
			items[i] = (struct weighted){ common->rows[i].changes[r],
						      common->rows[i].weight };
		double shared = middle(items, common->n_rows);
		for (size_t i = 0; i < common->n_rows; i++)
			common->rows[i].changes[r] -= shared;
	}
	for (size_t i = 0; i < common->n_rows; i++)
		items[i] =
			(struct weighted){ change_of(common->rows[i].row), common->rows[i].weight };
	double shared = middle(items, common->n_rows);
	free(items);
	return shared;
}

/* Growth beyond the rest is no regression if growth itself is ruled out: then the rest got faster.
 */
static bool is_regression(const struct compare *compare, const struct compare_row *row)
{
	return row->flags & COMPARE_BEYOND && row->beyond > compare->limit_ratio &&
	       row->high > compare->limit_ratio;
}

static void judge_row(struct compare *compare, const struct compare_common_row *item, double shared,
		      double critical, double widening)
{
	struct compare_row *row = item->row;
	double beyond = change_of(row) - shared;
	double deviation = compare_deviation(item->changes, COMPARE_DRAWS);
	double low, high;
	compare_interval(item->changes, beyond, widening, &low, &high);
	row->beyond = expm1(beyond);
	row->beyond_low = expm1(low);
	row->beyond_high = expm1(high);
	if (fabs(beyond) > critical * deviation)
		row->flags |= COMPARE_BEYOND;
	if (is_regression(compare, row) && !(row->flags & COMPARE_REGRESSION)) {
		row->flags |= COMPARE_REGRESSION;
		compare->n_regressions++;
	}
}

void compare_common_judge(struct compare_common *common, struct compare *compare, double critical,
			  double widening)
{
	if (!can_judge(common, compare))
		return;
	double shared = subtract(common);
	compare->common = expm1(shared);
	for (size_t i = 0; i < common->n_rows; i++)
		judge_row(compare, &common->rows[i], shared, critical, widening);
}
