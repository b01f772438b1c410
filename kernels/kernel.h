/*
 * kernels: the loops that burn. They may include sampler/base and themselves. Every .c file
 * directly in this folder is one kernel (triad.c defines `kernel_triad`); what they share is in
 * kernels/support/.
 *
 * kernel: a reference variant first, then faster ones that must agree with it.
 */
#ifndef KERNELS_KERNEL_H
#define KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

/* One implementation; `function` is cast by the kernel's own header to its real type. */
struct variant {
	const char *name; /* "scalar", "avx2", "nontemporal" */
	const char *summary;
	bool (*is_usable)(void); /* does this CPU have what it needs? NULL = always */
	void (*function)(void);
};

struct kernel {
	const char *name, *summary;
	const char *source;             /* paper, manual or book */
	const struct variant *variants; /* ended by a NULL name; [0] is the reference */
	double tolerance;               /* relative difference allowed from the reference */
	double (*flops)(size_t n);      /* exact, for n elements */
	double (*bytes)(size_t n);      /* algorithmic bytes moved, for n elements */
};

extern const struct kernel *const kernels[];

#endif
