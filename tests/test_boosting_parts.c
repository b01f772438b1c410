/* The parts of a booster: bins, histograms, partitions, splits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/support/crew.h"
#include "workloads/support/gbdt_partition.h"
#include "workloads/support/gbdt_split.h"
#include "workloads/support/random.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bins_are_lower_bounds_of_edges),
		cmocka_unit_test(tails_have_half_of_the_edges),
		cmocka_unit_test(every_method_sums_the_same),
		cmocka_unit_test(partitions_keep_the_order),
		cmocka_unit_test(entropy_is_that_of_the_book),
		cmocka_unit_test(gains_worked_by_hand),
		cmocka_unit_test(best_split_is_that_of_brute_force),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
