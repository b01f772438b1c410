/*
 * tensor_rows: what the tensor engine does to each row of a matrix (softmax, normalisation, loss),
 * and to its columns (sums of gradients).
 */
#ifndef WORKLOADS_SUPPORT_TENSOR_ROWS_H
#define WORKLOADS_SUPPORT_TENSOR_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crew;

enum rows_kind {
	ROWS_SOFTMAX,        /* out = softmax(s a) */
	ROWS_SOFTMAX_BACK,   /* out (+)= s b (a - sum a b): a = gradient, b = softmax */
	ROWS_CROSS_ENTROPY,  /* out = softmax(a), saved = -log(out[target]): one a row */
	ROWS_RMSNORM,        /* saved = 1 / sqrt(mean a^2 + s), out = a saved weights */
	ROWS_RMSNORM_BACK,   /* out += ...: a = gradient, b = input, saved as above */
	ROWS_LAYERNORM,      /* saved = mean, 1 / sqrt(variance + s); out = a hat weights + bias */
	ROWS_LAYERNORM_BACK, /* out += ...: a = gradient, b = input, saved as above */
};

/* out, a, b (n_rows, n_columns); weights, bias (n_columns); saved: 1 a row, layer norm 2. */
struct rows {
	enum rows_kind kind;
	size_t n_rows, n_columns;
	size_t row_step; /* from row to row of out, a and b; 0 = n_columns */
	float *out;
	const float *a, *b, *weights, *bias;
	float *saved;
	const int32_t *targets; /* ROWS_CROSS_ENTROPY: below n_columns */
	float s;
	/* Softmax: row r has only r + triangle columns, the others are made 0; 0 = all. */
	size_t triangle;
	bool adds; /* ROWS_SOFTMAX_BACK */
};

/* tensor_rows: run it, by the crew's threads when worth it (crew may be NULL). Deterministic. */
void tensor_rows(struct crew *crew, const struct rows *rows);

/* tensor_rows_flops: an element; exp and a comparison count as one, what is done once a row not. */
double tensor_rows_flops(enum rows_kind kind);

/* out[column] += sum over rows of a (b - shift[row]) scale[row]; b, shift, scale may be NULL.
 * shift and scale are `saved_step` apart. */
struct columns {
	size_t n_rows, n_columns;
	float *out;
	const float *a, *b, *shift, *scale;
	size_t saved_step;
};

/* tensor_columns: sums down the columns, rows in order, columns shared out to the threads. */
void tensor_columns(struct crew *crew, const struct columns *columns);

/* Rotation of pairs (x[i], x[i + half]) in heads of 2 half columns by cosine and sine (n, half). */
struct rotation {
	size_t n_tokens, n_heads, half;
	size_t n_positions; /* token t stands at position t % n_positions */
	float *out;
	const float *a, *cosine, *sine;
	float direction; /* 1, or -1 for the gradient */
	bool adds;
};

/* tensor_rotate: a and out are (n_tokens, n_heads, 2 half). 6 FLOPs a pair. */
void tensor_rotate(struct crew *crew, const struct rotation *rotation);

#endif
