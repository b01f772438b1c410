/* One pass over the spans of GPUs, recorded or imported, one over the facts. */
#include "tui/gpu_summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/hash_map.h"
#include "sampler/recording.h"
#include "tui/gpu_work.h"

struct reader {
	struct gpu_summary *summary;
	const struct recording *recording;
	struct moment moment;
	struct hash_map lanes, work; /* series and name to index + 1 */
	int columns;
};

/* The numbers among a fact's words: "grid 128 1 1 l2 52" is 128, 1, 1, 52. */
static size_t read_numbers(const char *text, uint64_t *out, size_t most)
{
	size_t n = 0;
	while (*text && n < most) {
		if (*text >= '0' && *text <= '9')
			out[n++] = strtoull(text, NULL, 10);
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	return n;
}

static uint32_t small(uint64_t number)
{
	return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

/* As source_cupti.c writes them. */
static void read_limits(struct gpu_device_facts *device, const char *text)
{
	uint64_t n[11];
	if (read_numbers(text, n, 11) != 11)
		return;
	device->multiprocessors = small(n[0]);
	device->limits = (struct gpu_limits){ small(n[1]), small(n[2]), small(n[3]), small(n[4]),
					      small(n[5]) };
	device->major = small(n[5]);
	device->minor = small(n[6]);
	device->memory_bytes = (double)n[9];
	device->memory_bytes_per_s = (double)n[10];
}

static void read_device_fact(struct gpu_summary *summary, const char *key, const char *value)
{
	char *rest;
	unsigned long index = strtoul(key, &rest, 10);
	if (rest == key || *rest != '.' || index >= GPU_MOST_DEVICES)
		return;
	struct gpu_device_facts *device = &summary->devices[index];
	if (strcmp(rest, ".limits") == 0)
		read_limits(device, value);
	else if (strcmp(rest, ".uuid") == 0)
		device->uuid = value;
	else if (strcmp(rest, ".name") == 0 || strcmp(rest, ".device") == 0)
		device->name = value;
}

/* As gpu_activity.c writes them. */
static void read_shape_fact(struct reader *reader, const char *kernel, const char *value)
{
	uint64_t n[11];
	if (read_numbers(value, n, 11) != 11)
		return;
	for (uint32_t i = 0; i < reader->summary->n_work; i++) {
		struct gpu_work *work = &reader->summary->work[i];
		if (strcmp(recording_string_at(reader->recording, work->name), kernel) != 0)
			continue;
		if (work->n_shapes++)
			return;
		work->device = small(n[0]);
		work->shape = (struct gpu_shape){
			.grid = { small(n[1]), small(n[2]), small(n[3]) },
			.block = { small(n[4]), small(n[5]), small(n[6]) },
			.registers = small(n[7]),
			.shared_static_bytes = small(n[8]),
			.shared_dynamic_bytes = small(n[9]),
			.local_bytes = small(n[10]),
		};
		return;
	}
}

static void read_facts(struct reader *reader)
{
	static const char kernel[] = "gpu.kernel.";
	for (uint64_t i = 1; i < reader->moment.n[TABLE_FACTS]; i++) {
		const struct fact_row *row = recording_fact(reader->recording, i);
		const char *key = recording_string_at(reader->recording, row->key);
		const char *value = recording_string_at(reader->recording, row->value);
		if (strncmp(key, "gpu.", 4) != 0)
			continue;
		if (strcmp(key, "gpu.unavailable") == 0)
			reader->summary->reason = value;
		else if (strncmp(key, kernel, sizeof kernel - 1) == 0)
			read_shape_fact(reader, key + sizeof kernel - 1, value);
		else
			read_device_fact(reader->summary, key + 4, value);
	}
}

static struct gpu_lane *lane_of(struct reader *reader, uint32_t series)
{
	struct gpu_summary *summary = reader->summary;
	const struct series_row *row = recording_series(reader->recording, series);
	uint32_t *at = hash_map_at(&reader->lanes, series);
	if (*at)
		return &summary->lanes[*at - 1];
	if (strcmp(recording_string_at(reader->recording, row->source), "cupti") != 0 ||
	    summary->n_lanes == GPU_MOST_LANES)
		return NULL;
	struct gpu_lane *lane = &summary->lanes[summary->n_lanes++];
	memset(lane, 0, sizeof *lane);
	lane->series = series;
	lane->is_host = row->device == 0;
	*at = summary->n_lanes;
	return lane;
}

static struct gpu_work *work_of(struct reader *reader, uint32_t name)
{
	struct gpu_summary *summary = reader->summary;
	uint32_t *at = hash_map_at(&reader->work, name ? name : UINT64_MAX);
	if (*at)
		return &summary->work[*at - 1];
	if (summary->n_work == GPU_MOST_WORK)
		return NULL;
	struct gpu_work *work = &summary->work[summary->n_work++];
	*work = (struct gpu_work){ .name = name, .least_ns = UINT64_MAX, .bytes = NAN };
	*at = summary->n_work;
	return work;
}

/* The span's part of each column it touches. */
static void fill_columns(struct reader *reader, struct gpu_lane *lane, double start, double end)
{
	double from = (double)reader->summary->from_ns;
	double column_ns = ((double)reader->summary->to_ns - from) / reader->columns;
	if (column_ns <= 0)
		return;
	int first = (int)fmax(0, floor((start - from) / column_ns));
	int last = (int)fmin(reader->columns - 1.0, floor((end - from) / column_ns));
	for (int i = first; i <= last; i++) {
		double left = fmax(start, from + i * column_ns);
		double right = fmin(end, from + (i + 1) * column_ns);
		if (right > left)
			lane->share[i] =
				fminf(1, lane->share[i] + (float)((right - left) / column_ns));
	}
}

static void add_work(struct reader *reader, const struct span_row *span)
{
	struct gpu_work *work = work_of(reader, span->name);
	reader->summary->device_ns += span->duration_ns;
	if (!work) {
		reader->summary->n_left_out++;
		return;
	}
	work->n++;
	work->total_ns += span->duration_ns;
	if (span->duration_ns < work->least_ns)
		work->least_ns = span->duration_ns;
	if (span->duration_ns > work->most_ns)
		work->most_ns = span->duration_ns;
	if (!isnan(span->bytes))
		work->bytes = (isnan(work->bytes) ? 0 : work->bytes) + span->bytes;
}

static void add_span(struct reader *reader, const struct span_row *span)
{
	const struct gpu_summary *summary = reader->summary;
	uint64_t end = span->start_ns + span->duration_ns;
	if (end < span->start_ns || end <= summary->from_ns || span->start_ns >= summary->to_ns)
		return;
	struct gpu_lane *lane = lane_of(reader, span->series);
	if (!lane)
		return;
	lane->busy_ns += span->duration_ns;
	lane->n_spans++;
	fill_columns(reader, lane, (double)span->start_ns, (double)end);
	if (!lane->is_host)
		add_work(reader, span);
}

static bool is_of_gpu(const struct reader *reader, const struct span_row *span)
{
	const struct series_row *row = recording_series(reader->recording, span->series);
	const char *device = recording_string_at(reader->recording, row->device);
	return (row->flags & SERIES_SPANS && strncmp(device, "GPU", 3) == 0) ||
	       strcmp(recording_string_at(reader->recording, row->source), "cupti") == 0;
}

/* The window, or from the first span to the last. */
static void choose_window(struct reader *reader, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t first = UINT64_MAX, last = 0;
	for (uint64_t i = 1; i < reader->moment.n[TABLE_SPANS]; i++) {
		const struct span_row *span = recording_span(reader->recording, i);
		if (!is_of_gpu(reader, span))
			continue;
		first = span->start_ns < first ? span->start_ns : first;
		if (span->start_ns + span->duration_ns > last)
			last = span->start_ns + span->duration_ns;
	}
	reader->summary->from_ns = from_ns ? from_ns : (last ? first : 0);
	reader->summary->to_ns = to_ns ? to_ns : last;
}

static int by_total(const void *a, const void *b)
{
	const struct gpu_work *left = a, *right = b;
	if (left->total_ns != right->total_ns)
		return left->total_ns > right->total_ns ? -1 : 1;
	return left->name < right->name ? -1 : left->name > right->name;
}

void gpu_summary_read(struct gpu_summary *summary, const struct recording *recording,
		      uint64_t from_ns, uint64_t to_ns, int columns)
{
	struct reader reader = { .summary = summary,
				 .recording = recording,
				 .moment = recording_moment(recording),
				 .columns = columns < 1                  ? 1
					    : columns < GPU_MOST_COLUMNS ? columns
									 : GPU_MOST_COLUMNS };
	summary->n_lanes = summary->n_work = 0;
	summary->device_ns = summary->n_left_out = 0;
	summary->reason = NULL;
	for (int i = 0; i < GPU_MOST_DEVICES; i++)
		summary->devices[i] =
			(struct gpu_device_facts){ .memory_bytes = NAN, .memory_bytes_per_s = NAN };
	choose_window(&reader, from_ns, to_ns);
	for (uint64_t i = 1; i < reader.moment.n[TABLE_SPANS]; i++)
		add_span(&reader, recording_span(recording, i));
	if (summary->n_work)
		qsort(summary->work, summary->n_work, sizeof summary->work[0], by_total);
	read_facts(&reader);
	gpu_work_read(summary, recording);
	hash_map_free(&reader.lanes);
	hash_map_free(&reader.work);
}
