/*
 * gemv_weights: a matrix (m,n) in the forms a language model's weights are kept in, and the vector
 * it is multiplied with.
 *
 * f32      as given
 * bf16     the upper half of an f32, rounded to even
 * int8     a = scale[row] q, q in -127..127
 * int4     a = scale[row][group of 32] (q - 8), q in 0..15; scales are bf16. 128 weights are 64
 *          bytes: byte t holds weight t in its low half and weight 64 + t in its high half
 * ternary  a = scale[row] (q - 1), q in 0..2. 256 weights are 64 bytes: byte t holds weights t,
 *          64 + t, 128 + t, 192 + t, two bits each from the low end
 *
 * Rows of int8, int4 and ternary are padded to whole vectors; the padding meets zeros in x.
 * Source: Dettmers et al., "LLM.int8()" (NeurIPS 2022), absmax rows; llama.cpp's Q4_0 (groups of
 * 32); Ma et al., "The era of 1-bit LLMs" (2024), absmean ternary.
 */
#ifndef KERNELS_SUPPORT_GEMV_WEIGHTS_H
#define KERNELS_SUPPORT_GEMV_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/support/bf16.h"

enum gemv_type { GEMV_F32, GEMV_BF16, GEMV_INT8, GEMV_INT4, GEMV_TERNARY, GEMV_TYPES };

enum { GEMV_GROUP = 32, GEMV_PADDING = 512 /* weights; a multiple of every form's block */ };

struct gemv_weights {
	enum gemv_type type;
	size_t m, n;
	size_t row_bytes;  /* of values */
	void *values;      /* aligned to 64; reading up to 64 bytes behind the last is allowed */
	size_t row_scales; /* 0 (f32, bf16), 1 or, int4, a group's each */
	float *scales;     /* int8, ternary */
	uint16_t *group_scales; /* int4: bf16 */
};

/* gemv_type_name: "f32", ... */
const char *gemv_type_name(enum gemv_type type);

/* gemv_weights_start: memory for rows to be set; gemv_weights_set_row: quantize one row (n).
 * False without memory; gemv_weights_free may always be called. */
bool gemv_weights_start(struct gemv_weights *weights, enum gemv_type type, size_t m, size_t n);
void gemv_weights_set_row(struct gemv_weights *weights, size_t row, const float *values);
void gemv_weights_free(struct gemv_weights *weights);

/* gemv_weight: A[row][column] as it is kept, exactly. Slow. */
double gemv_weight(const struct gemv_weights *weights, size_t row, size_t column);

/* gemv_weights_bytes: values and scales, exactly what one product must read of them. */
double gemv_weights_bytes(const struct gemv_weights *weights);

/* The vector, as f32 and quantized: x = scale q, q in -127..127, padded with zeros. */
struct gemv_vector {
	size_t n;
	float *values;
	int8_t *quantized;
	float scale;
	int32_t sum;       /* of quantized */
	float *group_sums; /* of each GEMV_GROUP of quantized */
};

/* gemv_vector_start: memory; gemv_vector_set: copy and quantize (n). As above. */
bool gemv_vector_start(struct gemv_vector *vector, size_t n);
void gemv_vector_set(struct gemv_vector *vector, const float *values);
void gemv_vector_free(struct gemv_vector *vector);

#endif
