/* Groups, which protobuf dropped long ago, count as nonsense. */
#include "sampler/protobuf_wire.h"

#include <string.h>

enum { MOST_VARINT_BYTES = 10, MOST_FIELD = 536870911 /* 2^29 - 1 */ };

static bool bad(struct protobuf_message *message)
{
	message->is_bad = true;
	message->at = message->end;
	return false;
}

static bool take_varint(struct protobuf_message *message, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < MOST_VARINT_BYTES && message->at < message->end; i++) {
		uint8_t byte = *message->at++;
		*value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return true;
	}
	return bad(message);
}

static bool take_fixed(struct protobuf_message *message, size_t n_bytes, uint64_t *value)
{
	*value = 0;
	if (n_bytes > (size_t)(message->end - message->at))
		return bad(message);
	memcpy(value, message->at, n_bytes); /* both are little-endian, as we are */
	message->at += n_bytes;
	return true;
}

static bool take_bytes(struct protobuf_message *message, struct protobuf_message *bytes)
{
	uint64_t n;
	if (!take_varint(message, &n))
		return false;
	if (n > (uint64_t)(message->end - message->at))
		return bad(message);
	*bytes = (struct protobuf_message){ message->at, message->at + n, false };
	message->at += n;
	return true;
}

bool protobuf_next(struct protobuf_message *message, struct protobuf_field *field)
{
	uint64_t key;
	if (message->at == message->end || !take_varint(message, &key))
		return false;
	/* A number where bytes should be is an empty message. */
	*field = (struct protobuf_field){ .type = key & 7,
					  .bytes = { message->at, message->at, false } };
	if (key >> 3 == 0 || key >> 3 > MOST_FIELD)
		return bad(message);
	field->number = (uint32_t)(key >> 3);
	switch (field->type) {
	case PROTOBUF_VARINT:
		return take_varint(message, &field->value);
	case PROTOBUF_FIXED64:
		return take_fixed(message, sizeof(uint64_t), &field->value);
	case PROTOBUF_FIXED32:
		return take_fixed(message, sizeof(uint32_t), &field->value);
	case PROTOBUF_BYTES:
		return take_bytes(message, &field->bytes);
	default:
		return bad(message);
	}
}

bool protobuf_number(const struct protobuf_field *field, struct protobuf_message *rest,
		     bool *is_begun, uint64_t *value)
{
	bool is_first = !*is_begun;
	*is_begun = true;
	if (field->type != PROTOBUF_BYTES) {
		*value = field->value;
		return is_first;
	}
	if (is_first)
		*rest = field->bytes;
	return rest->at < rest->end && take_varint(rest, value);
}
