/*
 * The tensor engine on the emulated device beside itself on this processor: every operation with
 * its gradients, whole steps of training with the weights they lead to, the workloads with their
 * own checks, and every call of the driver failing in turn.
 */
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

#include "tests/fixture_cuda.h"
#include "workloads/support/gpt_model.h"
#include "workloads/support/optimizer.h"
#include "workloads/support/random.h"
#include "workloads/support/tape_run.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

enum { MOST_INPUTS = 3 };

static struct tensor_device *device;

/* Both round to single precision, in different orders. */
static bool is_near(double a, double b, double tolerance)
{
	return fabs(a - b) <= tolerance * (1 + fabs(a) + fabs(b));
}

/* ---- operations */

static const int32_t picks[] = { 2, 0, 4, 2, 1, 3 };
static struct rope_table rope[2]; /* here, and on the device */

static struct tensor *add(struct tape *tape, struct tensor **in)
{
	return autograd_add(tape, in[0], in[1]);
}

static struct tensor *arithmetic(struct tape *tape, struct tensor **in)
{
	struct tensor *t = autograd_subtract(tape, in[0], in[1]);
	t = autograd_multiply(tape, t, in[0]);
	t = autograd_divide(tape, t, in[2]);
	return autograd_reshape(tape, autograd_scale(tape, t, -1.7F, 0.3F), shape_2(5, 3));
}

static struct tensor *activations(struct tape *tape, struct tensor **in)
{
	struct tensor *t =
		autograd_add(tape, autograd_relu(tape, in[0]), autograd_gelu(tape, in[0]));
	t = autograd_add(tape, t, autograd_silu(tape, in[0]));
	t = autograd_add(tape, t, autograd_tanh(tape, in[0]));
	t = autograd_add(tape, t, autograd_sigmoid(tape, in[0]));
	t = autograd_add(tape, t, autograd_exp(tape, in[0]));
	t = autograd_add(tape, t, autograd_sqrt(tape, in[0], 1e-3F));
	return autograd_swiglu(tape, t, in[1]);
}

static struct tensor *matmul(struct tape *tape, struct tensor **in)
{
	struct tensor *t = autograd_matmul(tape, in[0], in[1]);
	return autograd_matmul_transposed(tape, t, in[2]);
}

static struct tensor *rows(struct tape *tape, struct tensor **in)
{
	struct tensor *t = autograd_layernorm(tape, in[0], in[1], in[2], 1e-5F);
	t = autograd_rmsnorm(tape, t, in[1], 1e-5F);
	return autograd_softmax(tape, t);
}

static struct tensor *cross_entropy(struct tape *tape, struct tensor **in)
{
	return autograd_cross_entropy(tape, in[0], picks);
}

static struct tensor *embedding(struct tape *tape, struct tensor **in)
{
	return autograd_embedding(tape, in[0], picks, 6);
}

static struct tensor *attention(struct tape *tape, struct tensor **in)
{
	const struct rope_table *table = &rope[tape_device(tape) != NULL];
	struct tensor *q = autograd_rope(tape, in[0], table, 5);
	struct tensor *k = autograd_rope(tape, in[1], table, 5);
	return autograd_attention(tape, q, k, in[2], 5, 2);
}

struct operation {
	const char *name;
	struct tensor *(*build)(struct tape *tape, struct tensor **inputs);
	int n_inputs;
	struct shape shapes[MOST_INPUTS];
};

static const struct operation operations[] = {
	{ "add", add, 2, { { 2, { 3, 5 } }, { 2, { 3, 5 } } } },
	{ "add row", add, 2, { { 3, { 2, 3, 5 } }, { 1, { 5 } } } },
	{ "add value", add, 2, { { 2, { 7, 1 } }, { 1, { 1 } } } },
	{ "arithmetic", arithmetic, 3, { { 2, { 3, 5 } }, { 2, { 3, 5 } }, { 2, { 3, 5 } } } },
	{ "activations", activations, 2, { { 2, { 3, 17 } }, { 2, { 3, 17 } } } },
	{ "matmul", matmul, 3, { { 3, { 2, 3, 7 } }, { 2, { 7, 33 } }, { 2, { 5, 33 } } } },
	{ "rows", rows, 3, { { 2, { 3, 19 } }, { 1, { 19 } }, { 1, { 19 } } } },
	{ "cross-entropy", cross_entropy, 1, { { 2, { 6, 5 } } } },
	{ "embedding", embedding, 1, { { 2, { 5, 3 } } } },
	{ "attention", attention, 3, { { 2, { 10, 8 } }, { 2, { 10, 8 } }, { 2, { 10, 8 } } } },
};

