/*
 * pprof's protobuf, gzipped: every series of samples is a sample type (its samples and its weight),
 * samples carry thread, pid, tid, phase, stream and provenance as labels, mappings their build-ids,
 * and inline frames are lines of one location.
 *
 * Written with protobuf-c, piece by piece: two protobuf messages one after the other are one
 * message with both's repeated fields, so each string, location and sample is packed as a profile
 * of its own and goes straight to the compressor. What is held in memory is one sum a distinct
 * (stack, thread, phase, series).
 *
 * Source: google/pprof, proto/profile.proto and doc/README.md; protobuf encoding, "Last One Wins".
 */
#include "sampler/base/why.h"
#include "sampler/exporter.h"

#if HAVE_PROTOBUFC
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/export_paths.h"
#include "sampler/export_rows.h"
#include "sampler/export_sums.h"
#include "sampler/hash_map.h"
#include "sampler/pprof_stream.h"
#include "sampler/recording.h"

/* Labels' keys; a sample has each once at most. */
enum { WORD_THREAD, WORD_PID, WORD_TID, WORD_PHASE, WORD_STREAM, WORD_PROVENANCE, N_WORDS };
enum { MOST_LABELS = N_WORDS };

struct output {
	const struct recording *recording;
	const struct export_options *options;
	struct pprof_stream *stream;
	struct moment moment;
	struct hash_map strings; /* strings id + 1 -> index + 1 */
	int64_t n_strings;
	int64_t words[N_WORDS], origins[N_ORIGINS]; /* their strings */
	int64_t *streams;                           /* series id -> the string of its name */
	struct export_sums *sums;
	uint32_t *columns; /* series id -> its first value + 1 */
	uint32_t n_columns;
	bool *is_used;       /* frames */
	uint32_t *functions; /* function id -> 1 + strings id of its file; 0 = not used */
};

static int64_t put_string(struct output *output, const char *text)
{
	/* Parsers refuse strings that are not UTF-8, terminals run what is an escape. */
	size_t bytes = strlen(text) + 1;
	char *clean = allocate(bytes, 1);
	Pprof__Profile profile = PPROF__PROFILE__INIT;
	text_clean(clean, bytes, text);
	profile.string_table = &clean;
	profile.n_string_table = 1;
	pprof_stream_put(output->stream, &profile);
	free(clean);
	return output->n_strings++;
}

static int64_t index_of(struct output *output, uint32_t string)
{
	uint32_t *index = hash_map_at(&output->strings, (uint64_t)string + 1);
	if (!*index)
		*index = (uint32_t)put_string(output,
					      recording_string_at(output->recording, string)) +
			 1;
	return *index - 1;
}

static int64_t unit_of(struct output *output, const struct series_row *series)
{
	static const char *const units[][2] = {
		{ "ns", "nanoseconds" }, { "us", "microseconds" }, { "ms", "milliseconds" },
		{ "s", "seconds" },      { "B", "bytes" },         { "", "count" },
	};
	const char *unit = recording_string_at(output->recording, series->unit);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(unit, units[i][0]) == 0)
			return put_string(output, units[i][1]);
	return index_of(output, series->unit);
}

static void put_type(struct output *output, int64_t type, int64_t unit)
{
	Pprof__ValueType value = PPROF__VALUE_TYPE__INIT, *list = &value;
	Pprof__Profile profile = PPROF__PROFILE__INIT;
	value.type = type;
	value.unit = unit;
	profile.sample_type = &list;
	profile.n_sample_type = 1;
	pprof_stream_put(output->stream, &profile);
}

/* "samples" is the first series' number of samples, as everywhere; others have their name first. */
static void put_series(struct output *output, uint32_t id)
{
	const struct series_row *series = recording_series(output->recording, id);
	const char *name = recording_string_at(output->recording, series->name);
	char label[256];
	snprintf(label, sizeof label, "%.200s.samples", name);
	put_type(output, put_string(output, output->n_columns ? label : "samples"),
		 put_string(output, "count"));
	output->columns[id] = output->n_columns + 1;
	output->n_columns += 2;
	put_type(output, index_of(output, series->name), unit_of(output, series));
}

