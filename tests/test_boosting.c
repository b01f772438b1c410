/* The booster: its losses, histograms, splits, trees, samples, files and measures of quality. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/support/crew.h"
#include "workloads/support/csv.h"
#include "workloads/support/gbdt_booster.h"
#include "workloads/support/gbdt_input.h"
#include "workloads/support/gbdt_metrics.h"
#include "workloads/support/gbdt_partition.h"
#include "workloads/support/gbdt_tuner.h"
#include "workloads/support/random.h"
#include "workloads/support/runner.h"

/* ---- measures */

static void auc_is_the_share_of_right_pairs(void **state)
{
	const float labels[] = { 0, 0, 1, 1 };
	const float perfect[] = { 1, 2, 3, 4 }, worst[] = { 4, 3, 2, 1 }, ties[] = { 1, 1, 1, 1 };
	const float half[] = { 1, 3, 2, 4 }, zeros[] = { -0.0F, 0.0F, 0.0F, -0.0F };
	(void)state;
	assert_float_equal(gbdt_auc(perfect, labels, 4), 1, 1e-12);
	assert_float_equal(gbdt_auc(worst, labels, 4), 0, 1e-12);
	assert_float_equal(gbdt_auc(ties, labels, 4), 0.5, 1e-12);
	assert_float_equal(gbdt_auc(half, labels, 4), 0.75, 1e-12);
	assert_float_equal(gbdt_auc(zeros, labels, 4), 0.5, 1e-12);
}

static void auc_agrees_with_all_pairs(void **state)
{
	enum { N = 300 };
	struct random random = { 3 };
	float scores[N], labels[N];
	double right = 0, pairs = 0;
	(void)state;
	for (int i = 0; i < N; i++) {
		scores[i] = (float)(random_bits(&random) % 40) - 20; /* many ties, both signs */
		labels[i] = (float)(random_bits(&random) % 4 == 0);
	}
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			if (labels[i] > labels[j]) {
				pairs++;
				right += scores[i] > scores[j]    ? 1
					 : scores[i] == scores[j] ? 0.5
								  : 0;
			}
	assert_float_equal(gbdt_auc(scores, labels, N), right / pairs, 1e-12);
}

/* Worked by hand: the mean over positives of the precision at their score. */
static void pr_auc_is_average_precision(void **state)
{
	const float labels[] = { 1, 0, 1, 0 };
	const float order[] = { 4, 3, 2, 1 };   /* (1/1 + 2/3) / 2 */
	const float tied[] = { 3, 3, 1, 2 };    /* (1/2 + 2/4) / 2 */
	const float reverse[] = { 1, 2, 3, 4 }; /* 0 1 0 1 from below: (1/2 + 2/4) / 2 */
	const float same[] = { 7, 7, 7, 7 };    /* the share of positives */
	(void)state;
	assert_float_equal(gbdt_pr_auc(order, labels, 4), (1 + 2.0 / 3) / 2, 1e-12);
	assert_float_equal(gbdt_pr_auc(tied, labels, 4), 0.5, 1e-12);
	assert_float_equal(gbdt_pr_auc(reverse, labels, 4), 0.5, 1e-12);
	assert_float_equal(gbdt_pr_auc(same, labels, 4), 0.5, 1e-12);
}

/* ---- losses */

static const enum gbdt_loss_kind kinds[] = { GBDT_LOSS_LOGISTIC, GBDT_LOSS_SQUARED, GBDT_LOSS_HUBER,
					     GBDT_LOSS_POISSON, GBDT_LOSS_SOFTMAX };

static struct gbdt_loss loss_of(enum gbdt_loss_kind kind)
{
	return (struct gbdt_loss){ .kind = kind,
				   .positive_weight = 3,
				   .delta = 0.7F,
				   .n_classes = kind == GBDT_LOSS_SOFTMAX ? 3 : 1 };
}

/* Derivatives by differences, in double, of the loss in double. */
static void differentiate(const struct gbdt_loss *loss, const float *scores, size_t n, size_t row,
			  unsigned class, double label, double *first, double *second)
{
	const double step = 1e-4;
	double at[3], values[3];
	for (int i = 0; i < 3; i++) {
		for (unsigned k = 0; k < loss->n_classes; k++)
			at[k] = (double)scores[k * n + row];
		at[class] += (i - 1) * step;
		values[i] = gbdt_loss_of(loss, at, label);
	}
	*first = (values[2] - values[0]) / (2 * step);
	*second = (values[2] - 2 * values[1] + values[0]) / (step * step);
}

static void derivatives_agree_with_differences(void **state)
{
	enum { N = 37, MOST = 3 * N };
	struct crew *crew = crew_new(2, "t");
	(void)state;
	for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
		struct gbdt_loss loss = loss_of(kinds[kind]);
		struct gbdt_gradients gradients;
		float scores[MOST], labels[N];
		struct random random = { kind };
		for (int i = 0; i < MOST; i++)
			scores[i] = (float)(4 * random_unit(&random) - 2);
		for (int i = 0; i < N; i++)
			labels[i] = (float)(random_bits(&random) % (kinds[kind] == 0 ? 2 : 3));
		gbdt_gradients_new(&gradients, N);
		if (loss.kind == GBDT_LOSS_SOFTMAX)
			gbdt_gradients_normalize(&gradients, crew, &loss, scores);
		for (unsigned class = 0; class < loss.n_classes; class ++) {
			struct gbdt_gradient_inputs inputs = { .loss = &loss,
							       .class = class,
							       .scores = scores + class * N,
							       .labels = labels,
							       .simd = GBDT_SIMD_SCALAR };
			gbdt_gradients_compute(&gradients, crew, &inputs);
			for (size_t row = 0; row < N; row++) {
				double first, second;
				differentiate(&loss, scores, N, row, class, (double)labels[row],
					      &first, &second);
				assert_float_equal(gradients.gradient[row], first, 1e-5);
				double distance = fabs((double)scores[row] - (double)labels[row]);
				/* Beyond delta, the parabola that touches the loss. */
				if (loss.kind == GBDT_LOSS_HUBER && distance > 0.69)
					second = fmin(1, 0.7 / distance);
				assert_float_equal(gradients.hessian[row], second, 1e-4);
			}
		}
		gbdt_gradients_free(&gradients);
	}
	crew_free(crew);
}

