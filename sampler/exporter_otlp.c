/*
 * OpenTelemetry profiles: one ProfilesData message of opentelemetry-proto v1.11.0, package
 * opentelemetry.proto.profiles.v1development (in which status "alpha" means that a later version
 * may mean something else). Every series of samples is two profiles, its samples and its weight;
 * samples carry thread, process, phase, stream and provenance as attributes, mappings their
 * build-ids, and inline frames are lines of one location.
 *
 * Everything has its place in the dictionary before a byte is written; then the message is gone
 * through for its lengths and once more for its bytes.
 * Source: opentelemetry-proto, profiles.proto; OpenTelemetry semantic conventions, profiles.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/export_paths.h"
#include "sampler/export_rows.h"
#include "sampler/export_sums.h"
#include "sampler/exporter.h"
#include "sampler/otlp_tables.h"
#include "sampler/protobuf_write.h"
#include "sampler/recording.h"

/* Field numbers, by message. */
enum {
	DATA_RESOURCE = 1,
	DATA_DICTIONARY = 2,
	RESOURCE_RESOURCE = 1,
	RESOURCE_SCOPE = 2,
	ATTRIBUTES = 1,
	KEY_VALUE_KEY = 1,
	KEY_VALUE_VALUE = 2,
	ANY_TEXT = 1,
	SCOPE_SCOPE = 1,
	SCOPE_PROFILE = 2,
	SCOPE_NAME = 1,
	SCOPE_VERSION = 2,
	PROFILE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_TIME = 3,
	PROFILE_DURATION = 4,
	PROFILE_PERIOD_TYPE = 5,
	PROFILE_PERIOD = 6,
	TYPE_NAME = 1,
	TYPE_UNIT = 2,
	SAMPLE_STACK = 1,
	SAMPLE_ATTRIBUTES = 2,
	SAMPLE_VALUES = 4,
	DICTIONARY_MAPPING = 1,
	DICTIONARY_LOCATION = 2,
	DICTIONARY_FUNCTION = 3,
	DICTIONARY_LINK = 4,
	DICTIONARY_TEXT = 5,
	DICTIONARY_ATTRIBUTE = 6,
	DICTIONARY_STACK = 7,
	MAPPING_LIMIT = 2,
	MAPPING_FILE = 4,
	MAPPING_ATTRIBUTES = 5,
	LOCATION_MAPPING = 1,
	LOCATION_ADDRESS = 2,
	LOCATION_LINE = 3,
	LOCATION_ATTRIBUTES = 4,
	LINE_FUNCTION = 1,
	LINE_NUMBER = 2,
	FUNCTION_NAME = 1,
	FUNCTION_SYSTEM_NAME = 2,
	FUNCTION_FILE = 3,
	STACK_LOCATIONS = 1,
};

enum { MOST_ATTRIBUTES = 7 };

struct output {
	const struct recording *recording;
	const struct export_options *options;
	struct moment moment;
	struct otlp_tables tables;
	struct export_sums *sums;
	bool *wanted; /* series */
	/* Ids to places; 0 = not in the file. */
	uint32_t *mappings, *locations, *functions, *stacks;
	uint32_t *files;         /* function id -> strings: its source file */
	uint64_t *limits;        /* module id -> one more than the highest address */
	uint32_t *pending;       /* locations of one stack */
	uint32_t frame_types[2]; /* attributes: native, kernel */
	uint32_t origins[N_ORIGINS], unity_text, count_text, time_text, ns_text;
};

/* One row of a table on its way to the file. */
struct row {
	const struct output *output;
	uint32_t id;
	bool is_weight;
	const struct export_sum *sum;
};

/* ---- places */

static uint32_t build_id_of(struct output *output, uint32_t module)
{
	uint32_t build_id = recording_module(output->recording, module)->build_id;
	return build_id ? otlp_attribute_text(&output->tables, OTLP_BUILD_ID,
					      otlp_text(&output->tables, build_id))
			: 0;
}

static void place_frame(struct output *output, uint32_t id)
{
	const struct frame_row *frame = recording_frame(output->recording, id);
	struct export_frame frames[EXPORT_MOST_INLINED];
	size_t n = export_frames(output->recording, id, frames);
	uint64_t *limit = &output->limits[frame->module];
	output->locations[id] = 1;
	if (frame->module)
		output->mappings[frame->module] = 1;
	if (!(frame->flags & FRAME_NAMED) && *limit <= frame->address)
		*limit = frame->address < UINT64_MAX ? frame->address + 1 : UINT64_MAX;
	for (size_t i = output->options->no_inline ? n - 1 : 0; i < n; i++) {
		output->functions[frames[i].function] = 1;
		if (!output->files[frames[i].function])
			output->files[frames[i].function] = frames[i].file;
	}
}

