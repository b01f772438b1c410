/*
 * model_memory: what a program under the cache model shares with the profiler: tables that only
 * grow, written by the program and looked at by source_model.c while it runs. The reader trusts
 * nothing in it: every id is checked, every text is cleaned. Each process of the program, whether
 * forked or started, has tables of its own.
 *
 * A site is one instruction in one call path of one thread and on one array, with what its loads
 * or stores met; sums over sites are all there is to know, by function, line or array.
 */
#ifndef COUNTERS_MODEL_MEMORY_H
#define COUNTERS_MODEL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters/cache_model.h"
#include "sampler/base/why.h"

enum {
	MODEL_MAGIC = 0x4c444d53, /* "SMDL" */
	MODEL_VERSION = 3,
	MODEL_PROCESSES = 32,
	/* Reserved, not used, until they are written: 8, 32 and 1 MiB. */
	MODEL_NODES = 1 << 18,
	MODEL_SITES = 1 << 18,
	MODEL_ARRAYS = 1 << 12,
	MODEL_THREADS = 1 << 10,
	MODEL_MAPS_BYTES = 1 << 18,
	MODEL_NAME_BYTES = 64,
	MODEL_LEAST_CODE = MODEL_THREADS, /* calls below are of no code: a thread's first */
};

/* The fact of a recording that tells the modelled caches, as cache_geometry.h writes them. */
#define MODEL_CACHES_FACT "model.caches"

/* What is counted of a site: the accesses, then a count for each bit of enum cache_result. */
enum model_count {
	MODEL_ACCESSES,
	MODEL_MISSES, /* of the first level, and so on */
	MODEL_TLB_MISSES = MODEL_MISSES + CACHE_MOST_LEVELS,
	MODEL_WALKS,
	MODEL_TRUE_SHARING,
	MODEL_FALSE_SHARING,
	MODEL_LAST_MISSES,
	N_MODEL_COUNTS,
};

/* A call: the return address in the caller. Parents are older; node 0 is none. */
struct model_node {
	uint64_t call; /* written last; below MODEL_LEAST_CODE: the thread's first */
	uint32_t parent;
	uint32_t last_child; /* the program's own: where the latest call went, */
	uint64_t last_call;  /* and from where */
	uint64_t entry;      /* an address in the function that was called; 0 = not known */
};

/* Padded so that threads' sites share no line. */
struct model_site {
	uint64_t pc;   /* the address behind the call that reports the access */
	uint32_t node; /* written last; 0 = not whole yet */
	uint16_t thread;
	uint16_t is_write;
	uint32_t array, reserved;
	uint64_t counts[N_MODEL_COUNTS];
	uint64_t padding[3];
};

enum model_array_kind {
	MODEL_OTHER, /* array 0: small blocks and whatever is none of the below */
	MODEL_HEAP,  /* all blocks allocated by one call path */
	MODEL_GLOBAL,
	MODEL_STACK,
};

struct model_array {
	uint64_t pc, size_bytes; /* of the heap: return address of the allocation; largest block */
	uint64_t n_blocks;
	uint32_t node, kind;
	uint32_t thread, is_whole;   /* is_whole: written last */
	char name[MODEL_NAME_BYTES]; /* of a global */
};

struct model_thread {
	uint32_t tid, is_whole;
	char name[16];
};

struct model_memory {
	uint32_t magic, version;
	uint64_t bytes;
	int32_t pid; /* whose these tables are; 0 = nobody's yet */
	uint32_t is_open, is_assumed;
	uint32_t has_vectors; /* compiled with counters/model/immintrin.h: masked accesses are seen
			       */
	uint32_t has_clang;   /* Clang compiled some of it: wide vectors are not reported */
	uint32_t n_nodes, n_sites, n_arrays, n_threads; /* 1 + the last used */
	uint32_t maps_bytes, maps_changes;              /* maps: published after they are whole */
	uint64_t n_unseen;  /* accesses of instructions it knows of but cannot follow */
	uint64_t n_no_room; /* accesses whose site found no room in the tables */
	uint64_t n_refused; /* processes that found no tables left; in the first ones */
	char geometry[CACHE_GEOMETRY_BYTES];
	char problem[256]; /* why nothing is modelled, or "" */
	struct cache_counts counts;
	char maps[MODEL_MAPS_BYTES]; /* lines of /proc/PID/maps with code */
	struct model_thread threads[MODEL_THREADS];
	struct model_array arrays[MODEL_ARRAYS];
	_Alignas(128) struct model_node nodes[MODEL_NODES];
	_Alignas(128) struct model_site sites[MODEL_SITES];
};

_Static_assert(sizeof(struct model_site) == 128, "two cache lines, as the prefetcher pairs them");

/* model_memory_create: a descriptor of fresh shared memory of a size nobody can change any more;
 * -1 and a sentence. The profiler's side. */
int model_memory_create(struct why *why);

/* model_memory_map: the memory behind a descriptor, MODEL_PROCESSES tables one after the other;
 * NULL and a sentence. */
struct model_memory *model_memory_map(int fd, struct why *why);
void model_memory_unmap(struct model_memory *memory);

#endif
