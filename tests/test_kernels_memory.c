/*
 * Kernels that memory limits: matrix times vector in five forms of weights, STREAM's loops, sums,
 * pointer chases; against fp64 or exactly, in sizes that fit no vector, with wrong controls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gemv.h"
#include "kernels/kernel.h"
#include "kernels/pointer_chase.h"
#include "kernels/read_bandwidth.h"
#include "kernels/stream.h"
#include "tests/fixture_stride.h"
#include "workloads/support/random.h"
#include "workloads/support/runner.h"

extern const struct kernel kernel_stream, kernel_read_bandwidth, kernel_pointer_chase;

struct product {
	struct gemv_weights weights;
	struct gemv_vector x;
	float *a, *values;
	double *right, *scale; /* (m), of the weights and x as they are kept */
};

/* A tenth zeros, the rest over 24 binary orders; one row zeros, one row one value. */
static float adversarial(struct random *random)
{
	float value = (float)ldexp(random_unit(random) - 0.5, (int)(random_bits(random) % 24) - 12);
	return random_bits(random) % 10 ? value : 0;
}

static double x_of(const struct product *product, size_t j)
{
	bool is_float = product->weights.type <= GEMV_BF16;
	return is_float ? product->x.values[j] : (double)product->x.quantized[j] * product->x.scale;
}

static void product_make(struct product *product, enum gemv_type type, size_t m, size_t n)
{
	struct random random = { 1 + m * 1009 + n };
	product->a = calloc(m * n, sizeof(float));
	product->values = calloc(n, sizeof(float));
	product->right = calloc(m, sizeof(double));
	product->scale = calloc(m, sizeof(double));
	assert_true(gemv_weights_start(&product->weights, type, m, n));
	assert_true(gemv_vector_start(&product->x, n));
	for (size_t j = 0; j < n; j++)
		product->values[j] = adversarial(&random);
	gemv_vector_set(&product->x, product->values);
	for (size_t i = 0; i < m; i++) {
		for (size_t j = 0; j < n; j++)
			product->a[i * n + j] = i == 1 ? 0 : i == 2 ? -3 : adversarial(&random);
		gemv_weights_set_row(&product->weights, i, product->a + i * n);
		for (size_t j = 0; j < n; j++) {
			double term = gemv_weight(&product->weights, i, j) * x_of(product, j);
			product->right[i] += term;
			product->scale[i] += fabs(term);
		}
	}
}

static void product_free(struct product *product)
{
	gemv_weights_free(&product->weights);
	gemv_vector_free(&product->x);
	free(product->a);
	free(product->values);
	free(product->right);
	free(product->scale);
}

/* What the header promises; int4 subtracts eights, whose own sum of absolutes is larger. */
static double allowed(const struct product *product, size_t row)
{
	static const double eights[GEMV_TYPES] = { 1, 1, 1, 16, 1 };
	bool is_exact = product->weights.type == GEMV_INT8 || product->weights.type == GEMV_TERNARY;
	if (is_exact)
		return 3 * 0x1p-24 * fabs(product->right[row]);
	double roundings = (double)product->weights.n + 2;
	return roundings * 0x1p-24 * eights[product->weights.type] * product->scale[row];
}

static bool solves(const struct product *product, gemv_function *gemv)
{
	size_t m = product->weights.m, cut = m / 3;
	float *y = calloc(m + 1, sizeof *y);
	bool is_good = true;
	for (size_t i = 0; i <= m; i++)
		y[i] = 12345;
	gemv(&product->weights, &product->x, y, 0, cut);
	for (size_t i = cut; i <= m; i++)
		is_good &= y[i] == 12345; /* rows that were not asked for */
	gemv(&product->weights, &product->x, y, cut, m);
	for (size_t i = 0; i < m; i++)
		is_good &= fabs(y[i] - product->right[i]) <= allowed(product, i);
	is_good &= y[m] == 12345;
	free(y);
	return is_good;
}

static void every_gemv_agrees_with_fp64(void **state)
{
	static const size_t ns[] = { 1,  2,   3,   7,   15,  16,  17,  31,  33,   63,  64,
				     65, 127, 129, 255, 257, 511, 512, 513, 1000, 4097 };
	static const size_t ms[] = { 1, 2, 5, 8 };
	(void)state;
	for (int type = 0; type < GEMV_TYPES; type++) {
		const struct kernel *kernel = gemv_kernel((enum gemv_type)type);
		for (const struct variant *at = kernel->variants; at->name; at++) {
			gemv_function *gemv = gemv_variant((enum gemv_type)type, at->name);
			if (!gemv)
				print_message("SKIP %s %s: this CPU cannot run it\n", kernel->name,
					      at->name);
			for (size_t i = 0; gemv && i < sizeof ns / sizeof ns[0] * 4; i++) {
				struct product product;
				product_make(&product, (enum gemv_type)type, ms[i % 4], ns[i / 4]);
				if (!solves(&product, gemv))
					fail_msg("%s %s is wrong at m=%zu n=%zu", kernel->name,
						 at->name, ms[i % 4], ns[i / 4]);
				product_free(&product);
			}
		}
		assert_null(gemv_variant((enum gemv_type)type, "nonsense"));
	}
}

