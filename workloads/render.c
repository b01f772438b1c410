/*
 * A renderer that runs backwards: given a picture of a sphere, find where the sphere is, how large
 * and of what colour, by following the gradient of the difference between that picture and its own.
 * A unit of work is one step; when the sphere is found the search begins anew.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sampler/base/probe.h"
#include "workloads/support/half_blocks.h"
#include "workloads/support/optimizer.h"
#include "workloads/support/render_scene.h"
#include "workloads/support/tensor_simd.h"
#include "workloads/workload.h"

enum {
	VERSION,
	SIZE,
	WIDTH,
	STEPS,
	ROUNDS,
	OPTIMIZER,
	RATE,
	PREVIEW,
	MEMORY,
	ORDER,
	SIMD,
	THREADS
};

enum { COLUMNS, FUSED, SCALARS }; /* the choices of version= */

static const size_t widths[][3] = { { 48, 256, 1024 }, { 48, 256, 1024 }, { 16, 32, 64 } };

/* The scene to be found and where the search begins: of version=scalars in the second row, of the
 * others in the first. Logarithms of the radii. */
static const double truths[2][RENDER_VALUES] = {
	{ 0, 0, -3, 0, 0.85, 0.35, 0.30 },
	{ 0, 0, -0.5, -1.6094379124341003, 0, 0, 0 }, /* radius 0.2 */
};
static const double starts[2][RENDER_VALUES] = {
	{ 0.3, -0.2, -3.4, -0.5108256237659907, 0.5, 0.5, 0.5 }, /* radius 0.6 */
	{ 0.1, -0.08, -0.45, -2.120263536200091, 0, 0, 0 },      /* radius 0.12 */
};

/* What each optimiser does well with, by the scene, and how many steps it then needs. */
static const double usual_rates[2][4] = { { 0.2, 0.02, 0.02, 0.02 }, { 0.02, 0.002, 0.01, 0.01 } };
static const uint64_t usual_steps[] = { 400, 400, 1500, 1500 };

/* 400 plain steps at 48 x 48 lower the loss 2169-fold in double (our own check of the method);
 * Adam finds all seven values within 0.001 in 1500. */
static const double LEAST_RATIO = 2000, MOST_RATIO = 2400, MOST_ERROR = 0.005;
enum { JUDGED_WIDTH = 48, JUDGED_SGD_STEPS = 400, JUDGED_ADAM_STEPS = 1500 };

/* A preview of two pictures is about 17 KB; the screen keeps the first 4 MiB of a program's output.
 */
enum { PREVIEW_COLUMNS = 36, QUICK_PREVIEWS = 80 };
static const double QUICK_PREVIEW_SECONDS = 0.25, SLOW_PREVIEW_SECONDS = 2;

struct state {
	struct tape *tape;
	struct render_view view;
	struct render_model model;
	struct optimizer *optimizer;
	struct optimizer_settings settings;
	int version, scene;
	float *targets[RENDER_CHANNELS], *picture[RENDER_CHANNELS];
	uint64_t n_steps, n_round_steps, n_rounds, n_done;
	double first_loss, loss, ratio; /* of the last whole round */
	double found[RENDER_VALUES];
	bool is_finite, shows_preview;
	unsigned n_previews;
	double next_preview;
};

static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The loss of the model's picture against the targets; the picture stays in state->picture. */
__attribute__((noinline)) static struct tensor *draw(struct state *state,
						     const struct render_model *model)
{
	struct tensor *channels[RENDER_CHANNELS];
	tape_reset(state->tape);
	if (state->version == SCALARS)
		return render_scalars(model, state->tape, &state->view, state->targets[0],
				      state->picture[0]);
	if (state->version == FUSED)
		return render_fused(model, state->tape, &state->view, state->targets,
				    state->picture);
	render_columns(model, state->tape, &state->view, channels);
	for (int i = 0; i < RENDER_CHANNELS; i++)
		state->picture[i] = channels[i]->data;
	return render_loss(state->tape, channels, state->targets);
}

static void make_targets(struct state *state)
{
	struct render_model truth;
	render_model_make(&truth, truths[state->scene]);
	for (int i = 0; i < RENDER_CHANNELS; i++)
		state->targets[i] = allocate(state->view.n, sizeof(float));
	for (int i = 0; i < RENDER_CHANNELS && state->version != COLUMNS; i++)
		state->picture[i] = allocate(state->view.n, sizeof(float));
	probe_phase_begin("target");
	tape_pause(state->tape);
	draw(state, &truth);
	for (int i = 0; i < RENDER_CHANNELS; i++) {
		int from = state->version == SCALARS ? 0 : i;
		memcpy(state->targets[i], state->picture[from], state->view.n * sizeof(float));
	}
	tape_resume(state->tape);
	probe_phase_end("target", PROBE_UNKNOWN);
	render_model_free(&truth);
}

