/*
 * session_terminal: the terminal of its own that a program gets while ours shows the screen.
 */
#ifndef TUI_SESSION_TERMINAL_H
#define TUI_SESSION_TERMINAL_H

struct launch;

/* session_terminal: as large as the output view is, and of the kind that it draws. */
void session_terminal(struct launch *launch);

#endif
