/*
 * cfi_entry: the entries of .eh_frame and .debug_frame, and the encodings in them.
 */
#ifndef SAMPLER_CFI_ENTRY_H
#define SAMPLER_CFI_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/elf_image.h"

/* Reads forward and never past the end; a read that would sets is_short and gives 0. */
struct cfi_cursor {
	const uint8_t *at, *end;
	bool is_short;
};

uint64_t cfi_unsigned(struct cfi_cursor *cursor, unsigned n_bytes);
uint64_t cfi_uleb(struct cfi_cursor *cursor);
int64_t cfi_sleb(struct cfi_cursor *cursor);
void cfi_skip(struct cfi_cursor *cursor, uint64_t n_bytes);

struct cfi_section {
	struct elf_bytes bytes;
	bool is_debug_frame; /* else .eh_frame */
};

/* cfi_pointer: a value in a DW_EH_PE_* encoding at the cursor; relative ones need the section.
 * data_base is for DW_EH_PE_datarel. */
uint64_t cfi_pointer(struct cfi_cursor *cursor, uint8_t encoding, const struct cfi_section *section,
		     uint64_t data_base);

/* A common information entry, and one function's entry with it. */
struct cfi_common {
	uint64_t code_alignment;
	int64_t data_alignment;
	uint64_t return_register;
	uint8_t pointer_encoding;
	bool has_augmentation, is_signal;
	struct cfi_cursor instructions;
};

struct cfi_function_entry {
	uint64_t start, end; /* vaddr */
	struct cfi_common common;
	struct cfi_cursor instructions;
};

/*
 * cfi_entry_next: walk a section. *offset is moved to the next entry.
 * Returns  false at the end or at damage; *is_function is false for common entries (and for
 *          functions that cannot be read), which are to be skipped
 */
bool cfi_entry_next(const struct cfi_section *section, uint64_t *offset, bool *is_function,
		    struct cfi_function_entry *out);

/* cfi_entry_at: the function's entry at an offset of its section. */
bool cfi_entry_at(const struct cfi_section *section, uint64_t offset,
		  struct cfi_function_entry *out);

#endif
