/* stoke report: a recording on the screen, or as text off a terminal. */
#include <stdio.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/command.h"
#include "tui/driver.h"
#include "tui/input.h"
#include "tui/preferences.h"
#include "tui/settings.h"
#include "tui/summary.h"
#include "tui/theme.h"

extern const struct command command_report;

/* A screenful; `stoke export` has everything. */
enum { MOST_FUNCTIONS = 30 };

static const struct option_group *const options[] = { &options_input,    &options_against,
						      &options_terminal, &options_messages,
						      &options_general,  NULL };

static void print_fact(const struct recording *recording, const char *label, const char *key)
{
	const char *value = recording_fact_text(recording, key);
	if (value)
		printf("%-9s %s\n", label, value);
}

static void print_report(const struct recording *recording, const struct settings *settings)
{
	print_fact(recording, "command", "command_line");
	print_fact(recording, "host", "host");
	print_fact(recording, "kernel", "kernel");
	print_fact(recording, "cpu", "cpu");
	print_fact(recording, "started", "started");
	print_fact(recording, "status", "exit_status");
	printf("%-9s ", "samples");
	summary_print(stdout, recording);
	putchar('\n');
	summary_print_functions(stdout, recording, MOST_FUNCTIONS);
	putchar('\n');
	summary_print_notes(stdout, recording, settings->is_quiet ? SEVERITY_ERROR : SEVERITY_INFO,
			    "");
}

/* On the screen where there is one, else as text. */
static int show(struct recording *recording, const struct recording *against,
		const struct settings *settings)
{
	struct why why;
	char name[256];
	const char *line = recording_fact_text(recording, "command_line");
	struct tui_session session = {
		.recording = recording,
		.against = against,
		.against_name = against ? text_clean(name, sizeof name, settings->against) : "",
		.command = line ? line : "a recording",
		.view = settings->view,
		.theme = settings->theme ? theme_find(settings->theme) : NULL,
		.is_ascii = settings_glyphs_are_ascii(settings),
		.has_color = settings_screen_has_color(settings),
		.has_mouse = !settings->no_mouse,
		.signal_fd = -1,
	};
	if (settings_wants_text(settings) || tui_refusal()) {
		print_report(recording, settings);
		return STATUS_OK;
	}
	preferences_note(recording);
	return tui_run(&session, &why) ? STATUS_OK : fail_with(STATUS_FAILED, "report", &why);
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	int status;
	if (!settings_parse(&command_report, OPTIONS_ANYWHERE, argv, &settings, &arguments,
			    &status))
		return status;
	struct recording *recording =
		input_from_arguments("report", &settings, &arguments, &status);
	if (!recording)
		return status;
	struct recording *against = input_against("report", &settings, &status);
	if (against || !settings.against)
		status = show(recording, against, &settings);
	recording_free(against);
	recording_free(recording);
	return status;
}

const struct command command_report = {
	.name = "report",
	.summary = "Show a recording: on the screen, or as text off a terminal.",
	.usage = "[options] FILE",
	.options = options,
	.run = run,
};
