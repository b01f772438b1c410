/* One small function a table; a row is good or the file is refused. */
#include "sampler/recording_check.h"

#include "sampler/recording.h"

struct counts {
	const struct recording *recording;
	uint64_t n[N_TABLES];
};

static bool has(const struct counts *counts, enum table_id table, uint64_t id)
{
	return id < counts->n[table];
}

static bool text(const struct counts *counts, uint32_t id)
{
	return has(counts, TABLE_STRINGS, id);
}

static bool good_module(const struct counts *counts, uint64_t id)
{
	const struct module_row *row = recording_module(counts->recording, id);
	return text(counts, row->path) && text(counts, row->build_id) && row->kind <= MODULE_GPU;
}

static bool good_function(const struct counts *counts, uint64_t id)
{
	const struct function_row *row = recording_function(counts->recording, id);
	return text(counts, row->name) && text(counts, row->linkage_name) &&
	       has(counts, TABLE_MODULES, row->module);
}

/* An inlined call's surroundings are written before it, so chains end. */
static bool good_inline(const struct counts *counts, uint64_t id)
{
	const struct inline_row *row = recording_inline(counts->recording, id);
	return has(counts, TABLE_FUNCTIONS, row->function) && text(counts, row->file) &&
	       (row->inlined_into == 0 || row->inlined_into < id);
}

static bool good_frame(const struct counts *counts, uint64_t id)
{
	const struct frame_row *row = recording_frame(counts->recording, id);
	return has(counts, TABLE_MODULES, row->module) &&
	       (row->module != 0 || has(counts, TABLE_STRINGS, row->address));
}

static bool good_location(const struct counts *counts, uint64_t id)
{
	const struct location_row *row = recording_location(counts->recording, id);
	return has(counts, TABLE_FUNCTIONS, row->function) && text(counts, row->file) &&
	       has(counts, TABLE_INLINES, row->inlined_into) && has(counts, TABLE_FRAMES, id);
}

static bool good_stack(const struct counts *counts, uint64_t id)
{
	const struct stack_row *row = recording_stack(counts->recording, id);
	return (row->parent < id || id == 0) && has(counts, TABLE_FRAMES, row->frame);
}

static bool good_thread(const struct counts *counts, uint64_t id)
{
	const struct thread_row *row = recording_thread(counts->recording, id);
	return text(counts, row->name) && text(counts, row->process_name);
}

static bool good_series(const struct counts *counts, uint64_t id)
{
	const struct series_row *row = recording_series(counts->recording, id);
	return text(counts, row->name) && text(counts, row->unit) && text(counts, row->source) &&
	       text(counts, row->device) && text(counts, row->reason) &&
	       text(counts, row->remedy) && row->origin < N_ORIGINS;
}

static bool good_sample(const struct counts *counts, uint64_t id)
{
	const struct sample_row *row = recording_sample(counts->recording, id);
	return has(counts, TABLE_STACKS, row->stack) && has(counts, TABLE_THREADS, row->thread) &&
	       has(counts, TABLE_SERIES, row->series);
}

static bool good_reading(const struct counts *counts, uint64_t id)
{
	const struct reading_row *row = recording_reading(counts->recording, id);
	return has(counts, TABLE_SERIES, row->series) && has(counts, TABLE_THREADS, row->thread) &&
	       row->origin < N_ORIGINS;
}

static bool good_span(const struct counts *counts, uint64_t id)
{
	const struct span_row *row = recording_span(counts->recording, id);
	return has(counts, TABLE_SERIES, row->series) && text(counts, row->name) &&
	       has(counts, TABLE_STACKS, row->stack) && has(counts, TABLE_THREADS, row->thread);
}

static bool good_note(const struct counts *counts, uint64_t id)
{
	const struct note_row *row = recording_note_row(counts->recording, id);
	return row->severity < N_SEVERITIES && text(counts, row->source) &&
	       text(counts, row->text) && text(counts, row->remedy);
}

static bool good_fact(const struct counts *counts, uint64_t id)
{
	const struct fact_row *row = recording_fact(counts->recording, id);
	return text(counts, row->key) && text(counts, row->value);
}

struct check {
	const char *what;
	bool (*is_good)(const struct counts *counts, uint64_t id);
};

static const struct check checks[N_TABLES] = {
	[TABLE_MODULES] = { "module", good_module },
	[TABLE_FUNCTIONS] = { "function", good_function },
	[TABLE_INLINES] = { "inlined call", good_inline },
	[TABLE_FRAMES] = { "frame", good_frame },
	[TABLE_LOCATIONS] = { "location", good_location },
	[TABLE_STACKS] = { "stack", good_stack },
	[TABLE_THREADS] = { "thread", good_thread },
	[TABLE_SERIES] = { "series", good_series },
	[TABLE_SAMPLES] = { "sample", good_sample },
	[TABLE_READINGS] = { "reading", good_reading },
	[TABLE_SPANS] = { "span", good_span },
	[TABLE_NOTES] = { "note", good_note },
	[TABLE_FACTS] = { "fact", good_fact },
};

bool recording_check(const struct recording *recording, const char *path, struct why *why)
{
	struct counts counts = { .recording = recording };
	for (int i = 0; i < N_TABLES; i++)
		counts.n[i] = recording->tables[i].n_rows;
	const char *strings = table_row(&recording->tables[TABLE_STRINGS], 0);
	/* The last byte ends whatever string is asked for. */
	if (strings[counts.n[TABLE_STRINGS] - 1] != '\0')
		return why_fail(why, "%s is damaged: its last string has no end.", path);
	for (int table = 0; table < N_TABLES; table++)
		for (uint64_t id = 0; checks[table].is_good && id < counts.n[table]; id++)
			if (!checks[table].is_good(&counts, id))
				return why_fail(
					why,
					"%s is damaged: %s %llu refers to something that is "
					"not there.",
					path, checks[table].what, (unsigned long long)id);
	return true;
}
