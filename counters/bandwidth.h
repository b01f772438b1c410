/*
 * bandwidth: bytes between the processor and main memory, by the best there is: the memory
 * controllers' own counters, resource control, misses of the last cache times a line, the exact
 * work that a program states. What each of these means is part of the value.
 */
#ifndef COUNTERS_BANDWIDTH_H
#define COUNTERS_BANDWIDTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "counters/metric_set.h"
#include "counters/resctrl.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"

enum bandwidth_rung {
	BANDWIDTH_CONTROLLERS, /* of the whole machine */
	BANDWIDTH_RESCTRL,     /* of the programs counted and their children */
	BANDWIDTH_MISSES,      /* of the same: what they wait for, not what they write back */
	BANDWIDTH_WORK,        /* what the program asks for; caches may serve it */
	BANDWIDTH_NONE,
};

struct bandwidth_request {
	pid_t pid;
	const pid_t *threads; /* instead of `pid`: of programs that run already, all of them */
	uint32_t n_threads;
	bool may_leave_out;    /* also threads that may not be counted, but not all of them */
	bool is_whole_machine; /* instead of both */
	bool enable_on_exec;   /* begin when `pid` execs; else at bandwidth_enable */
	bool no_inherit;
	bool states_work; /* the program may tell its exact work (probe.h) */
	const char *root; /* of resource control; "" = this machine */
};

struct bandwidth {
	enum bandwidth_rung rung;
	struct metric_set *controllers;
	uint32_t metric; /* of the controllers: all traffic */
	struct event_group misses;
	uint32_t line_bytes;
	struct resctrl resctrl;
	bool is_whole_machine;
	struct why reason; /* what the value is, or why there is none */
	struct why remedy;
};

/* Bytes since the beginning. */
struct bandwidth_bytes {
	double bytes; /* NaN = unknown */
	double running_ratio;
	enum origin origin;
};

/* bandwidth_request_target: whom a target means, and since when; the rest stays. */
void bandwidth_request_target(struct bandwidth_request *request, const struct target *target);

/*
 * bandwidth_open: the first rung that opens. It always succeeds; BANDWIDTH_NONE has its reason.
 * Cost   some milliseconds: libpfm4's tables
 */
void bandwidth_open(struct bandwidth *bandwidth, const struct bandwidth_request *request);
void bandwidth_enable(struct bandwidth *bandwidth);
void bandwidth_close(struct bandwidth *bandwidth);

/* bandwidth_read: work_bytes is what the program has stated in all; NaN = nothing yet. */
struct bandwidth_bytes bandwidth_read(struct bandwidth *bandwidth, double work_bytes);

/* bandwidth_rung_name: "memory controllers", ... */
const char *bandwidth_rung_name(enum bandwidth_rung rung);

/* bandwidth_origin: of a rung's values. */
enum origin bandwidth_origin(enum bandwidth_rung rung);

/* Names of the series in a recording: bytes a second, and as a share of the measured ceiling. */
#define BANDWIDTH_SERIES       "memory.bandwidth"
#define BANDWIDTH_RATIO_SERIES "memory.of_ceiling"

/* bandwidth_is_measured: is it a series of bytes that something counted, not of stated work? */
bool bandwidth_is_measured(const struct recording *recording, uint32_t series);

#endif
