/*
 * A small language model learns a text letter by letter. A unit of work is one step on one batch.
 * On the generated text the least possible loss is known, and the model must come near it and never
 * below.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/probe.h"
#include "workloads/support/checkpoint.h"
#include "workloads/support/crew.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/gpt_model.h"
#include "workloads/support/gpt_text.h"
#include "workloads/support/gradient_check.h"
#include "workloads/support/grammar.h"
#include "workloads/support/optimizer.h"
#include "workloads/support/random.h"
#include "workloads/support/tensor_device.h"
#include "workloads/support/tensor_simd.h"
#include "workloads/workload.h"

enum {
	SIZE,
	BLOCKS,
	WIDTH,
	HEADS,
	LENGTH,
	BATCH,
	STEPS,
	TEXT,
	SAMPLE,
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

/* By size=. */
static const struct {
	size_t n_blocks, width, n_heads, length, batch, n_steps;
	double rate; /* of Adam; larger models want smaller steps */
} sizes[] = {
	{ 2, 64, 2, 64, 16, 600, 3e-3 },
	{ 4, 128, 4, 128, 16, 1500, 2e-3 },
	{ 6, 384, 6, 256, 8, 2000, 6e-4 },
};

enum {
	TEXT_BYTES = 1000000,
	WARMUP_STEPS = 40, /* without it the first, wildest gradients set Adam's means */
	EVALUATE_EVERY = 100,
	WINDOWS_ASKED = 32, /* 2048 letters and more: the loss to about 0.01 */
	WINDOWS_AT_ONCE = 8,
	MOST_SAMPLE = 4096,
	BESIDES_BYTES = 640, /* two digits of each letter there may be, and the rest */
};

/* sgd and momentum want far larger steps than Adam's. */
static const double rate_factors[] = { 100, 30, 1, 1 };

/* After the default steps the loss lay 0.007 nats above the floor (size S, seeds 3 and 4), after
 * 300 of size M 0.006. It cannot be below but by luck with the words of the windows. */
static const double MOST_EXCESS = 0.03, LUCK = 0.01;

struct state {
	struct tensor_device *device; /* NULL: device=cpu */
	struct tape *tape;
	struct gpt_model model;
	struct gpt_text text;
	struct optimizer *optimizer;
	size_t length, batch, n_sample;
	int32_t *inputs, *targets;
	struct random random;
	uint64_t n_steps, n_wanted;
	double rate, expected_flops;
	double loss, first_loss, validation_loss, floor; /* floor: NaN for a file */
	bool is_finite, is_usual;
	char *save_path, besides[BESIDES_BYTES]; /* its weights */
	struct why failure;                      /* of the device */
};

static size_t or_usual(const struct setting *setting, size_t usual)
{
	return setting->number > 0 ? (size_t)setting->number : usual;
}

/* Windows of the text into the batch; targets are the letters that come next. */
static void take_window(struct state *state, const struct gpt_tokens *from, size_t place,
			size_t row)
{
	const int32_t *tokens = from->tokens + place;
	memcpy(state->inputs + row * state->length, tokens, state->length * sizeof *tokens);
	memcpy(state->targets + row * state->length, tokens + 1, state->length * sizeof *tokens);
}

static double batch_loss(void *opaque, bool wants_gradient)
{
	struct state *state = opaque;
	struct tape *tape = state->tape;
	struct tape_work before = tape_work_done(tape);
	tape_reset(tape);
	probe_phase_begin("forward");
	struct tensor *logits =
		gpt_model_logits(&state->model, tape, state->inputs, state->batch, state->length);
	tape_scope(tape, "loss");
	struct tensor *loss = autograd_cross_entropy(tape, logits, state->targets);
	tape_scope(tape, NULL);
	probe_phase_end("forward", tape_phase_work(tape, &before));
	state->expected_flops +=
		gpt_model_flops(&state->model, state->batch, state->length, wants_gradient);
	if (!wants_gradient)
		return (double)*tape_read(tape, loss);
	before = tape_work_done(tape);
	probe_phase_begin("backward");
	tape_backward(tape, loss);
	probe_phase_end("backward", tape_phase_work(tape, &before));
	return (double)*tape_read(tape, loss);
}

