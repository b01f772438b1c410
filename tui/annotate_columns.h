/*
 * annotate_columns: what the annotate view says of a line or an instruction beside its samples:
 * rates of events that were sampled together, misses, and where they come from.
 */
#ifndef TUI_ANNOTATE_COLUMNS_H
#define TUI_ANNOTATE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"

struct function_lines;
struct recording;

/* What the reader chose. */
struct annotate_columns {
	bool is_self;     /* rates of the line itself, else with what it calls */
	bool is_absolute; /* samples in their unit, else in per cent */
	size_t first;     /* the first column shown; the others follow, as room allows */
	uint32_t series;  /* what self and with are of; 0 = what was asked for first */
};

/* What is drawn, and of which recording. */
struct annotate_drawing {
	const struct annotate_columns *columns;
	const struct function_lines *lines;
	const struct recording *recording;
	const struct canvas *canvas;
	int x, room; /* of the first column; for all of them, and for the text behind */
};

/* annotate_columns_names: each with the mark of where its values come from. Returns the width. */
int annotate_columns_names(const struct annotate_drawing *drawing, int y);

/* annotate_columns_values: of one row. sums: as row_sums_of gives them; NULL = there are none, and
 * nothing is drawn. Returns the width. */
int annotate_columns_values(const struct annotate_drawing *drawing, int y, const uint64_t *sums);

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
