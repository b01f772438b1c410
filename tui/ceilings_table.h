/*
 * ceilings_table: ceilings on a canvas, for `stoke bench` and the machine view; and as JSON.
 */
#ifndef TUI_CEILINGS_TABLE_H
#define TUI_CEILINGS_TABLE_H

#include <stdio.h>

#include "tui/canvas.h"

struct ceilings;

/* ceilings_table_draw: returns the rows it took, also of those outside the canvas. */
int ceilings_table_draw(const struct ceilings *ceilings, const struct canvas *canvas, int x, int y,
			int columns);

/* ceilings_json_print: one object; values in base units, null with a reason if not measured. */
void ceilings_json_print(const struct ceilings *ceilings, FILE *out);

#endif
