/* The tensor engine: products, functions, memory, work, optimisers, checkpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/support/autograd.h"
#include "workloads/support/checkpoint.h"
#include "workloads/support/crew.h"
#include "workloads/support/optimizer.h"
#include "workloads/support/random.h"
#include "workloads/support/tensor_loops.h"
#include "workloads/support/tensor_simd.h"

static const struct tape_settings plain_settings = { .n_threads = 1 };

/* Large and small values, odd sizes, all four ways of transposing. */
static void products_agree(void)
{
	const size_t sizes[][3] = { { 1, 1, 1 },    { 12, 32, 256 }, { 13, 33, 257 },
				    { 5, 7, 1030 }, { 150, 40, 9 },  { 3, 1100, 2 } };
	struct random random = { 5 };
	struct crew *crew = crew_new(2, "t");
	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
		for (int way = 0; way < 16; way++) {
			size_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
			struct matmul_room *room =
				matmul_room_new(crew, (enum matmul_order)(way / 4));
			float *a = malloc(m * k * sizeof *a), *b = malloc(k * n * sizeof *b),
			      *c = calloc(m * n, sizeof *c);
			for (size_t i = 0; i < m * k; i++)
				a[i] = (float)ldexp(random_unit(&random) - 0.5,
						    (int)(random_bits(&random) % 20) - 10);
			for (size_t i = 0; i < k * n; i++)
				b[i] = (float)(random_unit(&random) - 0.5);
			struct matmul what = { .m = m,
					       .n = n,
					       .k = k,
					       .a = { a, k, 1 },
					       .b = { b, n, 1 },
					       .c = c,
					       .c_step = n,
					       .accumulates = way % 2 };
			if (way & 1)
				what.a = (struct matmul_operand){ a, 1, m };
			if (way & 2)
				what.b = (struct matmul_operand){ b, 1, k };
			tensor_matmul_f32(room, &what);
			for (size_t i = 0; i < m; i++)
				for (size_t j = 0; j < n; j++) {
					double right = 0, size = 0;
					for (size_t p = 0; p < k; p++) {
						double term = (double)a[i * what.a.row_step +
									p * what.a.column_step] *
							      (double)b[p * what.b.row_step +
									j * what.b.column_step];
						right += term;
						size += fabs(term);
					}
					assert_true(fabs((double)c[i * n + j] - right) <=
						    1e-6 * size * sqrt((double)k) + 1e-12);
				}
			free(a);
			free(b);
			free(c);
			matmul_room_free(room);
		}
	crew_free(crew);
}

/* Operands that bf16 holds exactly: then the product is as exact as in f32. */
static void narrow_products_agree(void)
{
	enum { M = 150, N = 70, K = 90 };
	struct random random = { 5 };
	static float a[M * K], b[K * N], c[M * N];
	for (size_t i = 0; i < M * K; i++)
		a[i] = (float)(random_bits(&random) % 255) - 127;
	for (size_t i = 0; i < K * N; i++)
		b[i] = (float)(random_bits(&random) % 15) - 7;
	for (unsigned n_threads = 1; n_threads <= 2; n_threads++)
		for (int way = 0; way < 4; way++) {
			struct crew *crew = crew_new(n_threads, "t");
			struct matmul_room *room = matmul_room_new(crew, MATMUL_PACKED);
			struct matmul what = { .m = M,
					       .n = N,
					       .k = K,
					       .a = { a, K, 1 },
					       .b = { b, N, 1 },
					       .c = c,
					       .c_step = N };
			if (way & 1)
				what.a = (struct matmul_operand){ a, 1, M };
			if (way & 2)
				what.b = (struct matmul_operand){ b, 1, K };
			matmul_room_precision(room, MATMUL_BF16);
			if (n_threads == 1)
				tensor_matmul_share(room, 0, &what);
			else
				tensor_matmul_f32(room, &what);
			for (size_t i = 0; i < M; i++)
				for (size_t j = 0; j < N; j++) {
					float right = 0; /* whole numbers below 2^24 */
					for (size_t p = 0; p < K; p++)
						right += what.a.at[i * what.a.row_step +
								   p * what.a.column_step] *
							 what.b.at[p * what.b.row_step +
								   j * what.b.column_step];
					assert_true(c[i * N + j] == right);
				}
			matmul_room_free(room);
			crew_free(crew);
		}
}

