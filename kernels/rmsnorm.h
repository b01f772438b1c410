/*
 * rmsnorm: y = x / sqrt(mean(x^2) + epsilon) * weight for each row.
 * x, y (rows, n), weight (n); 4 rows n FLOPs (square and add, scale, weight) and a few a row;
 * 8 rows n + 4 n algorithmic bytes: x once, y once.
 * Error   n + 8 roundings, relative
 * Source  Zhang and Sennrich, "Root mean square layer normalization" (NeurIPS 2019)
 */
#ifndef KERNELS_RMSNORM_H
#define KERNELS_RMSNORM_H

#include "kernels/support/rows_task.h"

/* rmsnorm_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last. */
rows_function *rmsnorm_variant(const char *name);

#endif
