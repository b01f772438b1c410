/*
 * A network of full layers learns to read digits. A unit of work is one step on one batch; after
 * each pass over the pictures it is asked about others it has not seen.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/probe.h"
#include "workloads/support/autograd.h"
#include "workloads/support/checkpoint.h"
#include "workloads/support/crew.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/digits.h"
#include "workloads/support/digits_idx.h"
#include "workloads/support/gradient_check.h"
#include "workloads/support/optimizer.h"
#include "workloads/support/random.h"
#include "workloads/support/tensor_device.h"
#include "workloads/support/tensor_simd.h"
#include "workloads/workload.h"

enum {
	SIZE,
	HIDDEN,
	LAYERS,
	BATCH,
	SAMPLES,
	IMAGES,
	LABELS,
	EPOCHS,
	ACTIVATION,
	OPTIMIZER,
	RATE,
	MATMUL,
	PRECISION,
	MEMORY,
	ORDER,
	SIMD,
	POOL,
	THREADS,
	SAVE,
	LOAD,
	SEED,
	DEVICE,
	WAIT
};

enum { MOST_LAYERS = 17, NAME_BYTES = 48, ASKED_AT_ONCE = 500, LEAST_PICTURES = 12 };

/* By size=: width of the hidden layers, how many, pictures to learn from. */
static const struct {
	size_t n_hidden, n_layers, n_samples;
} sizes[] = { { 256, 1, 8000 }, { 512, 2, 12000 }, { 2048, 3, 24000 } };

/* What these optimisers do well with here; found by trying factors of 3. */
static const double usual_rates[] = { 0.1, 0.02, 0.001, 0.001 };

/* After ten passes over 8000 pictures two seeds of 784-256-10 with Adam read 97.6 % and more of
 * unseen ones, 784-512-512-10 reads 99 %; the slowest usual choice, sgd in batches of 256, 89 %.
 * Less than these is an error in the arithmetic. */
static const double LEAST_ACCURACY = 0.965, LEAST_ACCURACY_OF_ANY = 0.8;
enum {
	EPOCHS_BEFORE_ACCURACY_COUNTS = 10,
	SAMPLES_BEFORE_ACCURACY_COUNTS = 8000,
	HIDDEN_BEFORE_ACCURACY_COUNTS = 256
};

struct layer {
	struct tensor *weights, *bias;
	char name[NAME_BYTES];
};

struct state {
	struct tensor_device *device; /* NULL: device=cpu */
	struct tape *tape;
	struct parameters *parameters;
	struct optimizer *optimizer;
	struct layer layers[MOST_LAYERS];
	size_t n_layers, batch, n_epochs;
	int activation;
	char besides[NAME_BYTES]; /* of its weights */
	struct digits learned, asked;
	uint32_t *order;
	float *batch_pixels;
	int32_t *batch_labels;
	struct random random;
	uint64_t n_steps, n_wanted, n_evaluations;
	double first_loss, loss, accuracy;
	double least_accuracy; /* after EPOCHS_BEFORE_ACCURACY_COUNTS */
	bool is_finite;
	char *save_path;
	struct why failure; /* of the device */
};

static struct tensor *activate(struct state *state, struct tensor *x)
{
	switch (state->activation) {
	case 0:
		return autograd_relu(state->tape, x);
	case 1:
		return autograd_gelu(state->tape, x);
	case 2:
		return autograd_silu(state->tape, x);
	default:
		return autograd_tanh(state->tape, x);
	}
}

__attribute__((noinline)) static struct tensor *layer_forward(struct state *state,
							      struct layer *layer, struct tensor *x)
{
	tape_scope(state->tape, layer->name);
	x = autograd_matmul(state->tape, x, layer->weights);
	return autograd_add(state->tape, x, layer->bias);
}

