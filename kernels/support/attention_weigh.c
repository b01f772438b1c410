/* Most rows meet their greatest score early, so the sums are seldom scaled: it is asked first. */
#include "kernels/support/attention_weigh.h"

#include <math.h>

#include "kernels/support/exponential.h"
#include "kernels/support/rows_avx2.h"
#include "kernels/support/rows_avx512.h"

/* What is left of n elements behind whole vectors, and the padding. */
static void clear_padding(struct attention_row *row, size_t from)
{
	for (size_t j = from; j < row->n_padded; j++)
		row->scores[j] = 0;
}

/* The new greatest; what was summed before is worth this much now. */
static float raise_greatest(struct attention_row *row, float greatest)
{
	float factor = expf(row->scale * (row->greatest - greatest));
	row->greatest = greatest;
	row->total *= factor;
	for (size_t j = 0; j < row->n_sums; j++)
		row->sums[j] *= factor;
	return greatest;
}

/* Scalar ends of the vector forms: elements [from, n). */
static float greatest_of(const struct attention_row *row, size_t from, float greatest)
{
	for (size_t j = from; j < row->n; j++)
		greatest = row->scores[j] > greatest ? row->scores[j] : greatest;
	return greatest;
}

static float weigh_rest(struct attention_row *row, size_t from)
{
	float sum = 0;
	for (size_t j = from; j < row->n; j++) {
		row->scores[j] = expf(row->scale * (row->scores[j] - row->greatest));
		sum += row->scores[j];
	}
	clear_padding(row, row->n);
	return sum;
}

void attention_weigh(struct attention_row *row)
{
	float greatest = greatest_of(row, 0, row->greatest);
	if (greatest > row->greatest)
		raise_greatest(row, greatest);
	row->total += weigh_rest(row, 0);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static float greatest_avx2(const struct attention_row *row)
{
	__m256 most = _mm256_set1_ps(row->greatest);
	size_t j = 0;
	for (; j + 8 <= row->n; j += 8)
		most = _mm256_max_ps(most, _mm256_loadu_ps(row->scores + j));
	return greatest_of(row, j, rows_most_avx2(most));
}

__attribute__((target("avx2,fma"))) void attention_weigh_avx2(struct attention_row *row)
{
	float greatest = greatest_avx2(row);
	if (greatest > row->greatest)
		raise_greatest(row, greatest);
	__m256 away = _mm256_set1_ps(greatest), scale = _mm256_set1_ps(row->scale);
	__m256 sums = _mm256_setzero_ps();
	size_t j = 0;
	for (; j + 8 <= row->n; j += 8) {
		__m256 score = _mm256_sub_ps(_mm256_loadu_ps(row->scores + j), away);
		__m256 weight = exponential_eight(_mm256_mul_ps(score, scale));
		_mm256_storeu_ps(row->scores + j, weight);
		sums = _mm256_add_ps(sums, weight);
	}
	row->total += weigh_rest(row, j) + rows_total_avx2(sums);
}

__attribute__((target("avx512f"))) static float greatest_avx512(const struct attention_row *row)
{
	__m512 most = _mm512_set1_ps(row->greatest);
	for (size_t j = 0; j < row->n; j += 16) {
		__mmask16 lanes = rows_lanes(j, row->n);
		most = _mm512_mask_max_ps(most, lanes, most,
					  _mm512_maskz_loadu_ps(lanes, row->scores + j));
	}
	return _mm512_reduce_max_ps(most);
}

__attribute__((target("avx512f"))) void attention_weigh_avx512(struct attention_row *row)
{
	float greatest = greatest_avx512(row);
	if (greatest > row->greatest)
		raise_greatest(row, greatest);
	__m512 away = _mm512_set1_ps(greatest), scale = _mm512_set1_ps(row->scale);
	__m512 sums = _mm512_setzero_ps();
	for (size_t j = 0; j < row->n; j += 16) {
		__mmask16 lanes = rows_lanes(j, row->n);
		__m512 score = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, row->scores + j), away);
		__m512 weight = exponential_sixteen(_mm512_mul_ps(score, scale));
		_mm512_mask_storeu_ps(row->scores + j, lanes, weight);
		sums = _mm512_mask_add_ps(sums, lanes, sums, weight);
	}
	row->total += _mm512_reduce_add_ps(sums);
	clear_padding(row, row->n);
}
#elif defined(__aarch64__)
void attention_weigh_neon(struct attention_row *row)
{
	float32x4_t most = vdupq_n_f32(row->greatest), sums = vdupq_n_f32(0);
	size_t j = 0;
	for (; j + 4 <= row->n; j += 4)
		most = vmaxq_f32(most, vld1q_f32(row->scores + j));
	float greatest = greatest_of(row, j, vmaxvq_f32(most));
	if (greatest > row->greatest)
		raise_greatest(row, greatest);
	float32x4_t away = vdupq_n_f32(greatest);
	for (j = 0; j + 4 <= row->n; j += 4) {
		float32x4_t score = vsubq_f32(vld1q_f32(row->scores + j), away);
		float32x4_t weight = exponential_four(vmulq_n_f32(score, row->scale));
		vst1q_f32(row->scores + j, weight);
		sums = vaddq_f32(sums, weight);
	}
	row->total += weigh_rest(row, j) + vaddvq_f32(sums);
}
#endif
