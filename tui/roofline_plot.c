/*
 * Both axes are logarithmic: a bandwidth is then a slope of 1 wherever it is, and what a kernel
 * lacks of its roof is the same height everywhere. Nothing is drawn that nobody measured.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/dots.h"
#include "tui/roofline_state.h"

enum { ROOFLINE_LABEL_COLUMNS = 7 };

/* What of the GPU is drawn: one roof for each, the same slope for both. */
enum { DEVICE_F32, DEVICE_BF16, N_DEVICE_TYPES };
static const char *const device_types[N_DEVICE_TYPES] = { "f32", "bf16" };

/* log10 of the values at the edges. */
struct axes {
	double left, right, bottom, top;
	int columns, rows; /* of the plot */
};

struct plot {
	const struct roofline_state *state;
	const struct view_context *context;
	struct canvas canvas; /* of the plot itself */
	struct axes axes;
	struct roofline roofline;               /* of most threads and f32: what is drawn */
	int labelled[N_ROOFLINE_LEVELS];        /* rows that have a label; -1 = none */
	struct roofline device[N_DEVICE_TYPES]; /* the GPU's; all NULL = no such roof */
	int right_labelled[N_DEVICE_TYPES + 1]; /* rows with a label at the right edge */
	int n_right;
};

static double rate_of(const struct roofline_work *work)
{
	return work->flops / work->seconds;
}

/* ---- the plot */

static bool is_plottable(const struct roofline_work *work)
{
	return work->flops > 0 && work->bytes > 0 && work->seconds > 0;
}

static void widen(double *low, double *high, double value)
{
	if (!(value > 0) || isinf(value))
		return;
	*low = fmin(*low, log10(value));
	*high = fmax(*high, log10(value));
}

/* Some space at both ends, and some decades at the least. */
static void spread(double *low, double *high, double least_decades)
{
	double missing = fmax(0.4, least_decades - (*high - *low));
	*low -= missing / 2;
	*high += missing / 2;
}

static void widen_for(struct axes *axes, const struct roofline *roofline)
{
	double ridge = roofline_ridge(roofline, ROOFLINE_MEMORY);
	widen(&axes->left, &axes->right, ridge / 10);
	widen(&axes->left, &axes->right, ridge * 10);
	if (roofline->compute)
		widen(&axes->bottom, &axes->top, roofline->compute->best);
}

/* Room for all dots, the ridge and something on both sides of it. */
static struct axes axes_of(const struct roofline_state *state, const struct roofline *roofline,
			   const struct roofline *device)
{
	struct axes axes = { INFINITY, -INFINITY, INFINITY, -INFINITY, 0, 0 };
	for (size_t i = 0; i < roofline_count(state); i++) {
		const struct roofline_item item = roofline_item_at(state, i);
		if (!is_plottable(item.work))
			continue;
		widen(&axes.left, &axes.right, roofline_intensity(item.work));
		if (item.phase)
			widen(&axes.left, &axes.right,
			      item.work->flops / item.phase->measured_bytes);
		widen(&axes.bottom, &axes.top, rate_of(item.work));
	}
	widen_for(&axes, roofline);
	for (int i = 0; i < N_DEVICE_TYPES; i++)
		widen_for(&axes, &device[i]);
	if (isinf(axes.left)) /* no dot and no ridge: some axis */
		axes.left = axes.right = 0;
	spread(&axes.left, &axes.right, 2);
	widen(&axes.bottom, &axes.top,
	      roofline_attainable(roofline, ROOFLINE_MEMORY, pow(10, axes.left)));
	if (isinf(axes.bottom))
		axes.bottom = axes.top = 9;
	spread(&axes.bottom, &axes.top, 2);
	return axes;
}

static double dot_x(const struct axes *axes, double intensity)
{
	return (log10(intensity) - axes->left) / (axes->right - axes->left) *
	       (axes->columns * DOTS_A_COLUMN - 1);
}

static double dot_y(const struct axes *axes, double flops_rate)
{
	return (log10(flops_rate) - axes->bottom) / (axes->top - axes->bottom) *
	       (axes->rows * DOTS_A_ROW - 1);
}

static int row_of(const struct axes *axes, double flops_rate)
{
	return axes->rows - 1 - (int)floor(dot_y(axes, flops_rate) / DOTS_A_ROW);
}

static int column_of(const struct axes *axes, double intensity)
{
	return (int)floor(dot_x(axes, intensity) / DOTS_A_COLUMN);
}

