/* Quantization in plain loops: it is done once, the product often. */
#include "kernels/support/gemv_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/support/dispatch.h"

static size_t padded(size_t n)
{
	return (n + GEMV_PADDING - 1) / GEMV_PADDING * GEMV_PADDING;
}

const char *gemv_type_name(enum gemv_type type)
{
	static const char *const names[GEMV_TYPES] = { "f32", "bf16", "int8", "int4", "ternary" };
	return names[type];
}

static size_t bytes_of_row(enum gemv_type type, size_t n)
{
	switch (type) {
	case GEMV_F32:
		return 4 * n;
	case GEMV_BF16:
		return 2 * n;
	case GEMV_INT8:
		return padded(n);
	case GEMV_INT4:
		return padded(n) / 2;
	default:
		return padded(n) / 4;
	}
}

bool gemv_weights_start(struct gemv_weights *weights, enum gemv_type type, size_t m, size_t n)
{
	enum { BEHIND = 64 };
	*weights = (struct gemv_weights){ .type = type, .m = m, .n = n };
	weights->row_bytes = bytes_of_row(type, n);
	weights->values = aligned_take(m * weights->row_bytes + BEHIND);
	if (type == GEMV_INT8 || type == GEMV_TERNARY) {
		weights->row_scales = 1;
		weights->scales = aligned_take(m * sizeof *weights->scales);
	}
	if (type == GEMV_INT4) {
		weights->row_scales = padded(n) / GEMV_GROUP;
		weights->group_scales =
			aligned_take(m * weights->row_scales * sizeof *weights->group_scales);
	}
	return weights->values &&
	       (weights->row_scales == 0 || weights->scales || weights->group_scales);
}

void gemv_weights_free(struct gemv_weights *weights)
{
	free(weights->values);
	free(weights->scales);
	free(weights->group_scales);
	*weights = (struct gemv_weights){ 0 };
}

static float largest(const float *values, size_t n)
{
	float most = 0;
	for (size_t i = 0; i < n; i++)
		most = fabsf(values[i]) > most ? fabsf(values[i]) : most;
	return most;
}

static int nearest(float value, float scale, int least, int most)
{
	float q = scale > 0 ? rintf(value / scale) : 0;
	return q < (float)least ? least : q > (float)most ? most : (int)q;
}

static void set_int8(int8_t *to, float *scale, const float *values, size_t n)
{
	*scale = largest(values, n) / 127;
	for (size_t i = 0; i < n; i++)
		to[i] = (int8_t)nearest(values[i], *scale, -127, 127);
	memset(to + n, 0, padded(n) - n);
}

static void set_int4(uint8_t *to, uint16_t *scales, const float *values, size_t n)
{
	memset(to, 0, padded(n) / 2);
	for (size_t group = 0; group < padded(n) / GEMV_GROUP; group++) {
		size_t from = group * GEMV_GROUP;
		size_t left = from < n ? n - from : 0;
		size_t count = left < GEMV_GROUP ? left : GEMV_GROUP;
		scales[group] = bf16_from_f32(count ? largest(values + from, count) / 7 : 0);
		float scale = f32_from_bf16(scales[group]); /* as it will be read */
		for (size_t i = from; i < from + count; i++) {
			unsigned q = (unsigned)(nearest(values[i], scale, -8, 7) + 8);
			to[i / 128 * 64 + i % 64] |= (uint8_t)(q << (i % 128 / 64 * 4));
		}
	}
}

/* The mean of the absolute values is the scale; what is nearer to zero becomes zero. */
static void set_ternary(uint8_t *to, float *scale, const float *values, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += fabsf(values[i]);
	*scale = n ? (float)(sum / (double)n) : 0;
	memset(to, 0, padded(n) / 4);
	for (size_t i = 0; i < n; i++) {
		unsigned q = (unsigned)(nearest(values[i], *scale, -1, 1) + 1);
		to[i / 256 * 64 + i % 64] |= (uint8_t)(q << (i % 256 / 64 * 2));
	}
}

void gemv_weights_set_row(struct gemv_weights *weights, size_t row, const float *values)
{
	void *to = (char *)weights->values + row * weights->row_bytes;
	switch (weights->type) {
	case GEMV_F32:
		memcpy(to, values, weights->n * sizeof *values);
		break;
	case GEMV_BF16:
		for (size_t i = 0; i < weights->n; i++)
			((uint16_t *)to)[i] = bf16_from_f32(values[i]);
		break;
	case GEMV_INT8:
		set_int8(to, &weights->scales[row], values, weights->n);
		break;
	case GEMV_INT4:
		set_int4(to, weights->group_scales + row * weights->row_scales, values, weights->n);
		break;
	default:
		set_ternary(to, &weights->scales[row], values, weights->n);
	}
}

double gemv_weight(const struct gemv_weights *weights, size_t row, size_t column)
{
	const uint8_t *at = (const uint8_t *)weights->values + row * weights->row_bytes;
	switch (weights->type) {
	case GEMV_F32:
		return ((const float *)(const void *)at)[column];
	case GEMV_BF16:
		return f32_from_bf16(((const uint16_t *)(const void *)at)[column]);
	case GEMV_INT8:
		return (double)weights->scales[row] * (int8_t)at[column];
	case GEMV_INT4: {
		int q = at[column / 128 * 64 + column % 64] >> (column % 128 / 64 * 4) & 15;
		size_t group = row * weights->row_scales + column / GEMV_GROUP;
		return (double)f32_from_bf16(weights->group_scales[group]) * (q - 8);
	}
	default: {
		int q = at[column / 256 * 64 + column % 64] >> (column % 256 / 64 * 2) & 3;
		return (double)weights->scales[row] * (q - 1);
	}
	}
}

double gemv_weights_bytes(const struct gemv_weights *weights)
{
	size_t scale_bytes = weights->type == GEMV_INT4 ? sizeof *weights->group_scales
							: sizeof *weights->scales;
	return (double)weights->m *
	       (double)(weights->row_bytes + weights->row_scales * scale_bytes);
}

bool gemv_vector_start(struct gemv_vector *vector, size_t n)
{
	*vector = (struct gemv_vector){ .n = n };
	vector->values = aligned_take(padded(n) * sizeof *vector->values);
	vector->quantized = aligned_take(padded(n));
	vector->group_sums = aligned_take(padded(n) / GEMV_GROUP * sizeof *vector->group_sums);
	return vector->values && vector->quantized && vector->group_sums;
}

void gemv_vector_set(struct gemv_vector *vector, const float *values)
{
	size_t n = vector->n;
	memcpy(vector->values, values, n * sizeof *values);
	memset(vector->values + n, 0, (padded(n) - n) * sizeof *values);
	set_int8(vector->quantized, &vector->scale, values, n);
	vector->sum = 0;
	for (size_t group = 0; group < padded(n) / GEMV_GROUP; group++) {
		int sum = 0;
		for (size_t i = 0; i < GEMV_GROUP; i++)
			sum += vector->quantized[group * GEMV_GROUP + i];
		vector->group_sums[group] = (float)sum;
		vector->sum += sum;
	}
}

void gemv_vector_free(struct gemv_vector *vector)
{
	free(vector->values);
	free(vector->quantized);
	free(vector->group_sums);
	*vector = (struct gemv_vector){ 0 };
}
