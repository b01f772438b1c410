/* stoke help [COMMAND]; `stoke help --man` prints the man page that `make install` installs. */
#include <stdio.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "tui/command.h"
#include "tui/help.h"
#include "tui/help_topics.h"
#include "tui/settings.h"

extern const struct command command_help;

static const struct option_row help_rows[] = {
	{ 0, OPTION_FLAG, "man", NULL, "the man page",
	  .offset = offsetof(struct settings, wants_manual) },
	{ 0 },
};
static const struct option_group options_help = { "Help", help_rows };
static const struct option_group *const options[] = { &options_help, &options_general, NULL };

static int fail_unknown(const char *name)
{
	struct nearest nearest;
	nearest_start(&nearest, name);
	for (const struct command *const *command = commands; *command; command++)
		nearest_offer(&nearest, (*command)->name);
	for (const struct help_topic *topic = help_topics; topic->name; topic++)
		nearest_offer(&nearest, topic->name);
	char question[96], clean[64];
	struct why why;
	why_fail(&why, "There is no command %s%s", text_clean(clean, sizeof clean, name),
		 nearest.best ? nearest_question(&nearest, "", question, sizeof question) : ".");
	return fail_with(STATUS_USAGE, "help", &why);
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	int status;
	/* `stoke --help` and `stoke -h` arrive here too, under their own name. */
	if (!settings_parse(&command_help, OPTIONS_ANYWHERE, argv, &settings, &arguments, &status))
		return status;
	if (settings.wants_manual)
		help_print_manual(stdout);
	else if (arguments.n_words == 0)
		help_print_overview(stdout);
	for (int i = 0; i < arguments.n_words; i++) {
		const struct command *command = command_find(arguments.words[i]);
		const struct help_topic *topic = help_topic_find(arguments.words[i]);
		if (!command && !topic)
			return fail_unknown(arguments.words[i]);
		if (command)
			help_print_command(stdout, command);
		else
			topic->print(stdout);
	}
	return STATUS_OK;
}

const struct command command_help = {
	.name = "help",
	.summary = "Say what the commands do.",
	.usage = "[COMMAND | config | keys | screen]...",
	.options = options,
	.run = run,
};
