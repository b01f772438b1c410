/* The program: finds the subcommand by name and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "tui/command.h"
#include "tui/help.h"
#include "tui/screen.h"
#include "tui/settings.h"
#include "tui/start.h"

/*
 * A descriptor closed by the caller would be taken by the next file we open, and messages would go
 * into it. Opened the wrong way round, writes still fail as on a closed one.
 */
static void reserve_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		while (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
				_exit(STATUS_PROFILER_FAILED);
}

static int start_without_arguments(void)
{
	if (!isatty(STDOUT_FILENO)) {
		help_print_usage(stderr);
		return STATUS_USAGE;
	}
	if (!screen_refusal())
		return start_screen();
	help_print_overview(stdout);
	puts("\nWorkloads, for `stoke run NAME`:");
	help_print_workloads(stdout);
	return STATUS_OK;
}

static int fail_unknown(const char *name)
{
	struct nearest nearest;
	nearest_start(&nearest, name);
	for (const struct command *const *command = commands; *command; command++)
		if (!(*command)->is_hidden)
			nearest_offer(&nearest, (*command)->name);
	char question[96], clean[64];
	text_clean(clean, sizeof clean, name);
	struct why why;
	why_fail(&why, "There is no %s %s%s", name[0] == '-' ? "option" : "command", clean,
		 nearest.best ? nearest_question(&nearest, "", question, sizeof question)
			      : "; `stoke help` lists them.");
	return fail_with(STATUS_USAGE, NULL, &why);
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2)
		return start_without_arguments();
	const char *name = argv[1];
	if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
		name = "help";
	if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0)
		name = "version";
	const struct command *command = command_find(name);
	return command ? command->run(argc - 1, argv + 1) : fail_unknown(name);
}

/* Data that did not arrive is a failure, unless nobody is reading any more. */
static int finish_output(int status)
{
	errno = 0;
	bool has_failed = ferror(stdout) != 0;
	has_failed |= fflush(stdout) != 0;
	int error = errno;
	if (!has_failed || status != STATUS_OK || error == EPIPE)
		return status;
	struct why why;
	why_fail(&why, "Cannot write to standard output: %s.",
		 error ? strerror(error) : "an earlier write failed");
	return fail_with(STATUS_FAILED, NULL, &why);
}

/* Who ignores the ends of children hands that on: then nobody learns how a child ended. */
static void hear_of_children(void)
{
	signal(SIGCHLD, SIG_DFL);
}

int main(int argc, char **argv)
{
	hear_of_children();
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* data formats have a decimal point everywhere */
	reserve_standard_descriptors();
	return finish_output(dispatch(argc, argv));
}
