/*
 * The GPU: its devices and what they last reported, a lane for each stream, and what ran by time.
 * Without a GPU it says why, and what to do about it.
 */
#include "tui/list_keys.h"
#include "tui/view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/gpu_summary.h"
#include "tui/paragraph.h"

enum {
	LABEL_COLUMNS = 22, /* "context 12 stream 1234" */
	SHARE_COLUMNS = 9,
	READING_COLUMNS = 38,
	MOST_READINGS = 64,
	NUMBER_COLUMNS = 78, /* of the table, before the name */
	FEW_NUMBER_COLUMNS = 36,
	BOTH_RATES_COLUMNS = 140, /* below, names matter more than a second rate */
};

struct state {
	struct gpu_summary *summary;
	struct reading_row last[MOST_READINGS]; /* of each series of driver and counters */
	uint32_t n_readings;
	struct moment moment;
	uint64_t from_ns, to_ns, next_reading;
	size_t selected, first;
	int width, height, table_y;
	bool is_stale;
};

static const char *text_of(const struct view_context *context, uint32_t id)
{
	return recording_string_at(context->recording, id);
}

/* ---- taking in */

static void take_reading(struct state *state, const struct view_context *context,
			 const struct reading_row *row)
{
	const struct series_row *series = recording_series(context->recording, row->series);
	const char *source = text_of(context, series->source);
	if (strcmp(source, "nvml") != 0 && strcmp(source, "pm") != 0)
		return;
	uint32_t at = 0;
	while (at < state->n_readings && state->last[at].series != row->series)
		at++;
	if (at == MOST_READINGS)
		return;
	state->last[at] = *row;
	state->n_readings += at == state->n_readings;
}

static int count_reading_rows(const struct state *state, int width)
{
	int a_row = width / READING_COLUMNS > 0 ? width / READING_COLUMNS : 1;
	return ((int)state->n_readings + a_row - 1) / a_row;
}

static int count_devices(const struct gpu_summary *summary)
{
	int n = 0;
	for (int i = 0; i < GPU_MOST_DEVICES; i++)
		n += summary->devices[i].name != NULL;
	return n;
}

static int count_lanes_shown(const struct state *state, int height)
{
	int n = (int)state->summary->n_lanes;
	/* Half of the screen at most: the table is the point. */
	return n < height / 3 ? n : height / 3;
}

static void keep_visible(struct state *state, const struct view_context *context)
{
	state->table_y = count_devices(state->summary) + count_reading_rows(state, context->width) +
			 count_lanes_shown(state, context->height) + 3;
	size_t n = state->summary->n_work;
	size_t rows =
		context->height > state->table_y ? (size_t)(context->height - state->table_y) : 1;
	if (state->selected >= n)
		state->selected = n ? n - 1 : 0;
	if (state->selected < state->first)
		state->first = state->selected;
	if (state->selected >= state->first + rows)
		state->first = state->selected - rows + 1;
}

static bool gpu_update(void *opaque, const struct view_context *context)
{
	struct state *state = opaque;
	struct moment now = recording_moment(context->recording);
	if (!state->summary) {
		state->summary = allocate(1, sizeof *state->summary);
		state->is_stale = true;
	}
	bool is_changed = state->is_stale || memcmp(&now, &state->moment, sizeof now) != 0 ||
			  state->width != context->width || state->height != context->height ||
			  state->from_ns != context->focus->from_ns ||
			  state->to_ns != context->focus->to_ns;
	if (!is_changed)
		return false;
	for (; state->next_reading < now.n[TABLE_READINGS]; state->next_reading++)
		if (state->next_reading > 0)
			take_reading(state, context,
				     recording_reading(context->recording, state->next_reading));
	state->moment = now;
	state->width = context->width;
	state->height = context->height;
	state->from_ns = context->focus->from_ns;
	state->to_ns = context->focus->to_ns;
	state->is_stale = false;
	gpu_summary_read(state->summary, context->recording, state->from_ns, state->to_ns,
			 context->width - LABEL_COLUMNS - SHARE_COLUMNS);
	keep_visible(state, context);
	return true;
}

/* ---- drawing: each part returns the next free row */

static int draw_nothing(const struct state *state, const struct canvas *canvas)
{
	const char *reason = state->summary->reason;
	canvas_text(canvas, 0, 0, canvas->width, MEANING_HEADER, "No GPU work is recorded");
	int y = 1 + paragraph_draw(canvas, 0, 1, canvas->width, MEANING_TEXT,
				   reason ? reason
					  : "The recording says nothing of a GPU: the program used "
					    "none, or it was recorded by another tool.");
	return y + paragraph_draw(canvas, 0, y + 1, canvas->width, MEANING_DIM,
				  "`stoke doctor` says what this machine has. A CUDA program "
				  "started by stoke run or stoke record is traced by itself.");
}

