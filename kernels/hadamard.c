/*
 * log2(n) times, sums and differences of elements 1, 2, 4, ... apart: each time through the whole
 * row, unless more is done while its parts are in registers. Vectors do their own width's steps by
 * shuffles and then two steps a pass, so a row is passed half as often.
 */
#include "kernels/hadamard.h"

#include <math.h>
#include <string.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

struct hadamard_task hadamard_share(const struct hadamard_task *whole, unsigned share,
				    unsigned n_shares)
{
	struct hadamard_task part = *whole;
	size_t from = whole->rows * share / n_shares;
	part.rows = whole->rows * (share + 1) / n_shares - from;
	part.x += from * whole->n;
	part.y += from * whole->n;
	return part;
}

static void hadamard_definition(const struct hadamard_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		for (size_t i = 0; i < n; i++) {
			float sum = 0;
			for (size_t j = 0; j < n; j++) {
				float x = task->x[at + j];
				sum += __builtin_parityll(i & j) ? -x : x;
			}
			task->y[at + i] = sum;
		}
	}
}

/* One step: elements `apart` from each other. */
static void step(float *y, size_t n, size_t apart)
{
	for (size_t i = 0; i < n; i += 2 * apart) {
		for (size_t j = i; j < i + apart; j++) {
			float a = y[j], b = y[j + apart];
			y[j] = a + b;
			y[j + apart] = a - b;
		}
	}
}

static void hadamard_steps(const struct hadamard_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		memcpy(task->y + at, task->x + at, n * sizeof(float));
		for (size_t apart = 1; apart < n; apart *= 2)
			step(task->y + at, n, apart);
	}
}

/* Two steps a pass: four elements, each loaded and stored once. */
static inline __attribute__((always_inline)) void four(float *y, size_t apart)
{
	float a = y[0] + y[apart], b = y[0] - y[apart];
	float c = y[2 * apart] + y[3 * apart], d = y[2 * apart] - y[3 * apart];
	y[0] = a + c;
	y[apart] = b + d;
	y[2 * apart] = a - c;
	y[3 * apart] = b - d;
}

static void hadamard_twofold(const struct hadamard_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		float *y = task->y + at;
		size_t apart = 1;
		memcpy(y, task->x + at, n * sizeof *y);
		for (; 4 * apart <= n; apart *= 4)
			for (size_t i = 0; i < n; i += 4 * apart)
				for (size_t j = i; j < i + apart; j++)
					four(y + j, apart);
		if (apart < n)
			step(y, n, apart);
	}
}

#if defined(__x86_64__)
/* The steps 1, 2, 4 of eight: a shuffle brings each its partner, and the upper one is negated. */
__attribute__((target("avx2,fma"), always_inline)) static inline __m256 eight_avx2(__m256 x)
{
	const __m256 one = _mm256_setr_ps(1, -1, 1, -1, 1, -1, 1, -1);
	const __m256 two = _mm256_setr_ps(1, 1, -1, -1, 1, 1, -1, -1);
	const __m256 both = _mm256_setr_ps(1, 1, 1, 1, -1, -1, -1, -1);
	x = _mm256_fmadd_ps(x, one, _mm256_permute_ps(x, 0xb1));
	x = _mm256_fmadd_ps(x, two, _mm256_permute_ps(x, 0x4e));
	return _mm256_fmadd_ps(x, both, _mm256_permute2f128_ps(x, x, 0x01));
}

__attribute__((target("avx2,fma"))) static void four_avx2(float *y, size_t apart)
{
	__m256 w = _mm256_loadu_ps(y), x = _mm256_loadu_ps(y + apart);
	__m256 v = _mm256_loadu_ps(y + 2 * apart), z = _mm256_loadu_ps(y + 3 * apart);
	__m256 a = _mm256_add_ps(w, x), b = _mm256_sub_ps(w, x);
	__m256 c = _mm256_add_ps(v, z), d = _mm256_sub_ps(v, z);
	_mm256_storeu_ps(y, _mm256_add_ps(a, c));
	_mm256_storeu_ps(y + apart, _mm256_add_ps(b, d));
	_mm256_storeu_ps(y + 2 * apart, _mm256_sub_ps(a, c));
	_mm256_storeu_ps(y + 3 * apart, _mm256_sub_ps(b, d));
}

