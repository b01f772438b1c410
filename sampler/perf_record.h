/*
 * perf_record: what a record of a perf ring or a perf.data file says, every field checked against
 * the record's size.
 * Pointers in the results point into the record.
 * Source: perf_event_open(2), linux/perf_event.h.
 */
#ifndef SAMPLER_PERF_RECORD_H
#define SAMPLER_PERF_RECORD_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the events that share a ring were opened: any combination of PERF_SAMPLE_*. */
struct perf_layout {
	uint64_t sample_type;
	uint64_t register_mask;
	uint64_t read_format, branch_type; /* what PERF_SAMPLE_READ and BRANCH_STACK hold */
	bool has_no_trailer;               /* sample_id_all was off */
};

struct perf_sample {
	uint64_t id, ip, time_ns, period;
	uint32_t pid, tid, cpu;
	const uint64_t *chain; /* with PERF_CONTEXT_* markers */
	size_t n_chain;
	const uint64_t *registers; /* NULL: a kernel thread, or a 32-bit task */
	const uint8_t *stack;
	size_t stack_bytes;     /* really copied */
	size_t stack_reserved;  /* asked for */
	const uint64_t *counts; /* of PERF_SAMPLE_READ; see perf_sample_count */
	size_t n_counts;        /* events */
	bool has_times;         /* PERF_FORMAT_TOTAL_TIME_*, both */
	uint64_t enabled_ns, running_ns;
};

struct perf_map {
	uint32_t pid, tid, prot;
	uint64_t start, length, file_offset, device, inode;
	const uint8_t *build_id; /* NULL if the record holds none */
	size_t build_id_bytes;   /* 1 to 20 */
	const char *path;        /* NUL-terminated inside the record */
};

struct perf_comm {
	uint32_t pid, tid;
	bool is_exec;
	const char *name;
};

struct perf_task {
	uint32_t pid, parent_pid, tid, parent_tid;
	uint64_t time_ns;
};

/* Each returns false when the record is too short for what it claims to hold. */
bool perf_record_sample(const struct perf_event_header *header, const struct perf_layout *layout,
			struct perf_sample *out);
/*
 * perf_sample_count: the count of event i (below n_counts) at a sample; id is 0 where the read
 * format holds none.
 */
void perf_sample_count(const struct perf_sample *sample, const struct perf_layout *layout, size_t i,
		       uint64_t *id, uint64_t *value);

/* PERF_RECORD_MMAP2 and PERF_RECORD_MMAP */
bool perf_record_map(const struct perf_event_header *header, const struct perf_layout *layout,
		     struct perf_map *out);
bool perf_record_comm(const struct perf_event_header *header, const struct perf_layout *layout,
		      struct perf_comm *out);
bool perf_record_task(const struct perf_event_header *header, struct perf_task *out);
/* PERF_RECORD_LOST and PERF_RECORD_LOST_SAMPLES: how many records are missing. */
bool perf_record_lost(const struct perf_event_header *header, uint64_t *n_lost);

/* perf_record_time: when any record was written; false if it does not say. */
bool perf_record_time(const struct perf_event_header *header, const struct perf_layout *layout,
		      uint64_t *time_ns);

#endif
