/*
 * A cursor walks a record eight bytes at a time and never leaves it. Samples carry their fields in
 * the order of the PERF_SAMPLE_* list in perf_event_open(2); other records end in a trailer with
 * tid, time, cpu and identifier (sample_id_all).
 */
#include "sampler/perf_record.h"

#include <string.h>

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

bool perf_record_sample(const struct perf_event_header *header, const struct perf_layout *layout,
			struct perf_sample *out)
{
	struct cursor cursor = cursor_of(header);
	uint64_t type = layout->sample_type;
	uint32_t unused;
	memset(out, 0, sizeof *out);
	if (type & PERF_SAMPLE_IDENTIFIER)
		out->id = take_word(&cursor);
	if (type & PERF_SAMPLE_IP)
		out->ip = take_word(&cursor);
	if (type & PERF_SAMPLE_TID)
		take_pair(&cursor, &out->pid, &out->tid);
	if (type & PERF_SAMPLE_TIME)
		out->time_ns = take_word(&cursor);
	if (type & PERF_SAMPLE_CPU)
		take_pair(&cursor, &out->cpu, &unused);
	if (type & PERF_SAMPLE_PERIOD)
		out->period = take_word(&cursor);
	if (type & PERF_SAMPLE_CALLCHAIN)
		take_chain(&cursor, out);
	if (type & PERF_SAMPLE_REGS_USER)
		take_registers(&cursor, layout->register_mask, out);
	if (type & PERF_SAMPLE_STACK_USER)
		take_stack(&cursor, out);
	return !cursor.is_short;
}

static uint64_t trailer_bytes(const struct perf_layout *layout)
{
	const uint64_t words =
		PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_IDENTIFIER;
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

bool perf_record_map(const struct perf_event_header *header, const struct perf_layout *layout,
		     struct perf_map *out)
{
	struct cursor cursor = cursor_of(header);
	uint32_t major, minor, flags;
	memset(out, 0, sizeof *out);
	take_pair(&cursor, &out->pid, &out->tid);
	out->start = take_word(&cursor);
	out->length = take_word(&cursor);
	out->file_offset = take_word(&cursor);
	take_pair(&cursor, &major, &minor);
	out->inode = take_word(&cursor);
	take_word(&cursor); /* inode generation */
	take_pair(&cursor, &out->prot, &flags);
	out->path = take_text(&cursor, layout);
	out->device = (uint64_t)major << 32 | minor;
	if (header->misc & PERF_RECORD_MISC_MMAP_BUILD_ID)
		out->device = out->inode = 0; /* those words hold a build-id then */
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
	return !cursor.is_short;
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
	if (header->type == PERF_RECORD_SAMPLE)
		return sample_time(header, layout, time_ns);
	uint64_t trailer = trailer_bytes(layout);
	struct cursor cursor = cursor_of(header);
	if ((uint64_t)(cursor.end - cursor.at) < trailer)
		return false;
	cursor.at = cursor.end - trailer;
	if (layout->sample_type & PERF_SAMPLE_TID)
		take_word(&cursor);
	*time_ns = take_word(&cursor);
	return !cursor.is_short;
}
