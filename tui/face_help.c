/* The help screen. See face_help.h. */
#include "tui/face_help.h"

#include "sampler/recording.h"
#include "tui/view.h"

struct line {
	const char *key, *help;
};

static const struct line everywhere[] = {
	{ "1-9 Tab", "views by number, next view (Shift-Tab: the one before)" },
	{ "?", "this help; F1 too" },
	{ "Esc", "clear the search, then the window of time" },
	{ "S F2", "settings of what runs: go on with others, start again, stop" },
	{ "q F10", "quit" },
	{ "Ctrl-C", "stop recording and keep the data; again: quit" },
	{ "Ctrl-Z", "suspend; fg comes back" },
	{ "Ctrl-L", "redraw" },
};

static int draw_line(const struct canvas *canvas, int y, const char *key, const char *help)
{
	canvas_text(canvas, 2, y, 13, MEANING_KEY, key);
	canvas_text(canvas, 16, y, canvas->width - 16, MEANING_TEXT, help);
	return y + 1;
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

void face_help_draw(const struct canvas *canvas, const struct view *view, int scroll)
{
	int y = -scroll;
	canvas_print(canvas, 0, y++, MEANING_HEADER, "%s: %s", view->title, view->summary);
	for (const struct binding *at = view->bindings; at->name; at++)
		y = draw_line(canvas, y, at->name, at->help);
	canvas_text(canvas, 0, ++y, canvas->width, MEANING_HEADER, "Everywhere");
	y++;
	for (size_t i = 0; i < sizeof everywhere / sizeof everywhere[0]; i++)
		y = draw_line(canvas, y, everywhere[i].key, everywhere[i].help);
	draw_marks(canvas, y + 1);
}
