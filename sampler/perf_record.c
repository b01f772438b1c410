/*
 * A cursor walks a record eight bytes at a time and never leaves it. Samples carry their fields in
 * the order of the PERF_SAMPLE_* list in perf_event_open(2), of which those behind the copied stack
 * are not looked at; other records end in a trailer with tid, time, ids and cpu (sample_id_all).
 */
#include "sampler/perf_record.h"

#include <string.h>
#include <sys/mman.h>

enum {
	BRANCH_BYTES = 24, /* from, to, flags */
	/* Of newer kernels than our headers may be. */
	FORMAT_LOST = 1 << 4,
	BRANCH_COUNTERS = 1 << 19,
};

struct cursor {
	const unsigned char *at, *end;
	bool is_short;
};

static struct cursor cursor_of(const struct perf_event_header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	struct cursor cursor = { bytes + sizeof *header, bytes + header->size, false };
	if (header->size < sizeof *header) {
		cursor.end = cursor.at;
		cursor.is_short = true;
	}
	return cursor;
}

static const void *take(struct cursor *cursor, uint64_t n_bytes)
{
	if (n_bytes > (uint64_t)(cursor->end - cursor->at)) {
		cursor->is_short = true;
		return NULL;
	}
	const void *bytes = cursor->at;
	cursor->at += n_bytes;
	return bytes;
}

static uint64_t take_word(struct cursor *cursor)
{
	uint64_t word = 0;
	const void *bytes = take(cursor, sizeof word);
	if (bytes)
		memcpy(&word, bytes, sizeof word);
	return word;
}

/* Two 32-bit values in one word, low half first in memory. */
static void take_pair(struct cursor *cursor, uint32_t *first, uint32_t *second)
{
	uint32_t pair[2] = { 0, 0 };
	const void *bytes = take(cursor, sizeof pair);
	if (bytes)
		memcpy(pair, bytes, sizeof pair);
	*first = pair[0];
	*second = pair[1];
}

static void take_chain(struct cursor *cursor, struct perf_sample *out)
{
	uint64_t n = take_word(cursor);
	if (n > (uint64_t)(cursor->end - cursor->at) / sizeof(uint64_t)) {
		cursor->is_short = true;
		return;
	}
	out->n_chain = n;
	out->chain = take(cursor, n * sizeof(uint64_t));
}

static void take_registers(struct cursor *cursor, uint64_t mask, struct perf_sample *out)
{
	uint64_t abi = take_word(cursor);
	if (abi == PERF_SAMPLE_REGS_ABI_NONE)
		return;
	const void *values = take(cursor, (uint64_t)__builtin_popcountll(mask) * sizeof(uint64_t));
	/* A 32-bit task's registers mean something else to our unwinder. */
	if (abi == PERF_SAMPLE_REGS_ABI_64)
		out->registers = values;
}

static void take_stack(struct cursor *cursor, struct perf_sample *out)
{
	uint64_t reserved = take_word(cursor);
	if (reserved == 0)
		return;
	const uint8_t *bytes = take(cursor, reserved);
	uint64_t copied = take_word(cursor);
	if (cursor->is_short)
		return;
	out->stack = bytes;
	out->stack_reserved = reserved;
	out->stack_bytes = copied < reserved ? copied : reserved;
}

static void skip_array(struct cursor *cursor, uint64_t n, uint64_t bytes_each)
{
	if (n > (uint64_t)(cursor->end - cursor->at) / bytes_each)
		cursor->is_short = true;
	else
		take(cursor, n * bytes_each);
}

/* A value, then perhaps the event's id and how often it was lost. */
static size_t words_of_count(uint64_t format)
{
	const uint64_t with_each = PERF_FORMAT_ID | FORMAT_LOST;
	return 1 + (size_t)__builtin_popcountll(format & with_each);
}

/*
 * Counts beside the sample's own: of one event or of a group. The times stand before a group's
 * values, and behind the value of one event.
 */
