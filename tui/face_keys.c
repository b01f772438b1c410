/*
 * Keys: the prompt's first, then what lies over the view, then the view's own, then those that
 * work everywhere. What people mapped comes before the tables.
 */
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/face_state.h"
#include "tui/list.h"
#include "tui/list_keys.h"

void face_set_search(struct face *face, const char *text)
{
	regex_t pattern;
	char error[128];
	int code = *text ? regcomp(&pattern, text, REG_EXTENDED | REG_NOSUB) : 0;
	if (code != 0) {
		regerror(code, &pattern, error, sizeof error);
		face_tell(face, MEANING_WARNING, "/%.100s is no pattern: %.100s", text, error);
		return;
	}
	if (face->has_pattern)
		regfree(&face->pattern);
	face->has_pattern = *text != '\0';
	if (face->has_pattern)
		face->pattern = pattern;
	snprintf(face->search, sizeof face->search, "%s", text);
}

/* A name as a pattern that finds just it. */
static void search_name(struct face *face, const char *name)
{
	char quoted[FACE_SEARCH_BYTES] = "^";
	size_t n = 1;
	for (; *name && n + 4 < sizeof quoted; name++) {
		if (strchr("\\^$.[]|()*+?{}", *name))
			quoted[n++] = '\\';
		quoted[n++] = *name;
	}
	quoted[n++] = *name ? '\0' : '$'; /* a name cut short finds all that begin so */
	quoted[n] = '\0';
	face_set_search(face, quoted);
}

static void type_search(struct face *face, int key)
{
	enum line_outcome outcome = line_edit_key(&face->searches, key);
	if (outcome != LINE_GOES_ON)
		face->prompt = PROMPT_NONE;
	if (outcome == LINE_TAKEN)
		face_set_search(face, face->searches.text);
}

/* False if the program is to end. */
static bool type_command(struct face *face, int key)
{
	face->completion.n = 0;
	if (key == '\t') {
		face_complete(face);
		return true;
	}
	enum line_outcome outcome = line_edit_key(&face->commands, key);
	if (outcome != LINE_GOES_ON)
		face->prompt = PROMPT_NONE;
	return outcome != LINE_TAKEN || face_command(face, face->commands.text);
}

static void react(struct face *face, unsigned reaction)
{
	const struct view *view = views[face->current];
	struct view_context context = face_context(face);
	face->must_redraw = true;
	if (reaction & REACTION_SEARCH) {
		face->prompt = PROMPT_SEARCH;
		line_edit_begin(&face->searches);
	}
	if (reaction & REACTION_TO_FLAME && view->chosen) {
		search_name(face, view->chosen(face->states[face->current], &context));
		face_show_view(face, view_find("flame"));
	}
	if (reaction & REACTION_TO_PICTURE)
		face_show_view(face, view_find("flame"));
	if (reaction & REACTION_TO_CALLERS)
		face_show_view(face, view_find("callers"));
	if (reaction & REACTION_TO_LINES)
		face_show_view(face, view_find("annotate"));
	if (reaction & REACTION_EDIT && face->focus.edit_file && face->focus.edit_line)
		face->must_edit = true;
	else if (reaction & REACTION_EDIT)
		face_say(face, "There is nothing to edit: the line is not known.");
	if (reaction & REACTION_BACK)
		face_show_view(face, views[face->before]);
	if (reaction & REACTION_COLUMNS)
		face_open_columns(face);
}

/* ---- the frame's own keys */

static unsigned quit(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)opaque;
	(void)context;
	(void)input;
	return REACTION_QUIT;
}

static unsigned help(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	face_show(opaque, OVERLAY_HELP);
	return REACTION_REDRAW;
}

static unsigned open_form(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	(void)context;
	(void)input;
	face_open_form(opaque);
	return REACTION_REDRAW;
}

static unsigned explain(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	face_explain(opaque);
	return REACTION_REDRAW;
}

static unsigned next_view(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	(void)context;
	(void)input;
	face_step_view(opaque, 1);
	return REACTION_REDRAW;
}

static unsigned previous_view(void *opaque, const struct view_context *context,
			      const struct input *input)
{
	(void)context;
	(void)input;
	face_step_view(opaque, -1);
	return REACTION_REDRAW;
}

static unsigned ask_command(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	struct face *face = opaque;
	(void)context;
	(void)input;
	face->prompt = PROMPT_COMMAND;
	face->completion.n = 0;
	line_edit_begin(&face->commands);
	return REACTION_REDRAW;
}

static unsigned print_screen(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	(void)context;
	(void)input;
	face_write_screen(opaque, NULL, false);
	return REACTION_REDRAW;
}

static unsigned clear(void *opaque, const struct view_context *context, const struct input *input)
{
	struct face *face = opaque;
	(void)context;
	(void)input;
	if (face->has_pattern)
		face_set_search(face, "");
	else if (thread_choice_is_set(&face->focus.only))
		face->focus.only = (struct thread_choice){ 0 };
	else
		face->focus.from_ns = face->focus.to_ns = 0;
	return REACTION_REDRAW;
}