/* The result, then each input's gradient, one behind the other. */
static float *compute(const struct operation *what, struct tensor_device *on, size_t *n,
		      struct tape_work *work)
{
	const struct tape_settings settings = { .n_threads = 1, .device = on };
	struct tape *tape = tape_new(&settings);
	struct random random = { 7 };
	struct tensor *inputs[MOST_INPUTS];
	float *values[MOST_INPUTS], *all, *gradient;
	for (int i = 0; i < what->n_inputs; i++) {
		size_t count = shape_count(&what->shapes[i]);
		values[i] = malloc(count * sizeof(float));
		for (size_t j = 0; j < count; j++) /* the third is a divisor */
			values[i][j] = (float)(random_unit(&random) * 2 - (i < 2 ? 1 : -0.5));
		inputs[i] = tape_constant(tape, what->shapes[i], values[i]);
		inputs[i]->needs_gradient = true;
	}
	struct tensor *out = what->build(tape, inputs);
	gradient = malloc(out->n * sizeof *gradient);
	for (size_t i = 0; i < out->n; i++)
		gradient[i] = (float)(random_unit(&random) * 2 - 1);
	tape_backward_from(tape, out, gradient);
	*n = out->n;
	all = malloc(out->n * sizeof *all);
	memcpy(all, tape_read(tape, out), out->n * sizeof *all);
	for (int i = 0; i < what->n_inputs; i++) {
		struct tensor *back = tape_wrap(tape, what->shapes[i], inputs[i]->gradient);
		all = realloc(all, (*n + back->n) * sizeof *all);
		memcpy(all + *n, tape_read(tape, back), back->n * sizeof *all);
		*n += back->n;
		free(values[i]);
	}
	*work = tape_work_done(tape);
	free(gradient);
	tape_free(tape);
	return all;
}

static void operations_are_the_same_in_both_places(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		rope_table_make(&rope[i], 5, 4);
	rope_table_to_device(&rope[1], device);
	for (size_t i = 0; i < COUNT(operations); i++) {
		struct tape_work work[2];
		size_t n[2];
		float *here = compute(&operations[i], NULL, &n[0], &work[0]);
		float *there = compute(&operations[i], device, &n[1], &work[1]);
		assert_int_equal(n[0], n[1]);
		for (size_t j = 0; j < n[0]; j++)
			if (!is_near((double)here[j], (double)there[j], 1e-5))
				fail_msg("%s: value %zu is %g here and %g there",
					 operations[i].name, j, (double)here[j], (double)there[j]);
		assert_true(work[0].flops == work[1].flops && work[0].bytes == work[1].bytes);
		free(here);
		free(there);
	}
	for (int i = 0; i < 2; i++)
		rope_table_free(&rope[i]);
	assert_true(tensor_device_is_good(device, NULL));
}

/* ---- training: losses and weights of a few steps */

enum { STEPS = 3, PICTURES = 6, INPUTS = 9, HIDDEN = 7, CLASSES = 5 };

struct training {
	double losses[STEPS], norms[STEPS];
	float *weights;
	size_t n;
	struct tape_work work;
};

static void take_weights(struct training *training, const struct parameters *parameters)
{
	size_t at = 0;
	training->n = parameters_total(parameters);
	training->weights = malloc(training->n * sizeof(float));
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		parameters_get(parameters, i, training->weights + at, NULL);
		at += parameters_at(parameters, i)->n;
	}
}