/* Marks become places, in the order of ids. */
static void number(uint32_t *places, uint64_t n)
{
	uint32_t next = 1;
	places[0] = 0;
	for (uint64_t id = 1; id < n; id++)
		places[id] = places[id] ? next++ : 0;
}

static void place_texts(struct output *output)
{
	const struct recording *recording = output->recording;
	for (uint32_t id = 1; id < output->moment.n[TABLE_MODULES]; id++)
		if (output->mappings[id]) {
			otlp_text(&output->tables, recording_module(recording, id)->path);
			build_id_of(output, id);
		}
	for (uint32_t id = 1; id < output->moment.n[TABLE_FUNCTIONS]; id++)
		if (output->functions[id]) {
			const struct function_row *row = recording_function(recording, id);
			otlp_text(&output->tables, row->name);
			otlp_text(&output->tables, row->linkage_name);
			otlp_text(&output->tables, output->files[id]);
		}
}

/* The attributes of a sample: at most MOST_ATTRIBUTES. */
static size_t attributes_of(struct output *output, const struct export_sum *sum, uint32_t *out)
{
	const struct thread_row *thread = recording_thread(output->recording, sum->thread);
	struct otlp_tables *tables = &output->tables;
	size_t n = 0;
	if (thread->name)
		out[n++] = otlp_attribute_text(tables, OTLP_THREAD_NAME,
					       otlp_text(tables, thread->name));
	if (thread->tid)
		out[n++] = otlp_attribute_number(tables, OTLP_THREAD_ID, thread->tid);
	if (thread->pid)
		out[n++] = otlp_attribute_number(tables, OTLP_PROCESS_ID, thread->pid);
	if (sum->phase)
		out[n++] = otlp_attribute_text(tables, OTLP_PHASE, otlp_text(tables, sum->phase));
	const struct series_row *stream = recording_series(output->recording, sum->stream);
	if (sum->stream) {
		out[n++] = otlp_attribute_text(tables, OTLP_GPU, otlp_text(tables, stream->device));
		out[n++] = otlp_attribute_text(tables, OTLP_GPU_STREAM,
					       otlp_text(tables, stream->name));
	}
	unsigned origin = recording_series(output->recording, sum->series)->origin;
	out[n++] = otlp_attribute_text(tables, OTLP_PROVENANCE,
				       output->origins[origin < N_ORIGINS ? origin : 0]);
	return n;
}

static void place_constants(struct output *output)
{
	struct otlp_tables *tables = &output->tables;
	output->unity_text = otlp_constant(tables, "1"); /* as UCUM writes no unit */
	output->count_text = otlp_constant(tables, "count");
	output->time_text = otlp_constant(tables, "time");
	output->ns_text = otlp_constant(tables, "nanoseconds");
	for (int i = 0; i < N_ORIGINS; i++)
		output->origins[i] = otlp_constant(tables, origin_name((enum origin)i));
	output->frame_types[0] =
		otlp_attribute_text(tables, OTLP_FRAME_TYPE, otlp_constant(tables, "native"));
	output->frame_types[1] =
		otlp_attribute_text(tables, OTLP_FRAME_TYPE, otlp_constant(tables, "kernel"));
	for (uint32_t id = 1; id < output->moment.n[TABLE_SERIES]; id++)
		if (output->wanted[id]) {
			otlp_text(tables, recording_series(output->recording, id)->name);
			otlp_text(tables, recording_series(output->recording, id)->unit);
		}
}

