/*
 * One page with a flame graph that zooms and searches, the functions, the notes and the facts; it
 * loads nothing, so it can be mailed or kept as a build's artefact. What a program calls itself
 * gets in as JSON with `<` escaped, and out of it as text only.
 */
#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/export_boxes.h"
#include "sampler/export_page.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/hash_map.h"
#include "sampler/json.h"
#include "sampler/markup.h"
#include "sampler/recording.h"

struct output {
	const struct recording *recording;
	const struct export_boxes *boxes;
	uint32_t *names; /* node -> index of its name */
	struct json json;
};

/* Functions of one name share it; threads may be labelled with their ids. */
static void write_names(struct output *output)
{
	struct hash_map known = { 0 };
	uint32_t n_names = 0;
	char label[128];
	json_key(&output->json, "names");
	json_open(&output->json, '[');
	for (uint32_t i = 0; i < output->boxes->n; i++) {
		const struct tree_node *node = &output->boxes->nodes[i];
		bool is_function = i > 0 && !(node->flags & TREE_THREAD);
		uint32_t *index =
			is_function ? hash_map_at(&known, (uint64_t)node->name + 1) : NULL;
		if (index && *index) {
			output->names[i] = *index - 1;
			continue;
		}
		json_string(&output->json,
			    tree_node_name(output->boxes->tree, i, label, sizeof label));
		output->names[i] = n_names++;
		if (index)
			*index = n_names;
	}
	json_close(&output->json, ']');
	json_line(&output->json, false);
	hash_map_free(&known);
}

static void write_nodes(struct output *output)
{
	struct json *json = &output->json;
	json_key(json, "nodes");
	json_open(json, '[');
	for (uint32_t i = 0; i < output->boxes->n && !ferror(json->out); i++) {
		const struct tree_node *node = &output->boxes->nodes[i];
		json_open(json, '[');
		json_unsigned(json, node->parent);
		json_unsigned(json, output->names[i]);
		json_unsigned(json, i ? export_box_kind(output->recording, node) : BOX_THREAD);
		json_unsigned(json, node->self);
		json_unsigned(json, node->n_self);
		json_close(json, ']');
	}
	json_close(json, ']');
	json_line(json, false);
}

/* [name, colour, whether it is something else than a function] */
static void write_kinds(struct json *json)
{
	json_key(json, "kinds");
	json_open(json, '[');
	for (int i = 0; i < N_BOX_KINDS; i++) {
		json_open(json, '[');
		json_string(json, export_box_names[i]);
		json_string(json, export_box_colors[i]);
		json_literal(json, i == BOX_THREAD ? "true" : "false");
		json_close(json, ']');
	}
	json_close(json, ']');
	json_line(json, false);
}

static void write_facts(struct output *output)
{
	struct json *json = &output->json;
	struct moment moment = recording_moment(output->recording);
	json_key(json, "facts");
	json_open(json, '[');
	for (uint64_t id = 1; id < moment.n[TABLE_FACTS]; id++) {
		const struct fact_row *fact = recording_fact(output->recording, id);
		const char *key = recording_string_at(output->recording, fact->key);
		if (!export_fact_is_shown(key))
			continue;
		json_open(json, '[');
		json_string(json, key);
		json_string(json, recording_string_at(output->recording, fact->value));
		json_close(json, ']');
	}
	json_close(json, ']');
	json_line(json, false);
}

static void write_notes(struct output *output)
{
	static const char *const severities[N_SEVERITIES] = { "note", "warning", "error" };
	struct json *json = &output->json;
	struct moment moment = recording_moment(output->recording);
	json_key(json, "notes");
	json_open(json, '[');
	for (uint64_t id = 1; id < moment.n[TABLE_NOTES]; id++) {
		const struct note_row *note = recording_note_row(output->recording, id);
		json_open(json, '[');
		json_string(json, severities[note->severity]);
		json_string(json, recording_string_at(output->recording, note->text));
		json_string(json, recording_string_at(output->recording, note->remedy));
		json_close(json, ']');
	}
	json_close(json, ']');
	json_line(json, false);
}

static void write_data(struct output *output, const char *title)
{
	struct json *json = &output->json;
	const struct series_row *series =
		recording_series(output->recording, output->boxes->series);
	json_open(json, '{');
	json_string_at(json, "title", title);
	json_string_at(json, "series", recording_string_at(output->recording, series->name));
	json_string_at(json, "unit", output->boxes->unit);
	json_string_at(json, "provenance", origin_name(series->origin));
	json_line(json, false);
	write_kinds(json);
	write_facts(output);
	write_notes(output);
	write_names(output);
	write_nodes(output);
	json_close(json, '}');
	json_line(json, true);
}

static bool html_write(const struct recording *recording, const struct export_options *options,
		       FILE *out, struct why *why)
{
	struct export_boxes *boxes = export_boxes_open(recording, options);
	struct output output = { .recording = recording,
				 .boxes = boxes,
				 .json = { .out = out, .is_in_html = true } };
	const char *command = export_fact(recording, "command_line");
	const char *title = command ? command : "stoke";
	output.names = allocate(boxes->n, sizeof *output.names);
	fputs(export_page_head, out);
	markup_text(out, title);
	fputs(export_page_body, out);
	write_data(&output, title);
	fputs(export_page_script, out);
	free(output.names);
	export_boxes_close(boxes);
	return exporter_finish(out, "a page", why);
}

const struct exporter exporter_html = {
	.name = "html",
	.suffix = ".html",
	.summary = "one page: a flame graph to zoom and search, functions, notes; no network",
	.write = html_write,
};
