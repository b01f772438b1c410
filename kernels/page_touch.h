/*
 * page_touch: map memory, write to each page of it, read it back, unmap it. The first write to a
 * page is a fault in which the kernel finds and clears one: 4 KiB, or 2 MiB where huge pages are
 * given.
 * No FLOPs; the bytes that are mapped, which the kernel clears.
 * Source  Linux, Documentation/admin-guide/mm/transhuge.rst
 */
#ifndef KERNELS_PAGE_TOUCH_H
#define KERNELS_PAGE_TOUCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_TOUCH_STEP = 4096 };

struct page_touch {
	size_t bytes;      /* a multiple of PAGE_TOUCH_STEP */
	uint64_t seed;     /* page i gets seed + i */
	uint64_t sum;      /* [out] of what was read back */
	uint64_t n_faults; /* [out] of this thread meanwhile */
};

/* Returns false without memory. */
typedef bool page_touch_function(struct page_touch *touch);

/* page_touch_variant: by name; NULL if there is none. "auto" = the last. */
page_touch_function *page_touch_variant(const char *name);

/* page_touch_sum: what `sum` must be. */
uint64_t page_touch_sum(const struct page_touch *touch);

#endif
