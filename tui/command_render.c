/* A screen as text: exactly what the terminal would show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/command.h"
#include "tui/face.h"
#include "tui/input.h"
#include "tui/process_words.h"
#include "tui/settings.h"
#include "tui/theme.h"

extern const struct command command_render;

static const struct option_group *const options[] = { &options_input,
						      &options_against,
						      &options_render,
						      &options_terminal,
						      &options_messages,
						      &options_general,
						      NULL };

/* A saved recording is looked at from its end. */
static uint64_t last_time(const struct recording *recording)
{
	struct moment moment = recording_moment(recording);
	uint64_t n = moment.n[TABLE_SAMPLES];
	return n > 1 ? recording_sample(recording, n - 1)->time_ns : recording->start_ns;
}

static bool render(const struct recording *recording, const struct recording *against,
		   const struct settings *settings, struct why *why)
{
	char command[1024], name[256];
	int columns, rows;
	const char *line = recording_fact_text(recording, "command_line");
	const struct theme *theme = theme_find(settings->theme ? settings->theme : "dark");
	if (!theme)
		return why_fail(why,
				"There is no theme %.40s; there are dark, light, contrast and "
				"mono.",
				settings->theme);
	if (!settings_size(settings, &columns, &rows, why))
		return false;
	if (!process_is_there(recording, settings->only_pid, why))
		return false;
	struct face_settings face_settings = {
		.recording = recording,
		.against = against,
		.against_name = against ? text_clean(name, sizeof name, settings->against) : "",
		.command = text_clean(command, sizeof command, line ? line : "a recording"),
		.view = settings->view,
		.only = { .pid = (uint32_t)settings->only_pid },
	};
	struct face *face = face_new(&face_settings);
	if (!face)
		return why_fail(why, "There is no view %.40s; see `stoke list views`.",
				settings->view);
	const char *status = recording_fact_text(recording, "exit_status");
	if (status)
		face_set_ended(face, atoi(status));
	struct canvas canvas = canvas_new(columns, rows);
	face_draw(face, &canvas, last_time(recording));
	if (settings->keys) {
		face_keys(face, settings->keys);
		face_draw(face, &canvas, last_time(recording));
	}
	canvas_write(&canvas, stdout, settings_glyphs_are_ascii(settings),
		     settings_use_color(settings, 1) ? theme : NULL);
	canvas_free(&canvas);
	face_free(face);
	return true;
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	struct why why;
	int status;
	if (!settings_parse(&command_render, OPTIONS_ANYWHERE, argv, &settings, &arguments,
			    &status))
		return status;
	struct recording *recording =
		input_from_arguments("render", &settings, &arguments, &status);
	if (!recording)
		return status;
	status = STATUS_OK;
	struct recording *against = input_against("render", &settings, &status);
	if (status == STATUS_OK && !render(recording, against, &settings, &why))
		status = fail_with(STATUS_USAGE, "render", &why);
	recording_free(against);
	recording_free(recording);
	return status;
}

const struct command command_render = {
	.name = "render",
	.summary = "Print a screen as text, as the terminal would show it.",
	.usage = "[options] FILE",
	.options = options,
	.run = run,
};
