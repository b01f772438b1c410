/*
 * dispatch: what this processor can run, asked once; and the variant of a kernel for it.
 *
 * Every function is compiled for the instructions it names (`__attribute__((target(...)))`), never
 * the whole program, so one binary runs anywhere.
 */
#ifndef KERNELS_SUPPORT_DISPATCH_H
#define KERNELS_SUPPORT_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/kernel.h"

/* Can this CPU run it, and does the kernel save its registers? False on other architectures. */
bool cpu_has_avx2(void);        /* with FMA */
bool cpu_has_avx512(void);      /* F, BW, DQ, VL: what Skylake-X and Zen 4 have */
bool cpu_has_avx512_vnni(void); /* u8 x s8 dot products */
bool cpu_has_avx512_bf16(void);
/* AMX tiles: the first call asks Linux for permission (Documentation/arch/x86/xstate.rst); it
 * holds for the process and the threads it starts later. */
bool cpu_has_amx_bf16(void);
bool cpu_has_amx_int8(void);

/*
 * dispatch_variant: the variant of this name; "auto" = the last that is usable here (they are
 * listed from slow to fast). NULL if there is none or this CPU cannot run it.
 */
const struct variant *dispatch_variant(const struct variant *variants, const char *name);

/*
 * aligned_take: memory for a kernel's arrays, aligned to 64 bytes (a cache line, a zmm register);
 * from 4 MiB on to 2 MiB, with huge pages asked for, so that address translation is not what is
 * measured. Not zeroed. NULL without memory. Freed with free().
 */
void *aligned_take(size_t bytes);

#endif
