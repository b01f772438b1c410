/* Place 0 of each table is its empty row, as the format demands. */
#include "sampler/otlp_tables.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/protobuf_write.h"
#include "sampler/recording.h"

/* Fields of KeyValueAndUnit and of AnyValue. */
enum { FIELD_KEY = 1, FIELD_VALUE = 2, ANY_TEXT = 1, ANY_NUMBER = 3 };

enum { FIRST_ROWS = 256, SHORT_TEXT_BYTES = 1024 };

uint32_t otlp_constant(struct otlp_tables *tables, const char *text)
{
	if (tables->n_texts == tables->texts_capacity) {
		tables->texts_capacity =
			tables->texts_capacity ? tables->texts_capacity * 2 : FIRST_ROWS;
		tables->texts = reallocate(tables->texts, tables->texts_capacity, sizeof(char *));
	}
	tables->texts[tables->n_texts] = text;
	return tables->n_texts++;
}

uint32_t otlp_text(struct otlp_tables *tables, uint32_t string)
{
	if (string == 0)
		return 0;
	uint32_t *place = hash_map_at(&tables->by_string, string);
	if (!*place)
		*place = otlp_constant(tables, recording_string_at(tables->recording, string));
	return *place;
}

static uint32_t add_attribute(struct otlp_tables *tables, const struct otlp_attribute *attribute)
{
	/* Values are ids and places: 56 bits are more than enough, as 0 is no key. */
	uint64_t key = (uint64_t)(attribute->key + 1) << 56 | (attribute->value & (~0ull >> 8));
	uint32_t *place = hash_map_at(&tables->by_value, key);
	if (*place)
		return *place;
	if (tables->n_attributes == tables->attributes_capacity) {
		tables->attributes_capacity =
			tables->attributes_capacity ? tables->attributes_capacity * 2 : FIRST_ROWS;
		tables->attributes = reallocate(tables->attributes, tables->attributes_capacity,
						sizeof *tables->attributes);
	}
	tables->attributes[tables->n_attributes] = *attribute;
	return *place = tables->n_attributes++;
}

uint32_t otlp_attribute_text(struct otlp_tables *tables, enum otlp_key key, uint32_t value)
{
	return add_attribute(tables, &(struct otlp_attribute){ .key = key, .value = value });
}

uint32_t otlp_attribute_number(struct otlp_tables *tables, enum otlp_key key, uint64_t value)
{
	return add_attribute(
		tables, &(struct otlp_attribute){ .key = key, .is_number = true, .value = value });
}

void otlp_tables_open(struct otlp_tables *tables, const struct recording *recording)
{
	static const char *const keys[N_OTLP_KEYS] = {
		[OTLP_THREAD_NAME] = "thread.name",
		[OTLP_THREAD_ID] = "thread.id",
		[OTLP_PROCESS_ID] = "process.pid",
		[OTLP_PHASE] = "stoke.phase",
		[OTLP_GPU] = "stoke.gpu",
		[OTLP_GPU_STREAM] = "stoke.gpu.stream",
		[OTLP_PROVENANCE] = "stoke.provenance",
		[OTLP_FRAME_TYPE] = "profile.frame.type",
		[OTLP_BUILD_ID] = "process.executable.build_id.gnu",
	};
	*tables = (struct otlp_tables){ .recording = recording };
	otlp_constant(tables, "");
	tables->attributes = allocate(FIRST_ROWS, sizeof *tables->attributes);
	tables->attributes_capacity = FIRST_ROWS;
	tables->n_attributes = 1;
	for (int i = 0; i < N_OTLP_KEYS; i++)
		tables->keys[i] = otlp_constant(tables, keys[i]);
}

void otlp_tables_close(struct otlp_tables *tables)
{
	hash_map_free(&tables->by_string);
	hash_map_free(&tables->by_value);
	free(tables->texts);
	free(tables->attributes);
}

void otlp_put_text(struct protobuf_writer *writer, uint32_t field, const char *text)
{
	char room[SHORT_TEXT_BYTES];
	size_t bytes = strlen(text) + 1;
	char *clean = bytes > sizeof room ? allocate(bytes, 1) : room;
	text_clean(clean, bytes, text);
	protobuf_put_bytes(writer, field, clean, strlen(clean));
	if (clean != room)
		free(clean);
}

void otlp_put_texts(struct protobuf_writer *writer, uint32_t field,
		    const struct otlp_tables *tables)
{
	for (uint32_t i = 0; i < tables->n_texts; i++)
		otlp_put_text(writer, field, tables->texts[i]);
}

/* An attribute on its way. */
struct placed {
	const struct otlp_tables *tables;
	const struct otlp_attribute *attribute;
};

static void put_any(struct protobuf_writer *writer, const void *opaque)
{
	const struct placed *placed = opaque;
	if (placed->attribute->is_number)
		protobuf_put_choice(writer, ANY_NUMBER, placed->attribute->value);
	else
		otlp_put_text(writer, ANY_TEXT, placed->tables->texts[placed->attribute->value]);
}

static void put_attribute(struct protobuf_writer *writer, const void *opaque)
{
	const struct placed *placed = opaque;
	protobuf_put_number(writer, FIELD_KEY, placed->tables->keys[placed->attribute->key]);
	protobuf_put_message(writer, FIELD_VALUE, put_any, placed);
}

void otlp_put_attributes(struct protobuf_writer *writer, uint32_t field,
			 const struct otlp_tables *tables)
{
	protobuf_open(writer, field, 0);
	for (uint32_t i = 1; i < tables->n_attributes; i++)
		protobuf_put_message(writer, field, put_attribute,
				     &(struct placed){ tables, &tables->attributes[i] });
}
