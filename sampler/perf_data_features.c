/* What the recorder says of itself and its machine: the feature sections of perf.data. */
#include <stdio.h>
#include <string.h>

#include "sampler/perf_data.h"

/* Bits of the header. Source: linux/tools/perf/util/header.h, perf.data-file-format.txt. */
enum feature {
	FEATURE_BUILD_ID = 2,
	FEATURE_HOST = 3,
	FEATURE_RELEASE = 4,
	FEATURE_VERSION = 5,
	FEATURE_ARCHITECTURE = 6,
	FEATURE_CPU = 8,
	FEATURE_COMMAND = 11,
	FEATURE_EVENTS = 12,
	FEATURE_CLOCK = 29,
};

enum {
	BUILD_ID_RECORD_BYTES = 8 + 4 + 24, /* header, pid, id; a path follows */
	MISC_BUILD_ID_SIZE = 1 << 15,       /* byte 20 of the id says how long it is */
	UPDATE_NAME = 2,                    /* what an event update changes */
};

struct cursor {
	const uint8_t *at, *end;
	bool is_short;
};

static const uint8_t *take(struct cursor *cursor, size_t n)
{
	if (n > (size_t)(cursor->end - cursor->at)) {
		cursor->is_short = true;
		return NULL;
	}
	const uint8_t *bytes = cursor->at;
	cursor->at += n;
	return bytes;
}

static uint32_t take_half(struct cursor *cursor)
{
	uint32_t value = 0;
	const uint8_t *bytes = take(cursor, sizeof value);
	if (bytes)
		memcpy(&value, bytes, sizeof value);
	return value;
}

static uint64_t take_word(struct cursor *cursor)
{
	uint64_t value = 0;
	const uint8_t *bytes = take(cursor, sizeof value);
	if (bytes)
		memcpy(&value, bytes, sizeof value);
	return value;
}

/* A length and so many bytes with a NUL somewhere in them, behind what `out` already holds. */
static void take_text(struct cursor *cursor, char *out, size_t bytes)
{
	uint32_t n = take_half(cursor);
	const uint8_t *text = take(cursor, n);
	size_t used = strlen(out);
	if (text)
		snprintf(out + used, bytes - used, "%.*s", (int)strnlen((const char *)text, n),
			 (const char *)text);
}

static void take_command(struct cursor *cursor, struct perf_data_facts *facts)
{
	uint32_t n = take_half(cursor);
	for (uint32_t i = 0; i < n && !cursor->is_short; i++) {
		size_t used = strlen(facts->command);
		if (i > 0)
			snprintf(facts->command + used, sizeof facts->command - used, " ");
		take_text(cursor, facts->command, sizeof facts->command);
	}
}

static void name_event(struct perf_data *data, uint32_t place, uint64_t id, const char *name)
{
	uint32_t by_id = id ? hash_map_get(&data->by_id, id) : 0;
	if (by_id)
		place = by_id - 1;
	if (place < data->n_events && name[0])
		snprintf(data->events[place].name, sizeof data->events[place].name, "%s", name);
}

/* How many, how long an attribute is; then attribute, number of ids, name and ids of each. */
static void take_events(struct cursor *cursor, struct perf_data *data)
{
	uint32_t n = take_half(cursor), attribute_bytes = take_half(cursor);
	for (uint32_t i = 0; i < n && !cursor->is_short; i++) {
		char name[PERF_DATA_NAME_BYTES] = "";
		uint64_t id = 0;
		take(cursor, attribute_bytes);
		uint32_t n_ids = take_half(cursor);
		take_text(cursor, name, sizeof name);
		const uint8_t *ids = take(cursor, (size_t)n_ids * sizeof id);
		if (ids && n_ids)
			memcpy(&id, ids, sizeof id);
		if (!cursor->is_short)
			name_event(data, i, id, name);
	}
}

