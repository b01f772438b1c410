/*
 * symbols_elf: function symbols of an ELF file, sorted for look-up by address.
 */
#ifndef SAMPLER_SYMBOLS_ELF_H
#define SAMPLER_SYMBOLS_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_image;

struct symbol {
	uint64_t start, end;
	const char *name;  /* in the image's string table: borrowed */
	uint32_t function; /* TABLE_FUNCTIONS, once it has been asked for; 0 before */
	uint8_t rank;      /* of equal addresses the lowest wins */
	bool is_unsized;   /* end is the most it can be: that of its section */
};

struct symbol_table {
	struct symbol *symbols;
	size_t n_symbols;
};

/* symbol_table_add: take in the symbols of .symtab, or of .dynsym where there is none (or it is
 * asked for). Returns how many were added. Call symbol_table_sort before looking up. */
size_t symbol_table_add(struct symbol_table *table, struct elf_image *image, const char *section,
			const char *strings);
void symbol_table_sort(struct symbol_table *table);
void symbol_table_free(struct symbol_table *table);

/*
 * symbol_table_find: the function that covers a vaddr; NULL if none does. A symbol's size is
 * honoured: a stripped library's nearest export is not the answer. Symbols without a size
 * (assembly) reach to the next symbol or their section's end.
 * Cost  0.1 us
 */
struct symbol *symbol_table_find(const struct symbol_table *table, uint64_t vaddr);

#endif
