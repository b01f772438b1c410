/* What is under the cursor: asked for once, so that it can be read while the program goes on. */
#include <stdlib.h>
#include <string.h>

#include "tui/face_state.h"
#include "tui/paragraph.h"

enum { TEXT_COLUMN = 2, MOST_TITLE = 24 };

void face_explain(struct face *face)
{
	const struct view *view = views[face->current];
	struct view_context context = face_context(face);
	struct view_subject subject = { 0 };
	size_t n;
	if (view->subject)
		subject = view->subject(face->states[face->current], &context);
	if (subject.kind == SUBJECT_NONE) {
		face_say(face, "Nothing is under the cursor that could be explained.");
		return;
	}
	free(face->explanation);
	face->explanation = NULL;
	FILE *out = open_memstream(&face->explanation, &n);
	if (!out)
		return;
	explain_write(out, context.recording, &face->focus, &subject);
	fclose(out);
	face_show(face, OVERLAY_EXPLAIN);
}

/* "Title: text" lines; the first is all title. */
static int draw_line(const struct canvas *canvas, int y, const char *line, bool is_first)
{
	char title[MOST_TITLE];
	const char *colon = strstr(line, ": ");
	size_t n = colon ? (size_t)(colon - line) : 0;
	if (is_first || !colon || n >= sizeof title)
		return y + paragraph_draw(canvas, 0, y, canvas->width,
					  is_first ? MEANING_TITLE : MEANING_TEXT, line);
	memcpy(title, line, n);
	title[n] = '\0';
	canvas_text(canvas, 0, ++y, canvas->width, MEANING_HEADER, title);
	return y + 1 +
	       paragraph_draw(canvas, TEXT_COLUMN, y + 1, canvas->width - TEXT_COLUMN, MEANING_TEXT,
			      colon + 2);
}

int face_explain_draw(const struct face *face, const struct canvas *canvas, int y)
{
	char line[4096];
	const char *at = face->explanation ? face->explanation : "";
	for (bool is_first = true; *at; is_first = false) {
		size_t n = strcspn(at, "\n");
		snprintf(line, sizeof line, "%.*s", (int)n, at);
		y = draw_line(canvas, y, line, is_first);
		at += n + (at[n] == '\n');
	}
	return y;
}