/* The types, then the sums of what has one. */
static void put_types(struct output *output)
{
	bool *wanted = export_series_wanted(output->recording, &output->moment);
	for (uint32_t id = 1; id < output->moment.n[TABLE_SERIES]; id++)
		if (wanted[id])
			put_series(output, id);
	if (output->n_columns == 0) /* a profile without any is not one */
		put_type(output, put_string(output, "samples"), put_string(output, "count"));
	output->sums =
		export_sums_open(output->recording, &output->moment, output->options, wanted);
	free(wanted);
}

static void mark_frames(struct output *output)
{
	bool *stacks = allocate(output->moment.n[TABLE_STACKS], sizeof *stacks);
	export_sums_mark(output->sums, output->recording, &output->moment, stacks, output->is_used);
	free(stacks);
}

static void put_mapping(struct output *output, uint32_t id, uint64_t limit)
{
	const struct module_row *module = recording_module(output->recording, id);
	Pprof__Mapping mapping = PPROF__MAPPING__INIT, *list = &mapping;
	Pprof__Profile profile = PPROF__PROFILE__INIT;
	mapping.id = id;
	mapping.memory_limit = limit;
	mapping.filename = index_of(output, module->path);
	mapping.build_id = index_of(output, module->build_id);
	/* Nobody need look for symbols again. */
	mapping.has_functions = mapping.has_filenames = true;
	mapping.has_line_numbers = mapping.has_inline_frames = true;
	profile.mapping = &list;
	profile.n_mapping = 1;
	pprof_stream_put(output->stream, &profile);
}

/* Readers take the first mapping for the program itself: the file that the process has its name
 * from (which the kernel cuts); 0 = none is. */
static uint32_t main_module(const struct output *output)
{
	const struct recording *recording = output->recording;
	if (output->sums->n == 0)
		return 0;
	const struct thread_row *thread = recording_thread(recording, output->sums->sums[0].thread);
	const char *name = recording_string_at(recording, thread->process_name);
	for (uint32_t id = 1; id < output->moment.n[TABLE_MODULES]; id++) {
		const char *path =
			recording_string_at(recording, recording_module(recording, id)->path);
		const char *slash = strrchr(path, '/');
		if (slash && *name && strncmp(slash + 1, name, strlen(name)) == 0)
			return id;
	}
	return 0;
}

/* Addresses are the module's own, so each mapping begins at 0. */
static void put_mappings(struct output *output)
{
	uint64_t n_modules = output->moment.n[TABLE_MODULES];
	uint64_t *limits = allocate(n_modules, sizeof *limits);
	for (uint64_t id = 1; id < output->moment.n[TABLE_FRAMES]; id++) {
		const struct frame_row *frame = recording_frame(output->recording, id);
		if (output->is_used[id] && limits[frame->module] <= frame->address)
			limits[frame->module] =
				frame->address < UINT64_MAX ? frame->address + 1 : UINT64_MAX;
	}
	uint32_t program = main_module(output);
	if (program && limits[program])
		put_mapping(output, program, limits[program]);
	for (uint32_t id = 1; id < n_modules; id++)
		if (limits[id] && id != program)
			put_mapping(output, id, limits[id]);
	free(limits);
}

static void put_location(struct output *output, uint32_t id)
{
	const struct frame_row *frame = recording_frame(output->recording, id);
	struct export_frame frames[EXPORT_MOST_INLINED];
	Pprof__Line lines[EXPORT_MOST_INLINED], *list[EXPORT_MOST_INLINED];
	Pprof__Location location = PPROF__LOCATION__INIT, *locations = &location;
	Pprof__Profile profile = PPROF__PROFILE__INIT;
	size_t n = export_frames(output->recording, id, frames);
	location.id = id;
	location.mapping_id = frame->module;
	/* A frame known by name has no address. */
	bool has_address = frame->module && !(frame->flags & FRAME_NAMED);
	location.address = has_address ? frame->address : 0;
	location.line = list;
	for (size_t i = output->options->no_inline ? n - 1 : 0; i < n; i++) {
		if (!frames[i].function)
			continue;
		Pprof__Line line = PPROF__LINE__INIT;
		line.function_id = frames[i].function;
		line.line = frames[i].line;
		lines[location.n_line] = line;
		list[location.n_line] = &lines[location.n_line];
		location.n_line++;
		uint32_t *file = &output->functions[frames[i].function];
		if (*file <= 1)
			*file = frames[i].file + 1;
	}
	profile.location = &locations;
	profile.n_location = 1;
	pprof_stream_put(output->stream, &profile);
}

