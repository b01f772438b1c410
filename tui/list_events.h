/*
 * list_events: `stoke list events [PATTERN]`.
 */
#ifndef TUI_LIST_EVENTS_H
#define TUI_LIST_EVENTS_H

/*
 * list_events: names and descriptions that contain the pattern (any case), or match it where it
 * has * or ?; with "pmu::" in it, of every PMU libpfm4 knows. NULL = all of this machine.
 * Returns  an exit status: 2 and a sentence when nothing matches
 */
int list_events(const char *pattern);

#endif
