/*
 * Training steps beside the matrix products they hold, in turns, in CPU time of one thread: what
 * the tensor engine adds to the arithmetic that cannot be avoided.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fixture_bench.h"
#include "workloads/support/autograd.h"
#include "workloads/support/crew.h"
#include "workloads/support/gpt_model.h"
#include "workloads/support/optimizer.h"
#include "workloads/support/random.h"

enum { MOST_TURNS = 64, LAYERS = 3, MOST_PRODUCTS = 512 };

/* One product: C (m,n) = A (m,k) B (k,n), A or B transposed in memory. */
struct product {
	size_t m, n, k;
	int transposes; /* 0 none, 1 A, 2 B */
};

struct arrays {
	float *a, *b, *c;
	struct crew *crew;
	struct matmul_room *room;
};

static void arrays_make(struct arrays *arrays, size_t n)
{
	struct random random = { 1 };
	float **all[] = { &arrays->a, &arrays->b, &arrays->c };
	for (int i = 0; i < 3; i++) {
		*all[i] = aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);
		for (size_t j = 0; j < n; j++)
			(*all[i])[j] = (float)random_unit(&random) - 0.5F;
	}
	arrays->crew = crew_new(1, "bench");
	arrays->room = matmul_room_new(arrays->crew, MATMUL_PACKED);
}

static void arrays_free(struct arrays *arrays)
{
	free(arrays->a);
	free(arrays->b);
	free(arrays->c);
	matmul_room_free(arrays->room);
	crew_free(arrays->crew);
}

static double run_products(const struct arrays *arrays, const struct product *products, size_t n)
{
	double start = bench_seconds();
	for (size_t i = 0; i < n; i++) {
		const struct product *at = &products[i];
		struct matmul matmul = { .m = at->m,
					 .n = at->n,
					 .k = at->k,
					 .a = { arrays->a, at->k, 1 },
					 .b = { arrays->b, at->n, 1 },
					 .c = arrays->c,
					 .c_step = at->n };
		if (at->transposes == 1)
			matmul.a = (struct matmul_operand){ arrays->a, 1, at->m };
		if (at->transposes == 2)
			matmul.b = (struct matmul_operand){ arrays->b, 1, at->k };
		tensor_matmul_f32(arrays->room, &matmul);
	}
	return bench_seconds() - start;
}

/* A layer of `in` to `out`: forward, to the weights, and unless it is the first to its input. */
static size_t add_layer(struct product *products, size_t n, size_t rows, size_t in, size_t out,
			int is_first)
{
	products[n++] = (struct product){ rows, out, in, 0 };
	products[n++] = (struct product){ in, out, rows, 1 };
	if (!is_first)
		products[n++] = (struct product){ rows, in, out, 2 };
	return n;
}

static void report(const char *name, double *steps, double *alone, size_t n_turns, double flops)
{
	double step = bench_median(steps, n_turns), products = bench_median(alone, n_turns);
	printf("%-28s step %8.2f ms, its products %8.2f ms: %.2f times; %.1f GFLOP/s\n", name,
	       step * 1e3, products * 1e3, step / products, flops / step * 1e-9);
}

/* 784-512-512-10, batch 128, AdamW. */
static void bench_mlp(void)
{
	enum { BATCH = 128, TURNS = 40 };
	const size_t widths[LAYERS + 1] = { 784, 512, 512, 10 };
	const struct tape_settings settings = { .n_threads = 1 };
	struct tape *tape = tape_new(&settings);
	struct parameters *all = parameters_new();
	struct tensor *weights[LAYERS], *biases[LAYERS];
	struct random random = { 2 };
	struct product products[3 * LAYERS];
	struct arrays arrays;
	double steps[MOST_TURNS], alone[MOST_TURNS], flops = 0;
	int32_t targets[BATCH];
	size_t n = 0;
	arrays_make(&arrays, 784 * 512);
	for (int i = 0; i < LAYERS; i++) {
		weights[i] =
			parameters_add(all, "w", shape_2(widths[i], widths[i + 1]), &random, 0.05);
		biases[i] = parameters_add(all, "b", shape_1(widths[i + 1]), NULL, 0);
		n = add_layer(products, n, BATCH, widths[i], widths[i + 1], i == 0);
	}
	for (int i = 0; i < BATCH; i++)
		targets[i] = i % 10;
	struct optimizer_settings adam = optimizer_defaults(OPTIMIZER_ADAMW, 1e-4);
	struct optimizer *optimizer = optimizer_new(all, &adam);
	for (int turn = 0; turn < TURNS; turn++) {
		double before = tape_work_done(tape).matmul_flops, start = bench_seconds();
		tape_reset(tape);
		struct tensor *x = tape_constant(tape, shape_2(BATCH, 784), arrays.a);
		for (int i = 0; i < LAYERS; i++) {
			x = autograd_matmul(tape, x, weights[i]);
			x = autograd_add(tape, x, biases[i]);
			if (i + 1 < LAYERS)
				x = autograd_relu(tape, x);
		}
		tape_backward(tape, autograd_cross_entropy(tape, x, targets));
		optimizer_step(optimizer, tape);
		steps[turn] = bench_seconds() - start;
		flops = tape_work_done(tape).matmul_flops - before;
		alone[turn] = run_products(&arrays, products, n);
	}
	report("mlp 784-512-512-10, 128", steps, alone, TURNS, flops);
	optimizer_free(optimizer);
	parameters_free(all);
	tape_free(tape);
	arrays_free(&arrays);
}

