/*
 * Records one after the other, through a window on the file. Compressed records are one zstd stream
 * cut anywhere: what comes out is read as records in turn, in pieces that never grow, however much
 * a hostile stream expands to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if HAVE_ZSTD
#include <zstd.h>
#endif

#include "sampler/perf_data.h"

enum {
	WINDOW_BYTES = 1 << 20, /* sixteen of the longest records */
	PLAIN_BYTES = 256 << 10,
	MOST_RECORD_BYTES = 65536,
};

struct perf_data_reader {
	const struct perf_data *data;
	uint64_t offset; /* of window[at] in the file */
	uint8_t *window;
	size_t at, n;
	/* what came out of compressed records, and what still has to go in */
	uint8_t *plain, *packed;
	size_t plain_at, n_plain, packed_at, n_packed;
	bool may_hold_more; /* the last piece filled its space */
	uint64_t packed_offset;
#if HAVE_ZSTD
	ZSTD_DStream *stream;
#endif
	bool is_damaged;
	struct why damage;
};

struct perf_data_reader *perf_data_reader_new(const struct perf_data *data)
{
	struct perf_data_reader *reader = allocate(1, sizeof *reader);
	reader->data = data;
	reader->offset = data->data_start;
	reader->window = allocate(WINDOW_BYTES, 1);
	return reader;
}

void perf_data_reader_free(struct perf_data_reader *reader)
{
	if (!reader)
		return;
#if HAVE_ZSTD
	ZSTD_freeDStream(reader->stream);
#endif
	free(reader->window);
	free(reader->plain);
	free(reader->packed);
	free(reader);
}

const char *perf_data_damage(const struct perf_data_reader *reader)
{
	return reader->is_damaged ? reader->damage.text : NULL;
}

static bool damaged(struct perf_data_reader *reader, uint64_t offset, const char *what)
{
	reader->is_damaged = true;
	return why_fail(&reader->damage, "The file is damaged at byte %llu: %s.",
			(unsigned long long)offset, what);
}

/* At least so many bytes at window[at]; false at the end of the data. */
static bool want(struct perf_data_reader *reader, size_t n)
{
	if (reader->n - reader->at >= n)
		return true;
	memmove(reader->window, reader->window + reader->at, reader->n - reader->at);
	reader->n -= reader->at;
	reader->at = 0;
	while (reader->n < n) {
		uint64_t from = reader->offset + reader->n;
		uint64_t left = from < reader->data->data_end ? reader->data->data_end - from : 0;
		size_t space = WINDOW_BYTES - reader->n;
		ssize_t got = pread(reader->data->fd, reader->window + reader->n,
				    left < space ? (size_t)left : space, (off_t)from);
		if (got <= 0)
			return false;
		reader->n += (size_t)got;
	}
	return true;
}

static void skip(struct perf_data_reader *reader, uint64_t n)
{
	uint64_t left = reader->data->data_end - reader->offset;
	if (n > left)
		n = left;
	reader->offset += n;
	if (n <= reader->n - reader->at)
		reader->at += (size_t)n;
	else
		reader->at = reader->n = 0;
}

static struct perf_data_record record_at(const uint8_t *bytes, uint64_t offset)
{
	struct perf_event_header header;
	memcpy(&header, bytes, sizeof header);
	return (struct perf_data_record){ bytes, header.type, header.misc, header.size, offset };
}

/* A whole record out of the decompressed bytes. */
static bool next_plain(struct perf_data_reader *reader, struct perf_data_record *record)
{
	size_t left = reader->n_plain - reader->plain_at;
	if (left < sizeof(struct perf_event_header))
		return false;
	*record = record_at(reader->plain + reader->plain_at, reader->packed_offset);
	if (record->size < sizeof(struct perf_event_header))
		return damaged(reader, reader->packed_offset,
			       "a compressed record is shorter than its header");
	if (record->size > left)
		return false;
	reader->plain_at += record->size;
	return true;
}

