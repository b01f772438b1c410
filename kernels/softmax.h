/*
 * softmax: y = exp(x - max) / sum of exp(x - max) for each row.
 * x, y (rows, n), n >= 1; 4 rows n FLOPs (difference, exponential counted as one, sum, scale) and a
 * few a row; 8 rows n algorithmic bytes.
 * Error   n + 16 roundings, relative, where y >= 2^-126; smaller ones may be 0
 * Source  Bridle (1990)
 */
#ifndef KERNELS_SOFTMAX_H
#define KERNELS_SOFTMAX_H

#include "kernels/support/rows_task.h"

/* softmax_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last. */
rows_function *softmax_variant(const char *name);

#endif
