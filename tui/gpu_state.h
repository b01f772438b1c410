/*
 * gpu_state: what the GPU view's parts share: view_gpu.c takes in and answers keys, gpu_draw.c
 * draws devices and lanes, gpu_table.c what ran, gpu_plots.h what was sampled.
 */
#ifndef TUI_GPU_STATE_H
#define TUI_GPU_STATE_H

#include "sampler/recording.h"
#include "tui/gpu_plots.h"
#include "tui/gpu_summary.h"
#include "tui/list.h"
#include "tui/view.h"

enum {
	GPU_LABEL_COLUMNS = 22, /* "context 12 stream 1234" */
	GPU_SHARE_COLUMNS = 9,
	GPU_STRIP_HEIGHT = 34, /* from this many rows on, plots stand above the lanes */
};

struct gpu_state {
	struct gpu_summary *summary;
	struct gpu_plots plots;
	struct moment moment;
	uint64_t from_ns, to_ns;
	struct list table;
	int width, height;
	bool is_stale, is_plots; /* is_plots: plots have the whole view */
};

/* Rows of the devices, of what is between them and the lanes, and lanes that have room. */
int gpu_count_devices(const struct gpu_summary *summary);
int gpu_metric_rows(const struct gpu_state *state, int width, int height);
int gpu_lanes_shown(const struct gpu_state *state, int height);

/* gpu_plots_top: the row of the view that plots begin in, when they have it whole. */
int gpu_plots_top(const struct gpu_state *state, int width);

/* gpu_shows_plots: was that asked for, or is there nothing else? */
bool gpu_shows_plots(const struct gpu_state *state);

/* gpu_table_show: sort and lay out; gpu_table_draw: from its header, at gpu_table_y, on.
 * gpu_table_selected: NULL where nothing ran. */
int gpu_table_y(const struct gpu_state *state, int width, int height);
void gpu_table_show(struct gpu_state *state, const struct view_context *context);
void gpu_table_draw(const struct gpu_state *state, const struct view_context *context,
		    const struct canvas *canvas);
const struct gpu_work *gpu_table_selected(const struct gpu_state *state);

void gpu_draw(const void *opaque, const struct view_context *context, const struct canvas *canvas);

#endif
