/*
 * The program's own terminal: what it wrote, and typing into it. output_terminal.c makes the lines.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/recording.h"
#include "tui/actions.h"
#include "tui/line_edit.h"
#include "tui/list_keys.h"
#include "tui/output_state.h"
#include "tui/view.h"

static size_t rows_of(const struct output_state *state)
{
	return state->height > 1 ? (size_t)state->height - 1 : 1;
}

static void keep_in_range(struct output_state *state)
{
	size_t n = output_lines(state), rows = rows_of(state), last = n > rows ? n - rows : 0;
	if (!state->is_back || state->top >= last) {
		state->top = last;
		state->is_back = false;
	}
}

static void fit_terminal(const struct output_state *state, const struct view_context *context)
{
	if (context->child && state->height > 1 && state->width <= OUTPUT_MOST_COLUMNS &&
	    state->height <= OUTPUT_MOST_ROWS)
		context->child->resize(context->child->into, state->width, state->height - 1);
}

static bool output_update(void *opaque, const struct view_context *context)
{
	struct output_state *state = opaque;
	struct moment moment = recording_moment(context->recording);
	uint64_t n = moment.n[TABLE_OUTPUTS];
	size_t n_sizes = state->n_sizes;
	output_take_sizes(state, context->recording, moment.n[TABLE_FACTS]);
	bool is_changed =
		state->next_byte < n || state->n_sizes != n_sizes || state->must_draw ||
		state->width != context->width || state->height != context->height ||
		strncmp(state->searched, context->search, sizeof state->searched - 1) != 0;
	if (state->is_typed_into && !context->child) {
		state->is_typed_into = false; /* it has ended */
		is_changed = true;
	}
	output_feed(state, context, n);
	strncpy(state->searched, context->search, sizeof state->searched - 1);
	state->must_draw = false;
	state->width = context->width;
	state->height = context->height;
	fit_terminal(state, context);
	if (is_changed)
		keep_in_range(state);
	return is_changed;
}

static void draw_header(const struct output_state *state, const struct view_context *context,
			const struct canvas *canvas, size_t n)
{
	char text[96];
	int x = canvas_print(canvas, 0, 0, MEANING_HEADER, "Output  ");
	if (n == 0) {
		canvas_text(canvas, x, 0, canvas->width - x, MEANING_DIM,
			    !context->is_live ? "nothing was written, or it went elsewhere: only a "
						"live screen keeps it"
			    : context->child  ? "nothing so far"
					      : "goes where it went before: the program was not "
						"started here");
		return;
	}
	size_t rows = rows_of(state);
	x += canvas_print(canvas, x, 0, MEANING_DIM, "lines %zu-%zu of %zu%s%s", state->top + 1,
			  state->top + rows < n ? state->top + rows : n, n,
			  state->is_back ? "; G follows the end" : "",
			  output_shortcoming(state, text, sizeof text));
	if (state->is_refused)
		canvas_text(canvas, x, 0, canvas->width - x, MEANING_WARNING,
			    "; keys were lost: the program reads none");
}

static void output_draw(const void *opaque, const struct view_context *context,
			const struct canvas *canvas)
{
	const struct output_state *state = opaque;
	size_t n = output_lines(state), rows = rows_of(state);
	char text[OUTPUT_LINE_BYTES];
	draw_header(state, context, canvas, n);
	for (size_t i = 0; i < rows && state->top + i < n; i++) {
		size_t at = state->top + i;
		output_draw_line(state, context, canvas, (int)i + 1, at);
		if (context->pattern &&
		    regexec(context->pattern, output_text_of(state, at, text), 0, NULL, 0) == 0)
			canvas_mark(canvas, 0, (int)i + 1, canvas->width, MEANING_MATCH);
	}
}

/* ---- keys */

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	struct output_state *state = opaque;
	long at = (long)state->top + list_step(input->key, (long)rows_of(state));
	(void)context;
	state->top = at < 0 ? 0 : (size_t)at;
	state->is_back = true; /* keep_in_range ends that at the end */
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned begin_typing(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct output_state *state = opaque;
	(void)input;
	state->is_typed_into = context->child != NULL;
	state->is_back = state->is_refused = false;
	state->must_draw = true;
	return REACTION_REDRAW;
}

static bool is_typed_into(const void *opaque)
{
	return ((const struct output_state *)opaque)->is_typed_into;
}

/* A click is what focuses terminals elsewhere. The program sees it too, if it wants to. */
static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	begin_typing(opaque, context, input);
	if (context->child)
		output_send_mouse(opaque, context, input);
	return REACTION_REDRAW;
}

/* What has a place: the program's, if it wants it; else the wheel looks back as in any terminal. */
static unsigned point(struct output_state *state, const struct view_context *context,
		      const struct input *input)
{
	if (output_send_mouse(state, context, input))
		return REACTION_REDRAW;
	if (input->key == KEY_WHEEL_UP || input->key == KEY_WHEEL_DOWN)
		return move_key(state, context, input);
	return REACTION_REDRAW;
}

static unsigned type(void *opaque, const struct view_context *context, const struct input *input)
{
	struct output_state *state = opaque;
	char bytes[5];
	state->must_draw = true;
	if (context->child && input->key >= KEY_CLICK && input->key <= KEY_MOUSE_MOVED)
		return point(state, context, input);
	state->is_back = false; /* what is typed is looked at */
	if (input->key == KEY_CONTROL_BRACKET || !context->child) {
		state->is_typed_into = false;
		return REACTION_REDRAW;
	}
	size_t n = line_edit_encode(input->key, bytes);
	if (n > 0)
		state->is_refused = !context->child->type(context->child->into, bytes, n);
	else
		output_send_key(state, context, input->key);
	return REACTION_REDRAW;
}

static const struct binding bindings[] = {
	{ KEY_RETURN, 't', "Enter", "type into the program, Ctrl-] comes back", begin_typing,
	  true },
	{ '/', KEY_FUNCTION_3, "/", "mark lines that match", action_search, true },
	{ KEY_FINISH, 'G', "G", "follow the end", move_key, true },
	{ KEY_START, 'g', "g", "to the start", move_key, true },
	{ KEY_ARROW_UP, 'k', "Up k", "up", move_key, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "down", move_key, false },
	{ KEY_PAGE_UP, 'b', "PgUp b", "page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "page down", move_key, false },
	{ KEY_CONTROL_B, KEY_CONTROL_F, "Ctrl-B Ctrl-F", "page up, page down", move_key, false },
	{ KEY_CONTROL_U, KEY_CONTROL_D, "Ctrl-U Ctrl-D", "half a page up, half a page down",
	  move_key, false },
	{ KEY_CLICK, KEY_DOUBLE_CLICK, "click",
	  "type into the program; its mouse if it asks for it", click, false },
	{ KEY_WHEEL_UP, 0, "wheel", "up", move_key, false },
	{ KEY_WHEEL_DOWN, 0, "wheel", "down", move_key, false },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	(void)opaque;
	(void)context;
	return (struct view_subject){ .kind = SUBJECT_OUTPUT, .name = "the program's terminal" };
}

const struct view view_output = {
	.name = "output",
	.title = "Output",
	.summary = "the program's own terminal: what it wrote, and typing into it",
	.order = 7,
	.state_bytes = sizeof(struct output_state),
	.bindings = bindings,
	.update = output_update,
	.draw = output_draw,
	.close = output_close,
	.is_typed_into = is_typed_into,
	.type = type,
	.takes_mouse = output_takes_mouse,
	.subject = subject,
	.is_always_updated = true,
};
