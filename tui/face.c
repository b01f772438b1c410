/* The frame round the views. See face.h. */
#include "tui/face.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/face_help.h"
#include "tui/window.h"
#include "tui/words.h"
#include "workloads/workload.h"

enum { MOST_VIEWS = 20, MOST_ORDER = 19, SEARCH_BYTES = 256, LONGEST_TITLE = 20 };

struct face {
	struct face_settings settings;
	void *states[MOST_VIEWS];
	bool is_updated[MOST_VIEWS];  /* has seen the recording, so keys may act on it */
	int n_views, current, before; /* before: the view to go back to */
	struct view_focus focus;
	struct arena frame;
	bool is_live, has_ended, must_redraw, shows_help;
	int exit_status, help_scroll;
	int width, height;
	uint64_t now_ns;
	char search[SEARCH_BYTES], typed[SEARCH_BYTES];
	regex_t pattern;
	bool has_pattern, is_typing;
	char message[256]; /* one sentence on the bottom line until the next key */
	struct form form;
	bool shows_form;
	enum form_outcome wish;
	char **words;      /* settings of what runs */
	char command[256]; /* with the settings it has now */
};

const struct view *view_find(const char *name)
{
	for (const struct view *const *at = views; *at; at++)
		if (strcmp((*at)->name, name) == 0)
			return *at;
	return NULL;
}

const struct view *view_by_order(int order)
{
	for (const struct view *const *at = views; *at; at++)
		if ((*at)->order == order)
			return *at;
	return NULL;
}

static int place_of(const struct view *view)
{
	for (int i = 0; views[i]; i++)
		if (views[i] == view)
			return i;
	return 0;
}

struct face *face_new(const struct face_settings *settings)
{
	const struct view *first = settings->view ? view_find(settings->view) : view_by_order(1);
	if (!first)
		return NULL;
	struct face *face = allocate(1, sizeof *face);
	face->settings = *settings;
	face->is_live = settings->is_live;
	face->words = words_copy(settings->words);
	snprintf(face->command, sizeof face->command, "%s", settings->command);
	for (int i = 0; views[i] && i < MOST_VIEWS; i++, face->n_views++)
		face->states[i] = allocate(1, views[i]->state_bytes);
	face->current = face->before = place_of(first);
	face->must_redraw = true;
	return face;
}

void face_free(struct face *face)
{
	if (!face)
		return;
	for (int i = 0; i < face->n_views; i++) {
		if (views[i]->close)
			views[i]->close(face->states[i]);
		free(face->states[i]);
	}
	if (face->has_pattern)
		regfree(&face->pattern);
	arena_close(&face->frame);
	words_free(face->words);
	free(face);
}

void face_set_live(struct face *face, bool is_live)
{
	face->must_redraw |= face->is_live != is_live;
	face->is_live = is_live;
}

void face_set_ended(struct face *face, int exit_status)
{
	face->must_redraw |= !face->has_ended;
	face->has_ended = true;
	face->exit_status = exit_status;
}

/* Title above and keys below take a row each, where there is room for them. */
static int top_rows(const struct face *face)
{
	return face->height >= 5 ? 2 : face->height >= 3 ? 1 : 0;
}

static int bottom_rows(const struct face *face)
{
	return face->height >= 4 ? 1 : 0;
}

static struct view_context context_of(struct face *face)
{
	return (struct view_context){
		.recording = face->settings.recording,
		.frame = &face->frame,
		.width = face->width,
		.height = face->height - top_rows(face) - bottom_rows(face),
		.now_ns = face->now_ns,
		.command = face->command,
		.is_live = face->is_live,
		.has_ended = face->has_ended,
		.exit_status = face->exit_status,
		.search = face->search,
		.pattern = face->has_pattern ? &face->pattern : NULL,
		.focus = &face->focus,
	};
}

/* ---- drawing */

