/*
 * Training steps beside the matrix products they hold, in turns: what the tensor engine adds to
 * the arithmetic that cannot be avoided; and the same steps on demand, in turns with PyTorch's by
 * tests/bench/training.sh.
 *
 * Usage: bench_autograd                          one thread, in CPU time
 *        bench_autograd serve CASE THREADS FOLDER   weights and data to FOLDER; then for each line
 *                                                of input: "step N": N lines of seconds, those of
 *                                                CPU, loss; "products N": of the products alone
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sampler/base/why.h"
#include "tests/fixture_bench.h"
#include "workloads/support/autograd.h"
#include "workloads/support/crew.h"
#include "workloads/support/gpt_model.h"
#include "workloads/support/optimizer.h"
#include "workloads/support/random.h"

enum { MOST_TURNS = 64, LAYERS = 3, MOST_PRODUCTS = 512, NAME_BYTES = 4096 };
enum { BATCH = 128, PIXELS = 784, CLASSES = 10 };

static const size_t WIDTHS[LAYERS + 1] = { PIXELS, 512, 512, CLASSES };

/* The GPT without blocks is the MLP 784-512-512-10. */
static const struct bench_case {
	const char *name;
	struct gpt_shape shape;
	size_t n_sequences;
	enum matmul_precision precision;
	enum optimizer_kind optimizer;
	double rate;
	size_t n_turns;
} cases[] = {
	{ "mlp-sgd", { 0 }, 0, MATMUL_F32, OPTIMIZER_SGD, 0.05, 40 },
	{ "mlp-adamw", { 0 }, 0, MATMUL_F32, OPTIMIZER_ADAMW, 1e-3, 40 },
	{ "gpt-small", { 40, 2, 64, 2, 64, 0 }, 16, MATMUL_F32, OPTIMIZER_ADAMW, 3e-4, 15 },
	{ "gpt-f32", { 40, 6, 384, 6, 256, 0 }, 8, MATMUL_F32, OPTIMIZER_ADAMW, 3e-4, 5 },
	{ "gpt-bf16", { 40, 6, 384, 6, 256, 0 }, 8, MATMUL_BF16, OPTIMIZER_ADAMW, 3e-4, 5 },
};

enum { N_CASES = sizeof cases / sizeof cases[0] };

/* One product: C (m,n) = A (m,k) B (k,n), A or B transposed in memory. */
struct product {
	size_t m, n, k;
	int transposes; /* 0 none, 1 A, 2 B */
};

struct training {
	const struct bench_case *with;
	struct tape *tape;
	struct parameters *parameters;
	struct optimizer *optimizer;
	struct tensor *weights[LAYERS], *biases[LAYERS];
	struct gpt_model model;
	float *pixels;
	int32_t *letters, *targets; /* targets alone for the MLP */
	size_t n_targets;
	/* Its products, on arrays of their own. */
	struct product products[MOST_PRODUCTS];
	size_t n_products;
	float *a, *b, *c;
	struct crew *crew;
	struct matmul_room *room;
};

static bool is_gpt(const struct bench_case *with)
{
	return with->shape.n_blocks > 0;
}

/* A layer of `in` to `out`: forward, to the weights, and unless it is the first to its input. */
static void add_layer(struct training *training, size_t rows, size_t in, size_t out, bool is_first)
{
	struct product *at = &training->products[training->n_products];
	at[0] = (struct product){ rows, out, in, 0 };
	at[1] = (struct product){ in, out, rows, 1 };
	at[2] = (struct product){ rows, in, out, 2 };
	training->n_products += is_first ? 2 : 3;
}

/* Attention's own products are not among them. */
static void add_gpt_layers(struct training *training)
{
	const struct gpt_shape *shape = &training->model.shape;
	size_t tokens = training->n_targets, width = shape->width, hidden = shape->hidden;
	for (size_t block = 0; block < shape->n_blocks; block++) {
		for (int i = 0; i < 4; i++)
			add_layer(training, tokens, width, width, false);
		add_layer(training, tokens, width, hidden, false);
		add_layer(training, tokens, width, hidden, false);
		add_layer(training, tokens, hidden, width, false);
	}
	add_layer(training, tokens, width, shape->n_vocabulary, false);
}