#if HAVE_ZSTD
/* The next piece of what is packed; false if nothing is left or it is no zstd. */
static bool unpack(struct perf_data_reader *reader)
{
	if (reader->packed_at == reader->n_packed && !reader->may_hold_more)
		return false;
	memmove(reader->plain, reader->plain + reader->plain_at,
		reader->n_plain - reader->plain_at);
	reader->n_plain -= reader->plain_at;
	reader->plain_at = 0;
	ZSTD_outBuffer out = { reader->plain, PLAIN_BYTES, reader->n_plain };
	ZSTD_inBuffer in = { reader->packed, reader->n_packed, reader->packed_at };
	size_t before = in.pos + out.pos;
	size_t result = ZSTD_decompressStream(reader->stream, &out, &in);
	if (ZSTD_isError(result))
		return damaged(reader, reader->packed_offset, "a record cannot be decompressed");
	bool has_moved = in.pos + out.pos > before;
	reader->n_plain = out.pos;
	reader->packed_at = in.pos;
	reader->may_hold_more = has_moved && out.pos == out.size;
	return has_moved;
}

static bool pack_in(struct perf_data_reader *reader, const struct perf_data_record *record)
{
	size_t skipped = sizeof(struct perf_event_header);
	size_t n = record->size - skipped;
	if (record->type == PERF_DATA_COMPRESSED2) {
		uint64_t said = 0; /* the rest is padding */
		if (n < sizeof said)
			return damaged(reader, record->offset, "a compressed record is too short");
		memcpy(&said, record->bytes + skipped, sizeof said);
		skipped += sizeof said;
		n = said < n - sizeof said ? (size_t)said : n - sizeof said;
	}
	if (!reader->stream) {
		reader->stream = ZSTD_createDStream();
		if (!reader->stream)
			die("out of memory decompressing a perf.data file");
		reader->plain = allocate(PLAIN_BYTES, 1);
		reader->packed = allocate(MOST_RECORD_BYTES, 1);
	}
	memcpy(reader->packed, record->bytes + skipped, n);
	reader->packed_at = 0;
	reader->n_packed = n;
	reader->packed_offset = record->offset;
	return true;
}
#else
static bool unpack(struct perf_data_reader *reader)
{
	(void)reader;
	return false;
}

static bool pack_in(struct perf_data_reader *reader, const struct perf_data_record *record)
{
	reader->is_damaged = true;
	return why_fail(
		&reader->damage,
		"From byte %llu on the file is compressed with zstd, and this stoke was built "
		"without it; install libzstd-dev and build again.",
		(unsigned long long)record->offset);
}
#endif

/* Bytes that follow a record without being one; UINT64_MAX if it is too short to say. */
static uint64_t payload_bytes(const struct perf_data_record *record)
{
	const uint8_t *body = record->bytes + sizeof(struct perf_event_header);
	uint64_t n = 0;
	uint32_t half = 0;
	if (record->type == PERF_DATA_AUXTRACE) {
		if (record->size < sizeof(struct perf_event_header) + sizeof n)
			return UINT64_MAX;
		memcpy(&n, body, sizeof n);
	} else if (record->type == PERF_DATA_TRACING) {
		if (record->size < sizeof(struct perf_event_header) + sizeof half)
			return UINT64_MAX;
		memcpy(&half, body, sizeof half);
		n = ((uint64_t)half + 7) / 8 * 8;
	}
	return n;
}

static bool next_stored(struct perf_data_reader *reader, struct perf_data_record *record)
{
	if (!want(reader, sizeof(struct perf_event_header)))
		return reader->n - reader->at == 0
			       ? false
			       : damaged(reader, reader->offset, "it ends inside a record");
	*record = record_at(reader->window + reader->at, reader->offset);
	if (record->size < sizeof(struct perf_event_header))
		return damaged(reader, reader->offset, "a record is shorter than its header");
	if (!want(reader, record->size))
		return damaged(reader, reader->offset, "it ends inside a record");
	record->bytes = reader->window + reader->at; /* may have moved */
	uint64_t payload = payload_bytes(record);
	if (payload > reader->data->data_end)
		return damaged(reader, reader->offset, "what follows a record is longer than it");
	skip(reader, record->size);
	if (payload)
		skip(reader, payload);
	return true;
}

bool perf_data_next(struct perf_data_reader *reader, struct perf_data_record *record)
{
	while (!reader->is_damaged) {
		if (next_plain(reader, record))
			return true;
		if (reader->is_damaged || unpack(reader))
			continue;
		if (reader->is_damaged)
			return false;
		if (!next_stored(reader, record))
			return reader->n_plain > reader->plain_at && !reader->is_damaged
				       ? damaged(reader, reader->packed_offset,
						 "its compressed records end inside a record")
				       : false;
		if (record->type != PERF_DATA_COMPRESSED && record->type != PERF_DATA_COMPRESSED2)
			return true;
		pack_in(reader, record);
	}
	return false;
}