static void functions_agree(void)
{
	enum { N = 4001 };
	static float x[N], y[N];
	struct loop loop = { .out = y, .a = x, .n = N };
	for (int i = 0; i < N; i++)
		x[i] = (float)(-86 + 172.0 * i / (N - 1));
	loop.kind = LOOP_EXP;
	tensor_loop(NULL, &loop);
	for (int i = 0; i < N; i++)
		assert_true(fabs((double)y[i] / exp((double)x[i]) - 1) < 3e-7);
	loop.kind = LOOP_SIGMOID;
	tensor_loop(NULL, &loop);
	for (int i = 0; i < N; i++)
		assert_true(fabs((double)y[i] - 1 / (1 + exp(-(double)x[i]))) < 2e-7);
	for (int i = 0; i < N; i++)
		x[i] = ldexpf((float)(i % 200 - 100) / 100, i % 32 - 27);
	loop.kind = LOOP_TANH;
	tensor_loop(NULL, &loop);
	for (int i = 0; i < N; i++)
		assert_true(fabs((double)y[i] - tanh((double)x[i])) <=
			    1e-6 * fabs(tanh((double)x[i])));
	for (int i = 0; i < N; i++)
		x[i] = ldexpf((float)(i % 200), i % 61 - 30);
	loop.kind = LOOP_SQRT;
	tensor_loop(NULL, &loop);
	for (int i = 0; i < N; i++)
		assert_true(fabs((double)y[i] - sqrt((double)x[i])) <= 3e-7 * sqrt((double)x[i]));
}

static void for_every_width(void (*check)(void))
{
	const enum tensor_simd widths[] = { SIMD_PORTABLE, SIMD_AVX2, SIMD_AVX512 };
	for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
		if (tensor_simd_use(widths[i]))
			check();
		else
			print_message("SKIP width %zu: this CPU cannot run it\n", i);
	}
	tensor_simd_use(SIMD_AUTO);
}

static void products_agree_with_double(void **state)
{
	(void)state;
	for_every_width(products_agree);
}

static void bf16_products_are_exact_where_they_can_be(void **state)
{
	(void)state;
	for_every_width(narrow_products_agree);
}

static void functions_agree_with_libm(void **state)
{
	(void)state;
	for_every_width(functions_agree);
}

static void extreme_values_stay_finite(void **state)
{
	struct tape *tape = tape_new(&plain_settings);
	float logits[] = { 80, -80, 0, -80, 80, 0 }, ends[] = { 40, -40, 0, -5 };
	const int32_t targets[] = { 1, 1 };
	(void)state;
	struct tensor *a = tape_constant(tape, shape_2(2, 3), logits);
	a->needs_gradient = true;
	struct tensor *loss = autograd_cross_entropy(tape, a, targets);
	tape_backward(tape, loss);
	assert_float_equal(*loss->data, 80, 1e-4); /* (160 + 0) / 2 */
	assert_float_equal(a->gradient[0], 0.5, 1e-6);
	assert_float_equal(a->gradient[1], -0.5, 1e-6);
	struct tensor *b = tape_constant(tape, shape_1(4), ends);
	b->needs_gradient = true;
	struct tensor *s = autograd_sigmoid(tape, b), *root = autograd_sqrt(tape, b, 1e-8F);
	assert_float_equal(s->data[0], 1, 1e-7);
	assert_true(s->data[1] >= 0 && s->data[1] < 1e-16F);
	tape_backward(tape, autograd_sum(tape, autograd_add(tape, s, root)));
	for (int i = 0; i < 4; i++)
		assert_true(isfinite(b->gradient[i]) && isfinite(root->data[i]));
	tape_free(tape);
}

static void broadcasting_follows_the_rules(void **state)
{
	struct tape *tape = tape_new(&plain_settings);
	float column[] = { 1, 2 }, row[] = { 10, 20, 30 };
	const float expected[] = { 11, 21, 31, 12, 22, 32 };
	(void)state;
	struct tensor *a = tape_constant(tape, shape_2(2, 1), column);
	struct tensor *b = tape_constant(tape, shape_1(3), row);
	a->needs_gradient = b->needs_gradient = true;
	struct tensor *out = autograd_add(tape, a, b);
	assert_true(shape_equals(&out->shape, &(struct shape){ 2, { 2, 3 } }));
	assert_memory_equal(out->data, expected, sizeof expected);
	tape_backward(tape, autograd_sum(tape, out));
	assert_true(a->gradient[0] == 3 && a->gradient[1] == 3);
	for (int i = 0; i < 3; i++)
		assert_true(b->gradient[i] == 2);
	tape_free(tape);
}

