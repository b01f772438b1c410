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
#include "tui/paragraph.h"
#include "tui/roofline_state.h"

enum { LABEL_COLUMNS = 7, NAME_COLUMNS = 24, VALUE_COLUMNS = 14 };

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
	struct roofline roofline;        /* of most threads and f32: what is drawn */
	int labelled[N_ROOFLINE_LEVELS]; /* rows that have a label; -1 = none */
};

static const char *name_of(const struct view_context *context, const struct roofline_phase *phase)
{
	return recording_string_at(context->recording, phase->name);
}

static double rate_of(const struct roofline_work *work)
{
	return work->flops / work->seconds;
}

static char letter_of(size_t place)
{
	return place < ROOFLINE_MOST_LETTERS ? (char)('a' + place) : '+';
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

/* Room for all dots, the ridge and something on both sides of it. */
static struct axes axes_of(const struct roofline_state *state, const struct roofline *roofline)
{
	struct axes axes = { INFINITY, -INFINITY, INFINITY, -INFINITY, 0, 0 };
	for (size_t i = 0; i < state->phases->n; i++) {
		const struct roofline_phase *phase = &state->phases->rows[i];
		if (!is_plottable(&phase->all))
			continue;
		widen(&axes.left, &axes.right, roofline_intensity(&phase->all));
		widen(&axes.left, &axes.right, phase->all.flops / phase->measured_bytes);
		widen(&axes.bottom, &axes.top, rate_of(&phase->all));
	}
	double ridge = roofline_ridge(roofline, ROOFLINE_MEMORY);
	widen(&axes.left, &axes.right, ridge / 10);
	widen(&axes.left, &axes.right, ridge * 10);
	if (roofline->compute)
		widen(&axes.bottom, &axes.top, roofline->compute->best);
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

static enum meaning meaning_of(const struct roofline_phase *phase)
{
	double ratio = phase->all_verdict.attained_ratio;
	return isnan(ratio) ? MEANING_TEXT : ratio < 0.5 ? MEANING_WARNING : MEANING_GOOD;
}

/* A letter by the bytes that the program states, the same in capitals by those that were counted.
 * The longest phases come last and stay on top. */
static void draw_points(const struct plot *plot)
{
	const struct roofline_phases *phases = plot->state->phases;
	for (size_t i = phases->n; i-- > 0;) {
		const struct roofline_phase *phase = &phases->rows[i];
		char letter[2] = { letter_of(i) };
		if (!is_plottable(&phase->all))
			continue;
		int y = row_of(&plot->axes, rate_of(&phase->all));
		enum meaning meaning =
			i == plot->state->selected ? MEANING_SELECTED : meaning_of(phase);
		if (phase->measured_bytes > 0) {
			char capital[2] = { letter[0] == '+' ? '+' : (char)(letter[0] - 32) };
			canvas_text(
				&plot->canvas,
				column_of(&plot->axes, phase->all.flops / phase->measured_bytes), y,
				1, meaning, capital);
		}
		canvas_text(&plot->canvas, column_of(&plot->axes, roofline_intensity(&phase->all)),
			    y, 1, meaning, letter);
	}
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
			    y + row, LABEL_COLUMNS - 1, MEANING_DIM, label);
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

static uint32_t most_threads(const struct roofline_state *state)
{
	uint32_t most = 0;
	for (size_t i = 0; i < state->phases->n; i++)
		if (state->phases->rows[i].n_threads > most)
			most = state->phases->rows[i].n_threads;
	return most ? most : UINT32_MAX;
}

static void draw_plot(const struct roofline_state *state, const struct view_context *context,
		      const struct canvas *canvas)
{
	struct plot plot = { .state = state, .context = context };
	int rows = roofline_plot_rows(state), y = ROOFLINE_HEADER_ROWS;
	roofline_make(&plot.roofline, state->ceilings, "f32", most_threads(state));
	plot.axes = axes_of(state, &plot.roofline);
	plot.axes.columns = canvas->width - LABEL_COLUMNS;
	plot.axes.rows = rows;
	plot.canvas = canvas_part(canvas, LABEL_COLUMNS, y, plot.axes.columns, rows);
	draw_axes(&plot, canvas, LABEL_COLUMNS, y);
	for (int level = N_ROOFLINE_LEVELS; level-- > 0;)
		draw_slope(&plot, level);
	draw_roof(&plot);
	for (int level = 0; level < N_ROOFLINE_LEVELS; level++)
		plot.labelled[level] = -1;
	for (int level = 0; level < N_ROOFLINE_LEVELS; level++)
		draw_name(&plot, level);
	draw_ridge(&plot, canvas, LABEL_COLUMNS, y);
	draw_points(&plot);
}

/* ---- words */

static void draw_header(const struct roofline_state *state, const struct view_context *context,
			const struct canvas *canvas)
{
	struct roofline roofline;
	int x = canvas_print(canvas, 0, 0, MEANING_HEADER, "FLOP/s by FLOP/B");
	if (!state->ceilings) {
		canvas_print(canvas, x, 0, MEANING_WARNING,
			     "  no ceilings: `stoke bench` measures them in some 10 s");
		return;
	}
	roofline_make(&roofline, state->ceilings, "f32", most_threads(state));
	uint32_t n = roofline.compute ? roofline.compute->n_threads : 0;
	if (n)
		x += canvas_print(canvas, x, 0, MEANING_TEXT, "  %s ceilings of %u thread%s",
				  origin_glyph(ORIGIN_SOFTWARE), n, n == 1 ? "" : "s");
	x += canvas_print(canvas, x, 0, MEANING_TEXT, "  %s phases' exact work",
			  origin_glyph(ORIGIN_MODELLED));
	canvas_print(canvas, x, 0, MEANING_DIM, "  %s",
		     state->is_recent && !context->focus->from_ns ? "of the last 5 s (m)"
								  : "of all the time");
}

static const char *bound_text(const struct roofline_verdict *verdict)
{
	switch (verdict->bound) {
	case BOUND_COMPUTE:
		return "arithmetic";
	case BOUND_MEMORY:
		return roofline_level_name(verdict->level);
	case BOUND_BEATEN:
		return "none: beaten";
	default:
		return TEXT_UNKNOWN;
	}
}

static int put_value(const struct canvas *canvas, int x, int y, int columns, double value,
		     const char *unit)
{
	char text[TEXT_BYTES];
	if (strcmp(unit, "FLOP/B") == 0 && !isnan(value))
		snprintf(text, sizeof text, "%.3g", value);
	else
		text_value(text, sizeof text, value, unit);
	int blank = columns - 1 - text_width(text);
	canvas_text(canvas, x + (blank > 0 ? blank : 0), y, columns, MEANING_TEXT, text);
	return x + columns;
}

static int name_columns(const struct canvas *canvas)
{
	int rest = canvas->width - 2 - 8 - 2 * VALUE_COLUMNS - 9 - 13;
	if (canvas->width >= 110)
		rest -= VALUE_COLUMNS;
	return rest > 40 ? 40 : rest > 8 ? rest : 8;
}

static void draw_row(const struct roofline_state *state, const struct view_context *context,
		     const struct canvas *canvas, int y, size_t place)
{
	const struct roofline_phase *phase = &state->phases->rows[place];
	const struct roofline_work *work = &phase->all;
	char letter[2] = { letter_of(place) };
	int columns = name_columns(canvas), x = 2 + columns;
	canvas_text(canvas, 0, y, 1, meaning_of(phase), letter);
	canvas_text(canvas, 2, y, columns - 1, MEANING_TEXT, name_of(context, phase));
	x = put_value(canvas, x, y, 8, roofline_intensity(work), "FLOP/B");
	x = put_value(canvas, x, y, VALUE_COLUMNS, rate_of(work), "FLOP/s");
	x = put_value(canvas, x, y, VALUE_COLUMNS, work->bytes / work->seconds, "B/s");
	if (canvas->width >= 110)
		x = put_value(canvas, x, y, VALUE_COLUMNS, phase->measured_bytes / work->seconds,
			      "B/s");
	x = put_value(canvas, x, y, 9, phase->all_verdict.attained_ratio, "ratio");
	canvas_text(canvas, x, y, canvas->width - x, MEANING_DIM, bound_text(&phase->all_verdict));
	if (place == state->selected)
		canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
}

static void draw_table(const struct roofline_state *state, const struct view_context *context,
		       const struct canvas *canvas, int y)
{
	int rows = roofline_table_rows(state), columns = name_columns(canvas);
	if (rows < 1)
		return;
	canvas_text(canvas, 2, y, columns, MEANING_HEADER, "phase");
	canvas_print(canvas, 2 + columns, y, MEANING_HEADER, "%7s %13s %13s ", "FLOP/B", "FLOP/s",
		     "B/s \u2248");
	int x = 2 + columns + 8 + 2 * VALUE_COLUMNS;
	if (canvas->width >= 110) {
		canvas_print(canvas, x, y, MEANING_HEADER, "%13s ", "B/s counted");
		x += VALUE_COLUMNS;
	}
	canvas_print(canvas, x, y, MEANING_HEADER, "%8s bound", "of bound");
	for (int i = 1; i < rows && state->first + (size_t)i - 1 < state->phases->n; i++)
		draw_row(state, context, canvas, y + i, state->first + (size_t)i - 1);
}

/* The selected phase in words: what it did, and what the bound is made of. */
static void draw_details(const struct roofline_state *state, const struct view_context *context,
			 const struct canvas *canvas, int y)
{
	const struct roofline_phase *phase = &state->phases->rows[state->selected];
	const struct roofline_verdict *verdict = &phase->all_verdict;
	const struct roofline *roofline = &phase->roofline;
	char seconds[TEXT_BYTES], count[TEXT_BYTES], least[TEXT_BYTES], lost[TEXT_BYTES];
	char rate[TEXT_BYTES];
	int x = canvas_print(
		canvas, 0, y, MEANING_TEXT, "%.40s: %s in %s run%s", name_of(context, phase),
		text_duration(seconds, sizeof seconds, phase->all.seconds * 1e9),
		text_count(count, sizeof count, phase->n_spans), phase->n_spans == 1 ? "" : "s");
	if (phase->n_threads)
		x += canvas_print(canvas, x, y, MEANING_TEXT, ", %u thread%s", phase->n_threads,
				  phase->n_threads == 1 ? "" : "s");
	if (phase->measured_bytes > 0)
		canvas_print(canvas, x, y, MEANING_TEXT, "; %s %s counted",
			     origin_glyph(phase->measured_origin),
			     text_rate(rate, sizeof rate,
				       phase->measured_bytes / phase->all.seconds, "B/s"));
	y++;
	if (verdict->bound == BOUND_UNKNOWN) {
		canvas_text(canvas, 0, y, canvas->width, MEANING_DIM,
			    state->ceilings ? "Its bound is not known: no ceiling fits its work."
					    : "Its bound is not known: nobody measured ceilings "
					      "here; run `stoke bench` and record again.");
		return;
	}
	if (verdict->bound == BOUND_BEATEN) {
		canvas_text(canvas, 0, y, canvas->width, MEANING_WARNING,
			    "It is faster than every ceiling allows: they were measured too low, "
			    "or its work is not what it states.");
		return;
	}
	const struct ceiling *bound = verdict->bound == BOUND_COMPUTE
					      ? roofline->compute
					      : roofline->levels[verdict->level];
	canvas_print(canvas, 0, y, MEANING_TEXT, "Bound: %s, %s (%.30s): %s at least, %s lost",
		     bound_text(verdict),
		     bound ? text_rate(rate, sizeof rate, bound->best, bound->unit) : TEXT_UNKNOWN,
		     bound ? bound->name : "",
		     text_duration(least, sizeof least, verdict->least_seconds * 1e9),
		     text_duration(lost, sizeof lost, verdict->lost_seconds * 1e9));
}

void roofline_draw(const void *opaque, const struct view_context *context,
		   const struct canvas *canvas)
{
	const struct roofline_state *state = opaque;
	draw_header(state, context, canvas);
	int plot_rows = roofline_plot_rows(state);
	if (plot_rows > 0)
		draw_plot(state, context, canvas);
	int y = canvas->height - ROOFLINE_DETAIL_ROWS - roofline_table_rows(state);
	if (state->phases->n == 0) {
		const struct canvas words = canvas_part(
			canvas, 0, ROOFLINE_HEADER_ROWS + plot_rows + ROOFLINE_AXIS_ROWS,
			canvas->width, canvas->height);
		paragraph_draw(&words, 0, 0, words.width, MEANING_DIM,
			       "No phase has told its work. Built-in workloads do (`stoke run "
			       "gemm`), and any program that calls probe_phase_end of probe.h "
			       "with its FLOPs and bytes.");
		return;
	}
	draw_table(state, context, canvas, y);
	if (canvas->height > ROOFLINE_DETAIL_ROWS)
		draw_details(state, context, canvas, canvas->height - ROOFLINE_DETAIL_ROWS);
}
