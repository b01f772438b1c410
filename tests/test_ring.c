/* What a ring keeps of spans: those that reach into it, and those that are still open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/phases.h"
#include "sampler/recording.h"
#include "sampler/recording_window.h"

static const uint64_t SECOND_NS = 1000000000;

struct ring {
	struct recording *recording;
	struct recording_place old;
	uint32_t series;
};

static struct ring begin(void)
{
	struct ring ring = { .recording = recording_new(), .old = { { 1, 1, 1 } } };
	struct series_row series = { .name = recording_add_string(ring.recording, "phases"),
				     .flags = SERIES_SPANS };
	ring.series = recording_add_series(ring.recording, &series);
	return ring;
}

/* length_ns 0: it is still open. */
static void add(struct ring *ring, const char *name, uint64_t start_ns, uint64_t length_ns)
{
	struct span_row row = { .start_ns = start_ns,
				.duration_ns = length_ns,
				.flops = NAN,
				.bytes = NAN,
				.items = NAN,
				.series = ring->series,
				.name = recording_add_string(ring->recording, name) };
	if (!length_ns)
		row.launch_duration_ns = (uint64_t)SPAN_OPEN_LAUNCH;
	recording_add_span(ring->recording, &row);
}

/* Ten short spans a second, with the ring moving on as a collector moves it. */
static void go_on(struct ring *ring, uint64_t from_s, uint64_t to_s)
{
	for (uint64_t at = from_s * SECOND_NS; at < to_s * SECOND_NS; at += SECOND_NS / 10) {
		add(ring, "step", at, SECOND_NS / 20);
		recording_publish(ring->recording);
		if (at > 10 * SECOND_NS)
			recording_keep_since(ring->recording, &ring->old, at - 10 * SECOND_NS);
	}
}

struct kept {
	unsigned n_open, n_ended;
};

static struct kept count(const struct recording *recording, const char *name)
{
	struct kept kept = { 0 };
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SPANS]; i++) {
		const struct span_row *row = recording_span(recording, i);
		bool is_it = strcmp(recording_string_at(recording, row->name), name) == 0;
		kept.n_open += is_it && span_is_open(row);
		kept.n_ended += is_it && !span_is_open(row);
	}
	return kept;
}

static void expect(struct ring *ring, uint64_t since_s, const char *name, unsigned n_open,
		   unsigned n_ended)
{
	struct recording *part = recording_window(ring->recording, since_s * SECOND_NS, 0);
	struct kept kept = count(part, name);
	if (kept.n_open != n_open || kept.n_ended != n_ended)
		fail_msg("%s since %u s: %u open, %u ended", name, (unsigned)since_s, kept.n_open,
			 kept.n_ended);
	recording_free(part);
}

static void what_is_open_is_kept(void **state)
{
	struct ring ring = begin();
	(void)state;
	add(&ring, "train", SECOND_NS, 0);
	add(&ring, "epoch", 2 * SECOND_NS, 0);
	go_on(&ring, 3, 200);
	assert_true(ring.old.next[2] > 1000); /* steps have gone */
	expect(&ring, 195, "train", 1, 0);
	expect(&ring, 195, "epoch", 1, 0);
	struct recording *part = recording_window(ring.recording, 195 * SECOND_NS, 0);
	struct moment moment = recording_moment(part);
	struct phases *phases = phases_open(part);
	phases_update(phases, &moment);
	/* Between two steps. */
	uint32_t at = phases_at(phases, 0, 196 * SECOND_NS + SECOND_NS * 7 / 100);
	assert_string_equal(recording_string_at(part, at), "epoch");
	phases_close(phases);
	recording_free(part);
	recording_free(ring.recording);
}

static void what_has_ended_goes(void **state)
{
	struct ring ring = begin();
	(void)state;
	add(&ring, "train", SECOND_NS, 0);
	add(&ring, "set up", SECOND_NS, 0);
	go_on(&ring, 2, 60);
	add(&ring, "set up", SECOND_NS, 59 * SECOND_NS);
	recording_publish(ring.recording);
	expect(&ring, 55, "set up", 1, 1); /* told as open before, and ended in it */
	expect(&ring, 61, "set up", 0, 0); /* ended before, whoever told it as open */
	expect(&ring, 61, "train", 1, 0);
	go_on(&ring, 61, 120);
	expect(&ring, 115, "set up", 0, 0);
	add(&ring, "train", SECOND_NS, 118 * SECOND_NS);
	go_on(&ring, 120, 160);
	expect(&ring, 155, "train", 0, 0);
	recording_free(ring.recording);
}

/* Looking often at spans that are all open must not fill the table with them. */
static void looking_adds_nothing(void **state)
{
	struct ring ring = begin();
	char name[32];
	(void)state;
	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof name, "phase %d", i);
		add(&ring, name, SECOND_NS, 0);
	}
	recording_publish(ring.recording);
	uint64_t n = ring.recording->tables[TABLE_SPANS].n_rows;
	for (int i = 0; i < 1000; i++)
		recording_keep_since(ring.recording, &ring.old, 100 * SECOND_NS);
	assert_int_equal(ring.recording->tables[TABLE_SPANS].n_rows, n);
	go_on(&ring, 100, 400); /* 3,000 steps */
	assert_true(ring.recording->tables[TABLE_SPANS].n_rows < n + 3000 + 4 * 3000);
	for (int i = 0; i < 256; i += 51) {
		snprintf(name, sizeof name, "phase %d", i);
		expect(&ring, 395, name, 1, 0);
	}
	recording_free(ring.recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_open_is_kept),
		cmocka_unit_test(what_has_ended_goes),
		cmocka_unit_test(looking_adds_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
