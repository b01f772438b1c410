/*
 * plot: values as dots, blocks and shades. What has no value (NaN) draws nothing; what is more
 * than nothing draws at least the smallest mark.
 */
#ifndef TUI_PLOT_H
#define TUI_PLOT_H

#include "tui/canvas.h"

/*
 * plot_area: an area from below that fills the canvas, in braille dots: two a column, four a row.
 * values  2 * canvas->width ratios, 0…1
 */
void plot_area(const struct canvas *canvas, const double *values, enum meaning meaning);

/* plot_area_under: the same with a dotted line at a ratio (NaN = none), where the area is lower. */
void plot_area_under(const struct canvas *canvas, const double *values, double line,
		     enum meaning meaning);

/* plot_spark: one row of blocks in eighths; `columns` ratios, 0…1. */
void plot_spark(const struct canvas *canvas, int x, int y, int columns, const double *values,
		enum meaning meaning);

/* plot_shade: one cell, darker for more. */
void plot_shade(const struct canvas *canvas, int x, int y, double ratio, enum meaning meaning);

#endif
