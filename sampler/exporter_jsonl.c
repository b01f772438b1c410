/*
 * Metrics as JSON Lines: the records of the CSV format, one object a line. Every object has every
 * key; what is not known is null, never 0.
 * Source: jsonlines.org.
 */
#include "sampler/export_metrics.h"
#include "sampler/exporter.h"
#include "sampler/json.h"
#include "sampler/recording.h"

struct output {
	const struct recording *recording;
	struct json json;
};

static bool write_record(void *opaque, const struct metric_record *record)
{
	struct output *output = opaque;
	struct json *json = &output->json;
	struct metric_column columns[N_METRIC_COLUMNS];
	export_metric_columns(output->recording, record, columns);
	json_open(json, '{');
	for (size_t i = 0; i < N_METRIC_COLUMNS; i++) {
		json_key(json, columns[i].name);
		if (!columns[i].text)
			json_number(json, columns[i].number);
		else if (columns[i].text[0])
			json_string(json, columns[i].text);
		else
			json_literal(json, "null");
	}
	json_close(json, '}');
	json_line(json, true);
	return !ferror(json->out);
}

static bool jsonl_write(const struct recording *recording, const struct export_options *options,
			FILE *out, struct why *why)
{
	struct output output = { .recording = recording, .json = { .out = out } };
	export_metrics_each(recording, options, write_record, &output);
	return exporter_finish(out, "metrics as JSON Lines", why);
}

const struct exporter exporter_jsonl = {
	.name = "jsonl",
	.suffix = ".jsonl",
	.summary = "metrics: the same records, one JSON object a line",
	.write = jsonl_write,
};
