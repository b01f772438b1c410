/* Tables that others refer to are copied whole, so that ids stay; what has a time is chosen. */
#include "sampler/recording_window.h"

#include <stdbool.h>
#include <stdio.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"

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
};

static bool is_in(uint64_t time_ns, uint64_t from_ns, uint64_t to_ns)
{
	return time_ns >= from_ns && (!to_ns || time_ns < to_ns);
}

/* Rows from those of the place on that are in the window; the place moves behind them. */
static void copy_times(struct recording *out, const struct recording *from,
		       const struct moment *moment, const struct window *window,
		       struct recording_place *place)
{
	for (uint64_t *id = &place->next[0]; *id < moment->n[TABLE_SAMPLES]; ++*id) {
		const struct sample_row *row = recording_sample(from, *id);
		if (is_in(row->time_ns, window->from_ns, window->to_ns) && row->series)
			table_append(&out->tables[TABLE_SAMPLES], row, 1);
	}
	for (uint64_t *id = &place->next[1]; *id < moment->n[TABLE_READINGS]; ++*id) {
		const struct reading_row *row = recording_reading(from, *id);
		if (is_in(row->time_ns, window->from_ns, window->to_ns) && row->series)
			table_append(&out->tables[TABLE_READINGS], row, 1);
	}
	for (uint64_t *id = &place->next[2]; *id < moment->n[TABLE_SPANS]; ++*id) {
		const struct span_row *row = recording_span(from, *id);
		bool is_before =
			row->start_ns + row->duration_ns < window->from_ns && !span_is_open(row);
		if (row->series && !is_before && (!window->to_ns || row->start_ns < window->to_ns))
			table_append(&out->tables[TABLE_SPANS], row, 1);
	}
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
	recording_name_rest(out, "[unknown: its name was not known yet]");
	recording_publish(out);
	return out;
}

struct recording *recording_window(const struct recording *recording, uint64_t from_ns,
				   uint64_t to_ns)
{
	const struct window window = { from_ns, to_ns };
	struct recording_place start = { { 1, 1, 1 } };
	return copy(recording, &window, &start, from_ns);
}

struct recording *recording_window_next(const struct recording *recording,
					struct recording_place *place, uint64_t from_ns)
{
	const struct window everything = { 0, 0 };
	return copy(recording, &everything, place, from_ns);
}

void recording_keep_since(struct recording *recording, struct recording_place *old,
			  uint64_t since_ns)
{
	struct table *tables = recording->tables;
	while (old->next[0] < tables[TABLE_SAMPLES].n_rows &&
	       recording_sample(recording, old->next[0])->time_ns < since_ns)
		old->next[0]++;
	while (old->next[1] < tables[TABLE_READINGS].n_rows &&
	       recording_reading(recording, old->next[1])->time_ns < since_ns)
		old->next[1]++;
	while (old->next[2] < tables[TABLE_SPANS].n_rows) {
		const struct span_row *row = recording_span(recording, old->next[2]);
		if (row->start_ns + row->duration_ns >= since_ns)
			break;
		old->next[2]++;
	}
	table_release(&tables[TABLE_SAMPLES], old->next[0]);
	table_release(&tables[TABLE_READINGS], old->next[1]);
	table_release(&tables[TABLE_SPANS], old->next[2]);
}
