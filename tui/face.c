/* The frame round the views: what it holds and how it is drawn. See face.h and face_state.h. */
#include "tui/face.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/face_state.h"
#include "tui/window.h"
#include "tui/words.h"

enum { LONGEST_TITLE = 20 };

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

const char *view_lists(char *out, size_t bytes)
{
	size_t n = 0;
	out[0] = '\0';
	for (const struct view *const *at = views; *at; at++)
		if ((*at)->list && n + strlen((*at)->name) + 3 < bytes)
			n += (size_t)snprintf(out + n, bytes - n, "%s%s", n ? ", " : "",
					      (*at)->name);
	return out;
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
	const struct view *first = settings->view ? view_find(settings->view) : NULL;
	if (settings->view && !first)
		return NULL;
	struct face *face = allocate(1, sizeof *face);
	face->settings = *settings;
	if (settings->preferences)
		face->preferences = *settings->preferences;
	else
		preferences_defaults(&face->preferences);
	first = first ? first : face->preferences.view;
	first = first ? first : view_by_order(1);
	face->is_live = settings->is_live;
	face->focus.only = settings->only;
	face->words = words_copy(settings->words);
	snprintf(face->command, sizeof face->command, "%s", settings->command);
	for (int i = 0; views[i] && i < FACE_MOST_VIEWS; i++, face->n_views++)
		face->states[i] = allocate(1, views[i]->state_bytes);
	face->current = face->before = place_of(first);
	face_set_up_lists(face);
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
	free(face->explanation);
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
int face_top_rows(const struct face *face)
{
	return face->height >= 5 ? 2 : face->height >= 3 ? 1 : 0;
}

int face_bottom_rows(const struct face *face)
{
	return face->height >= 4 ? 1 : 0;
}

static size_t held_bytes(const struct face *face)
{
	size_t bytes = 0;
	for (int i = 0; i < face->n_views; i++)
		bytes += views[i]->held_bytes ? views[i]->held_bytes(face->states[i]) : 0;
	return bytes;
}

struct view_context face_context(struct face *face)
{
	return (struct view_context){
		.recording = face->settings.recording,
		.frame = &face->frame,
		.width = face->width,
		.height = face->height - face_top_rows(face) - face_bottom_rows(face),
		.now_ns = face->now_ns,
		.command = face->command,
		.is_live = face->is_live,
		.has_ended = face->has_ended,
		.exit_status = face->exit_status,
		.search = face->search,
		.pattern = face->has_pattern ? &face->pattern : NULL,
		.focus = &face->focus,
		.views_bytes = held_bytes(face),
		.against = face->settings.against,
		.against_name = face->settings.against_name,
		.child = face->is_live && !face->has_ended ? face->settings.child : NULL,
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
	if (view->is_of_several && !face->has_several && !is_current)
		return snprintf(out, bytes, "%s", ""); /* its key opens it all the same */
	int cut = (int)text_fit(view->title, is_current ? LONGEST_TITLE : columns, NULL);
	if (view->order <= 9 || view->key)
		snprintf(number, sizeof number, "%c ", view->key ? view->key : '0' + view->order);
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
	for (int columns = LONGEST_TITLE; columns > 0; columns--) {
		int x = start;
		for (int order = 1; order <= FACE_MOST_ORDER; order++)
			if (view_by_order(order))
				x += print_tab(face, view_by_order(order), columns, text,
					       sizeof text);
		if (x <= face->width)
			return columns;
	}
	return 0; /* numbers only, and the title of the view that is shown */
}

static void draw_title(const struct face *face, const struct canvas *canvas)
{
	char text[160];
	int columns = tab_columns(face);
	canvas_fill(canvas, 0, 0, canvas->width, MEANING_TITLE, 0);
	int x = canvas_text(canvas, 0, 0, canvas->width, MEANING_TITLE,
			    title_start(face, text, sizeof text));
	for (int order = 1; order <= FACE_MOST_ORDER; order++) {
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

static void draw_prompt(const struct face *face, const struct canvas *row)
{
	bool is_search = face->prompt == PROMPT_SEARCH;
	int x = canvas_print(row, 0, 0, MEANING_TEXT, "%c%s_", is_search ? '/' : ':',
			     is_search ? face->searches.text : face->commands.text);
	if (!is_search && face->completion.n > 1)
		canvas_print(row, x, 0, MEANING_DIM, "  %s", face->completion.list);
}

static void draw_bottom(struct face *face, const struct canvas *canvas)
{
	struct canvas row = canvas_part(canvas, 0, canvas->height - 1, canvas->width, 1);
	if (face->prompt != PROMPT_NONE)
		draw_prompt(face, &row);
	else if (face_is_typed_into(face))
		canvas_text(&row, 0, 0, row.width, MEANING_WARNING,
			    " Ctrl-] comes back to stoke; all other keys go to the program");
	else if (face->message[0])
		canvas_text(&row, 0, 0, row.width, face->message_meaning, face->message);
	else
		face_draw_hints(face, &row);
}

static void draw_all(struct face *face, const struct view_context *context,
		     const struct canvas *canvas)
{
	struct canvas middle =
		canvas_part(canvas, 0, face_top_rows(face), context->width, context->height);
	canvas_clear(canvas);
	if (face_top_rows(face))
		draw_title(face, canvas);
	face_draw_process(face, canvas);
	views[face->current]->draw(face->states[face->current], context, &middle);
	if (face->overlay == OVERLAY_FORM) {
		canvas_clear(&middle);
		form_draw(&face->form, &middle);
	} else if (face->overlay == OVERLAY_COLUMNS) {
		canvas_clear(&middle);
		face_columns_draw(face, &middle);
	} else if (face->overlay != OVERLAY_NONE) {
		canvas_clear(&middle);
		int most = face_help_draw(face, &middle) - middle.height;
		if (face->overlay_scroll > (most > 0 ? most : 0)) {
			face->overlay_scroll = most > 0 ? most : 0;
			canvas_clear(&middle);
			face_help_draw(face, &middle);
		}
	}
	if (face_bottom_rows(face))
		draw_bottom(face, canvas);
}

bool face_update_view(struct face *face)
{
	struct view_context context = face_context(face);
	face->is_updated[face->current] = true;
	return views[face->current]->update(face->states[face->current], &context);
}

void face_tell(struct face *face, enum meaning meaning, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(face->message, sizeof face->message, format, list);
	va_end(list);
	face->message_meaning = meaning;
	face->must_redraw = true;
}

/* Those that must not fall behind while nobody looks. */
static void update_hidden(struct face *face)
{
	struct view_context context = face_context(face);
	for (int i = 0; i < face->n_views; i++)
		if (views[i]->is_always_updated && i != face->current)
			views[i]->update(face->states[i], &context);
}

bool face_is_typed_into(const struct face *face)
{
	const struct view *view = views[face->current];
	return face->prompt == PROMPT_NONE && face->overlay == OVERLAY_NONE &&
	       view->is_typed_into && view->is_typed_into(face->states[face->current]);
}

bool face_takes_mouse(const struct face *face)
{
	const struct view *view = views[face->current];
	return face_is_typed_into(face) && view->takes_mouse &&
	       view->takes_mouse(face->states[face->current]);
}

bool face_draw(struct face *face, const struct canvas *canvas, uint64_t now_ns)
{
	bool is_changed =
		face->must_redraw || face->width != canvas->width || face->height != canvas->height;
	face->width = canvas->width;
	face->height = canvas->height;
	face->now_ns = now_ns;
	arena_reset(&face->frame);
	face_look_for_processes(face);
	update_hidden(face);
	is_changed |= face_update_view(face);
	if (!is_changed)
		return false;
	struct view_context context = face_context(face);
	draw_all(face, &context, canvas);
	face->must_redraw = false;
	return true;
}

const struct preferences *face_preferences(const struct face *face)
{
	return &face->preferences;
}

void face_show_view(struct face *face, const struct view *view)
{
	if (view && view != views[face->current]) {
		face->before = face->current;
		face->current = place_of(view);
	}
	face->must_redraw = true;
	face->overlay = OVERLAY_NONE;
}

void face_step_view(struct face *face, int step)
{
	int order = views[face->current]->order;
	for (int i = 0; i < FACE_MOST_ORDER; i++) {
		order = (order - 1 + step + FACE_MOST_ORDER) % FACE_MOST_ORDER + 1;
		if (view_by_order(order))
			break;
	}
	face_show_view(face, view_by_order(order));
}

void face_click_title(struct face *face, int x)
{
	char text[160];
	int at = text_width(title_start(face, text, sizeof text)), columns = tab_columns(face);
	for (int order = 1; order <= FACE_MOST_ORDER; order++) {
		const struct view *view = view_by_order(order);
		if (!view)
			continue;
		int width = print_tab(face, view, columns, text, sizeof text);
		if (x >= at && x < at + width) {
			face_show_view(face, view);
			return;
		}
		at += width;
	}
}
