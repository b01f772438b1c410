/*
 * gpu_tables: what programs have sent in pieces (gpu_record.h), put together: names, modules,
 * stacks as rows of the recording, and which stack each launch had. Everything is bounded and
 * nothing is believed: ids are of the sender's choice. Collector's thread only.
 */
#ifndef GPU_GPU_TABLES_H
#define GPU_GPU_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "gpu/gpu_record.h"

struct gpu_tables;
struct recording;

struct gpu_tables *gpu_tables_new(struct recording *recording);
void gpu_tables_free(struct gpu_tables *tables); /* NULL is fine */

/* Each takes one piece; false if it makes no sense or there is no room. */
bool gpu_tables_add_name(struct gpu_tables *tables, uint32_t pid, const struct gpu_text *piece);
bool gpu_tables_add_module(struct gpu_tables *tables, uint32_t pid, const struct gpu_text *piece);
bool gpu_tables_add_frames(struct gpu_tables *tables, uint32_t pid, const struct gpu_frames *piece);

/* gpu_tables_forget_modules: the process sends them again, and they may be others. */
void gpu_tables_forget_modules(struct gpu_tables *tables, uint32_t pid);

/* gpu_tables_add_range: as above. */
bool gpu_tables_add_range(struct gpu_tables *tables, uint32_t pid, const struct gpu_range_in *in);

struct gpu_call {
	uint32_t pid, tid, correlation, kind; /* enum gpu_call_kind, and none other */
	uint64_t stack;                       /* gpu_frames.id */
	uint64_t ranges;                      /* gpu_range_in.id */
	uint64_t start_ns, duration_ns;
	uint64_t external_id; /* the program's own number for it; external_kind 0 = none */
	uint32_t external_kind;
	bool has_work; /* some record belongs to it */
};

/* The latest some 260,000 launches are known; older ones are forgotten. */
void gpu_tables_add_launch(struct gpu_tables *tables, const struct gpu_call *call);

/* gpu_tables_launch: NULL if it is not known (yet). Valid until the next add. */
const struct gpu_call *gpu_tables_launch(const struct gpu_tables *tables, uint32_t pid,
					 uint32_t correlation);

/* gpu_tables_add_external: a number that the program gave a launch. False: it is not known. */
bool gpu_tables_add_external(struct gpu_tables *tables, uint32_t pid,
			     const struct gpu_external *external);

/* gpu_tables_mark: the call has a record. */
void gpu_tables_mark(struct gpu_tables *tables, const struct gpu_call *call);

/* gpu_tables_n_idle_calls: launches and copies that were never marked. */
uint64_t gpu_tables_n_idle_calls(const struct gpu_tables *tables);

/* gpu_tables_stack: the recording's row of a call's whole stack with the ranges that were open at
 * its end; 0 if pieces of the stack are missing. Ranges with missing pieces are left out. */
uint32_t gpu_tables_stack(const struct gpu_tables *tables, const struct gpu_call *call);

/* gpu_tables_thread: the recording's row of a thread, as sampling names it if it has seen it. */
uint32_t gpu_tables_thread(const struct gpu_tables *tables, uint32_t pid, uint32_t tid);

/* gpu_tables_name: strings id of a demangled, cleaned name; 0 if pieces are missing. */
uint32_t gpu_tables_name(const struct gpu_tables *tables, uint32_t pid, uint64_t id);

/* gpu_tables_frame: of something that runs on a GPU, by its name (strings). */
uint32_t gpu_tables_frame(struct gpu_tables *tables, uint32_t name);

#endif
