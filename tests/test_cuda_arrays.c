/*
 * The CUDA kernels of rows and arrays without a GPU (cuda_emulation.hpp), against fp64 or exactly,
 * in sizes that fit no block, with threads started from the first and from the last; and the
 * workloads that run them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/tasks.h"
#include "kernels/hadamard.h"
#include "kernels/support/rows_task.h"
#include "kernels/transpose.h"
#include "tests/fixture_cuda.h"
#include "workloads/support/random.h"

#define FOR_EACH(at, family)                                                                       \
	for (const struct cuda_kernel *at = fixture_cuda_kernels(family); at;                      \
	     at = fixture_cuda_next(at))

/* Controls: the last result of every kernel made wrong before it is looked at. */
static bool is_spoiling;

static void fetch(void *host, const void *device, size_t bytes)
{
	fixture_cuda_fetch(host, device, bytes);
	if (is_spoiling && bytes)
		((unsigned char *)host)[bytes - 2] ^= 0x40; /* a float by a half, a count by 2^22 */
}

static float *numbers(size_t n, double least, double most, uint64_t seed)
{
	struct random random = { seed };
	float *values = calloc(n + 1, sizeof *values);
	for (size_t i = 0; i < n; i++)
		values[i] = (float)(least + (most - least) * random_unit(&random));
	return values;
}

/* ---- rows */

/* What the headers of the CPU's kernels promise, n + 16 roundings of what is added up. */
static bool row_is_right(const char *family, const struct rows_task *host, size_t row,
			 const float *y)
{
	size_t n = host->n;
	const float *x = host->x + row * n;
	bool is_softmax = family[0] == 's', is_layernorm = family[0] == 'l';
	double mean = 0, most = x[0], sum = 0;
	for (size_t j = 0; j < n; j++) {
		mean += x[j] / (double)n;
		most = fmax(most, x[j]);
	}
	double away = is_softmax ? most : is_layernorm ? mean : 0;
	for (size_t j = 0; j < n; j++)
		sum += is_softmax ? exp(x[j] - most) : (x[j] - away) * (x[j] - away) / (double)n;
	double root = is_softmax ? sum : sqrt(sum + host->epsilon);
	for (size_t j = 0; j < n; j++) {
		double right = is_softmax ? exp(x[j] - most) / root
					  : (x[j] - away) / root * host->weight[j];
		right += is_layernorm ? host->bias[j] : 0;
		double scale =
			is_softmax
				? right + 0x1p-126
				: (fabs(x[j]) + fabs(away)) / root * fabs(host->weight[j]) * 2 + 1;
		if (!(fabs(y[row * n + j] - right) <= ((double)n + 32) * 0x1p-24 * scale))
			return false;
	}
	return true;
}

static bool rows_are_right(const struct cuda_kernel *kernel, size_t rows, size_t n, float wrong)
{
	size_t bytes = rows * n * sizeof(float);
	float *x = numbers(rows * n, -4, 4, 7 + n), *y = calloc(rows * n + 1, sizeof *y);
	float *weight = numbers(n, 0.5, 1.5, 8), *bias = numbers(n, -0.5, 0.5, 9);
	for (size_t j = 0; j < n && rows > 2; j++) {
		x[n + j] = 3;                  /* all the same */
		x[2 * n + j] = x[j] * 40 - 90; /* large: exponentials that vanish */
	}
	struct rows_task host = { rows, n, x, y, weight, bias, 1e-5f, NULL }, task = host;
	task.x = fixture_cuda_give(x, bytes);
	task.y = fixture_cuda_give(NULL, bytes);
	task.weight = fixture_cuda_give(weight, n * sizeof(float));
	task.bias = fixture_cuda_give(bias, n * sizeof(float));
	task.scratch = fixture_cuda_give(NULL, bytes);
	fixture_cuda_launch(kernel, &task);
	fixture_cuda_fetch(y, task.y, bytes);
	y[rows * n - 1] *= wrong;
	bool is_right = true;
	for (size_t row = 0; row < rows; row++)
		is_right &= row_is_right(kernel->family, &host, row, y);
	fixture_cuda_free();
	free(x);
	free(y);
	free(weight);
	free(bias);
	return is_right;
}