static void place_all(struct output *output)
{
	const struct moment *moment = &output->moment;
	bool *stacks = allocate(moment->n[TABLE_STACKS], sizeof *stacks);
	bool *frames = allocate(moment->n[TABLE_FRAMES], sizeof *frames);
	uint32_t attributes[MOST_ATTRIBUTES];
	export_sums_mark(output->sums, output->recording, moment, stacks, frames);
	for (uint32_t id = 1; id < moment->n[TABLE_FRAMES]; id++)
		if (frames[id])
			place_frame(output, id);
	number(output->locations, moment->n[TABLE_FRAMES]);
	number(output->mappings, moment->n[TABLE_MODULES]);
	number(output->functions, moment->n[TABLE_FUNCTIONS]);
	place_constants(output);
	place_texts(output);
	for (size_t i = 0; i < output->sums->n; i++) { /* callers that are no sample's are not in */
		output->stacks[output->sums->sums[i].stack] = 1;
		attributes_of(output, &output->sums->sums[i], attributes);
	}
	number(output->stacks, moment->n[TABLE_STACKS]);
	free(stacks);
	free(frames);
}

/* ---- the dictionary; what is looked up has its place by now */

static void put_mapping(struct protobuf_writer *writer, const void *opaque)
{
	const struct row *row = opaque;
	struct output *output = (struct output *)row->output; /* looked up, not added to */
	uint32_t build_id = build_id_of(output, row->id);
	protobuf_put_number(writer, MAPPING_LIMIT, output->limits[row->id]);
	protobuf_put_number(
		writer, MAPPING_FILE,
		otlp_text(&output->tables, recording_module(output->recording, row->id)->path));
	protobuf_put_packed(writer, MAPPING_ATTRIBUTES, &build_id, build_id != 0);
}

static void put_line(struct protobuf_writer *writer, const void *opaque)
{
	const uint32_t *line = opaque;
	protobuf_put_number(writer, LINE_FUNCTION, line[0]);
	protobuf_put_number(writer, LINE_NUMBER, line[1]);
}

static void put_location(struct protobuf_writer *writer, const void *opaque)
{
	const struct row *row = opaque;
	const struct output *output = row->output;
	const struct frame_row *frame = recording_frame(output->recording, row->id);
	struct export_frame frames[EXPORT_MOST_INLINED];
	size_t n = export_frames(output->recording, row->id, frames);
	protobuf_put_number(writer, LOCATION_MAPPING, output->mappings[frame->module]);
	/* A frame known by name has no address, and a sentence is at none. */
	if (frame->module && !(frame->flags & FRAME_NAMED))
		protobuf_put_number(writer, LOCATION_ADDRESS, frame->address);
	for (size_t i = output->options->no_inline ? n - 1 : 0; i < n; i++) {
		const uint32_t line[2] = { output->functions[frames[i].function], frames[i].line };
		if (frames[i].function)
			protobuf_put_message(writer, LOCATION_LINE, put_line, line);
	}
	protobuf_put_packed(writer, LOCATION_ATTRIBUTES,
			    &output->frame_types[frame->flags & FRAME_KERNEL ? 1 : 0], 1);
}

static void put_function(struct protobuf_writer *writer, const void *opaque)
{
	const struct row *row = opaque;
	struct output *output = (struct output *)row->output;
	const struct function_row *function = recording_function(output->recording, row->id);
	protobuf_put_number(writer, FUNCTION_NAME, otlp_text(&output->tables, function->name));
	protobuf_put_number(writer, FUNCTION_SYSTEM_NAME,
			    otlp_text(&output->tables, function->linkage_name));
	protobuf_put_number(writer, FUNCTION_FILE,
			    otlp_text(&output->tables, output->files[row->id]));
}

/* Leaf first. */
static void put_stack(struct protobuf_writer *writer, const void *opaque)
{
	const struct row *row = opaque;
	const struct output *output = row->output;
	size_t n = 0;
	for (uint32_t id = row->id; id;) {
		const struct stack_row *stack = recording_stack(output->recording, id);
		output->pending[n++] = output->locations[stack->frame];
		id = stack->parent;
	}
	protobuf_put_packed(writer, STACK_LOCATIONS, output->pending, n);
}

static void put_table(struct protobuf_writer *writer, const struct output *output, uint32_t field,
		      const uint32_t *places, enum table_id table,
		      void (*put)(struct protobuf_writer *, const void *))
{
	protobuf_open(writer, field, 0); /* place 0 */
	for (uint32_t id = 1; id < output->moment.n[table]; id++)
		if (places[id])
			protobuf_put_message(writer, field, put,
					     &(struct row){ .output = output, .id = id });
}

