/* With AVX-512 sixteen rows at a time: their bins are gathered and each side is compressed. */
#include "workloads/support/gbdt_partition.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static size_t partition_branchy(const struct gbdt_partition *p)
{
	size_t n_left = 0, n_right = 0;
	for (size_t i = 0; i < p->n; i++) {
		uint32_t row = p->rows[i];
		if ((uint8_t)(p->column[row] - p->low) <= p->high)
			p->rows[n_left++] = row;
		else
			p->scratch[n_right++] = row;
	}
	return n_left;
}

static size_t partition_from(const struct gbdt_partition *p, size_t from, size_t n_left)
{
	size_t n_right = from - n_left;
	for (size_t i = from; i < p->n; i++) {
		uint32_t row = p->rows[i];
		bool is_left = (uint8_t)(p->column[row] - p->low) <= p->high;
		p->rows[n_left] = row;
		p->scratch[n_right] = row;
		n_left += is_left;
		n_right += !is_left;
	}
	return n_left;
}

#if defined(__x86_64__)
/* What is stored behind the last row of a side is overwritten by the next, or lies between the
 * sides; the last rows are left to the loop above, so that nothing is stored behind the end. */
GBDT_AVX512 static size_t partition_avx512(const struct gbdt_partition *p)
{
	enum { LANES = 16, AHEAD = 64 };
	const __m512i low = _mm512_set1_epi32(p->low), high = _mm512_set1_epi32(p->high);
	const __m512i byte = _mm512_set1_epi32(0xff), three = _mm512_set1_epi32(3);
	size_t n_left = 0, i = 0;
	for (; i + LANES <= p->n; i += LANES) {
		__m512i rows = _mm512_loadu_si512(p->rows + i);
		/* The aligned word that a byte lies in, which ends where memory does at the latest.
		 */
		__m512i words = _mm512_i32gather_epi32(_mm512_srli_epi32(rows, 2), p->column, 4);
		__m512i shifts = _mm512_slli_epi32(_mm512_and_si512(rows, three), 3);
		__m512i bins = _mm512_and_si512(_mm512_srlv_epi32(words, shifts), byte);
		bins = _mm512_and_si512(_mm512_sub_epi32(bins, low), byte);
		__mmask16 is_left = _mm512_cmple_epu32_mask(bins, high);
		size_t n = (size_t)__builtin_popcount(is_left);
		_mm512_storeu_si512(p->rows + n_left, _mm512_maskz_compress_epi32(is_left, rows));
		_mm512_storeu_si512(p->scratch + i - n_left,
				    _mm512_maskz_compress_epi32((__mmask16)~is_left, rows));
		n_left += n;
	}
	return partition_from(p, i, n_left);
}
#endif

__attribute__((noinline)) size_t partition_rows(const struct gbdt_partition *partition)
{
	if (partition->is_branchy)
		return partition_branchy(partition);
#if defined(__x86_64__)
	if (partition->simd == GBDT_SIMD_AVX512)
		return partition_avx512(partition);
#endif
	return partition_from(partition, 0, 0);
}
