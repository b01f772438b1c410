/*
 * reduction: the sum of x (n) of f32.
 * n FLOPs (n - 1 additions and one to begin with); 4 n bytes.
 * Error   of the sum of |x|: n roundings for "one", n / 16 + 16 for "four" and the vectors,
 *         log2(n) + 32 for "pairwise", 2 + n^2 / 2^24 for "compensated"
 * Source  Higham, Accuracy and Stability of Numerical Algorithms (2002), chapter 4; Neumaier (1974)
 */
#ifndef KERNELS_REDUCTION_H
#define KERNELS_REDUCTION_H

#include <stddef.h>

typedef float reduction_function(const float *x, size_t n);

/* reduction_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last.
 */
reduction_function *reduction_variant(const char *name);

/* reduction_roundings: what the header promises of a variant, in roundings of the sum of |x|. */
double reduction_roundings(const char *variant, size_t n);

#endif