static void rows_agree_with_fp64(void **state)
{
	static const char *const families[] = { "rmsnorm", "softmax", "layernorm" };
	static const size_t ns[] = { 1, 3, 4, 33, 128, 1000, 1023, 4100, 17000 };
	(void)state;
	for (size_t f = 0; f < 3; f++)
		FOR_EACH(at, families[f])
	for (size_t i = 0; i < sizeof ns / sizeof ns[0]; i++) {
		bool is_kept = strcmp(at->name, "vectorised") == 0;
		if (is_kept && (ns[i] % 4 || ns[i] > 16384))
			continue;
		if (!rows_are_right(at, 3, ns[i], 1))
			fail_msg("%s %s is wrong at n=%zu", at->family, at->name, ns[i]);
	}
}

static void wrong_rows_are_refused(void **state)
{
	(void)state;
	FOR_EACH(at, "rmsnorm")
	assert_false(rows_are_right(at, 2, 100, 1.05f));
	FOR_EACH(at, "softmax")
	assert_false(rows_are_right(at, 2, 100, 1.05f));
	FOR_EACH(at, "layernorm")
	assert_false(rows_are_right(at, 2, 100, 0));
}

static void rows_that_cannot_be_kept_are_refused(void **state)
{
	static const char *const families[] = { "rmsnorm", "softmax", "layernorm" };
	struct rows_task odd = { .rows = 1, .n = 1023 }, longer = { .rows = 1, .n = 16388 };
	(void)state;
	for (size_t f = 0; f < 3; f++)
		FOR_EACH(at, families[f])
	if (strcmp(at->name, "vectorised") == 0) {
		assert_non_null(strstr(at->launch(&odd), "multiple of 4"));
		assert_non_null(strstr(at->launch(&longer), "16384"));
	}
}

/* ---- transpose */

static bool transposes(const struct cuda_kernel *kernel, size_t m, size_t n, size_t pad)
{
	size_t x_row = n + pad, y_row = m + pad;
	float *x = numbers(m * x_row, 0, 1, 3), *y = numbers(n * y_row, 2, 3, 4);
	struct transpose_task task = { m,
				       n,
				       fixture_cuda_give(x, m * x_row * 4),
				       x_row,
				       fixture_cuda_give(y, n * y_row * 4),
				       y_row };
	fixture_cuda_launch(kernel, &task);
	fetch(y, task.y, n * y_row * 4);
	bool is_right = true;
	for (size_t j = 0; j < n; j++)
		for (size_t i = 0; i < y_row; i++)
			is_right &= i < m ? y[j * y_row + i] == x[i * x_row + j]
					  : y[j * y_row + i] >= 2;
	fixture_cuda_free();
	free(x);
	free(y);
	return is_right;
}

static void transposes_are_exact(void **state)
{
	static const size_t sizes[][3] = {
		{ 1, 1, 0 }, { 31, 33, 0 }, { 64, 96, 5 }, { 7, 100, 1 }
	};
	(void)state;
	FOR_EACH(at, "transpose")
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		if (!transposes(at, sizes[i][0], sizes[i][1], sizes[i][2]))
			fail_msg("transpose %s is wrong at %zu x %zu", at->name, sizes[i][0],
				 sizes[i][1]);
}

/* ---- sums and scans: multiples of 1/8, exact in any order */

static const size_t lengths[] = { 1, 2, 5, 31, 33, 255, 1023, 1024, 1025, 5000, 20001 };
enum { N_LENGTHS = sizeof lengths / sizeof lengths[0] };

static float *eighths(size_t n)
{
	float *x = numbers(n, -64, 65, n);
	for (size_t i = 0; i < n; i++)
		x[i] = floorf(x[i]) / 8;
	return x;
}

static bool sums(const struct cuda_kernel *kernel, size_t n)
{
	float *x = eighths(n), right = 0, got = NAN;
	for (size_t j = 0; j < n; j++)
		right += x[j];
	struct cuda_sum_task task = { fixture_cuda_give(x, n * 4), fixture_cuda_give(NULL, 4), n };
	fixture_cuda_launch(kernel, &task);
	fetch(&got, task.y, 4);
	fixture_cuda_free();
	free(x);
	return got == right;
}

static void sums_are_exact(void **state)
{
	(void)state;
	FOR_EACH(at, "reduction")
	for (size_t i = 0; i < N_LENGTHS; i++)
		if (!sums(at, lengths[i]))
			fail_msg("reduction %s is wrong at n=%zu", at->name, lengths[i]);
}

