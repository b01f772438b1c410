/* stoke info: this machine as a picture and a table. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "counters/machine.h"
#include "sampler/base/arena.h"
#include "sampler/recording.h"
#include "tui/command.h"
#include "tui/input.h"
#include "tui/machine_json.h"
#include "tui/machine_picture.h"
#include "tui/settings.h"
#include "tui/theme.h"

extern const struct command command_info;

/* What a terminal has at least; wider text is no easier to read. */
enum { INFO_COLUMNS = 80 };

static const struct option_row rows[] = {
	{ 'j', OPTION_FLAG, "json", NULL, "as JSON", .offset = offsetof(struct settings, is_json) },
	{ 0, OPTION_CHOICE, "color", "WHEN", "auto, always or never",
	  .offset = offsetof(struct settings, color), .choices = "auto|always|never" },
	{ 0, OPTION_FLAG, "ascii", NULL, "draw with ASCII characters only",
	  .offset = offsetof(struct settings, is_ascii) },
	{ 0, OPTION_TEXT, "root", "FOLDER", "read FOLDER/proc and FOLDER/sys instead",
	  .offset = offsetof(struct settings, root) },
	{ 0 },
};
static const struct option_group options_info = { "Output", rows };
static const struct option_group *const options[] = { &options_info, &options_general, NULL };

static int draw(const struct machine *machine, struct arena *arena, const struct canvas *canvas)
{
	int y = machine_picture_draw(machine, arena, canvas, 0, 0, INFO_COLUMNS);
	return y + machine_table_draw(machine, canvas, 0, y, INFO_COLUMNS);
}

static void print_text(const struct machine *machine, const struct settings *settings)
{
	struct arena arena = { 0 };
	struct canvas counted = canvas_new(INFO_COLUMNS, 1);
	struct canvas canvas = canvas_new(INFO_COLUMNS, draw(machine, &arena, &counted));
	draw(machine, &arena, &canvas);
	canvas_write(&canvas, stdout, settings_glyphs_are_ascii(settings),
		     settings_use_color(settings, STDOUT_FILENO) ? theme_find("dark") : NULL);
	canvas_free(&counted);
	canvas_free(&canvas);
	arena_close(&arena);
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	int status;
	if (!settings_parse(&command_info, OPTIONS_ANYWHERE, argv, &settings, &arguments, &status))
		return status;
	if (arguments.n_words > 0) {
		struct why why;
		why_fail(&why, "info takes no arguments; the machine of a recording is in `stoke "
			       "render --view machine FILE`.");
		return fail_with(STATUS_USAGE, "info", &why);
	}
	struct machine *machine = machine_read(settings.root ? settings.root : "");
	if (settings.is_json)
		machine_json_print(machine, stdout);
	else
		print_text(machine, &settings);
	machine_free(machine);
	return STATUS_OK;
}

const struct command command_info = {
	.name = "info",
	.summary = "Show this machine: cores, caches, memory, counters, limits, GPUs.",
	.usage = "[options]",
	.help = "What is not known is a dash with the reason.",
	.options = options,
	.run = run,
};
