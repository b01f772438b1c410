/* The settings of what runs, over the view: what the user wishes is the driver's to grant. */
#include <stdio.h>

#include "tui/face_state.h"
#include "tui/words.h"
#include "workloads/workload.h"

void face_open_form(struct face *face)
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
	if (!settings->has_program) { /* a recording: what can be set is the screen */
		face_show(face, OVERLAY_CONFIG);
		return;
	}
	const struct form_action *actions = face->has_ended ? ended : while_running;
	/* A command has no settings to go on with. */
	if (!settings->workload && !face->has_ended)
		actions++;
	form_open(&face->form, settings->workload, face->words, actions);
	face_show(face, OVERLAY_FORM);
}

enum face_outcome face_form_key(struct face *face, const struct input *input)
{
	enum form_outcome outcome = form_key(&face->form, input);
	face->must_redraw = true;
	if (outcome == FORM_GOES_ON)
		return FACE_GOES_ON;
	face->overlay = OVERLAY_NONE;
	face->wish = outcome;
	return outcome == FORM_CLOSES ? FACE_GOES_ON : FACE_WISHES;
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
	face_tell(face, MEANING_WARNING, "%s", sentence);
}
