/*
 * preferences: what people set once and for all, in a file: $XDG_CONFIG_HOME/stoke/config (else
 * ~/.config/stoke/config), "key = value" a line. One table feeds the file, `:set`, its help and
 * the man page.
 */
#ifndef TUI_PREFERENCES_H
#define TUI_PREFERENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sampler/base/why.h"
#include "tui/keymap.h"
#include "tui/list.h"

struct completion;
struct recording;
struct theme;

enum glyphs { GLYPHS_AUTO, GLYPHS_UNICODE, GLYPHS_ASCII };
enum colors { COLORS_AUTO, COLORS_TRUE, COLORS_256, COLORS_8, COLORS_NONE };

/* How a view's list is shown; "" = as usual. */
enum { PREFERENCE_MOST_LISTS = 12 };
struct preference_list {
	const struct view *view;
	char columns[LIST_CHOICE_BYTES], sort[LIST_NAME_BYTES];
	bool is_inverted;
};

struct preferences {
	const struct theme *theme; /* never NULL once defaults are in */
	const struct view *view;   /* to begin with; NULL = the overview */
	int colors;                /* enum colors: as many as the terminal has, or fewer */
	int glyphs;                /* enum glyphs */
	uint64_t rate_hz;          /* samples a second; 0 = as usual */
	uint64_t refresh_hz;       /* pictures a second */
	bool no_mouse;
	struct keymap keymap;
	struct preference_list lists[PREFERENCE_MOST_LISTS];
	int n_lists;
};

struct preference {
	const char *name;
	const char *values; /* "a|b|c", or a phrase in brackets; NULL ends the table */
	const char *help;
	bool (*set)(struct preferences *preferences, const char *value);
	void (*print)(const struct preferences *preferences, char *out, size_t bytes);
};

extern const struct preference preference_table[];

/* preferences_defaults: as if there were no file. */
void preferences_defaults(struct preferences *preferences);

/*
 * preferences_set: one setting by its name.
 * Errors  false and a sentence that begins in lower case: no such setting, no such value
 */
bool preferences_set(struct preferences *preferences, const char *name, const char *value,
		     struct why *why);

/* preferences_line: a line of the file: a setting, "map KEY ACTION", "unmap KEY [VIEW]", "columns
 * VIEW NAMES", "sort VIEW COLUMN", a comment or nothing. Errors as above. */
bool preferences_line(struct preferences *preferences, const char *line, struct why *why);

/* preferences_list_line: what is behind "columns" or "sort". preferences_set_columns: "" = as
 * usual; false: there are too many. */
bool preferences_list_line(struct preferences *preferences, const char *words, bool is_sort,
			   struct why *why);
bool preferences_set_columns(struct preferences *preferences, const struct view *view,
			     const char *names);

/* preferences_print: "name = value" as it is; "" for an unknown name. */
const char *preferences_print(const struct preferences *preferences, const char *name, char *out,
			      size_t bytes);

/* preferences_complete: names, or a setting's values where `name` is not NULL. */
void preferences_complete(const char *name, struct completion *completion);

/* Lines that could not be taken, as sentences with their numbers. */
enum { PREFERENCE_MOST_PROBLEMS = 12 };
struct preference_problems {
	char text[PREFERENCE_MOST_PROBLEMS][WHY_BYTES];
	int n, n_more;
};

/* preferences_read: all lines of a text, whatever is in it; wrong ones are left out. */
void preferences_read(struct preferences *preferences, const char *text, size_t n_bytes,
		      struct preference_problems *problems);

/* preferences_path: of the file; "" if there is no home. */
const char *preferences_path(char *out, size_t bytes);

/* preferences_get: the user's own, read once; main thread. */
const struct preferences *preferences_get(void);

/*
 * preferences_keep_columns: into the user's file, which is made if there is none; its other lines
 * stay. names "": the line goes. Main thread.
 * Errors  false and a sentence that begins in lower case: the file cannot be read or written
 */
bool preferences_keep_columns(const struct view *view, const char *names, struct why *why);

/* preferences_note: what was wrong with the file as notes in a recording; the writer's. */
void preferences_note(struct recording *recording);

/* preferences_help: how the file is written and what may be in it. */
void preferences_help(FILE *out);

#endif
