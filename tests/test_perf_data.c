/* perf.data files made by hand, of every kind of sample, whole, compressed, streamed and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if HAVE_ZSTD
#include <zstd.h>
#endif

#include "sampler/perf_data.h"
#include "sampler/recording.h"
#include "tests/fixture_files.h"
#include "tests/fixture_stride.h"

enum { N_EVENTS = 2, FIRST_ID = 77 };

static const uint64_t PLAIN_TYPE = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
				   PERF_SAMPLE_TIME | PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN;

struct sample {
	uint64_t id, time_ns, period;
	uint32_t pid, tid;
	uint64_t chain[4];
	size_t n_chain;
};

static struct perf_event_attr attribute_of(uint64_t type, uint64_t config)
{
	return (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(struct perf_event_attr),
		.config = config,
		.sample_type = type,
		.read_format = PERF_FORMAT_ID,
		.branch_sample_type = PERF_SAMPLE_BRANCH_ANY,
		.sample_regs_user = 0xff0fff,
		.sample_id_all = 1,
		.sample_period = 1000,
	};
}

static void put_header(struct fixture_bytes *out, uint32_t type, uint16_t misc, size_t n)
{
	struct perf_event_header header = { type, misc, (uint16_t)(sizeof header + n) };
	fixture_put(out, &header, sizeof header);
}

static void put_record(struct fixture_bytes *out, uint32_t type, uint16_t misc,
		       const struct fixture_bytes *body)
{
	put_header(out, type, misc, body->n);
	fixture_put(out, body->bytes, body->n);
}

/* Parts that nobody here looks at, filled with what must not be taken for anything else. */
static void put_counts(struct fixture_bytes *body, uint64_t id)
{
	fixture_put_word(body, 4711); /* value */
	fixture_put_word(body, id);
}

static void put_raw_and_branches(struct fixture_bytes *body, uint64_t type)
{
	if (type & PERF_SAMPLE_RAW) {
		fixture_put_half(body, 12);
		fixture_put(body, "twelve bytes", 12);
	}
	if (type & PERF_SAMPLE_BRANCH_STACK) {
		fixture_put_word(body, 2);
		for (int i = 0; i < 6; i++)
			fixture_put_word(body, 0xbbbb);
	}
}

static void put_tail(struct fixture_bytes *body, uint64_t type)
{
	if (type & PERF_SAMPLE_REGS_USER) {
		fixture_put_word(body, PERF_SAMPLE_REGS_ABI_NONE);
	}
	if (type & PERF_SAMPLE_STACK_USER)
		fixture_put_word(body, 0);
	const uint64_t rest = PERF_SAMPLE_WEIGHT | PERF_SAMPLE_DATA_SRC | PERF_SAMPLE_TRANSACTION |
			      PERF_SAMPLE_PHYS_ADDR;
	for (int i = __builtin_popcountll(type & rest); i > 0; i--)
		fixture_put_word(body, 0xeeee);
}

/* In the order of perf_event_open(2). */
static void put_sample(struct fixture_bytes *out, uint64_t type, const struct sample *sample)
{
	struct fixture_bytes body = { 0 };
	if (type & PERF_SAMPLE_IDENTIFIER)
		fixture_put_word(&body, sample->id);
	if (type & PERF_SAMPLE_IP)
		fixture_put_word(&body, sample->chain[0]);
	if (type & PERF_SAMPLE_TID) {
		fixture_put_half(&body, sample->pid);
		fixture_put_half(&body, sample->tid);
	}
	if (type & PERF_SAMPLE_TIME)
		fixture_put_word(&body, sample->time_ns);
	if (type & PERF_SAMPLE_ADDR)
		fixture_put_word(&body, 0xaaaa);
	if (type & PERF_SAMPLE_ID)
		fixture_put_word(&body, sample->id);
	if (type & PERF_SAMPLE_STREAM_ID)
		fixture_put_word(&body, 0x5555);
	if (type & PERF_SAMPLE_CPU)
		fixture_put_word(&body, 3);
	if (type & PERF_SAMPLE_PERIOD)
		fixture_put_word(&body, sample->period);
	if (type & PERF_SAMPLE_READ)
		put_counts(&body, sample->id);
	if (type & PERF_SAMPLE_CALLCHAIN) {
		fixture_put_word(&body, sample->n_chain + 1);
		fixture_put_word(&body, PERF_CONTEXT_USER);
		for (size_t i = 0; i < sample->n_chain; i++)
			fixture_put_word(&body, sample->chain[i]);
	}
	put_raw_and_branches(&body, type);
	put_tail(&body, type);
	put_record(out, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER, &body);
	free(body.bytes);
}

