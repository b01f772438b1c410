/* Boxes, legend and the lines below a flame graph. See flame_state.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/flame_state.h"
#include "tui/imported.h"
#include "tui/process_words.h"

/* In 78 columns. */
static const char no_phases[] =
	"No phase was told: built-in workloads do, and programs with probe.h or NVTX.  ";
enum { VALUE_COLUMNS = 12 };

static enum meaning meaning_of(const struct view_context *context, const struct tree_node *node)
{
	if (node->flags & TREE_THREAD || node->depth == 0)
		return MEANING_THREAD;
	if (node->flags & TREE_SPECIAL)
		return MEANING_SPECIAL;
	if (node->flags & TREE_KERNEL)
		return MEANING_KERNEL;
	if (node->flags & TREE_INLINED)
		return MEANING_INLINED;
	uint32_t flags = recording_function(context->recording, node->function)->flags;
	return flags & FUNCTION_JIT ? MEANING_JIT : MEANING_USER;
}

/* 0 … N_SHADES - 1, worse is darker; -1 where the value is not known. */
static int heat_of(const struct flame_state *state, uint32_t node)
{
	double value = flame_rate_of(state, node);
	if (isnan(value))
		return -1;
	double range = state->rate_high - state->rate_low;
	double ratio = range > 0 ? (value - state->rate_low) / range : 0;
	if (flame_rate(state)->is_low_bad)
		ratio = 1 - ratio;
	int shade = (int)(ratio * N_SHADES);
	return shade < 0 ? 0 : shade >= N_SHADES ? N_SHADES - 1 : shade;
}

/* Tenths of the scale, so that values can be read without colours; '-' = unknown. */
static char tenth_of(const struct flame_state *state, uint32_t node)
{
	double value = flame_rate_of(state, node);
	if (isnan(value))
		return '-';
	double range = state->rate_high - state->rate_low;
	double ratio = range > 0 ? (value - state->rate_low) / range : 0;
	int tenth = (int)(ratio * 10);
	return (char)('0' + (tenth < 0 ? 0 : tenth > 9 ? 9 : tenth));
}

char flame_letter_of(const struct flame_state *state, const struct view_context *context,
		     const struct tree_node *node)
{
	if (state->colour != FLAME_BY_MODULE || node->flags & (TREE_THREAD | TREE_SPECIAL) ||
	    node->depth == 0)
		return '\0';
	return flame_letter(state, recording_function(context->recording, node->function)->module);
}

static enum meaning colour_of(const struct flame_state *state, const struct view_context *context,
			      const struct flame_box *box)
{
	const struct tree_node *node = flame_node_at(state, box->node);
	char letter = flame_letter_of(state, context, node);
	if (box->node == state->look.selected)
		return MEANING_SELECTED;
	if (flame_is_found(state, context, node))
		return MEANING_MATCH;
	if (flame_rate(state))
		return heat_of(state, box->node) < 0 ? MEANING_SPECIAL : MEANING_HEAT;
	if (state->diff)
		return flame_change_meaning(state, box->node, &(int){ 0 });
	if (letter)
		return flame_meaning_of(letter);
	enum meaning meaning = meaning_of(context, node);
	bool is_function = meaning != MEANING_THREAD && meaning != MEANING_SPECIAL;
	return state->colour == FLAME_BY_MODULE && is_function ? MEANING_SPECIAL : meaning;
}

static const char *unit_of(const struct flame_state *state, const struct view_context *context)
{
	uint32_t series = tree_series(state->tree);
	return recording_string_at(context->recording,
				   recording_series(context->recording, series)->unit);
}

/* The value behind a box's name. */
static const char *value_of(const struct flame_state *state, const struct view_context *context,
			    const struct tree_node *node, char *out, size_t bytes)
{
	uint32_t whole = state->value == FLAME_OF_ZOOM ? state->look.zoom : 0;
	if (state->value == FLAME_ABSOLUTE)
		return text_value(out, bytes, (double)node->total, unit_of(state, context));
	return text_ratio(out, bytes,
			  (double)node->total / (double)flame_node_at(state, whole)->total);
}

static void draw_label(const struct flame_state *state, const struct view_context *context,
		       const struct canvas *canvas, const struct flame_box *box, int y)
{
	char label[160], value[TEXT_BYTES];
	int columns = box->width - 1;
	if (state->value != FLAME_NAMES && columns > VALUE_COLUMNS) {
		value_of(state, context, flame_node_at(state, box->node), value, sizeof value);
		columns -= text_width(value) + 1;
		canvas_box_text(canvas, box->x + 2 + columns, y, text_width(value), value);
	}
	canvas_box_text(canvas, box->x + 1, y, columns,
			tree_node_name(state->tree, box->node, label, sizeof label));
}

