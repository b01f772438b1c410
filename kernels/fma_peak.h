/*
 * fma_peak: multiply-adds on registers alone: what no kernel of that type can exceed.
 * n units of 393,216 FLOPs each (the least number that is whole passes of every variant), exact;
 * no memory. Operations on integers count like FLOPs.
 * Source: Intel Optimization Manual 18.1 (independent chains >= latency x ports); AMD Zen 4
 * Software Optimization Guide, table of latencies.
 */
#ifndef KERNELS_FMA_PEAK_H
#define KERNELS_FMA_PEAK_H

#include <stddef.h>

enum { FMA_PEAK_UNIT_FLOPS = 393216 };

/*
 * The accumulators at the end, which tell how often they were used; p passes were made:
 * f32, f64     the mean; chain i goes x -> x (1 - 2^-12) + 2^-12 from i / 64 (NEON: x + 2^-12)
 * bf16         the mean; chain i grows from i by 0.75 (AMX: from 0 by 12) a pass
 * int8         the least; chain i grows from i by -2412 (AMX: from 0 by -38592), modulo 2^32
 */
typedef double fma_peak_function(size_t n);

/* fma_peak_variant: "f32-avx512", ...; NULL if there is none or this CPU cannot run it. */
fma_peak_function *fma_peak_variant(const char *name);

/* fma_peak_pass_flops: FLOPs of one pass over the variant's accumulators; 0 = no such variant. */
size_t fma_peak_pass_flops(const char *name);

/* fma_peak_next: variants of one type ("f32") usable here, by and by, from *place = 0; NULL ends.
 */
fma_peak_function *fma_peak_next(const char *type, size_t *place, const char **name);

#endif
