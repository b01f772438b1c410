/*
 * start: `stoke` alone on a terminal: choose a workload or a recording, come back afterwards.
 */
#ifndef TUI_START_H
#define TUI_START_H

/* start_screen: until the user leaves; an exit status. The terminal must be usable
 * (screen_refusal). */
int start_screen(void);

#endif
