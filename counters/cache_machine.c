/*
 * This machine's caches and TLBs. CPUID says what sysfs does not: whether a cache includes the ones
 * before it, and how large the TLBs are. A virtual machine's CPUID is its hypervisor's word.
 * Source: Intel SDM vol. 2A, CPUID leaves 4 and 18H; AMD APM vol. 3, appendix E.4 (leaves
 * 8000_0005h, 8000_0006h, 8000_001Dh).
 */
#include <string.h>
#include <unistd.h>

#include "counters/cache_geometry.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* A common core's (Intel, Skylake: 64 entries of 4 ways, 1536 of 12), where nobody says. */
static const struct cache_tlb_geometry assumed_tlb[2] = { { 64, 4 }, { 1536, 12 } };
static const struct cache_level_geometry assumed_levels[2] = {
	{ .size_bytes = 32 << 10, .ways = 8, .n_cores = 1 },
	{ .size_bytes = 1 << 20, .ways = 16, .n_cores = 1 }
};

#if defined(__x86_64__)
enum { INTEL_CACHES = 4, AMD_CACHES = 0x8000001d, MOST_INDEXES = 8 };

static bool is_amd(void)
{
	unsigned a = 0, b = 0, c = 0, d = 0;
	return __get_cpuid(0, &a, &b, &c, &d) && b == signature_AMD_ebx;
}

static bool is_data(unsigned type)
{
	return type == 1 || type == 3;
}

/* Cores, not threads, are what the model has: threads of a core share its first cache. */
static void add_level(struct cache_geometry *geometry, unsigned leaf, const unsigned *answer,
		      unsigned *l1_sharers)
{
	unsigned number = answer[0] >> 5 & 7, sharers = (answer[0] >> 14 & 0xfff) + 1;
	unsigned line = (answer[1] & 0xfff) + 1, partitions = (answer[1] >> 12 & 0x3ff) + 1;
	unsigned ways = (answer[1] >> 22) + 1;
	bool is_inclusive = answer[3] >> 1 & 1, is_full = answer[0] >> 9 & 1;
	if (number != geometry->n_levels + 1 || number > CACHE_MOST_LEVELS || is_full)
		return;
	if (number == 1) {
		*l1_sharers = sharers;
		geometry->line_bytes = line;
		geometry->n_cores = geometry->n_cores > sharers ? geometry->n_cores / sharers : 1;
	}
	unsigned n_cores = sharers / *l1_sharers ? sharers / *l1_sharers : 1;
	struct cache_level_geometry level = {
		.size_bytes = (uint64_t)ways * partitions * line * (answer[2] + 1ull),
		.ways = ways,
		.n_cores = number == 1                    ? 1
			   : n_cores >= geometry->n_cores ? 0
							  : n_cores,
	};
	/* Zen's third level is filled by what the second evicts: AMD, Software Optimization Guide
	 * for Family 19h, 2.6.2. A second level of one core alone is not shared. */
	if (number > 1 && is_inclusive)
		level.inclusion = CACHE_INCLUSIVE;
	else if (number == 3 && leaf == AMD_CACHES)
		level.inclusion = CACHE_EXCLUSIVE;
	if (number > 1 && n_cores == 1)
		level.n_cores = 1;
	geometry->levels[geometry->n_levels++] = level;
}

static void ask_caches(struct cache_geometry *geometry)
{
	unsigned answer[4] = { 0 }, l1_sharers = 1;
	unsigned leaf = is_amd() ? AMD_CACHES : INTEL_CACHES;
	for (unsigned index = 0; index < MOST_INDEXES; index++) {
		if (!__get_cpuid_count(leaf, index, &answer[0], &answer[1], &answer[2],
				       &answer[3]) ||
		    (answer[0] & 31) == 0)
			break;
		if (is_data(answer[0] & 31))
			add_level(geometry, leaf, answer, &l1_sharers);
	}
}

/* Associativity as leaf 8000_0006h encodes it (AMD APM vol. 3, table E-4). */
static unsigned ways_of_code(unsigned code, unsigned n_entries)
{
	static const unsigned char ways[16] = { 0,  1, 2,  3,  4,  6,  8,   0,
						16, 0, 32, 48, 64, 96, 128, 0 };
	return code == 15 ? n_entries : ways[code & 15];
}

