/*
 * The text of `perf script` as a recording. A sample is a head and the frames below it, innermost
 * first; functions inlined into a frame are lines of their own before it. Frames of equal text are
 * equal, so each text is taken apart once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/table.h"
#include "sampler/base/text.h"
#include "sampler/hash_map.h"
#include "sampler/import_bytes.h"
#include "sampler/import_frames.h"
#include "sampler/importer.h"
#include "sampler/interner.h"
#include "sampler/perf_script_line.h"
#include "sampler/recording.h"

static const char source_name[] = "perf-script";
/* Kernel addresses, on x86-64 and aarch64. */
static const uint64_t FIRST_KERNEL_ADDRESS = 0xffff000000000000;

enum {
	MOST_FRAMES = 4000,
	MOST_EVENTS = 256,
	MOST_GROUP_BYTES = 64 << 10, /* one frame with all that is inlined into it */
	MOST_PLACES = 64,
	MOST_NAME_BYTES = 256,
};

struct event {
	uint32_t name;
	uint16_t series;
};

struct reading {
	struct recording *recording;
	struct import_frames *frames;
	/* text of a frame with what is inlined into it -> frame */
	struct table texts;
	struct interner interner;
	struct hash_map by_text;
	struct event events[MOST_EVENTS];
	uint32_t n_events;
	/* the sample being read */
	bool is_in_sample;
	struct sample_row row;
	uint32_t ids[MOST_FRAMES];
	size_t n_ids;
	char group[MOST_GROUP_BYTES];
	size_t n_group;
	bool is_group_whole; /* its real function has come */
	uint64_t n_lines, n_skipped, first_skipped, n_samples;
};

/* ---- events */

static bool is_in(const char *name, const char *const *names)
{
	size_t n = strcspn(name, ":");
	for (; *names; names++)
		if (strlen(*names) == n && strncmp(*names, name, n) == 0)
			return true;
	return false;
}

static bool is_clock(const char *name)
{
	static const char *const names[] = { "cpu-clock", "task-clock", NULL };
	return is_in(name, names);
}

/* "sched:sched_switch" is a tracepoint, "cycles:ppp" a counter. */
static bool is_software(const char *name)
{
	static const char *const names[] = { "page-faults",
					     "faults",
					     "minor-faults",
					     "major-faults",
					     "cs",
					     "context-switches",
					     "migrations",
					     "cpu-migrations",
					     "bpf-output",
					     "alignment-faults",
					     "emulation-faults",
					     "cgroup-switches",
					     "dummy",
					     NULL };
	const char *colon = strchr(name, ':');
	return is_clock(name) || is_in(name, names) ||
	       (colon && colon[strspn(colon, ":ukhHGpPSDIWeb")] != '\0');
}

static uint16_t series_of(struct reading *reading, const struct perf_script_head *head)
{
	char name[MOST_NAME_BYTES];
	struct recording *recording = reading->recording;
	uint32_t id = recording_add_string(recording, text_clean(name, sizeof name, head->event));
	for (uint32_t i = 0; i < reading->n_events; i++)
		if (reading->events[i].name == id)
			return reading->events[i].series;
	if (reading->n_events == MOST_EVENTS)
		return reading->events[MOST_EVENTS - 1].series;
	const char *unit = !head->has_period ? "samples" : is_clock(name) ? "ns" : "events";
	struct series_row row = {
		.name = id,
		.unit = recording_add_string(recording, unit),
		.source = recording_add_string(recording, source_name),
		.origin = is_software(name) ? ORIGIN_SOFTWARE : ORIGIN_MEASURED,
		.flags = SERIES_SAMPLES,
	};
	struct event *event = &reading->events[reading->n_events++];
	*event = (struct event){ id, (uint16_t)recording_add_series(recording, &row) };
	return event->series;
}

/* ---- frames */

static void take_place(struct import_place *place, const struct perf_script_frame *frame,
		       char *unknown, size_t bytes)
{
	const char *file = text_base_name(frame->module);
	*place = (struct import_place){ .name = frame->symbol };
	if (frame->symbol[0])
		return;
	if (file[0])
		snprintf(unknown, bytes, "[unknown: no symbol in %.128s]", file);
	else
		snprintf(unknown, bytes, "[unknown: not mapped]");
	place->name = unknown;
}