__attribute__((noinline)) static struct tensor *forward(struct state *state, float *pixels,
							size_t n)
{
	struct tensor *x = tape_constant(state->tape, shape_2(n, DIGIT_PIXELS), pixels);
	for (size_t i = 0; i < state->n_layers; i++) {
		x = layer_forward(state, &state->layers[i], x);
		if (i + 1 < state->n_layers)
			x = activate(state, x);
	}
	return x;
}

static void add_layers(struct state *state, size_t n_hidden)
{
	for (size_t i = 0; i < state->n_layers; i++) {
		struct layer *layer = &state->layers[i];
		size_t n_in = i == 0 ? DIGIT_PIXELS : n_hidden;
		size_t n_out = i + 1 == state->n_layers ? DIGIT_CLASSES : n_hidden;
		char name[NAME_BYTES];
		snprintf(layer->name, sizeof layer->name, "layer %zu %zux%zu", i + 1, n_in, n_out);
		snprintf(name, sizeof name, "weights %zu", i + 1);
		/* He et al. (2015): the deviation that keeps activations' size behind a relu. */
		layer->weights = parameters_add(state->parameters, name, shape_2(n_in, n_out),
						&state->random, sqrt(2 / (double)n_in));
		snprintf(name, sizeof name, "bias %zu", i + 1);
		layer->bias = parameters_add(state->parameters, name, shape_1(n_out), NULL, 0);
	}
}

static void draw_digits(struct state *state, size_t n, uint64_t seed)
{
	struct crew *crew = tape_crew(state->tape);
	probe_phase_begin("draw digits");
	digits_make(&state->learned, crew, n, seed);
	/* Far from the seeds of the others. */
	digits_make(&state->asked, crew, n / 10 + 500, seed + (UINT64_C(1) << 52));
	probe_phase_end("draw digits", (struct probe_work){ NAN, NAN, (double)n });
}

/* The first five sixths to learn from, as MNIST's 60,000 and 10,000 are shared. */
static bool read_digits(struct state *state, const char *images, const char *labels,
			struct why *why)
{
	if (!images[0] || !labels[0])
		return why_fail(why, "images=FILE and labels=FILE go together; give both.");
	if (!digits_read(&state->learned, images, labels, why))
		return false;
	if (state->learned.n < LEAST_PICTURES)
		return why_fail(why, "%s holds %zu pictures; at least %d are needed.", images,
				state->learned.n, LEAST_PICTURES);
	digits_split(&state->learned, &state->asked, state->learned.n / 6);
	return true;
}

static void make_batches(struct state *state, size_t most)
{
	size_t n = state->learned.n;
	state->batch = most < n ? most : n;
	state->batch += state->batch == 0;
	state->order = allocate(n, sizeof *state->order);
	for (size_t i = 0; i < n; i++)
		state->order[i] = (uint32_t)i;
	state->batch_pixels = allocate(state->batch * DIGIT_PIXELS, sizeof(float));
	state->batch_labels = allocate(state->batch, sizeof(int32_t));
	state->n_wanted = n / state->batch * state->n_epochs;
}

static size_t or_usual(const struct setting *setting, size_t usual)
{
	return setting->number > 0 ? (size_t)setting->number : usual;
}

/* What may be asked of these settings. */
static double least_accuracy(const struct state *state, const struct setting *settings)
{
	bool is_adam = settings[OPTIMIZER].choice >= OPTIMIZER_ADAM;
	bool is_wide = settings[HIDDEN].number == 0 ||
		       settings[HIDDEN].number >= HIDDEN_BEFORE_ACCURACY_COUNTS;
	if (settings[RATE].number != 0 || state->batch > 256 || state->n_layers > 4 ||
	    state->learned.n < SAMPLES_BEFORE_ACCURACY_COUNTS)
		return 0;
	return is_adam && is_wide && state->activation == 0 ? LEAST_ACCURACY
							    : LEAST_ACCURACY_OF_ANY;
}

static void mlp_finish(void *opaque);

static bool fits_device(const struct setting *settings, struct why *why)
{
	return settings[MATMUL].choice + settings[PRECISION].choice + settings[SIMD].choice == 0 ||
	       why_fail(why, TENSOR_DEVICE_REFUSED);
}