static int draw_devices(const struct state *state, const struct canvas *canvas)
{
	int y = 0;
	for (int i = 0; i < GPU_MOST_DEVICES; i++) {
		const struct gpu_device_facts *device = &state->summary->devices[i];
		char memory[TEXT_BYTES], rate[TEXT_BYTES];
		if (!device->name)
			continue;
		int x = canvas_print(canvas, 0, y, MEANING_HEADER, "GPU %d  ", i);
		x += canvas_print(canvas, x, y, MEANING_TEXT, "%s", device->name);
		if (device->multiprocessors)
			canvas_print(
				canvas, x, y, MEANING_DIM,
				"  %u multiprocessors, %u.%u, %s at %s (rated)",
				device->multiprocessors, device->major, device->minor,
				text_memory(memory, sizeof memory, device->memory_bytes),
				text_rate(rate, sizeof rate, device->memory_bytes_per_s, "B/s"));
		y++;
	}
	return y;
}

static int draw_readings(const struct state *state, const struct view_context *context,
			 const struct canvas *canvas, int y)
{
	int a_row = canvas->width / READING_COLUMNS > 0 ? canvas->width / READING_COLUMNS : 1;
	for (uint32_t i = 0; i < state->n_readings; i++) {
		const struct reading_row *row = &state->last[i];
		const struct series_row *series = recording_series(context->recording, row->series);
		char value[TEXT_BYTES];
		const char *unit = text_of(context, series->unit);
		const char *name = text_of(context, series->name);
		int x = (int)i % a_row * READING_COLUMNS;
		/* "GPU power" of "GPU 0": the device says it already. */
		name += strncmp(name, "GPU ", 4) == 0 ? 4 : 0;
		canvas_print(canvas, x, y + (int)i / a_row, MEANING_TEXT, "%s %-5s %-21.21s%s",
			     origin_glyph(row->origin), text_of(context, series->device), name,
			     text_value(value, sizeof value, row->value, unit));
	}
	return y + count_reading_rows(state, canvas->width);
}

static void draw_lane(const struct gpu_summary *summary, const struct view_context *context,
		      const struct canvas *canvas, int y, const struct gpu_lane *lane)
{
	static const char *const blocks[] = { " ",      "\u2581", "\u2582", "\u2583", "\u2584",
					      "\u2585", "\u2586", "\u2587", "\u2588" };
	const struct series_row *series = recording_series(context->recording, lane->series);
	int columns = canvas->width - LABEL_COLUMNS - SHARE_COLUMNS;
	char share[TEXT_BYTES];
	double whole = (double)(summary->to_ns - summary->from_ns);
	canvas_text(canvas, 0, y, LABEL_COLUMNS - 1, MEANING_TEXT, text_of(context, series->name));
	for (int i = 0; i < columns && i < GPU_MOST_COLUMNS; i++) {
		/* The least work still shows. */
		int level = (int)ceilf(lane->share[i] * 8);
		canvas_text(canvas, LABEL_COLUMNS + i, y, 1,
			    lane->is_host ? MEANING_DIM : MEANING_BAR,
			    blocks[level < 0   ? 0
				   : level > 8 ? 8
					       : level]);
	}
	canvas_print(canvas, canvas->width - SHARE_COLUMNS, y, MEANING_TEXT, "%9s",
		     text_ratio(share, sizeof share, (double)lane->busy_ns / whole));
}

static int draw_lanes(const struct state *state, const struct view_context *context,
		      const struct canvas *canvas, int y)
{
	const struct gpu_summary *summary = state->summary;
	char from[TEXT_BYTES], length[TEXT_BYTES];
	int n = count_lanes_shown(state, context->height);
	uint64_t start = context->recording->start_ns;
	canvas_print(
		canvas, 0, y, MEANING_HEADER, "%-*s%s from %s on%s", LABEL_COLUMNS, "stream",
		text_duration(length, sizeof length, (double)(summary->to_ns - summary->from_ns)),
		text_duration(from, sizeof from,
			      summary->from_ns > start ? (double)(summary->from_ns - start) : 0),
		n < (int)summary->n_lanes ? "; more streams do not fit" : "");
	canvas_print(canvas, canvas->width - SHARE_COLUMNS, y, MEANING_HEADER, "%9s", "busy");
	for (int i = 0; i < n; i++)
		draw_lane(summary, context, canvas, y + 1 + i, &summary->lanes[i]);
	return y + 1 + n;
}

