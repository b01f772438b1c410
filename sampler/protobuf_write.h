/*
 * protobuf_write: fields of a protobuf message to a stream, or only counted: a message within
 * another is preceded by its length, so it is gone through twice, and nothing is held in memory.
 * Source: Protocol Buffers, "Encoding".
 */
#ifndef SAMPLER_PROTOBUF_WRITE_H
#define SAMPLER_PROTOBUF_WRITE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Zeroed it counts. Errors stay in the stream (ferror). */
struct protobuf_writer {
	FILE *out; /* NULL = count only */
	uint64_t n_bytes;
};

void protobuf_put_varint(struct protobuf_writer *writer, uint64_t value);

/* protobuf_put_number: 0 is the default and is not written. protobuf_put_choice: it is, as the one
 * of several fields that is set. */
void protobuf_put_number(struct protobuf_writer *writer, uint32_t field, uint64_t value);
void protobuf_put_choice(struct protobuf_writer *writer, uint32_t field, uint64_t value);
void protobuf_put_fixed64(struct protobuf_writer *writer, uint32_t field, uint64_t value);

/* protobuf_put_bytes: text or bytes, empty too. */
void protobuf_put_bytes(struct protobuf_writer *writer, uint32_t field, const void *bytes,
			size_t n);

/* protobuf_put_packed: numbers in one field; none = nothing. */
void protobuf_put_packed(struct protobuf_writer *writer, uint32_t field, const uint32_t *values,
			 size_t n);

/* protobuf_open: a message of n_bytes follows, written by the caller. */
void protobuf_open(struct protobuf_writer *writer, uint32_t field, uint64_t n_bytes);

/* protobuf_put_message: what `fields` writes, counted first; it must write the same both times. */
void protobuf_put_message(struct protobuf_writer *writer, uint32_t field,
			  void (*fields)(struct protobuf_writer *writer, const void *opaque),
			  const void *opaque);

#endif
