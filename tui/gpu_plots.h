/*
 * gpu_plots: what the driver (NVML) and the device's counters (PM sampling) said over time, a plot
 * each, under the ceiling of it that is known: what was measured on this very device (stoke bench),
 * a limit that the driver states, or, marked as modelled, what the device is rated at.
 */
#ifndef TUI_GPU_PLOTS_H
#define TUI_GPU_PLOTS_H

#include "counters/ceilings.h"
#include "tui/list.h"
#include "tui/tracks.h"

struct canvas;
struct gpu_summary;

struct gpu_plots {
	struct tracks tracks;
	struct ceilings_devices devices;
	const char *counters_reason; /* why the device's counters are not there; NULL = they are */
	const char *driver_reason;   /* the same of the driver's numbers */
	const char *stalls_reason;   /* and of what kernels wait for */
	uint16_t order[TRACKS_MOST]; /* of the tracks that are shown, the most wanted first */
	size_t n;
	struct list list; /* their places; where they are on the screen is known only here */
	size_t first;     /* place that is shown first */
	uint64_t n_facts, n_notes;
	bool is_fitted; /* plots end at the greatest value, not at the ceiling */
};

/* What a value cannot exceed. NaN and "" = nothing is known. */
struct gpu_limit {
	double value;
	enum origin origin;
	const char *words; /* "copied", "rated" */
};

/* gpu_plots_update: true if the picture may differ. gpu_plots_free: what it holds. */
bool gpu_plots_update(struct gpu_plots *plots, const struct view_context *context);
void gpu_plots_free(struct gpu_plots *plots);

/* gpu_plots_keep_visible: show the selected one whole on a canvas of that size. */
void gpu_plots_keep_visible(struct gpu_plots *plots, int width, int height);

/* gpu_plots_wanted_rows: for all of them. */
int gpu_plots_wanted_rows(const struct gpu_plots *plots, int width);

/* gpu_plots_click: select what is in that row. */
void gpu_plots_click(struct gpu_plots *plots, int y, int width, int height);

/* gpu_plots_limit: of a track; summary says which device is which. */
struct gpu_limit gpu_plots_limit(const struct gpu_plots *plots, const struct recording *recording,
				 const struct gpu_summary *summary, const struct track *track);

/* gpu_plots_series: of the selected plot; 0 = there is none. */
uint32_t gpu_plots_series(const struct gpu_plots *plots);

void gpu_plots_draw(const struct gpu_plots *plots, const struct view_context *context,
		    const struct gpu_summary *summary, const struct canvas *canvas);

#endif
