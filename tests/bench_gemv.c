/*
 * Matrix times vector from main memory, beside the machine's measured read bandwidth, in one run:
 * the probe and the variants take turns. Medians of the rounds. Also STREAM and pointer chases.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gemv.h"
#include "kernels/kernel.h"
#include "kernels/pointer_chase.h"
#include "kernels/read_bandwidth.h"
#include "kernels/stream.h"
#include "kernels/support/dispatch.h"
#include "tests/fixture_bench.h"

extern const struct kernel kernel_read_bandwidth, kernel_stream, kernel_pointer_chase;

enum { ROUNDS = 5, MOST_VARIANTS = 8, COLUMNS = 4096, PROBE_MIB = 512 };

/* The fastest way to read: it differs between machines. */
static double read_ceiling(const uint64_t *data)
{
	double best = 0, bytes = (double)PROBE_MIB * 1048576;
	for (const struct variant *at = kernel_read_bandwidth.variants; at->name; at++) {
		read_bandwidth_function *sum = read_bandwidth_variant(at->name);
		if (!sum || strcmp(at->name, "scalar") == 0)
			continue;
		double start = bench_seconds();
		volatile uint64_t result = sum(data, PROBE_MIB * (1048576 / 8));
		(void)result;
		double rate = bytes / (bench_seconds() - start);
		best = rate > best ? rate : best;
	}
	return best;
}

static double rate_of(gemv_function *gemv, const struct gemv_weights *weights,
		      const struct gemv_vector *x, float *y)
{
	double start = bench_seconds();
	gemv(weights, x, y, 0, weights->m);
	return gemv_weights_bytes(weights) / (bench_seconds() - start);
}

/* As many rows as make 512 MiB of weights: no cache holds them. */
static void measure_gemv(enum gemv_type type, const uint64_t *data, double f32_weights_rate[1])
{
	double ceiling[ROUNDS], rates[MOST_VARIANTS][ROUNDS];
	const struct kernel *kernel = gemv_kernel(type);
	struct gemv_weights weights = { 0 };
	struct gemv_vector x = { 0 };
	size_t m = (size_t)((double)PROBE_MIB * 1048576 / kernel->bytes(COLUMNS) * COLUMNS);
	float *y = aligned_take(m * sizeof *y), row[COLUMNS];
	if (!y || !gemv_weights_start(&weights, type, m, COLUMNS) ||
	    !gemv_vector_start(&x, COLUMNS))
		return;
	for (size_t i = 0; i < COLUMNS; i++)
		row[i] = (float)(i * 7919 % 1021) / 1021 - 0.5f;
	gemv_vector_set(&x, row);
	gemv_weights_set_row(&weights, 0, row);
	for (size_t i = 0; i < m; i++) /* rows alike: quantizing each would take a minute */
		memcpy((char *)weights.values + i * weights.row_bytes, weights.values,
		       i ? weights.row_bytes : 0);
	for (size_t i = 0; weights.scales && i < m; i++)
		weights.scales[i] = weights.scales[0];
	for (size_t i = 0; weights.group_scales && i < m * weights.row_scales; i++)
		weights.group_scales[i] = weights.group_scales[i % weights.row_scales];
	for (int round = 0; round < ROUNDS; round++) {
		ceiling[round] = read_ceiling(data);
		for (int i = 1; kernel->variants[i].name && i < MOST_VARIANTS; i++)
			if (gemv_variant(type, kernel->variants[i].name))
				rates[i][round] =
					rate_of(gemv_variant(type, kernel->variants[i].name),
						&weights, &x, y);
	}
	double top = bench_median(ceiling, ROUNDS);
	for (int i = 1; kernel->variants[i].name && i < MOST_VARIANTS; i++) {
		if (!gemv_variant(type, kernel->variants[i].name))
			continue;
		double rate = bench_median(rates[i], ROUNDS);
		double weights_rate = rate / gemv_weights_bytes(&weights) * (double)m * COLUMNS;
		if (type == GEMV_F32 && weights_rate > *f32_weights_rate)
			*f32_weights_rate = weights_rate;
		printf("gemv %-8s %-8s %6.1f GB/s %6.1f %% of read %6.1f, %5.2f x f32's "
		       "weights/s\n",
		       gemv_type_name(type), kernel->variants[i].name, rate * 1e-9,
		       100 * rate / top, top * 1e-9, weights_rate / *f32_weights_rate);
	}
	gemv_weights_free(&weights);
	gemv_vector_free(&x);
	free(y);
}

static void measure_stream(void)
{
	static const char *const names[] = { "copy", "scale", "add" };
	size_t n = (size_t)PROBE_MIB * 1048576 / 3 / 8;
	double *a = aligned_take(n * 8), *b = aligned_take(n * 8), *c = aligned_take(n * 8);
	for (size_t i = 0; i < n; i++)
		a[i] = b[i] = c[i] = (double)i;
	for (int loop = 0; loop < STREAM_LOOPS; loop++) {
		for (const struct variant *at = kernel_stream.variants; at->name; at++) {
			double rates[ROUNDS];
			for (int round = 0; stream_variant(at->name) && round < ROUNDS; round++) {
				double start = bench_seconds();
				stream_variant(at->name)((enum stream_loop)loop, a, b, c, 3, n);
				rates[round] = stream_bytes((enum stream_loop)loop, n) /
					       (bench_seconds() - start);
			}
			if (stream_variant(at->name))
				printf("stream %-6s %-12s %6.1f GB/s\n", names[loop], at->name,
				       bench_median(rates, ROUNDS) * 1e-9);
		}
	}
	free(a);
	free(b);
	free(c);
}

static void measure_chase(size_t kib)
{
	struct chase chase;
	if (!chase_start(&chase, kib * 16, 1, true))
		return;
	printf("chase %8zu KiB", kib);
	for (const struct variant *at = kernel_pointer_chase.variants; at->name; at++) {
		double rates[ROUNDS];
		for (int round = 0; round < ROUNDS; round++) {
			double start = bench_seconds();
			size_t steps = 0;
			for (; steps == 0 || bench_seconds() - start < 0.02; steps += chase.n) {
				volatile uint64_t sum = pointer_chase_variant(at->name)(&chase);
				(void)sum;
			}
			rates[round] = (bench_seconds() - start) / (double)steps;
		}
		printf("  %s %6.2f ns a step", at->name, bench_median(rates, ROUNDS) * 1e9);
	}
	printf("\n");
	chase_free(&chase);
}

int main(void)
{
	uint64_t *data = aligned_take((size_t)PROBE_MIB << 20);
	double f32_weights_rate = 0;
	if (!data)
		return 1;
	memset(data, 1, (size_t)PROBE_MIB << 20);
	for (int type = 0; type < GEMV_TYPES; type++)
		measure_gemv((enum gemv_type)type, data, &f32_weights_rate);
	free(data);
	measure_stream();
	for (size_t kib = 16; kib <= 262144; kib *= 8)
		measure_chase(kib);
	return 0;
}