/* What stands before the tabs: live or saved, and the window of time if there is one. */
static const char *title_start(const struct face *face, char *out, size_t bytes)
{
	char window[2 * TEXT_BYTES + 8] = "";
	if (window_is_set(&face->focus))
		window_text(&face->focus, face->settings.recording, window, sizeof window);
	snprintf(out, bytes, " stoke \u2502 %s \u2502%s%s%s",
		 face->is_live ? "\u25cf live" : "saved", *window ? " " : "", window,
		 *window ? " \u2502" : "");
	return out;
}

/* One tab; titles of views that are not shown are cut to `columns`. Returns its columns. */
static int print_tab(const struct face *face, const struct view *view, int columns, char *out,
		     size_t bytes)
{
	bool is_current = view == views[face->current], is_roomy = columns >= LONGEST_TITLE;
	char number[16] = "";
	int cut = (int)text_fit(view->title, is_current ? LONGEST_TITLE : columns, NULL);
	if (view->order <= 9)
		snprintf(number, sizeof number, "%d ", view->order);
	else if (!is_current && !is_roomy)
		return snprintf(out, bytes, "%s", ""); /* reached by Tab and from other views */
	snprintf(out, bytes, "%s%s%.*s%s",
		 is_current ? "["
		 : is_roomy ? " "
			    : "",
		 number, cut, view->title, is_current ? "]" : " ");
	return text_width(out) + (is_roomy ? 1 : 0);
}

/* Columns that titles may take so that all tabs fit. */
static int tab_columns(const struct face *face)
{
	char text[160];
	int start = text_width(title_start(face, text, sizeof text));
	for (int columns = LONGEST_TITLE; columns > 1; columns--) {
		int x = start;
		for (int order = 1; order <= MOST_ORDER; order++)
			if (view_by_order(order))
				x += print_tab(face, view_by_order(order), columns, text,
					       sizeof text);
		if (x <= face->width)
			return columns;
	}
	return 1;
}

static void draw_title(const struct face *face, const struct canvas *canvas)
{
	char text[160];
	int columns = tab_columns(face);
	canvas_fill(canvas, 0, 0, canvas->width, MEANING_TITLE, 0);
	int x = canvas_text(canvas, 0, 0, canvas->width, MEANING_TITLE,
			    title_start(face, text, sizeof text));
	for (int order = 1; order <= MOST_ORDER; order++) {
		const struct view *view = view_by_order(order);
		if (!view)
			continue;
		int gap = columns >= LONGEST_TITLE ? 1 : 0;
		int width = print_tab(face, view, columns, text, sizeof text);
		canvas_text(canvas, x + gap, 0, canvas->width - x - gap,
			    view == views[face->current] ? MEANING_KEY : MEANING_TITLE, text);
		x += width;
	}
	canvas_print(canvas, x, 0, MEANING_TITLE, "  %s", face->command);
}

static int draw_hint(const struct canvas *canvas, int x, const char *key, const char *help)
{
	int need = text_width(key) + text_width(help) + 3;
	if (x + need > canvas->width)
		return x;
	x += canvas_print(canvas, x, 0, MEANING_KEY, " %s ", key);
	return x + canvas_print(canvas, x, 0, MEANING_DIM, "%s ", help);
}

/* Short forms of the hints: their first words, up to a colon. */
static void draw_hints(const struct face *face, const struct canvas *row)
{
	char help[24];
	int x = draw_hint(row, 0, "q", "quit");
	x = draw_hint(row, x, "?", "help");
	x = draw_hint(row, x, "Tab", "view");
	if (face->settings.has_program)
		x = draw_hint(row, x, "S", "settings");
	for (const struct binding *at = views[face->current]->bindings; at->name; at++) {
		if (!at->is_hinted)
			continue;
		size_t n = strcspn(at->help, ",:");
		n = text_fit(at->help, n > 20 ? 20 : (int)n, NULL);
		snprintf(help, sizeof help, "%.*s", (int)n, at->help);
		x = draw_hint(row, x, at->name, help);
	}
}

