/* stoke export: a recording in another format. */
#include <signal.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/command.h"
#include "tui/input.h"
#include "tui/session_output.h"
#include "tui/settings.h"

extern const struct command command_export;

static const struct option_group *const options[] = { &options_input,   &options_part,
						      &options_output,  &options_messages,
						      &options_general, NULL };

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	struct session_output output;
	struct why why;
	int status;
	if (!settings_parse(&command_export, OPTIONS_ANYWHERE, argv, &settings, &arguments,
			    &status))
		return status;
	struct recording *recording =
		input_from_arguments("export", &settings, &arguments, &status);
	if (!recording)
		return status;
	signal(SIGPIPE, SIG_IGN); /* a reader that left has what it wanted */
	if (!session_output_open(&output, settings.output, settings.format, settings.is_forced,
				 &status, &why))
		status = fail_with(status == STATUS_USAGE ? status : STATUS_FAILED, "export", &why);
	else if (!session_output_choose(&output, recording, &settings, &why))
		status = fail_with(STATUS_USAGE, "export", &why);
	else if (!session_output_write(&output, recording, &why))
		status = fail_with(STATUS_FAILED, "export", &why);
	else
		status = STATUS_OK;
	if (status == STATUS_OK && !settings.is_quiet)
		session_output_remark(&output, "export");
	session_output_close(&output);
	recording_free(recording);
	return status;
}

const struct command command_export = {
	.name = "export",
	.summary = "Write a recording in another format.",
	.usage = "[options] FILE",
	.help = "The format is --format, else what the extension of -o says, else folded stacks "
		"on standard output.",
	.options = options,
	.run = run,
};