/* The same bits by all instructions, and whole multiples of the unit that are not biased. */
static void gradients_are_rounded_without_bias(void **state)
{
	enum { N = 100003 };
	struct crew *crew = crew_new(2, "t");
	struct gbdt_loss loss = loss_of(GBDT_LOSS_LOGISTIC);
	struct gbdt_gradients reference, other;
	float *scores = calloc(N, sizeof *scores), *labels = calloc(N, sizeof *labels);
	struct random random = { 8 };
	double sum = 0, rounded = 0, size = 0;
	(void)state;
	for (int i = 0; i < N; i++) {
		scores[i] = (float)(6 * random_normal(&random));
		labels[i] = (float)(random_bits(&random) % 2);
	}
	gbdt_gradients_new(&reference, N);
	gbdt_gradients_new(&other, N);
	struct gbdt_gradient_inputs inputs = { .loss = &loss,
					       .scores = scores,
					       .labels = labels,
					       .simd = GBDT_SIMD_SCALAR,
					       .seed = 5 };
	gbdt_gradients_compute(&reference, crew, &inputs);
	for (int simd = GBDT_SIMD_AVX2; simd <= GBDT_SIMD_AVX512; simd++) {
		enum gbdt_simd resolved = (enum gbdt_simd)simd;
		if (!gbdt_simd_resolve(&resolved)) {
			print_message("SKIP simd %d: this CPU cannot run it\n", simd);
			continue;
		}
		inputs.simd = resolved;
		gbdt_gradients_compute(&other, crew, &inputs);
		assert_memory_equal(reference.pairs, other.pairs, N * sizeof(uint32_t));
	}
	for (int i = 0; i < N; i++) {
		double value = ((int32_t)reference.pairs[i] >> 16) * reference.gradient_unit;
		assert_true(fabs(value - (double)reference.gradient[i]) <
			    1.001 * reference.gradient_unit);
		sum += (double)reference.gradient[i];
		rounded += value;
		size += reference.gradient_unit;
	}
	/* Each is off by less than a unit; without bias the sum of n is off by about sqrt(n / 8).
	 */
	assert_true(fabs(sum - rounded) < size / N * 4 * sqrt(N / 8.0) + size / 256);
	gbdt_gradients_free(&reference);
	gbdt_gradients_free(&other);
	free(scores);
	free(labels);
	crew_free(crew);
}

/* ---- bins */

static void bins_are_lower_bounds_of_edges(void **state)
{
	enum { ROWS = 5003, FEATURES = 5 };
	struct crew *crew = crew_new(2, "t");
	struct random random = { 4 };
	float *values = calloc(ROWS * FEATURES, sizeof *values);
	(void)state;
	for (size_t row = 0; row < ROWS; row++) {
		values[row] = (float)random_normal(&random);
		values[ROWS + row] = 7; /* constant */
		values[2 * ROWS + row] = (float)(random_bits(&random) % 3);
		values[3 * ROWS + row] = row % 5 ? (float)random_unit(&random) : NAN;
		values[4 * ROWS + row] = NAN;
	}
	for (int edges = GBDT_EDGES_EVEN; edges <= GBDT_EDGES_TAILS; edges++)
		for (unsigned n_bins = 2; n_bins <= 256; n_bins = n_bins * 3 + 1) {
			struct gbdt_cuts cuts;
			struct gbdt_bins bins;
			struct gbdt_cut_settings settings = { n_bins, (enum gbdt_edges)edges, 0 };
			gbdt_cuts_make(&cuts, crew, values, ROWS, FEATURES, &settings);
			gbdt_bins_make(&bins, crew, &cuts, values, ROWS, 4);
			assert_int_equal(cuts.features[1].n_edges, 0);
			assert_int_equal(cuts.features[3].first, 1);
			assert_true(n_bins < 3 || cuts.features[2].n_edges == 2);
			for (size_t f = 0; f < FEATURES; f++) {
				const struct gbdt_cut *cut = &cuts.features[f];
				assert_true(cut->n_edges + 1U + cut->first <= n_bins);
				for (size_t row = 0; row < ROWS; row++) {
					float value = values[f * ROWS + row];
					unsigned bin = 0;
					while (bin < cut->n_edges && cut->edges[bin] < value)
						bin++;
					bin = isnan(value) ? 0 : bin + cut->first;
					assert_int_equal(bins.columns[f * ROWS + row], bin);
					assert_int_equal(gbdt_cut_bin(cut, value), bin);
				}
			}
			gbdt_bins_free(&bins);
			gbdt_cuts_free(&cuts);
		}
	free(values);
	crew_free(crew);
}