static void train_layers(struct tensor_device *on, enum optimizer_kind kind,
			 enum tape_memory memory, struct training *training)
{
	const struct tape_settings settings = { .n_threads = 1, .device = on, .memory = memory };
	struct optimizer_settings steps = optimizer_defaults(kind, 0.05);
	struct random random = { 3 };
	float pixels[PICTURES * INPUTS];
	struct tape *tape = tape_new(&settings);
	struct parameters *all = parameters_new();
	struct tensor *w1 = parameters_add(all, "w1", shape_2(INPUTS, HIDDEN), &random, 0.4);
	struct tensor *b1 = parameters_add(all, "b1", shape_1(HIDDEN), &random, 0.1);
	struct tensor *w2 = parameters_add(all, "w2", shape_2(HIDDEN, CLASSES), &random, 0.4);
	struct tensor *b2 = parameters_add(all, "b2", shape_1(CLASSES), &random, 0.1);
	parameters_to_device(all, on);
	steps.decay = 0.1;
	steps.most_norm = 0.2;
	struct optimizer *optimizer = optimizer_new(all, &steps);
	for (size_t i = 0; i < COUNT(pixels); i++)
		pixels[i] = (float)random_unit(&random);
	for (int i = 0; i < STEPS; i++) {
		tape_reset(tape);
		struct tensor *x = tape_constant(tape, shape_2(PICTURES, INPUTS), pixels);
		x = autograd_add(tape, autograd_matmul(tape, x, w1), b1);
		x = autograd_add(tape, autograd_matmul(tape, autograd_relu(tape, x), w2), b2);
		struct tensor *loss = autograd_cross_entropy(tape, x, picks);
		tape_backward(tape, loss);
		training->losses[i] = (double)*tape_read(tape, loss);
		training->norms[i] = optimizer_step(optimizer, tape);
	}
	take_weights(training, all);
	training->work = tape_work_done(tape);
	optimizer_free(optimizer);
	parameters_free(all);
	tape_free(tape);
}

static bool is_same_training(const struct training *here, const struct training *there,
			     double tolerance)
{
	bool is_same = here->n == there->n;
	for (int i = 0; i < STEPS; i++)
		is_same &= is_near(here->losses[i], there->losses[i], tolerance) &&
			   is_near(here->norms[i], there->norms[i], tolerance);
	for (size_t i = 0; i < here->n && is_same; i++)
		is_same &= is_near((double)here->weights[i], (double)there->weights[i], tolerance);
	return is_same;
}

/* Adam divides by a root of squares that may be tiny: its steps differ by more than roundings. */
static void compare_trainings(const struct training *here, const struct training *there,
			      double tolerance)
{
	assert_true(here->losses[0] > 0 && here->norms[0] > 0);
	assert_true(here->losses[STEPS - 1] < here->losses[0]);
	assert_true(is_same_training(here, there, tolerance));
	assert_true(here->work.flops == there->work.flops);
	assert_true(here->work.bytes == there->work.bytes);
	assert_true(here->work.matmul_flops == there->work.matmul_flops);
	/* the comparison must be able to fail: one weight a thousandth off */
	there->weights[there->n / 2] += 1e-3F;
	assert_false(is_same_training(here, there, tolerance));
	free(here->weights);
	free(there->weights);
}

static void layers_learn_the_same_with_every_optimizer(void **state)
{
	(void)state;
	for (int kind = OPTIMIZER_SGD; kind <= OPTIMIZER_ADAMW; kind++) {
		struct training here, there;
		train_layers(NULL, (enum optimizer_kind)kind, TAPE_ARENA, &here);
		train_layers(device, (enum optimizer_kind)kind, kind % 2 ? TAPE_ARENA : TAPE_MALLOC,
			     &there);
		compare_trainings(&here, &there, 2e-5);
	}
}

static void train_letters(struct tensor_device *on, struct training *training)
{
	enum { LENGTH = 7, SEQUENCES = 2, TOKENS = LENGTH * SEQUENCES, LETTERS = 6 };
	const struct tape_settings settings = { .n_threads = 1, .device = on };
	const struct gpt_shape shape = { LETTERS, 1, 12, 2, LENGTH, 0 };
	struct optimizer_settings steps = optimizer_defaults(OPTIMIZER_ADAMW, 0.005);
	struct tape *tape = tape_new(&settings);
	struct gpt_model model;
	int32_t inputs[TOKENS], targets[TOKENS];
	gpt_model_make(&model, &shape, 1);
	gpt_model_to_device(&model, on);
	steps.decay = 0.1;
	steps.most_norm = 1;
	struct optimizer *optimizer = optimizer_new(model.parameters, &steps);
	for (int32_t i = 0; i < TOKENS; i++) {
		inputs[i] = i * i % LETTERS;
		targets[i] = (i + 1) * (i + 1) % LETTERS;
	}
	for (int i = 0; i < STEPS; i++) {
		tape_reset(tape);
		struct tensor *logits = gpt_model_logits(&model, tape, inputs, SEQUENCES, LENGTH);
		struct tensor *loss = autograd_cross_entropy(tape, logits, targets);
		tape_backward(tape, loss);
		training->losses[i] = (double)*tape_read(tape, loss);
		training->norms[i] = optimizer_step(optimizer, tape);
	}
	take_weights(training, model.parameters);
	training->work = tape_work_done(tape);
	assert_true(training->work.matmul_flops ==
		    STEPS * gpt_model_flops(&model, SEQUENCES, LENGTH, true));
	optimizer_free(optimizer);
	gpt_model_free(&model);
	tape_free(tape);
}

