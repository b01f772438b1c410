/*
 * Folded stacks as a recording: the first frame of a line is the thread, the last word the count.
 * There are no times, modules or lines in the format; a note says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/import_bytes.h"
#include "sampler/importer.h"
#include "sampler/recording.h"

enum {
	MOST_DEPTH = 4000,
	MOST_NAME_BYTES = 1024,
};

struct reading {
	struct recording *recording;
	uint32_t module, series;
	uint64_t n_lines, n_skipped, first_skipped, n_samples;
};

static uint32_t add_frame(struct reading *reading, const char *name)
{
	struct recording *recording = reading->recording;
	char clean[MOST_NAME_BYTES];
	uint32_t text = recording_add_string(recording, text_clean(clean, sizeof clean, name));
	/* Names stand in for addresses: equal names are one frame. */
	struct frame_row row = { .address = text, .module = reading->module, .flags = FRAME_NAMED };
	uint32_t frame = recording_add_frame(recording, &row);
	if (frame < recording->tables[TABLE_LOCATIONS].n_rows)
		return frame;
	size_t n = strlen(clean);
	bool is_kernel = n > 4 && strcmp(clean + n - 4, "_[k]") == 0;
	bool is_special = clean[0] == '[';
	struct function_row function = { .name = text,
					 .linkage_name = text,
					 .module = reading->module,
					 .flags = (is_kernel ? FUNCTION_KERNEL : 0) |
						  (is_special ? FUNCTION_SPECIAL : 0) };
	struct location_row location = { .function = recording_add_function(recording, &function) };
	recording_add_location(recording, &location);
	return frame;
}

static uint32_t add_thread(struct recording *recording, const char *name)
{
	char clean[MOST_NAME_BYTES];
	uint32_t text = recording_add_string(recording, text_clean(clean, sizeof clean, name));
	struct thread_row row = { .name = text, .process_name = text };
	return recording_add_thread(recording, &row);
}

/* The count behind the last blank, and the line cut there; false if it is no whole number. */
static bool cut_count(char *line, uint64_t *count)
{
	char *blank = strrchr(line, ' '), *end;
	if (!blank || blank == line || blank[1] < '0' || blank[1] > '9')
		return false;
	errno = 0;
	*count = strtoull(blank + 1, &end, 10);
	*blank = '\0';
	return errno == 0 && *end == '\0' && *count <= UINT32_MAX;
}

static bool take_line(struct reading *reading, char *line)
{
	uint64_t count;
	uint32_t stack = 0, depth = 0;
	char *rest = line;
	if (!cut_count(line, &count))
		return false;
	uint32_t thread = add_thread(reading->recording, strsep(&rest, ";"));
	for (char *name; depth < MOST_DEPTH && (name = strsep(&rest, ";")); depth++)
		stack = recording_add_stack(reading->recording, stack, add_frame(reading, name));
	struct sample_row row = { .time_ns = reading->recording->start_ns,
				  .weight = count,
				  .stack = stack,
				  .thread = thread,
				  .count = (uint32_t)count,
				  .series = (uint16_t)reading->series,
				  .cpu = SAMPLE_CPU_UNKNOWN };
	if (count > 0)
		recording_add_sample(reading->recording, &row);
	reading->n_samples += count;
	return true;
}

static void read_lines(struct reading *reading, struct import_lines *lines)
{
	char *line;
	while ((line = import_lines_next(lines))) {
		reading->n_lines++;
		if (line[0] == '\0' || line[0] == '#' || take_line(reading, line))
			continue;
		if (reading->n_skipped++ == 0)
			reading->first_skipped = reading->n_lines;
	}
}

static void start(struct reading *reading)
{
	struct recording *recording = reading->recording;
	struct module_row module = { .path = recording_add_string(recording, "[folded]"),
				     .kind = MODULE_ANONYMOUS };
	struct series_row series = { .name = recording_add_string(recording, "samples"),
				     .unit = recording_add_string(recording, "samples"),
				     .source = recording_add_string(recording, "folded"),
				     .origin = ORIGIN_SOFTWARE,
				     .flags = SERIES_SAMPLES };
	recording->start_ns = recording->start_epoch_ns = 0; /* nobody knows */
	reading->module = recording_add_module(recording, &module);
	reading->series = recording_add_series(recording, &series);
}

static void note_what_is_missing(const struct reading *reading)
{
	char text[160];
	recording_add_fact(reading->recording, "imported_from", "folded");
	recording_note(reading->recording, SEVERITY_INFO, "folded",
		       "Folded text holds counts by stack only: times, modules, lines and threads "
		       "are not available.",
		       "Record a .stoke file to have them.");
	if (reading->n_skipped == 0)
		return;
	snprintf(text, sizeof text,
		 "%llu lines are no folded stacks and were left out, the first is line %llu.",
		 (unsigned long long)reading->n_skipped,
		 (unsigned long long)reading->first_skipped);
	recording_note(reading->recording, SEVERITY_WARNING, "folded", text,
		       "A line is frames joined by ';', a blank and a count.");
}

static struct recording *folded_read(const char *path, struct why *why)
{
	struct import_lines *lines = import_lines_open(path, why);
	if (!lines)
		return NULL;
	struct reading reading = { .recording = recording_new() };
	start(&reading);
	read_lines(&reading, lines);
	bool is_broken = !import_lines_close(lines);
	if (is_broken || reading.n_samples == 0) {
		recording_free(reading.recording);
		if (is_broken)
			why_fail(why, "Cannot read %s: %s.", path, strerror(EIO));
		else
			why_fail(why,
				 "%s holds no folded stack; a line is frames joined by ';', a "
				 "blank and a count.",
				 path);
		return NULL;
	}
	note_what_is_missing(&reading);
	recording_flush_samples(reading.recording, UINT64_MAX);
	recording_publish(reading.recording);
	return reading.recording;
}

/* The first line that is no comment: printable, a blank and a count at its end. */
static bool folded_looks_like(const unsigned char *head, size_t n_bytes)
{
	size_t start = 0, end = 0;
	do {
		start = end;
		while (end < n_bytes && head[end] != '\n')
			if (head[end++] < 0x20 && head[end - 1] != '\t' && head[end - 1] != '\r')
				return false;
		if (end == n_bytes)
			return false;
		end++;
	} while (head[start] == '#' || head[start] == '\n');
	size_t last = end - 1;
	if (last > start && head[last - 1] == '\r')
		last--;
	size_t digits = last;
	while (digits > start && head[digits - 1] >= '0' && head[digits - 1] <= '9')
		digits--;
	return digits < last && digits > start + 1 && head[digits - 1] == ' ';
}

const struct importer importer_folded = {
	.name = "folded",
	.suffix = ".folded",
	.summary = "one line a stack, as flame graph tools write it",
	.looks_like = folded_looks_like,
	.read = folded_read,
};