static double control_row(const struct gemv_weights *weights, const struct gemv_vector *x,
			  size_t row, size_t n)
{
	double sum = 0;
	for (size_t j = 0; j < n; j++)
		sum += gemv_weight(weights, row, j) *
		       (weights->type <= GEMV_BF16 ? x->values[j]
						   : (double)x->quantized[j] * x->scale);
	return sum;
}

static void right_gemv(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
		       size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		y[i] = (float)control_row(weights, x, i, weights->n);
}

static void short_gemv(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
		       size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		y[i] = (float)control_row(weights, x, i, weights->n / 32 * 32);
}

static void zero_gemv(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
		      size_t from, size_t to)
{
	(void)weights, (void)x;
	for (size_t i = from; i < to; i++)
		y[i] = 0;
}

static void scaled_gemv(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
			size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		y[i] = 1.001f * (float)control_row(weights, x, i, weights->n);
}

static void one_row_on_gemv(const struct gemv_weights *weights, const struct gemv_vector *x,
			    float *y, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		y[i] = (float)control_row(weights, x, (i + 1) % weights->m, weights->n);
}

static void wrong_gemvs_are_refused(void **state)
{
	gemv_function *const wrong[] = { short_gemv, zero_gemv, scaled_gemv, one_row_on_gemv };
	(void)state;
	for (int type = 0; type < GEMV_TYPES; type++) {
		struct product product;
		product_make(&product, (enum gemv_type)type, 5, 77);
		assert_true(solves(&product, right_gemv));
		for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
			if (solves(&product, wrong[i]))
				fail_msg("wrong control %zu passed for %s", i,
					 gemv_type_name((enum gemv_type)type));
		product_free(&product);
	}
}

/* |a - kept| <= half a step, and zeros are kept; ternary: the nearest of three. */
static void quantization_is_to_the_nearest(void **state)
{
	(void)state;
	for (int type = GEMV_INT8; type < GEMV_TYPES; type++) {
		struct product p;
		product_make(&p, (enum gemv_type)type, 4, 1000);
		for (size_t i = 0; i < 4; i++) {
			for (size_t j = 0; j < 1000; j++) {
				double kept = gemv_weight(&p.weights, i, j), a = p.a[i * 1000 + j];
				double step =
					type == GEMV_INT4
						? f32_from_bf16(p.weights.group_scales
									[i * p.weights.row_scales +
									 j / 32])
						: p.weights.scales[i];
				if (a == 0)
					assert_true(kept == 0);
				/* The bf16 scale may be too small for the largest by 2^-9 of 7
				 * steps. */
				if (type != GEMV_TERNARY || fabs(a) < 1.5 * step)
					assert_true(fabs(a - kept) <= 0.515 * step);
			}
		}
		product_free(&p);
	}
}

static void gemv_counts_its_bytes(void **state)
{
	static const double right[] = { 4096.0 * 4096 * 4, 4096.0 * 4096 * 2, 4096.0 * 4100,
					4096.0 * 4096 * 0.5625, 4096.0 * 1028 };
	(void)state;
	for (int type = 0; type < GEMV_TYPES; type++) {
		struct gemv_weights weights;
		assert_true(gemv_weights_start(&weights, (enum gemv_type)type, 4096, 4096));
		assert_float_equal(gemv_weights_bytes(&weights), right[type], 0);
		assert_float_equal(gemv_kernel((enum gemv_type)type)->bytes(4096), right[type], 0);
		gemv_weights_free(&weights);
	}
}

static void every_sum_is_exact(void **state)
{
	uint64_t data[1000 + 8];
	struct random random = { 9 };
	(void)state;
	for (size_t i = 0; i < 1008; i++)
		data[i] = random_bits(&random);
	for (const struct variant *at = kernel_read_bandwidth.variants; at->name; at++) {
		read_bandwidth_function *sum = read_bandwidth_variant(at->name);
		if (!sum)
			print_message("SKIP read_bandwidth %s: this CPU cannot run it\n", at->name);
		for (size_t n = 0; sum && n < 1000; n = n < 140 ? n + 1 : n + 53) {
			uint64_t right = 0;
			for (size_t i = 0; i < n; i++)
				right += data[n % 8 + i];
			assert_true(sum(data + n % 8, n) == right);
		}
	}
}

