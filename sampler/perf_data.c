/*
 * The header of a perf.data file, its events, and which event a record belongs to. Attributes of
 * other kernels may be shorter or longer than ours: what is missing is zero, what is beyond is cut.
 */
#include "sampler/perf_data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	STREAM_HEADER_BYTES = 16,
	FILE_HEADER_BYTES = 104,
	LEAST_ATTRIBUTE_BYTES = 64, /* PERF_ATTR_SIZE_VER0 */
	MOST_ATTRIBUTE_BYTES = 4096,
	MOST_EVENTS = 4096, /* a machine of 256 CPUs with hybrid PMUs has some hundreds */
	MOST_IDS = 1 << 20, /* of one event: one a CPU, or one a thread */
	MOST_FEATURE_BYTES = 64 << 20, /* build-ids of a large machine are some MiB */
	N_FEATURES = 256,
};

static const char magic[] = "PERFILE2", swapped_magic[] = "2ELIFREP";

struct section {
	uint64_t offset, size;
};

struct file_header {
	char magic[8];
	uint64_t header_bytes, attribute_bytes;
	struct section attributes, data, types;
	uint64_t features[4];
};

bool perf_data_is(const unsigned char *head, size_t n_bytes)
{
	return n_bytes >= 16 &&
	       (memcmp(head, magic, 8) == 0 || memcmp(head, swapped_magic, 8) == 0);
}

