/*
 * triad: a[i] = b[i] + scale * c[i], STREAM's fourth loop.
 * a, b, c (n) doubles, not overlapping; 2 n FLOPs; 24 n algorithmic bytes (a write that first
 * fetches the line moves 32 n; non-temporal stores do not).
 * Source: McCalpin, STREAM (1991-).
 */
#ifndef KERNELS_TRIAD_H
#define KERNELS_TRIAD_H

#include <stddef.h>

typedef void triad_function(double *a, const double *b, const double *c, double scale, size_t n);

/* triad_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the fastest. */
triad_function *triad_variant(const char *name);

#endif
