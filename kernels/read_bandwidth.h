/*
 * read_bandwidth: the sum of n 64-bit words, modulo 2^64: how fast memory can be read at all.
 * data (n), aligned to 8; 8 n bytes; no FLOPs (n integer additions).
 * Source: McCalpin, STREAM (1991-), which has no read-only loop; Hackenberg et al. (MICRO 2009).
 */
#ifndef KERNELS_READ_BANDWIDTH_H
#define KERNELS_READ_BANDWIDTH_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t read_bandwidth_function(const uint64_t *data, size_t n);

/* read_bandwidth_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the
 * last in the list. */
read_bandwidth_function *read_bandwidth_variant(const char *name);

#endif