static void a_language_model_learns_the_same(void **state)
{
	struct training here, there;
	(void)state;
	train_letters(NULL, &here);
	train_letters(device, &there);
	compare_trainings(&here, &there, 1e-4);
}

/* ---- workloads: their own checks compare gradients with differences, and count FLOPs */

static char images[] = "/tmp/stoke-images-XXXXXX", labels[] = "/tmp/stoke-labels-XXXXXX";
static char text[] = "/tmp/stoke-text-XXXXXX";

/* Ten pictures to learn from and two to be asked, as MNIST's: hundreds take long here. */
static void write_data(void)
{
	enum { N = 12, PIXELS = 28 * 28 };
	const unsigned char image_head[] = { 0, 0, 8, 3, 0, 0, 0, N, 0, 0, 0, 28, 0, 0, 0, 28 };
	const unsigned char label_head[] = { 0, 0, 8, 1, 0, 0, 0, N };
	FILE *pictures = fdopen(mkstemp(images), "wb"), *digits = fdopen(mkstemp(labels), "wb");
	fwrite(image_head, 1, sizeof image_head, pictures);
	fwrite(label_head, 1, sizeof label_head, digits);
	for (int i = 0; i < N * PIXELS; i++)
		putc(i * 37 % 256 * (i % 3 == 0), pictures);
	for (int i = 0; i < N; i++)
		putc(i % 10, digits);
	FILE *letters = fdopen(mkstemp(text), "wb");
	for (int i = 0; i < 20; i++)
		fputs("all work and no play\n", letters);
	fclose(pictures);
	fclose(digits);
	fclose(letters);
}

/* mlp, gpt: the smallest trainings on the device, with other words. Valid until the next call. */
static const char *mlp(const char *words)
{
	static char line[384];
	snprintf(line, sizeof line,
		 "mlp images=%s labels=%s device=cuda hidden=3 layers=1 batch=10 epochs=1 %s",
		 images, labels, words);
	return line;
}

static const char *gpt(const char *words)
{
	static char line[384];
	snprintf(line, sizeof line,
		 "gpt text=%s device=cuda blocks=1 width=8 heads=1 length=3 batch=8 steps=1 "
		 "sample=0 %s",
		 text, words);
	return line;
}

static void workloads_pass_their_checks_on_the_device(void **state)
{
	(void)state;
	assert_int_equal(fixture_cuda_workload(mlp("batch=5 epochs=3")), 0);
	assert_int_equal(fixture_cuda_workload(gpt("width=8 heads=2 length=5 steps=2")), 0);
}

static void so_they_do_with_other_settings(void **state)
{
	(void)state;
	assert_int_equal(
		fixture_cuda_workload(mlp("hidden=1 layers=2 activation=gelu optimizer=sgd "
					  "wait=step alloc=malloc")),
		0);
	assert_int_equal(
		fixture_cuda_workload(
			gpt("width=16 length=34 batch=1 optimizer=momentum rate=0.001 wait=step")),
		0);
	assert_int_equal(
		fixture_cuda_workload("gpt device=cuda blocks=1 width=8 heads=2 length=6 batch=8 "
				      "steps=2 sample=3"),
		0);
}

static void settings_of_the_other_place_are_refused(void **state)
{
	static const char *const words[] = { "matmul=ijp", "precision=bf16", "simd=portable" };
	static const char *const names[] = { "mlp", "gpt" };
	(void)state;
	for (size_t i = 0; i < COUNT(words) * COUNT(names); i++) {
		char line[128], said[1024];
		snprintf(line, sizeof line, "%s device=cuda %s", names[i % 2], words[i / 2]);
		assert_int_equal(fixture_cuda_failing(line, "", said, sizeof said), 1);
		assert_non_null(strstr(said, "leave them out with device=cuda"));
	}
}

static void weights_are_saved_and_loaded(void **state)
{
	char path[] = "/tmp/stoke-weights-XXXXXX", words[128];
	int fd = mkstemp(path);
	(void)state;
	close(fd);
	snprintf(words, sizeof words, "save=%s", path);
	assert_int_equal(fixture_cuda_workload(mlp(words)), 0);
	snprintf(words, sizeof words, "load=%s", path);
	assert_int_equal(fixture_cuda_workload(mlp(words)), 0);
	snprintf(words, sizeof words, "device=cpu load=%s", path);
	assert_int_equal(fixture_cuda_workload(mlp(words)), 0);
	unlink(path);
}