/* A level's slope, up to the ridge; then it is the same roof for all. */
static void draw_slope(struct plot *plot, int level)
{
	const struct axes *axes = &plot->axes;
	const struct ceiling *ceiling = plot->roofline.levels[level];
	double ridge = roofline_ridge(&plot->roofline, level);
	double end = isnan(ridge) ? axes->right : fmin(log10(ridge), axes->right);
	if (!ceiling || end <= axes->left)
		return;
	struct dots dots = dots_new(plot->context->frame, axes->columns, axes->rows);
	double from = pow(10, axes->left), to = pow(10, end);
	dots_line(&dots, dot_x(axes, from), dot_y(axes, from * ceiling->best), dot_x(axes, to),
		  dot_y(axes, to * ceiling->best));
	bool is_memory = level == ROOFLINE_MEMORY;
	dots_draw(&dots, &plot->canvas, is_memory ? MEANING_BAR : MEANING_DIM);
}

static bool is_taken(const struct plot *plot, int row)
{
	for (int i = 0; i < N_ROOFLINE_LEVELS; i++)
		if (plot->labelled[i] == row)
			return true;
	return false;
}

/* Where the line begins: at the left edge, or where it comes in from below. Levels whose names
 * would share a row go without. */
static void draw_name(struct plot *plot, int level)
{
	const struct axes *axes = &plot->axes;
	const struct ceiling *ceiling = plot->roofline.levels[level];
	char rate[TEXT_BYTES], label[64];
	plot->labelled[level] = -1;
	if (!ceiling)
		return;
	double in = fmax(axes->left, axes->bottom - log10(ceiling->best));
	snprintf(label, sizeof label, "%s %s", roofline_level_name(level),
		 text_rate(rate, sizeof rate, ceiling->best, "B/s"));
	int x = column_of(axes, pow(10, in)) + 1;
	int y = row_of(axes, pow(10, in) * ceiling->best) - 2;
	if (x + text_width(label) > axes->columns || y < 0 || is_taken(plot, y))
		return;
	plot->labelled[level] = y;
	canvas_text(&plot->canvas, x, y, axes->columns,
		    level == ROOFLINE_MEMORY ? MEANING_TEXT : MEANING_DIM, label);
}

static void draw_roof(struct plot *plot)
{
	const struct axes *axes = &plot->axes;
	const struct ceiling *compute = plot->roofline.compute;
	if (!compute)
		return;
	double ridge = axes->right;
	for (int level = 0; level < N_ROOFLINE_LEVELS; level++)
		if (plot->roofline.levels[level])
			ridge = fmin(ridge, log10(roofline_ridge(&plot->roofline, level)));
	struct dots dots = dots_new(plot->context->frame, axes->columns, axes->rows);
	double y = dot_y(axes, compute->best);
	dots_line(&dots, fmax(0, dot_x(axes, pow(10, ridge))), y,
		  axes->columns * DOTS_A_COLUMN - 1.0, y);
	dots_draw(&dots, &plot->canvas, MEANING_BAR);
	char rate[TEXT_BYTES], label[96];
	snprintf(label, sizeof label, "%s %s",
		 strncmp(compute->name, "fma.", 4) == 0 ? compute->name + 4 : compute->name,
		 text_rate(rate, sizeof rate, compute->best, compute->unit));
	int x = axes->columns - text_width(label) - 1;
	canvas_text(&plot->canvas, x > 0 ? x : 0, row_of(axes, compute->best) - 1, axes->columns,
		    MEANING_TEXT, label);
}

enum meaning roofline_meaning(const struct roofline_verdict *verdict)
{
	double ratio = verdict->attained_ratio;
	return isnan(ratio) ? MEANING_TEXT : ratio < 0.5 ? MEANING_WARNING : MEANING_GOOD;
}

static void draw_point(const struct plot *plot, size_t place)
{
	const struct roofline_item item = roofline_item_at(plot->state, place);
	char letter[2] = { item.letter };
	if (!is_plottable(item.work))
		return;
	int y = row_of(&plot->axes, rate_of(item.work));
	enum meaning meaning =
		place == plot->state->selected ? MEANING_SELECTED : roofline_meaning(item.verdict);
	if (item.phase && item.phase->measured_bytes > 0) {
		char capital[2] = { letter[0] == '+' ? '+' : (char)(letter[0] - 32) };
		canvas_text(&plot->canvas,
			    column_of(&plot->axes, item.work->flops / item.phase->measured_bytes),
			    y, 1, meaning, capital);
	}
	canvas_text(&plot->canvas, column_of(&plot->axes, roofline_intensity(item.work)), y, 1,
		    meaning, letter);
}