static void set_up(struct state *state, const struct setting *settings)
{
	int size = settings[SIZE].choice;
	struct tape_settings tape = { .memory = (enum tape_memory)settings[MEMORY].choice,
				      .order = (enum tape_order)settings[ORDER].choice,
				      .matmul = (enum matmul_order)settings[MATMUL].choice,
				      .precision =
					      (enum matmul_precision)settings[PRECISION].choice,
				      .pool = (enum crew_waits)settings[POOL].choice,
				      .n_threads = (unsigned)settings[THREADS].number,
				      .reports_scopes = true,
				      .device = state->device,
				      .wait = (enum tape_wait)settings[WAIT].choice };
	enum optimizer_kind kind = (enum optimizer_kind)settings[OPTIMIZER].choice;
	double rate = settings[RATE].number > 0 ? settings[RATE].number : usual_rates[kind];
	struct optimizer_settings optimizer = optimizer_defaults(kind, rate);
	optimizer.decay = kind == OPTIMIZER_ADAMW ? 0.01 : 0;
	state->tape = tape_new(&tape);
	state->random.state = (uint64_t)settings[SEED].number;
	state->n_layers = or_usual(&settings[LAYERS], sizes[size].n_layers) + 1;
	state->n_epochs = (size_t)settings[EPOCHS].number;
	state->activation = settings[ACTIVATION].choice;
	snprintf(state->besides, sizeof state->besides, "activation=%s", settings[ACTIVATION].text);
	state->is_finite = true;
	state->parameters = parameters_new();
	add_layers(state, or_usual(&settings[HIDDEN], sizes[size].n_hidden));
	parameters_to_device(state->parameters, state->device);
	state->optimizer = optimizer_new(state->parameters, &optimizer);
}

static bool take_data(struct state *state, const struct setting *settings, struct why *why)
{
	size_t n = or_usual(&settings[SAMPLES], sizes[settings[SIZE].choice].n_samples);
	bool is_read = settings[IMAGES].text[0] || settings[LABELS].text[0];
	if (!is_read)
		draw_digits(state, n, (uint64_t)settings[SEED].number);
	else if (!read_digits(state, settings[IMAGES].text, settings[LABELS].text, why))
		return false;
	make_batches(state, (size_t)settings[BATCH].number);
	state->least_accuracy = is_read ? 0 : least_accuracy(state, settings);
	return true;
}

static void *mlp_prepare(const struct setting *settings, struct why *why)
{
	if (!tensor_simd_use((enum tensor_simd)settings[SIMD].choice)) {
		why_fail(why, "This CPU cannot run simd=%s; choose another or auto.",
			 settings[SIMD].text);
		return NULL;
	}
	struct tensor_device *device = NULL;
	if (settings[DEVICE].choice == 1 &&
	    (!fits_device(settings, why) || !(device = tensor_device_open(why))))
		return NULL;
	struct state *state = allocate(1, sizeof *state);
	state->device = device;
	set_up(state, settings);
	state->save_path = settings[SAVE].text[0] ? strdup(settings[SAVE].text) : NULL;
	if (!take_data(state, settings, why) ||
	    (settings[LOAD].text[0] &&
	     !checkpoint_load(&(struct checkpoint_model){ state->parameters, state->besides },
			      settings[LOAD].text, why)) ||
	    !tensor_device_is_good(state->device, why)) {
		mlp_finish(state);
		return NULL;
	}
	return state;
}

/* Before each pass, Fisher and Yates' shuffle. */
static void shuffle(struct state *state)
{
	for (size_t i = state->learned.n; i > 1; i--) {
		size_t j = (size_t)(random_bits(&state->random) % i);
		uint32_t kept = state->order[i - 1];
		state->order[i - 1] = state->order[j];
		state->order[j] = kept;
	}
}

