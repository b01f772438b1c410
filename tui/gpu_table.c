/* What ran on GPUs, by time or by any other column. See gpu_state.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/gpu_state.h"

enum { LEAST_NAME = 34 /* "void at::native::vectorized_elemen" still says which */ };

enum {
	COLUMN_TIME,
	COLUMN_TIMES,
	COLUMN_EACH,
	COLUMN_TOTAL,
	COLUMN_LEAST,
	COLUMN_MOST,
	COLUMN_DEVICE,
	COLUMN_GRID,
	COLUMN_BLOCK,
	COLUMN_REGISTERS,
	COLUMN_SHARED,
	COLUMN_OCCUPANCY,
	COLUMN_BYTES,
	COLUMN_FLOPS,
	COLUMN_NAME,
};

static const struct list_column columns[] = {
	{ "time", "time", "as a share of all GPU time", COLUMN_TIME, 8, 0, 0 },
	{ "times", "times", "how often it ran", COLUMN_TIMES, 9, 2, 0 },
	{ "each", "each", "mean duration", COLUMN_EACH, 9, 3, 0 },
	{ "total", "total", "time in all", COLUMN_TOTAL, 9, 3, LIST_EXTRA },
	{ "least", "least", "the shortest", COLUMN_LEAST, 9, 3, LIST_EXTRA },
	{ "most", "most", "the longest", COLUMN_MOST, 9, 3, LIST_EXTRA },
	{ "device", "GPU", "the device that ran it", COLUMN_DEVICE, 3, 3, LIST_EXTRA },
	{ "grid", "grid", "blocks of a launch", COLUMN_GRID, 10, 5, 0 },
	{ "block", "block", "threads of a block", COLUMN_BLOCK, 8, 6, 0 },
	{ "regs", "regs", "registers of a thread", COLUMN_REGISTERS, 4, 7, 0 },
	{ "shared", "shared", "shared memory of a block", COLUMN_SHARED, 8, 8, 0 },
	{ "occupancy", "occ \u2248", "occupancy: warps that can be resident", COLUMN_OCCUPANCY, 7,
	  4, 0 },
	{ "bytes", "B/s", "bytes moved: of copies as counted, of kernels as told", COLUMN_BYTES, 11,
	  1, 0 },
	{ "flops", "FLOP/s", "operations, as the program told them", COLUMN_FLOPS, 15, 9, 0 },
	{ "name", "kernel or copy", "what ran", COLUMN_NAME, LEAST_NAME, 0,
	  LIST_TEXT | LIST_FILLS },
};

/* What the list is lent. */
struct lent {
	const struct gpu_summary *summary;
	const struct recording *recording;
};

static const struct gpu_work *work_at(const void *of, size_t row)
{
	return &((const struct lent *)of)->summary->work[row];
}

/* ---- values */

static double occupancy_of(const struct gpu_summary *summary, const struct gpu_work *work)
{
	if (work->n_shapes != 1 || work->device >= GPU_MOST_DEVICES)
		return NAN;
	return gpu_occupancy(&work->shape, &summary->devices[work->device].limits);
}

/* Of copies as counted, of kernels as the program told it. */
static double bytes_per_s(const struct gpu_work *work)
{
	if (!isnan(work->bytes))
		return work->total_ns ? work->bytes / ((double)work->total_ns * 1e-9) : NAN;
	return work->exact_ns ? work->exact_bytes / ((double)work->exact_ns * 1e-9) : NAN;
}

static double flops_per_s(const struct gpu_work *work)
{
	return work->exact_ns ? work->exact_flops / ((double)work->exact_ns * 1e-9) : NAN;
}

static double volume(const uint32_t *size)
{
	return (double)size[0] * (double)size[1] * (double)size[2];
}

/* Of a kernel that was always launched in the same shape; else not known. */
static double shape_value(const struct gpu_work *work, int column)
{
	const struct gpu_shape *shape = &work->shape;
	if (work->n_shapes != 1)
		return NAN;
	switch (column) {
	case COLUMN_GRID:
		return volume(shape->grid);
	case COLUMN_BLOCK:
		return volume(shape->block);
	case COLUMN_REGISTERS:
		return shape->registers;
	default:
		return (double)shape->shared_static_bytes + (double)shape->shared_dynamic_bytes;
	}
}

static double value_of(const void *of, size_t row, int column)
{
	const struct lent *lent = of;
	const struct gpu_work *work = work_at(of, row);
	switch (column) {
	case COLUMN_TIME:
	case COLUMN_TOTAL:
		return (double)work->total_ns;
	case COLUMN_TIMES:
		return (double)work->n;
	case COLUMN_EACH:
		return (double)work->total_ns / (double)work->n;
	case COLUMN_LEAST:
		return (double)work->least_ns;
	case COLUMN_MOST:
		return (double)work->most_ns;
	case COLUMN_DEVICE:
		return work->device;
	case COLUMN_OCCUPANCY:
		return occupancy_of(lent->summary, work);
	case COLUMN_BYTES:
		return bytes_per_s(work);
	case COLUMN_FLOPS:
		return flops_per_s(work);
	default:
		return shape_value(work, column);
	}
}

