/*
 * tui: the face. It may include everything. A file named command_NAME.c defines `command_NAME`
 * and is the subcommand `stoke NAME`; view_NAME.c defines `view_NAME`. Start reading at main.c,
 * then view.h and driver.h.
 *
 * command: one subcommand.
 */
#ifndef TUI_COMMAND_H
#define TUI_COMMAND_H

/* Exit statuses; the profiled command's own code (or 128 + signal) passes through otherwise. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_REQUIRE = 3,
	STATUS_BAD_INPUT = 4,
	STATUS_PROFILER_FAILED = 125,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
};

struct option_group;

struct command {
	const char *name, *summary;
	const char *usage; /* "[options] -- COMMAND [ARG…]" */
	const char *help; /* paragraphs after the options in --help and the man page; may be NULL */
	const struct option_group *const *options; /* tables of options.h, NULL-terminated */
	int (*run)(int argc, char **argv);         /* argv[0] is the subcommand */
	int is_hidden;                             /* not listed: internal */
};

extern const struct command *const commands[];

#endif
