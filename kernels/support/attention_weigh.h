/*
 * attention_weigh: one query's scores of a block of keys become weights, while the greatest score
 * so far and the sum of weights so far are carried along; what was summed under a smaller
 * greatest is scaled to the new one.
 * Source: Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018).
 */
#ifndef KERNELS_SUPPORT_ATTENTION_WEIGH_H
#define KERNELS_SUPPORT_ATTENTION_WEIGH_H

#include <stddef.h>

struct attention_row {
	float *scores;         /* [in, out] n_padded, of which n are looked at; the others get 0 */
	size_t n, n_padded;    /* n may be 0 */
	float *sums;           /* [in, out] weighted sums so far */
	size_t n_sums;         /* a multiple of 8 */
	float scale;           /* weight = exp(scale (score - greatest)), scale > 0 */
	float greatest, total; /* [in, out] so far; at first -infinity and 0 */
};

typedef void attention_weigh_function(struct attention_row *row);

attention_weigh_function attention_weigh; /* any CPU */
#if defined(__x86_64__)
attention_weigh_function attention_weigh_avx2, attention_weigh_avx512;
#elif defined(__aarch64__)
attention_weigh_function attention_weigh_neon;
#endif

#endif