static void tails_have_half_of_the_edges(void **state)
{
	enum { ROWS = 10000 };
	struct crew *crew = crew_new(1, "t");
	struct gbdt_cuts cuts;
	struct gbdt_cut_settings settings = { 33, GBDT_EDGES_TAILS, GBDT_MISSING_LEARN };
	float values[ROWS];
	int low = 0, high = 0;
	(void)state;
	for (int i = 0; i < ROWS; i++)
		values[i] = (float)i / ROWS;
	gbdt_cuts_make(&cuts, crew, values, ROWS, 1, &settings);
	for (int i = 0; i < cuts.features[0].n_edges; i++) {
		low += cuts.features[0].edges[i] < 0.1F;
		high += cuts.features[0].edges[i] > 0.9F;
	}
	assert_int_equal(cuts.features[0].n_edges, 32);
	assert_in_range(low, 7, 9);
	assert_in_range(high, 7, 9);
	gbdt_cuts_free(&cuts);
	crew_free(crew);
}

/* Each method and each width of a group against one addition after another. */
static void every_method_sums_the_same(void **state)
{
	enum { ROWS = 70001, MOST = 16, BINS = 256 };
	struct random random = { 9 };
	uint8_t *bins = calloc(ROWS * MOST + 16, 1);
	uint32_t *rows = calloc(ROWS, sizeof *rows), *pairs = calloc(ROWS, sizeof *pairs);
	struct gbdt_sums *right = calloc(MOST * BINS, sizeof *right),
			 *sums = calloc(MOST * BINS, sizeof *sums);
	void *table = gbdt_table_new();
	(void)state;
	for (size_t i = 0; i < ROWS * MOST; i++)
		bins[i] = i % MOST == 3 ? 255 : (uint8_t)random_bits(&random);
	for (uint32_t i = 0; i < ROWS; i++) {
		rows[i] = (uint32_t)(random_bits(&random) % ROWS);
		/* The largest there may be, all in one bin: what a packed sum must hold. */
		pairs[i] = i < 20 ? random_bits(&random) & 0xffff
				  : gbdt_pair(i % 2 ? 32767 : -32767, 65535);
	}
	for (unsigned width = 1; width <= MOST; width++) {
		struct gbdt_histogram_job job = { bins,         MOST,  width, BINS, rows,
						  ROWS - width, pairs, sums,  table };
		memset(right, 0, MOST * BINS * sizeof *right);
		for (size_t i = 0; i < job.n_rows; i++)
			for (unsigned k = 0; k < width; k++) {
				struct gbdt_sums *bin = &right[k * BINS + bins[rows[i] * MOST + k]];
				bin->gradient += (int32_t)pairs[rows[i]] >> 16;
				bin->hessian += pairs[rows[i]] & 0xffff;
			}
		for (int method = GBDT_METHOD_SCALAR; method <= GBDT_METHOD_AVX512; method++) {
			if (!gbdt_method_usable((enum gbdt_method)method)) {
				print_message("SKIP %s: this CPU cannot run it\n",
					      gbdt_method_name((enum gbdt_method)method));
				continue;
			}
			memset(sums, 0, MOST * BINS * sizeof *sums);
			build_histogram((enum gbdt_method)method, &job);
			assert_memory_equal(sums, right, MOST * BINS * sizeof *sums);
		}
	}
	free(bins);
	free(rows);
	free(pairs);
	free(right);
	free(sums);
	free(table);
}

static void partitions_keep_the_order(void **state)
{
	enum { ROWS = 1000 };
	struct random random = { 2 };
	uint8_t column[ROWS + 16];
	uint32_t rows[ROWS], scratch[ROWS], right[ROWS], left[ROWS];
	(void)state;
	for (int i = 0; i < ROWS; i++)
		column[i] = (uint8_t)random_bits(&random);
	for (size_t n = 0; n < 100; n++)
		for (int way = 0; way < 3; way++) {
			struct gbdt_partition p = { column,
						    (uint8_t)(n % 2),
						    (uint8_t)(n * 5 % 250),
						    rows,
						    scratch,
						    n,
						    GBDT_SIMD_AVX512,
						    way == 2 };
			size_t n_left = 0, n_right = 0;
			if (!gbdt_simd_resolve(&p.simd) || way == 1)
				p.simd = GBDT_SIMD_SCALAR;
			for (size_t i = 0; i < n; i++) {
				rows[i] = (uint32_t)(random_bits(&random) % ROWS);
				if ((uint8_t)(column[rows[i]] - p.low) <= p.high)
					left[n_left++] = rows[i];
				else
					right[n_right++] = rows[i];
			}
			assert_int_equal(partition_rows(&p), n_left);
			assert_memory_equal(rows, left, n_left * sizeof *rows);
			assert_memory_equal(scratch, right, n_right * sizeof *rows);
		}
}

/* ---- splits */

static void entropy_is_that_of_the_book(void **state)
{
	(void)state;
	assert_float_equal(gbdt_entropy_bits(0, 8), 0, 1e-12);
	assert_float_equal(gbdt_entropy_bits(8, 8), 0, 1e-12);
	assert_float_equal(gbdt_entropy_bits(4, 8), 1, 1e-12);
	assert_float_equal(gbdt_entropy_bits(2, 8), 0.8112781244591328, 1e-12); /* 2 - 3/4 log2 3 */
	/* 8 rows, 4 positive; left 4 with 3: 1 - 0.8113 */
	assert_float_equal(
		gbdt_information_gain((struct gbdt_sums){ 4, 8 }, (struct gbdt_sums){ 3, 4 }),
		0.1887218755408672, 1e-12);
	assert_float_equal(
		gbdt_information_gain((struct gbdt_sums){ 4, 8 }, (struct gbdt_sums){ 4, 4 }), 1,
		1e-12);
}