static void put_function(struct output *output, uint32_t id)
{
	const struct function_row *row = recording_function(output->recording, id);
	Pprof__Function function = PPROF__FUNCTION__INIT, *list = &function;
	Pprof__Profile profile = PPROF__PROFILE__INIT;
	function.id = id;
	function.name = index_of(output, row->name);
	function.system_name = index_of(output, row->linkage_name);
	function.filename = index_of(output, output->functions[id] - 1);
	profile.function = &list;
	profile.n_function = 1;
	pprof_stream_put(output->stream, &profile);
}

static void add_label(Pprof__Label *labels, size_t *n, int64_t key, int64_t text, int64_t number)
{
	labels[*n] = (Pprof__Label)PPROF__LABEL__INIT;
	labels[*n].key = key;
	labels[*n].str = text;
	labels[(*n)++].num = number;
}

static int64_t stream_of(struct output *output, uint32_t series)
{
	char name[256];
	if (!output->streams[series])
		output->streams[series] = put_string(
			output, export_stream_name(output->recording, series, name, sizeof name));
	return output->streams[series];
}

static size_t fill_labels(struct output *output, const struct export_sum *sum, Pprof__Label *labels)
{
	const struct thread_row *thread = recording_thread(output->recording, sum->thread);
	const struct series_row *series = recording_series(output->recording, sum->series);
	const int64_t *words = output->words;
	size_t n = 0;
	if (thread->name)
		add_label(labels, &n, words[WORD_THREAD], index_of(output, thread->name), 0);
	if (thread->pid)
		add_label(labels, &n, words[WORD_PID], 0, thread->pid);
	if (thread->tid)
		add_label(labels, &n, words[WORD_TID], 0, thread->tid);
	if (sum->phase)
		add_label(labels, &n, words[WORD_PHASE], index_of(output, sum->phase), 0);
	if (sum->stream)
		add_label(labels, &n, words[WORD_STREAM], stream_of(output, sum->stream), 0);
	add_label(labels, &n, words[WORD_PROVENANCE], output->origins[series->origin], 0);
	return n;
}

static void put_sample(struct output *output, const struct export_sum *sum, uint64_t *locations,
		       int64_t *values)
{
	Pprof__Label labels[MOST_LABELS], *list[MOST_LABELS];
	Pprof__Sample sample = PPROF__SAMPLE__INIT, *samples = &sample;
	Pprof__Profile profile = PPROF__PROFILE__INIT;
	uint32_t column = output->columns[sum->series] - 1;
	sample.location_id = locations;
	for (uint32_t id = sum->stack; id;) {
		const struct stack_row *row = recording_stack(output->recording, id);
		locations[sample.n_location_id++] = row->frame;
		id = row->parent;
	}
	/* The format's values are signed. */
	values[column] = sum->count < INT64_MAX ? (int64_t)sum->count : INT64_MAX;
	values[column + 1] = sum->weight < INT64_MAX ? (int64_t)sum->weight : INT64_MAX;
	sample.value = values;
	sample.n_value = output->n_columns;
	sample.n_label = fill_labels(output, sum, labels);
	sample.label = list;
	for (size_t i = 0; i < sample.n_label; i++)
		list[i] = &labels[i];
	profile.sample = &samples;
	profile.n_sample = 1;
	pprof_stream_put(output->stream, &profile);
	values[column] = values[column + 1] = 0;
}

static void put_samples(struct output *output)
{
	uint64_t *locations =
		allocate(export_stack_depth(output->recording, &output->moment), sizeof *locations);
	int64_t *values = allocate(output->n_columns + 1, sizeof *values);
	for (size_t i = 0; i < output->sums->n && !pprof_stream_failed(output->stream); i++)
		put_sample(output, &output->sums->sums[i], locations, values);
	free(locations);
	free(values);
}

/* What ran and what went wrong, for `go tool pprof -comments`. */
static void put_comment(struct output *output, const char *key, const char *value)
{
	char line[4096];
	Pprof__Profile profile = PPROF__PROFILE__INIT;
	snprintf(line, sizeof line, "%s: %s", key, value);
	int64_t index = put_string(output, line);
	profile.comment = &index;
	profile.n_comment = 1;
	pprof_stream_put(output->stream, &profile);
}

