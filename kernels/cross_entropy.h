/*
 * cross_entropy: loss = log(sum of exp(x)) - x[target] of each row, and its gradient
 * softmax(x) - [j = target]. x, gradient (rows, n), targets, losses (rows); target < n.
 * FLOPs   4 an element (difference, exponential counted as one, sum, scale), 4 a row
 * Bytes   8 an element, 8 a row
 * Error   of the loss n + 16 roundings and 4 of the greatest |x|; of the gradient as softmax.h, and
 *         4 roundings of 1 at the target
 * Source  Bridle (1990); the sum of exponentials as in Blanchard, Higham, Higham, "Accurately
 *         computing the log-sum-exp and softmax functions" (2021)
 */
#ifndef KERNELS_CROSS_ENTROPY_H
#define KERNELS_CROSS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

struct cross_entropy_task {
	size_t rows, n;
	const float *x;
	const uint32_t *targets;
	float *losses, *gradient;
	float *scratch; /* (rows, n) for "unfused", else (1, n) */
};

typedef void cross_entropy_function(const struct cross_entropy_task *task);

/* cross_entropy_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the
 * last. */
cross_entropy_function *cross_entropy_variant(const char *name);

/* cross_entropy_share: the rows of one of n_shares threads. */
struct cross_entropy_task cross_entropy_share(const struct cross_entropy_task *whole,
					      unsigned share, unsigned n_shares);

#endif
