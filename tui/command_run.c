/* stoke run: a built-in workload or any command, live on the terminal. */
#include "tui/command.h"
#include "tui/program_words.h"
#include "tui/session.h"
#include "tui/settings.h"

extern const struct command command_run;

static const struct option_group *const options[] = { &options_terminal, &options_sampling,
						      &options_output,   &options_messages,
						      &options_general,  NULL };

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct session_request request = { .name = "run",
					   .settings = &settings,
					   .wants_screen = true };
	int status;
	if (!program_words_parse(&command_run, argv, &settings, &request, &status))
		return status;
	return session_run(&request);
}

const struct command command_run = {
	.name = "run",
	.summary = "Profile a built-in workload, or a command, live on the terminal.",
	.usage = "[options] [WORKLOAD [KEY=VALUE...] | -- COMMAND [ARG...]]",
	.help = "Without a workload the main job runs. `stoke list workloads` shows them all. Off "
		"a terminal, or with --headless, it does the work of `stoke record`.",
	.options = options,
	.run = run,
};
