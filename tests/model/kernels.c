/*
 * Ten scalar kernels to compare the cache model with cachegrind: one static block, at one address
 * in both programs, large and aligned enough that every level's sets see the same lines.
 * Usage: kernels [NAME [TIMES]]; without a name it lists them; `nothing` is only what surrounds
 * them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 << 20 };

_Alignas(1 << 26) static unsigned char block[BLOCK_BYTES];

static uint64_t next(uint64_t *state) /* Marsaglia's xorshift64 */
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

/* C = A B by rows, which walks B down its columns. */
static void gemm_ijk(void)
{
	enum { N = 128 };
	const float *a = (const float *)(void *)block, *b = a + N * N;
	float *c = (float *)(void *)block + 2 * N * N;
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			float sum = 0;
			for (int k = 0; k < N; k++)
				sum += a[i * N + k] * b[k * N + j];
			c[i * N + j] = sum;
		}
}

/* The same in the order that walks rows. */
static void gemm_ikj(void)
{
	enum { N = 128 };
	const float *a = (const float *)(void *)block, *b = a + N * N;
	float *c = (float *)(void *)block + 2 * N * N;
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			for (int j = 0; j < N; j++)
				c[i * N + j] += a[i * N + k] * b[k * N + j];
}

static void triad(void)
{
	enum { N = 1 << 20 };
	double *a = (double *)(void *)block, *b = a + N, *c = b + N;
	for (int i = 0; i < N; i++)
		a[i] = b[i] + 3 * c[i];
}

static void transpose(void)
{
	enum { N = 1024 };
	const double *from = (const double *)(void *)block;
	double *to = (double *)(void *)block + N * N;
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			to[j * N + i] = from[i * N + j];
}

/* A random cycle through every line of 4 MiB, twice round. */
static void chase(void)
{
	enum { N = 1 << 16, WORDS = 8 };
	uint64_t *list = (uint64_t *)(void *)block, state = 88172645463325252, at = 0;
	for (uint64_t i = 0; i < N; i++)
		list[i * WORDS] = i;
	for (uint64_t i = N - 1; i > 0; i--) { /* Sattolo: one cycle */
		uint64_t other = next(&state) % i, swapped = list[i * WORDS];
		list[i * WORDS] = list[other * WORDS];
		list[other * WORDS] = swapped;
	}
	for (int i = 0; i < 2 * N; i++)
		at = list[at * WORDS];
	*(volatile uint64_t *)(void *)(block + BLOCK_BYTES - 8) = at;
}

static void histogram(void)
{
	uint32_t *counts = (uint32_t *)(void *)block;
	uint64_t state = 42;
	for (int i = 0; i < 1 << 21; i++)
		counts[next(&state) % (1 << 19)]++;
}

static void stencil(void)
{
	enum { N = 768 };
	const double *from = (const double *)(void *)block;
	double *to = (double *)(void *)block + N * N;
	for (int i = 1; i < N - 1; i++)
		for (int j = 1; j < N - 1; j++)
			to[i * N + j] = 0.25 * (from[(i - 1) * N + j] + from[(i + 1) * N + j] +
						from[i * N + j - 1] + from[i * N + j + 1]);
}

/* Powers of two that fall into few sets. */
static void stride(void)
{
	for (int round = 0; round < 256; round++)
		for (int i = 0; i < 1 << 12; i++)
			block[(i * 4096 + round) % (BLOCK_BYTES / 4)]++;
}

/* Over the ends of lines: 8 bytes at odd places. */
static void unaligned(void)
{
	uint64_t sum = 0, word;
	for (int i = 0; i < 1 << 20; i++) {
		const volatile uint64_t *at =
			(const volatile uint64_t *)(const void *)(block + 13 * (size_t)i);
		word = *at;
		sum += word;
	}
	*(volatile uint64_t *)(void *)block = sum;
}

/* Runs of four lines, of more than both caches hold. */
static void insertion(void)
{
	enum { N = 64, RUNS = 16384 };
	uint64_t state = 7;
	for (int run = 0; run < RUNS; run++)
		for (int i = 0; i < N; i++)
			((uint32_t *)(void *)block)[run * N + i] = (uint32_t)next(&state);
	for (int run = 0; run < RUNS; run++) {
		uint32_t *values = (uint32_t *)(void *)block + (size_t)run * N;
		for (int i = 1; i < N; i++) {
			uint32_t value = values[i];
			int j = i;
			for (; j > 0 && values[j - 1] > value; j--)
				values[j] = values[j - 1];
			values[j] = value;
		}
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} kernels[] = {
	{ "gemm-ijk", gemm_ijk },   { "gemm-ikj", gemm_ikj }, { "triad", triad },
	{ "transpose", transpose }, { "chase", chase },       { "histogram", histogram },
	{ "stencil", stencil },     { "stride", stride },     { "unaligned", unaligned },
	{ "insertion", insertion },
};

int main(int argc, char **argv)
{
	int times = argc > 2 ? atoi(argv[2]) : 1;
	for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
		if (argc < 2)
			puts(kernels[i].name);
		else if (strcmp(argv[1], kernels[i].name) == 0)
			for (int n = 0; n < times; n++)
				kernels[i].run();
	}
	return 0;
}
