/*
 * merge_frames: functions, frames and stacks of one recording in another. What stands for the same
 * is the same row, however often it comes.
 */
#ifndef SAMPLER_MERGE_FRAMES_H
#define SAMPLER_MERGE_FRAMES_H

#include <stdint.h>

struct merge_frames;
struct recording;

/* out: borrowed; nobody else may add frames to it. */
struct merge_frames *merge_frames_new(struct recording *out);
void merge_frames_free(struct merge_frames *frames);

/*
 * merge_frames_take: add a recording's; map_pid says what a process's number is in `out`. An
 * address that stands for something else than in an earlier recording (other builds, other
 * kernels) becomes a frame known by its name only.
 */
void merge_frames_take(struct merge_frames *frames, const struct recording *from,
		       uint32_t (*map_pid)(void *opaque, uint32_t pid), void *opaque);

/* merge_frames_stack: what a stack of the recording taken last is called in `out`. */
uint32_t merge_frames_stack(const struct merge_frames *frames, uint32_t stack);

#endif
