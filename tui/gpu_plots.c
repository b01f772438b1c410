/* Which series, in which order, under which ceiling; gpu_plots_draw.c draws them. */
#include "tui/gpu_plots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/recording.h"
#include "tui/gpu_plots_state.h"
#include "tui/gpu_summary.h"

/* PM sampling reads up to 1,000 times a second. */
static const uint64_t FIRST_WIDTH_NS = 1000 * 1000;

enum { PLOT_ROWS = 4, COLUMN_METRIC = 0, COLUMN_LAST = 1 };

static bool is_of_gpu(const struct recording *recording, const struct series_row *series)
{
	const char *source = recording_string_at(recording, series->source);
	return strcmp(source, "nvml") == 0 || strcmp(source, "pm") == 0;
}

const char *gpu_plots_name(const struct recording *recording, const struct track *track)
{
	return recording_string_at(recording, recording_series(recording, track->series)->name);
}

/* Of "GPU 3"; what is none comes last. */
static unsigned long device_of(const struct recording *recording, const struct track *track)
{
	const char *label =
		recording_string_at(recording, recording_series(recording, track->series)->device);
	return strncmp(label, "GPU ", 4) == 0 ? strtoul(label + 4, NULL, 10) : GPU_MOST_DEVICES;
}

/* ---- order: what is asked for most comes first, behind it all else as it came */

static unsigned rank_of(const char *name)
{
	static const char *const names[] = {
		"GPU DRAM traffic",  "GPU DRAM read",      "GPU DRAM write",
		"GPU DRAM use",      "GPU L2 hits",        "GPU SM active",
		"GPU tensor pipe",   "GPU FMA pipe",       "GPU warps",
		"GPU PCIe read",     "GPU PCIe write",     "GPU NVLink received",
		"GPU NVLink sent",   "GPU power",          "GPU SM clock",
		"GPU memory clock",  "GPU memory used",    "GPU temperature",
		"GPU busy",          "GPU memory busy",    "GPU throttled",
		"GPU DRAM read use", "GPU DRAM write use",
	};
	unsigned n = sizeof names / sizeof names[0], i = 0;
	while (i < n && strcmp(names[i], name) != 0)
		i++;
	return i;
}

/* Limits are lines in the plots of what they limit. */
static bool is_limit(const char *name)
{
	return strcmp(name, "GPU power limit") == 0 || strcmp(name, "GPU memory") == 0;
}

struct place {
	unsigned long device;
	unsigned rank;
	bool is_missing;
	uint16_t track;
};

static int by_place(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	if (left->is_missing != right->is_missing)
		return left->is_missing ? 1 : -1;
	if (left->rank != right->rank)
		return left->rank < right->rank ? -1 : 1;
	return left->track < right->track ? -1 : left->track > right->track;
}

static void put_in_order(struct gpu_plots *plots, const struct recording *recording)
{
	struct place places[TRACKS_MOST];
	size_t n = 0;
	for (size_t i = 0; i < plots->tracks.n; i++) {
		const struct track *track = &plots->tracks.rows[i];
		const char *name = gpu_plots_name(recording, track);
		if (is_limit(name))
			continue;
		places[n++] = (struct place){ device_of(recording, track), rank_of(name),
					      gpu_plots_is_missing(track), (uint16_t)i };
	}
	if (n > 1)
		qsort(places, n, sizeof places[0], by_place);
	for (size_t i = 0; i < n; i++)
		plots->order[i] = places[i].track;
	plots->n = n;
}

/* ---- the list: sorted only if somebody asks for it */

struct lent {
	const struct gpu_plots *plots;
	const struct recording *recording;
};

static const struct track *track_at(const void *of, size_t row)
{
	const struct gpu_plots *plots = ((const struct lent *)of)->plots;
	return &plots->tracks.rows[plots->order[row]];
}

static uint64_t identity_of(const void *of, size_t row)
{
	return track_at(of, row)->series;
}

static double value_of(const void *of, size_t row, int column)
{
	(void)column;
	return track_at(of, row)->last;
}

