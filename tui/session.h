/*
 * session: one program profiled from start to end, or what runs already: what `run`, `record` and
 * `top` share.
 */
#ifndef TUI_SESSION_H
#define TUI_SESSION_H

#include <stdbool.h>

struct settings;

struct session_request {
	const char *name; /* the subcommand, for sentences */
	const struct settings *settings;
	char **words;         /* the command with its arguments, or a workload and key=value;
				 NULL = none, only what runs already */
	const char *workload; /* NULL = words are a command */
	bool wants_screen;    /* live on the terminal where there is one */
	bool may_fall_back;   /* from the whole machine to this user's processes */
	/* The line as typed, from the subcommand on (`words` are some of its strings), to start
	 * again with; NULL = cannot. */
	char *const *argv;
};

/*
 * session_run: launch or attach, record, show or wait, write.
 *
 * Returns  the exit status: the program's own, or one of enum status
 * Prints   sentences and the summary on stderr; data where the settings say
 */
int session_run(const struct session_request *request);

#endif