static void draw_bottom(const struct face *face, const struct canvas *canvas)
{
	struct canvas row = canvas_part(canvas, 0, canvas->height - 1, canvas->width, 1);
	if (face->is_typing)
		canvas_print(&row, 0, 0, MEANING_TEXT, "/%s_", face->typed);
	else if (face->message[0])
		canvas_text(&row, 0, 0, row.width, MEANING_WARNING, face->message);
	else
		draw_hints(face, &row);
}

static void draw_all(struct face *face, const struct view_context *context,
		     const struct canvas *canvas)
{
	struct canvas middle =
		canvas_part(canvas, 0, top_rows(face), context->width, context->height);
	canvas_clear(canvas);
	if (top_rows(face))
		draw_title(face, canvas);
	views[face->current]->draw(face->states[face->current], context, &middle);
	if (face->shows_form) {
		canvas_clear(&middle);
		form_draw(&face->form, &middle);
	} else if (face->shows_help) {
		canvas_clear(&middle);
		face_help_draw(&middle, views[face->current], face->help_scroll);
	}
	if (bottom_rows(face))
		draw_bottom(face, canvas);
}

static bool update_view(struct face *face, const struct view_context *context)
{
	face->is_updated[face->current] = true;
	return views[face->current]->update(face->states[face->current], context);
}

bool face_draw(struct face *face, const struct canvas *canvas, uint64_t now_ns)
{
	bool is_changed =
		face->must_redraw || face->width != canvas->width || face->height != canvas->height;
	face->width = canvas->width;
	face->height = canvas->height;
	face->now_ns = now_ns;
	arena_reset(&face->frame);
	struct view_context context = context_of(face);
	is_changed |= update_view(face, &context);
	if (!is_changed)
		return false;
	draw_all(face, &context, canvas);
	face->must_redraw = false;
	return true;
}

/* ---- keys */

static void show_view(struct face *face, const struct view *view)
{
	if (view && view != views[face->current]) {
		face->before = face->current;
		face->current = place_of(view);
	}
	face->must_redraw = true;
	face->shows_help = false;
}

static void step_view(struct face *face, int step)
{
	int order = views[face->current]->order;
	for (int i = 0; i < MOST_ORDER; i++) {
		order = (order - 1 + step + MOST_ORDER) % MOST_ORDER + 1;
		if (view_by_order(order))
			break;
	}
	show_view(face, view_by_order(order));
}

