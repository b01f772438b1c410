/*
 * layernorm: y = (x - mean) / sqrt(variance + epsilon) * weight + bias for each row.
 * x, y (rows, n), weight, bias (n); 8 rows n FLOPs (mean 1, difference and square 3, difference,
 * scale, weight and bias 4) and a few a row; 8 rows n + 8 n algorithmic bytes.
 * Error   n + 8 roundings of (|x| + |mean|) / deviation x |weight| + |bias|
 * Source  Ba, Kiros, Hinton, "Layer normalization" (2016)
 */
#ifndef KERNELS_LAYERNORM_H
#define KERNELS_LAYERNORM_H

#include "kernels/support/rows_task.h"

/* layernorm_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last.
 */
rows_function *layernorm_variant(const char *name);

#endif
