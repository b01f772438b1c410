/* stoke top: what runs already, live on the terminal. */
#include <string.h>

#include "sampler/base/text.h"
#include "tui/command.h"
#include "tui/session.h"
#include "tui/settings.h"
#include "tui/view.h"

extern const struct command command_top;

static const struct option_group *const options[] = { &options_attach,
						      &options_terminal,
						      &options_sampling,
						      &options_output,
						      &options_messages,
						      &options_general,
						      NULL };

static int fail_with_words(const char *word)
{
	struct why why;
	char clean[64];
	text_clean(clean, sizeof clean, word);
	if (clean[0] && strspn(clean, "0123456789,") == strlen(clean))
		why_fail(&why, "A process is named with -p: stoke top -p %s.", clean);
	else
		why_fail(&why, "top shows what runs already; to start %s say `stoke run -- %s`.",
			 clean, clean);
	return fail_with(STATUS_USAGE, "top", &why);
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct session_request request = { .name = "top",
					   .settings = &settings,
					   .wants_screen = true };
	struct arguments arguments;
	int status;
	if (!settings_parse(&command_top, OPTIONS_UNTIL_WORD, argv, &settings, &arguments, &status))
		return status;
	if (arguments.n_words > 0)
		return fail_with_words(arguments.words[0]);
	if (!settings_attach(&settings))
		request.may_fall_back = settings.attach.is_whole_machine = true;
	if (view_find("processes"))
		settings.view = "processes";
	return session_run(&request);
}

const struct command command_top = {
	.name = "top",
	.summary = "Show what runs already, live on the terminal.",
	.usage = "[options] [-p PID[,PID] | -t TID[,TID] | -a]",
	.help = "Without -p, -t or -a the whole machine is shown (as -a), stoke itself too; where "
		"the "
		"kernel does not permit that, all processes of this user, and a note says so. What "
		"is attached to is never stopped, changed or ended. When it has ended, the screen "
		"stays. Off a terminal, or with --headless, it does the work of `stoke record`.",
	.options = options,
	.run = run,
};
