/*
 * start_list: what the start screen shows and how it answers keys; it knows no terminal. Workloads
 * with their settings, recordings nearby, this machine, and what can be measured on it.
 */
#ifndef TUI_START_LIST_H
#define TUI_START_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/form.h"
#include "tui/view.h"

struct workload;

enum { START_TEXT_BYTES = 256, START_ABLE = 3 };

struct start_item {
	const struct workload *workload; /* NULL: a recording */
	char path[START_TEXT_BYTES];     /* of a recording */
	char detail[64];                 /* when and how large */
	char **words;                    /* settings chosen, key=value (words.h); NULL = none */
};

struct start_list {
	struct start_item *items; /* workloads first */
	size_t n_items, n_workloads, capacity;
	size_t selected, scroll;
	bool has_form, has_help;
	struct form form;
	char machine[START_TEXT_BYTES];
	char able[START_ABLE][START_TEXT_BYTES]; /* what can be measured; "" = no such line */
	int first_row, rows, height;             /* of the items and all, as last drawn */
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

#endif
