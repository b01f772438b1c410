/*
 * protobuf_wire: fields of a protobuf message, one after the other, without a schema. Every length
 * is checked against the message.
 * Source: Protocol Buffers, "Encoding".
 */
#ifndef SAMPLER_PROTOBUF_WIRE_H
#define SAMPLER_PROTOBUF_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum protobuf_wire_type {
	PROTOBUF_VARINT = 0,
	PROTOBUF_FIXED64 = 1,
	PROTOBUF_BYTES = 2,
	PROTOBUF_FIXED32 = 5,
};

struct protobuf_message {
	const uint8_t *at, *end;
	bool is_bad; /* something in it makes no sense; nothing more is read */
};

struct protobuf_field {
	uint32_t number, type;
	uint64_t value;                /* of all but bytes */
	struct protobuf_message bytes; /* text, or a message within */
};

/* protobuf_next: the next field; false at the end or where it makes no sense. */
bool protobuf_next(struct protobuf_message *message, struct protobuf_field *field);

/*
 * protobuf_number: the next value of a field of repeated numbers, which holds one, or many packed.
 * is_begun  false before the first call
 * Returns   false when the field has no more
 */
bool protobuf_number(const struct protobuf_field *field, struct protobuf_message *rest,
		     bool *is_begun, uint64_t *value);

#endif