static const char *text_of(const void *of, size_t row, int column)
{
	(void)column;
	return gpu_plots_name(((const struct lent *)of)->recording, track_at(of, row));
}

static void show(struct gpu_plots *plots, const struct view_context *context)
{
	static const struct list_column columns[] = {
		{ "metric", "metric", "what is measured", COLUMN_METRIC, 20, 0,
		  LIST_TEXT | LIST_FILLS },
		{ "last", "last", "its last value, whatever its unit", COLUMN_LAST, 9, 0, 0 },
	};
	struct lent lent = { plots, context->recording };
	struct list_rows rows = { .of = &lent,
				  .n = plots->n,
				  .identity = identity_of,
				  .value = value_of,
				  .text = text_of };
	int page = (context->height - 2) / PLOT_ROWS;
	struct list_frame frame = { context->width, -1, 0, page > 1 ? page : 1 };
	list_update(&plots->list, &rows, columns, (int)(sizeof columns / sizeof columns[0]),
		    &frame);
}

/* ---- what is not there */

static bool has_source(const struct gpu_plots *plots, const struct recording *recording,
		       const char *source)
{
	for (size_t i = 0; i < plots->tracks.n; i++) {
		const struct series_row *row =
			recording_series(recording, plots->tracks.rows[i].series);
		if (strcmp(recording_string_at(recording, row->source), source) == 0)
			return true;
	}
	return false;
}

/* What its source says went wrong. */
static const char *note_of(const struct recording *recording, const char *source)
{
	for (uint64_t i = recording_moment(recording).n[TABLE_NOTES]; i-- > 1;) {
		const struct note_row *row = recording_note_row(recording, i);
		if (strcmp(recording_string_at(recording, row->source), source) == 0)
			return recording_string_at(recording, row->text);
	}
	return NULL;
}

/* source_cupti's word, where a GPU was used: "not sampled; ..." or what was refused. */
static const char *stalls_reason(const struct recording *recording)
{
	const char *value = recording_fact_text(recording, "gpu.stalls");
	return value && strncmp(value, "sampled", 7) == 0 ? NULL : value;
}

static void find_reasons(struct gpu_plots *plots, const struct recording *recording)
{
	const char *said = note_of(recording, "pm");
	plots->counters_reason = plots->driver_reason = NULL;
	if (!has_source(plots, recording, "pm"))
		plots->counters_reason =
			said ? said : "not asked for; --gpu-metrics HZ samples them.";
	said = note_of(recording, "nvml");
	if (!has_source(plots, recording, "nvml"))
		plots->driver_reason =
			said ? said : "not read; `stoke doctor` says what NVML lacks.";
	plots->stalls_reason = stalls_reason(recording);
}

bool gpu_plots_update(struct gpu_plots *plots, const struct view_context *context)
{
	const struct recording *recording = context->recording;
	struct moment moment = recording_moment(recording);
	bool is_first = !plots->tracks.is_wanted;
	plots->tracks.is_wanted = is_of_gpu;
	plots->tracks.width_ns = FIRST_WIDTH_NS;
	plots->tracks.begins_with_window = true;
	bool is_changed = tracks_take_in(&plots->tracks, context) || is_first;
	if (plots->n_facts != moment.n[TABLE_FACTS]) {
		ceilings_devices_free(&plots->devices);
		ceilings_devices_load(&plots->devices, recording);
		is_changed = true;
	}
	is_changed |= plots->n_notes != moment.n[TABLE_NOTES] || plots->list.is_changed;
	plots->n_facts = moment.n[TABLE_FACTS];
	plots->n_notes = moment.n[TABLE_NOTES];
	if (is_changed) {
		put_in_order(plots, recording);
		find_reasons(plots, recording);
	}
	show(plots, context); /* a page may have another size */
	return is_changed;
}

void gpu_plots_free(struct gpu_plots *plots)
{
	tracks_free(&plots->tracks);
	list_free(&plots->list);
	ceilings_devices_free(&plots->devices);
}

uint32_t gpu_plots_series(const struct gpu_plots *plots)
{
	return plots->list.n ? gpu_plots_track(plots, plots->list.selected)->series : 0;
}

