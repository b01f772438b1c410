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

struct gpu_call {
	uint32_t pid, tid, correlation;
	uint64_t stack; /* gpu_frames.id */
};

/* The latest some 260,000 launches are known; older ones are forgotten. */
void gpu_tables_add_launch(struct gpu_tables *tables, const struct gpu_call *call);

/* gpu_tables_launch: NULL if it is not known (yet). Valid until the next add. */
const struct gpu_call *gpu_tables_launch(const struct gpu_tables *tables, uint32_t pid,
					 uint32_t correlation);

/* gpu_tables_stack: the recording's row of a whole stack; 0 if pieces are missing. */
uint32_t gpu_tables_stack(const struct gpu_tables *tables, uint32_t pid, uint64_t id);

/* gpu_tables_name: strings id of a demangled, cleaned name; 0 if pieces are missing. */
uint32_t gpu_tables_name(const struct gpu_tables *tables, uint32_t pid, uint64_t id);

#endif
