/*
 * chrome_gpu: work of GPUs in a Chrome trace: a process a GPU, a track a stream, an event a kernel
 * or copy, and an arrow from each launch.
 *
 * Streams have numbers above any pid. What overlaps on a stream gets a second track of it, as
 * events of one track must nest. Arrows begin at events, so launches are drawn too, on a track
 * beside the thread's: as long as the call took, where that is known, else a microsecond.
 * Source  Trace Event Format, Google, 2016: flow events, binding point "e"
 */
#ifndef SAMPLER_CHROME_GPU_H
#define SAMPLER_CHROME_GPU_H

#include <stdbool.h>
#include <stdint.h>

struct export_options;
struct json;
struct recording;
struct span_row;

/* chrome_gpu_has: work of a device called GPU, which is written here; else it is a span like any
 * other. */
bool chrome_gpu_has(const struct recording *recording, const struct span_row *span);

/*
 * chrome_gpu_write: the events of all such spans of the window, none shorter than least_ns.
 * Cost  a sort of the spans
 */
void chrome_gpu_write(const struct recording *recording, const struct export_options *options,
		      uint64_t least_ns, struct json *json);

#endif
