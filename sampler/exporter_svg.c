/*
 * A flame graph as one still picture: boxes of the merged stacks, root at the bottom, each with a
 * title that browsers show under the pointer. No scripts, so it can be shown where pages may not
 * run any. What would be narrower than a tenth of a pixel is left out, and the caption says so.
 * Source: Gregg, "The Flame Graph", CACM 59(6), 2016.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/export_boxes.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/markup.h"
#include "sampler/recording.h"

enum {
	WIDTH = 1200,
	MARGIN = 10,
	ROW = 16,         /* height of a box */
	HEADER = 48,      /* title and caption */
	MOST_ROWS = 2000, /* 32,000 px; viewers give up not far above */
};
static const double LEAST_WIDTH = 0.1;
static const double GAP = 0.5; /* between neighbours that are wide enough to lose it */
/* Of a 12 px proportional face, on average; as flamegraph.pl assumes. */
static const double CHARACTER_WIDTH = 7.0;

struct output {
	const struct recording *recording;
	const struct export_boxes *boxes;
	FILE *out;
	double scale; /* pixels a unit of weight */
	double height;
	uint32_t n_rows;
};

static bool is_drawn(const struct output *output, uint32_t node)
{
	return (double)output->boxes->boxes[node].weight * output->scale >= LEAST_WIDTH &&
	       output->boxes->nodes[node].depth < output->n_rows;
}

static void measure(struct output *output)
{
	uint64_t whole = output->boxes->boxes[0].weight;
	output->scale = whole ? (double)(WIDTH - 2 * MARGIN) / (double)whole : 0;
	output->n_rows = MOST_ROWS;
	uint32_t deepest = 0;
	for (uint32_t i = 0; i < output->boxes->n; i++)
		if (is_drawn(output, i) && output->boxes->nodes[i].depth > deepest)
			deepest = output->boxes->nodes[i].depth;
	output->n_rows = deepest + 1;
	output->height = HEADER + MARGIN + (double)output->n_rows * ROW;
}

/* "main: 12.3 ms, 480 samples, 48.0 %" */
static void write_title(const struct output *output, uint32_t node, const char *name)
{
	const struct box *box = &output->boxes->boxes[node];
	char weight[TEXT_BYTES], count[TEXT_BYTES], share[TEXT_BYTES];
	text_value(weight, sizeof weight, (double)box->weight, output->boxes->unit);
	text_count(count, sizeof count, box->n_samples);
	text_ratio(share, sizeof share,
		   (double)box->weight / (double)output->boxes->boxes[0].weight);
	fputs("<title>", output->out);
	markup_text(output->out, name);
	fprintf(output->out, ": %s, %s samples, %s</title>", weight, count, share);
}

static void write_label(const struct output *output, const char *name, double x, double y,
			double width)
{
	int columns = (int)((width - 4) / CHARACTER_WIDTH);
	size_t bytes = strlen(name);
	bool is_cut = text_width(name) > columns;
	if (columns < 3)
		return;
	if (is_cut)
		bytes = text_fit(name, columns - 1, NULL);
	fprintf(output->out, "<text x=\"%.1f\" y=\"%.1f\">", x + 2, y + ROW - 4);
	markup_text_n(output->out, name, bytes);
	fputs(is_cut ? "\xe2\x80\xa6</text>" : "</text>", output->out);
}

static void write_box(const struct output *output, uint32_t node)
{
	const struct box *box = &output->boxes->boxes[node];
	const struct tree_node *row = &output->boxes->nodes[node];
	char label[128];
	const char *name = tree_node_name(output->boxes->tree, node, label, sizeof label);
	enum box_kind kind = node ? export_box_kind(output->recording, row) : BOX_THREAD;
	double x = MARGIN + (double)box->left * output->scale;
	double y = output->height - MARGIN - ((double)row->depth + 1) * ROW;
	double width = (double)box->weight * output->scale;
	fputs("<g>", output->out);
	write_title(output, node, name);
	fprintf(output->out,
		"<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>", x, y,
		width > 2 ? width - GAP : width, ROW - 1, export_box_colors[kind]);
	write_label(output, name, x, y, width);
	fputs("</g>\n", output->out);
}

static void write_head(const struct output *output)
{
	const char *command = export_fact(output->recording, "command_line");
	fprintf(output->out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" "
		"height=\"%.0f\" viewBox=\"0 0 %d %.0f\">\n"
		"<style>text{font:12px Verdana,\"DejaVu Sans\",sans-serif;fill:#000}"
		"rect:hover{stroke:#000;stroke-width:.5}.head{font-size:16px}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
		"<text class=\"head\" x=\"%d\" y=\"20\">",
		WIDTH, output->height, WIDTH, output->height, MARGIN);
	markup_text(output->out, command ? command : "stoke");
	fputs("</text>\n", output->out);
}

static void write_caption(const struct output *output, uint32_t n_left_out)
{
	const struct series_row *series =
		recording_series(output->recording, output->boxes->series);
	char count[TEXT_BYTES];
	fprintf(output->out, "<text x=\"%d\" y=\"38\">", MARGIN);
	if (output->boxes->boxes[0].n_samples == 0) {
		fputs("no samples</text>\n", output->out);
		return;
	}
	fprintf(output->out, "%s samples of ",
		text_count(count, sizeof count, output->boxes->boxes[0].n_samples));
	markup_text(output->out, recording_string_at(output->recording, series->name));
	fprintf(output->out, " (%s)", origin_name(series->origin));
	if (n_left_out)
		fprintf(output->out, "; %s boxes are too small to draw",
			text_count(count, sizeof count, n_left_out));
	fputs("</text>\n", output->out);
}

static bool svg_write(const struct recording *recording, const struct export_options *options,
		      FILE *out, struct why *why)
{
	struct export_boxes *boxes = export_boxes_open(recording, options);
	struct output output = { .recording = recording, .boxes = boxes, .out = out };
	uint32_t n_left_out = 0;
	measure(&output);
	for (uint32_t i = 0; i < boxes->n; i++)
		n_left_out += !is_drawn(&output, i);
	write_head(&output);
	write_caption(&output, n_left_out);
	for (uint32_t i = 0; i < boxes->n && !ferror(out); i++)
		if (is_drawn(&output, i))
			write_box(&output, i);
	fputs("</svg>\n", out);
	export_boxes_close(boxes);
	return exporter_finish(out, "a flame graph", why);
}

const struct exporter exporter_svg = {
	.name = "svg",
	.suffix = ".svg",
	.summary = "a flame graph as a picture, without scripts",
	.write = svg_write,
};
