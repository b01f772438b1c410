/* Functions by their own time or by their time with callees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/rates.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tui/imported.h"
#include "tui/list_keys.h"
#include "tui/view.h"
#include "tui/window.h"

enum { MOST_FUNCTIONS = 20000, HEADER_ROWS = 1, RATE_COLUMNS = 18, LEAST_NAME = 24 };

struct state {
	struct tree *tree;
	struct tree_function *functions, *shown;
	size_t n_functions, n_shown, selected, first;
	bool is_by_inclusive, must_sort;
	char searched[256];
	int width, height;
	uint32_t series;    /* weighed by; 0 = what was asked for first */
	struct rates rates; /* of events that were sampled together: a column each */
	struct tree_sums *sums;
};

static int by_inclusive(const void *a, const void *b)
{
	const struct tree_function *left = a, *right = b;
	if (left->inclusive != right->inclusive)
		return left->inclusive > right->inclusive ? -1 : 1;
	return left->function < right->function ? -1 : left->function > right->function;
}

static void choose(struct state *state, const struct view_context *context)
{
	state->n_shown = 0;
	for (size_t i = 0; i < state->n_functions; i++) {
		const char *name =
			recording_string_at(context->recording, state->functions[i].name);
		if (!context->pattern || regexec(context->pattern, name, 0, NULL, 0) == 0)
			state->shown[state->n_shown++] = state->functions[i];
	}
	if (state->is_by_inclusive && state->n_shown)
		qsort(state->shown, state->n_shown, sizeof *state->shown, by_inclusive);
}

static void keep_visible(struct state *state)
{
	size_t rows = state->height > HEADER_ROWS ? (size_t)(state->height - HEADER_ROWS) : 1;
	if (state->selected >= state->n_shown)
		state->selected = state->n_shown ? state->n_shown - 1 : 0;
	if (state->selected < state->first)
		state->first = state->selected;
	if (state->selected >= state->first + rows)
		state->first = state->selected - rows + 1;
}

static void take_rates(struct state *state, const struct view_context *context)
{
	rates_find(&state->rates, context->recording, tree_series(state->tree));
	if (state->rates.n == 0)
		return;
	if (!state->sums)
		state->sums = tree_sums_open(context->recording, state->tree, state->rates.sums,
					     state->rates.n_sums);
	tree_sums_update(state->sums);
}

/* Sums are of a tree: they go before it does. */
static bool open_tree(struct state *state, const struct view_context *context)
{
	struct tree_options options = { .root = TREE_ROOT_NAME, .series = state->series };
	if (state->tree && window_differs(state->tree, context->focus)) {
		tree_sums_close(state->sums);
		state->sums = NULL;
	}
	return window_tree(&state->tree, &options, context);
}

static bool functions_update(void *opaque, const struct view_context *context)
{
	struct state *state = opaque;
	bool is_changed = open_tree(state, context);
	if (!state->functions) {
		state->functions = allocate(MOST_FUNCTIONS, sizeof *state->functions);
		state->shown = allocate(MOST_FUNCTIONS, sizeof *state->shown);
	}
	is_changed |= tree_update(state->tree);
	if (is_changed) {
		state->n_functions = tree_functions(state->tree, state->functions, MOST_FUNCTIONS);
		take_rates(state, context);
	}
	is_changed |= state->must_sort ||
		      strncmp(state->searched, context->search, sizeof state->searched - 1) != 0 ||
		      state->width != context->width || state->height != context->height;
	if (!is_changed)
		return false;
	snprintf(state->searched, sizeof state->searched, "%s", context->search);
	state->must_sort = false;
	state->width = context->width;
	state->height = context->height;
	choose(state, context);
	keep_visible(state);
	return true;
}

static const char *module_of(const struct view_context *context, uint32_t module)
{
	return imported_module(context->recording, module);
}

