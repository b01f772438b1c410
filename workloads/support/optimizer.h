/*
 * optimizer: how weights follow their gradients.
 */
#ifndef WORKLOADS_SUPPORT_OPTIMIZER_H
#define WORKLOADS_SUPPORT_OPTIMIZER_H

#include "workloads/support/tensor.h"

/* In the order of OPTIMIZER_CHOICES. */
enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_MOMENTUM, OPTIMIZER_ADAM, OPTIMIZER_ADAMW };
#define OPTIMIZER_CHOICES "sgd|momentum|adam|adamw"

/*
 * With g the gradient and w the weight:
 *   sgd       w -= rate (g + decay w)
 *   momentum  v = momentum v + g + decay w; w -= rate v           (Polyak, 1964)
 *   adam      m, s = running means of g + decay w and its square; w -= rate m' / (sqrt(s') +
 *             epsilon), m' and s' corrected for their start at 0   (Kingma and Ba, 2015)
 *   adamw     the same without decay in g; besides w -= rate decay w (Loshchilov, Hutter, 2019)
 */
struct optimizer_settings {
	enum optimizer_kind kind;
	double rate, momentum, beta1, beta2, epsilon, decay;
	double most_norm; /* longer gradients, of all weights together, are shortened; 0 = not */
};

/* optimizer_defaults: rate given; momentum 0.9, betas 0.9 and 0.999, epsilon 1e-8. */
struct optimizer_settings optimizer_defaults(enum optimizer_kind kind, double rate);

struct optimizer;

/* optimizer_new: parameters are borrowed until optimizer_free; its own arrays are where they are,
 * and so must be the tape of each step. */
struct optimizer *optimizer_new(struct parameters *parameters,
				const struct optimizer_settings *settings);
void optimizer_free(struct optimizer *optimizer);

/* optimizer_rate: for the following steps. */
void optimizer_rate(struct optimizer *optimizer, double rate);

/* optimizer_step: change the weights and zero the gradients. Returns the gradient's norm before it
 * was shortened; NaN without most_norm, as finding it costs a pass. */
double optimizer_step(struct optimizer *optimizer, struct tape *tape);

#endif