/* ---- failures */

static void check_failure(const char *words, const char *script, const char *says, int status)
{
	char said[1024];
	int found = fixture_cuda_failing(words, script, said, sizeof said);
	if (found != status || !strstr(said, says) || strncmp(said, "stoke: ", 7) != 0 ||
	    strchr(said, '\n') != said + strlen(said) - 1)
		fail_msg("%s: status %d, \"%s\"", script, found, said);
}

static void every_failure_is_a_sentence(void **state)
{
	static const struct failure {
		const char *script, *says;
		int status;
	} failures[] = {
		{ "driver=0", "no NVIDIA driver", 3 },
		{ "devices=0", "no GPU", 3 },
		{ "cudaMalloc=2", "has no memory", 1 },
		{ "copy_in=1", "refused to take a copy", 1 },
		{ "cudaMemsetAsync=700", "refused to clear memory", 1 },
		{ "cudaGetLastError=9", "refused to start a kernel", 1 },
		{ "cudaDeviceSynchronize=700", "refused to finish a kernel", 1 },
		{ "copy_out=700", "refused to give a copy", 1 },
	};
	(void)state;
	fixture_cuda_needs_script();
	for (size_t i = 0; i < COUNT(failures); i++) {
		check_failure(mlp(""), failures[i].script, failures[i].says, failures[i].status);
		check_failure(gpt(""), failures[i].script, failures[i].says, failures[i].status);
	}
}

static void without_the_library_it_says_what_to_do(void **state)
{
	char said[1024];
	(void)state;
	assert_int_equal(fixture_cuda_failing(mlp(""), NULL, said, sizeof said), 3);
	assert_non_null(strstr(said, "or use device=cpu.\n"));
	assert_int_equal(fixture_cuda_failing(gpt(""), NULL, said, sizeof said), 3);
}

/* Whichever call is the first to fail, from the opening to the last check. */
static void fail_one_after_the_other(const char *words, int dense_until, int step)
{
	int n_failed = 0, after = 0;
	for (bool is_done = false; !is_done; after += after < dense_until ? 4 : step) {
		char script[64], said[1024];
		snprintf(script, sizeof script, "any=700,after=%d", after);
		int status = fixture_cuda_failing(words, script, said, sizeof said);
		is_done = status == 0;
		n_failed += !is_done;
		if (!is_done && status != 1 && status != 3)
			fail_msg("%s: status %d, \"%s\"", script, status, said);
		if (!is_done && !strstr(said, "stoke: The GPU "))
			fail_msg("%s: \"%s\"", script, said);
	}
	assert_true(n_failed > 10);
}

static void every_call_may_be_the_first_to_fail(void **state)
{
	(void)state;
	fixture_cuda_needs_script();
	fail_one_after_the_other(mlp("alloc=malloc"), 60, 61);
	fail_one_after_the_other(gpt(""), 120, 331);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_are_the_same_in_both_places),
		cmocka_unit_test(layers_learn_the_same_with_every_optimizer),
		cmocka_unit_test(a_language_model_learns_the_same),
		cmocka_unit_test(workloads_pass_their_checks_on_the_device),
	};
	const struct CMUnitTest once[] = {
		cmocka_unit_test(so_they_do_with_other_settings),
		cmocka_unit_test(settings_of_the_other_place_are_refused),
		cmocka_unit_test(weights_are_saved_and_loaded),
		cmocka_unit_test(every_failure_is_a_sentence),
		cmocka_unit_test(every_call_may_be_the_first_to_fail),
	};
	const struct CMUnitTest missing[] = {
		cmocka_unit_test(without_the_library_it_says_what_to_do),
	};
	struct why why;
	int failed = 0;
	if (!fixture_cuda_open())
		return 1;
	write_data();
	/* Before anyone has opened it. */
	failed += cmocka_run_group_tests_name("without a library", missing, NULL, NULL);
	if (!(device = tensor_device_open(&why))) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	failed += fixture_cuda_both_orders(tests, sizeof tests / sizeof tests[0]);
	failed += cmocka_run_group_tests_name("workloads", once, NULL, NULL);
	tensor_device_close(device);
	fixture_cuda_close();
	unlink(images);
	unlink(labels);
	unlink(text);
	return failed;
}
