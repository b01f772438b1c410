/*
 * Source lines as comma-separated values: for each line that samples ended in, one record for the
 * samples of the first event, for every event, and for every rate of events that were sampled
 * together, with its provenance. Lines are sorted
 * by module, function, file and number, so that two exports can be compared. A rate whose
 * denominator is zero is an empty field, and `reason` says so.
 * Source: RFC 4180.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/csv_text.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/rates.h"
#include "sampler/recording.h"

struct output {
	const struct recording *recording;
	FILE *out;
	struct rates rates;
	uint64_t *sums;   /* a frame has rates.n_sums, and the first one's number of samples */
	uint32_t *frames; /* that samples ended in */
	uint64_t n_frames, n_locations;
};

/* What a record is about. */
struct value {
	const char *metric, *unit;
	double number;
	enum origin origin;
	const char *reason;
};

static void take_samples(struct output *output, const struct export_options *options)
{
	const struct recording *recording = output->recording;
	uint64_t n = recording_moment(recording).n[TABLE_SAMPLES];
	size_t n_sums = output->rates.n_sums;
	for (uint64_t id = 1; id < n; id++) {
		const struct sample_row *row = recording_sample(recording, id);
		uint32_t frame = recording_stack(recording, row->stack)->frame;
		if (!export_is_in(options, row->time_ns) || frame >= output->n_locations)
			continue;
		uint64_t *sums = output->sums + frame * (n_sums + 1);
		for (size_t i = 0; i < n_sums; i++)
			if (output->rates.sums[i].series == row->series)
				sums[i] += row->weight;
		if (n_sums && output->rates.sums[0].series == row->series)
			sums[n_sums] += row->count;
	}
}

static void find_frames(struct output *output)
{
	size_t n_sums = output->rates.n_sums;
	output->frames = allocate(output->n_locations, sizeof *output->frames);
	for (uint32_t frame = 1; frame < output->n_locations; frame++) {
		bool is_hit = false;
		for (size_t i = 0; i < n_sums; i++)
			is_hit |= output->sums[frame * (n_sums + 1) + i] != 0;
		if (is_hit)
			output->frames[output->n_frames++] = frame;
	}
}

static const struct function_row *function_at(const struct recording *recording, uint32_t frame)
{
	return recording_function(recording, recording_location(recording, frame)->function);
}

static const char *path_of(const struct recording *recording, const struct function_row *function)
{
	return recording_string_at(recording, recording_module(recording, function->module)->path);
}

static int by_place(const void *a, const void *b, void *opaque)
{
	const struct recording *recording = opaque;
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
	const struct location_row *left = recording_location(recording, one);
	const struct location_row *right = recording_location(recording, other);
	const struct function_row *function = function_at(recording, one);
	const struct function_row *against = function_at(recording, other);
	int order = strcmp(path_of(recording, function), path_of(recording, against));
	if (order == 0)
		order = strcmp(recording_string_at(recording, function->name),
			       recording_string_at(recording, against->name));
	if (order == 0)
		order = strcmp(recording_string_at(recording, left->file),
			       recording_string_at(recording, right->file));
	if (order == 0 && left->line != right->line)
		order = left->line < right->line ? -1 : 1;
	return order;
}

static void write_record(const struct output *output, uint32_t frame, const struct value *value)
{
	const struct recording *recording = output->recording;
	const struct location_row *location = recording_location(recording, frame);
	const struct function_row *function = function_at(recording, frame);
	FILE *out = output->out;
	csv_write_text(out, path_of(recording, function));
	putc(',', out);
	csv_write_text(out, recording_string_at(recording, function->name));
	putc(',', out);
	csv_write_text(out, recording_string_at(recording, location->file));
	putc(',', out);
	csv_write_number(out, location->line ? location->line : NAN);
	putc(',', out);
	csv_write_text(out, value->metric);
	putc(',', out);
	csv_write_number(out, value->number);
	putc(',', out);
	csv_write_text(out, value->unit);
	fprintf(out, ",%s,", origin_name(value->origin));
	csv_write_text(out, value->reason);
	fputs("\r\n", out);
}