/* The model itself stays; its values and the optimiser's memory begin anew. */
static void start_round(struct state *state)
{
	for (int i = 0; i < RENDER_VALUES; i++)
		*state->model.values[i]->data = (float)starts[state->scene][i];
	optimizer_free(state->optimizer);
	state->optimizer = optimizer_new(state->model.parameters, &state->settings);
}

static void *render_prepare(const struct setting *settings, struct why *why)
{
	if (!tensor_simd_use((enum tensor_simd)settings[SIMD].choice)) {
		why_fail(why, "This CPU cannot run simd=%s; choose another or auto.",
			 settings[SIMD].text);
		return NULL;
	}
	struct state *state = allocate(1, sizeof *state);
	struct tape_settings tape = { .memory = (enum tape_memory)settings[MEMORY].choice,
				      .order = (enum tape_order)settings[ORDER].choice,
				      .n_threads = (unsigned)settings[THREADS].number,
				      .reports_scopes = true };
	enum optimizer_kind kind = (enum optimizer_kind)settings[OPTIMIZER].choice;
	state->version = settings[VERSION].choice;
	state->scene = state->version == SCALARS;
	size_t width = settings[WIDTH].number > 0 ? (size_t)settings[WIDTH].number
						  : widths[state->version][settings[SIZE].choice];
	double rate =
		settings[RATE].number > 0 ? settings[RATE].number : usual_rates[state->scene][kind];
	state->tape = tape_new(&tape);
	render_view_make(&state->view, width, width);
	state->settings = optimizer_defaults(kind, rate);
	state->n_round_steps =
		settings[STEPS].number > 0 ? (uint64_t)settings[STEPS].number : usual_steps[kind];
	state->n_rounds = (uint64_t)settings[ROUNDS].number;
	state->shows_preview = settings[PREVIEW].choice == 1 ||
			       (settings[PREVIEW].choice == 0 && isatty(STDOUT_FILENO));
	state->is_finite = true;
	render_model_make(&state->model, starts[state->scene]);
	make_targets(state);
	start_round(state);
	return state;
}

static struct half_blocks_picture picture_of(const struct state *state, float *const *channels)
{
	bool is_grey = state->version == SCALARS;
	return (struct half_blocks_picture){
		{ channels[0], channels[is_grey ? 0 : 1], channels[is_grey ? 0 : 2] },
		state->view.width,
		state->view.height,
	};
}

/* Beside each other what is sought and what is found so far. */
static void show_preview(struct state *state)
{
	double now = now_seconds();
	if (!state->shows_preview || now < state->next_preview)
		return;
	struct half_blocks_picture pictures[] = { picture_of(state, state->targets),
						  picture_of(state, state->picture) };
	probe_phase_begin("preview");
	half_blocks_print(stdout, pictures, 2, PREVIEW_COLUMNS, state->n_previews == 0);
	printf("wanted, found; round %llu step %llu, loss %.3g   \r\n",
	       (unsigned long long)state->n_done + 1,
	       (unsigned long long)(state->n_steps % state->n_round_steps), state->loss);
	fflush(stdout);
	probe_phase_end("preview", PROBE_UNKNOWN);
	state->n_previews++;
	state->next_preview = now + (state->n_previews < QUICK_PREVIEWS ? QUICK_PREVIEW_SECONDS
									: SLOW_PREVIEW_SECONDS);
}

static struct probe_work work_since(const struct state *state, const struct tape_work *before)
{
	struct tape_work now = tape_work_done(state->tape);
	return (struct probe_work){ now.flops - before->flops, now.bytes - before->bytes, NAN };
}

__attribute__((noinline)) static void search_step(struct state *state)
{
	struct tape_work before = tape_work_done(state->tape);
	probe_phase_begin("forward");
	struct tensor *loss = draw(state, &state->model);
	probe_phase_end("forward", work_since(state, &before));
	state->loss = (double)*loss->data;
	state->is_finite &= isfinite(state->loss);
	show_preview(state);
	before = tape_work_done(state->tape);
	probe_phase_begin("backward");
	tape_backward(state->tape, loss);
	probe_phase_end("backward", work_since(state, &before));
	probe_phase_begin("update");
	optimizer_step(state->optimizer, state->tape);
	probe_phase_end("update", PROBE_UNKNOWN);
	if (state->n_steps % state->n_round_steps == 0)
		state->first_loss = state->loss;
	state->n_steps++;
}

