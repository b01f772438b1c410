/*
 * Loops are long enough that what surrounds them (the read of the counter: some hundred
 * instructions) is below a thousandth, and short enough that all of them take a second.
 * Sources: Intel 64 and IA-32 Architectures Optimization Reference Manual (an addition of registers
 * takes one cycle and is not eliminated); Arm Neoverse N1 Software Optimization Guide.
 */
#include "counters/grade_kernels.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	ROUNDS = 2000000,
	CHAINED = 100000,
	CHAIN = 16, /* as the assembly below repeats it */
	LOADS = 8,
	ADDITIONS = 4,
	COINS = 200000,
	TIMES_COINS = 8, /* some milliseconds: a switch of threads between two readings is less */
	NEAR_STEPS = 200000,
	FAR_STEPS = 50000,
	PAGES = 1024,
	NAPS = 50,
	NAP_NS = 200000,
	LINE_BYTES = 64,
	/* A cache four times smaller than a cycle through it keeps at most 2 % of it, if it
	 * replaces lines at random (h = exp(-4 (1 - h))), and nothing if it replaces the oldest. */
	TIMES_CACHE = 4,
};
/* 64 pages of 4 KiB: as many translations as the smallest first TLB of the last ten years has. */
static const size_t NEAR_BYTES = (size_t)256 << 10;
static const size_t MOST_FAR_BYTES = (size_t)256 << 20, LEAST_FAR_BYTES = (size_t)64 << 20;

double grade_rounds(struct grade_memory *memory)
{
	uint64_t left = ROUNDS, sum = 0;
	(void)memory;
#if defined(__x86_64__)
	__asm__ volatile("1: add $1, %1\n\tsub $1, %0\n\tjnz 1b" : "+r"(left), "+r"(sum) : : "cc");
#elif defined(__aarch64__)
	__asm__ volatile("1: add %1, %1, #1\n\tsubs %0, %0, #1\n\tb.ne 1b"
			 : "+r"(left), "+r"(sum)
			 :
			 : "cc");
#endif
	return left == 0 ? ROUNDS : 0;
}

double grade_additions(struct grade_memory *memory)
{
	uint64_t left = CHAINED, sum = 0, one = 1;
	(void)memory;
#if defined(__x86_64__)
	__asm__ volatile("1:\n\t.rept 16\n\tadd %2, %1\n\t.endr\n\tsub $1, %0\n\tjnz 1b"
			 : "+r"(left), "+r"(sum)
			 : "r"(one)
			 : "cc");
#elif defined(__aarch64__)
	__asm__ volatile("1:\n\t.rept 16\n\tadd %1, %1, %2\n\t.endr\n\tsubs %0, %0, #1\n\tb.ne 1b"
			 : "+r"(left), "+r"(sum)
			 : "r"(one)
			 : "cc");
#endif
	(void)one;
	return sum ? (double)CHAINED * CHAIN : 0;
}

double grade_loads(struct grade_memory *memory)
{
	uint64_t left = CHAINED, got = 0, place = 1;
	(void)memory;
#if defined(__x86_64__)
	__asm__ volatile("1:\n\t.rept 8\n\tmov (%2), %1\n\t.endr\n\tsub $1, %0\n\tjnz 1b"
			 : "+r"(left), "+r"(got)
			 : "r"(&place)
			 : "cc", "memory");
#elif defined(__aarch64__)
	__asm__ volatile("1:\n\t.rept 8\n\tldr %1, [%2]\n\t.endr\n\tsubs %0, %0, #1\n\tb.ne 1b"
			 : "+r"(left), "+r"(got)
			 : "r"(&place)
			 : "cc", "memory");
#endif
	(void)place;
	return left == 0 && got ? (double)CHAINED * LOADS : 0;
}

double grade_flops(struct grade_memory *memory)
{
	uint64_t left = CHAINED;
	double sum = 0, one = 1;
	(void)memory;
#if defined(__x86_64__)
	__asm__ volatile("1:\n\t.rept 4\n\taddsd %2, %1\n\t.endr\n\tsub $1, %0\n\tjnz 1b"
			 : "+r"(left), "+x"(sum)
			 : "x"(one)
			 : "cc");
#elif defined(__aarch64__)
	__asm__ volatile(
		"1:\n\t.rept 4\n\tfadd %d1, %d1, %d2\n\t.endr\n\tsubs %0, %0, #1\n\tb.ne 1b"
		: "+r"(left), "+w"(sum)
		: "w"(one)
		: "cc");
#endif
	(void)one;
	return left == 0 && sum > 0 ? (double)CHAINED * ADDITIONS : 0;
}

