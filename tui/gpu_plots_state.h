/*
 * gpu_plots_state: what gpu_plots.c and gpu_plots_draw.c share.
 */
#ifndef TUI_GPU_PLOTS_STATE_H
#define TUI_GPU_PLOTS_STATE_H

#include "tui/gpu_plots.h"

const char *gpu_plots_name(const struct recording *recording, const struct track *track);

/* gpu_plots_is_missing: it has no value, and gets a line that says why. */
static inline bool gpu_plots_is_missing(const struct track *track)
{
	return track->n == 0;
}

/* gpu_plots_track: at a place of the list. */
static inline const struct track *gpu_plots_track(const struct gpu_plots *plots, size_t place)
{
	return &plots->tracks.rows[plots->order[plots->list.entries[place].row]];
}

/* Rows of the plot at a place; rows above the first plot. */
int gpu_plots_rows(const struct gpu_plots *plots, size_t place, int height);
int gpu_plots_top_rows(const struct gpu_plots *plots, int width);

#endif
