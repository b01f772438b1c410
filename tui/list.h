/*
 * list: rows that are shown sorted by any of their columns, of which people choose. The view owns
 * the rows and says what is in them; the list knows in which order they are shown, which one is
 * selected, and which columns find room.
 *
 * The selected row stays selected while rows are sorted anew, come and go: it is known by its
 * identity. Until somebody moves, it is the first row, whichever that is.
 */
#ifndef TUI_LIST_H
#define TUI_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"

enum {
	LIST_MOST_COLUMNS = 24,
	LIST_NAME_BYTES = 32,
	LIST_TITLE_BYTES = 96,
	LIST_CHOICE_BYTES = 160, /* "self,with,name" */
	LIST_GAP = 1,            /* between columns */
	LIST_WHEEL_ROWS = 3,
};

enum list_flag {
	LIST_TEXT = 1,     /* stands to the left; sorts from A to Z at first, numbers downwards */
	LIST_FILLS = 2,    /* takes what the others leave; one column at most */
	LIST_EXTRA = 4,    /* shown only where it is chosen */
	LIST_UNSORTED = 8, /* a picture: rows cannot be sorted by it */
};

struct list_column {
	char name[LIST_NAME_BYTES]; /* in commands: lower case, no blanks or commas */
	char title[LIST_TITLE_BYTES];
	const char *help; /* for the chooser */
	int id;           /* as the view knows it */
	int cells;        /* of one that fills: the least */
	int rank;         /* the highest gives way first where room is scarce; 0 never does */
	unsigned flags;   /* enum list_flag */
};

/* What is in the rows, for list_update; `of` is lent back to each function. */
struct list_rows {
	const void *of;
	size_t n;
	const char *sort; /* the name of the column at first; NULL = as the rows come */
	uint64_t (*identity)(const void *of, size_t row);
	double (*value)(const void *of, size_t row, int column); /* NaN = not known: comes last */
	const char *(*text)(const void *of, size_t row, int column); /* of LIST_TEXT; "" is last */
	unsigned (*group)(const void *of, size_t row); /* rows of lower groups stand above; NULL */
};

/* Where the list is on the view's canvas. */
struct list_frame {
	int width, header_y, top_y, n_rows; /* header_y -1 = it has no header of its own */
};

struct list_entry {
	uint64_t identity;
	double value;
	const char *text; /* only while sorting */
	uint32_t row, group;
};

struct list_place {
	int column, x, cells;
};

struct list {
	struct list_entry *entries; /* in the order shown */
	size_t n, capacity;
	size_t selected, first;     /* places in entries */
	uint64_t identity;          /* of the selected row */
	bool is_moved;              /* somebody has chosen it */
	bool is_changed;            /* by a key or a click since the last update */
	bool has_hit_row;           /* the last click did */
	char sort[LIST_NAME_BYTES]; /* as asked for; "" = the view's own */
	bool is_inverted;
	char choice[LIST_CHOICE_BYTES]; /* names with commas; "" = the view's own */
	struct list_column columns[LIST_MOST_COLUMNS];
	int n_columns;
	int sorted; /* place in columns; -1 = as the rows come */
	struct list_place shown[LIST_MOST_COLUMNS];
	int n_shown;
	struct list_frame frame;
};

/*
 * list_update: sorts the rows and lays out; to be called when either has changed, or is_changed is
 * set. Sorting is stable: rows with equal values stay in the order they come in.
 * Cost  some 100 ns a row
 */
void list_update(struct list *list, const struct list_rows *rows, const struct list_column *columns,
		 int n_columns, const struct list_frame *frame);
void list_free(struct list *list);

/* list_row: of the selected one; only where n is not 0. */
size_t list_row(const struct list *list);

/* list_forget: the first row is selected again, whichever it is: the rows are of something else. */
void list_forget(struct list *list);

/* list_go: select what is `step` places down; list_select: by its place. Both stay inside. */
void list_go(struct list *list, long step);
void list_select(struct list *list, size_t place);

/* list_scroll: show what is `step` rows down; the selected row stays the same while it is seen. */
void list_scroll(struct list *list, long step);

/*
 * list_click: on a row: selects it; on the header: sorts by that column, or inverts the order.
 * has_hit_row says whether it was a row.
 */
void list_click(struct list *list, int x, int y);

/* list_click_header: for a view that draws headers itself. */
void list_click_header(struct list *list, int x);

/* ---- sorting and columns */

/* list_find: a column's place by its name, -1 if there is none. */
int list_find(const struct list *list, const char *name);

/* list_sort: by this column, its usual way round; list_sort_step: by the next or previous one that
 * is shown, round the end. */
void list_sort(struct list *list, int column);
void list_sort_step(struct list *list, int step);

/* list_chosen: the places in columns of those wanted, in their order; returns how many. Not all of
 * them need find room. */
int list_chosen(const struct list *list, int chosen[LIST_MOST_COLUMNS]);
/* list_holds: whether a column is among n of them. */
bool list_holds(const int *columns, int n, int column);

/* list_choose: want these, in this order; n 0 = the view's own. */
void list_choose(struct list *list, const int *columns, int n);

/* list_name: makes a column's name of any words: lower case, dashes. Returns out. */
char *list_name(const char *words, char out[LIST_NAME_BYTES]);

/* ---- drawing (list_draw.c) */

struct list_drawing {
	const struct list *list;
	const struct canvas *canvas;
	const void *of;
	/* Draws one cell on a canvas that is just as large. */
	void (*cell)(const void *of, size_t row, int column, const struct canvas *cell);
};

/* list_lay_out: which columns find room, and where; list_update does it. */
void list_lay_out(struct list *list);

/* list_draw: header and rows. The next two do it one by one; title: of the column that fills, NULL
 * = its own. */
void list_draw(const struct list_drawing *drawing);
void list_draw_header(const struct list_drawing *drawing, int y, const char *title);
void list_draw_row(const struct list_drawing *drawing, int y, size_t place);

/* list_draw_cells: of a row that need not be in the list. */
void list_draw_cells(const struct list_drawing *drawing, int y, size_t row);

/* list_put: text in a cell: to the left; list_put_right: to the right. */
void list_put(const struct canvas *cell, enum meaning meaning, const char *text);
void list_put_right(const struct canvas *cell, enum meaning meaning, const char *text);

#endif
