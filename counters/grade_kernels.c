/*
 * Loops are long enough that what surrounds them (a read of the counter, a timer's interrupt) is
 * below a thousandth, and short enough that all of them take two seconds.
 * Sources: Intel 64 and IA-32 Architectures Optimization Reference Manual (an addition of registers
 * takes one cycle and is not eliminated); Arm Neoverse N1 Software Optimization Guide.
 */
#include "counters/grade_kernels.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	ROUNDS = 20000000,
	CHAINED = 2000000,
	CHAIN = 16, /* as the assembly below repeats it */
	LOADS = 8,
	ADDITIONS = 4,
	COINS = 2000000,
	STEPS = 400000,
	PAGES = 4096,
	NAPS = 50,
	NAP_NS = 200000,
	LINE_BYTES = 64,
};
static const size_t MOST_LIST_BYTES = (size_t)256 << 20, LEAST_LIST_BYTES = (size_t)64 << 20;

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

/* Sattolo's shuffle: one cycle through all lines. */
static void tie(struct grade_memory *memory, size_t n)
{
	size_t stride = LINE_BYTES / sizeof(void *);
	uint64_t state = 42;
	for (size_t i = 0; i < n; i++)
		memory->list[i * stride] = &memory->list[i * stride];
	for (size_t i = n - 1; i > 0; i--) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		size_t other = state % i;
		void *swapped = memory->list[i * stride];
		memory->list[i * stride] = memory->list[other * stride];
		memory->list[other * stride] = swapped;
	}
}

static bool make_list(struct grade_memory *memory)
{
	long known = sysconf(_SC_LEVEL3_CACHE_SIZE);
	size_t last = known > 0 ? (size_t)known : LEAST_LIST_BYTES / 4;
	size_t bytes = last > MOST_LIST_BYTES / 4 ? MOST_LIST_BYTES : last * 4;
	bytes = bytes < LEAST_LIST_BYTES ? LEAST_LIST_BYTES : bytes / LINE_BYTES * LINE_BYTES;
	void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (block == MAP_FAILED)
		return false;
	madvise(block, bytes, MADV_NOHUGEPAGE); /* so that every step needs a translation */
	memory->list = block;
	memory->list_bytes = bytes;
	memory->missing_ratio = last < bytes ? 1 - (double)last / (double)bytes : 0;
	tie(memory, bytes / LINE_BYTES);
	return true;
}

double grade_steps(struct grade_memory *memory)
{
	if (!memory->list && !make_list(memory))
		return 0;
	void *volatile *at = memory->list;
	for (int i = 0; i < STEPS; i++)
		at = *at;
	return at ? STEPS : 0;
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
	for (int i = 0; i < 4; i++)
		grade_coins(memory);
	return thread_ns() - start;
}

void grade_memory_free(struct grade_memory *memory)
{
	if (memory->list)
		munmap(memory->list, memory->list_bytes);
	memory->list = NULL;
}
