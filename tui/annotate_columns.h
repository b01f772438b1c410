/*
 * annotate_columns: what the annotate view says of a line or an instruction beside its samples:
 * rates of events that were sampled together, misses, and where they come from.
 */
#ifndef TUI_ANNOTATE_COLUMNS_H
#define TUI_ANNOTATE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/list.h"

struct function_lines;
struct recording;

/* What the reader chose. */
struct annotate_columns {
	bool is_self;     /* rates of the line itself, else with what it calls */
	bool is_absolute; /* samples in their unit, else in per cent */
	size_t first;     /* the first column; the others follow, as room allows */
	uint32_t series;  /* what self and with are of; 0 = what was asked for first */
};

enum { ANNOTATE_COLUMN = 100 /* the first of their ids; the view's own are below */ };

/* What is said, and of which recording. */
struct annotate_drawing {
	const struct annotate_columns *columns;
	const struct function_lines *lines;
	const struct recording *recording;
	const struct canvas *canvas;
};

/* annotate_columns_add: rates and counts as columns of a list, each with the mark of where its
 * values come from; the last gives way first. Returns how many. */
int annotate_columns_add(const struct annotate_columns *columns, const struct function_lines *lines,
			 const struct recording *recording, struct list_column *out, int most);

/* annotate_columns_value: of one row; annotate_columns_draw: in its cell. sums: as row_sums_of
 * gives them; NULL = there are none: not a number, and nothing is drawn. */
double annotate_columns_value(const struct function_lines *lines, int id, const uint64_t *sums);
void annotate_columns_draw(const struct function_lines *lines, int id, const uint64_t *sums,
			   const struct canvas *cell);

/*
 * annotate_columns_say: the row's first columns with what they are made of; where a rate has no
 * value, or the recording no rates, why.
 * sums  of the selected row; NULL = nothing was sampled there
 */
void annotate_columns_say(const struct annotate_drawing *drawing, int y, const uint64_t *sums);

/* annotate_columns_weight: a share, or in the event's unit; "" for nothing. Returns out. */
char *annotate_columns_weight(const struct annotate_columns *columns,
			      const struct function_lines *lines, const struct recording *recording,
			      uint64_t weight, char *out, size_t bytes);

/* annotate_columns_next: the event after the one that self and with are of. */
void annotate_columns_next(struct annotate_columns *columns, const struct function_lines *lines);

#endif
