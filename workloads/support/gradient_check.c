/*
 * The step is chosen so that the loss changes by a thousandth of itself: some hundred times its
 * rounding in single precision (about 1e-6 after a model of many layers). A trained model lies in a
 * valley with steep walls, so the difference of five points is taken, exact to the fourth order.
 * Where a relu's kink lies between the points the difference is wrong and the gradient may be
 * right: a smaller step leaves the kink outside, and if it is too near for that, most other places
 * of the weights are free of it. A wrong gradient is wrong at most places.
 */
#include "workloads/support/gradient_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/random.h"

const double GRADIENT_CHECK_TOLERANCE = 0.005;

static const double wanted_changes[] = { 1e-3, 1e-4, 3e-5 };
static const double CHANGE_TO_NEXT_PLACE = -0.02; /* downhill */
enum { PLACES = 5 };
static const double LEAST_LOSS = 1e-3; /* smaller ones are rounding for the most part */

/* Where the model stood, and the way on which its loss is asked for. */
struct line {
	const float *before, *direction;
	double here, slope; /* the loss there, and what it should change by along the direction */
};

/* weights = before + step x direction */
static void move(struct parameters *parameters, const float *before, const float *direction,
		 double step)
{
	float *moved = allocate(parameters_total(parameters), sizeof *moved);
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		size_t n = parameters_at(parameters, i)->n;
		for (size_t j = 0; j < n; j++)
			moved[j] = (float)((double)*before++ + step * (double)*direction++);
		parameters_put(parameters, i, moved);
	}
	free(moved);
}

/* Fills both arrays; returns how fast the loss should change along the direction. */
static double choose_direction(const struct parameters *parameters, float *before, float *direction,
			       uint64_t seed)
{
	struct random random = { seed };
	double slope = 0;
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		size_t n = parameters_at(parameters, i)->n;
		parameters_get(parameters, i, before, direction);
		for (size_t j = 0; j < n; j++) {
			double gradient = (double)direction[j];
			double along = gradient * 2 * random_unit(&random);
			direction[j] = (float)along;
			slope += along * gradient;
		}
		before += n;
		direction += n;
	}
	return slope;
}

/* How far the loss's change by a step, whose middle is `here`, is from what the slope says. */
static double error_of_step(struct parameters *parameters, loss_function *loss, void *model,
			    const struct line *line, double step)
{
	double at[5]; /* two steps below ... two steps above */
	for (int i = 0; i < 5; i++) {
		move(parameters, line->before, line->direction, (i - 2) * step);
		at[i] = i == 2 ? line->here : loss(model, false);
	}
	double change = (8 * (at[3] - at[1]) - (at[4] - at[0])) / 12;
	return fabs(change / (step * line->slope) - 1);
}

/* Where the weights are; then they go on to the next place. */
static double error_here(struct parameters *parameters, loss_function *loss, void *model,
			 uint64_t seed)
{
	size_t n = parameters_total(parameters), n_steps = sizeof wanted_changes / sizeof(double);
	float *before = allocate(n, sizeof *before), *direction = allocate(n, sizeof *direction);
	parameters_zero_gradients(parameters);
	struct line line = { .before = before, .direction = direction };
	line.here = loss(model, true);
	line.slope = choose_direction(parameters, before, direction, seed);
	bool is_steep = line.here > LEAST_LOSS && line.slope > LEAST_LOSS * LEAST_LOSS;
	double error = is_steep ? INFINITY : 0, one = line.here / line.slope;
	for (size_t i = 0; i < n_steps && error > GRADIENT_CHECK_TOLERANCE; i++)
		error = fmin(error, error_of_step(parameters, loss, model, &line,
						  wanted_changes[i] * one));
	move(parameters, before, direction, is_steep ? CHANGE_TO_NEXT_PLACE * one : 0);
	free(before);
	free(direction);
	return error;
}

static float *weights_of(const struct parameters *parameters)
{
	float *weights = allocate(parameters_total(parameters), sizeof *weights), *at = weights;
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		parameters_get(parameters, i, at, NULL);
		at += parameters_at(parameters, i)->n;
	}
	return weights;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return left < right ? -1 : left > right;
}

static double median(double errors[PLACES])
{
	qsort(errors, PLACES, sizeof *errors, compare);
	return errors[PLACES / 2];
}

double gradient_check(struct parameters *parameters, loss_function *loss, void *model,
		      uint64_t seed)
{
	float *home = weights_of(parameters);
	const float *at = home;
	double errors[PLACES] = { error_here(parameters, loss, model, seed) };
	bool is_good = errors[0] <= GRADIENT_CHECK_TOLERANCE;
	for (uint64_t i = 1; i < PLACES && !is_good; i++)
		errors[i] = error_here(parameters, loss, model, seed + i);
	double error = is_good ? errors[0] : median(errors);
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		parameters_put(parameters, i, at);
		at += parameters_at(parameters, i)->n;
	}
	parameters_zero_gradients(parameters);
	free(home);
	return error;
}