static void nothing_is_recorded_while_paused(void **state)
{
	struct tape *tape = tape_new(&plain_settings);
	struct random random = { 1 };
	struct parameters *all = parameters_new();
	struct tensor *w = parameters_add(all, "w", shape_1(8), &random, 1);
	(void)state;
	tape_pause(tape);
	struct tensor *a = autograd_exp(tape, w);
	tape_resume(tape);
	assert_false(a->needs_gradient);
	assert_null(a->parents[0]);
	struct tensor *out = autograd_sum(tape, autograd_multiply(tape, a, w));
	tape_backward(tape, out);
	for (size_t i = 0; i < 8; i++) /* a is a constant here, although made from w */
		assert_float_equal(w->gradient[i], expf(w->data[i]), 1e-5);
	parameters_free(all);
	tape_free(tape);
}

/* Gradients of leaves add up: two halves of a batch give what the whole gives. */
static void halves_of_a_batch_add_up(void **state)
{
	struct tape *tape = tape_new(&plain_settings);
	struct random random = { 3 };
	struct parameters *all = parameters_new();
	struct tensor *w = parameters_add(all, "w", shape_2(6, 4), &random, 1);
	float x[8 * 6], whole[24];
	(void)state;
	for (size_t i = 0; i < 48; i++)
		x[i] = (float)random_normal(&random);
	for (int pass = 0; pass < 2; pass++) {
		size_t n = pass ? 4 : 8;
		parameters_zero_gradients(all);
		for (size_t from = 0; from < 8; from += n) {
			struct tensor *a = tape_constant(tape, shape_2(n, 6), x + 6 * from);
			struct tensor *y = autograd_tanh(tape, autograd_matmul(tape, a, w));
			tape_backward(tape, autograd_sum(tape, y));
		}
		if (pass == 0)
			memcpy(whole, w->gradient, sizeof whole);
	}
	for (size_t i = 0; i < 24; i++)
		assert_float_equal(w->gradient[i], whole[i], 1e-5);
	parameters_free(all);
	tape_free(tape);
}

static void a_long_chain_needs_no_stack(void **state)
{
	struct tape *tape = tape_new(&plain_settings);
	float one = 1;
	(void)state;
	struct tensor *x = tape_constant(tape, shape_1(1), &one), *t = x;
	x->needs_gradient = true;
	for (int i = 0; i < 200000; i++)
		t = autograd_scale(tape, t, 1, 0);
	tape_backward(tape, t);
	assert_true(x->gradient[0] == 1);
	tape_free(tape);
}

static void memory_is_counted_and_given_back(void **state)
{
	const enum tape_memory kinds[] = { TAPE_ARENA, TAPE_MALLOC };
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct tape_settings settings = { .memory = kinds[i], .n_threads = 1 };
		struct tape *tape = tape_new(&settings);
		size_t most = 0;
		for (int turn = 0; turn < 50; turn++) {
			tape_tensor(tape, shape_2(1000, 700));
			tape_tensor(tape, shape_2(3, 3));
			tape_tensor(tape, shape_2(1000, 2000));
			assert_true(tape_live_bytes(tape) >= 2700000u * 4);
			if (turn == 0)
				most = tape_most_bytes(tape);
			tape_reset(tape);
			assert_int_equal(tape_live_bytes(tape), 0);
		}
		assert_int_equal(tape_most_bytes(tape), most); /* it does not grow */
		tape_free(tape);
	}
}

/* Work is what the shapes say. */
static void work_is_exact(void **state)
{
	struct tape *tape = tape_new(&plain_settings);
	struct random random = { 3 };
	struct parameters *all = parameters_new();
	struct tensor *w = parameters_add(all, "w", shape_2(6, 4), &random, 1);
	float x[5 * 6] = { 1 };
	(void)state;
	struct tensor *y = autograd_matmul(tape, tape_constant(tape, shape_2(5, 6), x), w);
	assert_true(tape_work_done(tape).matmul_flops == 2 * 5 * 6 * 4);
	struct tensor *loss = autograd_sum(tape, y);
	assert_true(tape_work_done(tape).flops == 2 * 5 * 6 * 4 + 20);
	tape_backward(tape, loss); /* no product for x, which needs no gradient */
	assert_true(tape_work_done(tape).matmul_flops == 2 * 2 * 5 * 6 * 4);
	assert_true(tape_work_done(tape).flops == 2 * 2 * 5 * 6 * 4 + 20 + 20);
	parameters_free(all);
	tape_free(tape);
}

