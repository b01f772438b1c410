/*
 * export_trace: merged samples laid out along time, as nested boxes a thread: what trace formats
 * hold. Never more boxes than asked for: where there would be, samples of longer times are merged.
 *
 * A sample stands for a length of time (its weight where that is one), so a box is as long as the
 * samples that were in it, and begins where the first of them was taken. Within a slot of time the
 * order of stacks is not known; equal prefixes are put side by side.
 */
#ifndef SAMPLER_EXPORT_TRACE_H
#define SAMPLER_EXPORT_TRACE_H

#include <stddef.h>
#include <stdint.h>

struct export_options;
struct export_paths;
struct recording;

struct trace_box {
	uint64_t start_ns, duration_ns; /* since the recording began */
	uint32_t path;                  /* of export_paths */
	uint32_t lane;                  /* index of export_trace.lanes */
	uint64_t n_samples, weight;     /* of samples that end here */
};

struct trace_lane {
	uint32_t pid, tid;
	uint32_t thread; /* TABLE_THREADS: the last name it had */
};

struct export_trace {
	struct trace_box *boxes; /* by lane, then start; a box before those inside it */
	size_t n_boxes;
	struct trace_lane *lanes;
	size_t n_lanes;
	uint64_t slot_ns;  /* samples of so long a time were merged */
	uint64_t least_ns; /* shorter boxes were left out, their samples counted in what was around
			      them; 0 = none had to be */
	uint64_t n_samples_left_out; /* of boxes with nothing around them */
};

/*
 * export_trace_open: of the options' series and window.
 * most  boxes at most, or as many as the deepest stack has frames if those are more
 * Cost  a sort of the rows, again for each doubling of the slot; 24 bytes a row, 48 a box
 */
struct export_trace *export_trace_open(const struct recording *recording,
				       const struct export_options *options,
				       const struct export_paths *paths, size_t most);
void export_trace_close(struct export_trace *trace);

#endif
