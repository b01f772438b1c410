/*
 * stat_bandwidth: the two rows of `stoke stat` on memory traffic: bytes a second, and what share of
 * the measured ceiling that is. Its group is called bandwidth, though no file describes it: what
 * is counted depends on what there is.
 */
#ifndef TUI_STAT_BANDWIDTH_H
#define TUI_STAT_BANDWIDTH_H

#include <stdbool.h>
#include <stdint.h>

#include "counters/bandwidth.h"

struct shared_ring;
struct stat;
struct target;

#define STAT_BANDWIDTH_SUMMARY "What went to and from main memory"

struct stat_bandwidth {
	bool is_wanted, is_open;
	uint32_t row; /* the first of the two */
	struct bandwidth bandwidth;
	double ceiling;           /* B/s; NaN = not measured */
	struct shared_ring *ring; /* the program tells its work here; NULL = it does not */
	uint64_t tail;
	double work_bytes,
		done_before; /* told since the last restart, and before it; NaN = nothing */
	double before_bytes; /* at the end of the interval before */
};

/* stat_bandwidth_plan: add the rows. */
void stat_bandwidth_plan(struct stat *stat);

/* stat_bandwidth_open: for a program that is held before its exec, or for what runs already. */
void stat_bandwidth_open(struct stat *stat, const struct target *target);

/* stat_bandwidth_listen: take what the program has told; at least every 50 ms while it runs. */
void stat_bandwidth_listen(struct stat *stat);

/* stat_bandwidth_read: the rows of `seconds`, since the beginning or since the last reading. */
void stat_bandwidth_read(struct stat *stat, bool is_difference, double seconds);
void stat_bandwidth_close(struct stat *stat);

#endif