__attribute__((noinline)) static void gather_batch(struct state *state, size_t first)
{
	for (size_t i = 0; i < state->batch; i++) {
		size_t row = state->order[first + i];
		state->batch_labels[i] = state->learned.labels[row];
		memcpy(state->batch_pixels + i * DIGIT_PIXELS,
		       state->learned.pixels + row * DIGIT_PIXELS, DIGIT_PIXELS * sizeof(float));
	}
}

static double batch_loss(void *opaque, bool wants_gradient)
{
	struct state *state = opaque;
	struct tape_work before = tape_work_done(state->tape);
	tape_reset(state->tape);
	probe_phase_begin("forward");
	struct tensor *logits = forward(state, state->batch_pixels, state->batch);
	tape_scope(state->tape, "loss");
	struct tensor *loss = autograd_cross_entropy(state->tape, logits, state->batch_labels);
	tape_scope(state->tape, NULL);
	probe_phase_end("forward", tape_phase_work(state->tape, &before));
	if (!wants_gradient)
		return (double)*tape_read(state->tape, loss);
	before = tape_work_done(state->tape);
	probe_phase_begin("backward");
	tape_backward(state->tape, loss);
	probe_phase_end("backward", tape_phase_work(state->tape, &before));
	return (double)*tape_read(state->tape, loss);
}

__attribute__((noinline)) static void train_step(struct state *state)
{
	double loss = batch_loss(state, true);
	struct tape_work before = tape_work_done(state->tape);
	probe_phase_begin("update");
	optimizer_step(state->optimizer, state->tape);
	probe_phase_end("update", tape_phase_work(state->tape, &before));
	if (state->n_steps == 0)
		state->first_loss = state->loss = loss;
	state->loss += 0.05 * (loss - state->loss); /* the mean of about twenty batches */
	state->is_finite &= isfinite(loss);
	state->n_steps++;
}

static size_t count_right(struct tape *tape, const struct tensor *logits, const int32_t *labels)
{
	const float *values = tape_read(tape, logits);
	size_t n_right = 0;
	for (size_t row = 0; row < logits->shape.at[0]; row++) {
		const float *at = values + row * DIGIT_CLASSES;
		int best = 0;
		for (int i = 1; i < DIGIT_CLASSES; i++)
			best = at[i] > at[best] ? i : best;
		n_right += best == labels[row];
	}
	return n_right;
}

__attribute__((noinline)) static void evaluate(struct state *state)
{
	struct tape_work before = tape_work_done(state->tape);
	size_t n_right = 0, n = state->asked.n;
	probe_phase_begin("evaluate");
	tape_pause(state->tape);
	for (size_t from = 0; from < n; from += ASKED_AT_ONCE) {
		size_t rows = n - from < ASKED_AT_ONCE ? n - from : ASKED_AT_ONCE;
		tape_reset(state->tape);
		struct tensor *logits =
			forward(state, state->asked.pixels + from * DIGIT_PIXELS, rows);
		n_right += count_right(state->tape, logits, state->asked.labels + from);
	}
	tape_scope(state->tape, NULL);
	tape_resume(state->tape);
	probe_phase_end("evaluate", tape_phase_work(state->tape, &before));
	if (!tensor_device_is_good(state->device, &state->failure))
		return;
	state->accuracy = (double)n_right / (double)n;
	state->n_evaluations++;
	probe_quality("accuracy", state->accuracy);
}

static struct work mlp_work(const void *opaque)
{
	const struct state *state = opaque;
	struct tape_work work = tape_work_done(state->tape);
	return (struct work){ work.flops, work.bytes, (double)(state->n_steps * state->batch) };
}

static void report(struct state *state)
{
	struct work work = mlp_work(state);
	probe_quality("loss", state->loss);
	probe_progress((double)state->n_steps / (double)state->n_wanted);
	probe_work((struct probe_work){ work.flops, work.bytes, work.items });
}