static bool ask_amd_tlbs(struct cache_geometry *geometry)
{
	unsigned a = 0, b = 0, c = 0, d = 0;
	if (!__get_cpuid(0x80000005, &a, &b, &c, &d))
		return false;
	unsigned n = b >> 16 & 0xff, ways = b >> 24;
	geometry->tlb[0] = (struct cache_tlb_geometry){ n, ways == 0xff ? n : ways };
	if (!__get_cpuid(0x80000006, &a, &b, &c, &d))
		return false;
	n = b >> 16 & 0xfff;
	geometry->tlb[1] = (struct cache_tlb_geometry){ n, ways_of_code(b >> 28, n) };
	return true;
}

/* Data or unified TLBs for pages of 4 KiB. */
static bool ask_intel_tlbs(struct cache_geometry *geometry)
{
	unsigned a = 0, b = 0, c = 0, d = 0;
	if (!__get_cpuid_count(0x18, 0, &a, &b, &c, &d))
		return false;
	unsigned last = a < 16 ? a : 16;
	for (unsigned index = 0; index <= last; index++) {
		if (!__get_cpuid_count(0x18, index, &a, &b, &c, &d))
			break;
		unsigned type = d & 31, level = d >> 5 & 7, ways = b >> 16;
		bool is_for_data = type == 1 || type == 3 || type == 4;
		if (!is_for_data || !(b & 1) || level < 1 || level > 2 || ways == 0)
			continue;
		if (geometry->tlb[level - 1].n_entries == 0)
			geometry->tlb[level - 1] = (struct cache_tlb_geometry){ ways * c, ways };
	}
	return geometry->tlb[0].n_entries > 0;
}

static void ask(struct cache_geometry *geometry)
{
	ask_caches(geometry);
	bool has_tlbs = is_amd() ? ask_amd_tlbs(geometry) : ask_intel_tlbs(geometry);
	if (!has_tlbs)
		memset(geometry->tlb, 0, sizeof geometry->tlb);
}
#else
static void add_level(struct cache_geometry *geometry, long size, long ways, uint32_t n_cores)
{
	if (size <= 0 || ways <= 0 || geometry->n_levels == CACHE_MOST_LEVELS)
		return;
	geometry->levels[geometry->n_levels++] = (struct cache_level_geometry){
		.size_bytes = (uint64_t)size, .ways = (uint32_t)ways, .n_cores = n_cores
	};
}

static void ask(struct cache_geometry *geometry)
{
	long line = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);
	if (line > 0)
		geometry->line_bytes = (uint32_t)line;
	add_level(geometry, sysconf(_SC_LEVEL1_DCACHE_SIZE), sysconf(_SC_LEVEL1_DCACHE_ASSOC), 1);
	if (geometry->n_levels == 0)
		return;
	add_level(geometry, sysconf(_SC_LEVEL2_CACHE_SIZE), sysconf(_SC_LEVEL2_CACHE_ASSOC), 1);
	add_level(geometry, sysconf(_SC_LEVEL3_CACHE_SIZE), sysconf(_SC_LEVEL3_CACHE_ASSOC), 0);
}
#endif

static bool is_tlb_good(const struct cache_tlb_geometry *tlb)
{
	return tlb->n_entries > 0 && tlb->ways > 0 && tlb->ways <= CACHE_MOST_WAYS &&
	       tlb->n_entries % tlb->ways == 0;
}

void cache_geometry_of_machine(struct cache_geometry *geometry)
{
	long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
	memset(geometry, 0, sizeof *geometry);
	geometry->n_cores = n_cores < 1                  ? 1
			    : n_cores > CACHE_MOST_CORES ? CACHE_MOST_CORES
							 : (uint32_t)n_cores;
	geometry->line_bytes = 64;
	geometry->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	ask(geometry);
	for (int i = 0; i < 2; i++) {
		if (is_tlb_good(&geometry->tlb[i]))
			continue;
		geometry->tlb[i] = assumed_tlb[i];
		geometry->is_assumed = true;
	}
	if (cache_geometry_check(geometry, NULL))
		return;
	geometry->is_assumed = true;
	geometry->n_levels = 2;
	geometry->line_bytes = 64;
	memcpy(geometry->levels, assumed_levels, sizeof assumed_levels);
}
