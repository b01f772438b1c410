/* Bytes go straight to the stream, whose buffer gathers them. */
#include "sampler/protobuf_write.h"

#include "sampler/protobuf_wire.h"

enum { MOST_VARINT_BYTES = 10 };

static void put(struct protobuf_writer *writer, const void *bytes, size_t n)
{
	writer->n_bytes += n;
	if (writer->out)
		fwrite_unlocked(bytes, 1, n, writer->out);
}

void protobuf_put_varint(struct protobuf_writer *writer, uint64_t value)
{
	unsigned char bytes[MOST_VARINT_BYTES];
	size_t n = 0;
	do {
		bytes[n] = (unsigned char)(value & 0x7f);
		value >>= 7;
		bytes[n++] |= value ? 0x80 : 0;
	} while (value);
	put(writer, bytes, n);
}

static void put_tag(struct protobuf_writer *writer, uint32_t field, enum protobuf_wire_type type)
{
	protobuf_put_varint(writer, (uint64_t)field << 3 | (uint64_t)type);
}

void protobuf_put_choice(struct protobuf_writer *writer, uint32_t field, uint64_t value)
{
	put_tag(writer, field, PROTOBUF_VARINT);
	protobuf_put_varint(writer, value);
}

void protobuf_put_number(struct protobuf_writer *writer, uint32_t field, uint64_t value)
{
	if (value)
		protobuf_put_choice(writer, field, value);
}

void protobuf_put_fixed64(struct protobuf_writer *writer, uint32_t field, uint64_t value)
{
	unsigned char bytes[sizeof value];
	for (size_t i = 0; i < sizeof value; i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
	put_tag(writer, field, PROTOBUF_FIXED64);
	put(writer, bytes, sizeof bytes);
}

void protobuf_open(struct protobuf_writer *writer, uint32_t field, uint64_t n_bytes)
{
	put_tag(writer, field, PROTOBUF_BYTES);
	protobuf_put_varint(writer, n_bytes);
}

void protobuf_put_bytes(struct protobuf_writer *writer, uint32_t field, const void *bytes, size_t n)
{
	protobuf_open(writer, field, n);
	put(writer, bytes, n);
}

void protobuf_put_packed(struct protobuf_writer *writer, uint32_t field, const uint32_t *values,
			 size_t n)
{
	struct protobuf_writer count = { 0 };
	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		protobuf_put_varint(&count, values[i]);
	protobuf_open(writer, field, count.n_bytes);
	for (size_t i = 0; i < n; i++)
		protobuf_put_varint(writer, values[i]);
}

void protobuf_put_message(struct protobuf_writer *writer, uint32_t field,
			  void (*fields)(struct protobuf_writer *writer, const void *opaque),
			  const void *opaque)
{
	struct protobuf_writer count = { 0 };
	fields(&count, opaque);
	protobuf_open(writer, field, count.n_bytes);
	if (writer->out)
		fields(writer, opaque);
	else
		writer->n_bytes += count.n_bytes;
}