static void take_counts(struct cursor *cursor, uint64_t format, struct perf_sample *out)
{
	const uint64_t times = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	size_t n_times = (size_t)__builtin_popcountll(format & times);
	size_t words_each = words_of_count(format);
	bool is_group = format & PERF_FORMAT_GROUP;
	uint64_t n = is_group ? take_word(cursor) : 1;
	size_t words = is_group ? words_each : words_each + n_times;
	const uint64_t *group_times = take(cursor, is_group ? n_times * sizeof(uint64_t) : 0);
	const uint64_t *counts = (const uint64_t *)(const void *)cursor->at;
	skip_array(cursor, n, words * sizeof(uint64_t));
	if (cursor->is_short)
		return;
	out->counts = counts;
	out->n_counts = n;
	out->has_times = n_times == 2;
	if (out->has_times) {
		out->enabled_ns = is_group ? group_times[0] : counts[1];
		out->running_ns = is_group ? group_times[1] : counts[2];
	}
}

void perf_sample_count(const struct perf_sample *sample, const struct perf_layout *layout, size_t i,
		       uint64_t *id, uint64_t *value)
{
	const uint64_t times = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	uint64_t format = layout->read_format;
	const uint64_t *words = sample->counts + i * words_of_count(format);
	size_t skipped =
		format & PERF_FORMAT_GROUP ? 0 : (size_t)__builtin_popcountll(format & times);
	*value = words[0];
	*id = format & PERF_FORMAT_ID ? words[1 + skipped] : 0;
}

/* A size of 32 bits and so many bytes, whole words together. */
static void skip_raw(struct cursor *cursor)
{
	uint32_t n_bytes = 0;
	const void *bytes = take(cursor, sizeof n_bytes);
	if (bytes)
		memcpy(&n_bytes, bytes, sizeof n_bytes);
	if ((sizeof n_bytes + n_bytes) % sizeof(uint64_t) != 0)
		cursor->is_short = true; /* what follows could not be read aligned */
	take(cursor, n_bytes);
}

static void skip_branches(struct cursor *cursor, uint64_t branch_type)
{
	uint64_t n = take_word(cursor);
	if (branch_type & PERF_SAMPLE_BRANCH_HW_INDEX)
		take_word(cursor);
	skip_array(cursor, n, BRANCH_BYTES);
	if (branch_type & BRANCH_COUNTERS)
		skip_array(cursor, n, sizeof(uint64_t));
}

/* The words before the first part of unknown length. */
static void take_words(struct cursor *cursor, uint64_t type, struct perf_sample *out)
{
	uint32_t unused;
	if (type & PERF_SAMPLE_IDENTIFIER)
		out->id = take_word(cursor);
	if (type & PERF_SAMPLE_IP)
		out->ip = take_word(cursor);
	if (type & PERF_SAMPLE_TID)
		take_pair(cursor, &out->pid, &out->tid);
	if (type & PERF_SAMPLE_TIME)
		out->time_ns = take_word(cursor);
	if (type & PERF_SAMPLE_ADDR)
		take_word(cursor);
	if (type & PERF_SAMPLE_ID)
		out->id = take_word(cursor);
	if (type & PERF_SAMPLE_STREAM_ID)
		take_word(cursor);
	if (type & PERF_SAMPLE_CPU)
		take_pair(cursor, &out->cpu, &unused);
	if (type & PERF_SAMPLE_PERIOD)
		out->period = take_word(cursor);
}

bool perf_record_sample(const struct perf_event_header *header, const struct perf_layout *layout,
			struct perf_sample *out)
{
	struct cursor cursor = cursor_of(header);
	uint64_t type = layout->sample_type;
	memset(out, 0, sizeof *out);
	take_words(&cursor, type, out);
	if (type & PERF_SAMPLE_READ)
		take_counts(&cursor, layout->read_format, out);
	if (type & PERF_SAMPLE_CALLCHAIN)
		take_chain(&cursor, out);
	if (type & PERF_SAMPLE_RAW)
		skip_raw(&cursor);
	if (type & PERF_SAMPLE_BRANCH_STACK)
		skip_branches(&cursor, layout->branch_type);
	if (type & PERF_SAMPLE_REGS_USER)
		take_registers(&cursor, layout->register_mask, out);
	if (type & PERF_SAMPLE_STACK_USER)
		take_stack(&cursor, out);
	return !cursor.is_short;
}

static uint64_t trailer_bytes(const struct perf_layout *layout)
{
	const uint64_t words = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ID |
			       PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU | PERF_SAMPLE_IDENTIFIER;
	if (layout->has_no_trailer)
		return 0;
	return (uint64_t)__builtin_popcountll(layout->sample_type & words) * sizeof(uint64_t);
}