static void draw_box(const struct flame_state *state, const struct view_context *context,
		     const struct canvas *canvas, const struct flame_box *box, int shade)
{
	struct flame_place place = flame_place(state, state->look.is_upper);
	int y = flame_to_screen(&place, state->scroll, box->y);
	char letter[2] = { flame_letter_of(state, context, flame_node_at(state, box->node)) };
	if (y < 0)
		return;
	if (flame_rate(state)) {
		letter[0] = tenth_of(state, box->node);
		shade = heat_of(state, box->node) < 0 ? 0 : heat_of(state, box->node);
	}
	if (state->diff) {
		flame_change_meaning(state, box->node, &shade);
		letter[0] = *flame_change_mark(state, box->node);
	}
	canvas_fill(canvas, box->x, y, box->width, colour_of(state, context, box), shade);
	/* The mark at a box's left edge parts neighbours where there are no colours. */
	canvas_box_text(canvas, box->x, y, 1,
			letter[0]           ? letter
			: box->n_merged > 1 ? "\u250a"
					    : "\u258f");
	if (box->width > 2)
		draw_label(state, context, canvas, box, y);
}

static const char *module_name(const struct view_context *context, uint32_t module)
{
	return imported_module(context->recording, module);
}

static const char *module_of(const struct view_context *context, const struct tree_node *node)
{
	return module_name(context, recording_function(context->recording, node->function)->module);
}

static int draw_numbers(const struct flame_state *state, const struct view_context *context,
			const struct canvas *canvas, int y)
{
	const struct tree_node *node = flame_node_at(state, state->look.selected);
	double whole = (double)flame_node_at(state, 0)->total;
	char self[TEXT_BYTES], total[TEXT_BYTES], value[TEXT_BYTES], count[TEXT_BYTES];
	int x = canvas_print(
		canvas, 0, y, MEANING_TEXT, "%s with callees (%s), %s itself, %s samples  ",
		text_ratio(total, sizeof total, (double)node->total / whole),
		text_value(value, sizeof value, (double)node->total, unit_of(state, context)),
		text_ratio(self, sizeof self, (double)node->self / whole),
		text_count(count, sizeof count, node->n_self));
	if (flame_rate(state))
		x += canvas_print(canvas, x, y, MEANING_TEXT, "%s %s  ", flame_rate(state)->name,
				  rates_text(count, sizeof count, flame_rate(state),
					     flame_rate_of(state, state->look.selected)));
	return x;
}

static void draw_details(const struct flame_state *state, const struct view_context *context,
			 const struct canvas *canvas, int y)
{
	const struct tree_node *node = flame_node_at(state, state->look.selected);
	bool has_module = node->depth > 0 && !(node->flags & (TREE_THREAD | TREE_SPECIAL));
	char label[160];
	int x = state->diff ? flame_draw_change(state, canvas, y)
			    : draw_numbers(state, context, canvas, y);
	x += canvas_text(canvas, x, y, canvas->width - x, MEANING_HEADER,
			 tree_node_name(state->tree, state->look.selected, label, sizeof label));
	if (has_module)
		canvas_print(canvas, x, y, MEANING_DIM, "  %s", module_of(context, node));
}

/* What is left out or changed, so that no picture passes for the whole. */
static void draw_choices(const struct flame_state *state, const struct view_context *context,
			 const struct canvas *canvas, int x, int y)
{
	const struct tree_options *options = &state->look.options;
	struct flame_place place = flame_place(state, state->look.is_upper);
	if (options->focus)
		x += canvas_print(
			canvas, x, y, MEANING_DIM, "sandwich (s): callers of %.40s above  ",
			recording_string_at(
				context->recording,
				recording_function(context->recording, options->focus)->name));
	if (state->look.is_filtered)
		x += canvas_print(canvas, x, y, MEANING_DIM, "only what is found  ");
	if (options->hide_kernel)
		x += canvas_print(canvas, x, y, MEANING_DIM, "kernel hidden  ");
	if (options->only_kernel)
		x += canvas_print(canvas, x, y, MEANING_DIM, "only kernel  ");
	if (options->only_module)
		x += canvas_print(canvas, x, y, MEANING_DIM, "only %.40s  ",
				  module_name(context, options->only_module));
	if (options->hidden_module)
		x += canvas_print(canvas, x, y, MEANING_DIM, "%.40s hidden  ",
				  module_name(context, options->hidden_module));
	if (options->fold_recursion)
		x += canvas_print(canvas, x, y, MEANING_DIM, "recursion folded  ");
	if (state->look.zoom)
		x += canvas_print(canvas, x, y, MEANING_DIM, "zoomed (Esc)  ");
	if (state->flame.n_rows - place.first > place.rows)
		canvas_print(canvas, x, y, MEANING_DIM, "rows %d-%d of %d", state->scroll + 1,
			     state->scroll + place.rows, state->flame.n_rows - place.first);
}