/* As perf top's z; nothing is forgotten. */
static unsigned zero(void *opaque, const struct view_context *context, const struct input *input)
{
	struct face *face = opaque;
	(void)input;
	if (!context->is_live) {
		face_say(face, "Nothing more comes: this is a recording.");
		return REACTION_REDRAW;
	}
	face->focus.from_ns = context->now_ns;
	face->focus.to_ns = 0;
	return REACTION_REDRAW;
}

static unsigned to_roofline(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	(void)context;
	(void)input;
	face_show_view(opaque, view_find("roofline"));
	return REACTION_REDRAW;
}

static unsigned to_lost(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	face_show_view(opaque, view_find("lost"));
	return REACTION_REDRAW;
}

static unsigned to_diff(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	face_show_view(opaque, view_find("diff"));
	return REACTION_REDRAW;
}

static unsigned to_processes(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	(void)context;
	(void)input;
	face_show_view(opaque, view_find("processes"));
	return REACTION_REDRAW;
}

const struct binding face_bindings[] = {
	{ 'q', KEY_QUIT_10, "q", "quit", quit, true },
	{ '?', KEY_HELP_1, "?", "help", help, true },
	{ '\t', 0, "Tab", "view: the next one", next_view, true },
	{ 'S', KEY_SETUP_2, "S",
	  "settings: go on with others, start again, stop; else of the screen", open_form, true },
	{ KEY_BACK_TAB, 0, "Shift-Tab", "previous view", previous_view, false },
	{ 'e', 0, "e", "explain what is under the cursor, with its numbers", explain, false },
	{ ':', 0, ":", "command: w, view, theme, set and more; :help lists them", ask_command,
	  false },
	{ 'P', 0, "P", "print the screen to a file, as text", print_screen, false },
	{ '0', 0, "0", "roofline: phases under the measured ceilings", to_roofline, false },
	{ 'L', 0, "L", "lost time: what lies above the roofline", to_lost, false },
	{ 'D', 0, "D", "diff: two windows of time, or two recordings", to_diff, false },
	{ 'T', 0, "T", "tasks: processes, threads; one alone in every view", to_processes, false },
	{ 'Z', 0, "Z", "zero: show only what comes from now on; Esc brings all back", zero, false },
	{ KEY_ESCAPE, KEY_DELETE, "Esc",
	  "clear the search, then the process, then the window of time", clear, false },
	{ 0 },
};

/* ---- which key does what */

/* False: not a key of this table, or the view leaves it to others. */
static bool act(struct face *face, const struct binding *binding, void *state,
		const struct input *input, bool *must_quit)
{
	struct view_context context = face_context(face);
	if (!binding)
		return false;
	unsigned reaction = binding->act(state, &context, input);
	*must_quit |= (reaction & REACTION_QUIT) != 0;
	if (reaction != REACTION_NONE)
		react(face, reaction);
	return reaction != REACTION_NONE;
}

/* What people mapped the key to; false: that is no action of this view. */
static bool press_mapped(struct face *face, const struct keymap_row *row, const struct input *input,
			 bool *must_quit)
{
	struct face_table tables[FACE_MOST_TABLES];
	bool is_known = false;
	int n = face_tables(face, tables);
	for (int i = 0; i < n; i++) {
		const struct binding *binding = keymap_binding(tables[i].bindings, row->action);
		if (!binding)
			continue;
		/* As if its own key were pressed: one function moves by several keys. */
		struct input own = *input;
		own.key = binding->key;
		is_known = true;
		if (act(face, binding, tables[i].state, &own, must_quit))
			break;
	}
	return is_known;
}

static bool press_usual(struct face *face, const struct input *input, bool *must_quit)
{
	struct face_table tables[FACE_MOST_TABLES];
	int n = face_tables(face, tables);
	for (int i = 0; i < n; i++)
		if (act(face, keymap_usual(tables[i].bindings, input->key), tables[i].state, input,
			must_quit))
			return true;
	return false;
}

/* A double click is on a row, which it selects before it opens it; on a header it is a click. */
static bool selects_row(struct face *face, struct input input)
{
	const struct view *view = views[face->current];
	bool must_quit = false;
	if (input.key != KEY_DOUBLE_CLICK || !view->list)
		return true;
	input.key = KEY_CLICK;
	press_usual(face, &input, &must_quit);
	return view->list(face->states[face->current])->has_hit_row;
}

static bool press(struct face *face, const struct input *input)
{
	const struct view *view = views[face->current];
	const struct keymap_row *row = keymap_find(&face->preferences.keymap, view, input->key);
	bool must_quit = false;
	face->must_redraw = true;
	if (!face->is_updated[face->current])
		face_update_view(face);
	if (row && (!row->action[0] || press_mapped(face, row, input, &must_quit)))
		return !must_quit;
	if (selects_row(face, *input) && !press_usual(face, input, &must_quit) &&
	    input->key >= '1' && input->key <= '9')
		face_show_view(face, view_by_order(input->key - '0'));
	return !must_quit;
}