/* Two steps with a gradient of 0.5, then -0.25, from the weight 1. */
static double after_two_steps(const struct optimizer_settings *settings)
{
	struct tape *tape = tape_new(&plain_settings);
	struct parameters *all = parameters_new();
	struct tensor *w = parameters_add(all, "w", shape_1(1), NULL, 0);
	struct optimizer *optimizer = optimizer_new(all, settings);
	*w->data = 1;
	*w->gradient = 0.5F;
	double norm = optimizer_step(optimizer, tape);
	if (settings->most_norm > 0)
		assert_float_equal(norm, 0.5, 1e-7);
	else
		assert_true(isnan(norm));
	assert_true(*w->gradient == 0);
	*w->gradient = -0.25F;
	optimizer_step(optimizer, tape);
	double result = (double)*w->data;
	optimizer_free(optimizer);
	parameters_free(all);
	tape_free(tape);
	return result;
}

static void optimizers_step_as_worked_by_hand(void **state)
{
	struct optimizer_settings with = optimizer_defaults(OPTIMIZER_SGD, 0.1);
	(void)state;
	assert_float_equal(after_two_steps(&with), 1 - 0.1 * 0.5 + 0.1 * 0.25, 1e-6);
	with.decay = 0.2; /* 1 -> 0.98 - 0.05 = 0.93 -> 0.9114 + 0.025 */
	assert_float_equal(after_two_steps(&with), 0.9364, 1e-6);
	with = optimizer_defaults(OPTIMIZER_MOMENTUM, 0.1); /* v = 0.5, then 0.45 - 0.25 */
	assert_float_equal(after_two_steps(&with), 1 - 0.05 - 0.02, 1e-6);
	with = optimizer_defaults(OPTIMIZER_ADAM, 0.1);
	/* Step 1 moves by the rate. Step 2: m = 0.9 * 0.05 - 0.025 = 0.02 over 0.19;
	 * s = 0.999 * 0.00025 + 0.0000625 = 0.00031225 over 0.001999. */
	double second = 0.1 * (0.02 / 0.19) / sqrt(0.00031225 / 0.001999);
	assert_float_equal(after_two_steps(&with), 0.9 - second, 1e-5);
	with.kind = OPTIMIZER_ADAMW;
	with.decay = 0.5; /* each step first takes rate x decay = 0.05 of the weight */
	assert_float_equal(after_two_steps(&with), (0.95 - 0.1) * 0.95 - second, 1e-5);
	with = optimizer_defaults(OPTIMIZER_SGD, 0.1);
	with.most_norm = 0.25; /* the first gradient is halved, the second is short enough */
	assert_float_equal(after_two_steps(&with), 1 - 0.025 + 0.025, 1e-6);
}

static struct parameters *some_weights(uint64_t seed, size_t width)
{
	struct random random = { seed };
	struct parameters *all = parameters_new();
	parameters_add(all, "embedding", shape_2(11, width), &random, 1);
	parameters_add(all, "norm", shape_1(7), &random, 1);
	return all;
}

static bool loads(const char *path, const char *expected)
{
	struct parameters *model = some_weights(2, 5), *before = some_weights(2, 5);
	struct why why = { "" };
	bool is_good = checkpoint_load(&(struct checkpoint_model){ model, "kind=a" }, path, &why);
	if (!is_good) {
		size_t length = strlen(why.text);
		assert_non_null(strstr(why.text, expected));
		assert_true(length > 0 && why.text[length - 1] == '.');
		for (size_t i = 0; i < 2; i++) /* refused means untouched */
			assert_memory_equal(parameters_at(model, i)->data,
					    parameters_at(before, i)->data,
					    parameters_at(model, i)->n * sizeof(float));
	}
	parameters_free(model);
	parameters_free(before);
	return is_good;
}

static void write_bytes(const char *path, const unsigned char *bytes, size_t n)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

static void checkpoints_round_trip_and_refuse_damage(void **state)
{
	char path[] = "/tmp/stoke-weights-XXXXXX";
	unsigned char bytes[1024];
	struct parameters *saved = some_weights(1, 5), *model = some_weights(2, 5);
	struct parameters *other = some_weights(3, 6);
	struct why why;
	(void)state;
	close(mkstemp(path));
	assert_true(checkpoint_save(&(struct checkpoint_model){ saved, "kind=a" }, path, &why));
	assert_true(checkpoint_load(&(struct checkpoint_model){ model, "kind=a" }, path, &why));
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(parameters_at(model, i)->data, parameters_at(saved, i)->data,
				    parameters_at(model, i)->n * sizeof(float));
	assert_true(loads(path, ""));
	FILE *file = fopen(path, "rb");
	size_t n = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	assert_in_range(n, 100, sizeof bytes - 1);
	for (size_t i = 0; i < n; i++) { /* any byte */
		bytes[i] ^= 0x40;
		write_bytes(path, bytes, n);
		assert_false(loads(path, path));
		bytes[i] ^= 0x40;
	}
	for (size_t length = 0; length < n; length += 7) {
		write_bytes(path, bytes, length);
		assert_false(loads(path, path));
	}
	write_bytes(path, bytes, n + 1);
	assert_false(loads(path, "longer"));
	assert_true(checkpoint_save(&(struct checkpoint_model){ other, "kind=a" }, path, &why));
	assert_false(loads(path, "the settings it was saved with"));
	assert_true(checkpoint_save(&(struct checkpoint_model){ saved, "kind=b" }, path, &why));
	assert_false(loads(path, "another model (kind=b), and this one is kind=a"));
	unlink(path);
	assert_false(loads(path, "No such file"));
	assert_false(checkpoint_save(&(struct checkpoint_model){ saved, "" }, "/nowhere/x", &why));
	parameters_free(saved);
	parameters_free(model);
	parameters_free(other);
}

