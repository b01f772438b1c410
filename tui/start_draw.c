/*
 * The list, and below it what the selected one is. Chosen settings are shown as they are typed on
 * the command line, so that a class learns that too. See start_list.h.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sampler/base/text.h"
#include "tui/keymap.h"
#include "tui/list_bindings.h"
#include "tui/paragraph.h"
#include "tui/start_list.h"
#include "tui/words.h"
#include "workloads/workload.h"

enum {
	HEAD_ROWS = 1,
	FOOT_ROWS = 1,
	LEAST_DETAIL_ROWS = 6,
	LEAST_HEADER_ROWS = 6, /* of the whole: below, items matter more */
	KEY_COLUMNS = 13,
};

/* ---- the bottom line: each hint can be clicked instead */

/* The key for a binding; "" if it was taken away. */
static const char *key_of(const struct start_list *list, const struct binding *binding, char *out,
			  size_t bytes)
{
	if (list->keymap)
		return keymap_shown(list->keymap, &start_as_view, binding, out, bytes);
	snprintf(out, bytes, "%s", binding->name);
	return out;
}

/* What a help text says up to a comma or colon; 0 cells without a key. */
static int write_hint(const struct start_list *list, const struct binding *binding, char *out,
		      size_t bytes)
{
	char key[32];
	out[0] = '\0';
	if (*key_of(list, binding, key, sizeof key))
		snprintf(out, bytes, " %s %.*s ", key, (int)strcspn(binding->help, ",:;"),
			 binding->help);
	return text_width(out);
}

/* Those that fit, from left to right, drawn where there is a canvas; the one at a column. */
static const struct binding *walk_hints(const struct start_list *list, int width,
					const struct canvas *canvas, int clicked_x)
{
	char text[64];
	const struct binding *clicked = NULL;
	int x = 0;
	for (const struct binding *at = start_bindings; at->name; at++) {
		int cells = at->is_hinted ? write_hint(list, at, text, sizeof text) : 0;
		if (cells == 0 || x + cells > width)
			continue;
		if (canvas)
			canvas_text(canvas, x, canvas->height - 1, cells, MEANING_DIM, text);
		if (clicked_x >= x && clicked_x < x + cells)
			clicked = at;
		x += cells;
	}
	return clicked;
}

/* In place of hints. */
static bool shows_filter(const struct start_list *list)
{
	return !list->has_help && (list->is_typing || *list->kept);
}

const struct binding *start_hint_at(const struct start_list *list, int x)
{
	return shows_filter(list) ? NULL : walk_hints(list, list->width, NULL, x);
}

static void draw_hints(const struct start_list *list, const struct canvas *canvas)
{
	walk_hints(list, canvas->width, canvas, -1);
}

static void draw_filter(const struct start_list *list, const struct canvas *canvas)
{
	const char *text = list->is_typing ? list->filter.text : list->kept;
	canvas_print(canvas, 0, canvas->height - 1, MEANING_HEADER, "/%s%s  %zu of %zu%s", text,
		     list->is_typing ? "_" : "", list->n_shown, list->n_items,
		     list->is_typing ? "" : "; Esc: all again");
}

/* ---- rows */

/* Of a column; 0 if it is not shown. */
static int columns_of(const struct list *list, const char *name)
{
	for (int i = 0; i < list->n_shown; i++)
		if (strcmp(list->columns[list->shown[i].column].name, name) == 0)
			return list->shown[i].cells;
	return 0;
}

static void write_time(const struct start_item *item, char *out, size_t bytes)
{
	struct tm local;
	out[0] = '\0';
	if (localtime_r(&item->changed, &local))
		strftime(out, bytes, "%Y-%m-%d %H:%M", &local);
}

static void draw_what(const struct start_list *list, const struct start_item *item,
		      const struct canvas *cell)
{
	char text[START_TEXT_BYTES], size[TEXT_BYTES];
	int x = 0;
	if (item->words && item->words[0])
		x = canvas_print(cell, 0, 0, MEANING_HEADER, "%s  ",
				 words_join(text, sizeof text, ' ', item->words));
	if (item->workload) {
		canvas_text(cell, x, 0, cell->width - x, MEANING_TEXT, item->workload->summary);
	} else if (columns_of(&list->list, "changed") > 0) {
		canvas_text(cell, 0, 0, cell->width, MEANING_TEXT, "a recording");
	} else {
		write_time(item, text, sizeof text);
		canvas_print(cell, 0, 0, MEANING_TEXT, "%s, %s", text,
			     text_memory(size, sizeof size, item->bytes));
	}
}

static void draw_cell(const void *of, size_t row, int column, const struct canvas *cell)
{
	const struct start_list *list = of;
	const struct start_item *item = &list->items[list->shown[row]];
	const char *name = list->list.columns[column].name;
	char text[START_TEXT_BYTES], clean[START_TEXT_BYTES];
	if (strcmp(name, "name") == 0) {
		text_clean(clean, sizeof clean, item->workload ? item->workload->name : item->path);
		list_put(cell, MEANING_HEADER, text_shorten(text, sizeof text, cell->width, clean));
	} else if (strcmp(name, "what") == 0) {
		draw_what(list, item, cell);
	} else if (!item->workload && strcmp(name, "changed") == 0) {
		write_time(item, text, sizeof text);
		list_put_right(cell, MEANING_TEXT, text);
	} else if (!item->workload) {
		list_put_right(cell, MEANING_TEXT, text_memory(text, sizeof text, item->bytes));
	}
}