static bool scans(const struct cuda_kernel *kernel, size_t n)
{
	float *x = eighths(n), *y = calloc(n, sizeof *y), sum = 0;
	struct cuda_scan_task task = { fixture_cuda_give(x, n * 4), fixture_cuda_give(NULL, n * 4),
				       fixture_cuda_give(NULL, (n + 64) * 4), n };
	fixture_cuda_launch(kernel, &task);
	fetch(y, task.y, n * 4);
	bool is_right = true;
	for (size_t i = 0; i < n; i++)
		is_right &= y[i] == (sum += x[i]);
	fixture_cuda_free();
	free(x);
	free(y);
	return is_right;
}

static void scans_are_exact(void **state)
{
	(void)state;
	FOR_EACH(at, "scan")
	{
		for (size_t i = 0; i < N_LENGTHS; i++)
			if (!scans(at, lengths[i]))
				fail_msg("scan %s is wrong at n=%zu", at->name, lengths[i]);
		/* three levels of blocks' sums */
		if (strcmp(at->name, "blocks") == 0)
			assert_true(scans(at, (1 << 20) + 1029));
	}
}

/* ---- histogram */

static bool counts(const struct cuda_kernel *kernel, size_t n, size_t n_bins, double same_ratio)
{
	struct random random = { n + n_bins };
	uint32_t *values = calloc(n, 4), *right = calloc(n_bins, 4), *got = calloc(n_bins, 4);
	for (size_t i = 0; i < n; i++) {
		bool is_same = random_unit(&random) < same_ratio;
		values[i] = is_same ? 0 : (uint32_t)(random_unit(&random) * (double)n_bins);
		right[values[i]]++;
	}
	struct cuda_histogram_task task = { fixture_cuda_give(values, n * 4),
					    fixture_cuda_give(NULL, n_bins * 4), n, n_bins };
	fixture_cuda_launch(kernel, &task);
	fetch(got, task.counts, n_bins * 4);
	bool is_right = memcmp(got, right, n_bins * 4) == 0;
	fixture_cuda_free();
	free(values);
	free(right);
	free(got);
	return is_right;
}

static void histograms_are_exact(void **state)
{
	static const double sames[] = { 0, 0.1, 0.4, 0.9, 1 };
	struct cuda_histogram_task many = { .n = 1, .n_bins = 20000 };
	(void)state;
	FOR_EACH(at, "histogram")
	{
		for (size_t i = 0; i < 5; i++)
			if (!counts(at, 9001, 256, sames[i]) || !counts(at, 33, 1000, sames[i]))
				fail_msg("histogram %s is wrong at same=%g", at->name, sames[i]);
		if (strcmp(at->name, "global") == 0)
			assert_true(counts(at, 5000, 20000, 0));
		else
			assert_non_null(strstr(at->launch(&many), "fewer bins="));
	}
}

/* ---- hadamard */

static bool transforms(const struct cuda_kernel *kernel, size_t rows, size_t n)
{
	size_t bytes = rows * n * sizeof(float);
	float *x = numbers(rows * n, -1, 1, n), *y = calloc(rows * n, sizeof *y);
	struct hadamard_task task = { rows, n, fixture_cuda_give(x, bytes),
				      fixture_cuda_give(NULL, bytes) };
	fixture_cuda_launch(kernel, &task);
	fetch(y, task.y, bytes);
	bool is_right = true;
	size_t step = n > 64 ? n / 64 + 1 : 1; /* some of long rows: n^2 is much */
	for (size_t at = 0; at < rows * n; at += step) {
		double right = 0, absolute = 0;
		for (size_t j = 0; j < n; j++) {
			double term = x[at / n * n + j];
			right += __builtin_parityll(at % n & j) ? -term : term;
			absolute += fabs(term);
		}
		is_right &= fabs(y[at] - right) <= 32 * 0x1p-24 * absolute;
	}
	fixture_cuda_free();
	free(x);
	free(y);
	return is_right;
}

static void hadamards_agree_with_the_definition(void **state)
{
	(void)state;
	FOR_EACH(at, "hadamard")
	for (unsigned bits = 0; bits <= 13; bits += bits < 10 ? 1 : 3)
		if (!transforms(at, bits % 3 + 1, (size_t)1 << bits))
			fail_msg("hadamard %s is wrong at 2^%u", at->name, bits);
}