/* A forward and a backward pass large enough for all threads, hashed. */
static uint64_t hash_of_a_step(unsigned n_threads)
{
	struct tape_settings settings = { .n_threads = n_threads };
	struct tape *tape = tape_new(&settings);
	struct random random = { 9 };
	struct parameters *all = parameters_new();
	struct tensor *w = parameters_add(all, "w", shape_2(128, 160), &random, 0.1);
	struct tensor *scales = parameters_add(all, "scales", shape_1(160), &random, 1);
	struct tensor *bias = parameters_add(all, "bias", shape_1(160), &random, 1);
	float *x = malloc(sizeof(float) * 300 * 128);
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < 300u * 128; i++)
		x[i] = (float)random_normal(&random);
	struct tensor *y = autograd_matmul(tape, tape_constant(tape, shape_2(300, 128), x), w);
	y = autograd_layernorm(tape, autograd_add(tape, y, bias), scales, bias, 1e-5F);
	y = autograd_attention(tape, y, y, y, 100, 4);
	y = autograd_softmax(tape, autograd_gelu(tape, y));
	tape_backward(tape, autograd_sum(tape, autograd_multiply(tape, y, y)));
	for (size_t i = 0; i < parameters_count(all); i++) {
		const struct tensor *t = parameters_at(all, i);
		const unsigned char *bytes = (const unsigned char *)t->gradient;
		for (size_t j = 0; j < t->n * sizeof(float); j++)
			hash = (hash ^ bytes[j]) * 1099511628211u;
	}
	free(x);
	parameters_free(all);
	tape_free(tape);
	return hash;
}

static void results_do_not_depend_on_threads(void **state)
{
	uint64_t one = hash_of_a_step(1);
	(void)state;
	assert_true(one == hash_of_a_step(1));
	assert_true(one == hash_of_a_step(2));
	assert_true(one == hash_of_a_step(3));
}

/* A later token must not be seen by an earlier one. */
static void attention_is_causal(void **state)
{
	enum { LENGTH = 70, WIDTH = 16 };
	struct tape *tape = tape_new(&plain_settings);
	struct random random = { 4 };
	static float x[LENGTH * WIDTH], before[LENGTH * WIDTH];
	(void)state;
	for (size_t i = 0; i < LENGTH * WIDTH; i++)
		x[i] = (float)random_normal(&random);
	for (int turn = 0; turn < 2; turn++) {
		tape_reset(tape);
		struct tensor *a = tape_constant(tape, shape_2(LENGTH, WIDTH), x);
		struct tensor *out = autograd_attention(tape, a, a, a, LENGTH, 2);
		if (turn == 0)
			memcpy(before, out->data, sizeof before);
		else
			assert_memory_equal(out->data, before, 65 * WIDTH * sizeof(float));
		if (turn == 1)
			assert_memory_not_equal(out->data + 65 * WIDTH, before + 65 * WIDTH,
						WIDTH * sizeof(float));
		x[65 * WIDTH] += 1;
	}
	tape_free(tape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products_agree_with_double),
		cmocka_unit_test(bf16_products_are_exact_where_they_can_be),
		cmocka_unit_test(functions_agree_with_libm),
		cmocka_unit_test(extreme_values_stay_finite),
		cmocka_unit_test(broadcasting_follows_the_rules),
		cmocka_unit_test(nothing_is_recorded_while_paused),
		cmocka_unit_test(halves_of_a_batch_add_up),
		cmocka_unit_test(a_long_chain_needs_no_stack),
		cmocka_unit_test(memory_is_counted_and_given_back),
		cmocka_unit_test(work_is_exact),
		cmocka_unit_test(optimizers_step_as_worked_by_hand),
		cmocka_unit_test(checkpoints_round_trip_and_refuse_damage),
		cmocka_unit_test(results_do_not_depend_on_threads),
		cmocka_unit_test(attention_is_causal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
