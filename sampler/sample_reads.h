/*
 * sample_reads: counts that came with samples (PERF_SAMPLE_READ), as what each has grown by since
 * the last sample: that is what happened on the way to this one. A zeroed one is empty.
 * Source: perf_event_open(2); linux/tools/perf/util/session.c, deliver_sample_value.
 */
#ifndef SAMPLER_SAMPLE_READS_H
#define SAMPLER_SAMPLE_READS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/hash_map.h"
#include "sampler/perf_record.h"

struct sample_reads {
	struct hash_map places; /* of an event and thread in last, from 1 */
	uint64_t *last;
	uint32_t n, capacity;
	bool is_of_cpus;                 /* each CPU's events have counts and times of their own */
	uint32_t tid;                    /* of the sample at hand; 0 = threads share their counts */
	uint64_t enabled_ns, running_ns; /* of all threads and groups so far */
};

/*
 * sample_reads_begin: look at a sample.
 * group         which event sampled: its group's times are its own
 * is_inherited  each thread has counts of its own (attr.inherit); else all threads share them
 */
void sample_reads_begin(struct sample_reads *reads, const struct perf_sample *sample,
			const struct perf_layout *layout, uint32_t group, bool is_inherited);

/*
 * sample_reads_grown: what count i (below sample->n_counts) has grown by; *id gets its event's.
 * Nothing is scaled: events of a group run together or not at all, so their ratios hold. To be
 * asked once for each count of the sample.
 */
uint64_t sample_reads_grown(struct sample_reads *reads, const struct perf_sample *sample,
			    const struct perf_layout *layout, size_t i, uint64_t *id);

/*
 * sample_reads_ran: about the share of the time that the groups were on the counters; NaN where it
 * cannot be told. Less by what ran on other CPUs since their last samples.
 */
double sample_reads_ran(const struct sample_reads *reads);

/* sample_reads_shared: were the counters shared, so clearly that it is no such rest? */
bool sample_reads_shared(const struct sample_reads *reads);
void sample_reads_free(struct sample_reads *reads);

#endif
