/*
 * machine_picture: a machine on a canvas: cores and caches as boxes, and the table of facts.
 * `stoke info` and the machine view draw the same. Rows outside the canvas are counted, not drawn.
 */
#ifndef TUI_MACHINE_PICTURE_H
#define TUI_MACHINE_PICTURE_H

#include "tui/canvas.h"

struct arena;
struct machine;

/* machine_picture_draw: boxes in columns x … x + columns - 1; returns the rows they took. */
int machine_picture_draw(const struct machine *machine, struct arena *arena,
			 const struct canvas *canvas, int x, int y, int columns);

/* machine_table_draw: each fact with its value, or a dash and the reason; returns the rows. */
int machine_table_draw(const struct machine *machine, const struct canvas *canvas, int x, int y,
		       int columns);

/* machine_table_row: the row in such a table where a fact (a place in machine->facts) begins. */
int machine_table_row(const struct machine *machine, int columns, size_t fact);

#endif
