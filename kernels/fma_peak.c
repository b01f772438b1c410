/*
 * Twelve or twenty-four independent chains: more than latency times ports of any CPU so far (4 x
 * 2), fewer than the registers. Vectors are kept apart by arrays whose loops are unrolled whole.
 */
#include "kernels/fma_peak.h"

#include <stdint.h>
#include <string.h>

#include "kernels/kernel.h"
#include "kernels/support/amx.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/vnni.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* Every chain tends to 1, by a factor that both types hold exactly; each from another start, or
 * the compiler would find that they are one. */
static const double FACTOR = 1 - 0x1p-12, TERM = 0x1p-12, START_STEP = 0x1p-6;

enum { FEW = 12, MANY = 24, SCALAR_PASS = FEW * 2 };

static double f32_scalar(size_t n)
{
	float sums[FEW], factor = (float)FACTOR, term = (float)TERM, total = 0;
	for (int i = 0; i < FEW; i++)
		sums[i] = (float)(i * START_STEP);
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / SCALAR_PASS); pass++) {
#pragma GCC unroll 12
		for (int i = 0; i < FEW; i++)
			sums[i] = sums[i] * factor + term;
	}
	for (int i = 0; i < FEW; i++)
		total += sums[i];
	return total / FEW;
}

static double f64_scalar(size_t n)
{
	double sums[FEW], total = 0;
	for (int i = 0; i < FEW; i++)
		sums[i] = i * START_STEP;
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / SCALAR_PASS); pass++) {
#pragma GCC unroll 12
		for (int i = 0; i < FEW; i++)
			sums[i] = sums[i] * FACTOR + TERM;
	}
	for (int i = 0; i < FEW; i++)
		total += sums[i];
	return total / FEW;
}

#if defined(__x86_64__)
enum {
	F32_AVX2_PASS = FEW * 8 * 2,
	F64_AVX2_PASS = FEW * 4 * 2,
	F32_AVX512_PASS = MANY * 16 * 2,
	F64_AVX512_PASS = MANY * 8 * 2,
	BF16_AVX512_PASS = MANY * 32 * 2,
	INT8_AVX512_PASS = MANY * 64 * 2,
};

__attribute__((target("avx2,fma"))) static double f32_avx2(size_t n)
{
	__m256 sums[FEW], factor = _mm256_set1_ps((float)FACTOR),
			  term = _mm256_set1_ps((float)TERM);
	float lanes[8], total = 0;
#pragma GCC unroll 12
	for (int i = 0; i < FEW; i++)
		sums[i] = _mm256_set1_ps((float)(i * START_STEP));
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / F32_AVX2_PASS); pass++) {
#pragma GCC unroll 12
		for (int i = 0; i < FEW; i++)
			sums[i] = _mm256_fmadd_ps(sums[i], factor, term);
	}
#pragma GCC unroll 12
	for (int i = 1; i < FEW; i++)
		sums[0] = _mm256_add_ps(sums[0], sums[i]);
	_mm256_storeu_ps(lanes, sums[0]);
	for (int i = 0; i < 8; i++)
		total += lanes[i];
	return total / (FEW * 8);
}

__attribute__((target("avx2,fma"))) static double f64_avx2(size_t n)
{
	__m256d sums[FEW], factor = _mm256_set1_pd(FACTOR), term = _mm256_set1_pd(TERM);
	double lanes[4];
#pragma GCC unroll 12
	for (int i = 0; i < FEW; i++)
		sums[i] = _mm256_set1_pd(i * START_STEP);
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / F64_AVX2_PASS); pass++) {
#pragma GCC unroll 12
		for (int i = 0; i < FEW; i++)
			sums[i] = _mm256_fmadd_pd(sums[i], factor, term);
	}
#pragma GCC unroll 12
	for (int i = 1; i < FEW; i++)
		sums[0] = _mm256_add_pd(sums[0], sums[i]);
	_mm256_storeu_pd(lanes, sums[0]);
	return (lanes[0] + lanes[1] + lanes[2] + lanes[3]) / (FEW * 4);
}