static void put_dictionary(struct protobuf_writer *writer, const void *opaque)
{
	const struct output *output = opaque;
	put_table(writer, output, DICTIONARY_MAPPING, output->mappings, TABLE_MODULES, put_mapping);
	put_table(writer, output, DICTIONARY_LOCATION, output->locations, TABLE_FRAMES,
		  put_location);
	put_table(writer, output, DICTIONARY_FUNCTION, output->functions, TABLE_FUNCTIONS,
		  put_function);
	protobuf_open(writer, DICTIONARY_LINK, 0);
	otlp_put_texts(writer, DICTIONARY_TEXT, &output->tables);
	otlp_put_attributes(writer, DICTIONARY_ATTRIBUTE, &output->tables);
	put_table(writer, output, DICTIONARY_STACK, output->stacks, TABLE_STACKS, put_stack);
}

/* ---- the profiles */

static void put_type(struct protobuf_writer *writer, const void *opaque)
{
	const uint32_t *type = opaque;
	protobuf_put_number(writer, TYPE_NAME, type[0]);
	protobuf_put_number(writer, TYPE_UNIT, type[1]);
}

static void put_sample(struct protobuf_writer *writer, const void *opaque)
{
	const struct row *row = opaque;
	struct output *output = (struct output *)row->output;
	uint32_t attributes[MOST_ATTRIBUTES];
	size_t n = attributes_of(output, row->sum, attributes);
	uint64_t value = row->is_weight ? row->sum->weight : row->sum->count;
	struct protobuf_writer count = { 0 };
	protobuf_put_number(writer, SAMPLE_STACK, output->stacks[row->sum->stack]);
	protobuf_put_packed(writer, SAMPLE_ATTRIBUTES, attributes, n);
	/* The format's values are signed. */
	value = value < INT64_MAX ? value : INT64_MAX;
	protobuf_put_varint(&count, value);
	protobuf_open(writer, SAMPLE_VALUES, count.n_bytes);
	protobuf_put_varint(writer, value);
}

static void put_times(struct protobuf_writer *writer, const struct output *output)
{
	const struct recording *recording = output->recording;
	uint64_t from_ns = export_relative_ns(recording, output->options->from_ns);
	uint64_t last_ns = export_relative_ns(recording, output->sums->last_ns);
	const char *rate = export_fact(recording, "sampling.frequency_hz");
	double hz = rate ? strtod(rate, NULL) : 0;
	const uint32_t type[2] = { output->time_text, output->ns_text };
	protobuf_put_fixed64(writer, PROFILE_TIME, recording->start_epoch_ns + from_ns);
	protobuf_put_number(writer, PROFILE_DURATION, last_ns > from_ns ? last_ns - from_ns : 0);
	if (hz >= 1) {
		protobuf_put_message(writer, PROFILE_PERIOD_TYPE, put_type, type);
		protobuf_put_number(writer, PROFILE_PERIOD, (uint64_t)(1e9 / hz));
	}
}

static void put_profile(struct protobuf_writer *writer, const void *opaque)
{
	const struct row *row = opaque;
	struct output *output = (struct output *)row->output;
	const struct series_row *series = recording_series(output->recording, row->id);
	const char *unit = recording_string_at(output->recording, series->unit);
	uint32_t weight_unit = strcmp(unit, "ns") == 0 ? output->ns_text
			       : *unit                 ? otlp_text(&output->tables, series->unit)
						       : output->unity_text;
	const uint32_t type[2] = { otlp_text(&output->tables, series->name),
				   row->is_weight ? weight_unit : output->count_text };
	protobuf_put_message(writer, PROFILE_TYPE, put_type, type);
	for (size_t i = 0; i < output->sums->n && !(writer->out && ferror(writer->out)); i++) {
		const struct export_sum *sum = &output->sums->sums[i];
		if (sum->series == row->id)
			protobuf_put_message(writer, PROFILE_SAMPLE, put_sample,
					     &(struct row){ .output = output,
							    .is_weight = row->is_weight,
							    .sum = sum });
	}
	put_times(writer, output);
}

static void put_scope(struct protobuf_writer *writer, const void *opaque)
{
	const struct output *output = opaque;
	const char *version = export_fact(output->recording, "version");
	otlp_put_text(writer, SCOPE_NAME, "stoke");
	if (version)
		otlp_put_text(writer, SCOPE_VERSION, version);
}

