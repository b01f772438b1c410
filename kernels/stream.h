/*
 * stream: the first three loops of STREAM over n doubles (the fourth is triad.h):
 * copy a = b (16 n bytes), scale a = s b (n FLOPs, 16 n bytes), add a = b + c (n FLOPs, 24 n
 * bytes). Bytes are algorithmic: a write that first fetches its line moves 8 n more;
 * non-temporal stores do not.
 * a, b, c (n) not overlapping, aligned to 8.
 * Source: McCalpin, STREAM (1991-).
 */
#ifndef KERNELS_STREAM_H
#define KERNELS_STREAM_H

#include <stddef.h>

enum stream_loop { STREAM_COPY, STREAM_SCALE, STREAM_ADD, STREAM_LOOPS };

/* One loop; c is read by STREAM_ADD only, scale by STREAM_SCALE only. */
typedef void stream_function(enum stream_loop loop, double *a, const double *b, const double *c,
			     double scale, size_t n);

/* stream_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last in
 * the list, made for arrays larger than the caches. */
stream_function *stream_variant(const char *name);

/* stream_flops, stream_bytes: of one loop, exact. */
double stream_flops(enum stream_loop loop, size_t n);
double stream_bytes(enum stream_loop loop, size_t n);

#endif