/* What ends all other records. */
static void put_trailer(struct fixture_bytes *body, uint64_t type, uint64_t time_ns)
{
	if (type & PERF_SAMPLE_TID)
		fixture_put_word(body, 0);
	if (type & PERF_SAMPLE_TIME)
		fixture_put_word(body, time_ns);
	if (type & PERF_SAMPLE_ID)
		fixture_put_word(body, FIRST_ID);
	if (type & PERF_SAMPLE_STREAM_ID)
		fixture_put_word(body, 0);
	if (type & PERF_SAMPLE_CPU)
		fixture_put_word(body, 0);
	if (type & PERF_SAMPLE_IDENTIFIER)
		fixture_put_word(body, FIRST_ID);
}

static void put_comm(struct fixture_bytes *out, uint64_t type, uint32_t pid, uint32_t tid,
		     const char *name, uint64_t time_ns)
{
	struct fixture_bytes body = { 0 };
	fixture_put_half(&body, pid);
	fixture_put_half(&body, tid);
	fixture_put_text(&body, name);
	put_trailer(&body, type, time_ns);
	put_record(out, PERF_RECORD_COMM, 0, &body);
	free(body.bytes);
}

static void put_fork(struct fixture_bytes *out, uint64_t type, uint32_t parent, uint32_t child,
		     uint64_t time_ns)
{
	struct fixture_bytes body = { 0 };
	fixture_put_half(&body, child);
	fixture_put_half(&body, parent);
	fixture_put_half(&body, child);
	fixture_put_half(&body, parent);
	fixture_put_word(&body, time_ns);
	put_trailer(&body, type, time_ns);
	put_record(out, PERF_RECORD_FORK, 0, &body);
	free(body.bytes);
}

static void put_lost(struct fixture_bytes *out, uint64_t type, uint64_t n, uint64_t time_ns)
{
	struct fixture_bytes body = { 0 };
	fixture_put_word(&body, FIRST_ID);
	fixture_put_word(&body, n);
	put_trailer(&body, type, time_ns);
	put_record(out, PERF_RECORD_LOST, 0, &body);
	free(body.bytes);
}

static void put_file_header(struct fixture_bytes *out, uint64_t type, uint64_t n_data)
{
	const uint64_t n_entry = sizeof(struct perf_event_attr) + 16;
	const uint64_t ids_at = 104, entries_at = ids_at + (uint64_t)N_EVENTS * 8;
	const uint64_t data_at = entries_at + N_EVENTS * n_entry;
	const uint64_t words[] = { 104,     n_entry, entries_at, N_EVENTS * n_entry,
				   data_at, n_data,  0,          0,
				   0,       0,       0,          0 };
	fixture_put(out, "PERFILE2", 8);
	fixture_put(out, words, sizeof words);
	for (int i = 0; i < N_EVENTS; i++)
		fixture_put_word(out, FIRST_ID + (uint64_t)i);
	for (int i = 0; i < N_EVENTS; i++) {
		uint64_t config = i ? PERF_COUNT_SW_PAGE_FAULTS : PERF_COUNT_SW_CPU_CLOCK;
		struct perf_event_attr attribute = attribute_of(type, config);
		fixture_put(out, &attribute, sizeof attribute);
		fixture_put_word(out, ids_at + (uint64_t)i * 8);
		fixture_put_word(out, 8);
	}
}

/* Two rounds of two processes, the second one's records before those that happened earlier. */
static struct fixture_bytes make_records(uint64_t type)
{
	struct fixture_bytes records = { 0 };
	const struct sample samples[] = {
		{ FIRST_ID, 5000, 10, 8, 8, { 0x3000, 0x2000 }, 2 },
		{ FIRST_ID + 1, 6000, 20, 8, 8, { 0x3000 }, 1 },
		{ FIRST_ID, 2000, 30, 7, 7, { 0x1000 }, 1 },
		{ FIRST_ID, 8000, 40, 7, 7, { 0x1000, 0x2000, 0x3000 }, 3 },
	};
	put_comm(&records, type, 7, 7, "parent", 1000);
	put_sample(&records, type, &samples[0]);
	put_sample(&records, type, &samples[1]);
	put_sample(&records, type, &samples[2]);
	put_fork(&records, type, 7, 8, 3000);
	put_header(&records, PERF_DATA_FINISHED_ROUND, 0, 0);
	put_comm(&records, type, 8, 8, "child", 5500);
	put_header(&records, PERF_DATA_FINISHED_ROUND, 0, 0);
	put_lost(&records, type, 5, 7000);
	put_sample(&records, type, &samples[3]);
	return records;
}

