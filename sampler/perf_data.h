/*
 * perf_data: the parts of a perf.data file: which events were sampled, what the recorder said of
 * the machine, and the records one after the other, decompressed. Files and streams (perf record
 * -o -) both. The file is hostile: nothing is mapped, every offset and count is checked.
 * Source: linux/tools/perf/Documentation/perf.data-file-format.txt.
 */
#ifndef SAMPLER_PERF_DATA_H
#define SAMPLER_PERF_DATA_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "sampler/hash_map.h"
#include "sampler/module_store.h"
#include "sampler/perf_record.h"

/* Records of the file itself, not of the kernel; PERF_RECORD_USER_TYPE_START on. */
enum perf_data_type {
	PERF_DATA_ATTRIBUTE = 64,
	PERF_DATA_TRACING = 66,
	PERF_DATA_BUILD_ID = 67,
	PERF_DATA_FINISHED_ROUND = 68,
	PERF_DATA_AUXTRACE = 71,
	PERF_DATA_EVENT_UPDATE = 78,
	PERF_DATA_FEATURE = 80,
	PERF_DATA_COMPRESSED = 81,
	PERF_DATA_COMPRESSED2 = 83,
};

enum { PERF_DATA_NAME_BYTES = 128 };

struct perf_data_event {
	struct perf_event_attr attribute;
	struct perf_layout layout;
	char name[PERF_DATA_NAME_BYTES];
	uint64_t first_id; /* 0 = none was said */
};

/* What the recorder says; "" and 0 where it does not. Not yet cleaned of control characters. */
struct perf_data_facts {
	char host[256], release[256], version[128], architecture[64], cpu[256];
	char command[4096];
	char kernel_build_id[BUILD_ID_TEXT];
	uint64_t clock_wall_ns, clock_ns; /* the same instant on two clocks */
};

struct perf_data {
	const char *path; /* borrowed */
	int fd;
	uint64_t file_bytes;
	bool is_stream, is_unfinished;
	uint64_t data_start, data_end;
	uint64_t features[4]; /* bits */
	struct perf_data_event *events;
	uint32_t n_events, capacity;
	struct hash_map by_id;      /* place in events, from 1 */
	struct module_store *files; /* build-ids */
	struct perf_data_facts facts;
	uint64_t unread_bytes;   /* parts of the header never overlap: what is still to come */
	uint32_t n_bad_features; /* parts of the header that make no sense */
};

/* perf_data_is: do these first bytes of a file say that it is one? */
bool perf_data_is(const unsigned char *head, size_t n_bytes);

/*
 * perf_data_open: header, events and what is said of the machine.
 * path    borrowed until perf_data_close
 * Errors  false and a sentence with the byte; nothing needs closing then
 */
bool perf_data_open(struct perf_data *data, const char *path, struct why *why);
void perf_data_close(struct perf_data *data);

/* perf_data_add_event: the parts of an attribute record (streams name their events so). */
bool perf_data_add_event(struct perf_data *data, const uint8_t *attribute, size_t n_bytes,
			 const uint8_t *ids, size_t n_id_bytes);

/* perf_data_feature: one part of the header, by its bit. */
void perf_data_feature(struct perf_data *data, uint64_t feature, const uint8_t *bytes, size_t n);

/* perf_data_build_id: a whole record of type PERF_DATA_BUILD_ID. */
bool perf_data_build_id(struct perf_data *data, const uint8_t *record, size_t n_bytes);

/* perf_data_event_update: a record that names an event of a stream. */
void perf_data_event_update(struct perf_data *data, const uint8_t *body, size_t n_bytes);

/* perf_data_events_agree: samples of different events can be told apart. False and a sentence. */
bool perf_data_events_agree(const struct perf_data *data, struct why *why);

/*
 * perf_data_event_of: which event a record belongs to: its place in events, or -1 for a sample with
 * an id that nobody announced. There must be an event.
 */
int64_t perf_data_event_of(const struct perf_data *data, const struct perf_event_header *header);

/* perf_data_event_name: what an attribute without a name is called, such as "cpu-clock". */
void perf_data_event_name(const struct perf_event_attr *attribute, char *out, size_t bytes);

struct perf_data_reader;

/* A record as it lies in the file: of any alignment, of any contents. */
struct perf_data_record {
	const uint8_t *bytes; /* valid until the next one is read */
	uint32_t type;
	uint16_t misc, size;
	uint64_t offset; /* in the file; of the compressed record that it came out of */
};

struct perf_data_reader *perf_data_reader_new(const struct perf_data *data);
void perf_data_reader_free(struct perf_data_reader *reader);

/*
 * perf_data_next: the next record, out of compressed ones too.
 * Returns  false at the end, or where the file is damaged: perf_data_damage says so
 * Cost     one copy of the file in pieces of 1 MiB
 */
bool perf_data_next(struct perf_data_reader *reader, struct perf_data_record *record);

/* perf_data_damage: a sentence with the byte where reading ended early; NULL if it did not. */
const char *perf_data_damage(const struct perf_data_reader *reader);

#endif
