/*
 * symbols_text: symbols from text: /proc/kallsyms and the perf-PID.map files of JIT compilers.
 */
#ifndef SAMPLER_SYMBOLS_TEXT_H
#define SAMPLER_SYMBOLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_symbol {
	uint64_t start, end;
	const char *name;
	bool is_module; /* kernel: loaded after the boot ("[module]" behind the name) */
};

/* Sorted by address; names live in `text`. */
struct text_symbols {
	char *text;
	struct text_symbol *symbols;
	size_t n_symbols;
};

/* text_symbols_kernel: "ffffffff81000000 T _stext [module]". False if the file cannot be read or
 * all its addresses are zero (kernel.kptr_restrict). Cost: 40 ms for 120,000 symbols. */
bool text_symbols_kernel(struct text_symbols *out, const char *path);

/* text_symbols_jit: "START SIZE name", hexadecimal. Of overlapping entries the later one in the
 * file wins: the compiler has put new code there. False if the file cannot be read. */
bool text_symbols_jit(struct text_symbols *out, const char *path);

void text_symbols_free(struct text_symbols *symbols);
const struct text_symbol *text_symbols_find(const struct text_symbols *symbols, uint64_t address);

#endif
