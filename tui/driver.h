/*
 * driver: the live screen: keys, fresh rows and signals in, pictures out.
 */
#ifndef TUI_DRIVER_H
#define TUI_DRIVER_H

#include <stdbool.h>

#include "sampler/base/why.h"

struct collector;
struct recording;
struct target;
struct theme;
struct workload;

struct tui_session {
	struct recording *recording;
	struct collector **collector; /* NULL, or *collector NULL: a saved recording. Stopped (and
					 set to NULL) by Ctrl-C and before the end */
	struct target *target;        /* NULL for a saved recording */
	const struct recording *against; /* to compare with; NULL = none */
	const char *against_name;
	const char *command;       /* what runs, cleaned */
	const char *view;          /* to begin with; NULL = what the preferences say */
	const struct theme *theme; /* NULL = what the preferences say */
	bool is_ascii, has_color, has_mouse;
	const struct workload *workload; /* whose settings can be changed; NULL = a command */
	char *const *words;              /* its settings, NULL-terminated */
	int steer_fd;                    /* to the running workload (steer.h), or -1 */
	char **restart;           /* out: settings to start again with (words.h); NULL = no */
	const char *restart_view; /* out: the view that was shown then */
	int signal_fd; /* -1, or a signalfd with SIGINT, TERM, HUP, WINCH, CHLD (blocked) */
};

/*
 * tui_run: show the session until the user quits or a signal ends it.
 * Returns  false and a sentence if there is no usable terminal
 * Cost     at most as many pictures a second as the preferences say (ten), none when nothing has
 *          changed
 */
bool tui_run(struct tui_session *session, struct why *why);

/* tui_refusal: NULL if tui_run can work here; else why not, for a note. */
const char *tui_refusal(void);

#endif