static const char *event_name(const struct output *output, uint32_t sum)
{
	uint32_t series = output->rates.sums[sum].series;
	return recording_string_at(output->recording,
				   recording_series(output->recording, series)->name);
}

static void write_events(const struct output *output, uint32_t frame, const uint64_t *sums)
{
	const struct series_row *first =
		recording_series(output->recording, output->rates.sums[0].series);
	struct value samples = { .metric = "samples",
				 .unit = "",
				 .number = (double)sums[output->rates.n_sums],
				 .origin = (enum origin)first->origin,
				 .reason = "" };
	write_record(output, frame, &samples);
	for (uint32_t i = 0; i < output->rates.n_sums; i++) {
		const struct series_row *series =
			recording_series(output->recording, output->rates.sums[i].series);
		struct value value = { .metric = event_name(output, i),
				       .unit = recording_string_at(output->recording, series->unit),
				       .number = (double)sums[i],
				       .origin = (enum origin)series->origin,
				       .reason = "" };
		write_record(output, frame, &value);
	}
}

static void write_rates(const struct output *output, uint32_t frame, const uint64_t *sums)
{
	for (size_t i = 0; i < output->rates.n; i++) {
		const struct rate *rate = &output->rates.rows[i];
		char name[RATE_NAME_BYTES + 16], reason[96] = "";
		struct value value = { .metric = name,
				       .unit = rate->unit,
				       .number = rates_value(rate, sums),
				       .origin = rate->origin,
				       .reason = reason };
		snprintf(name, sizeof name, "%s%s", rate->name,
			 strcmp(rate->unit, "/1000") == 0 ? " per 1000 instructions" : "");
		if (isnan(value.number)) {
			value.origin = ORIGIN_UNAVAILABLE;
			snprintf(reason, sizeof reason, "no %.60s were counted here",
				 event_name(output, rate->denominator));
		}
		write_record(output, frame, &value);
	}
}

/* Frames of one line are one after the other: their sums are the line's. */
static void write_lines(struct output *output)
{
	size_t n_sums = output->rates.n_sums;
	qsort_r(output->frames, output->n_frames, sizeof *output->frames, by_place,
		(void *)output->recording);
	for (uint64_t i = 0; i < output->n_frames && !ferror(output->out);) {
		uint64_t sums[TREE_MOST_SUMS + 1] = { 0 };
		uint32_t first = output->frames[i];
		for (; i < output->n_frames &&
		       by_place(&first, &output->frames[i], (void *)output->recording) == 0;
		     i++)
			for (size_t k = 0; k <= n_sums; k++)
				sums[k] += output->sums[output->frames[i] * (n_sums + 1) + k];
		write_events(output, first, sums);
		write_rates(output, first, sums);
	}
}

static bool lines_write(const struct recording *recording, const struct export_options *options,
			FILE *out, struct why *why)
{
	struct output output = { .recording = recording,
				 .out = out,
				 .n_locations = recording_moment(recording).n[TABLE_LOCATIONS] };
	rates_find(&output.rates, recording, export_series(recording, options));
	output.sums =
		allocate(output.n_locations * (output.rates.n_sums + 1) + 1, sizeof *output.sums);
	take_samples(&output, options);
	find_frames(&output);
	fputs("module,function,file,line,metric,value,unit,provenance,reason\r\n", out);
	write_lines(&output);
	free(output.sums);
	free(output.frames);
	return exporter_finish(out, "source lines as CSV", why);
}

const struct exporter exporter_lines = {
	.name = "lines",
	.suffix = ".lines.csv",
	.summary = "source lines as CSV: events and rates of each, with provenance",
	.write = lines_write,
};