static size_t gpt_products(const struct gpt_shape *shape, size_t tokens, struct product *products)
{
	size_t n = 0, width = shape->width, hidden = shape->hidden;
	for (size_t block = 0; block < shape->n_blocks; block++) {
		for (int i = 0; i < 4; i++)
			n = add_layer(products, n, tokens, width, width, 0);
		n = add_layer(products, n, tokens, width, hidden, 0);
		n = add_layer(products, n, tokens, width, hidden, 0);
		n = add_layer(products, n, tokens, hidden, width, 0);
	}
	return add_layer(products, n, tokens, width, shape->n_vocabulary, 0);
}

/* Blocks of the given width, AdamW; attention's own products are not in the second figure,
 * which is in f32 also for bf16. */
static void bench_gpt(const char *name, const struct gpt_shape *shape, size_t n_sequences,
		      int n_turns, enum matmul_precision precision)
{
	const struct tape_settings settings = { .n_threads = 1, .precision = precision };
	struct tape *tape = tape_new(&settings);
	struct gpt_model model;
	struct product products[MOST_PRODUCTS];
	struct random random = { 3 };
	struct arrays arrays;
	double steps[MOST_TURNS], alone[MOST_TURNS], flops = 0;
	size_t tokens = n_sequences * shape->length;
	int32_t *letters = malloc(tokens * sizeof *letters);
	gpt_model_make(&model, shape, 1);
	arrays_make(&arrays, tokens * model.shape.hidden);
	for (size_t i = 0; i < tokens; i++)
		letters[i] = (int32_t)(random_bits(&random) % shape->n_vocabulary);
	struct optimizer_settings adam = optimizer_defaults(OPTIMIZER_ADAMW, 1e-4);
	struct optimizer *optimizer = optimizer_new(model.parameters, &adam);
	size_t n = gpt_products(&model.shape, tokens, products);
	for (int turn = 0; turn < n_turns; turn++) {
		double before = tape_work_done(tape).matmul_flops, start = bench_seconds();
		tape_reset(tape);
		struct tensor *logits =
			gpt_model_logits(&model, tape, letters, n_sequences, shape->length);
		tape_backward(tape, autograd_cross_entropy(tape, logits, letters));
		optimizer_step(optimizer, tape);
		steps[turn] = bench_seconds() - start;
		flops = tape_work_done(tape).matmul_flops - before;
		alone[turn] = run_products(&arrays, products, n);
	}
	report(name, steps, alone, (size_t)n_turns, flops);
	optimizer_free(optimizer);
	gpt_model_free(&model);
	tape_free(tape);
	arrays_free(&arrays);
	free(letters);
}

int main(void)
{
	const struct gpt_shape small = { 40, 2, 64, 2, 64, 0 }, large = { 40, 6, 384, 6, 256, 0 };
	bench_mlp();
	bench_gpt("gpt 2 x 64, 64, 16", &small, 16, 15, MATMUL_F32);
	bench_gpt("gpt 6 x 384, 256, 8", &large, 8, 5, MATMUL_F32);
	bench_gpt("gpt 6 x 384, 256, 8, bf16", &large, 8, 5, MATMUL_BF16);
	return 0;
}
