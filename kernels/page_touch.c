/* Huge pages begin at multiples of 2 MiB, which mmap does not promise: one more is mapped. */
#include "kernels/page_touch.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"

/* MADV_POPULATE_WRITE of Linux 5.14, which older headers lack. */
enum { HUGE_BYTES = 2 << 20, POPULATE_WRITE = 23 };

static uint64_t faults_of_thread(void)
{
	struct rusage usage;
	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_minflt;
}

static void touch_all(struct page_touch *touch, char *memory)
{
	for (size_t at = 0; at < touch->bytes; at += PAGE_TOUCH_STEP)
		*(volatile uint64_t *)(void *)(memory + at) = touch->seed + at / PAGE_TOUCH_STEP;
	touch->sum = 0;
	for (size_t at = 0; at < touch->bytes; at += PAGE_TOUCH_STEP)
		touch->sum += *(volatile uint64_t *)(void *)(memory + at);
}

static bool map_and_touch(struct page_touch *touch, int advice, bool is_populated)
{
	uint64_t faults_before = faults_of_thread();
	size_t bytes = touch->bytes + HUGE_BYTES;
	if (bytes < touch->bytes)
		return false;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	char *begin = memory + (HUGE_BYTES - (uintptr_t)memory % HUGE_BYTES) % HUGE_BYTES;
	/* A wish: without it only slower. Populating comes after it, so by a second call. */
	madvise(begin, touch->bytes, advice);
	if (is_populated)
		madvise(begin, touch->bytes, POPULATE_WRITE);
	touch_all(touch, begin);
	munmap(memory, bytes);
	touch->n_faults = faults_of_thread() - faults_before;
	return true;
}

static bool page_touch_small(struct page_touch *touch)
{
	return map_and_touch(touch, MADV_NOHUGEPAGE, false);
}

static bool page_touch_populated(struct page_touch *touch)
{
	return map_and_touch(touch, MADV_NOHUGEPAGE, true);
}

static bool page_touch_huge(struct page_touch *touch)
{
	return map_and_touch(touch, MADV_HUGEPAGE, false);
}

uint64_t page_touch_sum(const struct page_touch *touch)
{
	uint64_t n = touch->bytes / PAGE_TOUCH_STEP;
	uint64_t pairs = n % 2 ? n * ((n - 1) / 2) : n / 2 * (n - 1);
	return n * touch->seed + (n ? pairs : 0);
}

static double page_touch_flops(size_t n)
{
	(void)n;
	return 0;
}

/* n pages. */
static double page_touch_bytes(size_t n)
{
	return (double)PAGE_TOUCH_STEP * (double)n;
}

static const struct variant variants[] = {
	{ "small", "a fault for each 4 KiB", NULL, (void (*)(void))page_touch_small },
	{ "populated", "all 4 KiB pages in one call of the kernel", NULL,
	  (void (*)(void))page_touch_populated },
	{ "huge", "a fault for each 2 MiB, where huge pages are given", NULL,
	  (void (*)(void))page_touch_huge },
	{ 0 },
};

page_touch_function *page_touch_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (page_touch_function *)variant->function : NULL;
}

const struct kernel kernel_page_touch = {
	.name = "page_touch",
	.summary = "the first write to each page: a fault in which the kernel clears it",
	.source = "Linux, Documentation/admin-guide/mm/transhuge.rst",
	.variants = variants,
	.tolerance = 0,
	.flops = page_touch_flops,
	.bytes = page_touch_bytes,
};
