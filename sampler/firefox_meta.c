/* The head of the Firefox Profiler's file. See firefox_meta.h. */
#include "sampler/firefox_meta.h"

#include <stdlib.h>

#include "sampler/export_rows.h"
#include "sampler/json.h"
#include "sampler/recording.h"

enum { VERSION = 48 };

static void write_empty(struct json *json, const char *key)
{
	json_key(json, key);
	json_open(json, '[');
	json_close(json, ']');
}

static void write_categories(struct json *json)
{
	static const char *const categories[N_FIREFOX_CATEGORIES][2] = {
		[FIREFOX_OTHER] = { "Other", "grey" },
		[FIREFOX_USER] = { "User", "yellow" },
		[FIREFOX_KERNEL] = { "Kernel", "orange" },
		[FIREFOX_JIT] = { "JIT", "green" },
	};
	json_key(json, "categories");
	json_open(json, '[');
	for (int i = 0; i < N_FIREFOX_CATEGORIES; i++) {
		json_open(json, '{');
		json_string_at(json, "name", categories[i][0]);
		json_string_at(json, "color", categories[i][1]);
		json_key(json, "subcategories");
		json_open(json, '[');
		json_string(json, "Other");
		json_close(json, ']');
		json_close(json, '}');
	}
	json_close(json, ']');
}

/* How the page shows the markers we write. */
static void write_marker_schema(struct json *json)
{
	static const char *const places[] = { "marker-chart", "marker-table", "timeline-overview" };
	json_key(json, "markerSchema");
	json_open(json, '[');
	json_open(json, '{');
	json_string_at(json, "name", "Text");
	json_string_at(json, "tableLabel", "{marker.name}");
	json_string_at(json, "chartLabel", "{marker.name}");
	json_string_at(json, "tooltipLabel", "{marker.name}");
	json_key(json, "display");
	json_open(json, '[');
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		json_string(json, places[i]);
	json_close(json, ']');
	json_key(json, "data");
	json_open(json, '[');
	json_open(json, '{');
	json_string_at(json, "key", "name");
	json_string_at(json, "label", "Series");
	json_string_at(json, "format", "string");
	json_close(json, '}');
	json_close(json, ']');
	json_close(json, '}');
	json_close(json, ']');
}

void firefox_write_meta(const struct recording *recording, struct json *json)
{
	const char *command = export_fact(recording, "command_line");
	const char *kernel = export_fact(recording, "kernel");
	const char *rate = export_fact(recording, "sampling.frequency_hz");
	double hz = rate ? strtod(rate, NULL) : 0;
	json_key(json, "meta");
	json_open(json, '{');
	/* The page wants an interval; without one in the recording, a millisecond. */
	json_number_at(json, "interval", hz >= 1 ? 1e3 / hz : 1);
	json_number_at(json, "startTime", (double)recording->start_epoch_ns / 1e6);
	json_unsigned_at(json, "version", 24); /* of Gecko's format: not looked at */
	json_unsigned_at(json, "preprocessedProfileVersion", VERSION);
	json_unsigned_at(json, "processType", 0);
	json_unsigned_at(json, "stackwalk", 1);
	json_string_at(json, "product", command ? command : "stoke");
	json_string_at(json, "importedFrom", "stoke");
	if (kernel)
		json_string_at(json, "oscpu", kernel);
	json_key(json, "symbolicated");
	json_literal(json, "true");
	json_key(json, "debug");
	json_literal(json, "false");
	write_categories(json);
	write_marker_schema(json);
	json_key(json, "sampleUnits");
	json_open(json, '{');
	json_string_at(json, "time", "ms");
	json_string_at(json, "eventDelay", "ms");
	json_string_at(json, "threadCPUDelta", "ns");
	json_close(json, '}');
	json_key(json, "extensions");
	json_open(json, '{');
	json_unsigned_at(json, "length", 0);
	write_empty(json, "id");
	write_empty(json, "name");
	write_empty(json, "baseURL");
	json_close(json, '}');
	json_close(json, '}');
	json_line(json, false);
}