/* Up over the first steps, then down along a cosine to a tenth (Loshchilov and Hutter, 2017). */
static double rate_now(const struct state *state)
{
	double done = (double)state->n_steps / (double)state->n_wanted;
	double warm = fmin(1, (double)(state->n_steps + 1) / WARMUP_STEPS);
	return state->rate * warm * (0.55 + 0.45 * cos(3.141592653589793 * done));
}

__attribute__((noinline)) static void train_step(struct state *state)
{
	for (size_t row = 0; row < state->batch; row++)
		take_window(state, &state->text.train,
			    gpt_text_draw(&state->text.train, state->length, &state->random), row);
	double loss = batch_loss(state, true);
	struct tape_work before = tape_work_done(state->tape);
	probe_phase_begin("update");
	optimizer_rate(state->optimizer, rate_now(state));
	optimizer_step(state->optimizer, state->tape);
	probe_phase_end("update", tape_phase_work(state->tape, &before));
	if (state->n_steps == 0)
		state->first_loss = state->loss = loss;
	state->loss += 0.05 * (loss - state->loss); /* the mean of about twenty batches */
	state->is_finite &= isfinite(loss);
	state->n_steps++;
}

/* The loss on windows that are always the same; floor: what the grammar's author would lose. */
__attribute__((noinline)) static void evaluate(struct state *state)
{
	const struct gpt_tokens *from = &state->text.validation;
	size_t kept = state->batch, length = state->length;
	double sum = 0, floor = 0;
	probe_phase_begin("evaluate");
	tape_pause(state->tape);
	state->batch = kept < WINDOWS_AT_ONCE ? kept : WINDOWS_AT_ONCE;
	for (size_t first = 0; first < WINDOWS_ASKED; first += state->batch) {
		for (size_t row = 0; row < state->batch; row++) {
			size_t place = gpt_text_window(from, length, first + row,
						       WINDOWS_ASKED + WINDOWS_AT_ONCE);
			take_window(state, from, place, row);
			for (size_t i = 1; i <= length && from->information; i++)
				floor += (double)from->information[place + i] /
					 (double)(length * state->batch);
		}
		sum += batch_loss(state, false);
	}
	double n_batches = ceil((double)WINDOWS_ASKED / (double)state->batch);
	state->batch = kept;
	tape_resume(state->tape);
	probe_phase_end("evaluate", PROBE_UNKNOWN);
	if (!tensor_device_is_good(state->device, &state->failure))
		return;
	state->validation_loss = sum / n_batches;
	probe_quality("validation loss", state->validation_loss);
	if (from->information) {
		state->floor = floor / n_batches;
		probe_quality("least possible", state->floor);
	}
}

static int32_t draw_token(struct state *state, const float *logits)
{
	double total = 0, left = random_unit(&state->random);
	size_t n = state->model.shape.n_vocabulary;
	float most = logits[0];
	for (size_t i = 1; i < n; i++)
		most = fmaxf(most, logits[i]);
	for (size_t i = 0; i < n; i++)
		total += exp((double)(logits[i] - most));
	for (size_t i = 0; i + 1 < n; i++) {
		left -= exp((double)(logits[i] - most)) / total;
		if (left < 0)
			return (int32_t)i;
	}
	return (int32_t)(n - 1);
}

/* Letters from the model, each after a look at all before it, on the child's own terminal. */
__attribute__((noinline)) static void write_sample(struct state *state)
{
	size_t n = 1, most = state->n_sample < state->length ? state->n_sample : state->length;
	int32_t *tokens = allocate(most ? most : 1, sizeof *tokens);
	tokens[0] = state->text.validation.tokens[0];
	probe_phase_begin("sample");
	tape_pause(state->tape);
	for (; n < most; n++) {
		tape_reset(state->tape);
		struct tensor *logits = gpt_model_logits(&state->model, state->tape, tokens, 1, n);
		state->expected_flops += gpt_model_flops(&state->model, 1, n, false);
		const float *last =
			tape_read(state->tape, logits) + (n - 1) * state->model.shape.n_vocabulary;
		tokens[n] = draw_token(state, last);
	}
	tape_resume(state->tape);
	probe_phase_end("sample", PROBE_UNKNOWN);
	printf("step %llu, loss %.3f: ", (unsigned long long)state->n_steps,
	       state->validation_loss);
	for (size_t i = 1; i < n; i++) {
		unsigned char letter = state->text.letters[tokens[i]];
		putchar(letter == '\n' ? ' ' : letter < ' ' || letter > '~' ? '?' : letter);
	}
	putchar('\n');
	fflush(stdout);
	free(tokens);
}

