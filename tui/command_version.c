/* stoke version: what this program is and what it was built with. */
#include <stdio.h>

#include "tui/command.h"
#include "tui/help.h"
#include "tui/settings.h"

extern const struct command command_version;

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	int status;
	if (!settings_parse(&command_version, OPTIONS_ANYWHERE, argv, &settings, &arguments,
			    &status))
		return status;
	help_print_version(stdout);
	return STATUS_OK;
}

const struct command command_version = {
	.name = "version",
	.summary = "Print the version.",
	.usage = "",
	.run = run,
};