__attribute__((target("avx2,fma"))) static void row_avx2(const float *x, float *y, size_t n)
{
	size_t apart = 8;
	for (size_t j = 0; j < n; j += 8)
		_mm256_storeu_ps(y + j, eight_avx2(_mm256_loadu_ps(x + j)));
	for (; 4 * apart <= n; apart *= 4)
		for (size_t i = 0; i < n; i += 4 * apart)
			for (size_t j = i; j < i + apart; j += 8)
				four_avx2(y + j, apart);
	for (size_t j = 0; apart < n && j < apart; j += 8) {
		__m256 a = _mm256_loadu_ps(y + j), b = _mm256_loadu_ps(y + j + apart);
		_mm256_storeu_ps(y + j, _mm256_add_ps(a, b));
		_mm256_storeu_ps(y + j + apart, _mm256_sub_ps(a, b));
	}
}

static void hadamard_avx2(const struct hadamard_task *task)
{
	for (size_t at = 0; task->n >= 8 && at < task->rows * task->n; at += task->n)
		row_avx2(task->x + at, task->y + at, task->n);
	if (task->n < 8)
		hadamard_twofold(task);
}

__attribute__((target("avx512f"), always_inline)) static inline __m512 sixteen_avx512(__m512 x)
{
	const __m512 minus = _mm512_set1_ps(-0.0f);
	const __m512i sign = _mm512_castps_si512(minus);
	__m512 partner = _mm512_permute_ps(x, 0xb1);
	x = _mm512_castsi512_ps(_mm512_mask_xor_epi32(_mm512_castps_si512(x), 0xaaaa,
						      _mm512_castps_si512(x), sign));
	x = _mm512_add_ps(partner, x);
	partner = _mm512_permute_ps(x, 0x4e);
	x = _mm512_castsi512_ps(_mm512_mask_xor_epi32(_mm512_castps_si512(x), 0xcccc,
						      _mm512_castps_si512(x), sign));
	x = _mm512_add_ps(partner, x);
	partner = _mm512_shuffle_f32x4(x, x, 0xb1);
	x = _mm512_castsi512_ps(_mm512_mask_xor_epi32(_mm512_castps_si512(x), 0xf0f0,
						      _mm512_castps_si512(x), sign));
	x = _mm512_add_ps(partner, x);
	partner = _mm512_shuffle_f32x4(x, x, 0x4e);
	x = _mm512_castsi512_ps(_mm512_mask_xor_epi32(_mm512_castps_si512(x), 0xff00,
						      _mm512_castps_si512(x), sign));
	return _mm512_add_ps(partner, x);
}

__attribute__((target("avx512f"))) static void four_avx512(float *y, size_t apart)
{
	__m512 w = _mm512_loadu_ps(y), x = _mm512_loadu_ps(y + apart);
	__m512 v = _mm512_loadu_ps(y + 2 * apart), z = _mm512_loadu_ps(y + 3 * apart);
	__m512 a = _mm512_add_ps(w, x), b = _mm512_sub_ps(w, x);
	__m512 c = _mm512_add_ps(v, z), d = _mm512_sub_ps(v, z);
	_mm512_storeu_ps(y, _mm512_add_ps(a, c));
	_mm512_storeu_ps(y + apart, _mm512_add_ps(b, d));
	_mm512_storeu_ps(y + 2 * apart, _mm512_sub_ps(a, c));
	_mm512_storeu_ps(y + 3 * apart, _mm512_sub_ps(b, d));
}