/* Two bins of two rows. G = 2 and -2, H = 2 each: 1/2 (4/3 + 4/3 - 0) = 4/3 with lambda 1. */
static void gains_worked_by_hand(void **state)
{
	const struct gbdt_sums sums[] = { { 2, 2 }, { -2, 2 } }, counts[] = { { 2, 2 }, { 0, 2 } };
	struct gbdt_split_feature feature = { sums, counts, 2, false };
	struct gbdt_split_node node = { { 0, 4 }, { 2, 4 }, 1, 1, 0 };
	struct gbdt_split_settings settings = { .lambda = 1, .information_weight = 0.3 };
	struct gbdt_split split;
	(void)state;
	find_split(&settings, &node, &feature, &split);
	assert_float_equal(split.gain, 4.0 / 3, 1e-12);
	assert_int_equal(split.left.gradient, 2);
	assert_int_equal(split.high, 0);
	settings.gamma = 0.5;
	find_split(&settings, &node, &feature, &split);
	assert_float_equal(split.gain, 4.0 / 3 - 0.5, 1e-12);
	settings.entropy = GBDT_ENTROPY_PAPER; /* one bit gained, at depth 0 */
	find_split(&settings, &node, &feature, &split);
	assert_float_equal(split.gain, 4.0 / 3 - 0.5 + 0.3, 1e-12);
	node.depth = 3;
	find_split(&settings, &node, &feature, &split);
	assert_float_equal(split.gain, 4.0 / 3 - 0.5 + 0.3 * exp(-0.3), 1e-12);
	node.depth = 4; /* off */
	find_split(&settings, &node, &feature, &split);
	assert_float_equal(split.gain, 4.0 / 3 - 0.5, 1e-12);
	settings.entropy = GBDT_ENTROPY_PER_SAMPLE; /* times four rows */
	find_split(&settings, &node, &feature, &split);
	assert_float_equal(split.gain, 4.0 / 3 - 0.5 + 4 * 0.3 * exp(-0.4), 1e-12);
	settings.least_hessian = 3; /* no side has so much */
	find_split(&settings, &node, &feature, &split);
	assert_true(split.gain <= GBDT_LEAST_GAIN);
	assert_float_equal(gbdt_leaf(&settings, &node), 0, 1e-12);
	node.sums.gradient = 3;
	assert_float_equal(gbdt_leaf(&settings, &node), -3.0 / 5, 1e-12);
}

/* With a bin of missing values first: every split, both ways, by all instructions. */
static void best_split_is_that_of_brute_force(void **state)
{
	enum { BINS = 77 };
	struct random random = { 6 };
	(void)state;
	for (int turn = 0; turn < 200; turn++) {
		struct gbdt_sums sums[BINS], counts[BINS];
		struct gbdt_split_node node = { .gradient_unit = 0.01, .hessian_unit = 0.02 };
		struct gbdt_split_feature feature = { sums, counts, BINS, turn % 2 };
		struct gbdt_split_settings settings = { .lambda = 1,
							.least_hessian = 2,
							.entropy = (enum gbdt_entropy)(turn % 3),
							.information_weight = 0.5 };
		struct gbdt_split split;
		double best = 0;
		for (int bin = 0; bin < BINS; bin++) {
			counts[bin].hessian = (int64_t)(random_bits(&random) % 5);
			counts[bin].gradient = counts[bin].hessian
						       ? (int64_t)(random_bits(&random) %
								   (uint64_t)counts[bin].hessian)
						       : 0;
			sums[bin].gradient = (int64_t)(random_bits(&random) % 2001) - 1000;
			sums[bin].hessian = counts[bin].hessian * 40;
			node.sums.gradient += sums[bin].gradient;
			node.sums.hessian += sums[bin].hessian;
			node.counts.gradient += counts[bin].gradient;
			node.counts.hessian += counts[bin].hessian;
		}
		double whole = (double)node.sums.gradient * 0.01,
		       hessian = (double)node.sums.hessian * 0.02;
		for (int first = 0; first <= turn % 2; first++) {
			struct gbdt_sums left = { 0 }, left_counts = { 0 };
			for (int bin = first; bin + 1 < BINS; bin++) {
				left.gradient += sums[bin].gradient;
				left.hessian += sums[bin].hessian;
				left_counts.gradient += counts[bin].gradient;
				left_counts.hessian += counts[bin].hessian;
				double g = (double)left.gradient * 0.01,
				       h = (double)left.hessian * 0.02;
				double gain = 0.5 * (g * g / (h + 1) +
						     (whole - g) * (whole - g) / (hessian - h + 1) -
						     whole * whole / (hessian + 1));
				if (h < 2 || hessian - h < 2)
					continue;
				if (gain > 0)
					gain += gbdt_alpha(&settings, &node) *
						gbdt_information_gain(node.counts, left_counts);
				best = fmax(best, gain);
			}
		}
		for (int simd = GBDT_SIMD_SCALAR; simd <= GBDT_SIMD_AVX512; simd++) {
			settings.simd = (enum gbdt_simd)simd;
			if (!gbdt_simd_resolve(&settings.simd))
				continue;
			find_split(&settings, &node, &feature, &split);
			assert_float_equal(split.gain, best, 1e-9);
		}
	}
}

/* ---- trees */

struct trial {
	struct gbdt_data train, validation;
	struct gbdt_booster booster;
	struct gbdt_booster_settings settings;
	struct crew *crew;
};

static struct gbdt_booster_settings usual(enum gbdt_loss_kind kind)
{
	struct gbdt_booster_settings settings = {
		.loss = loss_of(kind),
		.cuts = { 64, GBDT_EDGES_EVEN, GBDT_MISSING_LEARN },
		.grow = { .split = { .lambda = 1, .least_hessian = 1 },
			  .depth = 5,
			  .learning_rate = 0.1,
			  .row_share = 1,
			  .column_share = 1,
			  .method = GBDT_METHOD_PACKED },
		.together = 16,
		.check_every = 5,
	};
	gbdt_simd_resolve(&settings.grow.split.simd);
	return settings;
}

