/* Order, selection and the choice of columns. What is drawn where is in list_draw.c. */
#include "tui/list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sampler/base/why.h"
#include "tui/list_keys.h"

/* ---- columns */

static int find_part(const struct list *list, const char *name, size_t n_bytes)
{
	for (int i = 0; i < list->n_columns; i++)
		if (strlen(list->columns[i].name) == n_bytes &&
		    strncmp(list->columns[i].name, name, n_bytes) == 0)
			return i;
	return -1;
}

int list_find(const struct list *list, const char *name)
{
	return find_part(list, name, strlen(name));
}

bool list_holds(const int *columns, int n, int column)
{
	for (int i = 0; i < n; i++)
		if (columns[i] == column)
			return true;
	return false;
}

int list_chosen(const struct list *list, int chosen[LIST_MOST_COLUMNS])
{
	int n = 0;
	for (const char *at = list->choice; *at;) {
		size_t length = strcspn(at, ",");
		int column = find_part(list, at, length);
		if (column >= 0 && !list_holds(chosen, n, column))
			chosen[n++] = column;
		at += length + (at[length] == ',');
	}
	if (n > 0)
		return n;
	for (int i = 0; i < list->n_columns; i++)
		if (!(list->columns[i].flags & LIST_EXTRA))
			chosen[n++] = i;
	return n;
}

void list_choose(struct list *list, const int *columns, int n)
{
	size_t used = 0;
	list->choice[0] = '\0';
	for (int i = 0; i < n; i++) {
		const char *name = list->columns[columns[i]].name;
		if (used + strlen(name) + 2 > sizeof list->choice)
			break;
		used += (size_t)snprintf(list->choice + used, sizeof list->choice - used, "%s%s",
					 i ? "," : "", name);
	}
	list->is_changed = true;
}

char *list_name(const char *words, char out[LIST_NAME_BYTES])
{
	size_t n = 0;
	for (; *words && n + 1 < LIST_NAME_BYTES; words++) {
		char letter = *words;
		if (letter >= 'A' && letter <= 'Z')
			letter = (char)(letter - 'A' + 'a');
		bool is_plain =
			(letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
		if (is_plain || (n > 0 && out[n - 1] != '-'))
			out[n++] = is_plain ? letter : '-';
	}
	n -= n > 0 && out[n - 1] == '-';
	out[n] = '\0';
	return out;
}

/* ---- sorting */

struct order {
	bool is_text;
	int sign; /* -1: the biggest first */
};

/* What is not known comes last, whichever way round. */
static int compare_values(double a, double b, int sign)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return a == b ? 0 : a < b ? -sign : sign;
}

static int compare_texts(const char *a, const char *b, int sign)
{
	if (!*a || !*b)
		return !*a - !*b;
	int difference = strcasecmp(a, b);
	if (difference == 0)
		difference = strcmp(a, b);
	return difference == 0 ? 0 : difference < 0 ? -sign : sign;
}

static int compare_entries(const void *a, const void *b, void *opaque)
{
	const struct list_entry *left = a, *right = b;
	const struct order *order = opaque;
	if (left->group != right->group)
		return left->group < right->group ? -1 : 1;
	int difference = order->is_text ? compare_texts(left->text, right->text, order->sign)
					: compare_values(left->value, right->value, order->sign);
	if (difference)
		return difference;
	return left->row < right->row ? -1 : left->row > right->row;
}

static void sort_entries(struct list *list, const struct list_rows *rows)
{
	int column = list->sorted;
	unsigned flags = column < 0 ? 0 : list->columns[column].flags;
	int id = column < 0 ? 0 : list->columns[column].id;
	struct order order = { .is_text = column >= 0 && flags & LIST_TEXT };
	order.sign = order.is_text ? 1 : -1;
	order.sign *= list->is_inverted ? -1 : 1;
	for (size_t row = 0; row < rows->n; row++) {
		struct list_entry *entry = &list->entries[row];
		*entry = (struct list_entry){ .identity = rows->identity(rows->of, row),
					      .row = (uint32_t)row,
					      .group = rows->group ? rows->group(rows->of, row)
								   : 0 };
		if (order.is_text)
			entry->text = rows->text(rows->of, row, id);
		else /* as they come is by their number */
			entry->value = column < 0 ? -(double)row : rows->value(rows->of, row, id);
	}
	if (rows->n)
		qsort_r(list->entries, rows->n, sizeof *list->entries, compare_entries, &order);
	for (size_t i = 0; i < rows->n; i++)
		list->entries[i].text = NULL;
}

static void find_sorted(struct list *list, const char *usual)
{
	list->sorted = *list->sort ? list_find(list, list->sort) : -1;
	if (list->sorted < 0 && usual)
		list->sorted = list_find(list, usual);
}

/* ---- selection */

