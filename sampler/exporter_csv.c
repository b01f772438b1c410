/*
 * Metrics as comma-separated values: a header, then one record a series, reading or span; lines end
 * in CR LF. What is not known is an empty field, never 0, and the fields `provenance` and `reason`
 * say why.
 * Source: RFC 4180.
 */
#include "sampler/csv_text.h"
#include "sampler/export_metrics.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"

struct output {
	const struct recording *recording;
	FILE *out;
	bool has_header;
};

static void write_header(struct output *output, const struct metric_column *columns)
{
	for (size_t i = 0; i < N_METRIC_COLUMNS; i++)
		fprintf(output->out, "%s%s", i ? "," : "", columns[i].name);
	fputs("\r\n", output->out);
	output->has_header = true;
}

static bool write_record(void *opaque, const struct metric_record *record)
{
	struct output *output = opaque;
	struct metric_column columns[N_METRIC_COLUMNS];
	export_metric_columns(output->recording, record, columns);
	if (!output->has_header)
		write_header(output, columns);
	for (size_t i = 0; i < N_METRIC_COLUMNS; i++) {
		if (i > 0)
			putc(',', output->out);
		if (columns[i].text)
			csv_write_text(output->out, columns[i].text);
		else
			csv_write_number(output->out, columns[i].number);
	}
	fputs("\r\n", output->out);
	return !ferror(output->out);
}

static bool csv_write(const struct recording *recording, const struct export_options *options,
		      FILE *out, struct why *why)
{
	struct output output = { .recording = recording, .out = out };
	export_metrics_each(recording, options, write_record, &output);
	if (!output.has_header) {
		struct metric_column columns[N_METRIC_COLUMNS];
		export_metric_columns(recording, &(struct metric_record){ 0 }, columns);
		write_header(&output, columns);
	}
	return exporter_finish(out, "metrics as CSV", why);
}

const struct exporter exporter_csv = {
	.name = "csv",
	.suffix = ".csv",
	.summary = "metrics: every series, reading and phase, with provenance and reason",
	.write = csv_write,
};
