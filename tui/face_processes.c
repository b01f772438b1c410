/* One process alone: whether there are several, and what says so on every screen. */
#include "sampler/recording.h"
#include "tui/face_state.h"
#include "tui/process_words.h"

/* Where nobody told a number, its name tells a process. */
static uint32_t mark_of(const struct thread_row *row)
{
	return row->pid ? row->pid : row->process_name;
}

void face_look_for_processes(struct face *face)
{
	const struct recording *recording = face->settings.recording;
	uint64_t n = recording_moment(recording).n[TABLE_THREADS];
	for (uint64_t id = face->next_thread ? face->next_thread : 1; id < n; id++) {
		uint32_t mark = mark_of(recording_thread(recording, id));
		face->has_several |= face->first_process && mark && mark != face->first_process;
		if (!face->first_process)
			face->first_process = mark;
	}
	face->next_thread = n;
}

void face_draw_process(const struct face *face, const struct canvas *canvas)
{
	char words[PROCESS_WORDS_BYTES];
	const struct view *view = views[face->current];
	int rows = face_top_rows(face);
	if (!thread_choice_is_set(&face->focus.only) || rows == 0)
		return;
	process_words(face->settings.recording, &face->focus.only, words, sizeof words);
	struct canvas row = canvas_part(canvas, 0, rows - 1, canvas->width, 1);
	int x = rows > 1 ? 1 : canvas->width / 2;
	canvas_fill(&row, x - 1, 0, canvas->width - x + 1, MEANING_TITLE, 0);
	x += canvas_print(&row, x, 0, MEANING_KEY, "%s only", words);
	x += canvas_text(&row, x, 0, canvas->width - x, MEANING_TITLE, " (Esc: all)");
	if (!view->follows_process)
		canvas_print(&row, x, 0, MEANING_WARNING, " but here: all of them");
}