static bool mlp_run(void *opaque)
{
	struct state *state = opaque;
	size_t n_batches = state->learned.n / state->batch, at = state->n_steps % n_batches;
	if (at == 0)
		shuffle(state);
	probe_phase_begin("gather batch");
	gather_batch(state, at * state->batch);
	probe_phase_end("gather batch",
			(struct probe_work){ 0, 8.0 * DIGIT_PIXELS * (double)state->batch, NAN });
	train_step(state);
	if (tensor_device_is_good(state->device, &state->failure))
		report(state);
	if (at + 1 == n_batches)
		evaluate(state);
	if (!tensor_device_is_good(state->device, &state->failure))
		return false; /* mlp_verify says why */
	return state->n_steps < state->n_wanted;
}

/* 2 m n k forward and for the weights of each layer, and for the input of each but the first. */
static double expected_matmul_flops(const struct state *state)
{
	double rows_learned = (double)(state->n_steps * state->batch);
	double rows_asked = (double)(state->n_evaluations * state->asked.n), sum = 0;
	for (size_t i = 0; i < state->n_layers; i++)
		sum += 2 * (double)state->layers[i].weights->n *
		       (rows_learned * (i == 0 ? 2 : 3) + rows_asked);
	return sum;
}

/* What has been learned well has next to no loss, and of that little rounding is a part: the
 * gradient is compared where the loss is large. */
static void make_labels_wrong(struct state *state)
{
	for (size_t i = 0; i < state->batch; i++)
		state->batch_labels[i] = (state->batch_labels[i] + 1) % DIGIT_CLASSES;
}

static bool mlp_verify(void *opaque, struct why *why)
{
	struct state *state = opaque;
	double flops = tape_work_done(state->tape).matmul_flops;
	double expected = expected_matmul_flops(state);
	if (state->failure.text[0])
		return why_fail(why, "%s", state->failure.text);
	if (state->n_steps == 0)
		return true;
	if (!state->is_finite)
		return why_fail(why, "mlp: the loss was not finite; use a smaller rate=.");
	/* However the work has ended: time that is up ends it as well as the last step. */
	const struct checkpoint_model model = { state->parameters, state->besides };
	if (state->save_path && !checkpoint_save(&model, state->save_path, why))
		return false;
	if (flops != expected)
		return why_fail(why, "mlp: %.0f FLOPs counted in products, %.0f expected.", flops,
				expected);
	/* A step small enough to be straight is lost in the rounding to bf16. */
	tape_precision(state->tape, MATMUL_F32);
	make_labels_wrong(state);
	double error = gradient_check(state->parameters, batch_loss, state, 7);
	if (!tensor_device_is_good(state->device, why))
		return false;
	if (!(error <= GRADIENT_CHECK_TOLERANCE))
		return why_fail(why, "mlp: the gradient is off by %.1f %%.", 100 * error);
	if (state->n_evaluations >= EPOCHS_BEFORE_ACCURACY_COUNTS &&
	    state->accuracy < state->least_accuracy)
		return why_fail(why, "mlp: only %.1f %% of unseen digits are read.",
				100 * state->accuracy);
	return true;
}

static void mlp_finish(void *opaque)
{
	struct state *state = opaque;
	optimizer_free(state->optimizer);
	parameters_free(state->parameters);
	tape_free(state->tape);
	tensor_device_close(state->device);
	digits_free(&state->learned);
	digits_free(&state->asked);
	free(state->order);
	free(state->batch_pixels);
	free(state->batch_labels);
	free(state->save_path);
	free(state);
}

