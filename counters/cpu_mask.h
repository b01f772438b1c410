/*
 * cpu_mask: a set of CPU numbers, and the kernel's way to write one ("0-3,8,10-11").
 */
#ifndef COUNTERS_CPU_MASK_H
#define COUNTERS_CPU_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest x86 kernels are built for 8192 CPUs, the largest machines have some 1800. */
enum { CPU_MASK_MOST = 2048, CPU_MASK_WORDS = CPU_MASK_MOST / 64 };

struct cpu_mask {
	uint64_t words[CPU_MASK_WORDS];
};

/*
 * cpu_mask_parse: ranges separated by commas; blanks around it and the empty list are fine.
 * Returns  false (and an empty list) for anything else, and for CPUs from CPU_MASK_MOST on
 */
bool cpu_mask_parse(struct cpu_mask *list, const char *text);

/* cpu_mask_print: as the kernel writes it; cut at a comma with "..." when it does not fit. */
char *cpu_mask_print(char *out, size_t bytes, const struct cpu_mask *list);

void cpu_mask_add(struct cpu_mask *list, unsigned cpu);
bool cpu_mask_has(const struct cpu_mask *list, unsigned cpu);
unsigned cpu_mask_count(const struct cpu_mask *list);
bool cpu_mask_is_equal(const struct cpu_mask *a, const struct cpu_mask *b);

/* cpu_mask_is_within: every CPU of `part` is in `whole`. */
bool cpu_mask_is_within(const struct cpu_mask *part, const struct cpu_mask *whole);

/* cpu_mask_unite: the CPUs of `more` too. */
void cpu_mask_unite(struct cpu_mask *list, const struct cpu_mask *more);

/* cpu_mask_next: the first CPU from `from` on, or CPU_MASK_MOST. */
unsigned cpu_mask_next(const struct cpu_mask *list, unsigned from);

#endif
