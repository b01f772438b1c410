/*
 * ladder: the best way to sample that this machine and these privileges allow, one rung at a time,
 * each step down with a note: the asked events or hardware cycles, cpu-clock, cpu-clock of user
 * code only; and for call graphs: registers and a copy of the stack, the kernel's frame-pointer
 * chain, none. Where perf_event_open is forbidden altogether, source_timer is the last rung.
 */
#ifndef SAMPLER_LADDER_H
#define SAMPLER_LADDER_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "sampler/cpu_rings.h"
#include "sampler/recording.h"
#include "sampler/target.h"

/* What was reached. */
struct rung {
	struct sampled_event events[MAX_SAMPLED_EVENTS];
	uint32_t n_events;
	enum call_graph call_graph; /* never CALL_GRAPH_AUTO */
	bool is_user_only;          /* kernel time is not sampled */
	bool is_default;            /* nobody asked for these events by name */
	uint32_t frequency_hz;      /* after clamping; 0 = by period */
	uint32_t stack_bytes;       /* of user stack copied with each sample */
	bool has_reads;             /* some events are read at others' samples */
	bool is_first_thread_only;  /* the kernel reads groups in one thread only */
	struct sampled_event missing[MAX_SAMPLED_EVENTS]; /* could not be read, for `reasons` */
	struct why reasons[MAX_SAMPLED_EVENTS];
	uint32_t n_missing;
};

/*
 * ladder_open: open rings on the best rung. Every errno of perf_event_open means "try the next";
 * notes go to the recording.
 * Errors  false and a sentence when no rung holds
 */
bool ladder_open(const struct target *target, struct recording *recording, struct cpu_rings *rings,
		 struct rung *rung, struct why *why);

/* ladder_ring_bytes: a ring for 0.2 s of samples at this rate and size, a power of two. */
uint64_t ladder_ring_bytes(const struct rung *rung);

/* ladder_origin: where an event's counts come from: hardware, or a software clock. */
enum origin ladder_origin(const struct sampled_event *event);

#endif