static void keep_visible(struct list *list)
{
	size_t rows = list->frame.n_rows > 0 ? (size_t)list->frame.n_rows : 1;
	if (list->selected >= list->n)
		list->selected = list->n ? list->n - 1 : 0;
	if (list->selected < list->first)
		list->first = list->selected;
	if (list->selected >= list->first + rows)
		list->first = list->selected - rows + 1;
	if (list->first + rows > list->n) /* no empty rows while some are hidden above */
		list->first = list->n > rows ? list->n - rows : 0;
}

/* The row that was selected, wherever it is now; where it has gone, what took its place. */
static void find_selected(struct list *list)
{
	size_t place = list->selected;
	if (!list->is_moved)
		place = 0;
	else if (place >= list->n || list->entries[place].identity != list->identity)
		for (size_t i = 0; i < list->n; i++)
			if (list->entries[i].identity == list->identity) {
				place = i;
				break;
			}
	list->selected = place;
	keep_visible(list);
	if (list->n)
		list->identity = list->entries[list->selected].identity;
}

void list_update(struct list *list, const struct list_rows *rows, const struct list_column *columns,
		 int n_columns, const struct list_frame *frame)
{
	list->n_columns = n_columns < LIST_MOST_COLUMNS ? n_columns : LIST_MOST_COLUMNS;
	memcpy(list->columns, columns, (size_t)list->n_columns * sizeof *columns);
	if (rows->n > list->capacity) {
		list->capacity = rows->n + rows->n / 2;
		list->entries = reallocate(list->entries, list->capacity, sizeof *list->entries);
	}
	list->n = rows->n;
	list->frame = *frame;
	list->is_changed = false;
	find_sorted(list, rows->sort);
	sort_entries(list, rows);
	find_selected(list);
	list_lay_out(list);
}

void list_free(struct list *list)
{
	free(list->entries);
	list->entries = NULL;
	list->n = list->capacity = 0;
}

size_t list_row(const struct list *list)
{
	return list->entries[list->selected].row;
}

void list_forget(struct list *list)
{
	list->selected = list->first = 0;
	list->is_moved = false;
	list->is_changed = true;
}

void list_select(struct list *list, size_t place)
{
	list->is_changed = true;
	list->selected = place;
	list->is_moved = list->n > 0;
	keep_visible(list);
	if (list->n)
		list->identity = list->entries[list->selected].identity;
}

void list_go(struct list *list, long step)
{
	list_select(list, list_move(list->selected, step, list->n));
}

void list_scroll(struct list *list, long step)
{
	size_t rows = list->frame.n_rows > 0 ? (size_t)list->frame.n_rows : 1;
	size_t last = list->n > rows ? list->n - rows : 0, place = list->selected;
	if (last == 0) { /* nothing is hidden, so what is selected moves */
		list_go(list, step < 0 ? -1 : 1);
		return;
	}
	list->first = list_move(list->first, step, last + 1);
	place = place < list->first ? list->first : place;
	list_select(list, place >= list->first + rows ? list->first + rows - 1 : place);
}

/* ---- what keys and clicks ask for */

void list_sort(struct list *list, int column)
{
	if (column < 0 || column >= list->n_columns || list->columns[column].flags & LIST_UNSORTED)
		return;
	snprintf(list->sort, sizeof list->sort, "%s", list->columns[column].name);
	list->is_inverted = false;
	list->is_changed = true;
}

void list_sort_step(struct list *list, int step)
{
	int at = -1;
	for (int i = 0; i < list->n_shown; i++)
		if (list->shown[i].column == list->sorted)
			at = i;
	if (at < 0) /* sorted by one that is not shown */
		at = step > 0 ? list->n_shown - 1 : 0;
	for (int i = 0; i < list->n_shown; i++) {
		at = (at + step + list->n_shown) % list->n_shown;
		if (!(list->columns[list->shown[at].column].flags & LIST_UNSORTED))
			break;
	}
	if (list->n_shown)
		list_sort(list, list->shown[at].column);
}

void list_click_header(struct list *list, int x)
{
	list->has_hit_row = false;
	for (int i = 0; i < list->n_shown; i++) {
		const struct list_place *place = &list->shown[i];
		if (x < place->x || x >= place->x + place->cells)
			continue;
		if (place->column == list->sorted)
			list->is_inverted = !list->is_inverted;
		else
			list_sort(list, place->column);
		list->is_changed = true;
	}
}

void list_click(struct list *list, int x, int y)
{
	const struct list_frame *frame = &list->frame;
	list->has_hit_row = false;
	if (y == frame->header_y) {
		list_click_header(list, x);
		return;
	}
	if (y < frame->top_y || y >= frame->top_y + frame->n_rows)
		return;
	size_t place = list->first + (size_t)(y - frame->top_y);
	if (place >= list->n)
		return;
	list_select(list, place);
	list->has_hit_row = true;
}