__attribute__((target("avx512f"))) static void row_avx512(const float *x, float *y, size_t n)
{
	size_t apart = 16;
	for (size_t j = 0; j < n; j += 16)
		_mm512_storeu_ps(y + j, sixteen_avx512(_mm512_loadu_ps(x + j)));
	for (; 4 * apart <= n; apart *= 4)
		for (size_t i = 0; i < n; i += 4 * apart)
			for (size_t j = i; j < i + apart; j += 16)
				four_avx512(y + j, apart);
	for (size_t j = 0; apart < n && j < apart; j += 16) {
		__m512 a = _mm512_loadu_ps(y + j), b = _mm512_loadu_ps(y + j + apart);
		_mm512_storeu_ps(y + j, _mm512_add_ps(a, b));
		_mm512_storeu_ps(y + j + apart, _mm512_sub_ps(a, b));
	}
}

static void hadamard_avx512(const struct hadamard_task *task)
{
	for (size_t at = 0; task->n >= 16 && at < task->rows * task->n; at += task->n)
		row_avx512(task->x + at, task->y + at, task->n);
	if (task->n < 16)
		hadamard_twofold(task);
}
#elif defined(__aarch64__)
static void four_neon(float *y, size_t apart)
{
	float32x4_t w = vld1q_f32(y), x = vld1q_f32(y + apart);
	float32x4_t v = vld1q_f32(y + 2 * apart), z = vld1q_f32(y + 3 * apart);
	float32x4_t a = vaddq_f32(w, x), b = vsubq_f32(w, x);
	float32x4_t c = vaddq_f32(v, z), d = vsubq_f32(v, z);
	vst1q_f32(y, vaddq_f32(a, c));
	vst1q_f32(y + apart, vaddq_f32(b, d));
	vst1q_f32(y + 2 * apart, vsubq_f32(a, c));
	vst1q_f32(y + 3 * apart, vsubq_f32(b, d));
}

static void row_neon(const float *x, float *y, size_t n)
{
	size_t apart = 4;
	memcpy(y, x, n * sizeof *y);
	for (size_t j = 0; j < n; j += 4)
		four(y + j, 1);
	for (; 4 * apart <= n; apart *= 4)
		for (size_t i = 0; i < n; i += 4 * apart)
			for (size_t j = i; j < i + apart; j += 4)
				four_neon(y + j, apart);
	if (apart < n)
		step(y, n, apart);
}

static void hadamard_neon(const struct hadamard_task *task)
{
	for (size_t at = 0; task->n >= 4 && at < task->rows * task->n; at += task->n)
		row_neon(task->x + at, task->y + at, task->n);
	if (task->n < 4)
		hadamard_twofold(task);
}
#endif

double hadamard_flops(const struct hadamard_task *task)
{
	return (double)task->rows * (double)task->n * log2((double)task->n);
}

double hadamard_bytes(const struct hadamard_task *task)
{
	return 8.0 * (double)task->rows * (double)task->n;
}

/* n rows of 1024. */
static double rows_flops(size_t n)
{
	return 10240.0 * (double)n;
}

static double rows_bytes(size_t n)
{
	return 8192.0 * (double)n;
}

static const struct variant variants[] = {
	{ "definition", "each element's n products with 1 and -1", NULL,
	  (void (*)(void))hadamard_definition },
	{ "steps", "log2(n) passes of sums and differences", NULL, (void (*)(void))hadamard_steps },
	{ "twofold", "two steps a pass: half the passes", NULL, (void (*)(void))hadamard_twofold },
#if defined(__x86_64__)
	{ "avx2", "three steps within a register, then two a pass", cpu_has_avx2,
	  (void (*)(void))hadamard_avx2 },
	{ "avx512", "four steps within a register, then two a pass", cpu_has_avx512,
	  (void (*)(void))hadamard_avx512 },
#elif defined(__aarch64__)
	{ "neon", "two steps a pass, four at a time", NULL, (void (*)(void))hadamard_neon },
#endif
	{ 0 },
};

hadamard_function *hadamard_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (hadamard_function *)variant->function : NULL;
}

const struct kernel kernel_hadamard = {
	.name = "hadamard",
	.summary = "the Walsh-Hadamard transform: n log n instead of n^2, nothing but additions",
	.source = "Fino and Algazi (1976)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = rows_flops,
	.bytes = rows_bytes,
};