static struct fixture_bytes make_file(uint64_t type)
{
	struct fixture_bytes file = { 0 }, records = make_records(type);
	put_file_header(&file, type, records.n);
	fixture_put(&file, records.bytes, records.n);
	free(records.bytes);
	return file;
}

static uint32_t series_named(const struct recording *recording, const char *name)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SERIES]; i++)
		if (strcmp(recording_string_at(recording, recording_series(recording, i)->name),
			   name) == 0)
			return (uint32_t)i;
	return 0;
}

static void assert_folded(const struct recording *recording, const char *event, const char *wanted)
{
	char *text = fixture_export(recording, "folded", series_named(recording, event), NULL);
	assert_string_equal(text, wanted);
	free(text);
}

static const char clock_stacks[] =
	"[lost];[lost] 5\n"
	"parent;[unknown: not mapped] 1\n"
	"parent;[unknown: not mapped];[unknown: not mapped] 1\n"
	"parent;[unknown: not mapped];[unknown: not mapped];[unknown: not mapped] 1\n";

static void records_are_taken_in_the_order_of_time(void **state)
{
	struct fixture_bytes file = make_file(PLAIN_TYPE);
	(void)state;
	struct recording *recording = fixture_import("perf-data", file.bytes, file.n, NULL);
	assert_non_null(recording);
	/* The child has its parent's name at 5000 and its own at 6000. */
	assert_folded(recording, "cpu-clock", clock_stacks);
	assert_folded(recording, "page-faults", "child;[unknown: not mapped] 1\n");
	assert_int_equal(recording->start_ns, 2000);
	recording_free(recording);
	free(file.bytes);
}

static void any_combination_of_parts_is_read(void **state)
{
	/* All but the times, threads, chains and ids that the check needs come and go. */
	static const uint64_t parts[] = {
		PERF_SAMPLE_IP,          PERF_SAMPLE_ADDR,         PERF_SAMPLE_ID,
		PERF_SAMPLE_STREAM_ID,   PERF_SAMPLE_CPU,          PERF_SAMPLE_PERIOD,
		PERF_SAMPLE_RAW,         PERF_SAMPLE_BRANCH_STACK, PERF_SAMPLE_REGS_USER,
		PERF_SAMPLE_STACK_USER,  PERF_SAMPLE_WEIGHT,       PERF_SAMPLE_DATA_SRC,
		PERF_SAMPLE_TRANSACTION, PERF_SAMPLE_PHYS_ADDR,
	};
	const uint64_t always = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CALLCHAIN;
	(void)state;
	for (uint64_t bits = 0; bits < 1u << 14; bits += 3 * FIXTURE_STRIDE) {
		uint64_t type = always;
		for (size_t i = 0; i < 14; i++)
			type |= bits >> i & 1 ? parts[i] : 0;
		if (!(type & PERF_SAMPLE_ID))
			type |= PERF_SAMPLE_IDENTIFIER;
		struct fixture_bytes file = make_file(type);
		struct recording *recording = fixture_import("perf-data", file.bytes, file.n, NULL);
		assert_non_null(recording);
		assert_folded(recording, "cpu-clock", clock_stacks);
		uint64_t weight = 0, n = recording_moment(recording).n[TABLE_SAMPLES];
		for (uint64_t i = 1; i < n; i++)
			weight += recording_sample(recording, i)->weight;
		bool has_period = type & PERF_SAMPLE_PERIOD;
		assert_int_equal(weight, has_period ? 100 + 5000 : 9 * 1000);
		recording_free(recording);
		free(file.bytes);
	}
}

static void counts_of_a_read_are_weights(void **state)
{
	struct fixture_bytes file = make_file(PLAIN_TYPE | PERF_SAMPLE_READ);
	(void)state;
	struct recording *recording = fixture_import("perf-data", file.bytes, file.n, NULL);
	assert_non_null(recording);
	/* The count stands at 4711 from the first sample on: others have not moved. */
	assert_folded(recording, "cpu-clock", "[lost];[lost] 5\nparent;[unknown: not mapped] 1\n");
	assert_folded(recording, "page-faults", "child;[unknown: not mapped] 1\n");
	recording_free(recording);
	free(file.bytes);
}

