/*
 * rope: rotary positions: each pair (x[j], x[j + half]) of a head is turned by the angle
 * position / base^(j / half). x, y (n_tokens, n_heads, 2 half); y may be x.
 * FLOPs   6 a pair; sines and cosines are not counted
 * Bytes   8 an element, and 8 half a token for the table
 * Error   3 roundings of |x| of the pair; of the angle none (it is kept in fp64)
 * Source  Su et al., RoFormer (2021); the pairs half a head apart as in GPT-NeoX and Llama
 */
#ifndef KERNELS_ROPE_H
#define KERNELS_ROPE_H

#include <stddef.h>

struct rope_task {
	size_t n_tokens, n_heads, half;
	size_t first_position; /* of token 0 */
	double base;           /* 10000 */
	const float *x;
	float *y;
	const float *cosines, *sines; /* (n_tokens, half), by rope_fill */
};

/* Tokens [from, to). */
typedef void rope_function(const struct rope_task *task, size_t from, size_t to);

/* rope_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last. */
rope_function *rope_variant(const char *name);

/* rope_fill: the table of a task's angles. */
void rope_fill(const struct rope_task *task, float *cosines, float *sines);

double rope_flops(const struct rope_task *task);
double rope_bytes(const struct rope_task *task);

#endif
