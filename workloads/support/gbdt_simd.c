/* The processor is asked by the kernels' dispatcher. See gbdt_simd.h. */
#include "workloads/support/gbdt_simd.h"

#include "kernels/support/dispatch.h"

bool gbdt_simd_resolve(enum gbdt_simd *simd)
{
	if (*simd == GBDT_SIMD_AUTO)
		*simd = cpu_has_avx512() ? GBDT_SIMD_AVX512
			: cpu_has_avx2() ? GBDT_SIMD_AVX2
					 : GBDT_SIMD_SCALAR;
	return *simd == GBDT_SIMD_SCALAR || (*simd == GBDT_SIMD_AVX2 && cpu_has_avx2()) ||
	       (*simd == GBDT_SIMD_AVX512 && cpu_has_avx512());
}
