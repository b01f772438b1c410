/*
 * tensor_rows: what the tensor engine does to each row of a matrix (softmax, normalisation, loss),
 * and to its columns (sums of gradients).
 */
#ifndef WORKLOADS_SUPPORT_TENSOR_ROWS_H
#define WORKLOADS_SUPPORT_TENSOR_ROWS_H

#include "kernels/support/tensor_tasks.h"

struct crew;

/* tensor_rows: run it, by the crew's threads when worth it (crew may be NULL). Deterministic. */
void tensor_rows(struct crew *crew, const struct rows *rows);

/* tensor_rows_flops: an element; exp and a comparison count as one, what is done once a row not. */
double tensor_rows_flops(enum rows_kind kind);

/* tensor_columns: sums down the columns, rows in order, columns shared out to the threads. */
void tensor_columns(struct crew *crew, const struct columns *columns);

/* tensor_rotate: a and out are (n_tokens, n_heads, 2 half). 6 FLOPs a pair. */
void tensor_rotate(struct crew *crew, const struct rotation *rotation);

#endif