static const struct parameter parameters[] = {
	[SIZE] = { "size",
		   "S 784-256-10 (3 MB with Adam), M 784-512-512-10 (14 MB), L three of 2048 (170 "
		   "MB)",
		   PARAMETER_CHOICE, "M", 0, 0, "S|M|L" },
	[HIDDEN] = { "hidden", "units a hidden layer; 0 = by size", PARAMETER_INTEGER, "0", 0,
		     16384, NULL },
	[LAYERS] = { "layers", "hidden ones; 0 = by size", PARAMETER_INTEGER, "0", 0,
		     MOST_LAYERS - 1, NULL },
	[BATCH] = { "batch", "pictures a step", PARAMETER_INTEGER, "128", 1, 16384, NULL },
	[SAMPLES] = { "samples", "pictures to learn from; 0 = by size", PARAMETER_INTEGER, "0", 0,
		      1e6, NULL },
	[IMAGES] = { "images", "IDX file of pictures, as MNIST's; none = generated", PARAMETER_TEXT,
		     "", 0, 0, NULL },
	[LABELS] = { "labels", "IDX file of their digits", PARAMETER_TEXT, "", 0, 0, NULL },
	[EPOCHS] = { "epochs", "passes over them", PARAMETER_INTEGER, "40", 1, 1e5, NULL },
	[ACTIVATION] = { "activation", "between layers", PARAMETER_CHOICE, "relu", 0, 0,
			 "relu|gelu|silu|tanh" },
	[OPTIMIZER] = { "optimizer", "how weights follow gradients", PARAMETER_CHOICE, "adamw", 0,
			0, OPTIMIZER_CHOICES },
	[RATE] = { "rate", "of learning; 0 = the optimizer's usual", PARAMETER_REAL, "0", 0, 10,
		   NULL },
	[MATMUL] = { "matmul", "how matrices are multiplied", PARAMETER_CHOICE, "packed", 0, 0,
		     MATMUL_CHOICES },
	[PRECISION] = { "precision", "of what packed products read; weights stay f32",
			PARAMETER_CHOICE, "f32", 0, 0, MATMUL_PRECISION_CHOICES },
	[MEMORY] = { "alloc", "where tensors come from", PARAMETER_CHOICE, "arena", 0, 0,
		     TAPE_MEMORY_CHOICES },
	[ORDER] = { "topo", "how the backward pass knows what it has seen", PARAMETER_CHOICE,
		    "mark", 0, 0, TAPE_ORDER_CHOICES },
	[SIMD] = { "simd", "which instructions the loops use", PARAMETER_CHOICE, "auto", 0, 0,
		   TENSOR_SIMD_CHOICES },
	[POOL] = CREW_WAITS_PARAMETER,
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[SAVE] = { "save", "file for the weights at the end", PARAMETER_TEXT, "", 0, 0, NULL },
	[LOAD] = { "load", "file of weights to begin with", PARAMETER_TEXT, "", 0, 0, NULL },
	[SEED] = { "seed", "of pictures and weights", PARAMETER_INTEGER, "42", 0, 1e15, NULL },
	[DEVICE] = CUDA_RUN_PARAMETER,
	[WAIT] = TENSOR_DEVICE_WAIT_PARAMETER,
	{ 0 },
};

const struct workload workload_mlp = {
	.name = "mlp",
	.summary = "a network of full layers learns to read digits",
	.teaches =
		"Four fifths of the time is matrix products, and they run close to what the "
		"processor's multipliers can do. matmul=ijp is the same arithmetic with the second "
		"matrix walked down its columns, a new line of cache for each number: a hundred "
		"times slower; ipj and blocked lie between. alloc=malloc takes every tensor from "
		"the allocator: large ones come as fresh pages, and page faults show in the "
		"kernel's "
		"frames. Adam's update reads and writes four arrays for a handful of operations "
		"each, so with size=L it waits for memory while the products do not. With two "
		"threads a step is many short jobs: pool=futex puts them to sleep between these, "
		"and "
		"waking one can take longer than its share of the work. device=cuda "
		"trains on a GPU, with all but the pictures kept there; wait=step lets the program "
		"run ahead of it instead of waiting at the end of every phase.",
	.source = "Rumelhart, Hinton, Williams (Nature 1986); He et al. (ICCV 2015); Loshchilov "
		  "and Hutter (ICLR 2019)",
	.parameters = parameters,
	.prepare = mlp_prepare,
	.run = mlp_run,
	.verify = mlp_verify,
	.work = mlp_work,
	.finish = mlp_finish,
};