/* One name is one row, on whichever device. */
static uint64_t identity_of(const void *of, size_t row)
{
	const struct gpu_work *work = work_at(of, row);
	return (uint64_t)work->device << 32 | work->name;
}

static const char *text_of(const void *of, size_t row, int column)
{
	(void)column;
	return recording_string_at(((const struct lent *)of)->recording, work_at(of, row)->name);
}

/* ---- cells */

/* "1024x2" for a grid of 1024 x 2 x 1. */
static void print_size(char *out, size_t bytes, const uint32_t *size)
{
	int n = snprintf(out, bytes, "%u", size[0]);
	if ((size[1] > 1 || size[2] > 1) && n > 0 && (size_t)n < bytes)
		n += snprintf(out + n, bytes - (size_t)n, "x%u", size[1]);
	if (size[2] > 1 && n > 0 && (size_t)n < bytes)
		snprintf(out + n, bytes - (size_t)n, "x%u", size[2]);
}

static void draw_shape(const struct gpu_work *work, int column, const struct canvas *cell)
{
	char text[48] = TEXT_UNKNOWN;
	if (work->n_shapes > 1 && column == COLUMN_GRID)
		snprintf(text, sizeof text, "%u shapes", work->n_shapes);
	if (work->n_shapes == 1 && column == COLUMN_REGISTERS)
		snprintf(text, sizeof text, "%u", work->shape.registers);
	else if (work->n_shapes == 1 && column == COLUMN_SHARED)
		text_memory(text, sizeof text, shape_value(work, column));
	else if (work->n_shapes == 1)
		print_size(text, sizeof text,
			   column == COLUMN_GRID ? work->shape.grid : work->shape.block);
	list_put_right(cell, MEANING_TEXT, text);
}

/* Blank where nothing is known of it; computed from what the program told where it is a kernel. */
static void draw_rate(const struct gpu_work *work, double rate, const char *unit,
		      const struct canvas *cell)
{
	char text[TEXT_BYTES], marked[TEXT_BYTES + 8];
	if (isnan(rate))
		return;
	text_rate(text, sizeof text, rate, unit);
	snprintf(marked, sizeof marked, "%s%s", isnan(work->bytes) ? "\u2248 " : "", text);
	list_put_right(cell, MEANING_DIM, marked);
}

static void draw_number(const struct lent *lent, size_t row, int column, const struct canvas *cell)
{
	char text[TEXT_BYTES];
	double value = value_of(lent, row, column);
	switch (column) {
	case COLUMN_TIME:
		text_ratio(text, sizeof text, value / (double)lent->summary->device_ns);
		break;
	case COLUMN_OCCUPANCY:
		text_ratio(text, sizeof text, value);
		break;
	case COLUMN_TIMES:
		text_count_within(text, sizeof text, cell->width, work_at(lent, row)->n);
		break;
	case COLUMN_DEVICE:
		text_count(text, sizeof text, work_at(lent, row)->device);
		break;
	default:
		text_duration(text, sizeof text, value);
	}
	list_put_right(cell, MEANING_TEXT, text);
}

static void draw_cell(const void *of, size_t row, int column, const struct canvas *cell)
{
	const struct gpu_work *work = work_at(of, row);
	switch (column) {
	case COLUMN_NAME:
		list_put(cell, MEANING_TEXT, text_of(of, row, column));
		return;
	case COLUMN_GRID:
	case COLUMN_BLOCK:
	case COLUMN_REGISTERS:
	case COLUMN_SHARED:
		draw_shape(work, column, cell);
		return;
	case COLUMN_BYTES:
		draw_rate(work, bytes_per_s(work), "B/s", cell);
		return;
	case COLUMN_FLOPS:
		draw_rate(work, flops_per_s(work), "FLOP/s", cell);
		return;
	default:
		draw_number(of, row, column, cell);
	}
}

/* ---- the table */

void gpu_table_show(struct gpu_state *state, const struct view_context *context)
{
	struct lent lent = { state->summary, context->recording };
	struct list_rows rows = { .of = &lent,
				  .n = state->summary->n_work,
				  .sort = "time",
				  .identity = identity_of,
				  .value = value_of,
				  .text = text_of };
	int y = gpu_table_y(state, context->width, context->height);
	struct list_frame frame = { context->width, y, y + 1, context->height - y - 1 };
	list_update(&state->table, &rows, columns, (int)(sizeof columns / sizeof columns[0]),
		    &frame);
}

void gpu_table_draw(const struct gpu_state *state, const struct view_context *context,
		    const struct canvas *canvas)
{
	struct lent lent = { state->summary, context->recording };
	struct list_drawing drawing = { &state->table, canvas, &lent, draw_cell };
	list_draw(&drawing);
}

const struct gpu_work *gpu_table_selected(const struct gpu_state *state)
{
	return state->table.n ? &state->summary->work[list_row(&state->table)] : NULL;
}
