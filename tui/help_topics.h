/*
 * help_topics: what `stoke help TOPIC` says beside the commands: keys, the screen's commands, the
 * configuration; all from their tables.
 */
#ifndef TUI_HELP_TOPICS_H
#define TUI_HELP_TOPICS_H

#include <stdio.h>

struct help_topic {
	const char *name, *summary; /* NULL ends the table */
	void (*print)(FILE *out);
};

extern const struct help_topic help_topics[];

/* help_topic_find: NULL if there is none of that name. */
const struct help_topic *help_topic_find(const char *name);

#endif
