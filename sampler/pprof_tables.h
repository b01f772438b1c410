/*
 * pprof_tables: the parts of a pprof file that its samples refer to: texts, functions, mappings,
 * types of samples. Source: google/pprof, proto/profile.proto.
 */
#ifndef SAMPLER_PPROF_TABLES_H
#define SAMPLER_PPROF_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/hash_map.h"
#include "sampler/protobuf_wire.h"

/* Fields of the messages, where more than one file looks at them. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME = 9,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_TYPE = 14,
	PROFILE_LAST = 15,
	TYPE_NAME = 1,
	TYPE_UNIT = 2,
	SAMPLE_LOCATION = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_TEXT = 2,
	LABEL_NUMBER = 3,
	MAPPING_ID = 1,
	MAPPING_START = 2,
	MAPPING_OFFSET = 4,
	MAPPING_FILE = 5,
	MAPPING_BUILD_ID = 6,
	LOCATION_ID = 1,
	LOCATION_MAPPING = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
	LINE_FUNCTION = 1,
	LINE_NUMBER = 2,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
	FUNCTION_FILE = 4,
};

enum { PPROF_MOST_TYPES = 64, PPROF_MOST_COMMENTS = 8 };

struct pprof_function {
	uint32_t name, system_name, file; /* places in texts */
};

struct pprof_mapping {
	uint64_t start, offset;
	uint32_t file, build_id; /* places in texts */
	uint32_t module;         /* the importer's */
};

struct pprof_type {
	uint32_t name, unit; /* places in texts */
	uint16_t series;     /* the importer's */
	int32_t count;       /* the type that counts its samples; -1 = none does */
	bool is_count;       /* counts the samples of another */
};

/* Ids of the file, which are any numbers, to places in an array. A zeroed one but for row_bytes is
 * empty. */
struct pprof_list {
	void *rows;
	uint32_t n, capacity;
	size_t row_bytes;
	struct hash_map by_id; /* id + 1 -> place + 1 */
};

struct pprof_tables {
	struct pprof_list texts; /* char * */
	struct pprof_list functions, mappings;
	struct pprof_type types[PPROF_MOST_TYPES];
	uint32_t n_types, default_type; /* default: place in texts */
	uint32_t comments[PPROF_MOST_COMMENTS], n_comments;
	uint64_t time_ns;
	uint64_t n_bad; /* what made no sense */
};

void pprof_tables_open(struct pprof_tables *tables);
void pprof_tables_close(struct pprof_tables *tables);

/* pprof_tables_take: take in a field of the profile; others than those named above do nothing. */
void pprof_tables_take(struct pprof_tables *tables, const struct protobuf_field *field);

/* pprof_tables_pair: find the types that count the samples of others. After all are there. */
void pprof_tables_pair(struct pprof_tables *tables);

/* pprof_text: the text at a place; "" if there is none. Borrowed. */
const char *pprof_text(const struct pprof_tables *tables, uint64_t place);

/* pprof_is_counting: its unit is "count". */
bool pprof_is_counting(const struct pprof_tables *tables, const struct pprof_type *type);

/* pprof_list_add: a zeroed row; of equal ids the later counts. pprof_list_find: NULL if none. */
void *pprof_list_add(struct pprof_list *list, uint64_t id);
void *pprof_list_find(const struct pprof_list *list, uint64_t id);
void pprof_list_free(struct pprof_list *list);

/* pprof_place: a place as the tables keep it; what is too large is nowhere. */
uint32_t pprof_place(uint64_t value);

#endif
