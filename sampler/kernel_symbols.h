/*
 * kernel_symbols: what kernel addresses are called, from /proc/kallsyms.
 *
 * Reading that file takes 40 to 60 ms, nearly all of it in the kernel, which formats every line
 * anew. The core kernel's part never changes until the next boot, so it is kept in a private file
 * of the user's cache folder, of which a look-up reads a few hundred bytes. Addresses outside that
 * part (modules, BPF programs, trampolines) are read from /proc/kallsyms, once, when one is met.
 *
 * Thread  one at a time
 */
#ifndef SAMPLER_KERNEL_SYMBOLS_H
#define SAMPLER_KERNEL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_symbols;

/* Where things are; all may be replaced for tests. */
struct kernel_symbols_files {
	const char *kallsyms; /* "/proc/kallsyms" */
	const char *boot_id;  /* "/proc/sys/kernel/random/boot_id" */
	const char *cache;    /* a file; its folders are made. NULL: no cache */
};

/* kernel_symbols_cache_path: $XDG_CACHE_HOME/stoke/kernel-symbols, or below $HOME/.cache. False if
 * neither is set to an absolute path. */
bool kernel_symbols_cache_path(char *path, size_t bytes);

/*
 * kernel_symbols_open: from the cache if it is this boot's, this user's and private; else from
 * kallsyms, and the cache is written for the next time. What cannot be written is no error.
 * Returns  NULL if kallsyms cannot be read or hides its addresses (kernel.kptr_restrict)
 * Cost     0.3 ms from the cache, 60 ms without
 */
struct kernel_symbols *kernel_symbols_open(const struct kernel_symbols_files *files);
void kernel_symbols_close(struct kernel_symbols *symbols);

struct kernel_symbol {
	uint64_t start, end;
	char name[256]; /* longer ones are cut; the kernel's limit is 512, Rust's reach 300 */
};

/* kernel_symbols_find: false if nothing covers the address. Cost: 1 us from the cache. */
bool kernel_symbols_find(struct kernel_symbols *symbols, uint64_t address,
			 struct kernel_symbol *out);

#endif
