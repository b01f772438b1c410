/* Which columns find room, and the header and rows as cells. */
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/list.h"

/* ---- layout */

static int width_of(const struct list *list, const int *columns, int n)
{
	int width = n > 0 ? (n - 1) * LIST_GAP : 0;
	for (int i = 0; i < n; i++)
		width += list->columns[columns[i]].cells;
	return width;
}

/* The one that can be spared most; what rows were asked to be sorted by stays. */
static int find_spare(const struct list *list, const int *columns, int n)
{
	int spare = -1, rank = 1;
	for (int i = 0; i < n; i++) {
		const struct list_column *column = &list->columns[columns[i]];
		if (column->rank < rank || (*list->sort && columns[i] == list->sorted))
			continue;
		spare = i;
		rank = column->rank;
	}
	return spare;
}

void list_lay_out(struct list *list)
{
	int columns[LIST_MOST_COLUMNS], n = list_chosen(list, columns), x = 0;
	int width = width_of(list, columns, n);
	while (width > list->frame.width) {
		int spare = find_spare(list, columns, n);
		if (spare < 0)
			break;
		memmove(columns + spare, columns + spare + 1,
			(size_t)(--n - spare) * sizeof *columns);
		width = width_of(list, columns, n);
	}
	list->n_shown = n;
	for (int i = 0; i < n; i++) {
		const struct list_column *column = &list->columns[columns[i]];
		int cells = column->cells;
		if (column->flags & LIST_FILLS)
			cells += list->frame.width - width;
		cells = cells > 0 ? cells : 0;
		list->shown[i] = (struct list_place){ columns[i], x, cells };
		x += cells + LIST_GAP;
	}
}

/* ---- cells */

void list_put(const struct canvas *cell, enum meaning meaning, const char *text)
{
	canvas_text(cell, 0, 0, cell->width, meaning, text);
}

void list_put_right(const struct canvas *cell, enum meaning meaning, const char *text)
{
	int x = cell->width - text_width(text);
	canvas_text(cell, x > 0 ? x : 0, 0, cell->width, meaning, text);
}

/* "self ▼": the mark is never cut off, the title is. */
static void draw_title(const struct list *list, const struct list_place *place, const char *title,
		       const struct canvas *cell)
{
	char text[LIST_TITLE_BYTES + 8];
	const struct list_column *column = &list->columns[place->column];
	bool is_text = column->flags & LIST_TEXT;
	bool is_upwards = is_text != list->is_inverted;
	const char *mark = place->column != list->sorted ? "" : is_upwards ? "\u25b2" : "\u25bc";
	int room = cell->width - text_width(mark), used;
	size_t n = text_fit(title, room, &used);
	bool has_blank = *mark && *title && used < room;
	snprintf(text, sizeof text, "%.*s%s%s", (int)n, title, has_blank ? " " : "", mark);
	if (is_text)
		list_put(cell, MEANING_HEADER, text);
	else
		list_put_right(cell, MEANING_HEADER, text);
}

void list_draw_header(const struct list_drawing *drawing, int y, const char *title)
{
	const struct list *list = drawing->list;
	for (int i = 0; i < list->n_shown; i++) {
		const struct list_place *place = &list->shown[i];
		const struct list_column *column = &list->columns[place->column];
		struct canvas cell = canvas_part(drawing->canvas, place->x, y, place->cells, 1);
		draw_title(list, place, title && column->flags & LIST_FILLS ? title : column->title,
			   &cell);
	}
}

void list_draw_cells(const struct list_drawing *drawing, int y, size_t row)
{
	const struct list *list = drawing->list;
	for (int i = 0; i < list->n_shown; i++) {
		const struct list_place *place = &list->shown[i];
		struct canvas cell = canvas_part(drawing->canvas, place->x, y, place->cells, 1);
		if (cell.width > 0 && cell.height > 0)
			drawing->cell(drawing->of, row, list->columns[place->column].id, &cell);
	}
}

void list_draw_row(const struct list_drawing *drawing, int y, size_t place)
{
	list_draw_cells(drawing, y, drawing->list->entries[place].row);
	if (place == drawing->list->selected)
		canvas_mark(drawing->canvas, 0, y, drawing->canvas->width, MEANING_SELECTED);
}

void list_draw(const struct list_drawing *drawing)
{
	const struct list *list = drawing->list;
	if (list->frame.header_y >= 0)
		list_draw_header(drawing, list->frame.header_y, NULL);
	for (int i = 0; i < list->frame.n_rows && list->first + (size_t)i < list->n; i++)
		list_draw_row(drawing, list->frame.top_y + i, list->first + (size_t)i);
}
