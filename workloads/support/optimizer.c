/*
 * Plain steps are made of the tensor engine's loops, one pass each; Adam is one pass over five
 * arrays.
 */
#include "workloads/support/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/tensor.h"
#include "sampler/base/why.h"
#include "workloads/support/tape_run.h"
#include "workloads/support/tensor_loops.h"

/* On a device each tensor's sum of squares is made in so many parts, added up here. */
enum { NORM_PARTS = 64 };

struct optimizer {
	struct parameters *parameters;
	struct optimizer_settings settings;
	struct tensor_device *device; /* that of the parameters */
	float **means, **squares;     /* one array a tensor; momentum's velocity is in means */
	uint64_t n_steps;
};

static float *take_zeros(struct tensor_device *device, size_t n)
{
	if (!device)
		return allocate(n, sizeof(float));
	float *values = tensor_device_take(device, n * sizeof *values);
	tensor_device_clear(device, values, n * sizeof *values);
	return values;
}

static void give_values(struct tensor_device *device, float *values)
{
	if (device)
		tensor_device_give(device, values);
	else
		free(values);
}

struct optimizer_settings optimizer_defaults(enum optimizer_kind kind, double rate)
{
	return (struct optimizer_settings){ .kind = kind,
					    .rate = rate,
					    .momentum = 0.9,
					    .beta1 = 0.9,
					    .beta2 = 0.999,
					    .epsilon = 1e-8 };
}

struct optimizer *optimizer_new(struct parameters *parameters,
				const struct optimizer_settings *settings)
{
	struct optimizer *optimizer = allocate(1, sizeof *optimizer);
	size_t n = parameters_count(parameters);
	bool is_adam = settings->kind >= OPTIMIZER_ADAM;
	optimizer->parameters = parameters;
	optimizer->settings = *settings;
	optimizer->device = parameters_device(parameters);
	optimizer->means = allocate(n, sizeof *optimizer->means);
	optimizer->squares = allocate(n, sizeof *optimizer->squares);
	for (size_t i = 0; i < n; i++) {
		size_t n_values = parameters_at(parameters, i)->n;
		if (settings->kind != OPTIMIZER_SGD)
			optimizer->means[i] = take_zeros(optimizer->device, n_values);
		if (is_adam)
			optimizer->squares[i] = take_zeros(optimizer->device, n_values);
	}
	return optimizer;
}

void optimizer_free(struct optimizer *optimizer)
{
	if (!optimizer)
		return;
	for (size_t i = 0; i < parameters_count(optimizer->parameters); i++) {
		give_values(optimizer->device, optimizer->means[i]);
		give_values(optimizer->device, optimizer->squares[i]);
	}
	free(optimizer->means);
	free(optimizer->squares);
	free(optimizer);
}

void optimizer_rate(struct optimizer *optimizer, double rate)
{
	optimizer->settings.rate = rate;
}

static double norm_on_device(struct tape *tape, const struct parameters *parameters)
{
	size_t n = parameters_count(parameters), n_parts = n * NORM_PARTS;
	double *parts = (double *)tape_take(tape, 2 * n_parts); /* of two floats each */
	double *host = tape_host_take(tape, n_parts * sizeof *host), sum = 0;
	for (size_t i = 0; i < n; i++) {
		const struct tensor *t = parameters_at(parameters, i);
		struct cuda_total_task task = { .a = t->gradient,
						.b = t->gradient,
						.n = t->n,
						.n_parts = NORM_PARTS,
						.parts = parts ? parts + i * NORM_PARTS : NULL };
		tape_run_task(tape, DEVICE_TOTAL, &task);
	}
	tensor_device_get(tape_device(tape), host, parts, n_parts * sizeof *host);
	for (size_t i = 0; i < n_parts; i++)
		sum += host[i];
	return sqrt(sum);
}

static double gradient_norm(struct tape *tape, const struct parameters *parameters)
{
	double sum = 0;
	if (parameters_device(parameters))
		return norm_on_device(tape, parameters);
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		const struct tensor *t = parameters_at(parameters, i);
		sum += tensor_dot(t->gradient, t->gradient, t->n);
	}
	return sqrt(sum);
}

