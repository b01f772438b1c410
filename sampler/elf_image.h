/*
 * elf_image: an ELF file as bounds-checked parts: segments, sections (decompressed), unwind
 * tables, build-id. The file is hostile: every offset is checked against the file, nothing is
 * mapped (a file cut short while it is read must not end us), sections are read once, on demand.
 * 64-bit little-endian only (x86-64, aarch64, riscv64); others are refused in a sentence.
 */
#ifndef SAMPLER_ELF_IMAGE_H
#define SAMPLER_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct elf_image;

/* Bytes of a section or segment; owned by the image. */
struct elf_bytes {
	const uint8_t *bytes;
	size_t n_bytes;
	uint64_t vaddr; /* where the file says they are loaded */
};

struct elf_segment {
	uint64_t file_offset, vaddr, file_bytes, memory_bytes;
	uint32_t flags; /* PF_R | PF_W | PF_X */
};

/* elf_image_open: false parts never crash: NULL and a sentence. */
struct elf_image *elf_image_open(const char *path, struct why *why);

/* elf_image_open_bytes: from memory (the vdso, fuzzing); takes a copy. */
struct elf_image *elf_image_open_bytes(const void *bytes, size_t n_bytes, const char *name,
				       struct why *why);
void elf_image_close(struct elf_image *image);

/* elf_image_section: contents by name (".symtab"), decompressed if SHF_COMPRESSED. False if there
 * is none, it holds nothing in the file (SHT_NOBITS), or it is damaged. Read once, then kept. */
bool elf_image_section(struct elf_image *image, const char *name, struct elf_bytes *out);

/* elf_image_has_section: is there one of this name with contents in the file? Reads nothing. */
bool elf_image_has_section(struct elf_image *image, const char *name);

/* elf_image_section_end: the address behind a section, by its index; 0 if there is none. */
uint64_t elf_image_section_end(const struct elf_image *image, size_t index);

/* elf_image_read_vaddr: copy bytes that the file would load at vaddr (for readers of .data). */
bool elf_image_read_vaddr(struct elf_image *image, uint64_t vaddr, void *out, size_t n_bytes);

/*
 * elf_image_bias: what to subtract from a run-time address to get the file's vaddr, for a mapping
 * of `file_offset` at `start` with `prot` (PROT_*). Chooses among segments that share a page by
 * protection. False if no segment fits.
 */
bool elf_image_bias(const struct elf_image *image, uint64_t start, uint64_t file_offset,
		    uint32_t prot, uint64_t *bias);

const struct elf_segment *elf_image_segments(const struct elf_image *image, size_t *n);
uint16_t elf_image_machine(const struct elf_image *image); /* EM_X86_64, EM_AARCH64 */

/* elf_image_build_id: lower-case hexadecimal, "" if none; borrowed. */
const char *elf_image_build_id(struct elf_image *image);

/* elf_image_descriptor: the open file, -1 for memory; owned by the image. */
int elf_image_descriptor(const struct elf_image *image);

/* elf_image_inode: the file's inode number, 0 for memory. */
uint64_t elf_image_inode(const struct elf_image *image);

/* elf_image_path: what it was opened from; borrowed. */
const char *elf_image_path(const struct elf_image *image);

/* elf_image_bytes_read: memory held, for the resident-memory budget. */
size_t elf_image_bytes_read(const struct elf_image *image);

#endif