static void gpt_finish(void *opaque);

static bool read_text(struct state *state, const struct setting *settings, struct why *why)
{
	bool is_good = true;
	probe_phase_begin("read text");
	if (settings[TEXT].text[0])
		is_good = gpt_text_read(&state->text, settings[TEXT].text, state->length, why);
	else
		gpt_text_generate(&state->text, TEXT_BYTES, (uint64_t)settings[SEED].number);
	probe_phase_end("read text", PROBE_UNKNOWN);
	if (is_good && state->text.validation.information)
		probe_quality("entropy", grammar_entropy());
	return is_good;
}

/* Heads share one matrix, and rows of the embedding are letters of the text. */
static void describe(struct state *state, size_t n_heads)
{
	int n = snprintf(state->besides, BESIDES_BYTES, "heads=%zu letters=", n_heads);
	for (size_t i = 0; i < state->text.n_vocabulary; i++)
		n += snprintf(state->besides + n, BESIDES_BYTES - (size_t)n, "%02x",
			      (unsigned)state->text.letters[i]);
}

static bool make_model(struct state *state, const struct setting *settings, struct why *why)
{
	int size = settings[SIZE].choice;
	struct gpt_shape shape = { .n_vocabulary = state->text.n_vocabulary,
				   .n_blocks = or_usual(&settings[BLOCKS], sizes[size].n_blocks),
				   .width = or_usual(&settings[WIDTH], sizes[size].width),
				   .n_heads = or_usual(&settings[HEADS], sizes[size].n_heads),
				   .length = state->length };
	enum optimizer_kind kind = (enum optimizer_kind)settings[OPTIMIZER].choice;
	struct optimizer_settings optimizer = optimizer_defaults(kind, 0);
	if (shape.width % (2 * shape.n_heads) != 0)
		return why_fail(why, "width=%zu does not divide into %zu heads of even width.",
				shape.width, shape.n_heads);
	gpt_model_make(&state->model, &shape, (uint64_t)settings[SEED].number);
	gpt_model_to_device(&state->model, state->device);
	/* As is usual for language models: Brown et al., "GPT-3" (2020), appendix B. */
	optimizer.beta2 = 0.95;
	optimizer.decay = kind == OPTIMIZER_ADAMW ? 0.1 : 0;
	optimizer.most_norm = 1;
	state->optimizer = optimizer_new(state->model.parameters, &optimizer);
	state->rate = settings[RATE].number > 0 ? settings[RATE].number
						: sizes[size].rate * rate_factors[kind];
	describe(state, shape.n_heads);
	return (!settings[LOAD].text[0] ||
		checkpoint_load(
			&(struct checkpoint_model){ state->model.parameters, state->besides },
			settings[LOAD].text, why)) &&
	       tensor_device_is_good(state->device, why);
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
	state->tape = tape_new(&tape);
	state->random.state = (uint64_t)settings[SEED].number + 1;
	state->length = or_usual(&settings[LENGTH], sizes[size].length);
	state->batch = or_usual(&settings[BATCH], sizes[size].batch);
	state->n_wanted = or_usual(&settings[STEPS], sizes[size].n_steps);
	state->n_sample = (size_t)settings[SAMPLE].number;
	size_t n =
		(state->batch > WINDOWS_AT_ONCE ? state->batch : WINDOWS_AT_ONCE) * state->length;
	state->inputs = allocate(n, sizeof *state->inputs);
	state->targets = allocate(n, sizeof *state->targets);
	state->floor = NAN;
	state->is_finite = true;
	state->is_usual = settings[RATE].number == 0 && settings[BLOCKS].number == 0 &&
			  settings[WIDTH].number == 0 && settings[HEADS].number == 0 &&
			  settings[LENGTH].number == 0 && settings[BATCH].number == 0 &&
			  settings[OPTIMIZER].choice >= OPTIMIZER_ADAM &&
			  state->n_wanted >= sizes[size].n_steps;
	state->save_path = settings[SAVE].text[0] ? strdup(settings[SAVE].text) : NULL;
}

