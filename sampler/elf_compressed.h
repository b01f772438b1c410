/*
 * elf_compressed: sections with SHF_COMPRESSED. Source: gABI, "Section Compression".
 */
#ifndef SAMPLER_ELF_COMPRESSED_H
#define SAMPLER_ELF_COMPRESSED_H

#include <stddef.h>
#include <stdint.h>

/*
 * elf_decompress: the plain bytes of a compressed section (which starts with an Elf64_Chdr).
 * Returns  memory to free(), or NULL: damaged, unknown method, more than most_bytes, or zstd in a
 *          build without it
 */
uint8_t *elf_decompress(const uint8_t *bytes, size_t n_bytes, uint64_t most_bytes,
			size_t *n_plain_bytes);

#endif
