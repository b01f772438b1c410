/* An ELF file of any bytes: sections, build-id, symbols, unwind rules. */
#include <stddef.h>
#include <stdint.h>

#include "sampler/cfi.h"
#include "sampler/elf_image.h"
#include "sampler/symbols_elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_image *image = elf_image_open_bytes(data, size, "fuzz", NULL);
	struct symbol_table table = { 0 };
	struct cfi_rule rule;
	uint64_t bias, word, start, end;
	if (!image)
		return 0;
	elf_image_build_id(image);
	elf_image_bias(image, 0x7f0000000000, 0x1000, 5, &bias);
	elf_image_read_vaddr(image, 0x1000, &word, sizeof word);
	symbol_table_add(&table, image, ".symtab", ".strtab");
	symbol_table_add(&table, image, ".dynsym", ".dynstr");
	symbol_table_sort(&table);
	symbol_table_find(&table, 0x1139);
	struct cfi_table *cfi = cfi_table_new(image);
	for (uint64_t at = 0x1000; cfi && at < 0x1400; at += 7) {
		cfi_find(cfi, at, &rule);
		cfi_function(cfi, at, &start, &end);
	}
	cfi_table_free(cfi);
	symbol_table_free(&table);
	elf_image_close(image);
	return 0;
}