bool perf_data_build_id(struct perf_data *data, const uint8_t *record, size_t n_bytes)
{
	struct perf_event_header header;
	if (n_bytes < BUILD_ID_RECORD_BYTES)
		return false;
	memcpy(&header, record, sizeof header);
	const uint8_t *id = record + 12;
	size_t n_id = BUILD_ID_BYTES, n_path = n_bytes - BUILD_ID_RECORD_BYTES;
	if (header.misc & MISC_BUILD_ID_SIZE && id[BUILD_ID_BYTES] <= BUILD_ID_BYTES)
		n_id = id[BUILD_ID_BYTES];
	char path[4096];
	snprintf(path, sizeof path, "%.*s", (int)(n_path < sizeof path ? n_path : sizeof path - 1),
		 (const char *)record + BUILD_ID_RECORD_BYTES);
	bool is_kernel = (header.misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
	if (is_kernel && strncmp(path, "[kernel.kallsyms]", 17) == 0)
		build_id_text(data->facts.kernel_build_id, id, n_id);
	else
		module_store_add(data->files, path, id, n_id);
	return true;
}

static void take_build_ids(struct cursor *cursor, struct perf_data *data)
{
	while (cursor->at < cursor->end && !cursor->is_short) {
		struct perf_event_header header;
		if ((size_t)(cursor->end - cursor->at) < sizeof header) {
			cursor->is_short = true;
			return;
		}
		memcpy(&header, cursor->at, sizeof header);
		const uint8_t *record = take(cursor, header.size);
		if (!record || !perf_data_build_id(data, record, header.size))
			cursor->is_short = true;
	}
}

static void take_clock(struct cursor *cursor, struct perf_data_facts *facts)
{
	take_word(cursor); /* version and clock id */
	facts->clock_wall_ns = take_word(cursor);
	facts->clock_ns = take_word(cursor);
}

void perf_data_feature(struct perf_data *data, uint64_t feature, const uint8_t *bytes, size_t n)
{
	struct cursor cursor = { bytes, bytes + n, false };
	struct perf_data_facts *facts = &data->facts;
	switch (feature) {
	case FEATURE_BUILD_ID:
		take_build_ids(&cursor, data);
		break;
	case FEATURE_HOST:
		take_text(&cursor, facts->host, sizeof facts->host);
		break;
	case FEATURE_RELEASE:
		take_text(&cursor, facts->release, sizeof facts->release);
		break;
	case FEATURE_VERSION:
		take_text(&cursor, facts->version, sizeof facts->version);
		break;
	case FEATURE_ARCHITECTURE:
		take_text(&cursor, facts->architecture, sizeof facts->architecture);
		break;
	case FEATURE_CPU:
		take_text(&cursor, facts->cpu, sizeof facts->cpu);
		break;
	case FEATURE_COMMAND:
		take_command(&cursor, facts);
		break;
	case FEATURE_EVENTS:
		take_events(&cursor, data);
		break;
	case FEATURE_CLOCK:
		take_clock(&cursor, facts);
		break;
	default:
		break;
	}
	if (cursor.is_short)
		data->n_bad_features++;
}

void perf_data_event_update(struct perf_data *data, const uint8_t *body, size_t n_bytes)
{
	struct cursor cursor = { body, body + n_bytes, false };
	uint64_t kind = take_word(&cursor), id = take_word(&cursor);
	char name[PERF_DATA_NAME_BYTES];
	size_t left = (size_t)(cursor.end - cursor.at);
	if (cursor.is_short || kind != UPDATE_NAME)
		return;
	snprintf(name, sizeof name, "%.*s", (int)(left < sizeof name ? left : sizeof name - 1),
		 (const char *)cursor.at);
	name_event(data, UINT32_MAX, id, name);
}

static const char *const software_names[] = {
	"cpu-clock",        "task-clock",   "page-faults",  "context-switches",
	"cpu-migrations",   "minor-faults", "major-faults", "alignment-faults",
	"emulation-faults", "dummy",        "bpf-output",   "cgroup-switches",
};
static const char *const hardware_names[] = {
	"cycles",
	"instructions",
	"cache-references",
	"cache-misses",
	"branches",
	"branch-misses",
	"bus-cycles",
	"stalled-cycles-frontend",
	"stalled-cycles-backend",
	"ref-cycles",
};

void perf_data_event_name(const struct perf_event_attr *attribute, char *out, size_t bytes)
{
	uint64_t config = attribute->config;
	if (attribute->type == PERF_TYPE_SOFTWARE &&
	    config < sizeof software_names / sizeof software_names[0])
		snprintf(out, bytes, "%s", software_names[config]);
	else if (attribute->type == PERF_TYPE_HARDWARE &&
		 config < sizeof hardware_names / sizeof hardware_names[0])
		snprintf(out, bytes, "%s", hardware_names[config]);
	else
		snprintf(out, bytes, "event-%u-0x%llx", attribute->type,
			 (unsigned long long)config);
}
