/* ELF symbol tables. See symbols_elf.h. */
#include "sampler/symbols_elf.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/elf_image.h"

enum { SIZE_UNKNOWN_MOST_BYTES = 1 << 20 }; /* assembly routines are small */

static bool is_function(const Elf64_Sym *symbol)
{
	unsigned type = ELF64_ST_TYPE(symbol->st_info);
	bool is_code = type == STT_FUNC || type == STT_GNU_IFUNC ||
		       (type == STT_NOTYPE && ELF64_ST_BIND(symbol->st_info) != STB_LOCAL);
	return is_code && symbol->st_value != 0 && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_shndx != SHN_ABS;
}

/* Of names for one address: global before weak before local, then fewer leading underscores. */
static uint8_t rank_of(const Elf64_Sym *symbol, const char *name)
{
	unsigned bind = ELF64_ST_BIND(symbol->st_info);
	unsigned rank = bind == STB_GLOBAL ? 0 : bind == STB_WEAK ? 16 : 32;
	if (ELF64_ST_TYPE(symbol->st_info) == STT_NOTYPE)
		rank += 64;
	size_t underscores = strspn(name, "_");
	return (uint8_t)(rank + (underscores < 15 ? underscores : 15));
}

/* Names of mapping symbols on Arm ($x, $d) mark code and data; they are no functions. */
static bool is_name(const char *name)
{
	return name[0] != '\0' && name[0] != '$';
}

/* The label _init stands before the linkage table, which is another section and no part of it. */
static uint64_t most_end(const struct elf_image *image, const Elf64_Sym *symbol)
{
	uint64_t end = elf_image_section_end(image, symbol->st_shndx);
	uint64_t most = symbol->st_value + SIZE_UNKNOWN_MOST_BYTES;
	return end > symbol->st_value && end < most ? end : most;
}

size_t symbol_table_add(struct symbol_table *table, struct elf_image *image, const char *section,
			const char *strings)
{
	struct elf_bytes entries, names;
	if (!elf_image_section(image, section, &entries) ||
	    !elf_image_section(image, strings, &names) || names.n_bytes == 0 ||
	    names.bytes[names.n_bytes - 1] != '\0')
		return 0;
	size_t n = entries.n_bytes / sizeof(Elf64_Sym), n_before = table->n_symbols;
	table->symbols = reallocate(table->symbols, table->n_symbols + n, sizeof *table->symbols);
	for (size_t i = 0; i < n; i++) {
		Elf64_Sym symbol;
		memcpy(&symbol, entries.bytes + i * sizeof symbol, sizeof symbol);
		if (!is_function(&symbol) || symbol.st_name >= names.n_bytes)
			continue;
		const char *name = (const char *)names.bytes + symbol.st_name;
		uint64_t end = symbol.st_value + symbol.st_size;
		bool is_unsized = symbol.st_size == 0;
		if (!is_name(name) || end < symbol.st_value)
			continue;
		table->symbols[table->n_symbols++] =
			(struct symbol){ .start = symbol.st_value,
					 .end = is_unsized ? most_end(image, &symbol) : end,
					 .name = name,
					 .rank = rank_of(&symbol, name),
					 .is_unsized = is_unsized };
	}
	return table->n_symbols - n_before;
}

static int compare(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;
	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	if (left->rank != right->rank)
		return left->rank < right->rank ? -1 : 1;
	/* The same files give the same answer: the order must not depend on qsort. */
	return strcmp(left->name, right->name);
}

/* A symbol without a size reaches to the next one, if that is nearer than its section's end. */
static void give_size(struct symbol_table *table, size_t i, uint64_t next)
{
	struct symbol *symbol = &table->symbols[i];
	if (symbol->is_unsized && next > symbol->start && next < symbol->end)
		symbol->end = next;
}

void symbol_table_sort(struct symbol_table *table)
{
	if (table->n_symbols == 0)
		return;
	qsort(table->symbols, table->n_symbols, sizeof *table->symbols, compare);
	uint64_t next = 0;
	for (size_t i = table->n_symbols; i-- > 0;) {
		uint64_t start = table->symbols[i].start;
		give_size(table, i, next);
		if (i == 0 || table->symbols[i - 1].start != start)
			next = start;
	}
	/* One name an address: the best rank came first; aliases keep the longest reach. */
	size_t n = 0;
	for (size_t i = 0; i < table->n_symbols; i++) {
		struct symbol *last = n ? &table->symbols[n - 1] : NULL;
		if (last && last->start == table->symbols[i].start) {
			if (last->end < table->symbols[i].end)
				last->end = table->symbols[i].end;
			continue;
		}
		table->symbols[n++] = table->symbols[i];
	}
	table->n_symbols = n;
}

void symbol_table_free(struct symbol_table *table)
{
	free(table->symbols);
	memset(table, 0, sizeof *table);
}

struct symbol *symbol_table_find(const struct symbol_table *table, uint64_t vaddr)
{
	size_t low = 0, high = table->n_symbols;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (table->symbols[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	/* A nested symbol (a label inside a function) may end before its surrounding function. */
	for (size_t i = low; i-- > 0 && low - i <= 4;)
		if (vaddr < table->symbols[i].end)
			return &table->symbols[i];
	return NULL;
}