__attribute__((target("avx512f"))) static double f32_avx512(size_t n)
{
	__m512 sums[MANY], factor = _mm512_set1_ps((float)FACTOR),
			   term = _mm512_set1_ps((float)TERM);
#pragma GCC unroll 24
	for (int i = 0; i < MANY; i++)
		sums[i] = _mm512_set1_ps((float)(i * START_STEP));
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / F32_AVX512_PASS); pass++) {
#pragma GCC unroll 24
		for (int i = 0; i < MANY; i++)
			sums[i] = _mm512_fmadd_ps(sums[i], factor, term);
	}
#pragma GCC unroll 24
	for (int i = 1; i < MANY; i++)
		sums[0] = _mm512_add_ps(sums[0], sums[i]);
	return _mm512_reduce_add_ps(sums[0]) / (MANY * 16);
}

__attribute__((target("avx512f"))) static double f64_avx512(size_t n)
{
	__m512d sums[MANY], factor = _mm512_set1_pd(FACTOR), term = _mm512_set1_pd(TERM);
#pragma GCC unroll 24
	for (int i = 0; i < MANY; i++)
		sums[i] = _mm512_set1_pd(i * START_STEP);
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / F64_AVX512_PASS); pass++) {
#pragma GCC unroll 24
		for (int i = 0; i < MANY; i++)
			sums[i] = _mm512_fmadd_pd(sums[i], factor, term);
	}
#pragma GCC unroll 24
	for (int i = 1; i < MANY; i++)
		sums[0] = _mm512_add_pd(sums[0], sums[i]);
	return _mm512_reduce_add_pd(sums[0]) / (MANY * 8);
}

/* 1.5 x 0.25 + 1.5 x 0.25 = 0.75 a lane and pass: exact until 2^24. */
__attribute__((target("avx512f,avx512bf16"))) static double bf16_avx512(size_t n)
{
	const uint32_t a_pair = 0x3fc03fc0, b_pair = 0x3e803e80; /* (1.5, 1.5), (0.25, 0.25) */
	__m512 sums[MANY];
	__m512bh a = (__m512bh)_mm512_set1_epi32((int)a_pair);
	__m512bh b = (__m512bh)_mm512_set1_epi32((int)b_pair);
#pragma GCC unroll 24
	for (int i = 0; i < MANY; i++)
		sums[i] = _mm512_set1_ps((float)i);
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / BF16_AVX512_PASS); pass++) {
#pragma GCC unroll 24
		for (int i = 0; i < MANY; i++)
			sums[i] = _mm512_dpbf16_ps(sums[i], a, b);
	}
#pragma GCC unroll 24
	for (int i = 1; i < MANY; i++)
		sums[0] = _mm512_add_ps(sums[0], sums[i]);
	return _mm512_reduce_add_ps(sums[0]) / (MANY * 16);
}

/* 4 x 201 x -3 a lane and pass. */
__attribute__((target("avx512f,avx512vnni"))) static double int8_avx512(size_t n)
{
	__m512i sums[MANY], a = _mm512_set1_epi8((char)201), b = _mm512_set1_epi8(-3);
	int32_t lanes[16];
#pragma GCC unroll 24
	for (int i = 0; i < MANY; i++)
		sums[i] = _mm512_set1_epi32(i);
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / INT8_AVX512_PASS); pass++) {
#pragma GCC unroll 24
		for (int i = 0; i < MANY; i++)
			sums[i] = vnni_add(sums[i], a, b);
	}
#pragma GCC unroll 24
	for (int i = 1; i < MANY; i++)
		sums[0] = _mm512_min_epi32(sums[0], sums[i]); /* chain 0, and all are used */
	_mm512_storeu_si512(lanes, sums[0]);
	return lanes[7];
}