/* Lines of one frame: inlined functions, the real one, and where each is. */
static uint32_t frame_of_group(struct reading *reading, char *group)
{
	struct import_place places[MOST_PLACES];
	struct perf_script_frame frame = { .module = "" };
	char unknown[192];
	size_t n = 0;
	const char *file;
	uint32_t number;
	for (char *line; (line = strsep(&group, "\n"));) {
		if (perf_script_is_frame(line) && n < MOST_PLACES) {
			perf_script_frame(line, &frame);
			take_place(&places[n++], &frame, unknown, sizeof unknown);
		} else if (n > 0 && perf_script_place(line, &file, &number)) {
			places[n - 1].file = file;
			places[n - 1].line = number;
		}
	}
	uint32_t flags = frame.address >= FIRST_KERNEL_ADDRESS ? FRAME_KERNEL : 0;
	const char *path = frame.is_inlined ? "" : frame.module;
	uint32_t module = import_module(reading->frames, path, NULL, "[unknown]");
	return n ? import_frame(reading->frames, places, n, module, flags) : 0;
}

static void end_group(struct reading *reading)
{
	if (reading->n_group == 0)
		return;
	uint32_t text = interner_string(&reading->interner, &reading->texts, reading->group,
					reading->n_group);
	uint32_t frame = hash_map_get(&reading->by_text, text);
	if (!frame) {
		frame = frame_of_group(reading, reading->group);
		*hash_map_at(&reading->by_text, text) = frame;
	}
	if (frame && reading->n_ids < MOST_FRAMES)
		reading->ids[reading->n_ids++] = frame;
	reading->n_group = 0;
	reading->is_group_whole = false;
}

static void add_to_group(struct reading *reading, const char *line)
{
	size_t n = strlen(line);
	size_t comma = reading->n_group ? 1 : 0;
	if (n + comma >= MOST_GROUP_BYTES - reading->n_group)
		return;
	if (comma)
		reading->group[reading->n_group++] = '\n';
	memcpy(reading->group + reading->n_group, line, n);
	reading->n_group += n;
	reading->group[reading->n_group] = '\0';
}

static bool ends_in(const char *line, const char *end)
{
	size_t n = strlen(line), m = strlen(end);
	return n >= m && strcmp(line + n - m, end) == 0;
}

static void take_frame(struct reading *reading, const char *line)
{
	if (reading->is_group_whole)
		end_group(reading);
	add_to_group(reading, line);
	reading->is_group_whole = !ends_in(line, "(inlined)");
}

/* ---- samples */

static void end_sample(struct reading *reading)
{
	if (!reading->is_in_sample)
		return;
	end_group(reading);
	reading->row.stack = import_stack(reading->frames, reading->ids, reading->n_ids);
	recording_add_sample(reading->recording, &reading->row);
	reading->n_samples++;
	reading->is_in_sample = false;
}

/* ":123" stands for a thread whose name perf never saw. */
static bool is_nameless(const char *comm)
{
	const char *digits = comm + (comm[0] == ':') + (comm[0] == ':' && comm[1] == '-');
	return !comm[0] || (digits > comm && digits[strspn(digits, "0123456789")] == '\0');
}

static uint32_t thread_of(struct reading *reading, const struct perf_script_head *head)
{
	char name[MOST_NAME_BYTES];
	text_clean(name, sizeof name, is_nameless(head->comm) ? "[unnamed]" : head->comm);
	uint32_t text = recording_add_string(reading->recording, name);
	struct thread_row row = {
		.pid = head->pid, .tid = head->tid, .name = text, .process_name = text
	};
	return recording_add_thread(reading->recording, &row);
}

static void begin_sample(struct reading *reading, const struct perf_script_head *head)
{
	end_sample(reading);
	if (reading->n_samples == 0)
		reading->recording->start_ns = head->time_ns;
	reading->row = (struct sample_row){
		.time_ns = head->time_ns,
		.weight = head->has_period ? head->period : 1,
		.thread = thread_of(reading, head),
		.count = 1,
		.series = series_of(reading, head),
		.cpu = head->has_cpu && head->cpu < SAMPLE_CPU_UNKNOWN ? (uint16_t)head->cpu
								       : SAMPLE_CPU_UNKNOWN,
	};
	reading->n_ids = reading->n_group = 0;
	reading->is_group_whole = false;
	reading->is_in_sample = true;
	/* Without a stack the frame stands in the head's own line. */
	char *at = head->rest > head->event && head->rest[0] ? head->rest : NULL;
	if (at && perf_script_is_frame(at))
		take_frame(reading, at);
}

/* "# hostname : vm", as --header prints it. */
static void take_comment(struct reading *reading, char *line)
{
	static const char *const keys[][2] = {
		{ "hostname", "host" },     { "os release", "kernel" },
		{ "cpudesc", "cpu" },       { "cmdline", "command_line" },
		{ "arch", "architecture" }, { "perf version", "perf_version" },
	};
	char clean[1024];
	char *colon = strstr(line, " : ");
	if (!colon || strncmp(line, "# ", 2) != 0)
		return;
	*colon = '\0';
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (strcmp(line + 2, keys[i][0]) == 0)
			recording_add_fact(reading->recording, keys[i][1],
					   text_clean(clean, sizeof clean, colon + 3));
}

