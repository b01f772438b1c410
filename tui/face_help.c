/* The help screens: keys of the view, `:` commands, settings; all from their tables. */
#include <stdlib.h>
#include <string.h>

#include "sampler/recording.h"
#include "tui/face_state.h"
#include "tui/key_names.h"
#include "tui/list_bindings.h"
#include "tui/paragraph.h"

enum { KEY_COLUMNS = 13, TEXT_COLUMN = 16 };

/* Keys that no table holds: those of the driver, and digits. */
static const struct line {
	const char *key, *help;
} others[] = {
	{ "1-9", "views by number" },
	{ "Ctrl-C", "stop recording and keep the data; again: quit" },
	{ "Ctrl-Z", "suspend; fg comes back" },
	{ "Ctrl-L", "redraw" },
};

static int draw_line(const struct canvas *canvas, int y, const char *key, const char *help)
{
	canvas_text(canvas, 2, y, KEY_COLUMNS, MEANING_KEY, key);
	int rows = paragraph_draw(canvas, TEXT_COLUMN, y, canvas->width - TEXT_COLUMN, MEANING_TEXT,
				  help);
	return y + (rows > 0 ? rows : 1);
}

static int draw_bindings(const struct face *face, const struct canvas *canvas, int y,
			 const struct binding *bindings)
{
	char key[32];
	const struct view *view = views[face->current];
	for (const struct binding *at = bindings; at->name; at++) {
		keymap_shown(&face->preferences.keymap, view, at, key, sizeof key);
		if (*key)
			y = draw_line(canvas, y, key, at->help);
	}
	return y;
}

static int draw_marks(const struct canvas *canvas, int y)
{
	static const char *const meanings[N_ORIGINS] = {
		[ORIGIN_UNAVAILABLE] = "not available; the notes say why",
		[ORIGIN_MEASURED] = "measured by hardware",
		[ORIGIN_SCALED] = "measured for part of the time and scaled",
		[ORIGIN_SOFTWARE] = "counted or timed by software",
		[ORIGIN_MODELLED] = "computed from known work or a model",
	};
	canvas_text(canvas, 0, y++, canvas->width, MEANING_HEADER, "Marks behind values");
	for (int origin = N_ORIGINS; origin-- > 0;)
		y = draw_line(canvas, y, origin_glyph((enum origin)origin), meanings[origin]);
	return y;
}

/* Those that mean something in this view. */
static int draw_mapped(const struct face *face, const struct canvas *canvas, int y)
{
	const struct keymap *keymap = &face->preferences.keymap;
	const struct view *view = views[face->current];
	char key[32];
	bool is_first = true;
	for (int i = 0; i < keymap->n; i++) {
		const struct keymap_row *row = &keymap->rows[i];
		if (keymap_find(keymap, view, row->key) != row)
			continue;
		if (is_first)
			canvas_text(canvas, 0, ++y, canvas->width, MEANING_HEADER, "Mapped by you");
		y += is_first;
		is_first = false;
		y = draw_line(canvas, y, key_print(row->key, key, sizeof key),
			      row->action[0] ? row->action : "nothing");
	}
	return y;
}

static int draw_keys(const struct face *face, const struct canvas *canvas, int y)
{
	const struct view *view = views[face->current];
	canvas_print(canvas, 0, y++, MEANING_HEADER, "%s: %s", view->title, view->summary);
	y = draw_bindings(face, canvas, y, view->bindings);
	if (view->list)
		y = draw_bindings(face, canvas, y, list_bindings);
	y = draw_mapped(face, canvas, y);
	canvas_text(canvas, 0, ++y, canvas->width, MEANING_HEADER, "Everywhere");
	y = draw_bindings(face, canvas, y + 1, face_bindings);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		y = draw_line(canvas, y, others[i].key, others[i].help);
	return draw_marks(canvas, y + 1);
}

static int draw_commands(const struct canvas *canvas, int y)
{
	canvas_text(canvas, 0, y++, canvas->width, MEANING_HEADER,
		    "Commands, typed behind a colon; Tab completes, Up brings back");
	for (const struct face_command *at = face_commands; at->name; at++) {
		int x = 2 + canvas_print(canvas, 2, y, MEANING_KEY, ":%s", at->name);
		x += canvas_print(canvas, x, y, MEANING_TEXT, " %s", at->arguments);
		if (at->letters[0])
			canvas_print(canvas, x, y, MEANING_DIM, "  or :%s", at->letters);
		y += 1 +
		     paragraph_draw(canvas, 6, y + 1, canvas->width - 6, MEANING_TEXT, at->help);
	}
	return y;
}

/* As `stoke help config` prints it, line by line. */
static int draw_config(const struct canvas *canvas, int y)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	if (!out)
		return y;
	preferences_help(out);
	fclose(out);
	for (char *line = text, *next; line && *line; line = next) {
		size_t length = strcspn(line, "\n");
		next = line + length + (line[length] == '\n');
		line[length] = '\0';
		canvas_text(canvas, 0, y++, canvas->width, MEANING_TEXT, line);
	}
	free(text);
	return y;
}

int face_help_draw(struct face *face, const struct canvas *canvas)
{
	int y = -face->overlay_scroll;
	switch (face->overlay) {
	case OVERLAY_COMMANDS:
		y = draw_commands(canvas, y);
		break;
	case OVERLAY_EXPLAIN:
		y = face_explain_draw(face, canvas, y);
		break;
	case OVERLAY_CONFIG:
		y = draw_config(canvas, y);
		break;
	default:
		y = draw_keys(face, canvas, y);
	}
	return y + face->overlay_scroll;
}