/* Takes a pattern into use; a wrong one says why on the bottom line. */
static void set_search(struct face *face, const char *text)
{
	regex_t pattern;
	char error[128];
	int code = *text ? regcomp(&pattern, text, REG_EXTENDED | REG_NOSUB) : 0;
	if (code != 0) {
		regerror(code, &pattern, error, sizeof error);
		snprintf(face->message, sizeof face->message, "/%.100s is no pattern: %.100s", text,
			 error);
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
	char quoted[SEARCH_BYTES] = "^";
	size_t n = 1;
	for (; *name && n + 4 < sizeof quoted; name++) {
		if (strchr("\\^$.[]|()*+?{}", *name))
			quoted[n++] = '\\';
		quoted[n++] = *name;
	}
	quoted[n++] = *name ? '\0' : '$'; /* a name cut short finds all that begin so */
	quoted[n] = '\0';
	set_search(face, quoted);
}

static void drop_last_character(char *text)
{
	size_t n = strlen(text);
	while (n > 0 && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
		n--;
	text[n > 0 ? n - 1 : 0] = '\0';
}

static void append_character(char *text, int key)
{
	size_t n = strlen(text);
	unsigned code = (unsigned)key;
	if (n + 5 > SEARCH_BYTES || key < 0x20 || key >= KEY_FIRST_SPECIAL)
		return;
	if (code < 0x80) {
		text[n++] = (char)code;
	} else if (code < 0x800) {
		text[n++] = (char)(0xc0 | code >> 6);
		text[n++] = (char)(0x80 | (code & 0x3f));
	} else {
		if (code >= 0x10000) {
			text[n++] = (char)(0xf0 | code >> 18);
			text[n++] = (char)(0x80 | (code >> 12 & 0x3f));
		} else {
			text[n++] = (char)(0xe0 | code >> 12);
		}
		text[n++] = (char)(0x80 | (code >> 6 & 0x3f));
		text[n++] = (char)(0x80 | (code & 0x3f));
	}
	text[n] = '\0';
}

static void type(struct face *face, int key)
{
	face->must_redraw = true;
	if (key == KEY_RETURN) {
		face->is_typing = false;
		set_search(face, face->typed);
	} else if (key == KEY_ESCAPE || key == 3) {
		face->is_typing = false;
	} else if (key == KEY_DELETE_BACK || key == 8) {
		drop_last_character(face->typed);
	} else if (key == 21) { /* Ctrl-U */
		face->typed[0] = '\0';
	} else {
		append_character(face->typed, key);
	}
}

static void react(struct face *face, unsigned reaction, const struct view_context *context)
{
	const struct view *view = views[face->current];
	face->must_redraw = true;
	if (reaction & REACTION_SEARCH) {
		face->is_typing = true;
		face->typed[0] = '\0';
	}
	if (reaction & REACTION_TO_FLAME && view->chosen) {
		search_name(face, view->chosen(face->states[face->current], context));
		show_view(face, view_find("flame"));
	}
	if (reaction & REACTION_TO_CALLERS)
		show_view(face, view_find("callers"));
	if (reaction & REACTION_TO_LINES)
		show_view(face, view_find("annotate"));
	if (reaction & REACTION_BACK)
		show_view(face, views[face->before]);
}

/* The view's own keys come first. */
static bool view_key(struct face *face, const struct input *input)
{
	struct view_context context = context_of(face);
	if (!face->is_updated[face->current])
		update_view(face, &context);
	for (const struct binding *at = views[face->current]->bindings; at->name; at++) {
		if (at->key != input->key && (at->other_key == 0 || at->other_key != input->key))
			continue;
		unsigned reaction = at->act(face->states[face->current], &context, input);
		if (reaction == REACTION_NONE)
			return false;
		react(face, reaction, &context);
		return true;
	}
	return false;
}

static bool help_key(struct face *face, int key)
{
	face->must_redraw = true;
	if (key == 'j' || key == KEY_ARROW_DOWN || key == KEY_PAGE_DOWN || key == KEY_WHEEL_DOWN)
		face->help_scroll++;
	else if (key == 'k' || key == KEY_ARROW_UP || key == KEY_PAGE_UP || key == KEY_WHEEL_UP)
		face->help_scroll -= face->help_scroll > 0;
	else
		face->shows_help = false;
	return key != KEY_QUIT_10;
}

static void click_title(struct face *face, int x)
{
	char text[160];
	int at = text_width(title_start(face, text, sizeof text)), columns = tab_columns(face);
	for (int order = 1; order <= MOST_ORDER; order++) {
		const struct view *view = view_by_order(order);
		if (!view)
			continue;
		int width = print_tab(face, view, columns, text, sizeof text);
		if (x >= at && x < at + width) {
			show_view(face, view);
			return;
		}
		at += width;
	}
}

/* ---- the program */

static void open_form(struct face *face)
{
	static const struct form_action while_running[] = {
		{ "go on with these", FORM_APPLIES },
		{ "start again with these", FORM_RESTARTS },
		{ "stop the program", FORM_STOPS },
		{ NULL, FORM_CLOSES },
	};
	static const struct form_action ended[] = { { "start again with these", FORM_RESTARTS },
						    { NULL, FORM_CLOSES } };
	const struct face_settings *settings = &face->settings;
	face->must_redraw = true;
	if (!settings->has_program) {
		face_say(face, "Nothing runs here that could be set: this is a recording.");
		return;
	}
	const struct form_action *actions = face->has_ended ? ended : while_running;
	/* A command has no settings to go on with. */
	if (!settings->workload && !face->has_ended)
		actions++;
	form_open(&face->form, settings->workload, face->words, actions);
	face->shows_form = true;
}

static enum face_outcome form_takes(struct face *face, const struct input *input)
{
	enum form_outcome outcome = form_key(&face->form, input);
	face->must_redraw = true;
	face->shows_form = outcome == FORM_GOES_ON;
	if (outcome == FORM_GOES_ON || outcome == FORM_CLOSES)
		return FACE_GOES_ON;
	face->wish = outcome;
	return FACE_WISHES;
}

struct face_wish face_wish(struct face *face)
{
	return (struct face_wish){ face->wish, form_words(&face->form) };
}

void face_set_words(struct face *face, char *const *words)
{
	char **copy = words_copy(words);
	words_free(face->words);
	face->words = copy;
	if (face->settings.workload) {
		size_t n = (size_t)snprintf(face->command, sizeof face->command, "%s ",
					    face->settings.workload->name);
		words_join(face->command + n, sizeof face->command - n, ' ', copy);
	}
	face->must_redraw = true;
}

const char *face_view_name(const struct face *face)
{
	return views[face->current]->name;
}

void face_say(struct face *face, const char *sentence)
{
	snprintf(face->message, sizeof face->message, "%s", sentence);
	face->must_redraw = true;
}

static enum face_outcome own_key(struct face *face, int key)
{
	if (key == 'q' || key == KEY_QUIT_10)
		return FACE_QUITS;
	if (key == 'S' || key == KEY_SETUP_2)
		open_form(face);
	if (key == '?' || key == KEY_HELP_1) {
		face->shows_help = true;
		face->help_scroll = 0;
	} else if (key == '\t') {
		step_view(face, 1);
	} else if (key == KEY_BACK_TAB) {
		step_view(face, -1);
	} else if (key >= '1' && key <= '9') {
		show_view(face, view_by_order(key - '0'));
	} else if (key == KEY_ESCAPE && face->has_pattern) {
		set_search(face, "");
	} else if (key == KEY_ESCAPE) {
		face->focus.from_ns = face->focus.to_ns = 0;
	}
	face->must_redraw = true;
	return FACE_GOES_ON;
}

enum face_outcome face_key(struct face *face, struct input input)
{
	bool is_mouse = input.key == KEY_CLICK || input.key == KEY_DOUBLE_CLICK;
	face->message[0] = '\0';
	if (face->is_typing) {
		type(face, input.key);
		return FACE_GOES_ON;
	}
	if (face->shows_form) {
		input.y -= is_mouse ? top_rows(face) : 0;
		return form_takes(face, &input);
	}
	if (face->shows_help)
		return help_key(face, input.key) ? FACE_GOES_ON : FACE_QUITS;
	if (is_mouse && input.y == 0 && top_rows(face)) {
		click_title(face, input.x);
		return FACE_GOES_ON;
	}
	input.y -= top_rows(face);
	if (view_key(face, &input))
		return FACE_GOES_ON;
	return own_key(face, input.key);
}

void face_keys(struct face *face, const char *keys)
{
	uint32_t code_point;
	for (size_t n; (n = text_decode(keys, &code_point)) > 0; keys += n) {
		if (code_point == '\\' && (keys[1] == 'r' || keys[1] == 'e')) {
			code_point = keys[1] == 'r' ? KEY_RETURN : KEY_ESCAPE;
			keys++;
		}
		face_key(face, (struct input){ .key = (int)code_point });
		/* Keys act on what is laid out, so lay it out between them. */
		arena_reset(&face->frame);
		struct view_context context = context_of(face);
		update_view(face, &context);
	}
}
