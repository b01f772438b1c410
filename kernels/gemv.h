/*
 * gemv: y (m) = A (m,n) x (n), A in one of five forms (support/gemv_weights.h): what a language
 * model does for each word, with every weight read once. 2 m n FLOPs; the bytes of the form.
 * f32 and bf16 take x as f32; int8, int4 and ternary take it quantized to int8 and add exactly
 * (int4: within a group of 32), for n up to 66,000.
 * Error   f32, bf16, int4: n + 2 roundings of the sum of absolute products; int8, ternary: 3
 */
#ifndef KERNELS_GEMV_H
#define KERNELS_GEMV_H

#include "kernels/support/gemv_weights.h"

struct kernel;

/* Rows [from, to) of y; the weights are of the kernel's form. */
typedef void gemv_function(const struct gemv_weights *weights, const struct gemv_vector *x,
			   float *y, size_t from, size_t to);

/* gemv_kernel: the kernel of a form of weights, with its variants. */
const struct kernel *gemv_kernel(enum gemv_type type);

/* gemv_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the fastest. */
gemv_function *gemv_variant(enum gemv_type type, const char *name);

#endif
