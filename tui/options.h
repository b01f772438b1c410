/*
 * options: what may be typed after a subcommand, as tables. One table feeds the parser, --help and
 * the man page, so they cannot disagree.
 */
#ifndef TUI_OPTIONS_H
#define TUI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

/* How a value is read and what the field at `offset` of the settings is. */
enum option_kind {
	OPTION_FLAG,     /* bool, set to true; takes no value */
	OPTION_TALLY,    /* int, one more each time; takes no value */
	OPTION_TEXT,     /* const char *, borrowed from argv */
	OPTION_INTEGER,  /* uint64_t from least to most */
	OPTION_DURATION, /* uint64_t nanoseconds, `least` or more, as "5s" or "500ms" */
	OPTION_CHOICE,   /* int, the place in choices */
	OPTION_CALL,     /* parse() does it; takes a value if `value` is not NULL */
};

struct option_row {
	char letter; /* 0 = none */
	enum option_kind kind;
	const char *name;  /* without the dashes; "" = only the letter; NULL ends a table */
	const char *value; /* what --help calls the value; NULL = none is taken */
	const char *help;  /* a phrase; NULL = accepted but not shown (another tool's name) */
	size_t offset;
	uint64_t least, most;
	const char *choices; /* "auto|always|never" */
	bool (*parse)(void *settings, const char *value, struct why *why);
};

/* Options that belong together, under one heading. */
struct option_group {
	const char *title;
	const struct option_row *rows;
};

/* What is left after the options. */
struct arguments {
	char **words; /* part of argv; NULL-terminated */
	int n_words;
	bool has_dashes; /* the first word followed a "--": all words are a command */
};

enum options_mode {
	OPTIONS_ANYWHERE,  /* options may follow arguments; argv is reordered */
	OPTIONS_UNTIL_WORD /* the first argument and all after it are left alone */
};

/*
 * options_parse: read argv[1] … into `settings` by the tables. Short options may be bundled
 * (-qv), values follow as --name=value, --name value, -nvalue or -n value.
 *
 * groups   NULL-terminated
 * Errors   false and a sentence that names the option, with the nearest known name
 */
bool options_parse(const struct option_group *const *groups, enum options_mode mode, char **argv,
		   void *settings, struct arguments *arguments, struct why *why);

/* choice_find: the place of `text` in "a|b|c"; -1 if it is not there. */
int choice_find(const char *choices, const char *text);

#endif