static void end_round(struct state *state)
{
	tape_pause(state->tape);
	state->loss = (double)*draw(state, &state->model)->data;
	tape_resume(state->tape);
	state->ratio = state->first_loss / state->loss;
	for (int i = 0; i < RENDER_VALUES; i++)
		state->found[i] = (double)*state->model.values[i]->data;
	state->found[RENDER_LOG_RADIUS] = exp(state->found[RENDER_LOG_RADIUS]);
	probe_quality("loss ratio", state->ratio);
	probe_quality("found z", state->found[2]);
	probe_quality("found radius", state->found[RENDER_LOG_RADIUS]);
	state->n_done++;
}

static struct work render_work(const void *opaque)
{
	const struct state *state = opaque;
	struct tape_work work = tape_work_done(state->tape);
	return (struct work){ work.flops, work.bytes,
			      (double)state->n_steps * (double)state->view.n };
}

static bool render_run(void *opaque)
{
	struct state *state = opaque;
	search_step(state);
	probe_quality("loss", state->loss);
	if (state->n_steps % state->n_round_steps == 0) {
		probe_quality("tensors", (double)tape_count_tensors(state->tape));
		end_round(state);
		if (state->n_done < state->n_rounds)
			start_round(state);
	}
	struct work work = render_work(state);
	probe_work((struct probe_work){ work.flops, work.bytes, work.items });
	probe_progress((double)state->n_steps / (double)(state->n_round_steps * state->n_rounds));
	return state->n_done < state->n_rounds;
}

/* The loss by plain arithmetic in double. */
static double reference_loss(const struct render_view *view, const double *values,
			     float *const *targets)
{
	double sum = 0;
	for (size_t i = 0; i < view->n; i++) {
		double colour[RENDER_CHANNELS];
		double direction[] = { (double)view->directions[0][i],
				       (double)view->directions[1][i],
				       (double)view->directions[2][i] };
		render_pixel(values, direction, colour);
		for (int j = 0; j < RENDER_CHANNELS; j++)
			sum += pow(colour[j] - (double)targets[j][i], 2);
	}
	return sum / (double)(RENDER_CHANNELS * view->n);
}

/* All seven gradients at the usual place of the sphere against differences in double. */
static bool check_gradients(struct state *state, struct why *why)
{
	static const double place[RENDER_VALUES] = { 0.25, -0.15, -3.2, -0.2231435513142097,
						     0.5,  0.5,   0.5 };
	struct render_model model;
	bool is_good = true;
	render_model_make(&model, place);
	tape_backward(state->tape, draw(state, &model));
	for (int i = 0; i < RENDER_VALUES && is_good; i++) {
		double above[RENDER_VALUES], below[RENDER_VALUES], h = 1e-5;
		memcpy(above, place, sizeof above);
		memcpy(below, place, sizeof below);
		above[i] += h;
		below[i] -= h;
		double right = (reference_loss(&state->view, above, state->targets) -
				reference_loss(&state->view, below, state->targets)) /
			       (2 * h);
		double found = (double)*model.values[i]->gradient;
		/* A pixel that the rim just touches has a root of nearly 0, whose slope has no
		 * bound: larger pictures hold more of them. At 256 x 256 we saw 1.1 %. */
		if (!(fabs(found - right) <= 1e-5 + 0.03 * fabs(right)))
			is_good = why_fail(why, "render: gradient %d is %.6g and should be %.6g.",
					   i, found, right);
	}
	render_model_free(&model);
	return is_good;
}

/* Two of the sizes tell the work of all, if every operation is counted for every pixel. */
static bool check_work(struct state *state, struct why *why)
{
	double flops[3];
	struct render_view kept = state->view;
	for (size_t i = 0; i < 3; i++) {
		double before = tape_work_done(state->tape).flops;
		state->view.n = i < 2 ? i + 1 : kept.n;
		tape_backward(state->tape, draw(state, &state->model));
		flops[i] = tape_work_done(state->tape).flops - before;
	}
	state->view = kept;
	double expected = flops[0] + (flops[1] - flops[0]) * ((double)kept.n - 1);
	return flops[2] == expected ||
	       why_fail(why, "render: %.0f FLOPs counted in a step, %.0f expected.", flops[2],
			expected);
}

