/*
 * What people do with the list of the view that is shown: `:sort`, `:columns`, and the chooser of
 * columns. A choice of columns is kept in the user's configuration.
 */
#include <stdio.h>
#include <string.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "tui/face_state.h"
#include "tui/list.h"
#include "tui/list_keys.h"

enum { NAME_COLUMN = 4, HELP_COLUMN = 28, CHOOSER_HEADER_ROWS = 2 };

static struct list *list_of(const struct face *face)
{
	const struct view *view = views[face->current];
	return view->list ? view->list(face->states[face->current]) : NULL;
}

void face_set_up_lists(struct face *face)
{
	for (int i = 0; i < face->preferences.n_lists; i++) {
		const struct preference_list *row = &face->preferences.lists[i];
		for (int at = 0; at < face->n_views; at++) {
			if (views[at] != row->view || !row->view->list)
				continue;
			struct list *list = row->view->list(face->states[at]);
			snprintf(list->choice, sizeof list->choice, "%s", row->columns);
			snprintf(list->sort, sizeof list->sort, "%s", row->sort);
			list->is_inverted = row->is_inverted;
		}
	}
}

/* ---- keeping */

static void keep_columns(struct face *face, const struct list *list)
{
	struct why why;
	const struct view *view = views[face->current];
	const char *shown = *list->choice ? list->choice : "as they were";
	if (!face->settings.keeps_choices)
		face_tell(face, MEANING_TEXT, "Columns of %s: %s.", view->name, shown);
	else if (preferences_keep_columns(view, list->choice, &why))
		face_tell(face, MEANING_TEXT, "Columns of %s: %s; kept in the configuration.",
			  view->name, shown);
	else
		face_tell(face, MEANING_WARNING, "Columns of %s until the end: %s", view->name,
			  why.text);
}

/* ---- commands */

/* NULL, and said why: the view shows no list, or there is nothing in it yet. */
static struct list *find_list(struct face *face, const char *command)
{
	struct list *list = list_of(face);
	char names[128];
	if (!list)
		face_tell(face, MEANING_WARNING, ":%s is for lists: %s.", command,
			  view_lists(names, sizeof names));
	else if (list->n_columns == 0)
		face_update_view(face);
	return list;
}

static void say_unknown(struct face *face, const struct list *list, const char *name)
{
	struct nearest nearest;
	char question[96], clean[64];
	nearest_start(&nearest, name);
	for (int i = 0; i < list->n_columns; i++)
		nearest_offer(&nearest, list->columns[i].name);
	face_tell(face, MEANING_WARNING, "There is no column %s here%s",
		  text_clean(clean, sizeof clean, name),
		  nearest.best ? nearest_question(&nearest, "", question, sizeof question)
			       : "; Tab lists them.");
}

bool face_sort(struct face *face, const char *argument, bool is_forced)
{
	struct list *list = find_list(face, "sort");
	if (!list)
		return true;
	const char *name = argument + (*argument == '-');
	int column = list_find(list, name);
	if (!*name)
		face_tell(face, MEANING_TEXT, "Sorted by %s%s.",
			  list->sorted < 0 ? "nothing" : list->columns[list->sorted].name,
			  list->is_inverted ? ", inverted" : "");
	else if (column < 0)
		say_unknown(face, list, name);
	else if (list->columns[column].flags & LIST_UNSORTED)
		face_tell(face, MEANING_WARNING, "%s is a picture; rows are not sorted by it.",
			  name);
	else
		list_sort(list, column);
	if (column >= 0)
		list->is_inverted = is_forced || *argument == '-';
	return true;
}

/* False, and said why: a name is none. */
static bool read_columns(struct face *face, const struct list *list, const char *names,
			 int columns[LIST_MOST_COLUMNS], int *n)
{
	char name[LIST_NAME_BYTES];
	*n = 0;
	while (*(names += strspn(names, " ,"))) {
		size_t length = strcspn(names, " ,");
		snprintf(name, sizeof name, "%.*s", (int)length, names);
		int column = length < sizeof name ? list_find(list, name) : -1;
		if (column < 0) {
			say_unknown(face, list, name);
			return false;
		}
		if (!list_holds(columns, *n, column))
			columns[(*n)++] = column;
		names += length;
	}
	return true;
}