static void trial_start(struct trial *trial, const struct gbdt_booster_settings *settings,
			size_t n_rows, double lost, unsigned n_threads)
{
	struct gbdt_data_settings data = { .n_rows = n_rows,
					   .n_features = 20,
					   .loss = settings->loss.kind,
					   .n_classes = settings->loss.n_classes,
					   .missing_share = lost,
					   .seed = 7 };
	gbdt_data_make(&trial->train, &data);
	data.n_rows = 2000;
	data.seed = 8;
	gbdt_data_make(&trial->validation, &data);
	trial->crew = crew_new_waiting(n_threads, "t", n_threads % 2 ? CREW_SLEEPS : CREW_SPINS);
	gbdt_booster_start(&trial->booster, settings, trial->crew, &trial->train,
			   &trial->validation);
}

static void trial_end(struct trial *trial)
{
	gbdt_booster_free(&trial->booster);
	gbdt_data_free(&trial->train);
	gbdt_data_free(&trial->validation);
	crew_free(trial->crew);
}

static void assert_same_models(const struct gbdt_model *a, const struct gbdt_model *b)
{
	assert_int_equal(a->n_trees, b->n_trees);
	assert_memory_equal(a->base, b->base, sizeof a->base);
	for (size_t i = 0; i < a->n_trees; i++) {
		assert_int_equal(a->trees[i].n_nodes, b->trees[i].n_nodes);
		assert_memory_equal(a->trees[i].nodes, b->trees[i].nodes,
				    a->trees[i].n_nodes * sizeof *a->trees[i].nodes);
	}
}

static void check_tree_grown_last(const struct trial *trial)
{
	struct why why;
	const struct gbdt_model *model = &trial->booster.model;
	if (!gbdt_grower_check(trial->booster.grower, &model->trees[model->n_trees - 1], &why))
		fail_msg("%s", why.text);
}

/* One change each, none of which may change the trees. */
static void trees_do_not_depend_on_how(void **state)
{
	struct trial reference;
	struct gbdt_booster_settings settings = usual(GBDT_LOSS_LOGISTIC);
	(void)state;
	settings.grow.row_share = 0.7;
	settings.grow.column_share = 0.6;
	trial_start(&reference, &settings, 40000, 0.05, 1);
	for (int round = 0; round < 3; round++)
		gbdt_booster_round(&reference.booster);
	check_tree_grown_last(&reference);
	assert_true(reference.booster.model.trees[0].n_nodes > 30);
	for (int change = 0; change < 7; change++) {
		struct trial trial;
		struct gbdt_booster_settings other = settings;
		other.together = change == 0 ? 1 : change == 1 ? 4 : 16;
		other.grow.method = change == 2 ? GBDT_METHOD_SCALAR : GBDT_METHOD_AUTO;
		other.grow.memory = change == 3 ? GBDT_MEMORY_MALLOC : GBDT_MEMORY_POOL;
		other.grow.is_partition_branchy = change == 4;
		other.grow.split.simd = change == 5 ? GBDT_SIMD_SCALAR : settings.grow.split.simd;
		other.walk = change == 6 ? GBDT_WALK_BRANCHY : GBDT_WALK_BRANCHLESS;
		trial_start(&trial, &other, 40000, 0.05, 1 + (unsigned)change);
		for (int round = 0; round < 3; round++)
			gbdt_booster_round(&trial.booster);
		assert_same_models(&reference.booster.model, &trial.booster.model);
		assert_memory_equal(reference.booster.scores, trial.booster.scores,
				    40000 * sizeof(float));
		trial_end(&trial);
	}
	trial_end(&reference);
}

static unsigned leaves_of(const struct gbdt_tree *tree)
{
	return (tree->n_nodes + 1) / 2;
}

static void both_growths_are_right(void **state)
{
	struct trial by_level, by_leaf;
	struct gbdt_booster_settings settings = usual(GBDT_LOSS_LOGISTIC);
	(void)state;
	settings.grow.depth = 4;
	trial_start(&by_level, &settings, 20000, 0, 2);
	settings.grow.growth =
		GBDT_GROWTH_LEAF; /* without a bound the same leaves, in another order */
	trial_start(&by_leaf, &settings, 20000, 0, 2);
	gbdt_booster_round(&by_level.booster);
	gbdt_booster_round(&by_leaf.booster);
	assert_int_equal(leaves_of(&by_level.booster.model.trees[0]),
			 leaves_of(&by_leaf.booster.model.trees[0]));
	assert_memory_equal(by_level.booster.scores, by_leaf.booster.scores, 20000 * sizeof(float));
	trial_end(&by_level);
	trial_end(&by_leaf);
	settings.grow.depth = 8;
	settings.grow.n_leaves = 16;
	trial_start(&by_leaf, &settings, 20000, 0, 2);
	settings.grow.depth = 4;
	settings.grow.growth = GBDT_GROWTH_DEPTH;
	trial_start(&by_level, &settings, 20000, 0, 2);
	gbdt_booster_round(&by_level.booster);
	gbdt_booster_round(&by_leaf.booster);
	assert_int_equal(leaves_of(&by_leaf.booster.model.trees[0]), 16);
	assert_true(by_leaf.booster.model.trees[0].depth > 4);
	check_tree_grown_last(&by_leaf);
	check_tree_grown_last(&by_level);
	/* With as many leaves, the best first serve the training loss better. */
	assert_true(gbdt_loss_mean(&settings.loss, by_leaf.booster.scores, by_leaf.train.labels,
				   20000) <= gbdt_loss_mean(&settings.loss, by_level.booster.scores,
							    by_level.train.labels, 20000));
	trial_end(&by_level);
	trial_end(&by_leaf);
}

