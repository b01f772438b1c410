/*
 * rows_layernorm: each row shifted to mean 0, scaled to deviation 1, times weight, plus bias; with
 * avx512f. Error: as of sums of n about the mean; the mean's own size does not matter.
 */
#ifndef KERNELS_SUPPORT_ROWS_LAYERNORM_H
#define KERNELS_SUPPORT_ROWS_LAYERNORM_H

#include <stdbool.h>

#include "kernels/support/rows_task.h"

#if defined(__x86_64__)
void rows_layernorm(const struct rows_task *task, bool is_past_caches);
#endif

#endif
