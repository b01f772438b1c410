/*
 * gradient_check: does a whole model's gradient say how its loss changes?
 */
#ifndef WORKLOADS_SUPPORT_GRADIENT_CHECK_H
#define WORKLOADS_SUPPORT_GRADIENT_CHECK_H

#include "workloads/support/tensor.h"

/* The loss of the same data each time; with `wants_gradient` its gradient is added to that of the
 * parameters. */
typedef double loss_function(void *model, bool wants_gradient);

/*
 * gradient_check: move all weights at once, each along its own gradient by a random amount, and
 * compare the change of the loss with what the gradients foretell.
 *
 * Returns  |measured / foretold - 1|; 0 when the gradient is too small to measure (below what the
 *          loss in single precision resolves). A sign or a factor wrong in one layer shows as that
 *          layer's share of the gradient's length
 * Leaves   the weights as they were, the gradients zero
 */
double gradient_check(struct parameters *parameters, loss_function *loss, void *model,
		      uint64_t seed);

/* What the loss's rounding and curvature explain; see gradient_check.c. */
extern const double GRADIENT_CHECK_TOLERANCE;

#endif
