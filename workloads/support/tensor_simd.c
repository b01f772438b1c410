/* The compiler's built-in test reads a variable set at the start, so asking at each loop is cheap.
 */
#include "workloads/support/tensor_simd.h"

static enum tensor_simd chosen = SIMD_AUTO;

static bool has(enum tensor_simd simd)
{
#if defined(__x86_64__)
	if (simd == SIMD_AVX512)
		return __builtin_cpu_supports("avx512f");
	if (simd == SIMD_AVX2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
	return simd == SIMD_PORTABLE;
}

static enum tensor_simd widest(void)
{
	return has(SIMD_AVX512) ? SIMD_AVX512 : has(SIMD_AVX2) ? SIMD_AVX2 : SIMD_PORTABLE;
}

bool tensor_simd_use(enum tensor_simd simd)
{
	if (simd != SIMD_AUTO && !has(simd))
		return false;
	chosen = simd;
	return true;
}

enum tensor_simd tensor_simd(void)
{
	return chosen == SIMD_AUTO ? widest() : chosen;
}

const char *tensor_simd_name(void)
{
	static const char *const names[] = { "auto", "portable", "avx2", "avx512" };
	return names[tensor_simd()];
}