static bool streams_rightly(stream_function *stream, enum stream_loop loop, size_t n, size_t shift)
{
	struct random random = { n * 31 + shift };
	double *a = calloc(n + 16, sizeof *a), *b = calloc(n + 16, sizeof *b),
	       *c = calloc(n + 16, sizeof *c);
	bool is_good = true;
	for (size_t i = 0; i < n + 16; i++) {
		a[i] = 12345;
		b[i] = ldexp(random_unit(&random) - 0.5, (int)(random_bits(&random) % 200) - 100);
		c[i] = ldexp(random_unit(&random) - 0.5, (int)(random_bits(&random) % 200) - 100);
	}
	stream(loop, a + shift, b + shift, c + shift, 3, n);
	for (size_t i = 0; i < n + 16; i++) {
		double right = loop == STREAM_COPY    ? b[i]
			       : loop == STREAM_SCALE ? 3 * b[i]
						      : b[i] + c[i];
		is_good &= a[i] == (i < shift || i >= shift + n ? 12345 : right);
	}
	free(a);
	free(b);
	free(c);
	return is_good;
}

static void every_stream_is_exact(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_stream.variants; at->name; at++) {
		stream_function *stream = stream_variant(at->name);
		if (!stream)
			print_message("SKIP stream %s: this CPU cannot run it\n", at->name);
		for (size_t i = 0; stream && i < (size_t)STREAM_LOOPS * 70 * 9; i++)
			assert_true(streams_rightly(stream, (enum stream_loop)(i % STREAM_LOOPS),
						    i / STREAM_LOOPS % 70, i / STREAM_LOOPS / 70));
	}
	double flops = 0, bytes = 0;
	for (int loop = 0; loop < STREAM_LOOPS; loop++) {
		flops += stream_flops((enum stream_loop)loop, 10);
		bytes += stream_bytes((enum stream_loop)loop, 10);
	}
	assert_float_equal(flops, kernel_stream.flops(10), 0);
	assert_float_equal(bytes, kernel_stream.bytes(10), 0);
}

static void short_stream(enum stream_loop loop, double *a, const double *b, const double *c,
			 double scale, size_t n)
{
	stream_variant("scalar")(loop, a, b, c, scale, n - (n > 0));
}

static void single_stream(enum stream_loop loop, double *a, const double *b, const double *c,
			  double scale, size_t n)
{
	stream_variant("scalar")(loop, a, b, c, scale, n);
	for (size_t i = 0; i < n; i++)
		a[i] = (float)a[i];
}

static void wrong_streams_are_refused(void **state)
{
	(void)state;
	for (int loop = 0; loop < STREAM_LOOPS; loop++) {
		assert_false(streams_rightly(short_stream, (enum stream_loop)loop, 33, 1));
		assert_false(streams_rightly(single_stream, (enum stream_loop)loop, 33, 1));
	}
}

static void a_chase_is_one_cycle(void **state)
{
	(void)state;
	for (size_t n = 1; n < 200; n++) {
		struct chase chase;
		uint64_t right = 0;
		size_t length = 1;
		assert_true(chase_start(&chase, n, n, n % 2));
		for (size_t i = 0; i < n; i++)
			right += chase.nodes[i].value;
		const struct chase_node *at = chase.nodes[0].next;
		for (; at != chase.nodes && length <= n; length++)
			at = at->next;
		assert_int_equal(length, n);
		for (const struct variant *v = kernel_pointer_chase.variants; v->name; v++)
			assert_true(pointer_chase_variant(v->name)(&chase) == right);
		chase_free(&chase);
	}
	assert_int_equal(sizeof(struct chase_node), 64);
}

static int run(const char *name, const char *a, const char *b, const char *c)
{
	const char *words[] = { name, a, b, c, NULL };
	fflush(NULL);
	return workload_main(4, (char **)words);
}

#define GEMV_SIZE   FIXTURE_LENGTH("size=1.3", "size=0.2")
#define SCALAR_SIZE FIXTURE_LENGTH("size=0.1", "size=0.01")

static void workloads_pass_their_own_checks(void **state)
{
	(void)state;
	for (int type = 0; type < GEMV_TYPES; type++) {
		char word[32];
		snprintf(word, sizeof word, "type=%s", gemv_type_name((enum gemv_type)type));
		assert_int_equal(run("gemv", word, GEMV_SIZE, "repeats=3"), 0);
		assert_int_equal(run("gemv", word, "size=0.001", "n=1000"), 0);
		assert_int_equal(run("gemv", word, "variant=scalar", SCALAR_SIZE), 0);
	}
	assert_int_equal(run("chase", "size=16", "repeats=100", "chains=4"), 0);
	assert_int_equal(run("chase", "size=9000", "repeats=1", "pages=small"), 0);
	assert_int_equal(run("chase", "size=0.0625", "repeats=9", "seed=4"), 0);
	assert_int_equal(run("chase", "chains=2", "repeats=9", "seed=4"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_gemv_agrees_with_fp64),
		cmocka_unit_test(wrong_gemvs_are_refused),
		cmocka_unit_test(quantization_is_to_the_nearest),
		cmocka_unit_test(gemv_counts_its_bytes),
		cmocka_unit_test(every_sum_is_exact),
		cmocka_unit_test(every_stream_is_exact),
		cmocka_unit_test(wrong_streams_are_refused),
		cmocka_unit_test(a_chase_is_one_cycle),
		cmocka_unit_test(workloads_pass_their_own_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