/* Six accumulators and two operands are the eight tiles. The operands are not zeros: with zeros
 * the units take less power and the clock stays higher than any real product lets it. */
enum {
	TILES = 6,
	BF16_AMX_PASS = TILES * 16 * 16 * 32 * 2,
	INT8_AMX_PASS = TILES * 16 * 16 * 64 * 2,
};

__attribute__((target("amx-tile,amx-bf16"))) static double bf16_amx(size_t n)
{
	uint32_t a_pairs[256], b_pairs[256];
	float sums[256];
	for (int i = 0; i < 256; i++) {
		a_pairs[i] = 0x3fc03fc0; /* as bf16_avx512: 16 pairs of 0.75 */
		b_pairs[i] = 0x3e803e80;
	}
	amx_configure();
	amx_zero_six();
	_tile_loadd(6, a_pairs, 64);
	_tile_loadd(7, b_pairs, 64);
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / BF16_AMX_PASS); pass++) {
		_tile_dpbf16ps(0, 6, 7);
		_tile_dpbf16ps(1, 6, 7);
		_tile_dpbf16ps(2, 6, 7);
		_tile_dpbf16ps(3, 6, 7);
		_tile_dpbf16ps(4, 6, 7);
		_tile_dpbf16ps(5, 6, 7);
	}
	_tile_stored(5, sums, 64);
	_tile_release();
	return sums[77];
}

__attribute__((target("amx-tile,amx-int8"))) static double int8_amx(size_t n)
{
	uint8_t a[1024];
	int8_t b[1024];
	int32_t sums[256];
	memset(a, 201, sizeof a);
	memset(b, -3, sizeof b);
	amx_configure();
	amx_zero_six();
	_tile_loadd(6, a, 64);
	_tile_loadd(7, b, 64);
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / INT8_AMX_PASS); pass++) {
		_tile_dpbusd(0, 6, 7);
		_tile_dpbusd(1, 6, 7);
		_tile_dpbusd(2, 6, 7);
		_tile_dpbusd(3, 6, 7);
		_tile_dpbusd(4, 6, 7);
		_tile_dpbusd(5, 6, 7);
	}
	_tile_stored(5, sums, 64);
	_tile_release();
	return sums[77];
}
#elif defined(__aarch64__)
enum { F32_NEON_PASS = MANY * 4 * 2, F64_NEON_PASS = MANY * 2 * 2 };

/* fmla adds to its destination, so chains grow, by 2^-12 a pass: exact until 2^12. */
static double f32_neon(size_t n)
{
	float32x4_t sums[MANY], half = vdupq_n_f32(0.5F), term = vdupq_n_f32((float)(2 * TERM));
#pragma GCC unroll 24
	for (int i = 0; i < MANY; i++)
		sums[i] = vdupq_n_f32((float)(i * START_STEP));
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / F32_NEON_PASS); pass++) {
#pragma GCC unroll 24
		for (int i = 0; i < MANY; i++)
			sums[i] = vfmaq_f32(sums[i], half, term);
	}
#pragma GCC unroll 24
	for (int i = 1; i < MANY; i++)
		sums[0] = vaddq_f32(sums[0], sums[i]);
	return (double)vaddvq_f32(sums[0]) / (MANY * 4);
}

static double f64_neon(size_t n)
{
	float64x2_t sums[MANY], half = vdupq_n_f64(0.5), term = vdupq_n_f64(2 * TERM);
#pragma GCC unroll 24
	for (int i = 0; i < MANY; i++)
		sums[i] = vdupq_n_f64(i * START_STEP);
	for (size_t pass = 0; pass < n * (FMA_PEAK_UNIT_FLOPS / F64_NEON_PASS); pass++) {
#pragma GCC unroll 24
		for (int i = 0; i < MANY; i++)
			sums[i] = vfmaq_f64(sums[i], half, term);
	}
#pragma GCC unroll 24
	for (int i = 1; i < MANY; i++)
		sums[0] = vaddq_f64(sums[0], sums[i]);
	return vaddvq_f64(sums[0]) / (MANY * 2);
}
#endif

