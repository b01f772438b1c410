/*
 * scan: y[i] = before + x[0] + ... + x[i] of f32, n >= 0; y may be x.
 * n FLOPs (the additions of the definition); 8 n bytes.
 * Error   i + 6 roundings of |before| and the sum of |x| up to i
 * Source  Blelloch, "Prefix sums and their applications" (1990); Hillis and Steele (1986) for the
 *         steps within a vector
 */
#ifndef KERNELS_SCAN_H
#define KERNELS_SCAN_H

#include <stddef.h>

/* Returns the last y (before, where n is 0). */
typedef float scan_function(const float *x, float *y, size_t n, float before);

/* scan_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last. */
scan_function *scan_variant(const char *name);

#endif
