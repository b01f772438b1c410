/* Counting sort by thread; within one, rows mostly are in order already, as slots of time are
 * written one after the other. */
#include "sampler/export_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"

bool export_is_in(const struct export_options *options, uint64_t time_ns)
{
	return time_ns >= options->from_ns && (!options->to_ns || time_ns < options->to_ns);
}

bool export_span_is_in(const struct export_options *options, const struct span_row *span)
{
	uint64_t end_ns = span->start_ns + span->duration_ns;
	bool is_before = end_ns >= span->start_ns && end_ns < options->from_ns;
	return !is_before && !span_is_open(span) &&
	       (!options->to_ns || span->start_ns < options->to_ns);
}

uint32_t export_series(const struct recording *recording, const struct export_options *options)
{
	if (options->series)
		return options->series;
	/* As a tree chooses: of those that have samples, the one that was asked for first. */
	uint64_t n = recording_moment(recording).n[TABLE_SAMPLES];
	uint32_t first = 0;
	for (uint64_t id = 1; id < n && first != 1; id++) {
		uint32_t series = recording_sample(recording, id)->series;
		first = !first || series < first ? series : first;
	}
	return first;
}

static bool is_wanted(const struct export_rows *rows, const struct export_options *options,
		      const struct sample_row *sample)
{
	return sample->series == rows->series && export_is_in(options, sample->time_ns);
}

static int earlier(const void *a, const void *b, void *opaque)
{
	const uint32_t *left = a, *right = b;
	uint64_t left_ns = recording_sample(opaque, *left)->time_ns;
	uint64_t right_ns = recording_sample(opaque, *right)->time_ns;
	if (left_ns != right_ns)
		return left_ns < right_ns ? -1 : 1;
	return *left < *right ? -1 : *left > *right;
}

static void sort_by_time(const struct recording *recording, uint32_t *samples, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (earlier(&samples[i - 1], &samples[i], (void *)recording) <= 0)
			continue;
		qsort_r(samples, n, sizeof *samples, earlier, (void *)recording);
		return;
	}
}

/* The threads that have rows, and where each one's rows go. */
static void place_threads(struct export_rows *rows, const struct export_thread *all, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		rows->n_threads += all[i].n > 0;
	rows->threads = allocate(rows->n_threads + 1, sizeof *rows->threads);
	rows->n_threads = 0;
	size_t at = 0;
	for (uint64_t i = 0; i < n; i++) {
		if (all[i].n == 0)
			continue;
		rows->threads[rows->n_threads] = all[i];
		rows->threads[rows->n_threads].thread = (uint32_t)i;
		rows->threads[rows->n_threads++].first = at;
		at += all[i].n;
	}
}

struct export_rows *export_rows_open(const struct recording *recording,
				     const struct export_options *options)
{
	struct export_rows *rows = allocate(1, sizeof *rows);
	struct moment moment = recording_moment(recording);
	rows->series = export_series(recording, options);
	struct export_thread *all = allocate(moment.n[TABLE_THREADS], sizeof *all);
	for (uint64_t id = 1; id < moment.n[TABLE_SAMPLES]; id++) {
		const struct sample_row *sample = recording_sample(recording, id);
		if (!is_wanted(rows, options, sample))
			continue;
		struct export_thread *thread = &all[sample->thread];
		thread->n++;
		thread->n_samples += sample->count;
		thread->weight += sample->weight;
		rows->n++;
	}
	place_threads(rows, all, moment.n[TABLE_THREADS]);
	for (size_t i = 0; i < rows->n_threads; i++)
		all[rows->threads[i].thread].first = rows->threads[i].first;
	rows->samples = allocate(rows->n + 1, sizeof *rows->samples);
	for (uint64_t id = 1; id < moment.n[TABLE_SAMPLES]; id++) {
		const struct sample_row *sample = recording_sample(recording, id);
		if (is_wanted(rows, options, sample))
			rows->samples[all[sample->thread].first++] = (uint32_t)id;
	}
	free(all);
	for (size_t i = 0; i < rows->n_threads; i++)
		sort_by_time(recording, rows->samples + rows->threads[i].first, rows->threads[i].n);
	return rows;
}

void export_rows_close(struct export_rows *rows)
{
	if (!rows)
		return;
	free(rows->samples);
	free(rows->threads);
	free(rows);
}

char *export_thread_name(const struct recording *recording, uint32_t thread, char *out,
			 size_t bytes)
{
	const struct thread_row *row = recording_thread(recording, thread);
	const char *name = recording_string_at(recording, row->name);
	if (row->pid == 0 && row->tid == 0)
		snprintf(out, bytes, "%s", name);
	else
		snprintf(out, bytes, "%s (%u/%u)", name, row->pid, row->tid);
	return out;
}

bool export_fact_is_shown(const char *key)
{
	return !strchr(key, ':');
}

const char *export_fact(const struct recording *recording, const char *key)
{
	struct moment moment = recording_moment(recording);
	for (uint64_t id = moment.n[TABLE_FACTS]; id-- > 1;) {
		const struct fact_row *fact = recording_fact(recording, id);
		if (strcmp(recording_string_at(recording, fact->key), key) == 0)
			return recording_string_at(recording, fact->value);
	}
	return NULL;
}

uint64_t export_relative_ns(const struct recording *recording, uint64_t time_ns)
{
	return time_ns > recording->start_ns ? time_ns - recording->start_ns : 0;
}