/* "1024x2" for a grid of 1024 x 2 x 1. */
static void print_size(char *out, size_t bytes, const uint32_t *size)
{
	int n = snprintf(out, bytes, "%u", size[0]);
	if ((size[1] > 1 || size[2] > 1) && n > 0 && (size_t)n < bytes)
		n += snprintf(out + n, bytes - (size_t)n, "x%u", size[1]);
	if (size[2] > 1 && n > 0 && (size_t)n < bytes)
		snprintf(out + n, bytes - (size_t)n, "x%u", size[2]);
}

static double occupancy_of(const struct gpu_summary *summary, const struct gpu_work *work)
{
	if (work->n_shapes != 1 || work->device >= GPU_MOST_DEVICES)
		return NAN;
	return gpu_occupancy(&work->shape, &summary->devices[work->device].limits);
}

static void draw_shape(const struct gpu_summary *summary, const struct canvas *canvas, int y,
		       const struct gpu_work *work)
{
	char grid[48] = TEXT_UNKNOWN, block[48] = TEXT_UNKNOWN, text[TEXT_BYTES];
	char registers[16] = TEXT_UNKNOWN, shared[TEXT_BYTES] = TEXT_UNKNOWN;
	if (work->n_shapes > 1) {
		snprintf(grid, sizeof grid, "%u shapes", work->n_shapes);
	} else if (work->n_shapes == 1) {
		print_size(grid, sizeof grid, work->shape.grid);
		print_size(block, sizeof block, work->shape.block);
		snprintf(registers, sizeof registers, "%u", work->shape.registers);
		text_memory(shared, sizeof shared,
			    (double)work->shape.shared_static_bytes +
				    (double)work->shape.shared_dynamic_bytes);
	}
	canvas_text(canvas, FEW_NUMBER_COLUMNS, y, 11, MEANING_TEXT, grid);
	canvas_text(canvas, FEW_NUMBER_COLUMNS + 12, y, 7, MEANING_TEXT, block);
	canvas_text(canvas, FEW_NUMBER_COLUMNS + 20, y, 4, MEANING_TEXT, registers);
	canvas_text(canvas, FEW_NUMBER_COLUMNS + 25, y, 9, MEANING_TEXT, shared);
	canvas_text(canvas, FEW_NUMBER_COLUMNS + 35, y, 7, MEANING_TEXT,
		    text_ratio(text, sizeof text, occupancy_of(summary, work)));
}

/* What was moved and computed a second: of copies as counted, of kernels as the program told it.
 * Returns the columns. */
static int write_rates(const struct gpu_work *work, bool has_room, char *out, size_t bytes)
{
	char rate[TEXT_BYTES];
	int n = 0;
	double copy_s = (double)work->total_ns * 1e-9, exact_s = (double)work->exact_ns * 1e-9;
	out[0] = '\0';
	if (!isnan(work->bytes) && copy_s > 0)
		return snprintf(out, bytes, "  %s",
				text_rate(rate, sizeof rate, work->bytes / copy_s, "B/s"));
	if (exact_s <= 0)
		return 0;
	if (!isnan(work->exact_bytes))
		n = snprintf(out, bytes, "  \u2248 %s",
			     text_rate(rate, sizeof rate, work->exact_bytes / exact_s, "B/s"));
	if (!isnan(work->exact_flops) && (has_room || n == 0))
		n += snprintf(out + n, bytes - (size_t)n, "  \u2248 %s",
			      text_rate(rate, sizeof rate, work->exact_flops / exact_s, "FLOP/s"));
	return n; /* a column or two more than there are: the glyph has three bytes */
}

static void draw_work(const struct state *state, const struct view_context *context,
		      const struct canvas *canvas, int y, size_t at)
{
	const struct gpu_summary *summary = state->summary;
	const struct gpu_work *work = &summary->work[at];
	char share[TEXT_BYTES], count[TEXT_BYTES], mean[TEXT_BYTES];
	double total = (double)work->total_ns;
	bool is_wide = canvas->width >= NUMBER_COLUMNS + 24;
	int name_x = is_wide ? NUMBER_COLUMNS + 2 : FEW_NUMBER_COLUMNS;
	canvas_print(canvas, 0, y, MEANING_TEXT, "%8s %11s %13s",
		     text_ratio(share, sizeof share, total / (double)summary->device_ns),
		     text_count(count, sizeof count, work->n),
		     text_duration(mean, sizeof mean, total / (double)work->n));
	if (is_wide)
		draw_shape(summary, canvas, y, work);
	char rates[2 * TEXT_BYTES + 16];
	int rate_columns =
		write_rates(work, canvas->width >= BOTH_RATES_COLUMNS, rates, sizeof rates);
	int x = name_x + canvas_text(canvas, name_x, y, canvas->width - name_x - rate_columns,
				     MEANING_TEXT, text_of(context, work->name));
	canvas_text(canvas, x, y, canvas->width - x, MEANING_DIM, rates);
	if (at == state->selected)
		canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
}