static bool take_line(struct reading *reading, char *line)
{
	const char *file;
	uint32_t number;
	struct perf_script_head head;
	if (line[0] == '#') {
		take_comment(reading, line);
		return true;
	}
	if (line[strspn(line, " \t")] == '\0') {
		end_sample(reading);
		return true;
	}
	/* Lines about processes (--show-task-events) are told from samples by this word. */
	if (strstr(line, "PERF_RECORD_"))
		return true;
	if (perf_script_is_frame(line)) {
		if (reading->is_in_sample)
			take_frame(reading, line);
		return reading->is_in_sample;
	}
	if (perf_script_head(line, &head)) {
		begin_sample(reading, &head);
		return true;
	}
	char copy[MOST_NAME_BYTES];
	snprintf(copy, sizeof copy, "%s", line);
	if (!reading->is_in_sample || !perf_script_place(copy, &file, &number))
		return false;
	add_to_group(reading, line);
	return true;
}

static void read_lines(struct reading *reading, struct import_lines *lines)
{
	char *line;
	while ((line = import_lines_next(lines))) {
		reading->n_lines++;
		if (take_line(reading, line))
			continue;
		if (reading->n_skipped++ == 0)
			reading->first_skipped = reading->n_lines;
	}
	end_sample(reading);
}

static void add_notes(const struct reading *reading)
{
	char text[160];
	recording_add_fact(reading->recording, "imported_from", source_name);
	recording_note(reading->recording, SEVERITY_INFO, source_name,
		       "The text of perf script holds samples by name: addresses, build-ids, "
		       "readings and phases are not available.",
		       "Import the perf.data file itself, or record with stoke.");
	if (reading->n_skipped == 0)
		return;
	snprintf(text, sizeof text,
		 "%llu lines are no text of perf script and were left out, the first is line %llu.",
		 (unsigned long long)reading->n_skipped,
		 (unsigned long long)reading->first_skipped);
	recording_note(reading->recording, SEVERITY_WARNING, source_name, text,
		       "Use the default fields of perf script.");
}

static bool finish(struct reading *reading, bool is_broken, const char *path, struct why *why)
{
	if (reading->n_samples == 0)
		return why_fail(why,
				"%s holds no sample as perf script prints them; import perf.data "
				"itself, or use perf script's default fields.",
				path);
	if (is_broken)
		recording_note(reading->recording, SEVERITY_WARNING, source_name,
			       "The file could not be read to its end.", "");
	add_notes(reading);
	recording_flush_samples(reading->recording, UINT64_MAX);
	recording_publish(reading->recording);
	return true;
}

static struct recording *perf_script_read(const char *path, struct why *why)
{
	struct import_lines *lines = import_lines_open(path, why);
	if (!lines)
		return NULL;
	struct reading *reading = allocate(1, sizeof *reading);
	struct recording *recording = recording_new();
	reading->recording = recording;
	reading->frames = import_frames_new(recording);
	table_open(&reading->texts, 1);
	table_append(&reading->texts, NULL, 1);
	recording->start_epoch_ns = 0;
	read_lines(reading, lines);
	bool is_broken = !import_lines_close(lines);
	bool is_good = finish(reading, is_broken, path, why);
	import_frames_free(reading->frames);
	table_close(&reading->texts);
	interner_free(&reading->interner);
	hash_map_free(&reading->by_text);
	free(reading);
	if (is_good)
		return recording;
	recording_free(recording);
	return NULL;
}

/* The first line that is no comment is a sample's head, with a thread at least. */
static bool perf_script_looks_like(const unsigned char *head, size_t n_bytes)
{
	char line[1024];
	struct perf_script_head found;
	size_t at = 0;
	while (at < n_bytes && (head[at] == '#' || head[at] == '\n')) {
		const unsigned char *end = memchr(head + at, '\n', n_bytes - at);
		if (!end)
			return false;
		at = (size_t)(end - head) + 1;
	}
	size_t n = 0;
	for (; at + n < n_bytes && n + 1 < sizeof line && head[at + n] != '\n'; n++) {
		if (head[at + n] < 0x20 && head[at + n] != '\t' && head[at + n] != '\r')
			return false;
		line[n] = (char)head[at + n];
	}
	line[n] = '\0';
	return perf_script_head(line, &found) && found.has_tid;
}

const struct importer importer_perf_script = {
	.name = "perf-script",
	.suffix = ".perf",
	.summary = "the text that perf script prints",
	.looks_like = perf_script_looks_like,
	.read = perf_script_read,
};