static void every_loss_is_learned(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct trial trial;
		struct gbdt_booster_settings settings = usual(kinds[i]);
		settings.grow.split.entropy = i == 0 ? GBDT_ENTROPY_PER_SAMPLE : GBDT_ENTROPY_OFF;
		settings.grow.split.information_weight = 0.1;
		trial_start(&trial, &settings, 6000, 0, 2);
		double first = gbdt_loss_mean(&settings.loss, trial.booster.validation_scores,
					      trial.validation.labels, 2000);
		double before = INFINITY;
		for (int round = 0; round < 30; round++) {
			gbdt_booster_round(&trial.booster);
			check_tree_grown_last(&trial);
			double now = gbdt_loss_mean(&settings.loss, trial.booster.scores,
						    trial.train.labels, 6000);
			assert_true(now < before);
			before = now;
		}
		gbdt_booster_measure(&trial.booster);
		assert_true(trial.booster.quality.loss < 0.9 * first);
		trial_end(&trial);
	}
}

/* Half of the values of the column that decides are missing, and most of those rows positive. */
static void missing_values_find_their_side(void **state)
{
	enum { ROWS = 4000 };
	struct trial trial;
	struct gbdt_booster_settings settings = usual(GBDT_LOSS_LOGISTIC);
	struct random random = { 1 };
	float *features = calloc(ROWS * 2, sizeof *features),
	      *labels = calloc(ROWS, sizeof *labels);
	struct gbdt_data data = { ROWS, 2, features, labels, NULL };
	double quality[2];
	(void)state;
	for (size_t row = 0; row < ROWS; row++) {
		bool is_missing = row % 2;
		features[row] = is_missing ? NAN : (float)random_unit(&random);
		features[ROWS + row] = (float)random_unit(&random);
		labels[row] = is_missing ? row % 10 != 1 : features[row] > 0.9F;
	}
	trial.crew = crew_new(2, "t");
	for (int missing = 0; missing < 2; missing++) {
		settings.cuts.missing = (enum gbdt_missing)missing;
		settings.grow.depth = 2;
		gbdt_booster_start(&trial.booster, &settings, trial.crew, &data, &data);
		gbdt_booster_round(&trial.booster);
		check_tree_grown_last(&trial);
		gbdt_booster_measure(&trial.booster);
		quality[missing] = trial.booster.quality.auc;
		float scores[ROWS];
		gbdt_model_predict_raw(&trial.booster.model, trial.crew, features, ROWS, scores);
		assert_memory_equal(scores, trial.booster.validation_scores, sizeof scores);
		gbdt_booster_free(&trial.booster);
	}
	/* 0.919 if an edge of a bin lay at 0.9, where the labels turn. */
	assert_true(quality[GBDT_MISSING_LEARN] > 0.9);
	assert_true(quality[GBDT_MISSING_MEDIAN] < quality[GBDT_MISSING_LEARN]);
	crew_free(trial.crew);
	free(features);
	free(labels);
}

static void training_stops_at_its_best(void **state)
{
	struct trial trial;
	struct gbdt_booster_settings settings = usual(GBDT_LOSS_LOGISTIC);
	size_t n = 0;
	(void)state;
	settings.patience = 30;
	settings.grow.learning_rate = 0.3;
	settings.grow.depth = 6;
	trial_start(&trial, &settings, 3000, 0, 2);
	while (n < 1000 && gbdt_booster_round(&trial.booster))
		n++;
	assert_true(n > 30 && n < 1000);
	assert_true(trial.booster.is_stopped);
	assert_int_equal(trial.booster.model.n_trees, trial.booster.best_rounds);
	assert_true(trial.booster.best_rounds + 30 <= n + 1);
	float *scores = calloc(2000, sizeof *scores);
	gbdt_model_predict(&trial.booster.model, &trial.booster.validation_bins, trial.crew,
			   GBDT_WALK_BRANCHY, scores);
	assert_memory_equal(scores, trial.booster.validation_scores, 2000 * sizeof *scores);
	assert_false(gbdt_booster_round(&trial.booster));
	free(scores);
	trial_end(&trial);
}

/* PKBoost's headline set: 170,884 x 30 with 0.17 % positives. */
static void tuner_gives_the_authors_settings(void **state)
{
	enum { ROWS = 170884 };
	struct gbdt_booster_settings settings = usual(GBDT_LOSS_LOGISTIC);
	float *labels = calloc(ROWS, sizeof *labels);
	struct gbdt_data data = { ROWS, 30, NULL, labels, NULL };
	(void)state;
	for (int i = 0; i < 290; i++)
		labels[i] = 1;
	assert_int_equal(gbdt_tune(&settings, &data), 2000);
	assert_float_equal(settings.grow.learning_rate, 0.0255, 1e-9);
	assert_int_equal(settings.grow.depth, 4);
	assert_float_equal(settings.grow.split.lambda, 0.5477, 1e-4);
	assert_float_equal(settings.grow.split.least_hessian, 2.9, 1e-9);
	assert_float_equal(settings.loss.positive_weight, 8, 1e-6);
	assert_int_equal(settings.patience, 120);
	free(labels);
}

/* ---- files */

static void models_come_back_from_files(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct trial trial;
		struct gbdt_booster_settings settings =
			usual(kind ? GBDT_LOSS_SOFTMAX : GBDT_LOSS_LOGISTIC);
		struct gbdt_model model = { 0 };
		struct why why;
		char path[] = "/tmp/stoke-model-XXXXXX";
		float scores[6000];
		close(mkstemp(path));
		trial_start(&trial, &settings, 3000, 0.1, 2);
		for (int round = 0; round < 5; round++)
			gbdt_booster_round(&trial.booster);
		assert_true(gbdt_model_save(&trial.booster.model, path, &why));
		assert_true(gbdt_model_load(&model, path, &why));
		assert_same_models(&trial.booster.model, &model);
		gbdt_model_predict_raw(&model, trial.crew, trial.validation.features, 2000, scores);
		assert_memory_equal(scores, trial.booster.validation_scores,
				    2000 * settings.loss.n_classes * sizeof(float));
		gbdt_model_free(&model);
		unlink(path);
		trial_end(&trial);
	}
}