/* As many as leave the name its place; modules give way to them. */
static int n_rates_shown(const struct state *state, const struct canvas *canvas)
{
	int n = (canvas->width - 30 - LEAST_NAME) / RATE_COLUMNS;
	n = n < (int)state->rates.n ? n : (int)state->rates.n;
	return n > 0 ? n : 0;
}

static void draw_rates(const struct state *state, const struct canvas *canvas, int y,
		       uint32_t function)
{
	const uint64_t *sums = state->sums ? tree_sums_of_function(state->sums, function) : NULL;
	for (int i = 0; i < n_rates_shown(state, canvas); i++) {
		const struct rate *rate = &state->rates.rows[i];
		char text[TEXT_BYTES];
		rates_text(text, sizeof text, rate, rates_value(rate, sums));
		canvas_text(canvas, 29 + (i + 1) * RATE_COLUMNS - 2 - text_width(text), y,
			    RATE_COLUMNS, MEANING_TEXT, text);
	}
}

/* Each with the mark of where its values come from. */
static void draw_rate_names(const struct state *state, const struct canvas *canvas)
{
	for (int i = 0; i < n_rates_shown(state, canvas); i++) {
		const struct rate *rate = &state->rates.rows[i];
		char text[80];
		bool is_per_1000 = strcmp(rate->unit, "/1000") == 0;
		snprintf(text, sizeof text, "%s %s%s", origin_glyph(rate->origin), rate->name,
			 is_per_1000 ? "/k" : "");
		int width =
			text_width(text) < RATE_COLUMNS - 2 ? text_width(text) : RATE_COLUMNS - 2;
		canvas_text(canvas, 29 + (i + 1) * RATE_COLUMNS - 2 - width, 0, width,
			    MEANING_HEADER, text);
	}
}

static void draw_row(const struct state *state, const struct view_context *context,
		     const struct canvas *canvas, int y, size_t at)
{
	const struct tree_function *function = &state->shown[at];
	char self[TEXT_BYTES], with[TEXT_BYTES], count[TEXT_BYTES];
	uint32_t n;
	double whole = (double)tree_nodes(state->tree, &n)[0].total;
	int rates = n_rates_shown(state, canvas) * RATE_COLUMNS;
	int module_columns = canvas->width > 60 && !rates ? canvas->width / 4 : 0;
	int name_columns = canvas->width - 30 - module_columns - rates;
	canvas_print(canvas, 0, y, MEANING_TEXT, "%8s %8s %10s",
		     text_ratio(self, sizeof self, (double)function->exclusive / whole),
		     text_ratio(with, sizeof with, (double)function->inclusive / whole),
		     text_count(count, sizeof count, function->n_exclusive));
	draw_rates(state, canvas, y, function->function);
	canvas_text(canvas, 29 + rates, y, name_columns, MEANING_TEXT,
		    recording_string_at(context->recording, function->name));
	if (module_columns && function->module)
		canvas_text(canvas, 30 + name_columns, y, module_columns, MEANING_DIM,
			    module_of(context, function->module));
	if (at == state->selected)
		canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
}

static void functions_draw(const void *opaque, const struct view_context *context,
			   const struct canvas *canvas)
{
	const struct state *state = opaque;
	canvas_print(canvas, 0, 0, MEANING_HEADER, "%s %s    samples",
		     state->is_by_inclusive ? "    self" : "  self \u25bc",
		     state->is_by_inclusive ? "  with \u25bc" : "    with");
	int x = 30 - 1 + n_rates_shown(state, canvas) * RATE_COLUMNS;
	if (state->series)
		canvas_print(canvas, x, 0, MEANING_HEADER, "function, by %s",
			     recording_string_at(
				     context->recording,
				     recording_series(context->recording, state->series)->name));
	else
		canvas_text(canvas, x, 0, canvas->width, MEANING_HEADER,
			    "function (with = with callees)");
	draw_rate_names(state, canvas);
	if (state->n_shown == 0)
		canvas_text(canvas, 0, 1, canvas->width, MEANING_DIM,
			    context->pattern ? "Nothing matches the search; / and Enter clears it."
					     : "No sample yet.");
	for (int y = HEADER_ROWS; y < canvas->height; y++) {
		size_t at = state->first + (size_t)(y - HEADER_ROWS);
		if (at < state->n_shown)
			draw_row(state, context, canvas, y, at);
	}
}

