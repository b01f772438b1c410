/*
 * cfi: DWARF call frame information, one address at a time. Decodes just the one function that
 * covers the address, so opening a library of 100 MB costs nothing.
 * Source: DWARF 5, 6.4; LSB 5 core, "Exception Frames"; DWARF for the Arm 64-bit Architecture.
 */
#ifndef SAMPLER_CFI_H
#define SAMPLER_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cfi_table;
struct elf_image;

/* How to find the canonical frame address (the caller's stack pointer). */
enum cfi_cfa {
	CFI_NONE,        /* no information covers the address */
	CFI_REGISTER,    /* register + offset */
	CFI_DEREFERENCE, /* *(register + offset): frames with realigned stacks */
	CFI_PLT,         /* x86-64 lazy binding stubs: sp + offset + 8 if (pc & 15) >= register */
	CFI_SIGNAL,      /* a signal frame: registers lie in the kernel's sigframe */
	CFI_END,         /* the return address is undefined: the thread's first function */
	CFI_UNSUPPORTED, /* an expression of another kind: libunwind's work */
};

enum cfi_saved {
	CFI_SAME,             /* unchanged: still in its register */
	CFI_AT_CFA,           /* *(CFA + offset) */
	CFI_AT_FRAME_POINTER, /* *(frame pointer + offset): saved before a realignment */
	CFI_LOST,             /* not recoverable */
};

struct cfi_rule {
	uint8_t cfa;          /* enum cfi_cfa */
	uint8_t cfa_register; /* DWARF number */
	uint8_t return_saved; /* enum cfi_saved; CFI_SAME: in the link register */
	uint8_t frame_saved;  /* enum cfi_saved, of the frame pointer */
	int32_t cfa_offset;
	int32_t return_offset;
	int32_t frame_offset;
};

/* DWARF register numbers that matter here. */
enum {
	CFI_X86_FRAME_POINTER = 6,
	CFI_X86_STACK_POINTER = 7,
	CFI_X86_RETURN = 16,
	CFI_ARM_FRAME_POINTER = 29,
	CFI_ARM_LINK = 30,
	CFI_ARM_STACK_POINTER = 31,
	CFI_RISCV_LINK = 1,
	CFI_RISCV_STACK_POINTER = 2,
	CFI_RISCV_FRAME_POINTER = 8,
};

/* cfi_table_new: the tables of an image (borrowed); NULL if it has none. */
struct cfi_table *cfi_table_new(struct elf_image *image);
void cfi_table_free(struct cfi_table *table);

/*
 * cfi_find: the rule at a vaddr; *rule is CFI_NONE (and false returned) if no function covers it.
 * Cost  0.3 to 1 us; the first address outside .eh_frame_hdr's reach sorts an index once
 */
bool cfi_find(struct cfi_table *table, uint64_t vaddr, struct cfi_rule *rule);

/* cfi_function: start and end of the function that covers a vaddr. */
bool cfi_function(struct cfi_table *table, uint64_t vaddr, uint64_t *start, uint64_t *end);

#endif
