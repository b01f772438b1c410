/*
 * Each method has its loop over rows; the features of a group are unrolled, so that a row costs one
 * read of its bins and one read-modify-write a feature. The table lies in the first- or
 * second-level cache; rows are asked for some iterations ahead, since below the root their order
 * is known to nobody but the tree.
 */
#include "workloads/support/gbdt_histogram.h"

#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/support/dispatch.h"
#include "sampler/base/why.h"
#include "workloads/support/gbdt_simd.h"

/* 2^16 rows of at most 2^16 - 1 fit 32 bits: then the packed table is emptied. */
enum { ROWS_A_TURN = 65536 };
/* Eight more than the bins there are: equal bins of sixteen features then fall into different sets
 * of the cache. */
enum { TABLE_STRIDE = GBDT_MOST_BINS + 8 };
/* Rows asked for ahead: about 300 cycles at 16 features, the time main memory takes. */
enum { AHEAD = 16 };

#define INLINE static inline __attribute__((always_inline))

/* The same loop for each number of features, known to the compiler. */
#define BY_WIDTH(sum, job, from, to)                                                               \
	switch ((job)->n_features) {                                                               \
	case 1:                                                                                    \
		sum(job, from, to, 1);                                                             \
		break;                                                                             \
	case 2:                                                                                    \
		sum(job, from, to, 2);                                                             \
		break;                                                                             \
	case 3:                                                                                    \
		sum(job, from, to, 3);                                                             \
		break;                                                                             \
	case 4:                                                                                    \
		sum(job, from, to, 4);                                                             \
		break;                                                                             \
	case 5:                                                                                    \
		sum(job, from, to, 5);                                                             \
		break;                                                                             \
	case 6:                                                                                    \
		sum(job, from, to, 6);                                                             \
		break;                                                                             \
	case 7:                                                                                    \
		sum(job, from, to, 7);                                                             \
		break;                                                                             \
	case 8:                                                                                    \
		sum(job, from, to, 8);                                                             \
		break;                                                                             \
	case 9:                                                                                    \
		sum(job, from, to, 9);                                                             \
		break;                                                                             \
	case 10:                                                                                   \
		sum(job, from, to, 10);                                                            \
		break;                                                                             \
	case 11:                                                                                   \
		sum(job, from, to, 11);                                                            \
		break;                                                                             \
	case 12:                                                                                   \
		sum(job, from, to, 12);                                                            \
		break;                                                                             \
	case 13:                                                                                   \
		sum(job, from, to, 13);                                                            \
		break;                                                                             \
	case 14:                                                                                   \
		sum(job, from, to, 14);                                                            \
		break;                                                                             \
	case 15:                                                                                   \
		sum(job, from, to, 15);                                                            \
		break;                                                                             \
	default:                                                                                   \
		sum(job, from, to, 16);                                                            \
		break;                                                                             \
	}

INLINE void ask_for(const struct gbdt_histogram_job *job, size_t i)
{
	uint32_t row = job->rows[i];
	__builtin_prefetch(job->bins + row * job->stride);
	__builtin_prefetch(job->pairs + row);
}

/* Near the end there is nothing to ask for. */
INLINE size_t last_asked(const struct gbdt_histogram_job *job, size_t to)
{
	return to + AHEAD <= job->n_rows ? to : job->n_rows > AHEAD ? job->n_rows - AHEAD : 0;
}

INLINE void add_scalar(const struct gbdt_histogram_job *job, size_t i, unsigned n)
{
	struct gbdt_sums *table = job->table;
	uint32_t row = job->rows[i], pair = job->pairs[row];
	const uint8_t *bins = job->bins + row * job->stride;
#pragma GCC unroll 16
	for (unsigned k = 0; k < n; k++) {
		table[k * TABLE_STRIDE + bins[k]].gradient += (int32_t)pair >> 16;
		table[k * TABLE_STRIDE + bins[k]].hessian += pair & 0xffff;
	}
}

INLINE void sum_scalar(const struct gbdt_histogram_job *job, size_t from, size_t to, unsigned n)
{
	size_t i = from, asked = last_asked(job, to);
	for (; i < asked; i++) {
		ask_for(job, i + AHEAD);
		add_scalar(job, i, n);
	}
	for (; i < to; i++)
		add_scalar(job, i, n);
}

