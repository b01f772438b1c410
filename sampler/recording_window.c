/* Tables that others refer to are copied whole, so that ids stay; what has a time is chosen. */
#include "sampler/recording_window.h"

#include <stdbool.h>
#include <stdio.h>

#include "sampler/base/mix.h"
#include "sampler/base/text.h"
#include "sampler/hash_map.h"
#include "sampler/recording.h"
#include "sampler/thread_choice.h"

/* A page of spans, so that memory is given back, and not at every look. */
enum { LEAST_OLD_SPANS = 64 };

static void copy_whole(struct recording *out, const struct recording *from, enum table_id table,
		       uint64_t n)
{
	uint64_t n_own = out->tables[table].n_rows; /* row 0, where there is one */
	if (n > n_own)
		table_append(&out->tables[table], table_row(&from->tables[table], n_own),
			     n - n_own);
}

/* 0 = open. */
struct window {
	uint64_t from_ns, to_ns;
	struct thread_choice only;
};

static bool is_in(uint64_t time_ns, uint64_t from_ns, uint64_t to_ns)
{
	return time_ns >= from_ns && (!to_ns || time_ns < to_ns);
}

/* ---- spans that were told as open: again when they have ended, and when a ring moves on */

/* Value of a span that has ended, where others have the last row that tells it as open. */
static const uint32_t ENDED = UINT32_MAX;

static uint64_t key_of(const struct span_row *row)
{
	uint64_t key = mix_bits(row->start_ns + mix_bits((uint64_t)row->thread << 32 | row->name));
	return key ? key : 1; /* 0 is no key */
}

/*
 * Spans told as open in rows from `first` until before `end`. One has ended where a row says that
 * it did before before_ns: later ends are there for everybody to see.
 */
static struct hash_map find_open(const struct recording *recording, uint64_t first, uint64_t end,
				 uint64_t before_ns)
{
	struct hash_map open = { 0 };
	for (uint64_t id = first; id < end; id++) {
		const struct span_row *row = recording_span(recording, id);
		uint64_t key = key_of(row);
		if (row->series && span_is_open(row))
			*hash_map_at(&open, key) = (uint32_t)id;
		else if (row->series && open.n_used && hash_map_get(&open, key) &&
			 row->start_ns + row->duration_ns < before_ns)
			*hash_map_at(&open, key) = ENDED;
	}
	return open;
}

/* Does the row belong to what happens in the window? */
static bool takes_span(const struct span_row *row, uint64_t id, const struct window *window,
		       const struct hash_map *open)
{
	if (!row->series || (window->to_ns && row->start_ns >= window->to_ns))
		return false;
	if (span_is_open(row))
		return hash_map_get(open, key_of(row)) == id;
	return row->start_ns + row->duration_ns >= window->from_ns;
}

static void copy_spans(struct recording *out, const struct recording *from, uint64_t end,
		       const struct window *window, uint64_t *next)
{
	struct hash_map open = find_open(from, *next, end, window->from_ns);
	for (; *next < end; ++*next) {
		const struct span_row *row = recording_span(from, *next);
		if (takes_span(row, *next, window, &open) &&
		    thread_choice_takes(&window->only, from, row->thread))
			table_append(&out->tables[TABLE_SPANS], row, 1);
	}
	hash_map_free(&open);
}

/* Rows from those of the place on that are in the window; the place moves behind them. */
static void copy_times(struct recording *out, const struct recording *from,
		       const struct moment *moment, const struct window *window,
		       struct recording_place *place)
{
	for (uint64_t *id = &place->next[0]; *id < moment->n[TABLE_SAMPLES]; ++*id) {
		const struct sample_row *row = recording_sample(from, *id);
		if (is_in(row->time_ns, window->from_ns, window->to_ns) && row->series &&
		    thread_choice_takes(&window->only, from, row->thread))
			table_append(&out->tables[TABLE_SAMPLES], row, 1);
	}
	for (uint64_t *id = &place->next[1]; *id < moment->n[TABLE_READINGS]; ++*id) {
		const struct reading_row *row = recording_reading(from, *id);
		if (is_in(row->time_ns, window->from_ns, window->to_ns) && row->series &&
		    thread_choice_takes(&window->only, from, row->thread))
			table_append(&out->tables[TABLE_READINGS], row, 1);
	}
	copy_spans(out, from, moment->n[TABLE_SPANS], window, &place->next[2]);
}

void recording_name_rest(struct recording *recording, const char *text)
{
	uint64_t n_frames = recording->tables[TABLE_FRAMES].n_rows;
	if (recording->tables[TABLE_LOCATIONS].n_rows >= n_frames)
		return;
	uint32_t name = recording_add_string(recording, text);
	struct function_row function = { .name = name,
					 .linkage_name = name,
					 .flags = FUNCTION_SPECIAL };
	struct location_row location = { .function = recording_add_function(recording, &function) };
	while (recording->tables[TABLE_LOCATIONS].n_rows < n_frames)
		recording_add_location(recording, &location);
}