static void draw_status(const struct flame_state *state, const struct view_context *context,
			const struct canvas *canvas, int y)
{
	char ratio[TEXT_BYTES];
	int x = 0;
	if (context->pattern)
		x = canvas_print(canvas, 0, y, MEANING_TEXT, "/%s  %s of the time  ",
				 context->search,
				 text_ratio(ratio, sizeof ratio,
					    (double)state->matched /
						    (double)flame_node_at(state, 0)->total));
	if (tree_get_options(state->tree)->root == TREE_ROOT_PHASE && !tree_has_phases(state->tree))
		x += canvas_text(canvas, x, y, canvas->width - x, MEANING_WARNING, no_phases);
	if (state->diff)
		x += flame_draw_gone(state, canvas, x, y);
	if (state->is_frozen)
		x += canvas_print(canvas, x, y, MEANING_WARNING, "frozen  ");
	if (state->is_decaying)
		x += canvas_print(canvas, x, y, MEANING_WARNING, "decaying: half each 5 s  ");
	if (state->look.options.series && !state->has_own_rates)
		x += canvas_print(canvas, x, y, MEANING_DIM, "widths by %.40s (w)  ",
				  recording_string_at(context->recording,
						      recording_series(context->recording,
								       state->look.options.series)
							      ->name));
	if (state->is_following)
		x += canvas_print(canvas, x, y, MEANING_DIM, "following the hottest  ");
	if (state->look.options.is_inverted)
		x += canvas_print(canvas, x, y, MEANING_DIM, "bottom-up: callers %s  ",
				  state->is_upwards ? "above" : "below");
	draw_choices(state, context, canvas, x, y);
}

static void draw_empty(const struct flame_state *state, const struct view_context *context,
		       const struct canvas *canvas)
{
	const struct tree_options *options = &state->look.options;
	bool is_narrowed = options->focus || options->only_kernel || options->only_module ||
			   state->look.is_filtered || state->from_ns || state->to_ns;
	if (is_narrowed) {
		canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
			    "No samples are left by what was chosen; u undoes, r shows "
			    "everything.");
		return;
	}
	canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
		    process_words_none(context,
				       context->is_live
					       ? "Waiting for the first sample; a program that "
						 "sleeps has none."
					       : "No samples were recorded; notes (4) say why."));
}

static void draw_side(const struct flame_state *state, const struct view_context *context,
		      const struct canvas *graph)
{
	int shade = 0, last_y = -1;
	for (size_t i = 0; i < state->flame.n_boxes; i++) {
		const struct flame_box *box = &state->flame.boxes[i];
		/* A node's shade is its own, but never its neighbour's. */
		int own = (int)(flame_node_at(state, box->node)->name % N_SHADES);
		shade = box->y == last_y && own == shade ? (own + 1) % N_SHADES : own;
		last_y = box->y;
		draw_box(state, context, graph, box, shade);
	}
}

/* The other half of a sandwich is drawn as this one is, in its place. */
static void draw_other_side(const struct flame_state *state, const struct view_context *context,
			    const struct canvas *graph)
{
	struct flame_state other = *state;
	other.sums = NULL; /* not ours to close; this side's have none */
	flame_swap_sides(&other);
	other.look.selected = UINT32_MAX; /* the selection is in this one */
	draw_side(&other, context, graph);
}

void flame_draw(const void *opaque, const struct view_context *context, const struct canvas *canvas)
{
	const struct flame_state *state = opaque;
	if (state->flame.n_boxes == 0) {
		draw_empty(state, context, canvas);
		return;
	}
	struct canvas graph = canvas_part(canvas, 0, 0, canvas->width, flame_rows_shown(state));
	draw_side(state, context, &graph);
	if (state->other.tree)
		draw_other_side(state, context, &graph);
	if (canvas->height <= FLAME_FOOTER_ROWS)
		return;
	flame_draw_legend(state, context, canvas, canvas->height - 3);
	draw_details(state, context, canvas, canvas->height - 2);
	draw_status(state, context, canvas, canvas->height - 1);
}
