/*
 * session_again: a program that is to run again with other settings: this process begins anew with
 * the command line it would then have had.
 */
#ifndef TUI_SESSION_AGAIN_H
#define TUI_SESSION_AGAIN_H

struct session_request;

/*
 * session_again: words are the workload's new settings (not looked at for a command); view is the
 * one to begin with.
 * Returns  only if this program cannot be started: the exit status, with a sentence on stderr
 */
int session_again(const struct session_request *request, char *const *words, const char *view);

/* session_resumed_view: the view that session_again asked for, once; else `otherwise`. */
const char *session_resumed_view(const char *otherwise);

#endif
