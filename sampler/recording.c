/*
 * The tables of a recording, interning, notes, and what readers may see. Counts are published in
 * the order of enum table_id and read in the opposite order, so whatever a visible row refers to
 * is visible too.
 */
#include "sampler/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/interner.h"
#include "sampler/sample_slot.h"

/* A target that provokes a different note each time must not fill the memory. */
enum { MOST_NOTES = 1000 };

static const size_t row_bytes[N_TABLES] = {
	[TABLE_STRINGS] = 1,
	[TABLE_MODULES] = sizeof(struct module_row),
	[TABLE_FUNCTIONS] = sizeof(struct function_row),
	[TABLE_INLINES] = sizeof(struct inline_row),
	[TABLE_FRAMES] = sizeof(struct frame_row),
	[TABLE_LOCATIONS] = sizeof(struct location_row),
	[TABLE_STACKS] = sizeof(struct stack_row),
	[TABLE_THREADS] = sizeof(struct thread_row),
	[TABLE_SERIES] = sizeof(struct series_row),
	[TABLE_SAMPLES] = sizeof(struct sample_row),
	[TABLE_READINGS] = sizeof(struct reading_row),
	[TABLE_SPANS] = sizeof(struct span_row),
	[TABLE_NOTES] = sizeof(struct note_row),
	[TABLE_FACTS] = sizeof(struct fact_row),
	[TABLE_OUTPUTS] = 1,
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

struct recording *recording_new(void)
{
	struct recording *recording = allocate(1, sizeof *recording);
	for (int i = 0; i < N_TABLES; i++) {
		table_open(&recording->tables[i], row_bytes[i]);
		recording->interners[i] = allocate(1, sizeof *recording->interners[i]);
		if (i != TABLE_OUTPUTS)
			table_append(&recording->tables[i], NULL, 1);
	}
	recording->slot = sample_slot_new();
	recording->start_ns = now_ns();
	recording->start_epoch_ns = clock_ns(CLOCK_REALTIME);
	recording_publish(recording);
	return recording;
}

void recording_free(struct recording *recording)
{
	if (!recording)
		return;
	for (int i = 0; i < N_TABLES; i++) {
		table_close(&recording->tables[i]);
		interner_free(recording->interners[i]);
		free(recording->interners[i]);
	}
	sample_slot_free(recording->slot);
	free(recording);
}

void recording_publish(struct recording *recording)
{
	for (int i = 0; i < N_TABLES; i++)
		table_publish(&recording->tables[i]);
}

struct moment recording_moment(const struct recording *recording)
{
	struct moment moment;
	for (int i = N_TABLES; i-- > 0;)
		moment.n[i] = table_count(&recording->tables[i]);
	return moment;
}

const char *recording_string_at(const struct recording *recording, uint32_t id)
{
	return table_row(&recording->tables[TABLE_STRINGS], id);
}

static uint32_t add(struct recording *recording, enum table_id table, const void *row)
{
	return interner_row(recording->interners[table], &recording->tables[table], row);
}

uint32_t recording_add_string_n(struct recording *recording, const char *text, size_t n_bytes)
{
	n_bytes = strnlen(text, n_bytes);
	if (n_bytes == 0)
		return 0;
	return interner_string(recording->interners[TABLE_STRINGS],
			       &recording->tables[TABLE_STRINGS], text, n_bytes);
}

uint32_t recording_add_string(struct recording *recording, const char *text)
{
	return recording_add_string_n(recording, text, strlen(text));
}

uint32_t recording_add_module(struct recording *recording, const struct module_row *row)
{
	return add(recording, TABLE_MODULES, row);
}

uint32_t recording_add_function(struct recording *recording, const struct function_row *row)
{
	return add(recording, TABLE_FUNCTIONS, row);
}

uint32_t recording_add_inline(struct recording *recording, const struct inline_row *row)
{
	return add(recording, TABLE_INLINES, row);
}

uint32_t recording_add_frame(struct recording *recording, const struct frame_row *row)
{
	return add(recording, TABLE_FRAMES, row);
}

uint32_t recording_add_special_frame(struct recording *recording, const char *text, uint32_t flags)
{
	struct frame_row row = { .address = recording_add_string(recording, text), .flags = flags };
	return recording_add_frame(recording, &row);
}

void recording_add_location(struct recording *recording, const struct location_row *row)
{
	table_append(&recording->tables[TABLE_LOCATIONS], row, 1);
}

/* Where something began to be left out, for notes. */
static const char *since_start(const struct recording *recording, char *out, size_t bytes)
{
	return text_duration(out, bytes, (double)(now_ns() - recording->start_ns));
}

/* The row of a caller whose callees are left out; its own callees are it again. */
static uint32_t cut_stack(struct recording *recording, uint32_t parent)
{
	char text[200], since[TEXT_BYTES];
	bool is_first = !recording->cut_frame;
	if (is_first)
		recording->cut_frame =
			recording_add_special_frame(recording, "[cut: too many stacks]", 0);
	if (recording_stack(recording, parent)->frame == recording->cut_frame)
		return parent;
	struct stack_row row = { .parent = parent, .frame = recording->cut_frame };
	if (is_first) {
		snprintf(text, sizeof text,
			 "%llu distinct stacks fill their budget of %llu MiB, %s after the start: "
			 "from here on new ones are cut where they leave known ones.",
			 (unsigned long long)recording->most_stacks,
			 (unsigned long long)(recording->most_stacks * sizeof row >> 20),
			 since_start(recording, since, sizeof since));
		recording_note(recording, SEVERITY_WARNING, "recording", text,
			       "All time is kept; only the innermost part of new stacks is not. "
			       "Fewer distinct stacks: --call-graph none, or a shorter recording.");
	}
	return add(recording, TABLE_STACKS, &row);
}

uint32_t recording_add_stack(struct recording *recording, uint32_t parent, uint32_t frame)
{
	struct stack_row row = { .parent = parent, .frame = frame };
	const struct table *stacks = &recording->tables[TABLE_STACKS];
	/* Outermost frames are few, and some are the profiler's own: "[lost]". */
	if (!recording->most_stacks || stacks->n_rows < recording->most_stacks || parent == 0)
		return add(recording, TABLE_STACKS, &row);
	uint32_t known = interner_find(recording->interners[TABLE_STACKS], stacks, &row);
	return known ? known : cut_stack(recording, parent);
}

/* Rows below a new row are new, and get the ids that follow it. */
static void prefetch_chain(const struct recording *recording, uint32_t parent,
			   const uint32_t *frames, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct stack_row row = { .parent = parent + (uint32_t)i, .frame = frames[i] };
		interner_prefetch(recording->interners[TABLE_STACKS], &row, sizeof row);
	}
}

