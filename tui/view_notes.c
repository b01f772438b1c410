/* Every note with its remedy: what was not measured, and what would change that. */
#include "sampler/recording.h"
#include "tui/list_keys.h"
#include "tui/paragraph.h"
#include "tui/view.h"

struct state {
	struct moment moment;
	int scroll, n_lines, width, height;
};

static bool notes_update(void *opaque, const struct view_context *context)
{
	struct state *state = opaque;
	struct moment now = recording_moment(context->recording);
	bool is_changed = now.n[TABLE_NOTES] != state->moment.n[TABLE_NOTES] ||
			  state->width != context->width || state->height != context->height;
	state->moment = now;
	state->width = context->width;
	state->height = context->height;
	return is_changed;
}

static int draw_note(const struct view_context *context, const struct canvas *canvas, int y,
		     const struct note_row *row)
{
	static const enum meaning meanings[N_SEVERITIES] = { MEANING_DIM, MEANING_WARNING,
							     MEANING_ERROR };
	static const char *const names[N_SEVERITIES] = { "i", "!", "X" };
	const struct recording *recording = context->recording;
	const char *remedy = recording_string_at(recording, row->remedy);
	int rows = 0;
	canvas_text(canvas, 0, y, 1, meanings[row->severity], names[row->severity]);
	canvas_text(canvas, 2, y, 10, MEANING_HEADER, recording_string_at(recording, row->source));
	rows += paragraph_draw(canvas, 13, y, canvas->width - 13, MEANING_TEXT,
			       recording_string_at(recording, row->text));
	if (*remedy)
		rows += paragraph_draw(canvas, 13, y + rows, canvas->width - 13, MEANING_DIM,
				       remedy);
	return rows + 1;
}

static void notes_draw(const void *opaque, const struct view_context *context,
		       const struct canvas *canvas)
{
	const struct state *state = opaque;
	int y = -state->scroll;
	if (state->moment.n[TABLE_NOTES] <= 1) {
		canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
			    "No notes: everything was measured as asked.");
		return;
	}
	for (uint64_t i = 1; i < state->moment.n[TABLE_NOTES]; i++)
		y += draw_note(context, canvas, y, recording_note_row(context->recording, i));
}

static unsigned move(struct state *state, long rows)
{
	state->scroll += (int)rows;
	int most = (int)state->moment.n[TABLE_NOTES] * 4;
	state->scroll = state->scroll > most ? most : state->scroll;
	state->scroll = state->scroll < 0 ? 0 : state->scroll;
	return REACTION_REDRAW;
}

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	(void)context;
	return move(opaque, list_step(input->key, 1));
}

static const struct binding bindings[] = {
	{ KEY_ARROW_UP, 'k', "Up k", "scroll up", move_key, true },
	{ KEY_ARROW_DOWN, 'j', "Down j", "scroll down", move_key, true },
	{ KEY_WHEEL_UP, KEY_PAGE_UP, "PgUp", "scroll up", move_key, false },
	{ KEY_WHEEL_DOWN, KEY_PAGE_DOWN, "PgDn", "scroll down", move_key, false },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct state *state = opaque;
	const struct recording *recording = context->recording;
	struct canvas nowhere = { .width = context->width };
	int y = -state->scroll;
	for (uint64_t i = 1; i < state->moment.n[TABLE_NOTES]; i++) {
		const struct note_row *row = recording_note_row(recording, i);
		y += draw_note(context, &nowhere, -1, row);
		if (y > 0 || i + 1 == state->moment.n[TABLE_NOTES]) /* the first that is shown */
			return (struct view_subject){ .kind = SUBJECT_NOTE,
						      .id = (uint32_t)i,
						      .name = recording_string_at(recording,
										  row->source) };
	}
	return (struct view_subject){ 0 };
}

const struct view view_notes = {
	.name = "notes",
	.title = "Notes",
	.summary = "what was not measured, why, and what would change that",
	.order = 4,
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = notes_update,
	.subject = subject,
	.draw = notes_draw,
};
