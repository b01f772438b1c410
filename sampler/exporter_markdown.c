/*
 * A summary for a pull request: what ran, where its time went, what was measured and what could
 * not be, as GitHub's Markdown.
 * Source: GitHub Flavored Markdown, 4.10 Tables.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/markdown_text.h"
#include "sampler/recording.h"
#include "sampler/tree.h"

enum {
	MOST_FUNCTIONS = 20, /* what a reviewer reads */
};

struct output {
	const struct recording *recording;
	const struct export_options *options;
	FILE *out;
	struct moment moment;
};

static void write_fact(const struct output *output, const char *label, const char *key)
{
	const char *value = export_fact(output->recording, key);
	fprintf(output->out, "| %s | ", label);
	markdown_code(output->out, value ? value : "");
	fputs(" |\n", output->out);
}

static void write_run(const struct output *output, const struct tree *tree)
{
	const struct series_row *series = recording_series(output->recording, tree_series(tree));
	char count[TEXT_BYTES];
	fputs("## Profile\n\n| | |\n|---|---|\n", output->out);
	write_fact(output, "command", "command_line");
	write_fact(output, "exit status", "exit_status");
	write_fact(output, "started", "started");
	write_fact(output, "host", "host");
	write_fact(output, "CPU", "cpu");
	write_fact(output, "kernel", "kernel");
	fprintf(output->out, "| samples | %s",
		text_count(count, sizeof count, tree_n_samples(tree)));
	if (tree_n_samples(tree)) {
		fputs(" of ", output->out);
		markdown_code(output->out, recording_string_at(output->recording, series->name));
		fprintf(output->out, " (%s %s)", origin_glyph(series->origin),
			origin_name(series->origin));
	}
	fputs(" |\n", output->out);
	write_fact(output, "lost", "sampling.lost");
	write_fact(output, "truncated", "sampling.truncated");
}

static void write_function(const struct output *output, const struct tree_function *function,
			   double whole)
{
	const struct module_row *module = recording_module(output->recording, function->module);
	const char *path = recording_string_at(output->recording, module->path);
	char exclusive[TEXT_BYTES], inclusive[TEXT_BYTES];
	fprintf(output->out, "| %s | %s | ",
		text_ratio(exclusive, sizeof exclusive, (double)function->exclusive / whole),
		text_ratio(inclusive, sizeof inclusive, (double)function->inclusive / whole));
	markdown_code(output->out, recording_string_at(output->recording, function->name));
	fputs(" | ", output->out);
	markdown_code(output->out, text_base_name(path));
	fputs(" |\n", output->out);
}

static void write_functions(const struct output *output, const struct tree *tree)
{
	uint32_t n_nodes;
	double whole = (double)tree_nodes(tree, &n_nodes)[0].total;
	struct tree_function *functions = allocate(MOST_FUNCTIONS, sizeof *functions);
	size_t n = tree_functions(tree, functions, MOST_FUNCTIONS);
	fputs("\n### Where the time goes\n\n", output->out);
	if (n == 0)
		fputs("No samples: nothing ran long enough on a CPU while it was recorded.\n",
		      output->out);
	else
		fputs("| self | with all below | function | module |\n|--:|--:|---|---|\n",
		      output->out);
	for (size_t i = 0; i < n; i++)
		write_function(output, &functions[i], whole);
	free(functions);
}

/* The last reading of each series in the window: 0 = none. */
static uint64_t *last_readings(const struct output *output)
{
	uint64_t *last = allocate(output->moment.n[TABLE_SERIES], sizeof *last);
	for (uint64_t id = 1; id < output->moment.n[TABLE_READINGS]; id++) {
		const struct reading_row *row = recording_reading(output->recording, id);
		if (export_is_in(output->options, row->time_ns))
			last[row->series] = id;
	}
	return last;
}

static void write_metric(const struct output *output, const struct series_row *series,
			 uint64_t reading)
{
	const struct recording *recording = output->recording;
	char value[TEXT_BYTES];
	double last = NAN;
	uint32_t origin = series->origin;
	if (reading) {
		const struct reading_row *row = recording_reading(recording, reading);
		origin = row->origin;
		last = origin != ORIGIN_UNAVAILABLE && isfinite(row->value) ? row->value : NAN;
	}
	fputs("| ", output->out);
	markdown_code(output->out, recording_string_at(recording, series->name));
	fprintf(output->out, " | ");
	markdown_plain(
		output->out,
		text_value(value, sizeof value, last, recording_string_at(recording, series->unit)),
		strlen(value));
	fprintf(output->out, " | %s %s | ", origin_glyph(origin), origin_name(origin));
	markdown_sentence(output->out, recording_string_at(recording, series->reason));
	fputs(" |\n", output->out);
}

static void write_metrics(const struct output *output)
{
	uint64_t *last = last_readings(output);
	bool has_header = false;
	for (uint64_t id = 1; id < output->moment.n[TABLE_SERIES]; id++) {
		const struct series_row *series = recording_series(output->recording, id);
		if (!last[id] && series->origin != ORIGIN_UNAVAILABLE)
			continue;
		if (!has_header)
			fputs("\n### Metrics, at the end\n\n| metric | value | provenance | why "
			      "not better |\n|---|--:|---|---|\n",
			      output->out);
		has_header = true;
		write_metric(output, series, last[id]);
	}
	free(last);
}

static void write_notes(const struct output *output)
{
	static const char *const severities[N_SEVERITIES] = { "Note", "Warning", "Error" };
	if (output->moment.n[TABLE_NOTES] > 1)
		fputs("\n### Notes\n\n", output->out);
	for (uint64_t id = 1; id < output->moment.n[TABLE_NOTES]; id++) {
		const struct note_row *note = recording_note_row(output->recording, id);
		fprintf(output->out, "- **%s:** ", severities[note->severity]);
		markdown_sentence(output->out, recording_string_at(output->recording, note->text));
		putc(' ', output->out);
		markdown_sentence(output->out,
				  recording_string_at(output->recording, note->remedy));
		putc('\n', output->out);
	}
}

static bool markdown_write(const struct recording *recording, const struct export_options *options,
			   FILE *out, struct why *why)
{
	const struct tree_options wanted = { .no_inline = options->no_inline,
					     .series = options->series,
					     .from_ns = options->from_ns,
					     .to_ns = options->to_ns };
	const struct output output = { .recording = recording,
				       .options = options,
				       .out = out,
				       .moment = recording_moment(recording) };
	struct tree *tree = tree_open(recording, &wanted);
	tree_update(tree);
	write_run(&output, tree);
	write_functions(&output, tree);
	write_metrics(&output);
	write_notes(&output);
	tree_close(tree);
	return exporter_finish(out, "a summary", why);
}

const struct exporter exporter_markdown = {
	.name = "markdown",
	.suffix = ".md",
	.summary = "a summary for a pull request: functions, metrics, notes",
	.write = markdown_write,
};
