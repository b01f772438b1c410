/*
 * perf_record: what a record of a perf ring says, every field checked against the record's size.
 * Pointers in the results point into the record.
 * Source: perf_event_open(2), linux/perf_event.h.
 */
#ifndef SAMPLER_PERF_RECORD_H
#define SAMPLER_PERF_RECORD_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the events that share a ring were opened. */
struct perf_layout {
	uint64_t sample_type; /* of PERF_RECORD_LAYOUT_TYPES, TID and TIME among them */
	uint64_t register_mask;
};

/* What this parser understands; anything else must not be asked for. */
#define PERF_RECORD_LAYOUT_TYPES                                                                   \
	(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |            \
	 PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_REGS_USER |    \
	 PERF_SAMPLE_STACK_USER)

struct perf_sample {
	uint64_t id, ip, time_ns, period;
	uint32_t pid, tid, cpu;
	const uint64_t *chain; /* with PERF_CONTEXT_* markers */
	size_t n_chain;
	const uint64_t *registers; /* NULL: a kernel thread, or a 32-bit task */
	const uint8_t *stack;
	size_t stack_bytes;    /* really copied */
	size_t stack_reserved; /* asked for */
};

struct perf_map {
	uint32_t pid, tid, prot;
	uint64_t start, length, file_offset, device, inode;
	const char *path; /* NUL-terminated inside the record */
};

struct perf_comm {
	uint32_t pid, tid;
	bool is_exec;
	const char *name;
};

struct perf_task {
	uint32_t pid, parent_pid, tid, parent_tid;
};

/* Each returns false when the record is too short for what it claims to hold. */
bool perf_record_sample(const struct perf_event_header *header, const struct perf_layout *layout,
			struct perf_sample *out);
bool perf_record_map(const struct perf_event_header *header, const struct perf_layout *layout,
		     struct perf_map *out);
bool perf_record_comm(const struct perf_event_header *header, const struct perf_layout *layout,
		      struct perf_comm *out);
bool perf_record_task(const struct perf_event_header *header, struct perf_task *out);
/* PERF_RECORD_LOST and PERF_RECORD_LOST_SAMPLES: how many records are missing. */
bool perf_record_lost(const struct perf_event_header *header, uint64_t *n_lost);

/* perf_record_time: when any record was written; false if it is too short to say. */
bool perf_record_time(const struct perf_event_header *header, const struct perf_layout *layout,
		      uint64_t *time_ns);

#endif