static bool read_at(const struct perf_data *data, uint64_t offset, void *out, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(data->fd, (char *)out + done, n - done, (off_t)(offset + done));
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static bool lies_in_file(const struct perf_data *data, const struct section *section)
{
	return section->offset <= data->file_bytes &&
	       section->size <= data->file_bytes - section->offset;
}

/* A part of the header that is still to be read. Overlapping ones would make a small file a long
 * read. */
static bool may_read(struct perf_data *data, const struct section *section, uint64_t most_bytes)
{
	if (!lies_in_file(data, section) || section->size > most_bytes ||
	    section->size > data->unread_bytes)
		return false;
	data->unread_bytes -= section->size;
	return true;
}

static struct perf_layout layout_of(const struct perf_event_attr *attribute)
{
	return (struct perf_layout){
		.sample_type = attribute->sample_type,
		.register_mask = attribute->sample_regs_user,
		.read_format = attribute->read_format,
		.branch_type = attribute->branch_sample_type,
		.has_no_trailer = !attribute->sample_id_all,
	};
}

bool perf_data_add_event(struct perf_data *data, const uint8_t *attribute, size_t n_bytes,
			 const uint8_t *ids, size_t n_id_bytes)
{
	if (data->n_events == MOST_EVENTS || n_bytes < LEAST_ATTRIBUTE_BYTES)
		return false;
	if (data->n_events == data->capacity) {
		data->capacity = data->capacity ? data->capacity * 2 : 8;
		data->events = reallocate(data->events, data->capacity, sizeof *data->events);
	}
	struct perf_data_event *event = &data->events[data->n_events++];
	memset(event, 0, sizeof *event);
	size_t n = n_bytes < sizeof event->attribute ? n_bytes : sizeof event->attribute;
	memcpy(&event->attribute, attribute, n);
	event->layout = layout_of(&event->attribute);
	perf_data_event_name(&event->attribute, event->name, sizeof event->name);
	for (size_t i = 0; i + 8 <= n_id_bytes; i += 8) {
		uint64_t id;
		memcpy(&id, ids + i, sizeof id);
		if (id == 0)
			continue;
		*hash_map_at(&data->by_id, id) = data->n_events;
		if (!event->first_id)
			event->first_id = id;
	}
	return true;
}

static bool read_event(struct perf_data *data, const struct file_header *header, uint64_t offset,
		       struct why *why)
{
	uint8_t entry[MOST_ATTRIBUTE_BYTES];
	struct section ids;
	size_t n = header->attribute_bytes - sizeof ids;
	if (!read_at(data, offset, entry, header->attribute_bytes))
		return why_fail(why, "%s is damaged: an event at byte %llu cannot be read.",
				data->path, (unsigned long long)offset);
	memcpy(&ids, entry + n, sizeof ids);
	if (!may_read(data, &ids, (uint64_t)MOST_IDS * 8))
		return why_fail(why,
				"%s is damaged: the ids of the event at byte %llu lie outside it.",
				data->path, (unsigned long long)offset);
	uint8_t *id_bytes = allocate(ids.size + 1, 1);
	bool is_good = read_at(data, ids.offset, id_bytes, ids.size) &&
		       perf_data_add_event(data, entry, n, id_bytes, ids.size);
	free(id_bytes);
	return is_good || why_fail(why, "%s is damaged: the event at byte %llu makes no sense.",
				   data->path, (unsigned long long)offset);
}

static bool read_events(struct perf_data *data, const struct file_header *header, struct why *why)
{
	uint64_t bytes_each = header->attribute_bytes;
	if (bytes_each < LEAST_ATTRIBUTE_BYTES + sizeof(struct section) ||
	    bytes_each > MOST_ATTRIBUTE_BYTES || !lies_in_file(data, &header->attributes) ||
	    header->attributes.size < bytes_each ||
	    header->attributes.size / bytes_each > MOST_EVENTS)
		return why_fail(why,
				"%s is damaged: its header (byte 16 to 40) describes no events.",
				data->path);
	for (uint64_t i = 0; i < header->attributes.size / bytes_each; i++)
		if (!read_event(data, header, header->attributes.offset + i * bytes_each, why))
			return false;
	return perf_data_events_agree(data, why);
}

static void read_feature(struct perf_data *data, uint64_t feature, const struct section *section)
{
	if (!may_read(data, section, MOST_FEATURE_BYTES)) {
		data->n_bad_features++;
		return;
	}
	uint8_t *bytes = allocate(section->size + 1, 1);
	if (read_at(data, section->offset, bytes, section->size))
		perf_data_feature(data, feature, bytes, section->size);
	free(bytes);
}

/* A table of sections behind the data, one for each bit that is set, in their order. */
static void read_features(struct perf_data *data)
{
	uint64_t offset = data->data_end;
	for (unsigned i = 0; i < N_FEATURES; i++) {
		struct section section;
		if (!(data->features[i / 64] >> (i % 64) & 1))
			continue;
		if (!read_at(data, offset, &section, sizeof section)) {
			data->n_bad_features++;
			return;
		}
		read_feature(data, i, &section);
		offset += sizeof section;
	}
}

static bool read_file_header(struct perf_data *data, struct file_header *header, struct why *why)
{
	if (!read_at(data, 0, header, FILE_HEADER_BYTES))
		return why_fail(why, "%s is damaged: it ends inside its header.", data->path);
	if (!read_events(data, header, why))
		return false;
	if (header->data.offset > data->file_bytes)
		return why_fail(why,
				"%s is damaged: its records begin at byte %llu, behind its end.",
				data->path, (unsigned long long)header->data.offset);
	data->data_start = header->data.offset;
	data->data_end = data->file_bytes;
	/* perf writes the size when it ends; killed, it never does. */
	data->is_unfinished = header->data.size == 0 || !lies_in_file(data, &header->data);
	if (data->is_unfinished)
		return true;
	data->data_end = header->data.offset + header->data.size;
	memcpy(data->features, header->features, sizeof data->features);
	read_features(data);
	return true;
}

static bool read_header(struct perf_data *data, struct why *why)
{
	struct file_header header;
	if (!read_at(data, 0, &header, STREAM_HEADER_BYTES) ||
	    !perf_data_is((const unsigned char *)&header, STREAM_HEADER_BYTES))
		return why_fail(why, "%s is no perf.data file: it does not begin with %s.",
				data->path, magic);
	if (memcmp(header.magic, swapped_magic, sizeof header.magic) == 0)
		return why_fail(why,
				"%s was recorded on a machine of the other byte order; run `perf "
				"script` on it there and import that text.",
				data->path);
	data->is_stream = header.header_bytes == STREAM_HEADER_BYTES;
	data->data_start = STREAM_HEADER_BYTES;
	data->data_end = data->file_bytes;
	if (data->is_stream)
		return true;
	return read_file_header(data, &header, why);
}

bool perf_data_open(struct perf_data *data, const char *path, struct why *why)
{
	struct stat status;
	*data = (struct perf_data){ .path = path };
	data->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (data->fd < 0)
		return why_fail(why, "Cannot read %s: %s; check the path.", path, strerror(errno));
	data->files = module_store_new();
	if (fstat(data->fd, &status) == 0 && S_ISREG(status.st_mode)) {
		data->file_bytes = data->unread_bytes = (uint64_t)status.st_size;
		if (read_header(data, why))
			return true;
	} else {
		why_fail(why, "Cannot read %s: it is no plain file; save the stream first.", path);
	}
	perf_data_close(data);
	return false;
}

void perf_data_close(struct perf_data *data)
{
	if (data->files)
		close(data->fd);
	module_store_free(data->files);
	hash_map_free(&data->by_id);
	free(data->events);
	*data = (struct perf_data){ 0 };
}

/* ---- which event */

/* Words before the id in a sample; -1 if there is none. */
static int words_before_id(uint64_t type)
{
	if (type & PERF_SAMPLE_IDENTIFIER)
		return 0;
	if (!(type & PERF_SAMPLE_ID))
		return -1;
	return __builtin_popcountll(
		type & (PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR));
}

/* Words from the id to the end of another record, itself among them; -1 if there is none. */
static int words_from_id(uint64_t type)
{
	if (type & PERF_SAMPLE_IDENTIFIER)
		return 1;
	if (!(type & PERF_SAMPLE_ID))
		return -1;
	return 1 + __builtin_popcountll(type & (PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU));
}

bool perf_data_events_agree(const struct perf_data *data, struct why *why)
{
	uint64_t first = data->n_events ? data->events[0].attribute.sample_type : 0;
	for (uint32_t i = 1; i < data->n_events; i++) {
		uint64_t type = data->events[i].attribute.sample_type;
		bool is_told = words_before_id(type) >= 0 || type == first;
		if (words_before_id(type) != words_before_id(first) ||
		    words_from_id(type) != words_from_id(first) || !is_told)
			return why_fail(
				why,
				"%s holds samples of several events that do not say which "
				"event they are of (attribute %u); record with a newer perf.",
				data->path, i);
	}
	return true;
}

static uint64_t id_of(const struct perf_event_header *header, const struct perf_layout *layout)
{
	const uint8_t *bytes = (const uint8_t *)header;
	bool is_sample = header->type == PERF_RECORD_SAMPLE;
	int words = is_sample ? words_before_id(layout->sample_type)
			      : words_from_id(layout->sample_type);
	uint64_t id;
	if (words < 0 || (!is_sample && layout->has_no_trailer))
		return 0;
	size_t n = (size_t)words * sizeof id + (is_sample ? sizeof id : 0);
	if (header->size < sizeof *header + n)
		return 0;
	memcpy(&id, is_sample ? bytes + sizeof *header + n - sizeof id : bytes + header->size - n,
	       sizeof id);
	return id;
}

int64_t perf_data_event_of(const struct perf_data *data, const struct perf_event_header *header)
{
	if (data->n_events == 1)
		return 0;
	uint64_t id = id_of(header, &data->events[0].layout);
	uint32_t place = id ? hash_map_get(&data->by_id, id) : 0;
	if (place)
		return place - 1;
	/* Records that perf made up itself carry no id and are laid out as the first event's. */
	return id && header->type == PERF_RECORD_SAMPLE ? -1 : 0;
}