static void wrong_arrays_are_refused(void **state)
{
	(void)state;
	is_spoiling = true;
	FOR_EACH(at, "transpose")
	assert_false(transposes(at, 31, 33, 0));
	FOR_EACH(at, "reduction")
	assert_false(sums(at, 1023));
	FOR_EACH(at, "scan")
	assert_false(scans(at, 1023));
	FOR_EACH(at, "histogram")
	assert_false(counts(at, 9001, 256, 0.4));
	FOR_EACH(at, "hadamard")
	assert_false(transforms(at, 2, 16));
	is_spoiling = false;
}

static void workloads_pass_their_checks_on_the_device(void **state)
{
	static const char *const lines[] = {
		"norm device=cuda size=0.05 n=128 repeats=2",
		"norm device=cuda size=0.05 n=100 variant=unfused repeats=1 kind=softmax",
		"norm device=cuda size=0.05 n=100 variant=online repeats=1 kind=softmax",
		"norm device=cuda size=0.05 n=100 variant=fused repeats=1 kind=layernorm",
		"transpose device=cuda n=70 pad=3 repeats=2",
		"scan device=cuda size=0.02 repeats=2",
		"scan device=cuda size=0.02 repeats=2 data=real variant=steps",
		"scan device=cuda size=0.02 repeats=2 kind=sum data=real",
		"scan device=cuda size=0.02 repeats=2 kind=sum variant=atomic",
		"histogram device=cuda size=0.02 repeats=2 same=40",
		"hadamard device=cuda size=0.03 steps=8 repeats=2",
		"hadamard device=cuda size=0.03 steps=8 repeats=2 variant=thread-0",
		"attention device=cuda tokens=70 n=40 heads=2 repeats=2",
		"attention device=cuda tokens=50 n=100 heads=2 mask=full repeats=1",
		"attention device=cuda tokens=50 n=33 heads=2 variant=naive repeats=1",
		"attention device=cuda tokens=40 n=130 mask=full variant=naive repeats=1",
		"gemv device=cuda size=0.1 n=1000 repeats=1",
		"gemv device=cuda size=0.1 n=1001 variant=row repeats=1",
		"gemv device=cuda type=bf16 size=0.1 n=1000 repeats=1",
		"gemv device=cuda type=bf16 size=0.1 n=1001 variant=row repeats=1",
		"gemv device=cuda type=int8 size=0.1 n=1001 repeats=1",
		"gemv device=cuda type=int8 size=0.1 n=1001 variant=row repeats=1",
		"gemv device=cuda type=int4 size=0.1 n=1001 repeats=1",
		"gemv device=cuda type=int4 size=0.1 n=1001 variant=row repeats=1",
	};
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (fixture_cuda_workload(lines[i]) != 0)
			fail_msg("%s failed", lines[i]);
	assert_int_equal(fixture_cuda_workload("histogram device=cuda tables=shared size=0.01"), 1);
	assert_int_equal(fixture_cuda_workload("histogram device=cuda bins=20000 size=0.1"), 1);
	assert_int_equal(fixture_cuda_workload("norm device=cuda n=7 size=0.01"), 1);
	assert_int_equal(fixture_cuda_workload("attention device=cuda n=130 tokens=9"), 1);
	assert_int_equal(fixture_cuda_workload("gemv device=cuda n=1001 size=0.1"), 1);
	assert_int_equal(fixture_cuda_workload("gemv device=cuda type=ternary size=0.1"), 1);
	assert_int_equal(fixture_cuda_workload("norm variant=vectorised size=0.01"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_agree_with_fp64),
		cmocka_unit_test(wrong_rows_are_refused),
		cmocka_unit_test(rows_that_cannot_be_kept_are_refused),
		cmocka_unit_test(transposes_are_exact),
		cmocka_unit_test(sums_are_exact),
		cmocka_unit_test(scans_are_exact),
		cmocka_unit_test(histograms_are_exact),
		cmocka_unit_test(hadamards_agree_with_the_definition),
		cmocka_unit_test(wrong_arrays_are_refused),
		cmocka_unit_test(workloads_pass_their_checks_on_the_device),
	};
	if (!fixture_cuda_open())
		return 1;
	int failed = fixture_cuda_both_orders(tests, sizeof tests / sizeof tests[0]);
	fixture_cuda_close();
	return failed;
}