/* Time 0 is where the window begins. */
static void move_clock(struct recording *out, const struct recording *from, uint64_t from_ns)
{
	char text[TEXT_BYTES];
	out->start_ns = from->start_ns;
	out->start_epoch_ns = from->start_epoch_ns;
	if (from_ns <= from->start_ns)
		return;
	uint64_t later_ns = from_ns - from->start_ns;
	out->start_ns = from_ns;
	out->start_epoch_ns += from->start_epoch_ns ? later_ns : 0;
	recording_add_fact(out, "window.from", text_duration(text, sizeof text, (double)later_ns));
}

static void tell_pid(struct recording *out, uint32_t pid)
{
	char text[TEXT_BYTES];
	snprintf(text, sizeof text, "%u", pid);
	recording_add_fact(out, "part.pid", text);
}

static struct recording *copy(const struct recording *recording, const struct window *window,
			      struct recording_place *place, uint64_t from_ns)
{
	static const enum table_id whole[] = { TABLE_STRINGS, TABLE_MODULES, TABLE_FUNCTIONS,
					       TABLE_INLINES, TABLE_FRAMES,  TABLE_LOCATIONS,
					       TABLE_STACKS,  TABLE_THREADS, TABLE_SERIES,
					       TABLE_NOTES,   TABLE_FACTS,   TABLE_OUTPUTS };
	struct recording *out = recording_new();
	struct moment moment = recording_moment(recording);
	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
		copy_whole(out, recording, whole[i], moment.n[whole[i]]);
	copy_times(out, recording, &moment, window, place);
	move_clock(out, recording, from_ns);
	if (window->only.pid)
		tell_pid(out, window->only.pid);
	recording_name_rest(out, "[unknown: its name was not known yet]");
	recording_publish(out);
	return out;
}

struct recording *recording_window(const struct recording *recording, uint64_t from_ns,
				   uint64_t to_ns)
{
	return recording_part(recording, from_ns, to_ns, &(struct thread_choice){ 0 });
}

struct recording *recording_part(const struct recording *recording, uint64_t from_ns,
				 uint64_t to_ns, const struct thread_choice *only)
{
	const struct window window = { from_ns, to_ns, *only };
	struct recording_place start = { { 1, 1, 1 } };
	return copy(recording, &window, &start, from_ns);
}

struct recording *recording_window_next(const struct recording *recording,
					struct recording_place *place, uint64_t from_ns)
{
	const struct window everything = { 0 };
	return copy(recording, &everything, place, from_ns);
}

/*
 * Spans that have ended before a time go; what is still open is told once more behind all others,
 * so that the rows before it can go too. That is put off until a quarter of the rows are to go:
 * whether one has ended is known only when all rows behind it have been looked at.
 */
static void keep_spans(struct recording *recording, uint64_t *next, uint64_t since_ns)
{
	uint64_t n = recording->tables[TABLE_SPANS].n_rows, at = *next, n_old = 0;
	for (; at < n; at++) {
		const struct span_row *row = recording_span(recording, at);
		if (row->start_ns + row->duration_ns >= since_ns)
			break;
		n_old += !span_is_open(row);
	}
	bool has_open = n_old < at - *next;
	if (has_open && (n_old < LEAST_OLD_SPANS || n_old < (n - *next) / 4))
		return;
	struct hash_map open = { 0 };
	if (has_open)
		open = find_open(recording, *next, n, UINT64_MAX);
	for (; *next < at; ++*next) {
		struct span_row row = *recording_span(recording, *next);
		if (span_is_open(&row) && hash_map_get(&open, key_of(&row)) == *next)
			recording_add_span(recording, &row);
	}
	hash_map_free(&open);
}

void recording_keep_since(struct recording *recording, struct recording_place *old,
			  uint64_t since_ns)
{
	struct table *tables = recording->tables;
	uint64_t passed = old->next[2]; /* what is told again can be read once it is published */
	while (old->next[0] < tables[TABLE_SAMPLES].n_rows &&
	       recording_sample(recording, old->next[0])->time_ns < since_ns)
		old->next[0]++;
	while (old->next[1] < tables[TABLE_READINGS].n_rows &&
	       recording_reading(recording, old->next[1])->time_ns < since_ns)
		old->next[1]++;
	keep_spans(recording, &old->next[2], since_ns);
	table_release(&tables[TABLE_SAMPLES], old->next[0]);
	table_release(&tables[TABLE_READINGS], old->next[1]);
	table_release(&tables[TABLE_SPANS], passed);
}
