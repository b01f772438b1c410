/*
 * sharing: add 1 to a counter n times. Where counters of several threads lie in one cache line, the
 * line travels between their cores although nothing is shared ("false sharing").
 * No FLOPs; 16 n bytes to and from the counter ("register": 16). Exact modulo 2^64.
 * Source  Torrellas, Lam, Hennessy, "False sharing and spatial locality in multiprocessor caches"
 *         (1994)
 */
#ifndef KERNELS_SHARING_H
#define KERNELS_SHARING_H

#include <stddef.h>
#include <stdint.h>

/* Two lines: some prefetchers fetch a line's neighbour too. */
enum { SHARING_APART_BYTES = 128 };

typedef void sharing_function(uint64_t *counter, uint64_t n);

/* sharing_variant: by name; NULL if there is none. "auto" = the last. */
sharing_function *sharing_variant(const char *name);

#endif