static unsigned move(struct state *state, long rows)
{
	state->selected = list_move(state->selected, rows, state->n_shown);
	state->must_sort = true;
	return REACTION_REDRAW;
}

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	return move(opaque, list_step(input->key, context->height - 1));
}

static unsigned sort(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	state->is_by_inclusive = !state->is_by_inclusive;
	state->must_sort = true;
	return REACTION_REDRAW;
}

/* Another event needs another tree. */
static unsigned next_event(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct state *state = opaque;
	(void)input;
	if (!state->rates.n_sums)
		return REACTION_REDRAW;
	state->series = rates_next_event(context->recording, tree_series(state->tree));
	tree_sums_close(state->sums);
	tree_close(state->tree);
	state->sums = NULL;
	state->tree = NULL;
	state->selected = 0;
	return REACTION_REDRAW;
}

static unsigned search(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)opaque;
	(void)context;
	(void)input;
	return REACTION_SEARCH;
}

static unsigned to_flame(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	const struct state *state = opaque;
	(void)context;
	(void)input;
	return state->n_shown ? REACTION_TO_FLAME : REACTION_REDRAW;
}

static unsigned to_callers(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	const struct state *state = opaque;
	(void)input;
	if (!state->n_shown)
		return REACTION_REDRAW;
	context->focus->function = state->shown[state->selected].function;
	return REACTION_TO_CALLERS;
}

static unsigned to_lines(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	const struct state *state = opaque;
	(void)input;
	if (!state->n_shown)
		return REACTION_REDRAW;
	context->focus->function = state->shown[state->selected].function;
	return REACTION_TO_LINES;
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	return move(state, (long)state->first + input->y - HEADER_ROWS - (long)state->selected);
}

static const char *chosen(const void *opaque, const struct view_context *context)
{
	const struct state *state = opaque;
	return state->n_shown
		       ? recording_string_at(context->recording, state->shown[state->selected].name)
		       : "";
}

static void functions_close(void *opaque)
{
	struct state *state = opaque;
	tree_sums_close(state->sums);
	tree_close(state->tree);
	free(state->functions);
	free(state->shown);
}

static const struct binding bindings[] = {
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter", "show in the flame graph", to_flame, true },
	{ 'c', 's', "c", "callers and callees", to_callers, true },
	{ 'a', 0, "a", "annotate: its source lines with their time", to_lines, false },
	{ '/', 0, "/", "keep only what matches", search, true },
	{ '<', '>', "< >", "sort by self or with callees", sort, true },
	{ 'w', 0, "w", "by the next event that was sampled", next_event, false },
	{ KEY_ARROW_UP, 'k', "Up k", "up", move_key, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "down", move_key, false },
	{ KEY_PAGE_UP, 'b', "PgUp b", "page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "page down", move_key, false },
	{ KEY_START, 'g', "g", "to the first", move_key, false },
	{ KEY_FINISH, 'G', "G", "to the last", move_key, false },
	{ KEY_WHEEL_UP, 0, "wheel", "up", move_key, false },
	{ KEY_WHEEL_DOWN, 0, "wheel", "down", move_key, false },
	{ KEY_CLICK, 0, "click", "select", click, false },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct state *state = opaque;
	return subject_of_function(context->recording,
				   state->n_shown ? state->shown[state->selected].function : 0);
}

static size_t functions_held_bytes(const void *opaque)
{
	return tree_bytes(((const struct state *)opaque)->tree);
}

const struct view view_functions = {
	.name = "functions",
	.title = "Functions",
	.summary = "functions by their own time and with callees",
	.order = 3,
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = functions_update,
	.draw = functions_draw,
	.chosen = chosen,
	.subject = subject,
	.close = functions_close,
	.held_bytes = functions_held_bytes,
};