/* The hint under the mouse, as if its key were pressed. */
static bool press_hint(struct face *face, int x)
{
	struct face_table table;
	bool must_quit = false;
	if (face->overlay != OVERLAY_COLUMNS)
		face->overlay = OVERLAY_NONE;
	const struct binding *binding = face_hint_at(face, x, &table);
	if (binding)
		act(face, binding, table.state, &(struct input){ .key = binding->key }, &must_quit);
	face->must_redraw = true;
	return !must_quit;
}

/* The chooser has keys of its own, and no others. */
static bool press_columns(struct face *face, struct input input)
{
	bool must_quit = false;
	input.y -= face_top_rows(face);
	face->must_redraw = true;
	press_usual(face, &input, &must_quit);
	return !must_quit && input.key != KEY_QUIT_10;
}

void face_show(struct face *face, enum face_overlay overlay)
{
	face->overlay = overlay;
	face->overlay_scroll = 0;
	face->must_redraw = true;
}

static bool press_over(struct face *face, int key)
{
	long step = list_step(key, face->height > 4 ? face->height - 4 : 1);
	long at = face->overlay_scroll + (step < LIST_EVERYTHING ? step : 1 << 16);
	face->must_redraw = true;
	if (step)
		face->overlay_scroll = at < 0 ? 0 : (int)at; /* its end is known when it is drawn */
	else
		face->overlay = OVERLAY_NONE;
	return key != KEY_QUIT_10;
}

static void type_into(struct face *face, const struct input *input)
{
	struct view_context context = face_context(face);
	react(face, views[face->current]->type(face->states[face->current], &context, input));
}

/* Does the key have a place? */
static bool is_pointer(int key)
{
	return key >= KEY_CLICK && key <= KEY_MOUSE_MOVED;
}

/* The rows that are the frame's: tabs above, hints below. */
static bool press_frame(struct face *face, const struct input *input, bool has_message)
{
	bool is_bottom = input->y >= face_top_rows(face);
	if (input->y == 0 && !is_bottom)
		face_click_title(face, input->x);
	else if (is_bottom && !has_message)
		return press_hint(face, input->x);
	return true;
}

static bool is_on_frame(const struct face *face, const struct input *input)
{
	return is_pointer(input->key) && (input->y < face_top_rows(face) ||
					  (face_bottom_rows(face) && input->y >= face->height - 1));
}

static bool type_prompt(struct face *face, int key)
{
	face->must_redraw = true;
	if (face->prompt == PROMPT_COMMAND)
		return type_command(face, key);
	type_search(face, key);
	return true;
}

enum face_outcome face_key(struct face *face, struct input input)
{
	bool is_frame = is_on_frame(face, &input), goes_on = true;
	bool has_message = face->message[0] != '\0';
	face->message[0] = '\0';
	if (input.key == KEY_MOUSE_PRESSED && is_frame)
		input.key = KEY_CLICK; /* a tab, or the way out */
	bool is_click = input.key == KEY_CLICK || input.key == KEY_DOUBLE_CLICK;
	bool is_top = is_frame && input.y < face_top_rows(face);
	if (face_is_typed_into(face) && !is_top) {
		if (is_frame && is_click)
			input.key = KEY_CONTROL_BRACKET; /* as the bottom line says */
		input.y -= is_pointer(input.key) ? face_top_rows(face) : 0;
		type_into(face, &input);
		return FACE_GOES_ON;
	}
	if (face->prompt != PROMPT_NONE) {
		goes_on = type_prompt(face, input.key);
	} else if (is_click && is_frame && (face->overlay != OVERLAY_FORM || is_top)) {
		goes_on = press_frame(face, &input, has_message);
	} else if (face->overlay == OVERLAY_FORM) {
		input.y -= is_click ? face_top_rows(face) : 0;
		return face_form_key(face, &input);
	} else if (face->overlay == OVERLAY_COLUMNS) {
		goes_on = press_columns(face, input);
	} else if (face->overlay != OVERLAY_NONE) {
		goes_on = press_over(face, input.key);
	} else {
		input.y -= face_top_rows(face);
		goes_on = press(face, &input);
	}
	if (goes_on && face->must_edit) {
		face->must_edit = false;
		return FACE_EDITS;
	}
	return goes_on ? FACE_GOES_ON : FACE_QUITS;
}

const char *face_edited_file(const struct face *face, unsigned *line)
{
	*line = face->focus.edit_line;
	return recording_string_at(face->settings.recording, face->focus.edit_file);
}

void face_keys(struct face *face, const char *keys)
{
	static const struct {
		char letter;
		int key;
	} escapes[] = { { 'r', KEY_RETURN }, { 'e', KEY_ESCAPE }, { 't', '\t' } };
	uint32_t code_point;
	for (size_t n; (n = text_decode(keys, &code_point)) > 0; keys += n) {
		for (size_t i = 0; code_point == '\\' && i < sizeof escapes / sizeof escapes[0];
		     i++)
			if (keys[1] == escapes[i].letter) {
				code_point = (uint32_t)escapes[i].key;
				keys++;
			}
		face_key(face, (struct input){ .key = (int)code_point });
		/* Keys act on what is laid out, so lay it out between them. */
		arena_reset(&face->frame);
		face_update_view(face);
	}
}
