/* zlib and zstd sections. See elf_compressed.h. */
#include "sampler/elf_compressed.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#if HAVE_ZSTD
#include <zstd.h>
#endif

#include "sampler/base/why.h"

enum {
	COMPRESSION_ZSTD = 2, /* ELFCOMPRESS_ZSTD, newer than Debian 12's elf.h */
	MOST_RATIO = 1100,    /* deflate cannot do better than 1032 to 1 */
};

static bool inflate_zlib(const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out)
{
	uLongf length = n_out;
	return uncompress(out, &length, in, n_in) == Z_OK && length == n_out;
}

static bool inflate_zstd(const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out)
{
#if HAVE_ZSTD
	return ZSTD_decompress(out, n_out, in, n_in) == n_out;
#else
	(void)in;
	(void)n_in;
	(void)out;
	(void)n_out;
	return false;
#endif
}

uint8_t *elf_decompress(const uint8_t *bytes, size_t n_bytes, uint64_t most_bytes,
			size_t *n_plain_bytes)
{
	Elf64_Chdr header;
	if (n_bytes < sizeof header)
		return NULL;
	memcpy(&header, bytes, sizeof header);
	const uint8_t *in = bytes + sizeof header;
	size_t n_in = n_bytes - sizeof header;
	bool is_zstd = header.ch_type == COMPRESSION_ZSTD;
	if (header.ch_size > most_bytes || (!is_zstd && header.ch_size / MOST_RATIO > n_in))
		return NULL;
	uint8_t *out = allocate(header.ch_size, 1);
	bool is_good = is_zstd ? inflate_zstd(in, n_in, out, header.ch_size)
			       : header.ch_type == ELFCOMPRESS_ZLIB &&
					 inflate_zlib(in, n_in, out, header.ch_size);
	if (!is_good) {
		free(out);
		return NULL;
	}
	*n_plain_bytes = header.ch_size;
	return out;
}