static float *random_floats(size_t n, struct random *random)
{
	float *values = aligned_alloc(64, (n * sizeof *values + 63) / 64 * 64);
	if (!values)
		die("no memory for %zu numbers", n);
	for (size_t i = 0; i < n; i++)
		values[i] = (float)random_unit(random) - 0.5F;
	return values;
}

/* As large as the largest operand of any product. */
static void make_products(struct training *training, unsigned n_threads, struct random *random)
{
	size_t most = 0;
	for (size_t i = 0; i < training->n_products; i++) {
		const struct product *at = &training->products[i];
		size_t sides[] = { at->m * at->n, at->m * at->k, at->n * at->k };
		for (int side = 0; side < 3; side++)
			most = sides[side] > most ? sides[side] : most;
	}
	training->a = random_floats(most, random);
	training->b = random_floats(most, random);
	training->c = random_floats(most, random);
	training->crew = crew_new(n_threads, "bench");
	training->room = matmul_room_new(training->crew, MATMUL_PACKED);
	matmul_room_precision(training->room, training->with->precision);
}

static void make_mlp(struct training *training, struct random *random)
{
	training->parameters = parameters_new();
	for (int i = 0; i < LAYERS; i++) {
		training->weights[i] = parameters_add(
			training->parameters, "w", shape_2(WIDTHS[i], WIDTHS[i + 1]), random, 0.05);
		training->biases[i] =
			parameters_add(training->parameters, "b", shape_1(WIDTHS[i + 1]), NULL, 0);
		add_layer(training, BATCH, WIDTHS[i], WIDTHS[i + 1], i == 0);
	}
	training->pixels = random_floats((size_t)BATCH * PIXELS, random);
	training->n_targets = BATCH;
	training->targets = allocate(BATCH, sizeof *training->targets);
	for (int i = 0; i < BATCH; i++)
		training->targets[i] = i % CLASSES;
}

/* Random letters, each to be followed by the next. */
static void make_gpt(struct training *training, struct random *random)
{
	const struct bench_case *with = training->with;
	gpt_model_make(&training->model, &with->shape, 1);
	training->parameters = training->model.parameters;
	training->n_targets = with->n_sequences * with->shape.length;
	training->letters = allocate(training->n_targets + 1, sizeof *training->letters);
	for (size_t i = 0; i <= training->n_targets; i++)
		training->letters[i] = (int32_t)(random_bits(random) % with->shape.n_vocabulary);
	training->targets = training->letters + 1;
	add_gpt_layers(training);
}

static struct training *training_new(const struct bench_case *with, unsigned n_threads)
{
	struct training *training = allocate(1, sizeof *training);
	const struct tape_settings settings = { .n_threads = n_threads,
						.precision = with->precision };
	struct optimizer_settings optimizer = optimizer_defaults(with->optimizer, with->rate);
	struct random random = { 2 };
	training->with = with;
	training->tape = tape_new(&settings);
	if (is_gpt(with))
		make_gpt(training, &random);
	else
		make_mlp(training, &random);
	optimizer.decay = with->optimizer == OPTIMIZER_ADAMW ? 0.01 : 0;
	training->optimizer = optimizer_new(training->parameters, &optimizer);
	make_products(training, n_threads, &random);
	return training;
}

static void training_free(struct training *training)
{
	optimizer_free(training->optimizer);
	if (is_gpt(training->with)) {
		gpt_model_free(&training->model);
		free(training->letters);
	} else {
		parameters_free(training->parameters);
		free(training->targets);
	}
	tape_free(training->tape);
	free(training->pixels);
	free(training->a);
	free(training->b);
	free(training->c);
	matmul_room_free(training->room);
	crew_free(training->crew);
	free(training);
}

static struct tensor *mlp_logits(struct training *training)
{
	struct tape *tape = training->tape;
	struct tensor *x = tape_constant(tape, shape_2(BATCH, PIXELS), training->pixels);
	for (int i = 0; i < LAYERS; i++) {
		x = autograd_matmul(tape, x, training->weights[i]);
		x = autograd_add(tape, x, training->biases[i]);
		if (i + 1 < LAYERS)
			x = autograd_relu(tape, x);
	}
	return x;
}

/* Returns the loss before the step. */
static double training_step(struct training *training)
{
	const struct bench_case *with = training->with;
	struct tape *tape = training->tape;
	tape_reset(tape);
	struct tensor *logits =
		is_gpt(with) ? gpt_model_logits(&training->model, tape, training->letters,
						with->n_sequences, with->shape.length)
			     : mlp_logits(training);
	struct tensor *loss = autograd_cross_entropy(tape, logits, training->targets);
	tape_backward(tape, loss);
	double value = (double)*tape_read(tape, loss);
	optimizer_step(training->optimizer, tape);
	return value;
}