static bool check_search(const struct state *state, struct why *why)
{
	bool is_usual = state->settings.rate == usual_rates[0][state->settings.kind] &&
			state->scene == 0 && state->view.width == JUDGED_WIDTH;
	if (state->version == SCALARS &&
	    state->settings.rate <= usual_rates[1][state->settings.kind] && !(state->ratio > 1))
		return why_fail(why, "render: the loss did not fall.");
	if (is_usual && state->settings.kind == OPTIMIZER_SGD &&
	    state->n_round_steps == JUDGED_SGD_STEPS &&
	    !(state->ratio > LEAST_RATIO && state->ratio < MOST_RATIO))
		return why_fail(why, "render: %d steps lowered the loss %.0f-fold, not 2169-fold.",
				JUDGED_SGD_STEPS, state->ratio);
	if (!is_usual || state->settings.kind < OPTIMIZER_ADAM ||
	    state->n_round_steps < JUDGED_ADAM_STEPS)
		return true;
	for (int i = 0; i < RENDER_VALUES; i++) {
		double right = i == RENDER_LOG_RADIUS ? 1 : truths[0][i];
		if (!(fabs(state->found[i] - right) <= MOST_ERROR))
			return why_fail(why, "render: value %d was found as %.4f, not %.4f.", i,
					state->found[i], right);
	}
	return true;
}

static bool render_verify(void *opaque, struct why *why)
{
	struct state *state = opaque;
	if (!state->is_finite)
		return why_fail(why, "render: the loss was not finite; use a smaller rate=.");
	if (state->scene == 0 && !check_gradients(state, why))
		return false;
	return check_work(state, why) && (state->n_done == 0 || check_search(state, why));
}

static void render_finish(void *opaque)
{
	struct state *state = opaque;
	optimizer_free(state->optimizer);
	render_model_free(&state->model);
	render_view_free(&state->view);
	tape_free(state->tape);
	for (int i = 0; i < RENDER_CHANNELS; i++) {
		free(state->targets[i]);
		if (state->version != COLUMNS)
			free(state->picture[i]);
	}
	free(state);
}

static const struct parameter parameters[] = {
	[VERSION] = { "version", "whole pictures at a time, all in one pass, or single numbers",
		      PARAMETER_CHOICE, "columns", 0, 0, "columns|fused|scalars" },
	[SIZE] = { "size",
		   "columns: S 48 (1 MB), M 256 (29 MB), L 1024 (460 MB); scalars: 16, 32, 64 (2, "
		   "8, 31 MB)",
		   PARAMETER_CHOICE, "M", 0, 0, "S|M|L" },
	[WIDTH] = { "width", "and height in pixels; 0 = by size", PARAMETER_INTEGER, "0", 0, 4096,
		    NULL },
	[STEPS] = { "steps", "of a search; 0 = 400, with adam 1500", PARAMETER_INTEGER, "0", 0, 1e7,
		    NULL },
	[ROUNDS] = { "rounds", "searches", PARAMETER_INTEGER, "20", 1, 1e6, NULL },
	[OPTIMIZER] = { "optimizer", "how values follow gradients", PARAMETER_CHOICE, "sgd", 0, 0,
			OPTIMIZER_CHOICES },
	[RATE] = { "rate", "of the search; 0 = by optimizer", PARAMETER_REAL, "0", 0, 10, NULL },
	[PREVIEW] = { "preview", "show the pictures; auto = on a terminal", PARAMETER_CHOICE,
		      "auto", 0, 0, "auto|on|off" },
	[MEMORY] = { "alloc", "where tensors come from", PARAMETER_CHOICE, "arena", 0, 0,
		     TAPE_MEMORY_CHOICES },
	[ORDER] = { "topo", "how the backward pass knows what it has seen", PARAMETER_CHOICE,
		    "mark", 0, 0, TAPE_ORDER_CHOICES },
	[SIMD] = { "simd", "which instructions the loops use", PARAMETER_CHOICE, "auto", 0, 0,
		   TENSOR_SIMD_CHOICES },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	{ 0 },
};

const struct workload workload_render = {
	.name = "render",
	.summary = "a renderer run backwards: find a sphere from its picture by gradients",
	.teaches =
		"version=scalars topo=scan is how such programs begin, and its flame graph is one "
		"broad box: to order the backward pass it looks for each of thousands of tensors "
		"in the list of those it has seen. topo=mark asks the tensor itself, and what "
		"is left is making tensors (try alloc=malloc). version=columns does the same for "
		"whole pictures: some seventy passes, each reading a column and writing one, so "
		"the size "
		"decides: 48 stays in the second-level cache, 1024 waits for memory in every pass. "
		"version=fused keeps everything between the rays and the gradients in registers: "
		"the same arithmetic, a twentieth of the traffic.",
	.source = "Liu et al., Soft rasterizer (ICCV 2019); Loper and Black, OpenDR (ECCV 2014)",
	.parameters = parameters,
	.prepare = render_prepare,
	.run = render_run,
	.verify = render_verify,
	.work = render_work,
	.finish = render_finish,
};
