/*
 * The tables of keys that hold now, and the bottom line made of them: short hints, each of which
 * can be clicked instead of pressing its key.
 */
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/face_state.h"
#include "tui/list_bindings.h"

enum { MOST_HINT_COLUMNS = 20, SHORT_WORD = 3 /* the, as, in: none to end with */ };

int face_tables(struct face *face, struct face_table tables[FACE_MOST_TABLES])
{
	const struct view *view = views[face->current];
	void *state = face->states[face->current];
	int n = 0;
	if (face->overlay == OVERLAY_COLUMNS) {
		tables[n++] = (struct face_table){ face_columns_bindings, face };
		return n;
	}
	tables[n++] = (struct face_table){ view->bindings, state };
	if (view->list)
		tables[n++] = (struct face_table){ list_bindings, view->list(state) };
	tables[n++] = (struct face_table){ face_bindings, face };
	return n;
}

/* ---- hints */

struct hints {
	struct face *face;
	const struct canvas *row; /* NULL: nothing is drawn */
	int x, clicked_x;         /* clicked_x -1: nothing was clicked */
	const struct binding *clicked;
	struct face_table table; /* of the one that was clicked */
};

/* What a help text says up to a comma or colon, cut at the end of a word that says something. */
static size_t hint_bytes(const char *help)
{
	size_t all = strcspn(help, ",:;"), n = text_fit(help, MOST_HINT_COLUMNS, NULL);
	if (n >= all)
		return all;
	size_t end = 0;
	for (size_t at = n; at > 0; at--) {
		if (help[at] != ' ')
			continue;
		if (end && end - at - 1 > SHORT_WORD)
			return end;
		end = at;
	}
	return end ? end : n;
}

/* False: there is no room. */
static bool put(struct hints *hints, const char *key, const char *help, size_t n_bytes)
{
	char text[64];
	int width = hints->face->width, start = hints->x;
	snprintf(text, sizeof text, "%.*s", (int)n_bytes, help);
	if (start + text_width(key) + text_width(text) + 3 > width)
		return false;
	hints->x += text_width(key) + text_width(text) + 3;
	if (!hints->row)
		return true;
	int x = start + canvas_print(hints->row, start, 0, MEANING_KEY, " %s ", key);
	canvas_print(hints->row, x, 0, MEANING_DIM, "%s ", text);
	return true;
}

/* Whole, else its first word, else not at all. */
static void put_binding(struct hints *hints, const struct face_table *table,
			const struct binding *binding)
{
	char key[32];
	const struct face *face = hints->face;
	int start = hints->x;
	keymap_shown(&face->preferences.keymap, views[face->current], binding, key, sizeof key);
	if (!*key)
		return;
	if (!put(hints, key, binding->help, hint_bytes(binding->help)) &&
	    !put(hints, key, binding->help, strcspn(binding->help, " ,:;")))
		return;
	if (hints->clicked_x >= start && hints->clicked_x < hints->x) {
		hints->clicked = binding;
		hints->table = *table;
	}
}

static void put_table(struct hints *hints, const struct face_table *table)
{
	const struct face *face = hints->face;
	for (const struct binding *at = table->bindings; at->name; at++) {
		bool is_idle = table->bindings == face_bindings && at->key == 'S' &&
			       !face->settings.has_program;
		if (at->is_hinted && !is_idle)
			put_binding(hints, table, at);
	}
}

/* The frame's own come first, then the list's, then the view's. */
static void walk(struct hints *hints)
{
	struct face_table tables[FACE_MOST_TABLES];
	for (int n = face_tables(hints->face, tables); n-- > 0;)
		put_table(hints, &tables[n]);
}

void face_draw_hints(struct face *face, const struct canvas *row)
{
	struct hints hints = { .face = face, .row = row, .clicked_x = -1 };
	walk(&hints);
}

const struct binding *face_hint_at(struct face *face, int x, struct face_table *table)
{
	struct hints hints = { .face = face, .clicked_x = x };
	walk(&hints);
	*table = hints.table;
	return hints.clicked;
}