static bool fits_device(const struct setting *settings, struct why *why)
{
	return settings[MATMUL].choice + settings[PRECISION].choice + settings[SIMD].choice == 0 ||
	       why_fail(why, TENSOR_DEVICE_REFUSED);
}

static void *gpt_prepare(const struct setting *settings, struct why *why)
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
	if (!read_text(state, settings, why) || !make_model(state, settings, why)) {
		gpt_finish(state);
		return NULL;
	}
	return state;
}

static struct work gpt_work(const void *opaque)
{
	const struct state *state = opaque;
	struct tape_work work = tape_work_done(state->tape);
	return (struct work){ work.flops, work.bytes,
			      (double)(state->n_steps * state->batch * state->length) };
}

static bool gpt_run(void *opaque)
{
	struct state *state = opaque;
	train_step(state);
	bool is_last = state->n_steps >= state->n_wanted;
	if (!tensor_device_is_good(state->device, &state->failure))
		return false; /* gpt_verify says why */
	if (state->n_steps % EVALUATE_EVERY == 0 || is_last) {
		evaluate(state);
		if (state->n_sample > 1 && tensor_device_is_good(state->device, NULL))
			write_sample(state);
	}
	if (!tensor_device_is_good(state->device, &state->failure))
		return false;
	struct work work = gpt_work(state);
	probe_quality("loss", state->loss);
	probe_progress((double)state->n_steps / (double)state->n_wanted);
	probe_work((struct probe_work){ work.flops, work.bytes, work.items });
	return !is_last;
}

/* A letter that is changed must leave what is said of all letters before it bit for bit the same.
 */
static bool is_causal(struct state *state)
{
	size_t n_vocabulary = state->model.shape.n_vocabulary, changed = state->length / 2;
	size_t bytes = changed * n_vocabulary * sizeof(float);
	float *before = allocate(bytes, 1);
	bool is_same = false, differs = false;
	take_window(state, &state->text.validation, 0, 0);
	for (int turn = 0; turn < 2; turn++) {
		tape_reset(state->tape);
		struct tensor *logits = gpt_model_logits(&state->model, state->tape, state->inputs,
							 1, state->length);
		if (turn == 0) {
			memcpy(before, tape_read(state->tape, logits), bytes);
			state->inputs[changed] =
				(state->inputs[changed] + 1) % (int32_t)n_vocabulary;
			differs = n_vocabulary > 1;
		} else {
			is_same = memcmp(before, tape_read(state->tape, logits), bytes) == 0;
		}
	}
	free(before);
	return is_same || !differs;
}

static bool verify_loss(struct state *state, struct why *why)
{
	evaluate(state);
	if (!tensor_device_is_good(state->device, why))
		return false;
	double excess = state->validation_loss - state->floor; /* NaN for a file */
	if (excess < -LUCK)
		return why_fail(why, "gpt: a loss of %.4f is below the least possible, %.4f.",
				state->validation_loss, state->floor);
	if (state->is_usual && state->n_steps >= state->n_wanted && excess > MOST_EXCESS)
		return why_fail(why,
				"gpt: a loss of %.4f is too far above the least possible %.4f.",
				state->validation_loss, state->floor);
	return true;
}

static bool gpt_verify(void *opaque, struct why *why)
{
	struct state *state = opaque;
	double flops = tape_work_done(state->tape).matmul_flops;
	if (state->failure.text[0])
		return why_fail(why, "%s", state->failure.text);
	if (state->n_steps == 0)
		return true;
	if (!state->is_finite)
		return why_fail(why, "gpt: the loss was not finite; use a smaller rate=.");
	/* However the work has ended: time that is up ends it as well as the last step. */
	const struct checkpoint_model model = { state->model.parameters, state->besides };
	if (state->save_path && !checkpoint_save(&model, state->save_path, why))
		return false;
	if (flops != state->expected_flops)
		return why_fail(why, "gpt: %.0f FLOPs counted in products, %.0f expected.", flops,
				state->expected_flops);
	if (!verify_loss(state, why))
		return false;
	tape_pause(state->tape);
	bool sees_no_future = is_causal(state);
	tape_resume(state->tape);
	if (!sees_no_future)
		return why_fail(why, "gpt: a later letter changes what is said before it.");
	for (size_t row = 0; row < state->batch; row++)
		take_window(state, &state->text.train,
			    gpt_text_window(&state->text.train, state->length, row, state->batch),
			    row);
	/* A step small enough to be straight is lost in the rounding to bf16. */
	tape_precision(state->tape, MATMUL_F32);
	double error = gradient_check(state->model.parameters, batch_loss, state, 7);
	if (!tensor_device_is_good(state->device, why))
		return false;
	return error <= GRADIENT_CHECK_TOLERANCE ||
	       why_fail(why, "gpt: the gradient is off by %.1f %%.", 100 * error);
}

