/*
 * start_list: what the start screen shows and how it answers keys; it knows no terminal. Workloads
 * with their settings, recordings nearby, this machine, and what can be measured on it.
 */
#ifndef TUI_START_LIST_H
#define TUI_START_LIST_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tui/canvas.h"
#include "tui/form.h"
#include "tui/line_edit.h"
#include "tui/list.h"
#include "tui/view.h"

struct keymap;
struct workload;

enum { START_TEXT_BYTES = 256, START_ABLE = 3 };

struct start_item {
	const struct workload *workload; /* NULL: a recording */
	char path[START_TEXT_BYTES];     /* of a recording */
	time_t changed;                  /* of a recording, as the next */
	double bytes;
	char **words; /* settings chosen, key=value (words.h); NULL = none */
};

struct start_list {
	struct start_item *items; /* workloads first */
	size_t n_items, n_workloads, capacity;
	size_t *shown; /* places in items of what the filter leaves */
	size_t n_shown;
	struct list list; /* of those */
	struct line_edit filter;
	char kept[LINE_EDIT_BYTES]; /* the filter in use; "" = none */
	bool is_typing, has_form, has_help;
	struct form form;
	char machine[START_TEXT_BYTES];
	char able[START_ABLE][START_TEXT_BYTES]; /* what can be measured; "" = no such line */
	int width, height;                       /* as last drawn */
	const struct keymap *keymap;             /* borrowed; NULL = keys as in the tables */
};

/* start_list_fill: workloads, and the newest recordings (NAME.stoke) of a folder.
 * selected  name of the item to begin with, or NULL */
void start_list_fill(struct start_list *list, const char *folder, const char *selected);
void start_list_free(struct start_list *list);

enum start_outcome { START_GOES_ON, START_OPENS, START_QUITS };

/* start_list_key: a key, or a click in cells of the whole canvas. START_OPENS: the selected item.
 */
enum start_outcome start_list_key(struct start_list *list, struct input input);

/* start_list_draw: on the whole canvas. */
void start_list_draw(struct start_list *list, const struct canvas *canvas);

/* start_list_selected: NULL where the filter leaves nothing. */
struct start_item *start_list_selected(const struct start_list *list);

/* ---- between start_list.c, which answers keys, and start_draw.c */

extern const struct binding start_bindings[];

/* How keymap.h names it: a list of items with keys of its own. It is not among `views`. */
extern const struct view start_as_view;

/* start_list_show: the items that the filter leaves, sorted, where they are drawn. */
void start_list_show(struct start_list *list, const struct list_frame *frame);

/* start_hint_at: the binding whose hint is at a column of the bottom line, as last drawn; NULL =
 * none. */
const struct binding *start_hint_at(const struct start_list *list, int x);

#endif
