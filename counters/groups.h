/*
 * groups: the files of counters/groups/ as strings; groups.c is written by tests/embed.sh at build
 * time.
 */
#ifndef COUNTERS_GROUPS_H
#define COUNTERS_GROUPS_H

struct group_text {
	const char *name; /* of the file, without .txt; NULL ends the list */
	const char *text;
};

extern const struct group_text group_texts[];

#endif