void recording_add_stacks(struct recording *recording, uint32_t parent, const uint32_t *frames,
			  size_t n, uint32_t *stacks)
{
	bool is_new = false;
	for (size_t i = 0; i < n; i++) {
		uint64_t n_rows = recording->tables[TABLE_STACKS].n_rows;
		parent = stacks[i] = recording_add_stack(recording, parent, frames[i]);
		if (!is_new && parent == n_rows)
			prefetch_chain(recording, parent, frames + i + 1, n - i - 1);
		is_new = is_new || parent == n_rows;
	}
}

uint32_t recording_add_thread(struct recording *recording, const struct thread_row *row)
{
	return add(recording, TABLE_THREADS, row);
}

uint32_t recording_add_series(struct recording *recording, const struct series_row *row)
{
	return add(recording, TABLE_SERIES, row);
}

void recording_add_reading(struct recording *recording, const struct reading_row *row)
{
	table_append(&recording->tables[TABLE_READINGS], row, 1);
}

uint32_t recording_add_span(struct recording *recording, const struct span_row *row)
{
	return (uint32_t)table_append(&recording->tables[TABLE_SPANS], row, 1);
}

void recording_add_fact(struct recording *recording, const char *key, const char *value)
{
	struct fact_row row = { .key = recording_add_string(recording, key),
				.value = recording_add_string(recording, value) };
	table_append(&recording->tables[TABLE_FACTS], &row, 1);
}

void recording_add_output(struct recording *recording, const void *bytes, size_t n_bytes)
{
	table_append(&recording->tables[TABLE_OUTPUTS], bytes, n_bytes);
}

void recording_part_samples(struct recording *recording, uint64_t time_ns)
{
	sample_slot_part(recording->slot, time_ns);
}

