/* Two formats write the same columns; this is where they are decided. */
#include "sampler/export_metrics.h"

#include <math.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"
#include "sampler/trust.h"

struct walk {
	const struct recording *recording;
	const struct export_options *options;
	bool (*take)(void *opaque, const struct metric_record *record);
	void *opaque;
	struct moment moment;
};

struct sum {
	uint64_t weight, count, n_samples;
};

static double seconds(double ns)
{
	return ns / 1e9;
}

static double time_s(const struct walk *walk, uint64_t time_ns)
{
	/* What began before the recording did has a negative time. */
	if (time_ns < walk->recording->start_ns)
		return -seconds((double)(walk->recording->start_ns - time_ns));
	return seconds((double)(time_ns - walk->recording->start_ns));
}

static struct metric_record start(const struct walk *walk, enum metric_kind kind, uint32_t id)
{
	const struct recording *recording = walk->recording;
	const struct series_row *series = recording_series(recording, id);
	return (struct metric_record){
		.kind = kind,
		.time_s = NAN,
		.duration_s = NAN,
		.value = NAN,
		.running_ratio = NAN,
		.count = NAN,
		.flops = NAN,
		.bytes = NAN,
		.items = NAN,
		.series = recording_string_at(recording, series->name),
		.unit = recording_string_at(recording, series->unit),
		.name = "",
		.provenance = origin_name(series->origin),
		.source = recording_string_at(recording, series->source),
		.device = recording_string_at(recording, series->device),
		.reason = recording_string_at(recording, series->reason),
		.remedy = recording_string_at(recording, series->remedy),
		.trust = "",
	};
}

/* What each series holds within the window. */
static struct sum *add_up(const struct walk *walk)
{
	const struct recording *recording = walk->recording;
	struct sum *sums = allocate(walk->moment.n[TABLE_SERIES], sizeof *sums);
	for (uint64_t id = 1; id < walk->moment.n[TABLE_SAMPLES]; id++) {
		const struct sample_row *row = recording_sample(recording, id);
		if (!export_is_in(walk->options, row->time_ns))
			continue;
		sums[row->series].weight += row->weight;
		sums[row->series].count += row->count;
		sums[row->series].n_samples += row->count;
	}
	for (uint64_t id = 1; id < walk->moment.n[TABLE_READINGS]; id++) {
		const struct reading_row *row = recording_reading(recording, id);
		sums[row->series].count += export_is_in(walk->options, row->time_ns);
	}
	for (uint64_t id = 1; id < walk->moment.n[TABLE_SPANS]; id++) {
		const struct span_row *row = recording_span(recording, id);
		sums[row->series].count += export_span_is_in(walk->options, row);
	}
	return sums;
}

static bool take_series(const struct walk *walk)
{
	struct sum *sums = add_up(walk);
	bool is_wanted = true;
	for (uint64_t id = 1; id < walk->moment.n[TABLE_SERIES] && is_wanted; id++) {
		const struct series_row *series = recording_series(walk->recording, id);
		struct metric_record record = start(walk, METRIC_SERIES, (uint32_t)id);
		bool is_sampled = series->flags & SERIES_SAMPLES || sums[id].n_samples > 0;
		if (is_sampled && series->origin != ORIGIN_UNAVAILABLE)
			record.value = (double)sums[id].weight;
		record.count = (double)sums[id].count;
		record.trust = trust_of(walk->recording, record.series);
		is_wanted = walk->take(walk->opaque, &record);
	}
	free(sums);
	return is_wanted;
}

static bool take_readings(const struct walk *walk)
{
	for (uint64_t id = 1; id < walk->moment.n[TABLE_READINGS]; id++) {
		const struct reading_row *row = recording_reading(walk->recording, id);
		if (!export_is_in(walk->options, row->time_ns))
			continue;
		struct metric_record record = start(walk, METRIC_READING, row->series);
		record.time_s = time_s(walk, row->time_ns);
		record.provenance = origin_name(row->origin);
		if (row->origin != ORIGIN_UNAVAILABLE && isfinite(row->value)) {
			record.value = row->value;
			record.running_ratio = row->running_ratio;
		}
		record.thread = row->thread;
		if (!walk->take(walk->opaque, &record))
			return false;
	}
	return true;
}

static bool take_spans(const struct walk *walk)
{
	for (uint64_t id = 1; id < walk->moment.n[TABLE_SPANS]; id++) {
		const struct span_row *row = recording_span(walk->recording, id);
		if (!export_span_is_in(walk->options, row))
			continue;
		struct metric_record record = start(walk, METRIC_SPAN, row->series);
		record.time_s = time_s(walk, row->start_ns);
		record.duration_s = seconds((double)row->duration_ns);
		record.flops = row->flops;
		record.bytes = row->bytes;
		record.items = row->items;
		record.name = recording_string_at(walk->recording, row->name);
		record.thread = row->thread;
		if (!walk->take(walk->opaque, &record))
			return false;
	}
	return true;
}

void export_metrics_each(const struct recording *recording, const struct export_options *options,
			 bool (*take)(void *opaque, const struct metric_record *record),
			 void *opaque)
{
	const struct walk walk = { .recording = recording,
				   .options = options,
				   .take = take,
				   .opaque = opaque,
				   .moment = recording_moment(recording) };
	if (take_series(&walk) && take_readings(&walk))
		take_spans(&walk);
}

void export_metric_columns(const struct recording *recording, const struct metric_record *record,
			   struct metric_column *out)
{
	static const char *const kinds[] = { "series", "reading", "span" };
	const struct thread_row *thread = recording_thread(recording, record->thread);
	const struct metric_column columns[N_METRIC_COLUMNS] = {
		{ "kind", kinds[record->kind], 0 },
		{ "time_s", NULL, record->time_s },
		{ "duration_s", NULL, record->duration_s },
		{ "series", record->series, 0 },
		{ "name", record->name, 0 },
		{ "value", NULL, record->value },
		{ "unit", record->unit, 0 },
		{ "provenance", record->provenance, 0 },
		{ "reason", record->reason, 0 },
		{ "remedy", record->remedy, 0 },
		{ "running_ratio", NULL, record->running_ratio },
		{ "count", NULL, record->count },
		{ "flops", NULL, record->flops },
		{ "bytes", NULL, record->bytes },
		{ "items", NULL, record->items },
		{ "pid", NULL, record->thread ? thread->pid : NAN },
		{ "tid", NULL, record->thread ? thread->tid : NAN },
		{ "thread", record->thread ? recording_string_at(recording, thread->name) : "", 0 },
		{ "source", record->source, 0 },
		{ "device", record->device, 0 },
		{ "trust", record->trust, 0 },
	};
	for (size_t i = 0; i < N_METRIC_COLUMNS; i++)
		out[i] = columns[i];
}