static void run_products(struct training *training)
{
	for (size_t i = 0; i < training->n_products; i++) {
		const struct product *at = &training->products[i];
		struct matmul matmul = { .m = at->m,
					 .n = at->n,
					 .k = at->k,
					 .a = { training->a, at->k, 1 },
					 .b = { training->b, at->n, 1 },
					 .c = training->c,
					 .c_step = at->n };
		if (at->transposes == 1)
			matmul.a = (struct matmul_operand){ training->a, 1, at->m };
		if (at->transposes == 2)
			matmul.b = (struct matmul_operand){ training->b, 1, at->k };
		tensor_matmul_f32(training->room, &matmul);
	}
}

/* ---- alone */

static void measure(const struct bench_case *with)
{
	struct training *training = training_new(with, 1);
	double steps[MOST_TURNS], alone[MOST_TURNS], flops = 0;
	for (size_t turn = 0; turn < with->n_turns; turn++) {
		double before = tape_work_done(training->tape).matmul_flops;
		double start = bench_seconds();
		training_step(training);
		steps[turn] = bench_seconds() - start;
		flops = tape_work_done(training->tape).matmul_flops - before;
		start = bench_seconds();
		run_products(training);
		alone[turn] = bench_seconds() - start;
	}
	double step = bench_median(steps, with->n_turns);
	double products = bench_median(alone, with->n_turns);
	printf("%-10s step %8.2f ms, its products %8.2f ms: %.2f times; %.1f GFLOP/s\n", with->name,
	       step * 1e3, products * 1e3, step / products, flops / step * 1e-9);
	training_free(training);
}

/* ---- on demand */

static void write_file(const char *folder, const char *name, const void *values, size_t bytes,
		       const char *mode)
{
	char path[NAME_BYTES];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, mode);
	if (!file || fwrite(values, 1, bytes, file) != bytes || fclose(file) != 0)
		die("cannot write %s", path);
}

/* Weights in the order they were made in, f32; pixels f32; letters and targets int32. */
static void write_files(const struct training *training, const char *folder)
{
	for (size_t i = 0; i < parameters_count(training->parameters); i++) {
		const struct tensor *t = parameters_at(training->parameters, i);
		write_file(folder, "weights", t->data, t->n * sizeof(float), i ? "ab" : "wb");
	}
	if (training->letters)
		write_file(folder, "letters", training->letters,
			   training->n_targets * sizeof(int32_t), "wb");
	else
		write_file(folder, "pixels", training->pixels,
			   (size_t)BATCH * PIXELS * sizeof(float), "wb");
	write_file(folder, "targets", training->targets, training->n_targets * sizeof(int32_t),
		   "wb");
}

static double seconds_by(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void answer(struct training *training, bool is_step)
{
	double loss = 0, start = seconds_by(CLOCK_MONOTONIC);
	double cpu = seconds_by(CLOCK_PROCESS_CPUTIME_ID);
	if (is_step)
		loss = training_step(training);
	else
		run_products(training);
	cpu = seconds_by(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("%.7f %.7f %.6f\n", seconds_by(CLOCK_MONOTONIC) - start, cpu, loss);
}

static int serve(const struct bench_case *with, unsigned n_threads, const char *folder)
{
	struct training *training = training_new(with, n_threads);
	char line[32];
	write_files(training, folder);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		char what[16];
		int n = 0;
		if (sscanf(line, "%15s %d", what, &n) != 2)
			die("not a request: %s", line);
		for (int i = 0; i < n; i++)
			answer(training, strcmp(what, "step") == 0);
		fflush(stdout);
	}
	training_free(training);
	return 0;
}

int main(int argc, char **argv)
{
	bool is_serving = argc == 5 && strcmp(argv[1], "serve") == 0;
	for (size_t i = 0; i < N_CASES; i++) {
		if (!is_serving)
			measure(&cases[i]);
		else if (strcmp(cases[i].name, argv[2]) == 0)
			return serve(&cases[i], (unsigned)strtoul(argv[3], NULL, 10), argv[4]);
	}
	return is_serving ? 2 : 0;
}