static void add_scaled(struct tape *tape, float *to, const float *from, double scale, size_t n)
{
	struct loop loop = { .kind = LOOP_ADD_TO, .a = from, .s = (float)scale, .n = n };
	loop.out = to;
	tape_run_loop(tape, &loop);
	tape_count(tape, 2.0 * (double)n, 12.0 * (double)n);
}

static void scale_in_place(struct tape *tape, float *values, double factor, size_t n)
{
	struct loop loop = { .kind = LOOP_SCALE, .a = values, .s = (float)factor, .n = n };
	loop.out = values;
	tape_run_loop(tape, &loop);
	tape_count(tape, (double)n, 8.0 * (double)n);
}

__attribute__((noinline)) static void sgd_step(struct optimizer *optimizer, struct tape *tape,
					       struct tensor *t, double scale)
{
	const struct optimizer_settings *with = &optimizer->settings;
	if (with->decay != 0)
		scale_in_place(tape, t->data, 1 - with->rate * with->decay, t->n);
	add_scaled(tape, t->data, t->gradient, -with->rate * scale, t->n);
}

__attribute__((noinline)) static void momentum_step(struct optimizer *optimizer, struct tape *tape,
						    size_t i, double scale)
{
	const struct optimizer_settings *with = &optimizer->settings;
	struct tensor *t = parameters_at(optimizer->parameters, i);
	scale_in_place(tape, optimizer->means[i], with->momentum, t->n);
	add_scaled(tape, optimizer->means[i], t->gradient, scale, t->n);
	if (with->decay != 0)
		add_scaled(tape, optimizer->means[i], t->data, with->decay, t->n);
	add_scaled(tape, t->data, optimizer->means[i], -with->rate, t->n);
}

/* The corrections by 1 - beta^t are moved into the rate and epsilon: the same step. */
__attribute__((noinline)) static void adam_step(struct optimizer *optimizer, struct tape *tape,
						size_t i, double scale)
{
	const struct optimizer_settings *with = &optimizer->settings;
	struct tensor *t = parameters_at(optimizer->parameters, i);
	double steps = (double)optimizer->n_steps;
	double mean_part = -expm1(steps * log(with->beta1));
	double root = sqrt(-expm1(steps * log(with->beta2)));
	bool is_decoupled = with->kind == OPTIMIZER_ADAMW;
	struct adam_loop loop = { .weights = t->data,
				  .mean = optimizer->means[i],
				  .square = optimizer->squares[i],
				  .gradients = t->gradient,
				  .gradient_scale = (float)scale,
				  .mean_share = (float)with->beta1,
				  .square_share = (float)with->beta2,
				  .rate = (float)(with->rate * root / mean_part),
				  .epsilon = (float)(with->epsilon * root),
				  .keep = (float)(is_decoupled ? 1 - with->rate * with->decay : 1),
				  .penalty = (float)(is_decoupled ? 0 : with->decay),
				  .n = t->n };
	tape_run_adam(tape, &loop);
	/* As written: scale and penalty 3, mean 3, square 4, weight 6. */
	tape_count(tape, 16.0 * (double)t->n, 28.0 * (double)t->n);
}

double optimizer_step(struct optimizer *optimizer, struct tape *tape)
{
	const struct optimizer_settings *with = &optimizer->settings;
	double norm = NAN, scale = 1;
	if (with->most_norm > 0) {
		double n_values = (double)parameters_total(optimizer->parameters);
		norm = gradient_norm(tape, optimizer->parameters);
		scale = norm > with->most_norm ? with->most_norm / norm : 1;
		tape_count(tape, 2 * n_values, 4 * n_values);
	}
	optimizer->n_steps++;
	for (size_t i = 0; i < parameters_count(optimizer->parameters); i++) {
		struct tensor *t = parameters_at(optimizer->parameters, i);
		if (with->kind == OPTIMIZER_SGD)
			sgd_step(optimizer, tape, t, scale);
		else if (with->kind == OPTIMIZER_MOMENTUM)
			momentum_step(optimizer, tape, i, scale);
		else
			adam_step(optimizer, tape, i, scale);
	}
	parameters_zero_gradients(optimizer->parameters);
	return norm;
}