bool face_columns(struct face *face, const char *argument, bool is_forced)
{
	struct list *list = find_list(face, "columns");
	int columns[LIST_MOST_COLUMNS], n = 0;
	(void)is_forced;
	if (list && !*argument) {
		face_open_columns(face);
	} else if (list && (strcmp(argument, "default") == 0 ||
			    read_columns(face, list, argument, columns, &n))) {
		list_choose(list, columns, n);
		keep_columns(face, list);
	}
	return true;
}

void face_complete_column(const struct face *face, struct completion *completion)
{
	const struct list *list = list_of(face);
	for (int i = 0; list && i < list->n_columns; i++)
		completion_offer(completion, list->columns[i].name);
}

/* ---- the chooser */

/* All columns: those wanted in their order, then the rest. */
static int order_columns(const struct list *list, int order[LIST_MOST_COLUMNS], int *n_wanted)
{
	int n = list_chosen(list, order);
	*n_wanted = n;
	for (int column = 0; column < list->n_columns; column++)
		if (!list_holds(order, *n_wanted, column))
			order[n++] = column;
	return n;
}

void face_open_columns(struct face *face)
{
	const struct list *list = list_of(face);
	int order[LIST_MOST_COLUMNS], n_wanted;
	if (!list)
		return;
	face->column_at = 0;
	face->has_chosen_columns = false;
	for (int n = order_columns(list, order, &n_wanted); n-- > 0;)
		if (order[n] == list->sorted)
			face->column_at = n;
	face_show(face, OVERLAY_COLUMNS);
}

int face_columns_draw(const struct face *face, const struct canvas *canvas)
{
	const struct list *list = list_of(face);
	int order[LIST_MOST_COLUMNS], n_wanted, n = order_columns(list, order, &n_wanted);
	int most = canvas->height - CHOOSER_HEADER_ROWS, first = 0;
	canvas_print(canvas, 0, 0, MEANING_HEADER,
		     "Columns of %s, from left to right; those that find no room wait",
		     views[face->current]->name);
	if (most > 0 && face->column_at >= most)
		first = face->column_at - most + 1;
	for (int i = first; i < n && i - first < most; i++) {
		const struct list_column *column = &list->columns[order[i]];
		int y = CHOOSER_HEADER_ROWS + i - first;
		bool is_upwards = !!(column->flags & LIST_TEXT) != list->is_inverted;
		canvas_text(canvas, 0, y, 4, MEANING_TEXT, i < n_wanted ? "[x]" : "[ ]");
		canvas_text(canvas, NAME_COLUMN, y, HELP_COLUMN - NAME_COLUMN - 2, MEANING_KEY,
			    column->name);
		if (order[i] == list->sorted)
			canvas_text(canvas, HELP_COLUMN - 2, y, 1, MEANING_KEY,
				    is_upwards ? "\u25b2" : "\u25bc");
		canvas_text(canvas, HELP_COLUMN, y, canvas->width - HELP_COLUMN, MEANING_TEXT,
			    column->help);
		if (i == face->column_at)
			canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
	}
	return CHOOSER_HEADER_ROWS + n;
}

static unsigned columns_close(void *opaque, const struct view_context *context,
			      const struct input *input)
{
	struct face *face = opaque;
	(void)context;
	(void)input;
	face->overlay = OVERLAY_NONE;
	if (face->has_chosen_columns)
		keep_columns(face, list_of(face));
	return REACTION_REDRAW;
}

static unsigned columns_sort(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct face *face = opaque;
	struct list *list = list_of(face);
	int order[LIST_MOST_COLUMNS], n_wanted, n = order_columns(list, order, &n_wanted);
	if (face->column_at < n)
		list_sort(list, order[face->column_at]);
	return columns_close(face, context, input);
}

static void choose_columns(struct face *face, const int *order, int n)
{
	list_choose(list_of(face), order, n);
	face->has_chosen_columns = true;
}

