/*
 * Texts are copied, as in the file none of them has an end. Numbers that name a text are only
 * looked up when it is wanted: the texts come last in most files.
 */
#include "sampler/pprof_tables.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"

void pprof_tables_open(struct pprof_tables *tables)
{
	*tables = (struct pprof_tables){
		.texts.row_bytes = sizeof(char *),
		.functions.row_bytes = sizeof(struct pprof_function),
		.mappings.row_bytes = sizeof(struct pprof_mapping),
	};
}

void *pprof_list_add(struct pprof_list *list, uint64_t id)
{
	if (list->n == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 1024;
		list->rows = reallocate(list->rows, list->capacity, list->row_bytes);
	}
	void *row = (char *)list->rows + (size_t)list->n * list->row_bytes;
	memset(row, 0, list->row_bytes);
	list->n++;
	if (id + 1 != 0)
		*hash_map_at(&list->by_id, id + 1) = list->n;
	return row;
}

void *pprof_list_find(const struct pprof_list *list, uint64_t id)
{
	uint32_t place = id + 1 != 0 ? hash_map_get(&list->by_id, id + 1) : 0;
	return place ? (char *)list->rows + (size_t)(place - 1) * list->row_bytes : NULL;
}

void pprof_list_free(struct pprof_list *list)
{
	free(list->rows);
	hash_map_free(&list->by_id);
}

const char *pprof_text(const struct pprof_tables *tables, uint64_t place)
{
	char *const *texts = tables->texts.rows;
	return place < tables->texts.n ? texts[place] : "";
}

uint32_t pprof_place(uint64_t value)
{
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static void take_string(struct pprof_tables *tables, const struct protobuf_message *bytes)
{
	size_t n = (size_t)(bytes->end - bytes->at);
	char **row = pprof_list_add(&tables->texts, tables->texts.n);
	*row = allocate(n + 1, 1);
	memcpy(*row, bytes->at, n);
}

static void take_type(struct pprof_tables *tables, struct protobuf_message message)
{
	struct protobuf_field field;
	struct pprof_type type = { .count = -1 };
	if (tables->n_types == PPROF_MOST_TYPES) {
		tables->n_bad++;
		return;
	}
	while (protobuf_next(&message, &field)) {
		if (field.number == TYPE_NAME)
			type.name = pprof_place(field.value);
		else if (field.number == TYPE_UNIT)
			type.unit = pprof_place(field.value);
	}
	tables->types[tables->n_types++] = type;
}

static void take_function(struct pprof_tables *tables, struct protobuf_message message)
{
	struct protobuf_field field;
	struct pprof_function function = { 0 };
	uint64_t id = 0;
	while (protobuf_next(&message, &field)) {
		if (field.number == FUNCTION_ID)
			id = field.value;
		else if (field.number == FUNCTION_NAME)
			function.name = pprof_place(field.value);
		else if (field.number == FUNCTION_SYSTEM_NAME)
			function.system_name = pprof_place(field.value);
		else if (field.number == FUNCTION_FILE)
			function.file = pprof_place(field.value);
	}
	*(struct pprof_function *)pprof_list_add(&tables->functions, id) = function;
}

static void take_mapping(struct pprof_tables *tables, struct protobuf_message message)
{
	struct protobuf_field field;
	struct pprof_mapping mapping = { 0 };
	uint64_t id = 0;
	while (protobuf_next(&message, &field)) {
		if (field.number == MAPPING_ID)
			id = field.value;
		else if (field.number == MAPPING_START)
			mapping.start = field.value;
		else if (field.number == MAPPING_OFFSET)
			mapping.offset = field.value;
		else if (field.number == MAPPING_FILE)
			mapping.file = pprof_place(field.value);
		else if (field.number == MAPPING_BUILD_ID)
			mapping.build_id = pprof_place(field.value);
	}
	*(struct pprof_mapping *)pprof_list_add(&tables->mappings, id) = mapping;
}

static void take_comments(struct pprof_tables *tables, const struct protobuf_field *field)
{
	struct protobuf_message rest;
	bool is_begun = false;
	uint64_t place;
	while (protobuf_number(field, &rest, &is_begun, &place))
		if (tables->n_comments < PPROF_MOST_COMMENTS)
			tables->comments[tables->n_comments++] = pprof_place(place);
}

void pprof_tables_take(struct pprof_tables *tables, const struct protobuf_field *field)
{
	switch (field->number) {
	case PROFILE_SAMPLE_TYPE:
		take_type(tables, field->bytes);
		break;
	case PROFILE_MAPPING:
		take_mapping(tables, field->bytes);
		break;
	case PROFILE_FUNCTION:
		take_function(tables, field->bytes);
		break;
	case PROFILE_STRING:
		take_string(tables, &field->bytes);
		break;
	case PROFILE_TIME:
		tables->time_ns = field->value;
		break;
	case PROFILE_DEFAULT_TYPE:
		tables->default_type = pprof_place(field->value);
		break;
	case PROFILE_COMMENT:
		take_comments(tables, field);
		break;
	default:
		break;
	}
}

bool pprof_is_counting(const struct pprof_tables *tables, const struct pprof_type *type)
{
	return strcmp(pprof_text(tables, type->unit), "count") == 0;
}

/* "samples/count" before "cpu/nanoseconds" says how many samples those are. */
void pprof_tables_pair(struct pprof_tables *tables)
{
	for (uint32_t i = 1; i < tables->n_types; i++) {
		if (pprof_is_counting(tables, &tables->types[i]) ||
		    !pprof_is_counting(tables, &tables->types[i - 1]))
			continue;
		tables->types[i].count = (int32_t)i - 1;
		tables->types[i - 1].is_count = true;
	}
	/* Of several counts one after the other, as stoke writes them, two by two. */
	for (uint32_t i = 0; i + 1 < tables->n_types; i++) {
		const char *name = pprof_text(tables, tables->types[i + 1].name);
		const char *count = pprof_text(tables, tables->types[i].name);
		size_t n = strlen(name);
		bool is_pair =
			i == 0 ? strcmp(count, "samples") == 0
			       : strncmp(count, name, n) == 0 && strcmp(count + n, ".samples") == 0;
		if (!is_pair || tables->types[i].is_count || tables->types[i].count >= 0)
			continue;
		tables->types[i + 1].count = (int32_t)i;
		tables->types[i].is_count = true;
	}
}

void pprof_tables_close(struct pprof_tables *tables)
{
	char **texts = tables->texts.rows;
	for (uint32_t i = 0; i < tables->texts.n; i++)
		free(texts[i]);
	pprof_list_free(&tables->texts);
	pprof_list_free(&tables->functions);
	pprof_list_free(&tables->mappings);
}