/* ---- ceilings */

static const struct track *find_track(const struct gpu_plots *plots,
				      const struct recording *recording, unsigned long device,
				      const char *name)
{
	for (size_t i = 0; i < plots->tracks.n; i++) {
		const struct track *track = &plots->tracks.rows[i];
		if (device_of(recording, track) == device &&
		    strcmp(gpu_plots_name(recording, track), name) == 0 && !isnan(track->last))
			return track;
	}
	return NULL;
}

/* Reads, writes and both together go over the same pins. */
static struct gpu_limit limit_of_memory(const struct gpu_plots *plots,
					const struct gpu_summary *summary, unsigned long device)
{
	struct gpu_limit limit = { .value = NAN, .words = "" };
	if (device >= GPU_MOST_DEVICES)
		return limit;
	const struct gpu_device_facts *facts = &summary->devices[device];
	const struct ceilings *ceilings =
		ceilings_devices_find(&plots->devices, facts->name, facts->uuid);
	const struct ceiling *copy =
		ceilings ? ceilings_bandwidth(ceilings, "DRAM", UINT32_MAX) : NULL;
	if (copy)
		return (struct gpu_limit){ copy->best, ORIGIN_SOFTWARE, "copied" };
	if (facts->memory_bytes_per_s > 0)
		return (struct gpu_limit){ facts->memory_bytes_per_s, ORIGIN_MODELLED, "rated" };
	return limit;
}

struct gpu_limit gpu_plots_limit(const struct gpu_plots *plots, const struct recording *recording,
				 const struct gpu_summary *summary, const struct track *track)
{
	const char *name = gpu_plots_name(recording, track);
	const char *unit =
		recording_string_at(recording, recording_series(recording, track->series)->unit);
	unsigned long device = device_of(recording, track);
	const struct track *other = NULL;
	const char *words = "";
	if (strncmp(name, "GPU DRAM ", 9) == 0 && strcmp(unit, "B/s") == 0)
		return limit_of_memory(plots, summary, device);
	if (strcmp(name, "GPU power") == 0) {
		other = find_track(plots, recording, device, "GPU power limit");
		words = "limit";
	} else if (strncmp(name, "GPU memory ", 11) == 0 && strcmp(unit, "B") == 0) {
		other = find_track(plots, recording, device, "GPU memory");
		words = "in all";
	}
	if (other && other->last > 0)
		return (struct gpu_limit){ other->last, track_origin(other), words };
	return (struct gpu_limit){ .value = NAN, .words = "" };
}

/* ---- moving */

/* Rows above the first plot and below the last. */
static int frame_rows(const struct gpu_plots *plots, int width)
{
	return gpu_plots_top_rows(plots, width) + 1;
}

int gpu_plots_wanted_rows(const struct gpu_plots *plots, int width)
{
	int rows = frame_rows(plots, width);
	for (size_t i = 0; i < plots->list.n; i++)
		rows += gpu_plots_rows(plots, i, 1);
	return rows;
}

static bool fits(const struct gpu_plots *plots, size_t first, int width, int height)
{
	int rows = frame_rows(plots, width);
	for (size_t i = first; i <= plots->list.selected && i < plots->list.n; i++)
		rows += gpu_plots_rows(plots, i, height);
	return rows <= height;
}

void gpu_plots_keep_visible(struct gpu_plots *plots, int width, int height)
{
	if (plots->list.selected < plots->first)
		plots->first = plots->list.selected;
	while (plots->first < plots->list.selected && !fits(plots, plots->first, width, height))
		plots->first++;
}

void gpu_plots_click(struct gpu_plots *plots, int y, int width, int height)
{
	int top = gpu_plots_top_rows(plots, width);
	plots->list.has_hit_row = false;
	for (size_t i = plots->first; i < plots->list.n; i++) {
		int rows = gpu_plots_rows(plots, i, height);
		if (y >= top && y < top + rows) {
			list_select(&plots->list, i);
			plots->list.has_hit_row = true;
			break;
		}
		top += rows;
	}
}
