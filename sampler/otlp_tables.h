/*
 * otlp_tables: the two tables of an OpenTelemetry profile's dictionary that everything refers to:
 * texts and attributes, each held once. Places are indices in the file; 0 is none.
 * Source: opentelemetry-proto v1.11.0, profiles/v1development, ProfilesDictionary.
 */
#ifndef SAMPLER_OTLP_TABLES_H
#define SAMPLER_OTLP_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/hash_map.h"

struct protobuf_writer;
struct recording;

/* Keys, by the semantic conventions where they have one. */
enum otlp_key {
	OTLP_THREAD_NAME,
	OTLP_THREAD_ID,
	OTLP_PROCESS_ID,
	OTLP_PHASE,
	OTLP_GPU,
	OTLP_GPU_STREAM,
	OTLP_PROVENANCE,
	OTLP_FRAME_TYPE,
	OTLP_BUILD_ID,
	N_OTLP_KEYS,
};

struct otlp_attribute {
	enum otlp_key key;
	bool is_number;
	uint64_t value; /* a place in texts, or the number */
};

struct otlp_tables {
	const struct recording *recording;
	const char **texts; /* borrowed: of the recording, or constants */
	uint32_t n_texts, texts_capacity;
	struct hash_map by_string; /* strings id -> place */
	struct otlp_attribute *attributes;
	uint32_t n_attributes, attributes_capacity;
	struct hash_map by_value;   /* key and value -> place */
	uint32_t keys[N_OTLP_KEYS]; /* their texts */
};

void otlp_tables_open(struct otlp_tables *tables, const struct recording *recording);
void otlp_tables_close(struct otlp_tables *tables);

/* otlp_text: the place of a text of the recording, by its id. otlp_constant: of one that outlives
 * the tables; not looked for among those there are. */
uint32_t otlp_text(struct otlp_tables *tables, uint32_t string);
uint32_t otlp_constant(struct otlp_tables *tables, const char *text);

/* otlp_attribute_text / _number: the place of an attribute; `value` is a place of a text. */
uint32_t otlp_attribute_text(struct otlp_tables *tables, enum otlp_key key, uint32_t value);
uint32_t otlp_attribute_number(struct otlp_tables *tables, enum otlp_key key, uint64_t value);

/* otlp_put_texts / _attributes: as fields of a ProfilesDictionary. */
void otlp_put_texts(struct protobuf_writer *writer, uint32_t field,
		    const struct otlp_tables *tables);
void otlp_put_attributes(struct protobuf_writer *writer, uint32_t field,
			 const struct otlp_tables *tables);

/* otlp_put_text: a text as a field: UTF-8 without control characters. */
void otlp_put_text(struct protobuf_writer *writer, uint32_t field, const char *text);

#endif