static double fma_peak_flops(size_t n)
{
	return (double)FMA_PEAK_UNIT_FLOPS * (double)n;
}

static double fma_peak_bytes(size_t n)
{
	(void)n;
	return 0;
}

static const struct variant variants[] = {
	{ "f32-scalar", "one f32 at a time", NULL, (void (*)(void))f32_scalar },
	{ "f64-scalar", "one f64 at a time", NULL, (void (*)(void))f64_scalar },
#if defined(__x86_64__)
	{ "f32-avx2", "8 f32 at a time", cpu_has_avx2, (void (*)(void))f32_avx2 },
	{ "f64-avx2", "4 f64 at a time", cpu_has_avx2, (void (*)(void))f64_avx2 },
	{ "f64-avx512", "8 f64 at a time", cpu_has_avx512, (void (*)(void))f64_avx512 },
	{ "bf16-avx512", "32 bf16 at a time, pairs into f32", cpu_has_avx512_bf16,
	  (void (*)(void))bf16_avx512 },
	{ "int8-avx512", "64 bytes at a time, fours into int32 (VNNI)", cpu_has_avx512_vnni,
	  (void (*)(void))int8_avx512 },
	{ "bf16-amx", "tiles of 16 x 32 bf16", cpu_has_amx_bf16, (void (*)(void))bf16_amx },
	{ "int8-amx", "tiles of 16 x 64 bytes", cpu_has_amx_int8, (void (*)(void))int8_amx },
	{ "f32-avx512", "16 f32 at a time", cpu_has_avx512, (void (*)(void))f32_avx512 },
#elif defined(__aarch64__)
	{ "f64-neon", "2 f64 at a time", NULL, (void (*)(void))f64_neon },
	{ "f32-neon", "4 f32 at a time", NULL, (void (*)(void))f32_neon },
#endif
	{ 0 },
};

fma_peak_function *fma_peak_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (fma_peak_function *)variant->function : NULL;
}

size_t fma_peak_pass_flops(const char *name)
{
	static const struct {
		const char *name;
		size_t flops;
	} passes[] = {
		{ "f32-scalar", SCALAR_PASS },
		{ "f64-scalar", SCALAR_PASS },
#if defined(__x86_64__)
		{ "f32-avx2", F32_AVX2_PASS },
		{ "f64-avx2", F64_AVX2_PASS },
		{ "f32-avx512", F32_AVX512_PASS },
		{ "f64-avx512", F64_AVX512_PASS },
		{ "bf16-avx512", BF16_AVX512_PASS },
		{ "int8-avx512", INT8_AVX512_PASS },
		{ "bf16-amx", BF16_AMX_PASS },
		{ "int8-amx", INT8_AMX_PASS },
#elif defined(__aarch64__)
		{ "f32-neon", F32_NEON_PASS },
		{ "f64-neon", F64_NEON_PASS },
#endif
	};
	for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++)
		if (strcmp(passes[i].name, name) == 0)
			return passes[i].flops;
	return 0;
}

fma_peak_function *fma_peak_next(const char *type, size_t *place, const char **name)
{
	size_t length = strlen(type);
	while (variants[*place].name) {
		const struct variant *at = &variants[(*place)++];
		if (strncmp(at->name, type, length) != 0 || at->name[length] != '-')
			continue;
		if (at->is_usable && !at->is_usable())
			continue;
		*name = at->name;
		return (fma_peak_function *)at->function;
	}
	return NULL;
}

const struct kernel kernel_fma_peak = {
	.name = "fma_peak",
	.summary = "multiply-adds on registers alone: the ceiling of each type and width",
	.source = "Intel Optimization Manual 18.1",
	.variants = variants,
	.tolerance = 1e-3,
	.flops = fma_peak_flops,
	.bytes = fma_peak_bytes,
};
