/* Packed bytes wait in a block, because deflate costs some 100 ns a call and pieces are 20 bytes.
 */
#include "sampler/base/why.h"

#if HAVE_PROTOBUFC
#include "sampler/pprof_stream.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
	BLOCK_BYTES = 1 << 16,
	GZIP = 16 + MAX_WBITS, /* zlib's way to ask for a gzip header */
	LEVEL = 5,             /* 6 takes half as long again for 2 % less */
	MEMORY = 8,            /* zlib's default */
};

struct pprof_stream {
	ProtobufCBuffer base; /* what protobuf-c appends to; first */
	FILE *out;
	z_stream zlib;
	size_t n_waiting;
	unsigned char waiting[BLOCK_BYTES], packed[BLOCK_BYTES];
};

static void compress_block(struct pprof_stream *stream, const unsigned char *bytes, size_t n,
			   int flush)
{
	stream->zlib.next_in = (unsigned char *)bytes; /* zlib does not write to it */
	stream->zlib.avail_in = (unsigned)n;
	do {
		stream->zlib.next_out = stream->packed;
		stream->zlib.avail_out = BLOCK_BYTES;
		deflate(&stream->zlib, flush);
		fwrite(stream->packed, 1, BLOCK_BYTES - stream->zlib.avail_out, stream->out);
	} while (stream->zlib.avail_out == 0 && !ferror(stream->out));
}

static void flush_waiting(struct pprof_stream *stream)
{
	compress_block(stream, stream->waiting, stream->n_waiting, Z_NO_FLUSH);
	stream->n_waiting = 0;
}

static void append(ProtobufCBuffer *buffer, size_t n, const uint8_t *bytes)
{
	struct pprof_stream *stream = (struct pprof_stream *)buffer;
	while (n > 0) {
		size_t room = BLOCK_BYTES - stream->n_waiting;
		size_t now = n < room ? n : room;
		memcpy(stream->waiting + stream->n_waiting, bytes, now);
		stream->n_waiting += now;
		bytes += now;
		n -= now;
		if (stream->n_waiting == BLOCK_BYTES)
			flush_waiting(stream);
	}
}

struct pprof_stream *pprof_stream_open(FILE *out)
{
	struct pprof_stream *stream = allocate(1, sizeof *stream);
	stream->base.append = append;
	stream->out = out;
	if (deflateInit2(&stream->zlib, LEVEL, Z_DEFLATED, GZIP, MEMORY, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		die("zlib has no memory for its tables");
	return stream;
}

void pprof_stream_put(struct pprof_stream *stream, const Pprof__Profile *part)
{
	pprof__profile__pack_to_buffer(part, &stream->base);
}

bool pprof_stream_failed(const struct pprof_stream *stream)
{
	return ferror(stream->out);
}

void pprof_stream_close(struct pprof_stream *stream)
{
	compress_block(stream, stream->waiting, stream->n_waiting, Z_FINISH);
	deflateEnd(&stream->zlib);
	free(stream);
}
#endif
