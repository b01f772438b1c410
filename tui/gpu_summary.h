/*
 * gpu_summary: a recording's GPU work added up: a lane for each stream, a row for each kernel and
 * kind of copy, and what is known of each device.
 */
#ifndef TUI_GPU_SUMMARY_H
#define TUI_GPU_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpu/occupancy.h"

struct recording;

enum {
	GPU_MOST_LANES = 64,
	GPU_MOST_WORK = 4096, /* names; further ones are added up as the last */
	GPU_MOST_COLUMNS = 512,
	GPU_MOST_DEVICES = 16,
};

struct gpu_lane {
	uint32_t series;
	bool is_host; /* waits and overhead: not the device's time */
	uint64_t busy_ns, n_spans;
	float share[GPU_MOST_COLUMNS]; /* of each column's time: 0…1 */
};

struct gpu_work {
	uint32_t name; /* strings */
	uint32_t device;
	uint64_t n, total_ns, least_ns, most_ns;
	double bytes; /* NaN = not stated */
	/* What the program told of some of its launches (gpu_work.h), and how long those took. */
	double exact_flops, exact_bytes; /* NaN = not known */
	uint64_t exact_ns, exact_n;
	uint32_t exact_phase; /* strings; one of those that told it; 0 = none */
	uint32_t n_shapes;
	struct gpu_shape shape; /* the first of n_shapes */
};

struct gpu_device_facts {
	const char *name; /* borrowed from the recording; NULL = no such device */
	const char *uuid; /* the same; NULL = not said */
	uint32_t multiprocessors, major, minor;
	double memory_bytes, memory_bytes_per_s; /* NaN = not known */
	struct gpu_limits limits;
};

struct gpu_summary {
	uint64_t from_ns, to_ns; /* what the lanes' columns show */
	struct gpu_lane lanes[GPU_MOST_LANES];
	struct gpu_work work[GPU_MOST_WORK];
	struct gpu_device_facts devices[GPU_MOST_DEVICES];
	uint32_t n_lanes, n_work;
	uint64_t device_ns, n_left_out;
	const char *reason; /* why there is nothing; borrowed; NULL = none said */
};

/*
 * gpu_summary_read: everything in the window, anew.
 * from_ns, to_ns  0, 0 = from the first span to the last; to_ns 0 = open end
 * columns         of the lanes, at most GPU_MOST_COLUMNS
 * Cost            20 ns a span and column it covers
 */
void gpu_summary_read(struct gpu_summary *summary, const struct recording *recording,
		      uint64_t from_ns, uint64_t to_ns, int columns);

#endif