/* What is shown goes behind those shown before. One always stays. */
static unsigned columns_toggle(void *opaque, const struct view_context *context,
			       const struct input *input)
{
	struct face *face = opaque;
	int order[LIST_MOST_COLUMNS], n_wanted, n = order_columns(list_of(face), order, &n_wanted);
	int at = face->column_at;
	(void)context;
	(void)input;
	if (at >= n || (at < n_wanted && n_wanted == 1))
		return REACTION_REDRAW;
	int column = order[at];
	if (at < n_wanted) {
		memmove(order + at, order + at + 1, (size_t)(n_wanted - at - 1) * sizeof *order);
		n_wanted--;
	} else {
		order[n_wanted++] = column;
	}
	choose_columns(face, order, n_wanted);
	n = order_columns(list_of(face), order, &n_wanted);
	for (int i = 0; i < n; i++) /* the cursor goes with it */
		face->column_at = order[i] == column ? i : face->column_at;
	return REACTION_REDRAW;
}

static unsigned shift(struct face *face, int step)
{
	int order[LIST_MOST_COLUMNS], n_wanted;
	order_columns(list_of(face), order, &n_wanted);
	int at = face->column_at, to = at + step;
	if (at >= n_wanted || to < 0 || to >= n_wanted)
		return REACTION_REDRAW;
	int column = order[at];
	order[at] = order[to];
	order[to] = column;
	face->column_at = to;
	choose_columns(face, order, n_wanted);
	return REACTION_REDRAW;
}

static unsigned columns_left(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	(void)context;
	(void)input;
	return shift(opaque, -1);
}

static unsigned columns_right(void *opaque, const struct view_context *context,
			      const struct input *input)
{
	(void)context;
	(void)input;
	return shift(opaque, 1);
}

static unsigned columns_reset(void *opaque, const struct view_context *context,
			      const struct input *input)
{
	(void)context;
	(void)input;
	choose_columns(opaque, NULL, 0);
	return REACTION_REDRAW;
}

static unsigned columns_move(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct face *face = opaque;
	(void)context;
	face->column_at = (int)list_move((size_t)face->column_at, list_step(input->key, 10),
					 (size_t)list_of(face)->n_columns);
	return REACTION_REDRAW;
}

/* On the box: show or hide; elsewhere in the row: select; twice: sort by it. */
static unsigned columns_click(void *opaque, const struct view_context *context,
			      const struct input *input)
{
	struct face *face = opaque;
	int most = context->height - CHOOSER_HEADER_ROWS;
	int first = most > 0 && face->column_at >= most ? face->column_at - most + 1 : 0;
	int at = first + input->y - CHOOSER_HEADER_ROWS;
	if (input->y < CHOOSER_HEADER_ROWS || at >= list_of(face)->n_columns)
		return REACTION_REDRAW;
	face->column_at = at;
	if (input->x < NAME_COLUMN)
		return columns_toggle(face, context, input);
	if (input->key == KEY_DOUBLE_CLICK)
		return columns_sort(face, context, input);
	return REACTION_REDRAW;
}

const struct binding face_columns_bindings[] = {
	{ KEY_ESCAPE, 'q', "Esc", "back", columns_close, true },
	{ KEY_RETURN, 's', "Enter", "sort by it", columns_sort, true },
	{ ' ', 'x', "Space", "show or hide", columns_toggle, true },
	{ '<', KEY_ARROW_LEFT, "<", "left: move the column", columns_left, true },
	{ '>', KEY_ARROW_RIGHT, ">", "right: move the column", columns_right, true },
	{ 'r', 0, "r", "reset", columns_reset, true },
	{ KEY_FUNCTION_6, 'O', "F6", "back", columns_close, false },
	{ KEY_ARROW_UP, 'k', "Up k", "up", columns_move, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "down", columns_move, false },
	{ KEY_START, 'g', "g", "to the first", columns_move, false },
	{ KEY_FINISH, 'G', "G", "to the last", columns_move, false },
	{ KEY_WHEEL_UP, KEY_PAGE_UP, "wheel", "up", columns_move, false },
	{ KEY_WHEEL_DOWN, KEY_PAGE_DOWN, "wheel", "down", columns_move, false },
	{ KEY_CLICK, KEY_DOUBLE_CLICK, "click", "select", columns_click, false },
	{ 0 },
};