/* The rest of the record before its trailer, as text that ends inside it. */
static const char *take_text(struct cursor *cursor, const struct perf_layout *layout)
{
	uint64_t trailer = trailer_bytes(layout);
	uint64_t left = (uint64_t)(cursor->end - cursor->at);
	if (left <= trailer) {
		cursor->is_short = true;
		return "";
	}
	const char *text = take(cursor, left - trailer);
	if (!memchr(text, '\0', left - trailer)) {
		cursor->is_short = true;
		return "";
	}
	return text;
}

/* Where the file is: device and inode, or instead of them its build-id. */
static void take_file(struct cursor *cursor, bool is_build_id, struct perf_map *out)
{
	uint32_t major, minor;
	if (is_build_id) {
		const uint8_t *bytes = take(cursor, 24); /* size, 3 reserved, 20 of the id */
		if (bytes && bytes[0] >= 1 && bytes[0] <= 20) {
			out->build_id = bytes + 4;
			out->build_id_bytes = bytes[0];
		}
		return;
	}
	take_pair(cursor, &major, &minor);
	out->device = (uint64_t)major << 32 | minor;
	out->inode = take_word(cursor);
	take_word(cursor); /* inode generation */
}

bool perf_record_map(const struct perf_event_header *header, const struct perf_layout *layout,
		     struct perf_map *out)
{
	struct cursor cursor = cursor_of(header);
	uint32_t flags;
	memset(out, 0, sizeof *out);
	take_pair(&cursor, &out->pid, &out->tid);
	out->start = take_word(&cursor);
	out->length = take_word(&cursor);
	out->file_offset = take_word(&cursor);
	if (header->type == PERF_RECORD_MMAP) {
		bool is_data = header->misc & PERF_RECORD_MISC_MMAP_DATA;
		out->prot = PROT_READ | (is_data ? 0 : PROT_EXEC);
	} else {
		take_file(&cursor, header->misc & PERF_RECORD_MISC_MMAP_BUILD_ID, out);
		take_pair(&cursor, &out->prot, &flags);
	}
	out->path = take_text(&cursor, layout);
	return !cursor.is_short;
}

bool perf_record_comm(const struct perf_event_header *header, const struct perf_layout *layout,
		      struct perf_comm *out)
{
	struct cursor cursor = cursor_of(header);
	take_pair(&cursor, &out->pid, &out->tid);
	out->is_exec = header->misc & PERF_RECORD_MISC_COMM_EXEC;
	out->name = take_text(&cursor, layout);
	return !cursor.is_short;
}

bool perf_record_task(const struct perf_event_header *header, struct perf_task *out)
{
	struct cursor cursor = cursor_of(header);
	take_pair(&cursor, &out->pid, &out->parent_pid);
	take_pair(&cursor, &out->tid, &out->parent_tid);
	bool is_good = !cursor.is_short;
	out->time_ns = take_word(&cursor); /* 0 where it is not there */
	return is_good;
}

bool perf_record_lost(const struct perf_event_header *header, uint64_t *n_lost)
{
	struct cursor cursor = cursor_of(header);
	if (header->type == PERF_RECORD_LOST)
		take_word(&cursor); /* the event's id */
	*n_lost = take_word(&cursor);
	return !cursor.is_short;
}

static bool sample_time(const struct perf_event_header *header, const struct perf_layout *layout,
			uint64_t *time_ns)
{
	const uint64_t before = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID;
	struct cursor cursor = cursor_of(header);
	take(&cursor,
	     (uint64_t)__builtin_popcountll(layout->sample_type & before) * sizeof(uint64_t));
	*time_ns = take_word(&cursor);
	return !cursor.is_short;
}

bool perf_record_time(const struct perf_event_header *header, const struct perf_layout *layout,
		      uint64_t *time_ns)
{
	if (!(layout->sample_type & PERF_SAMPLE_TIME))
		return false;
	if (header->type == PERF_RECORD_SAMPLE)
		return sample_time(header, layout, time_ns);
	uint64_t trailer = trailer_bytes(layout);
	struct cursor cursor = cursor_of(header);
	if (trailer == 0 || (uint64_t)(cursor.end - cursor.at) < trailer)
		return false;
	cursor.at = cursor.end - trailer;
	if (layout->sample_type & PERF_SAMPLE_TID)
		take_word(&cursor);
	*time_ns = take_word(&cursor);
	return !cursor.is_short;
}