/* A letter by the bytes that the program states, the same in capitals by those that were counted;
 * kernels of a GPU have digits. The longest come last and stay on top,
 * kernels above the phases that told their work. */
static void draw_points(const struct plot *plot)
{
	size_t n = plot->state->phases->n, count = roofline_count(plot->state);
	for (size_t i = n; i-- > 0;)
		draw_point(plot, i);
	for (size_t i = count; i-- > n;)
		draw_point(plot, i);
	if (count > 0)
		draw_point(plot, plot->state->selected);
}

/* ---- the GPU's roofs: dashed, and named so, for screens without colour */

static bool is_right_taken(const struct plot *plot, int row)
{
	for (int i = 0; i < plot->n_right; i++)
		if (plot->right_labelled[i] == row)
			return true;
	return false;
}

static void draw_device_label(struct plot *plot, const char *type, const struct ceiling *compute)
{
	char rate[TEXT_BYTES], label[64];
	snprintf(label, sizeof label, "GPU %s %s", type,
		 text_rate(rate, sizeof rate, compute->best, compute->unit));
	int x = plot->axes.columns - text_width(label) - 1;
	int y = row_of(&plot->axes, compute->best) - 1;
	/* The CPUs' name, or another of the GPU, may be there. */
	if (y < 0 || is_right_taken(plot, y))
		y += 2;
	if (x < 0 || is_right_taken(plot, y))
		return;
	plot->right_labelled[plot->n_right++] = y;
	canvas_text(&plot->canvas, x, y, plot->axes.columns, MEANING_TEXT, label);
}

static void draw_device_roof(struct plot *plot, const struct roofline *roofline, const char *type)
{
	const struct axes *axes = &plot->axes;
	if (!roofline->compute)
		return;
	double ridge = roofline_ridge(roofline, ROOFLINE_MEMORY);
	double from = isnan(ridge) ? 0 : fmax(0, dot_x(axes, ridge));
	double y = dot_y(axes, roofline->compute->best);
	struct dots dots = dots_new(plot->context->frame, axes->columns, axes->rows);
	dots_dashes(&dots, from, y, axes->columns * DOTS_A_COLUMN - 1.0, y);
	dots_draw(&dots, &plot->canvas, MEANING_BAR);
	draw_device_label(plot, type, roofline->compute);
}

/* The slope of its memory, up to its highest roof. */
static void draw_device_slope(struct plot *plot)
{
	const struct axes *axes = &plot->axes;
	const struct ceiling *memory = plot->device[0].levels[ROOFLINE_MEMORY];
	double end = axes->right;
	if (!memory)
		return;
	for (int i = 0; i < N_DEVICE_TYPES; i++) {
		double ridge = roofline_ridge(&plot->device[i], ROOFLINE_MEMORY);
		if (!isnan(ridge))
			end = i && end < axes->right ? fmax(end, log10(ridge)) : log10(ridge);
	}
	double from = pow(10, axes->left), to = pow(10, end);
	struct dots dots = dots_new(plot->context->frame, axes->columns, axes->rows);
	dots_dashes(&dots, dot_x(axes, from), dot_y(axes, from * memory->best), dot_x(axes, to),
		    dot_y(axes, to * memory->best));
	dots_draw(&dots, &plot->canvas, MEANING_BAR);
	char rate[TEXT_BYTES], label[64];
	snprintf(label, sizeof label, "GPU copy %s",
		 text_rate(rate, sizeof rate, memory->best, "B/s"));
	double in = fmax(axes->left, axes->bottom - log10(memory->best));
	int x = column_of(axes, pow(10, in)) + 1;
	int y = row_of(axes, pow(10, in) * memory->best) - 2;
	if (y >= 0 && x + text_width(label) <= axes->columns)
		canvas_text(&plot->canvas, x, y, axes->columns, MEANING_TEXT, label);
}

static void draw_device(struct plot *plot)
{
	draw_device_slope(plot);
	/* Where the CPUs' name stands. */
	if (plot->roofline.compute)
		plot->right_labelled[plot->n_right++] =
			row_of(&plot->axes, plot->roofline.compute->best) - 1;
	for (int i = N_DEVICE_TYPES; i-- > 0;)
		draw_device_roof(plot, &plot->device[i], device_types[i]);
}