/* Weights first: readers show the first profile by default. */
static void put_scope_profiles(struct protobuf_writer *writer, const void *opaque)
{
	const struct output *output = opaque;
	protobuf_put_message(writer, SCOPE_SCOPE, put_scope, output);
	uint32_t first = export_series(output->recording, output->options);
	for (int turn = 0; turn < 2; turn++)
		for (uint32_t id = 1; id < output->moment.n[TABLE_SERIES]; id++) {
			if (!output->wanted[id] || (id == first) != (turn == 0))
				continue;
			struct row row = { .output = output, .id = id, .is_weight = true };
			protobuf_put_message(writer, SCOPE_PROFILE, put_profile, &row);
			row.is_weight = false;
			protobuf_put_message(writer, SCOPE_PROFILE, put_profile, &row);
		}
}

/* ---- the resource: what ran, where */

static void put_any(struct protobuf_writer *writer, const void *opaque)
{
	otlp_put_text(writer, ANY_TEXT, opaque);
}

static void put_key_value(struct protobuf_writer *writer, const void *opaque)
{
	const char *const *pair = opaque;
	otlp_put_text(writer, KEY_VALUE_KEY, pair[0]);
	protobuf_put_message(writer, KEY_VALUE_VALUE, put_any, pair[1]);
}

static const char *service_of(const struct output *output)
{
	const struct export_sums *sums = output->sums;
	const char *workload = export_fact(output->recording, "workload");
	if (workload || sums->n == 0)
		return workload ? workload : "unknown_service";
	const struct thread_row *thread = recording_thread(output->recording, sums->sums[0].thread);
	const char *name = recording_string_at(output->recording, thread->process_name);
	return *name ? name : "unknown_service";
}

static void put_resource(struct protobuf_writer *writer, const void *opaque)
{
	static const char *const facts[][2] = { { "process.command_line", "command_line" },
						{ "host.name", "host" },
						{ "stoke.rank", "rank" } };
	const struct output *output = opaque;
	const char *service[2] = { "service.name", service_of(output) };
	protobuf_put_message(writer, ATTRIBUTES, put_key_value, service);
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		const char *pair[2] = { facts[i][0], export_fact(output->recording, facts[i][1]) };
		if (pair[1])
			protobuf_put_message(writer, ATTRIBUTES, put_key_value, pair);
	}
}

static void put_resource_profiles(struct protobuf_writer *writer, const void *opaque)
{
	protobuf_put_message(writer, RESOURCE_RESOURCE, put_resource, opaque);
	protobuf_put_message(writer, RESOURCE_SCOPE, put_scope_profiles, opaque);
}

static void open_output(struct output *output)
{
	const uint64_t *n = output->moment.n;
	otlp_tables_open(&output->tables, output->recording);
	output->wanted = export_series_wanted(output->recording, &output->moment);
	output->sums = export_sums_open(output->recording, &output->moment, output->options,
					output->wanted);
	output->mappings = allocate(n[TABLE_MODULES], sizeof *output->mappings);
	output->limits = allocate(n[TABLE_MODULES], sizeof *output->limits);
	output->locations = allocate(n[TABLE_FRAMES], sizeof *output->locations);
	output->functions = allocate(n[TABLE_FUNCTIONS], sizeof *output->functions);
	output->files = allocate(n[TABLE_FUNCTIONS], sizeof *output->files);
	output->stacks = allocate(n[TABLE_STACKS], sizeof *output->stacks);
	output->pending = allocate(export_stack_depth(output->recording, &output->moment),
				   sizeof *output->pending);
	place_all(output);
}

static void close_output(struct output *output)
{
	otlp_tables_close(&output->tables);
	export_sums_close(output->sums);
	free(output->wanted);
	free(output->mappings);
	free(output->limits);
	free(output->locations);
	free(output->functions);
	free(output->files);
	free(output->stacks);
	free(output->pending);
}

static bool otlp_write(const struct recording *recording, const struct export_options *options,
		       FILE *out, struct why *why)
{
	struct output output = { .recording = recording,
				 .options = options,
				 .moment = recording_moment(recording) };
	struct protobuf_writer writer = { .out = out };
	open_output(&output);
	protobuf_put_message(&writer, DATA_RESOURCE, put_resource_profiles, &output);
	protobuf_put_message(&writer, DATA_DICTIONARY, put_dictionary, &output);
	close_output(&output);
	return exporter_finish(out, "an OpenTelemetry profile", why);
}

const struct exporter exporter_otlp = {
	.name = "otlp",
	.suffix = ".otlp",
	.summary = "OpenTelemetry profiles (v1development of v1.11.0), protobuf",
	.write = otlp_write,
};