void recording_add_sample(struct recording *recording, const struct sample_row *row)
{
	struct table *samples = &recording->tables[TABLE_SAMPLES];
	if (recording->watch)
		recording->watch(recording->watcher, row);
	if (!sample_slot_add(recording->slot, samples, row))
		return;
	char text[240], since[TEXT_BYTES];
	uint64_t length_ms = sample_slot_length_ns(recording->slot) / 1000000;
	snprintf(
		text, sizeof text,
		"Samples fill their budget of %llu MiB of memory, %s after the start: from here on "
		"equal stacks are merged over %llu ms instead of %llu, so that an hour does not "
		"take all of it.",
		(unsigned long long)(samples->n_rows * samples->row_bytes >> 20),
		since_start(recording, since, sizeof since), (unsigned long long)length_ms,
		(unsigned long long)length_ms / 2);
	recording_note(recording, SEVERITY_INFO, "recording", text,
		       "Sample less often (-F) if finer time is wanted.");
}

struct recording_memory recording_memory(const struct recording *recording)
{
	struct moment moment = recording_moment(recording);
	struct recording_memory memory = {
		.samples_bytes = moment.n[TABLE_SAMPLES] * sizeof(struct sample_row),
		.stacks_bytes = moment.n[TABLE_STACKS] * sizeof(struct stack_row),
		.stacks_budget_bytes = RECORDING_MOST_STACKS * sizeof(struct stack_row),
	};
	memory.samples_budget_bytes = sample_slot_budget_bytes(memory.samples_bytes);
	for (int i = 0; i < N_TABLES; i++)
		memory.all_bytes += moment.n[i] * row_bytes[i];
	return memory;
}

void recording_flush_samples(struct recording *recording, uint64_t at_ns)
{
	sample_slot_flush(recording->slot, &recording->tables[TABLE_SAMPLES], at_ns);
}

static bool is_note_known(const struct recording *recording, const struct note_row *row)
{
	for (uint64_t i = 1; i < recording->tables[TABLE_NOTES].n_rows; i++) {
		const struct note_row *known = recording_note_row(recording, i);
		if (known->source == row->source && known->text == row->text)
			return true;
	}
	return false;
}

void recording_note(struct recording *recording, enum severity severity, const char *source,
		    const char *text, const char *remedy)
{
	struct table *notes = &recording->tables[TABLE_NOTES];
	if (notes->n_rows > MOST_NOTES)
		return;
	if (notes->n_rows == MOST_NOTES) {
		text = "Further notes are left out: there are too many.";
		remedy = "";
	}
	struct note_row row = { .time_ns = now_ns(),
				.severity = severity,
				.source = recording_add_string(recording, source),
				.text = recording_add_string(recording, text),
				.remedy = recording_add_string(recording, remedy) };
	if (!is_note_known(recording, &row))
		table_append(notes, &row, 1);
}

void recording_note_count(struct recording *recording, enum severity severity, const char *source,
			  uint64_t n, const char *what, const char *remedy)
{
	char text[512];
	if (n == 0)
		return;
	snprintf(text, sizeof text, "%llu %s", (unsigned long long)n, what);
	recording_note(recording, severity, source, text, remedy);
}

const char *recording_fact_text(const struct recording *recording, const char *key)
{
	struct moment moment = recording_moment(recording);
	for (uint64_t id = moment.n[TABLE_FACTS]; id-- > 1;) {
		const struct fact_row *fact = recording_fact(recording, id);
		if (strcmp(recording_string_at(recording, fact->key), key) == 0)
			return recording_string_at(recording, fact->value);
	}
	return NULL;
}

const char *origin_glyph(enum origin origin)
{
	static const char *const glyphs[N_ORIGINS] = { "\u2013", "\u25cf", "\u25d0", "\u25cb",
						       "\u2248" };
	return (unsigned)origin < N_ORIGINS ? glyphs[origin] : glyphs[ORIGIN_UNAVAILABLE];
}

const char *origin_name(enum origin origin)
{
	static const char *const names[N_ORIGINS] = { "unavailable", "measured", "scaled",
						      "software", "modelled" };
	return (unsigned)origin < N_ORIGINS ? names[origin] : names[ORIGIN_UNAVAILABLE];
}