static void gpt_finish(void *opaque)
{
	struct state *state = opaque;
	optimizer_free(state->optimizer);
	gpt_model_free(&state->model);
	gpt_text_free(&state->text);
	tape_free(state->tape);
	tensor_device_close(state->device);
	free(state->inputs);
	free(state->targets);
	free(state->save_path);
	free(state);
}

static const struct parameter parameters[] = {
	[SIZE] = { "size", "S 2 blocks of 64 (27 MB), M 4 of 128 (200 MB), L 6 of 384 (1 GB)",
		   PARAMETER_CHOICE, "M", 0, 0, "S|M|L" },
	[BLOCKS] = { "blocks", "0 = by size", PARAMETER_INTEGER, "0", 0, GPT_MOST_BLOCKS, NULL },
	[WIDTH] = { "width", "of a letter's vector; 0 = by size", PARAMETER_INTEGER, "0", 0, 4096,
		    NULL },
	[HEADS] = { "heads", "of attention; 0 = by size", PARAMETER_INTEGER, "0", 0, 64, NULL },
	[LENGTH] = { "length", "letters it sees at once; 0 = by size", PARAMETER_INTEGER, "0", 0,
		     MOST_SAMPLE, NULL },
	[BATCH] = { "batch", "windows a step; 0 = by size", PARAMETER_INTEGER, "0", 0, 1024, NULL },
	[STEPS] = { "steps", "0 = by size", PARAMETER_INTEGER, "0", 0, 1e7, NULL },
	[TEXT] = { "text", "file to learn; none = sentences of a grammar", PARAMETER_TEXT, "", 0, 0,
		   NULL },
	[SAMPLE] = { "sample", "letters to write after every 100 steps", PARAMETER_INTEGER, "64", 0,
		     MOST_SAMPLE, NULL },
	[OPTIMIZER] = { "optimizer", "how weights follow gradients", PARAMETER_CHOICE, "adamw", 0,
			0, OPTIMIZER_CHOICES },
	[RATE] = { "rate", "of learning; 0 = by size and optimizer", PARAMETER_REAL, "0", 0, 10,
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
	[SEED] = { "seed", "of text and weights", PARAMETER_INTEGER, "42", 0, 1e15, NULL },
	[DEVICE] = CUDA_RUN_PARAMETER,
	[WAIT] = TENSOR_DEVICE_WAIT_PARAMETER,
	{ 0 },
};

const struct workload workload_gpt = {
	.name = "gpt",
	.summary = "a small language model learns a text letter by letter",
	.teaches =
		"A training step as in the large models, in small: products of matrices beside "
		"norms, softmax, rotations and SwiGLU, each with its gradient and a phase for "
		"every "
		"block. The smaller the model, the more of the time goes to what is not a product "
		"(size=S), the longer the window, the more to attention, which grows with its "
		"square (length=). The text is generated from a grammar whose entropy is known: "
		"the "
		"loss comes down to it and cannot go below; one that does would see the future. "
		"precision=bf16 rounds what products read to 8 bits, which processors with AMX or "
		"AVX512-BF16 multiply faster; weights and sums stay in single precision, and the "
		"loss ends as low. size=L reads and writes a gigabyte a step, and the time a "
		"letter shows it. device=cuda trains on a GPU, with all but the letters kept "
		"there; "
		"wait=step lets the program run ahead of it instead of waiting at the end of every "
		"phase.",
	.source = "Vaswani et al. (NIPS 2017); Touvron et al., LLaMA (2023); Su et al. (2021)",
	.parameters = parameters,
	.prepare = gpt_prepare,
	.run = gpt_run,
	.verify = gpt_verify,
	.work = gpt_work,
	.finish = gpt_finish,
};