/* The hessian is not negative, so nothing is borrowed from the gradient above it. */
INLINE uint64_t widen(uint32_t pair)
{
	return ((uint64_t)(int64_t)((int32_t)pair >> 16) << 32) + (pair & 0xffff);
}

INLINE void add_packed(const struct gbdt_histogram_job *job, size_t i, unsigned n)
{
	uint64_t *table = job->table;
	uint32_t row = job->rows[i];
	uint64_t pair = widen(job->pairs[row]);
	const uint8_t *bins = job->bins + row * job->stride;
#pragma GCC unroll 16
	for (unsigned k = 0; k < n; k++)
		table[k * TABLE_STRIDE + bins[k]] += pair;
}

INLINE void sum_packed(const struct gbdt_histogram_job *job, size_t from, size_t to, unsigned n)
{
	size_t i = from, asked = last_asked(job, to);
	for (; i < asked; i++) {
		ask_for(job, i + AHEAD);
		add_packed(job, i, n);
	}
	for (; i < to; i++)
		add_packed(job, i, n);
}

static void scalar_rows(const struct gbdt_histogram_job *job, size_t from, size_t to)
{
	BY_WIDTH(sum_scalar, job, from, to)
}

static void packed_rows(const struct gbdt_histogram_job *job, size_t from,
			size_t to){ BY_WIDTH(sum_packed, job, from, to) }

#if defined(__x86_64__)
INLINE GBDT_AVX2 void add_avx2(const struct gbdt_histogram_job *job, size_t i, unsigned n)
{
	__m128i *table = job->table;
	uint32_t row = job->rows[i], pair = job->pairs[row];
	__m128i both = _mm_set_epi64x(pair & 0xffff, (int32_t)pair >> 16);
	const uint8_t *bins = job->bins + row * job->stride;
#pragma GCC unroll 16
	for (unsigned k = 0; k < n; k++) {
		__m128i *bin = table + k * TABLE_STRIDE + bins[k];
		_mm_store_si128(bin, _mm_add_epi64(_mm_load_si128(bin), both));
	}
}

INLINE GBDT_AVX2 void sum_avx2(const struct gbdt_histogram_job *job, size_t from, size_t to,
			       unsigned n)
{
	size_t i = from, asked = last_asked(job, to);
	for (; i < asked; i++) {
		ask_for(job, i + AHEAD);
		add_avx2(job, i, n);
	}
	for (; i < to; i++)
		add_avx2(job, i, n);
}

GBDT_AVX2 static void avx2_rows(const struct gbdt_histogram_job *job, size_t from,
				size_t to){ BY_WIDTH(sum_avx2, job, from, to) }

/* Bins of different features never meet, so eight may be changed at once. */
INLINE GBDT_AVX512 void add_avx512(uint64_t *table, __m256i places, __mmask8 mask, __m512i pair)
{
	__m512i old = _mm512_mask_i32gather_epi64(_mm512_setzero_si512(), mask, places, table, 8);
	_mm512_mask_i32scatter_epi64(table, mask, places, _mm512_add_epi64(old, pair), 8);
}

