/*
 * ceilings_table: ceilings on a canvas, for `stoke bench` and the machine view; and as JSON.
 */
#ifndef TUI_CEILINGS_TABLE_H
#define TUI_CEILINGS_TABLE_H

#include <stdio.h>

#include "tui/canvas.h"

struct ceilings;
struct ceilings_devices;

/* ceilings_table_draw: returns the rows it took, also of those outside the canvas. */
int ceilings_table_draw(const struct ceilings *ceilings, const struct canvas *canvas, int x, int y,
			int columns);

/* ceilings_table_draw_devices: those of GPUs, one below the other; where there are none, `reason`
 * (NULL: nothing is drawn). Returns the rows. */
int ceilings_table_draw_devices(const struct ceilings_devices *devices, const char *reason,
				const struct canvas *canvas, int x, int y, int columns);

/* ceilings_json_print: one object; values in base units, null with a reason if not measured.
 * reason  why there are no devices, if there are none; NULL = none was asked for */
void ceilings_json_print(const struct ceilings *ceilings, const struct ceilings_devices *devices,
			 const char *reason, FILE *out);

#endif
