/*
 * The step is chosen so that the loss changes by a thousandth of itself: some hundred times its
 * rounding in single precision (about 1e-6 after a model of many layers). A trained model lies in a
 * valley with steep walls, so the difference of five points is taken, exact to the fourth order.
 */
#include "workloads/support/gradient_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/random.h"

const double GRADIENT_CHECK_TOLERANCE = 0.005;

static const double WANTED_CHANGE = 0.001;
static const double LEAST_LOSS = 1e-3; /* smaller ones are rounding for the most part */

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

double gradient_check(struct parameters *parameters, loss_function *loss, void *model,
		      uint64_t seed)
{
	size_t n = parameters_total(parameters);
	float *before = allocate(n, sizeof *before), *direction = allocate(n, sizeof *direction);
	parameters_zero_gradients(parameters);
	double here = loss(model, true), error = 0;
	double slope = choose_direction(parameters, before, direction, seed);
	if (here > LEAST_LOSS && slope > LEAST_LOSS * LEAST_LOSS) {
		double step = WANTED_CHANGE * here / slope;
		double at[5]; /* two steps below ... two steps above */
		for (int i = 0; i < 5; i++) {
			move(parameters, before, direction, (i - 2) * step);
			at[i] = i == 2 ? here : loss(model, false);
		}
		double change = (8 * (at[3] - at[1]) - (at[4] - at[0])) / 12;
		error = fabs(change / (step * slope) - 1);
	}
	move(parameters, before, direction, 0);
	parameters_zero_gradients(parameters);
	free(before);
	free(direction);
	return error;
}