static void damaged_models_are_refused(void **state)
{
	struct trial trial;
	struct gbdt_booster_settings settings = usual(GBDT_LOSS_LOGISTIC);
	struct gbdt_model model = { 0 };
	struct why why;
	char path[] = "/tmp/stoke-model-XXXXXX";
	unsigned char bytes[1 << 16];
	(void)state;
	close(mkstemp(path));
	trial_start(&trial, &settings, 1000, 0, 1);
	gbdt_booster_round(&trial.booster);
	assert_true(gbdt_model_save(&trial.booster.model, path, &why));
	FILE *file = fopen(path, "rb");
	size_t n = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	assert_true(gbdt_model_read(&model, bytes, n, "x", &why));
	gbdt_model_free(&model);
	for (size_t cut = 0; cut < n; cut += 7)
		assert_false(gbdt_model_read(&model, bytes, cut, "x", &why));
	bytes[n / 2] ^= 4;
	assert_false(gbdt_model_read(&model, bytes, n, "x", &why));
	assert_non_null(strstr(why.text, "check sum"));
	assert_int_equal(model.n_trees, 0);
	assert_false(gbdt_model_load(&model, "/nowhere/model", &why));
	assert_false(gbdt_model_save(&trial.booster.model, "/nowhere/model", &why));
	unlink(path);
	trial_end(&trial);
}

static bool parse(struct csv *csv, const char *text, struct why *why)
{
	return csv_parse(csv, text, strlen(text), "x.csv", why);
}

static void tables_are_read(void **state)
{
	struct csv csv;
	struct why why;
	(void)state;
	assert_true(parse(&csv, "a,\"b \"\"c\"\"\",d\r\n1,2.5,\r\n\r\n\"-3e2\", NA ,0\n", &why));
	assert_int_equal(csv.n_rows, 2);
	assert_int_equal(csv.n_columns, 3);
	assert_string_equal(csv.names[1], "b \"c\"");
	assert_float_equal(csv.values[0], 1, 0);
	assert_float_equal(csv.values[1], -300, 0);
	assert_float_equal(csv.values[2], 2.5, 0);
	assert_true(isnan(csv.values[3]) && isnan(csv.values[4]));
	assert_int_equal(csv.lines[0], 2);
	assert_int_equal(csv.lines[1], 4);
	assert_int_equal(csv_column(&csv, "d"), 2);
	assert_int_equal(csv_column(&csv, "1"), 0);
	assert_int_equal(csv_column(&csv, "0"), 3);
	assert_int_equal(csv_column(&csv, "e"), 3);
	csv_free(&csv);
	assert_true(parse(&csv,
			  "\xef\xbb\xbf"
			  "1\t\t3\n4\t5\t6",
			  &why)); /* no names */
	assert_int_equal(csv.n_rows, 2);
	assert_null(csv.names);
	assert_true(isnan(csv.values[2]));
	csv_free(&csv);
	assert_true(parse(&csv, "1;2\n3;4\n", &why));
	assert_int_equal(csv.n_columns, 2);
	csv_free(&csv);
	assert_true(parse(&csv, "  1  2 \n 3 4\n", &why));
	assert_int_equal(csv.n_columns, 2);
	assert_float_equal(csv.values[3], 4, 0);
	csv_free(&csv);
}

static void wrong_tables_say_where(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{ "a,b\n1,2\n3,four\n", "x.csv line 3, column 2 (b): \"four\" is no number" },
		{ "1,2\n3,0x10\n", "line 2, column 2: \"0x10\"" },
		{ "1,2\n3,inf\n", "line 2, column 2" },
		{ "1,2\n3,1e99\n", "line 2, column 2" },
		{ "1,2\n3,1.5.2\n", "line 2, column 2" },
		{ "1,2\n\n3\n", "line 3 ends after column 1; the first line has 2" },
		{ "1,2\n3,4,5\n", "line 2 has more fields than the first line's 2" },
		{ "1,2\n3,4,\n", "line 2 has more fields" },
		{ "1,\"2\n3,4\n", "is no number" },
		{ "a,b\n1,\"2\n", "line 2, column 2: the quote does not end" },
		{ "a,b\n", "has no rows" },
		{ "\n\n", "is empty" },
		{ "", "is empty" },
	};
	struct csv csv;
	struct why why;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (parse(&csv, cases[i].text, &why)) {
			/* A quote that does not end may make the first line one of names. */
			assert_int_equal(i, 8);
			csv_free(&csv);
			continue;
		}
		if (!strstr(why.text, cases[i].said) && i != 8)
			fail_msg("%s: not \"%s\"", why.text, cases[i].said);
		assert_null(csv.values);
	}
	assert_false(csv_read(&csv, "/nowhere/x.csv", &why));
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
}