static void put_comments(struct output *output)
{
	/* Every report prints all comments first: the few that tell runs apart. */
	static const char *const keys[] = { "command_line", "host", "cpu" };
	const struct recording *recording = output->recording;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const char *value = export_fact(recording, keys[i]);
		if (value)
			put_comment(output, keys[i], value);
	}
	for (uint64_t id = 1; id < output->moment.n[TABLE_NOTES]; id++) {
		const struct note_row *note = recording_note_row(recording, id);
		if (note->severity >= SEVERITY_WARNING)
			put_comment(output, "warning", recording_string_at(recording, note->text));
	}
}

static void put_rest(struct output *output)
{
	Pprof__Profile profile = PPROF__PROFILE__INIT;
	Pprof__ValueType type = PPROF__VALUE_TYPE__INIT;
	uint32_t series = export_series(output->recording, output->options);
	const char *rate = export_fact(output->recording, "sampling.frequency_hz");
	double hz = rate ? strtod(rate, NULL) : 0;
	profile.time_nanos = (int64_t)output->recording->start_epoch_ns;
	profile.duration_nanos =
		(int64_t)export_relative_ns(output->recording, output->sums->last_ns);
	if (series)
		profile.default_sample_type =
			index_of(output, recording_series(output->recording, series)->name);
	if (hz >= 1) {
		type.type = put_string(output, "time");
		type.unit = put_string(output, "nanoseconds");
		profile.period_type = &type;
		profile.period = (int64_t)(1e9 / hz);
	}
	pprof_stream_put(output->stream, &profile);
}

static void put_words(struct output *output)
{
	static const char *const words[N_WORDS] = { "thread", "pid",    "tid",
						    "phase",  "stream", "provenance" };
	put_string(output, ""); /* index 0 by definition */
	*hash_map_at(&output->strings, 1) = 1;
	for (int i = 0; i < N_WORDS; i++)
		output->words[i] = put_string(output, words[i]);
	for (int i = 0; i < N_ORIGINS; i++)
		output->origins[i] = put_string(output, origin_name((enum origin)i));
}

static void put_all(struct output *output)
{
	put_words(output);
	put_types(output);
	mark_frames(output);
	put_mappings(output);
	for (uint32_t id = 1; id < output->moment.n[TABLE_FRAMES]; id++)
		if (output->is_used[id])
			put_location(output, id);
	for (uint32_t id = 1; id < output->moment.n[TABLE_FUNCTIONS]; id++)
		if (output->functions[id])
			put_function(output, id);
	put_samples(output);
	put_comments(output);
	put_rest(output);
}

static bool pprof_write(const struct recording *recording, const struct export_options *options,
			FILE *out, struct why *why)
{
	struct output output = { .recording = recording,
				 .options = options,
				 .moment = recording_moment(recording),
				 .stream = pprof_stream_open(out) };
	output.columns = allocate(output.moment.n[TABLE_SERIES], sizeof *output.columns);
	output.streams = allocate(output.moment.n[TABLE_SERIES], sizeof *output.streams);
	output.is_used = allocate(output.moment.n[TABLE_FRAMES], sizeof *output.is_used);
	output.functions = allocate(output.moment.n[TABLE_FUNCTIONS], sizeof *output.functions);
	put_all(&output);
	pprof_stream_close(output.stream);
	hash_map_free(&output.strings);
	free(output.columns);
	free(output.streams);
	free(output.is_used);
	free(output.functions);
	export_sums_close(output.sums);
	return exporter_finish(out, "a pprof profile", why);
}

static const char *pprof_unusable(void)
{
	return NULL;
}
#else
static const char *pprof_unusable(void)
{
	return "libprotobuf-c and protoc-c were not there when stoke was built; install "
	       "libprotobuf-c-dev and protobuf-c-compiler and build again.";
}

static bool pprof_write(const struct recording *recording, const struct export_options *options,
			FILE *out, struct why *why)
{
	(void)recording, (void)options, (void)out;
	return why_fail(why, "Cannot write a pprof profile: %s", pprof_unusable());
}
#endif

const struct exporter exporter_pprof = {
	.name = "pprof",
	.suffix = ".pb.gz",
	.summary = "gzipped protobuf for pprof: every series, labels, build-ids, inline lines",
	.unusable = pprof_unusable,
	.write = pprof_write,
};