GBDT_AVX512 static void avx512_rows(const struct gbdt_histogram_job *job, size_t from, size_t to)
{
	uint64_t *table = job->table;
	__mmask16 mask = (__mmask16)((1U << job->n_features) - 1);
	const __m512i starts = _mm512_mullo_epi32(
		_mm512_set1_epi32(TABLE_STRIDE),
		_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
	for (size_t i = from, asked = last_asked(job, to); i < to; i++) {
		uint32_t row = job->rows[i];
		if (i < asked)
			ask_for(job, i + AHEAD);
		__m128i bins = _mm_loadu_si128((const void *)(job->bins + row * job->stride));
		__m512i places = _mm512_add_epi32(_mm512_cvtepu8_epi32(bins), starts);
		__m512i pair = _mm512_set1_epi64((long long)widen(job->pairs[row]));
		add_avx512(table, _mm512_castsi512_si256(places), (__mmask8)mask, pair);
		if (mask >> 8)
			add_avx512(table, _mm512_extracti64x4_epi64(places, 1),
				   (__mmask8)(mask >> 8), pair);
	}
}
#endif

/* What a table holds is added to the histogram, and the table is empty again. */
static void empty_wide(const struct gbdt_histogram_job *job)
{
	for (unsigned k = 0; k < job->n_features; k++) {
		struct gbdt_sums *from = (struct gbdt_sums *)job->table + k * TABLE_STRIDE;
		struct gbdt_sums *to = job->out + k * job->n_bins;
		for (unsigned bin = 0; bin < job->n_bins; bin++) {
			to[bin].gradient += from[bin].gradient;
			to[bin].hessian += from[bin].hessian;
		}
		memset(from, 0, job->n_bins * sizeof *from);
	}
}

static void empty_packed(const struct gbdt_histogram_job *job)
{
	for (unsigned k = 0; k < job->n_features; k++) {
		uint64_t *from = (uint64_t *)job->table + k * TABLE_STRIDE;
		struct gbdt_sums *to = job->out + k * job->n_bins;
		for (unsigned bin = 0; bin < job->n_bins; bin++) {
			to[bin].gradient += (int64_t)from[bin] >> 32;
			to[bin].hessian += (int64_t)(from[bin] & 0xffffffff);
		}
		memset(from, 0, job->n_bins * sizeof *from);
	}
}

static const struct {
	const char *name;
	void (*add)(const struct gbdt_histogram_job *job, size_t from, size_t to);
	void (*empty)(const struct gbdt_histogram_job *job);
	bool (*is_usable)(void);
} methods[] = {
	[GBDT_METHOD_AUTO] = { "auto", NULL, NULL, NULL },
	[GBDT_METHOD_SCALAR] = { "scalar", scalar_rows, empty_wide, NULL },
	[GBDT_METHOD_PACKED] = { "packed", packed_rows, empty_packed, NULL },
#if defined(__x86_64__)
	[GBDT_METHOD_AVX2] = { "avx2", avx2_rows, empty_wide, cpu_has_avx2 },
	[GBDT_METHOD_AVX512] = { "avx512", avx512_rows, empty_packed, cpu_has_avx512 },
#else
	[GBDT_METHOD_AVX2] = { "avx2", NULL, NULL, NULL },
	[GBDT_METHOD_AVX512] = { "avx512", NULL, NULL, NULL },
#endif
};

bool gbdt_method_usable(enum gbdt_method method)
{
	return methods[method].add && (!methods[method].is_usable || methods[method].is_usable());
}

const char *gbdt_method_name(enum gbdt_method method)
{
	return methods[method].name;
}

void *gbdt_table_new(void)
{
	size_t bytes = sizeof(struct gbdt_sums) * TABLE_STRIDE * GBDT_MOST_TOGETHER;
	void *table = aligned_take(bytes);
	if (!table)
		die("no memory for a histogram");
	return memset(table, 0, bytes);
}

__attribute__((noinline)) void build_histogram(enum gbdt_method method,
					       const struct gbdt_histogram_job *job)
{
	for (size_t from = 0; from < job->n_rows; from += ROWS_A_TURN) {
		size_t n = job->n_rows - from < ROWS_A_TURN ? job->n_rows - from : ROWS_A_TURN;
		methods[method].add(job, from, from + n);
		methods[method].empty(job);
	}
}

static double seconds_of(enum gbdt_method method, const struct gbdt_histogram_job *job)
{
	enum { TURNS = 3 };
	struct timespec start, end;
	double best = 1e9;
	for (int i = 0; i < TURNS; i++) {
		clock_gettime(CLOCK_MONOTONIC, &start);
		build_histogram(method, job);
		clock_gettime(CLOCK_MONOTONIC, &end);
		double seconds = (double)(end.tv_sec - start.tv_sec) +
				 (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
		best = seconds < best ? seconds : best;
	}
	return best;
}

enum gbdt_method gbdt_method_fastest(const struct gbdt_histogram_job *job)
{
	/* Less than this much faster is chance. */
	const double clearly_faster = 0.9;
	enum gbdt_method best = GBDT_METHOD_PACKED;
	double best_seconds = seconds_of(best, job);
	for (int i = GBDT_METHOD_SCALAR; i <= GBDT_METHOD_AVX512; i++) {
		enum gbdt_method method = (enum gbdt_method)i;
		if (method == GBDT_METHOD_PACKED || !gbdt_method_usable(method))
			continue;
		double seconds = seconds_of(method, job);
		if (seconds < best_seconds * clearly_faster) {
			best = method;
			best_seconds = seconds;
		}
	}
	return best;
}

__attribute__((noinline)) void subtract_histogram(struct gbdt_sums *parent,
						  const struct gbdt_sums *child, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		parent[i].gradient -= child[i].gradient;
		parent[i].hessian -= child[i].hessian;
	}
}
