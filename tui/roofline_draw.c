/* What is said in words around the plot: header, legend, the selected row. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/paragraph.h"
#include "tui/roofline_state.h"

static void draw_header(const struct roofline_state *state, const struct view_context *context,
			const struct canvas *canvas)
{
	struct roofline roofline;
	int x = canvas_print(canvas, 0, 0, MEANING_HEADER, "FLOP/s by FLOP/B");
	if (state->phases->is_modelled) {
		canvas_print(canvas, x, 0, MEANING_WARNING,
			     "  slowed by the cache model: only FLOP/B is the program's own");
		return;
	}
	if (!state->ceilings) {
		canvas_print(canvas, x, 0, MEANING_WARNING,
			     "  no ceilings: `stoke bench` measures them in some 10 s");
		return;
	}
	roofline_make(&roofline, state->ceilings, "f32", roofline_most_threads(state));
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

/* What is whose, for screens without colour. */
static void draw_legend(const struct roofline_state *state, const struct canvas *canvas)
{
	const struct roofline_device *device = &state->device;
	if (!device->has_work)
		return;
	int x = canvas_print(canvas, 0, 1, MEANING_DIM,
			     "letters: phases  lines: CPU  digits, dashes: GPU %u %.24s  ",
			     device->index, roofline_device_name(device));
	if (device->ceilings)
		canvas_print(canvas, x, 1, MEANING_TEXT, "%s measured",
			     origin_glyph(ORIGIN_SOFTWARE));
	else
		canvas_print(canvas, x, 1, MEANING_WARNING,
			     TEXT_UNKNOWN " its ceilings: `stoke bench`");
}

/* The selected one in words: what it did, and what the bound is made of. */
static void draw_phase(const struct view_context *context, const struct canvas *canvas, int y,
		       const struct roofline_phase *phase)
{
	char seconds[TEXT_BYTES], count[TEXT_BYTES], rate[TEXT_BYTES];
	int x = canvas_print(canvas, 0, y, MEANING_TEXT, "%.40s: %s in %s run%s",
			     recording_string_at(context->recording, phase->name),
			     text_duration(seconds, sizeof seconds, phase->all.seconds * 1e9),
			     text_count(count, sizeof count, phase->n_spans),
			     phase->n_spans == 1 ? "" : "s");
	if (phase->n_threads)
		x += canvas_print(canvas, x, y, MEANING_TEXT, ", %u thread%s", phase->n_threads,
				  phase->n_threads == 1 ? "" : "s");
	if (phase->measured_bytes > 0)
		canvas_print(canvas, x, y, MEANING_TEXT, "; %s %s counted",
			     origin_glyph(phase->measured_origin),
			     text_rate(rate, sizeof rate,
				       phase->measured_bytes / phase->all.seconds, "B/s"));
}

static void draw_kernel(const struct view_context *context, const struct canvas *canvas, int y,
			const struct roofline_kernel *kernel)
{
	char seconds[TEXT_BYTES], count[TEXT_BYTES];
	canvas_print(canvas, 0, y, MEANING_TEXT,
		     "%.40s: %s %s on GPU %u in %s launch%s whose work is told",
		     recording_string_at(context->recording, kernel->name),
		     origin_glyph(ORIGIN_MEASURED),
		     text_duration(seconds, sizeof seconds, kernel->work.seconds * 1e9),
		     kernel->device, text_count(count, sizeof count, kernel->n),
		     kernel->n == 1 ? "" : "es");
}

static const char *unknown_text(const struct roofline_state *state,
				const struct roofline_item *item)
{
	if (!item->is_on_device && state->phases->is_modelled)
		return "The cache model slowed it: its bound shows in a recording without "
		       "--model.";
	if (item->is_on_device && !state->device.ceilings)
		return "Its bound is not known: nobody measured the GPU; run `stoke bench` and "
		       "record again.";
	if (item->is_on_device || state->ceilings)
		return "Its bound is not known: no ceiling fits its work.";
	return "Its bound is not known: nobody measured ceilings here; run `stoke bench` and "
	       "record again.";
}

static void draw_bound(const struct roofline_state *state, const struct canvas *canvas, int y,
		       const struct roofline_item *item)
{
	const struct roofline_verdict *verdict = item->verdict;
	char rate[TEXT_BYTES], least[TEXT_BYTES], lost[TEXT_BYTES];
	if (verdict->bound == BOUND_UNKNOWN) {
		canvas_text(canvas, 0, y, canvas->width, MEANING_DIM, unknown_text(state, item));
		return;
	}
	if (verdict->bound == BOUND_BEATEN) {
		canvas_text(canvas, 0, y, canvas->width, MEANING_WARNING,
			    "It is faster than every ceiling allows: they were measured too low, "
			    "or its work is not what it states.");
		return;
	}
	const struct ceiling *bound = verdict->bound == BOUND_COMPUTE
					      ? item->roofline->compute
					      : item->roofline->levels[verdict->level];
	canvas_print(canvas, 0, y, MEANING_TEXT, "Bound: %s, %s (%.30s): %s at least, %s lost",
		     roofline_bound_text(item),
		     bound ? text_rate(rate, sizeof rate, bound->best, bound->unit) : TEXT_UNKNOWN,
		     bound ? bound->name : "",
		     text_duration(least, sizeof least, verdict->least_seconds * 1e9),
		     text_duration(lost, sizeof lost, verdict->lost_seconds * 1e9));
}

static void draw_details(const struct roofline_state *state, const struct view_context *context,
			 const struct canvas *canvas, int y)
{
	const struct roofline_item item = roofline_item_at(state, state->selected);
	if (item.kernel)
		draw_kernel(context, canvas, y, item.kernel);
	else
		draw_phase(context, canvas, y, item.phase);
	draw_bound(state, canvas, y + 1, &item);
}

void roofline_draw(const void *opaque, const struct view_context *context,
		   const struct canvas *canvas)
{
	const struct roofline_state *state = opaque;
	draw_header(state, context, canvas);
	draw_legend(state, canvas);
	int plot_rows = roofline_plot_rows(state);
	if (plot_rows > 0)
		roofline_plot_draw(state, context, canvas);
	if (roofline_count(state) == 0) {
		const struct canvas words = canvas_part(
			canvas, 0, roofline_header_rows(state) + plot_rows + ROOFLINE_AXIS_ROWS,
			canvas->width, canvas->height);
		paragraph_draw(&words, 0, 0, words.width, MEANING_DIM,
			       "No phase has told its work. Built-in workloads do (`stoke run "
			       "gemm`), and any program that calls probe_phase_end of probe.h "
			       "with its FLOPs and bytes.");
		return;
	}
	roofline_table_draw(state, context, canvas);
	if (canvas->height > ROOFLINE_DETAIL_ROWS)
		draw_details(state, context, canvas, canvas->height - ROOFLINE_DETAIL_ROWS);
}