/* "100 G": a decade without its unit, which the header has. */
static const char *decade_text(char *out, size_t bytes, int decade)
{
	static const char *const prefixes[] = { "", "k", "M", "G", "T", "P", "E" };
	int group = decade >= 0 ? decade / 3 : 0;
	if (decade < 0 || group > 6)
		snprintf(out, bytes, "%g", pow(10, decade));
	else
		snprintf(out, bytes, "%g %s", pow(10, decade - 3 * group), prefixes[group]);
	return out;
}

static void draw_axes(const struct plot *plot, const struct canvas *canvas, int x, int y)
{
	const struct axes *axes = &plot->axes;
	char label[TEXT_BYTES];
	int last_end = -1;
	for (int row = 0; row < axes->rows; row++)
		canvas_text(canvas, x - 1, y + row, 1, MEANING_DIM, "\u2502");
	for (int column = 0; column < axes->columns; column++)
		canvas_text(canvas, x + column, y + axes->rows, 1, MEANING_DIM, "\u2500");
	for (int decade = (int)ceil(axes->bottom); decade <= (int)floor(axes->top); decade++) {
		int row = row_of(axes, pow(10, decade));
		decade_text(label, sizeof label, decade);
		canvas_text(canvas, x - 2 - text_width(label) > 0 ? x - 2 - text_width(label) : 0,
			    y + row, ROOFLINE_LABEL_COLUMNS - 1, MEANING_DIM, label);
	}
	for (int decade = (int)ceil(axes->left); decade <= (int)floor(axes->right); decade++) {
		int column = column_of(axes, pow(10, decade));
		snprintf(label, sizeof label, "%g", pow(10, decade));
		int start = column - text_width(label) / 2;
		if (start <= last_end || start + text_width(label) > axes->columns)
			continue;
		canvas_text(canvas, x + start, y + axes->rows, axes->columns, MEANING_DIM, label);
		last_end = start + text_width(label);
	}
}

static void draw_ridge(const struct plot *plot, const struct canvas *canvas, int x, int y)
{
	double ridge = roofline_ridge(&plot->roofline, ROOFLINE_MEMORY);
	char label[48];
	if (isnan(ridge))
		return;
	int column = column_of(&plot->axes, ridge);
	snprintf(label, sizeof label, "\u25b2 %.3g", ridge);
	if (column >= 0 && column + text_width(label) < plot->axes.columns)
		canvas_text(canvas, x + column, y + plot->axes.rows, plot->axes.columns,
			    MEANING_TEXT, label);
}

uint32_t roofline_most_threads(const struct roofline_state *state)
{
	uint32_t most = 0;
	for (size_t i = 0; i < state->phases->n; i++)
		if (state->phases->rows[i].n_threads > most)
			most = state->phases->rows[i].n_threads;
	return most ? most : UINT32_MAX;
}

void roofline_plot_draw(const struct roofline_state *state, const struct view_context *context,
			const struct canvas *canvas)
{
	struct plot plot = { .state = state, .context = context };
	int rows = roofline_plot_rows(state), y = roofline_header_rows(state);
	roofline_make(&plot.roofline, state->ceilings, "f32", roofline_most_threads(state));
	for (int i = 0; i < N_DEVICE_TYPES && state->device.has_work; i++)
		roofline_make(&plot.device[i], state->device.ceilings, device_types[i], UINT32_MAX);
	plot.axes = axes_of(state, &plot.roofline, plot.device);
	plot.axes.columns = canvas->width - ROOFLINE_LABEL_COLUMNS;
	plot.axes.rows = rows;
	plot.canvas = canvas_part(canvas, ROOFLINE_LABEL_COLUMNS, y, plot.axes.columns, rows);
	draw_axes(&plot, canvas, ROOFLINE_LABEL_COLUMNS, y);
	for (int level = N_ROOFLINE_LEVELS; level-- > 0;)
		draw_slope(&plot, level);
	draw_roof(&plot);
	for (int level = 0; level < N_ROOFLINE_LEVELS; level++)
		plot.labelled[level] = -1;
	for (int level = 0; level < N_ROOFLINE_LEVELS; level++)
		draw_name(&plot, level);
	draw_device(&plot);
	draw_ridge(&plot, canvas, ROOFLINE_LABEL_COLUMNS, y);
	draw_points(&plot);
}
