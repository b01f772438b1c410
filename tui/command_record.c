/* stoke record: profile a program without a screen and write what was recorded. */
#include "sampler/base/why.h"
#include "tui/command.h"
#include "tui/program_words.h"
#include "tui/session.h"
#include "tui/settings.h"

extern const struct command command_record;

static const struct option_group *const options[] = { &options_attach,   &options_output,
						      &options_sampling, &options_over_time,
						      &options_push,     &options_messages,
						      &options_general,  NULL };

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct session_request request = { .name = "record", .settings = &settings };
	int status;
	if (!program_words_parse(&command_record, argv, &settings, &request, &status))
		return status;
	return session_run(&request);
}

const struct command command_record = {
	.name = "record",
	.summary = "Profile a program, or what runs already, and write folded stacks or a "
		   "recording.",
	.usage = "[options] -- COMMAND | WORKLOAD [KEY=VALUE...] | -p PID | -a",
	.help = "Folded stacks go to standard output (the program's own output then goes to "
		"standard error) unless -o names a file. A file that ends in .stoke is a whole "
		"recording, written while the program runs, for `stoke report`. In its name %h is "
		"the "
		"host, %p this process, %r the rank in an MPI job, %% a percent sign.\n"
		"With --ring, --snapshot or --control the recording is written when it is asked "
		"for: a "
		"snapshot is FILE.1.EXT, FILE.2.EXT ... beside -o, which itself is written at the "
		"end.\n"
		"The exit status is the program's own. A program that still runs when --duration "
		"is over is ended with SIGTERM.\n"
		"With -p, -t or -a the command is not needed: recording ends with Ctrl-C (status "
		"0), after --duration, or when all that is attached to has ended. A command then "
		"only says how long, as in `stoke record -a -- sleep 5`, and its status is passed "
		"on. What is attached to is never stopped, changed or ended.\n"
		"Where perf_event_open is forbidden, a program that is started gets "
		"libstoke-timer.so by LD_PRELOAD, which samples its user code from inside.",
	.options = options,
	.run = run,
};
