/* Process 0 tells nothing at all; of the others the last thread tells none. See fixture_told.h. */
#include "tests/fixture_told.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tests/fixture_frames.h"

static const uint64_t SLOT_NS = 20000000; /* samples of two slots are never merged */

static uint32_t text(struct recording *recording, const char *words)
{
	return recording_add_string(recording, words);
}

static uint32_t series_of(struct recording *recording, const char *name, uint32_t flags)
{
	struct series_row row = { .name = text(recording, name),
				  .unit = text(recording, "ns"),
				  .origin = ORIGIN_SOFTWARE,
				  .flags = flags };
	return recording_add_series(recording, &row);
}

static uint32_t stack_of(struct recording *recording, uint32_t parent, const char *name)
{
	const struct fixture_frame frame = { .name = name, .module = "/bin/told" };
	return fixture_stack(recording, parent, &frame);
}

/* Of the last process, those that tell are much younger than the one that does not. */
static unsigned first_step(uint32_t row)
{
	bool is_young = row > TOLD_ROWS - TOLD_THREADS && row < TOLD_ROWS;
	return is_young ? 120 : 1;
}

void told_start(struct told *told, uint64_t seed, bool has_nobody)
{
	static const char *const names[TOLD_NAMES] = { "train", "epoch", "batch", "check" };
	struct recording *recording = recording_new();
	*told = (struct told){ .recording = recording,
			       .random = { seed },
			       .has_nobody = has_nobody };
	told->spans = allocate(TOLD_MOST_SPANS, sizeof *told->spans);
	told->time_ns = (recording->start_ns / SLOT_NS + 1) * SLOT_NS;
	told->series = series_of(recording, "cpu-clock", SERIES_SAMPLES);
	told->other_series = series_of(recording, "cycles", SERIES_SAMPLES);
	told->phases = series_of(recording, "phases", SERIES_SPANS);
	for (uint32_t i = 0; i < TOLD_ROWS; i++) {
		struct thread_row row = { .pid = 100 + i / TOLD_THREADS,
					  .tid = 100 + i,
					  .name = text(recording, "told"),
					  .process_name = text(recording, "told"),
					  .start_ns = told->time_ns + first_step(i + 1) * SLOT_NS };
		told->threads[i + 1] = recording_add_thread(recording, &row);
	}
	for (int i = 0; i < TOLD_FUNCTIONS; i++) {
		char name[16];
		snprintf(name, sizeof name, "f%d", i);
		told->stacks[i] = stack_of(recording, i ? told->stacks[i / 2] : 0, name);
	}
	for (int i = 0; i < TOLD_NAMES; i++)
		told->names[i] = text(recording, names[i]);
	recording_publish(recording);
}

static void add_span(struct told *told, struct told_span *span, bool is_open)
{
	struct span_row row = { .start_ns = span->from_ns,
				.duration_ns = is_open ? 0 : span->to_ns - span->from_ns,
				.flops = NAN,
				.bytes = NAN,
				.items = NAN,
				.series = told->phases,
				.name = span->name,
				.thread = told->threads[span->row],
				.launch_duration_ns = is_open ? (uint64_t)SPAN_OPEN_LAUNCH : 0 };
	span->told = recording_add_span(told->recording, &row);
}

/* A border often lies just where a sample does, or a nanosecond beside it. */
static uint64_t border(struct told *told)
{
	uint64_t within = random_bits(&told->random) % 4;
	uint64_t at = within == 3 ? random_bits(&told->random) % SLOT_NS : within;
	return told->time_ns + at - (within == 3 ? 0 : 1);
}

static void begin(struct told *told, uint32_t row, uint64_t at_ns)
{
	int *depth = &told->depth[row];
	if (*depth == TOLD_DEPTH)
		return;
	told->open[row][*depth] =
		(struct told_span){ .from_ns = at_ns,
				    .name = told->names[random_bits(&told->random) % TOLD_NAMES],
				    .row = row };
	told->is_told[row][(*depth)++] = false;
}

/* Mostly the innermost; now and then one round it: they overlap then. */
static void end(struct told *told, uint32_t row, uint64_t at_ns)
{
	int *depth = &told->depth[row];
	int which = *depth - 1;
	if (which > 0 && random_bits(&told->random) % 5 == 0)
		which--;
	if (which < 0 || told->n_spans == TOLD_MOST_SPANS)
		return;
	struct told_span span = told->open[row][which];
	span.to_ns = at_ns;
	span.at_step = told->step + (unsigned)(random_bits(&told->random) % 8);
	told->spans[told->n_spans++] = span;
	for (int i = which; i + 1 < *depth; i++) {
		told->open[row][i] = told->open[row][i + 1];
		told->is_told[row][i] = told->is_told[row][i + 1];
	}
	--*depth;
}