/* ---- what the selected one is */

static int draw_settings(const struct start_item *item, const struct canvas *canvas, int y)
{
	const struct parameter *parameter = item->workload->parameters;
	for (; parameter && parameter->name && y < canvas->height; parameter++, y++) {
		int x = 1 + canvas_print(canvas, 1, y, MEANING_TEXT, "%s=%s  ", parameter->name,
					 parameter->initial);
		x = x < 24 ? 24 : x;
		canvas_text(canvas, x, y, canvas->width - x, MEANING_DIM, parameter->summary);
	}
	return y;
}

/* What a workload teaches, and how it can be set. */
static void draw_selected(const struct start_list *list, const struct canvas *canvas)
{
	const struct start_item *item = start_list_selected(list);
	int y = 0;
	if (!item) {
		canvas_text(canvas, 1, 0, canvas->width - 1, MEANING_DIM,
			    "nothing matches; Esc shows all again");
		return;
	}
	if (!item->workload) {
		canvas_text(canvas, 1, 0, canvas->width - 1, MEANING_DIM,
			    "a recording of this folder; Enter shows it");
		return;
	}
	if (text_width(item->workload->summary) > columns_of(&list->list, "what"))
		y += paragraph_draw(canvas, 1, y, canvas->width - 2, MEANING_HEADER,
				    item->workload->summary);
	if (item->workload->teaches)
		y += paragraph_draw(canvas, 1, y, canvas->width - 2, MEANING_TEXT,
				    item->workload->teaches);
	draw_settings(item, canvas, y);
}

/* ---- help */

static int draw_bindings(const struct start_list *list, const struct canvas *canvas, int y,
			 const struct binding *bindings)
{
	char key[32];
	for (; bindings->name; bindings++) {
		if (!*key_of(list, bindings, key, sizeof key))
			continue;
		canvas_text(canvas, 1, y, KEY_COLUMNS, MEANING_KEY, key);
		canvas_text(canvas, 2 + KEY_COLUMNS, y, canvas->width - KEY_COLUMNS - 2,
			    MEANING_TEXT, bindings->help);
		y++;
	}
	return y;
}

static void draw_help(const struct start_list *list, const struct canvas *canvas)
{
	static const char *const lines[] = {
		"Any other program: `stoke run -- COMMAND`. `stoke help` lists the commands,",
		"`stoke doctor` says what can be measured here, `stoke learn` has lessons.",
	};
	int y = draw_bindings(list, canvas, 0, start_bindings);
	for (int i = 0; i < (int)(sizeof lines / sizeof lines[0]); i++, y++)
		canvas_text(canvas, 1, y, canvas->width - 1, MEANING_DIM, lines[i]);
	/* All lists have these; the first is the chooser of columns. */
	draw_bindings(list, canvas, y, list_bindings + 1);
}

static int draw_able(const struct start_list *list, const struct canvas *canvas, int y)
{
	for (int i = 0; i < START_ABLE; i++)
		if (list->able[i][0])
			y += paragraph_draw(canvas, 1, y, canvas->width - 2, MEANING_DIM,
					    list->able[i]);
	return y;
}

static int draw_items(struct start_list *list, const struct canvas *canvas, int y, int rows)
{
	int header = canvas->height >= LEAST_HEADER_ROWS;
	struct canvas part = canvas_part(canvas, 1, 0, canvas->width - 1, canvas->height);
	struct list_frame frame = { part.width, header ? y : -1, y + header, rows - header };
	struct list_drawing drawing = { &list->list, &part, list, draw_cell };
	start_list_show(list, &frame);
	list_draw(&drawing);
	return y + rows;
}

void start_list_draw(struct start_list *list, const struct canvas *canvas)
{
	canvas_clear(canvas);
	int x = canvas_text(canvas, 0, 0, canvas->width, MEANING_HEADER, " stoke ");
	canvas_text(canvas, x, 0, canvas->width - x, MEANING_DIM, list->machine);
	list->width = canvas->width;
	list->height = canvas->height;
	if (list->has_help || list->has_form) {
		struct canvas middle = canvas_part(canvas, 0, HEAD_ROWS, canvas->width,
						   canvas->height - HEAD_ROWS - FOOT_ROWS);
		if (list->has_form)
			form_draw(&list->form, &middle);
		else
			draw_help(list, &middle);
		if (!list->has_form)
			draw_hints(list, canvas);
		return;
	}
	int y = canvas->height >= 20 ? draw_able(list, canvas, HEAD_ROWS) : HEAD_ROWS;
	int room = canvas->height - FOOT_ROWS - y;
	int detail = room / 3 < LEAST_DETAIL_ROWS ? LEAST_DETAIL_ROWS : room / 3;
	int rows = room > detail + 4 ? room - detail - 1 : room;
	if (rows > (int)list->n_items + 1)
		rows = (int)list->n_items + 1;
	y = draw_items(list, canvas, y, rows) + 1;
	struct canvas below =
		canvas_part(canvas, 0, y, canvas->width, canvas->height - FOOT_ROWS - y);
	draw_selected(list, &below);
	if (shows_filter(list))
		draw_filter(list, canvas);
	else
		draw_hints(list, canvas);
}
