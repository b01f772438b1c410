/* Neighbouring rows are often equal; 64 Ki at a time keep the list near its merged size. */
#include "sampler/export_sums.h"

#include <stdio.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/export_rows.h"
#include "sampler/export_streams.h"
#include "sampler/exporter.h"
#include "sampler/phases.h"
#include "sampler/recording.h"

enum { FIRST_SUMS = 1 << 16 };

bool *export_series_wanted(const struct recording *recording, const struct moment *moment)
{
	bool *wanted = allocate(moment->n[TABLE_SERIES], sizeof *wanted);
	for (uint64_t id = 1; id < moment->n[TABLE_SAMPLES]; id++)
		wanted[recording_sample(recording, id)->series] = true;
	for (uint64_t id = 1; id < moment->n[TABLE_SERIES]; id++)
		wanted[id] = wanted[id] || recording_series(recording, id)->flags & SERIES_SAMPLES;
	wanted[0] = false;
	return wanted;
}

static int compare(const void *a, const void *b)
{
	const struct export_sum *left = a, *right = b;
	if (left->stack != right->stack)
		return left->stack < right->stack ? -1 : 1;
	if (left->thread != right->thread)
		return left->thread < right->thread ? -1 : 1;
	if (left->phase != right->phase)
		return left->phase < right->phase ? -1 : 1;
	if (left->series != right->series)
		return left->series < right->series ? -1 : 1;
	return left->stream < right->stream ? -1 : left->stream > right->stream;
}

static void merge(struct export_sums *out)
{
	size_t n = 0;
	if (out->n == 0)
		return;
	qsort(out->sums, out->n, sizeof *out->sums, compare);
	for (size_t i = 1; i < out->n; i++) {
		if (compare(&out->sums[n], &out->sums[i]) != 0) {
			out->sums[++n] = out->sums[i];
			continue;
		}
		out->sums[n].count += out->sums[i].count;
		out->sums[n].weight += out->sums[i].weight;
	}
	out->n = n + 1;
}

struct adding {
	struct export_sums *out;
	size_t capacity;
	struct phases *phases;
	struct export_streams *streams;
};

static void add_sum(struct adding *adding, const struct export_sum *sum)
{
	struct export_sums *out = adding->out;
	if (out->n == adding->capacity) {
		merge(out);
		if (out->n * 2 > adding->capacity)
			adding->capacity *= 2;
		out->sums = reallocate(out->sums, adding->capacity, sizeof *out->sums);
	}
	out->sums[out->n++] = *sum;
}

static void add_row(struct adding *adding, const struct sample_row *row, bool has_streams)
{
	struct export_sum sum = { .stack = row->stack,
				  .thread = row->thread,
				  .phase = phases_at(adding->phases, row->thread, row->time_ns),
				  .series = row->series,
				  .count = row->count,
				  .weight = row->weight };
	const struct export_piece *pieces;
	size_t n = has_streams ? export_streams_of(adding->streams, row, &pieces, &sum.stream) : 0;
	if (n == 0)
		add_sum(adding, &sum);
	for (size_t i = 0; i < n; i++) {
		sum.stream = pieces[i].lane;
		sum.count = 1;
		sum.weight = pieces[i].duration_ns;
		add_sum(adding, &sum);
	}
}

struct export_sums *export_sums_open(const struct recording *recording, const struct moment *moment,
				     const struct export_options *options, const bool *wanted)
{
	struct adding adding = { .out = allocate(1, sizeof(struct export_sums)),
				 .capacity = FIRST_SUMS,
				 .phases = phases_open(recording),
				 .streams = export_streams_open(recording) };
	struct export_sums *out = adding.out;
	phases_update(adding.phases, moment);
	out->sums = allocate(adding.capacity, sizeof *out->sums);
	for (uint64_t id = 1; id < moment->n[TABLE_SAMPLES]; id++) {
		const struct sample_row *row = recording_sample(recording, id);
		if (!export_is_in(options, row->time_ns) || !wanted[row->series])
			continue;
		/* Samples of GPU time are of works, each a value of its own. */
		uint32_t flags = recording_series(recording, row->series)->flags;
		add_row(&adding, row, flags & SERIES_VALUES);
		out->last_ns = row->time_ns > out->last_ns ? row->time_ns : out->last_ns;
	}
	merge(out);
	phases_close(adding.phases);
	export_streams_close(adding.streams);
	return out;
}

char *export_stream_name(const struct recording *recording, uint32_t stream, char *out,
			 size_t bytes)
{
	const struct series_row *row = recording_series(recording, stream);
	snprintf(out, bytes, "%s %s", recording_string_at(recording, row->device),
		 recording_string_at(recording, row->name));
	return out;
}

void export_sums_close(struct export_sums *sums)
{
	if (!sums)
		return;
	free(sums->sums);
	free(sums);
}

/* A caller's id is below its callee's: one loop back finds all. */
void export_sums_mark(const struct export_sums *sums, const struct recording *recording,
		      const struct moment *moment, bool *stacks, bool *frames)
{
	for (size_t i = 0; i < sums->n; i++)
		stacks[sums->sums[i].stack] = true;
	for (uint64_t id = moment->n[TABLE_STACKS]; id-- > 1;) {
		if (!stacks[id])
			continue;
		const struct stack_row *row = recording_stack(recording, id);
		stacks[row->parent] = true;
		frames[row->frame] = true;
	}
}

size_t export_stack_depth(const struct recording *recording, const struct moment *moment)
{
	uint64_t n_stacks = moment->n[TABLE_STACKS];
	uint32_t *depths = allocate(n_stacks, sizeof *depths), deepest = 1;
	for (uint64_t id = 1; id < n_stacks; id++) {
		depths[id] = depths[recording_stack(recording, id)->parent] + 1;
		deepest = depths[id] > deepest ? depths[id] : deepest;
	}
	free(depths);
	return deepest;
}