double grade_coins(struct grade_memory *memory)
{
	uint64_t state = 88172645463325252, sum = 0; /* Marsaglia's xorshift64 */
	(void)memory;
#if defined(__x86_64__) || defined(__aarch64__)
	for (int i = 0; i < COINS; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		uint64_t coin = state >> 33 & 1;
#if defined(__x86_64__)
		__asm__ volatile("test %1, %1\n\tjz 1f\n\tadd $1, %0\n1:"
				 : "+r"(sum)
				 : "r"(coin)
				 : "cc");
#else
		__asm__ volatile("cbz %1, 1f\n\tadd %0, %0, #1\n1:" : "+r"(sum) : "r"(coin));
#endif
	}
#endif
	return sum ? COINS : 0;
}

static uint64_t random_below(uint64_t *state, uint64_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % n;
}

/*
 * Round after round through all pages in one random order; each round touches another line of each
 * page: 29 is odd, so all of a page's lines (a power of two) have had their turn in the end, in no
 * order that a prefetcher looks for.
 */
static void tie(struct grade_list *list, uint32_t *pages, size_t n_pages, size_t page_bytes)
{
	size_t n_lines = page_bytes / LINE_BYTES;
	char *block = list->block;
	void *first = NULL;
	void **last = &first;
	uint64_t state = 42;
	for (size_t i = 0; i < n_pages; i++)
		pages[i] = (uint32_t)i;
	for (size_t i = n_pages - 1; i > 0; i--) {
		size_t other = random_below(&state, i + 1);
		uint32_t swapped = pages[i];
		pages[i] = pages[other];
		pages[other] = swapped;
	}
	for (size_t round = 0; round < n_lines; round++)
		for (size_t i = 0; i < n_pages; i++) {
			size_t line = (round * 29 + pages[i] * 7) % n_lines;
			void **place = (void **)(void *)(block + pages[i] * page_bytes +
							 line * LINE_BYTES);
			*last = place;
			last = place;
		}
	list->at = first;
	*last = first;
}

static bool list_make(struct grade_list *list, size_t bytes)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), n_pages = bytes / page_bytes;
	void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t *pages = malloc(n_pages * sizeof *pages);
	if (block != MAP_FAILED && pages) {
		madvise(block, bytes, MADV_NOHUGEPAGE); /* each page needs a translation */
		list->block = block;
		list->bytes = bytes;
		tie(list, pages, n_pages, page_bytes);
	} else if (block != MAP_FAILED) {
		munmap(block, bytes);
	}
	free(pages);
	return list->at != NULL;
}

static size_t times_cache(size_t cache_bytes, size_t least, size_t most)
{
	size_t bytes = cache_bytes > most / TIMES_CACHE ? most : cache_bytes * TIMES_CACHE;
	return (bytes < least ? least : bytes) / NEAR_BYTES * NEAR_BYTES;
}

/* Where the steps before ended, so that no run finds what another has brought. */
static double walk(struct grade_list *list, int steps)
{
	void **at = list->at;
	for (int i = 0; i < steps; i++)
		at = *(void **volatile *)(void *)at;
	list->at = at;
	return steps;
}

double grade_near(struct grade_memory *memory)
{
	size_t bytes = times_cache(memory->first_cache_bytes, NEAR_BYTES, LEAST_FAR_BYTES);
	if (!memory->near.at && !list_make(&memory->near, bytes))
		return 0;
	return walk(&memory->near, NEAR_STEPS);
}

double grade_far(struct grade_memory *memory)
{
	size_t bytes = times_cache(memory->last_cache_bytes, LEAST_FAR_BYTES, MOST_FAR_BYTES);
	if (!memory->far.at && !list_make(&memory->far, bytes))
		return 0;
	return walk(&memory->far, FAR_STEPS);
}

bool grade_memory_exceeds(const struct grade_memory *memory)
{
	return memory->last_cache_bytes <= MOST_FAR_BYTES / TIMES_CACHE;
}

double grade_pages(struct grade_memory *memory)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	(void)memory;
	char *block = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	if (block == MAP_FAILED)
		return 0;
	madvise(block, PAGES * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < PAGES; i++)
		((volatile char *)block)[i * page] = 1;
	munmap(block, PAGES * page);
	return PAGES;
}

double grade_naps(struct grade_memory *memory)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	(void)memory;
	for (int i = 0; i < NAPS; i++)
		nanosleep(&nap, NULL);
	return NAPS;
}

static double thread_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

double grade_time(struct grade_memory *memory)
{
	double start = thread_ns();
	for (int i = 0; i < TIMES_COINS; i++)
		grade_coins(memory);
	return thread_ns() - start;
}

void grade_memory_free(struct grade_memory *memory)
{
	if (memory->near.block)
		munmap(memory->near.block, memory->near.bytes);
	if (memory->far.block)
		munmap(memory->far.block, memory->far.bytes);
	memory->near = memory->far = (struct grade_list){ 0 };
}