static void draw_table(const struct state *state, const struct view_context *context,
		       const struct canvas *canvas, int y)
{
	bool is_wide = canvas->width >= NUMBER_COLUMNS + 24;
	canvas_print(canvas, 0, y, MEANING_HEADER, "%8s %11s %13s", "time", "times", "each");
	if (is_wide)
		canvas_print(canvas, FEW_NUMBER_COLUMNS, y, MEANING_HEADER,
			     "%-11s %-7s %-4s %-9s %-6s", "grid", "block", "regs", "shared",
			     "occ \u2248");
	canvas_text(canvas, is_wide ? NUMBER_COLUMNS + 2 : FEW_NUMBER_COLUMNS, y, canvas->width,
		    MEANING_HEADER, "kernel or copy");
	for (int row = 1; y + row < canvas->height; row++) {
		size_t at = state->first + (size_t)row - 1;
		if (at < state->summary->n_work)
			draw_work(state, context, canvas, y + row, at);
	}
}

static void gpu_draw(const void *opaque, const struct view_context *context,
		     const struct canvas *canvas)
{
	const struct state *state = opaque;
	if (!state->summary)
		return;
	if (state->summary->n_lanes == 0 && state->n_readings == 0 &&
	    count_devices(state->summary) == 0) {
		draw_nothing(state, canvas);
		return;
	}
	int y = draw_devices(state, canvas);
	y = draw_readings(state, context, canvas, y);
	if (state->summary->n_lanes == 0) {
		canvas_text(canvas, 0, y + 1, canvas->width, MEANING_DIM,
			    state->summary->reason ? state->summary->reason
						   : "No GPU work by this program yet.");
		return;
	}
	y = draw_lanes(state, context, canvas, y);
	draw_table(state, context, canvas, y + 1);
}

/* ---- keys */

static unsigned move(struct state *state, const struct view_context *context, long rows)
{
	state->selected = list_move(state->selected, rows, state->summary->n_work);
	keep_visible(state, context);
	return REACTION_REDRAW;
}

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	return move(opaque, context, list_step(input->key, context->height / 2));
}

static unsigned to_flame(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	const struct state *state = opaque;
	(void)context;
	(void)input;
	return state->summary->n_work ? REACTION_TO_FLAME : REACTION_REDRAW;
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	return move(state, context,
		    (long)state->first + input->y - state->table_y - (long)state->selected);
}

static const char *chosen(const void *opaque, const struct view_context *context)
{
	const struct state *state = opaque;
	return state->summary && state->summary->n_work
		       ? text_of(context, state->summary->work[state->selected].name)
		       : "";
}

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct state *state = opaque;
	if (!state->summary || state->summary->n_work == 0)
		return (struct view_subject){ 0 };
	uint32_t name = state->summary->work[state->selected].name;
	return (struct view_subject){ .kind = SUBJECT_GPU,
				      .id = name,
				      .name = text_of(context, name) };
}

static void gpu_close(void *opaque)
{
	free(((struct state *)opaque)->summary);
}

static const struct binding bindings[] = {
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter", "show in the flame graph", to_flame, true },
	{ KEY_ARROW_UP, 'k', "Up k", "up", move_key, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "down", move_key, false },
	{ KEY_PAGE_UP, 'b', "PgUp b", "page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "page down", move_key, false },
	{ KEY_WHEEL_UP, 0, "wheel", "up", move_key, false },
	{ KEY_WHEEL_DOWN, 0, "wheel", "down", move_key, false },
	{ KEY_CLICK, 0, "click", "select", click, false },
	{ 0 },
};

const struct view view_gpu = {
	.name = "gpu",
	.title = "GPU",
	.summary = "GPUs: streams as lanes, kernels and copies by time, clocks, power, memory",
	.order = 9,
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = gpu_update,
	.draw = gpu_draw,
	.chosen = chosen,
	.subject = subject,
	.close = gpu_close,
};
