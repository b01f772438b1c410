/*
 * gbdt_loss: what is minimised: losses with their first and second derivatives by the score.
 *
 *   logistic  w (log(1 + e^f) - y f), w = positive_weight where y = 1, else 1
 *   squared   (f - y)^2 / 2
 *   huber     squared up to delta from the label, straight beyond
 *   poisson   e^f - y f; f is the logarithm of the expected count
 *   softmax   -log of the label's share; one score a class
 *
 * Source: Friedman, "Greedy function approximation" (2001); Chen and Guestrin, XGBoost (KDD 2016).
 */
#ifndef WORKLOADS_SUPPORT_GBDT_LOSS_H
#define WORKLOADS_SUPPORT_GBDT_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/support/gbdt_simd.h"

struct crew;

enum { GBDT_MOST_CLASSES = 64 };

/* In the order of GBDT_LOSS_CHOICES. */
enum gbdt_loss_kind {
	GBDT_LOSS_LOGISTIC,
	GBDT_LOSS_SQUARED,
	GBDT_LOSS_HUBER,
	GBDT_LOSS_POISSON,
	GBDT_LOSS_SOFTMAX
};
#define GBDT_LOSS_CHOICES "logistic|squared|huber|poisson|softmax"

struct gbdt_loss {
	enum gbdt_loss_kind kind;
	float positive_weight; /* logistic; 1 = as they are */
	float delta;           /* huber */
	unsigned n_classes;    /* softmax; else 1: scores a row */
};

/* gbdt_loss_weight: for rare positives: sqrt(negatives / positives), 1 to 8. Source: PKBoost. */
float gbdt_loss_weight(const float *labels, size_t n);

/* gbdt_loss_accepts: are these labels of the loss? row = the first that is not. */
bool gbdt_loss_accepts(const struct gbdt_loss *loss, const float *labels, size_t n, size_t *row);

/* gbdt_loss_base: the scores that all rows start from: n_classes of them. */
void gbdt_loss_base(const struct gbdt_loss *loss, const float *labels, size_t n, float *base);

/* gbdt_loss_of: of one row; scores = its n_classes scores. In double, for checks and reports. */
double gbdt_loss_of(const struct gbdt_loss *loss, const double *scores, double label);

/* gbdt_loss_mean: over rows; scores are [class][row]. The same for any number of threads; crew may
 * be NULL. */
double gbdt_loss_mean(const struct gbdt_loss *loss, struct crew *crew, const float *scores,
		      const float *labels, size_t n);

/* gbdt_loss_transform: a row's n_classes scores, in place, as what they predict: a probability,
 * that of each class, a count, a value. */
void gbdt_loss_transform(const struct gbdt_loss *loss, double *scores);

/*
 * Derivatives of all rows, and the same as whole multiples of a unit (gbdt_pair): rounded up or
 * down by a hash of the row, so that no sum is biased. The unit follows the largest of the moment.
 */
struct gbdt_gradients {
	size_t n_rows;
	float *gradient, *hessian, *normalizer; /* log of the sum over classes */
	uint32_t *pairs;
	double gradient_unit, hessian_unit;
};

void gbdt_gradients_new(struct gbdt_gradients *gradients, size_t n_rows);
void gbdt_gradients_free(struct gbdt_gradients *gradients);

/* gbdt_gradients_normalize: once a round of softmax, before its classes. */
void gbdt_gradients_normalize(struct gbdt_gradients *gradients, struct crew *crew,
			      const struct gbdt_loss *loss, const float *scores);

/* What the derivatives are taken of. */
struct gbdt_gradient_inputs {
	const struct gbdt_loss *loss;
	unsigned class;
	const float *scores; /* of the class */
	const float *labels;
	enum gbdt_simd simd; /* never AUTO */
	uint32_t seed;       /* another one each tree */
};

void gbdt_gradients_compute(struct gbdt_gradients *gradients, struct crew *crew,
			    const struct gbdt_gradient_inputs *inputs);

#endif
