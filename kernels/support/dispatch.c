/* CPUID says what the processor has, XCR0 (behind __builtin_cpu_supports) what the kernel saves. */
#include "kernels/support/dispatch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

bool cpu_has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool cpu_has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

bool cpu_has_avx512_vnni(void)
{
	return cpu_has_avx512() && __builtin_cpu_supports("avx512vnni");
}

bool cpu_has_avx512_bf16(void)
{
	return cpu_has_avx512() && __builtin_cpu_supports("avx512bf16");
}

/* CPUID leaf 7 EDX (Intel SDM vol. 2A, CPUID): bit 22 AMX-BF16, 24 AMX-TILE, 25 AMX-INT8. */
enum { AMX_BF16_BIT = 22, AMX_TILE_BIT = 24, AMX_INT8_BIT = 25 };

static bool has_amx(int type_bit)
{
	unsigned eax, ebx, ecx, edx;
	if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
		return false;
	if (!(edx >> AMX_TILE_BIT & 1) || !(edx >> type_bit & 1))
		return false;
	/* ARCH_REQ_XCOMP_PERM for XFEATURE_XTILEDATA; asking again is free and succeeds. */
	const long request_permission = 0x1023, tile_data = 18;
	return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

bool cpu_has_amx_bf16(void)
{
	return has_amx(AMX_BF16_BIT) && cpu_has_avx512_bf16(); /* which rounds for it */
}

bool cpu_has_amx_int8(void)
{
	return has_amx(AMX_INT8_BIT);
}
#else
bool cpu_has_avx2(void)
{
	return false;
}

bool cpu_has_avx512(void)
{
	return false;
}

bool cpu_has_avx512_vnni(void)
{
	return false;
}

bool cpu_has_avx512_bf16(void)
{
	return false;
}

bool cpu_has_amx_bf16(void)
{
	return false;
}

bool cpu_has_amx_int8(void)
{
	return false;
}
#endif

const struct variant *dispatch_variant(const struct variant *variants, const char *name)
{
	const struct variant *best = NULL;
	for (const struct variant *at = variants; at->name; at++) {
		if (strcmp(name, "auto") != 0 && strcmp(name, at->name) != 0)
			continue;
		if (!at->is_usable || at->is_usable())
			best = at;
	}
	return best;
}

void *aligned_take(size_t bytes)
{
	enum { LINE = 64, HUGE_PAGE = 2 << 20 };
	size_t alignment = bytes >= 2 * (size_t)HUGE_PAGE ? HUGE_PAGE : LINE;
	if (bytes > SIZE_MAX - alignment)
		return NULL;
	size_t rounded = (bytes + alignment - 1) / alignment * alignment;
	void *memory = aligned_alloc(alignment, rounded ? rounded : alignment);
	if (memory && alignment == HUGE_PAGE)
		madvise(memory, rounded, MADV_HUGEPAGE); /* a wish: without it only slower */
	return memory;
}