static void labels_are_checked_with_their_line(void **state)
{
	char path[] = "/tmp/stoke-table-XXXXXX";
	struct gbdt_data data;
	struct gbdt_loss loss = loss_of(GBDT_LOSS_LOGISTIC);
	struct why why;
	(void)state;
	close(mkstemp(path));
	write_text(path, "a,y,b\n5,1,6\n7,0,8\n9,2,1\n");
	assert_false(gbdt_input_read(&data, path, "y", &loss, &why));
	assert_non_null(strstr(why.text, "line 4, column 2: 2 is no label"));
	assert_false(gbdt_input_read(&data, path, "z", &loss, &why));
	assert_non_null(strstr(why.text, "has no column z"));
	loss = loss_of(GBDT_LOSS_SOFTMAX);
	loss.n_classes = 0;
	assert_true(gbdt_input_read(&data, path, "2", &loss, &why));
	assert_int_equal(loss.n_classes, 3);
	assert_int_equal(data.n_features, 2);
	assert_float_equal(data.features[0], 5, 0);
	assert_float_equal(data.features[5], 1, 0);
	assert_float_equal(data.labels[2], 2, 0);
	gbdt_data_free(&data);
	write_text(path, "a,y\n5,1\n7,\n");
	loss = loss_of(GBDT_LOSS_SQUARED);
	assert_false(gbdt_input_read(&data, path, "", &loss, &why));
	assert_non_null(strstr(why.text, "line 3, column 2"));
	assert_false(gbdt_input_read_features(&data, path, 5, &why));
	assert_true(gbdt_input_read_features(&data, path, 1, &why));
	assert_int_equal(data.n_features, 1);
	gbdt_data_free(&data);
	unlink(path);
}

/* ---- the workload */

static int run(const char *const *words, int n)
{
	fflush(NULL);
	return workload_main(n, (char **)words);
}

static void the_workload_learns_saves_and_predicts(void **state)
{
	char model[] = "/tmp/stoke-model-XXXXXX", out[] = "/tmp/stoke-out-XXXXXX";
	char table[] = "/tmp/stoke-table-XXXXXX", data[64], save[64], load[64], predictions[64];
	(void)state;
	close(mkstemp(model));
	close(mkstemp(out));
	close(mkstemp(table));
	snprintf(data, sizeof data, "data=%s", table);
	snprintf(save, sizeof save, "save=%s", model);
	snprintf(load, sizeof load, "load=%s", model);
	snprintf(predictions, sizeof predictions, "predictions=%s", out);
	FILE *file = fopen(table, "w");
	struct random random = { 3 };
	for (int i = 0; i < 500; i++) {
		double x = random_normal(&random), y = random_normal(&random);
		fprintf(file, "%g,%g,%d\n", x, y, x * y > 0);
	}
	fclose(file);
	const char *const train[] = { "gbdt", data, "rounds=20", save, "threads=2", NULL };
	const char *const predict[] = { "gbdt", data, load, "rounds=2", predictions, NULL };
	const char *const wrong[] = { "gbdt", load, "rounds=1", NULL }; /* of two features */
	const char *const none[] = { "gbdt", "data=/nowhere/x.csv", NULL };
	assert_int_equal(run(train, 5), 0);
	assert_int_equal(run(predict, 5), 0);
	assert_int_equal(run(wrong, 3), 1);
	assert_int_equal(run(none, 2), 1);
	int n_lines = 0, n_good = 0;
	float value;
	file = fopen(out, "r");
	for (; fscanf(file, "%f", &value) == 1; n_lines++)
		n_good += value > 0 && value < 1;
	fclose(file);
	assert_int_equal(n_lines, 500);
	assert_int_equal(n_good, 500);
	unlink(model);
	unlink(out);
	unlink(table);
}

static void every_switch_passes_the_checks(void **state)
{
	static const char *const switches[] = {
		"growth=leaf",       "entropy=paper",  "entropy=per-sample", "row_share=0.6",
		"tune=paper",        "stop=10",        "order=sorted",       "together=1",
		"loss=huber",        "loss=poisson",   "loss=softmax",       "loss=squared",
		"lost=0.2",          "pool=spin",      "memory=malloc",      "weight=0",
		"edges=tails",       "walk=branchy",   "simd=scalar",        "bins=256",
		"partition=branchy", "missing=median", "histogram=avx2",
	};
	(void)state;
	for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
		const char *const words[] = { "gbdt",      "rows=3000", "rounds=12",
					      "threads=2", switches[i], NULL };
		int status = run(words, 5);
		if (status != 0 && strcmp(switches[i], "histogram=avx2") != 0)
			fail_msg("%s", switches[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(auc_is_the_share_of_right_pairs),
		cmocka_unit_test(auc_agrees_with_all_pairs),
		cmocka_unit_test(pr_auc_is_average_precision),
		cmocka_unit_test(derivatives_agree_with_differences),
		cmocka_unit_test(gradients_are_rounded_without_bias),
		cmocka_unit_test(bins_are_lower_bounds_of_edges),
		cmocka_unit_test(tails_have_half_of_the_edges),
		cmocka_unit_test(every_method_sums_the_same),
		cmocka_unit_test(partitions_keep_the_order),
		cmocka_unit_test(entropy_is_that_of_the_book),
		cmocka_unit_test(gains_worked_by_hand),
		cmocka_unit_test(best_split_is_that_of_brute_force),
		cmocka_unit_test(trees_do_not_depend_on_how),
		cmocka_unit_test(both_growths_are_right),
		cmocka_unit_test(every_loss_is_learned),
		cmocka_unit_test(missing_values_find_their_side),
		cmocka_unit_test(training_stops_at_its_best),
		cmocka_unit_test(tuner_gives_the_authors_settings),
		cmocka_unit_test(models_come_back_from_files),
		cmocka_unit_test(damaged_models_are_refused),
		cmocka_unit_test(tables_are_read),
		cmocka_unit_test(wrong_tables_say_where),
		cmocka_unit_test(labels_are_checked_with_their_line),
		cmocka_unit_test(the_workload_learns_saves_and_predicts),
		cmocka_unit_test(every_switch_passes_the_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