static void streams_are_read(void **state)
{
	struct fixture_bytes file = { 0 }, records = make_records(PLAIN_TYPE);
	(void)state;
	fixture_put(&file, "PERFILE2", 8);
	fixture_put_word(&file, 16);
	for (int i = 0; i < N_EVENTS; i++) {
		struct fixture_bytes body = { 0 };
		struct perf_event_attr attribute = attribute_of(
			PLAIN_TYPE, i ? PERF_COUNT_SW_PAGE_FAULTS : PERF_COUNT_SW_CPU_CLOCK);
		fixture_put(&body, &attribute, sizeof attribute);
		fixture_put_word(&body, FIRST_ID + (uint64_t)i);
		put_record(&file, PERF_DATA_ATTRIBUTE, 0, &body);
		free(body.bytes);
	}
	struct fixture_bytes update = { 0 }; /* a name of its own */
	fixture_put_word(&update, 2);
	fixture_put_word(&update, FIRST_ID);
	fixture_put_text(&update, "my-clock");
	put_record(&file, PERF_DATA_EVENT_UPDATE, 0, &update);
	fixture_put(&file, records.bytes, records.n);
	struct recording *recording = fixture_import("perf-data", file.bytes, file.n, NULL);
	assert_non_null(recording);
	assert_folded(recording, "my-clock", clock_stacks);
	assert_folded(recording, "page-faults", "child;[unknown: not mapped] 1\n");
	recording_free(recording);
	free(update.bytes);
	free(records.bytes);
	free(file.bytes);
}

#if HAVE_ZSTD
/* One zstd stream, cut into records of a few bytes each. */
static void compressed_records_are_read(void **state)
{
	struct fixture_bytes file = { 0 }, packed = { 0 }, records = make_records(PLAIN_TYPE);
	size_t room = ZSTD_compressBound(records.n);
	uint8_t *bytes = malloc(room);
	(void)state;
	size_t n = ZSTD_compress(bytes, room, records.bytes, records.n, 3);
	for (size_t at = 0; at < n; at += 13) {
		struct fixture_bytes body = { 0 };
		fixture_put(&body, bytes + at, n - at < 13 ? n - at : 13);
		put_record(&packed, PERF_DATA_COMPRESSED, 0, &body);
		free(body.bytes);
	}
	put_file_header(&file, PLAIN_TYPE, packed.n);
	fixture_put(&file, packed.bytes, packed.n);
	struct recording *recording = fixture_import("perf-data", file.bytes, file.n, NULL);
	assert_non_null(recording);
	assert_folded(recording, "cpu-clock", clock_stacks);
	recording_free(recording);
	free(bytes);
	free(packed.bytes);
	free(records.bytes);
	free(file.bytes);
}
#endif

/* Whatever is left of a file is read, or refused in a sentence that names it. */
static void cut_and_changed_files_do_no_harm(void **state)
{
	struct fixture_bytes file = make_file(PLAIN_TYPE);
	char why[512];
	(void)state;
	for (size_t n = 0; n < file.n; n += FIXTURE_STRIDE) {
		struct recording *recording = fixture_import("perf-data", file.bytes, n, why);
		if (!recording)
			assert_non_null(strstr(why, "/proc/self/fd/"));
		recording_free(recording);
	}
	for (size_t at = 0; at < file.n; at += FIXTURE_STRIDE) {
		uint8_t kept = file.bytes[at];
		file.bytes[at] = (uint8_t)(kept ^ 0xff);
		recording_free(fixture_import("perf-data", file.bytes, file.n, why));
		file.bytes[at] = kept;
	}
	free(file.bytes);
}

static void other_byte_order_is_refused(void **state)
{
	struct fixture_bytes file = make_file(PLAIN_TYPE);
	char why[512];
	(void)state;
	memcpy(file.bytes, "2ELIFREP", 8);
	assert_null(fixture_import("perf-data", file.bytes, file.n, why));
	assert_non_null(strstr(why, "other byte order"));
	free(file.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_taken_in_the_order_of_time),
		cmocka_unit_test(any_combination_of_parts_is_read),
		cmocka_unit_test(counts_of_a_read_are_weights),
		cmocka_unit_test(streams_are_read),
#if HAVE_ZSTD
		cmocka_unit_test(compressed_records_are_read),
#endif
		cmocka_unit_test(cut_and_changed_files_do_no_harm),
		cmocka_unit_test(other_byte_order_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
