/*
 * attention: y = softmax(q k^T / sqrt(n)) v of one head; causal: token i looks at tokens 0...i.
 * q, k, v, y (n_tokens, n) row-major, not overlapping; f32.
 * FLOPs   4 n + 4 for each pair that is looked at (two products; scale, difference, exponential
 *         counted as one, sum) and n a token (division)
 * Bytes   16 n_tokens n algorithmic: q, k, v and y once
 * Error   of a score n + 4 roundings of its absolute products, and as much, relative, of a weight
 * Source  Vaswani et al. (2017); Milakov and Gimelshein, "Online normalizer calculation for
 *         softmax" (2018); Dao et al., FlashAttention (2022)
 */
#ifndef KERNELS_ATTENTION_H
#define KERNELS_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

struct attention_task {
	size_t n_tokens, n;
	const float *q, *k, *v;
	float *y;
	bool is_causal;
	float *workspace; /* attention_workspace_bytes() */
};

/* The tokens of one of n_shares threads; together they are all. */
typedef void attention_function(const struct attention_task *task, unsigned share,
				unsigned n_shares);

/* attention_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last.
 */
attention_function *attention_variant(const char *name);

/* attention_workspace_bytes: for all shares. "naive" and "unfused" keep every score: 4 n_tokens^2
 * bytes; the others blocks of them and copies of k and v. */
size_t attention_workspace_bytes(const char *variant, size_t n_tokens, size_t n, unsigned n_shares);

double attention_flops(const struct attention_task *task);
double attention_bytes(const struct attention_task *task);

#endif