/* In no particular order. */
static void tell(struct told *told, unsigned step)
{
	for (uint32_t i = 0; i < told->n_spans; i++)
		if (told->spans[i].at_step && told->spans[i].at_step <= step) {
			add_span(told, &told->spans[i], false);
			told->spans[i].at_step = 0;
		}
}

void told_tell(struct told *told)
{
	tell(told, UINT_MAX);
	recording_publish(told->recording);
}

static bool tells(const struct told *told, uint32_t row)
{
	if (row == 0)
		return told->has_nobody;
	uint32_t i = row - 1;
	/* The second thread of a process begins late to tell any. */
	bool is_late =
		i % TOLD_THREADS == 1 && told->time_ns < told->recording->start_ns + 60 * SLOT_NS;
	return i >= TOLD_THREADS && i % TOLD_THREADS < TOLD_THREADS - 1 && !is_late &&
	       told->step >= first_step(row);
}

/* Both events are read together. */
static void add_samples(struct told *told, uint32_t row)
{
	struct sample_row sample = {
		.time_ns = told->time_ns,
		.stack = told->stacks[random_bits(&told->random) % TOLD_FUNCTIONS],
		.thread = told->threads[row],
		.count = 1,
	};
	for (int i = 0; i < 2; i++) {
		sample.weight = 1 + random_bits(&told->random) % 1000;
		sample.series = (uint16_t)(i ? told->other_series : told->series);
		recording_add_sample(told->recording, &sample);
	}
}

void told_step(struct told *told)
{
	struct recording *recording = told->recording;
	told->time_ns += SLOT_NS;
	told->step++;
	for (uint32_t row = 1; row <= TOLD_ROWS; row++)
		if (told->step >= first_step(row))
			add_samples(told, row);
	recording_flush_samples(recording, UINT64_MAX);
	for (uint32_t row = 0; row <= TOLD_ROWS; row++) {
		uint64_t what = tells(told, row) ? random_bits(&told->random) % 6 : 5, at;
		at = border(told);
		if (what < 2)
			begin(told, row, at);
		else if (what < 4)
			end(told, row, at);
		for (int i = 0; i < told->depth[row] && random_bits(&told->random) % 2; i++) {
			if (!told->is_told[row][i])
				add_span(told, &told->open[row][i], true);
			told->is_told[row][i] = true;
		}
	}
	tell(told, told->step);
	recording_publish(recording);
}

/* Began later; of two that began together, ends first; of two that are the same, was told first as
 * ended, or last as open. */
static bool is_inside(const struct told_span *a, const struct told_span *b)
{
	if (a->from_ns != b->from_ns)
		return a->from_ns > b->from_ns;
	if (a->to_ns != b->to_ns)
		return a->to_ns < b->to_ns;
	return a->to_ns == UINT64_MAX ? a->told > b->told : a->told < b->told;
}

/* level 0: of the thread, 1: of its process, 2: of nobody. */
static bool is_of(const struct told_span *span, uint32_t row, int level)
{
	if (level == 2 || !span->row)
		return level == 2 && !span->row;
	return level == 0 ? span->row == row
			  : (span->row - 1) / TOLD_THREADS == (row - 1) / TOLD_THREADS;
}

struct asked {
	uint32_t row;
	int level;
	uint64_t time_ns;
	bool has_any;
	struct told_span best;
	bool is_found;
};

static void look_at(struct asked *asked, const struct told_span *span)
{
	if (!is_of(span, asked->row, asked->level))
		return;
	asked->has_any = true;
	if (span->from_ns > asked->time_ns || span->to_ns <= asked->time_ns)
		return;
	if (!asked->is_found || is_inside(span, &asked->best))
		asked->best = *span;
	asked->is_found = true;
}

uint32_t told_phase(const struct told *told, uint32_t row, uint64_t time_ns)
{
	for (int level = 0; level < 3; level++) {
		struct asked asked = { .row = row, .level = level, .time_ns = time_ns };
		for (uint32_t i = 0; i < told->n_spans; i++)
			look_at(&asked, &told->spans[i]);
		for (uint32_t owner = 0; owner <= TOLD_ROWS; owner++)
			for (int i = 0; i < told->depth[owner]; i++) {
				struct told_span span = told->open[owner][i];
				span.to_ns = UINT64_MAX;
				if (told->is_told[owner][i])
					look_at(&asked, &span);
			}
		if (asked.is_found)
			return asked.best.name;
		if (asked.has_any && level == 0)
			level = 1; /* its process's are not its own */
	}
	return 0;
}

void told_end(struct told *told)
{
	free(told->spans);
	recording_free(told->recording);
}
