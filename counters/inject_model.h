/*
 * inject_model: the cache model inside a program. Files named inject_model*.c are compiled into
 * stoke-model and libstoke-model, without instrumentation, and replace the thread sanitizer's
 * run-time library: the compiler calls __tsan_read8(address) before every load of 8 bytes.
 *
 *   inject_model.c          those calls; what one access costs
 *   inject_model_atomics.c  the calls for atomic operations, which it carries out
 *   inject_model_vector.c   what counters/model/immintrin.h reports
 *   inject_model_libc.c     memcpy, malloc, pthread_create and their kind
 *   inject_model_state.c    threads, call paths and sites, in model_memory.h
 *   inject_model_fork.c     a forked process goes on in tables of its own
 *   inject_model_arrays.c   which array an address belongs to
 *   inject_model_report.c   sums on standard error where no profiler listens
 */
#ifndef COUNTERS_INJECT_MODEL_H
#define COUNTERS_INJECT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters/cache_model.h"
#include "counters/model_memory.h"

enum {
	HOOK_SLOTS = 1 << 13, /* 1 MiB a thread; a program's hot loops have hundreds */
	HOOK_MOST_DEPTH = 1 << 12,
	HOOK_ACCESS_BYTES = 64, /* longer ones (memcpy) count as several of this size */
};

/* One access of the program: its site in the thread's present call path, as long as its addresses
 * stay in one array, and what it found at the line it used last. */
struct hook_slot {
	uint64_t key;         /* hook_key; 0 = free */
	uint64_t low, length; /* what begins at low … low + length - 1 is in the hint's line */
	struct model_site *site;
	struct cache_hint hint;
	uint64_t array_low, array_length; /* addresses array_low … of one array */
	uint64_t n_line_starts;           /* of those: whose whole line is of the array */
	uint64_t reach;                   /* how many of its places in a line stay in it */
	uint64_t padding[2];
};

_Static_assert(sizeof(struct hook_slot) == 128, "a power of two is indexed by a shift");

/* One open call: its frame's address tells which ones longjmp has left. */
struct hook_frame {
	uint64_t address;
	uint32_t node;
};

struct hook_table {
	uint32_t *rows; /* open addressing; 0 = free */
	uint32_t n_slots, n_used;
};

struct hook_thread {
	struct cache_core *core;
	struct hook_slot *slots;
	uint64_t salt; /* of the node and the generation: hook_go_to */
	uint32_t node, generation, index;
	uint32_t depth; /* open calls; those beyond HOOK_MOST_DEPTH are counted only */
	bool is_busy;   /* inside the model: a signal's handler or an allocation stays out */
	struct hook_frame *frames;
	struct hook_table sites, children;
	uint64_t stack_low, stack_high, last_past_line;
	uint32_t stack_array;
	struct hook_thread *next_free;
};

struct hooks {
	struct cache_model *model;
	struct model_memory *memory;
	struct model_memory *all; /* of all processes, where a profiler listens */
	uint32_t generation;      /* of the arrays: slots of another are stale */
	bool is_off;              /* for good, or while a forked process is being set up */
	bool is_shared;           /* a profiler listens */
};

extern struct hooks hooks;
/* Its model is said here too: else every use is a call. */
extern _Thread_local struct hook_thread *hook_thread __attribute__((tls_model("initial-exec")));

/* ---- inject_model_state.c */

/* hook_thread_start: the calling thread's state, made at the first call; NULL = not modelled. */
struct hook_thread *hook_thread_start(void);

/* hook_slot_fill: a slot made that of (pc, is_write, the thread's node, the array of address). */
struct hook_slot *hook_slot_fill(struct hook_thread *thread, uint64_t pc, uint64_t address,
				 bool is_write);

/* hook_child: the node of a call from the present one, to the function that entry is in. */
uint32_t hook_child(struct hook_thread *thread, uint64_t call, uint64_t entry);

/* hook_child_of: the same from a given node. */
uint32_t hook_child_of(struct hook_thread *thread, uint32_t parent, uint64_t call, uint64_t entry);

/* hooks_open: at the program's start; any number of times. */
void hooks_open(void);

/* hooks_take_memory: tables that no process has yet; NULL and counted where there are none left. */
struct model_memory *hooks_take_memory(struct model_memory *all);

/* hooks_begin: an empty model of a geometry that counts into tables. False and a sentence in them.
 */
bool hooks_begin(struct model_memory *memory, const struct cache_geometry *geometry);

/* hook_pages: zeroed memory that is not from malloc, which may be the program's own and is
 * watched; NULL without. hook_pages_free: NULL is fine. */
void *hook_pages(size_t bytes);
void hook_pages_free(void *pages, size_t bytes);

/* hooks_hold: no other thread is in the middle of a change to what they share, until
 * hooks_release; round fork. hooks_forget_threads: those of the process that forked. */
void hooks_hold(void);
void hooks_release(void);
void hooks_forget_threads(void);

/* hooks_forget_slots: what slots know of arrays and caches is no longer so. */
void hooks_forget_slots(void);

/* hook_thread_renew: the only thread of a forked process begins without sites and call paths. */
void hook_thread_renew(struct hook_thread *thread);

/* ---- inject_model_fork.c */

/* hook_fork_open: from now on forked processes are modelled too. */
void hook_fork_open(void);

/* ---- inject_model_arrays.c */

struct hook_range {
	uint64_t low, high; /* addresses low … high - 1 are of one array (or of none: array 0) */
	uint32_t array;
};

struct hook_range hook_range_of(uint64_t address);

/* hook_array_add: a block allocated by the present call path at pc. */
void hook_array_add(struct hook_thread *thread, uint64_t pc, uint64_t low, uint64_t bytes);
void hook_array_remove(struct hook_thread *thread, uint64_t low);

/* hook_array_stack: the array that is a thread's stack. */
uint32_t hook_array_stack(uint32_t thread_index, uint64_t bytes);

void hook_arrays_hold(void);
void hook_arrays_release(void);

/* hook_arrays_adopt: after fork: the arrays of other tables under the same numbers. node_of says
 * which node of ours a node of theirs is. */
void hook_arrays_adopt(const struct model_memory *before,
		       uint32_t (*node_of)(void *opaque, uint32_t node), void *opaque);

/* hook_arrays_open: the globals of the modules that are loaded by now. */
void hook_arrays_open(void);

/* ---- inject_model_report.c */
void hook_report(void);

/* ---- inject_model_libc.c */
void hook_libc_open(void);

/* ---- the way of every access */

/* hook_go_to: the thread is now in this call path. */
static inline void hook_go_to(struct hook_thread *thread, uint32_t node)
{
	uint64_t salt = ((uint64_t)thread->generation << 32 | node) * 0x9e3779b97f4a7c15;
	thread->node = node;
	thread->salt = salt ^ salt >> 32; /* golden ratio; the lower half alone is poor */
}

/* hook_key: an access's address behind its call, 1 more for a store, in the thread's present call
 * path and generation of the arrays, as one word to compare and to find slots by: another place in
 * another call path has the same one once in 2^64. */
static inline uint64_t hook_key(const struct hook_thread *thread, uint64_t pc, bool is_write)
{
	return (pc + is_write) ^ thread->salt;
}

static inline struct hook_slot *hook_slot_of(const struct hook_thread *thread, uint64_t key)
{
	return &thread->slots[key % HOOK_SLOTS];
}

/* hook_slot_is_for: it is not stale, and its array is this address's. */
static inline bool hook_slot_is_for(const struct hook_slot *slot, const struct hook_thread *thread,
				    uint64_t address)
{
	return thread->generation == hooks.generation &&
	       address - slot->array_low < slot->array_length;
}

/* hook_slot_for: the slot of the thread's access at pc to the array of address. */
static inline struct hook_slot *hook_slot_for(struct hook_thread *thread, uint64_t pc,
					      uint64_t address, bool is_write)
{
	uint64_t key = hook_key(thread, pc, is_write);
	struct hook_slot *slot = hook_slot_of(thread, key);
	if (slot->key == key && hook_slot_is_for(slot, thread, address))
		return slot;
	return hook_slot_fill(thread, pc, address, is_write);
}

/* What is not the commonest way of an access: no slot yet; a line whose caches have changed since;
 * another line than last time. */
void hook_access_unknown(const void *address, uint32_t bytes, bool is_write, const void *pc);
void hook_read_again(const void *address, uint32_t bytes, struct hook_slot *slot,
		     struct hook_thread *thread);
void hook_write_again(const void *address, uint32_t bytes, struct hook_slot *slot,
		      struct hook_thread *thread);
void hook_read_line(const void *address, uint32_t bytes, struct hook_slot *slot,
		    struct hook_thread *thread);
void hook_write_line(const void *address, uint32_t bytes, struct hook_slot *slot,
		     struct hook_thread *thread);

/* As short as it can be made: programs do little else. A slot's hint speaks for its site's own
 * line; with several threads there are none. */
__attribute__((always_inline)) static inline void hook_access(const void *address, uint32_t bytes,
							      bool is_write, const void *pc)
{
	struct hook_thread *thread = hook_thread;
	if (__builtin_expect(!thread, 0)) {
		hook_access_unknown(address, bytes, is_write, pc);
		return;
	}
	uint64_t key = hook_key(thread, (uintptr_t)pc, is_write);
	struct hook_slot *slot = hook_slot_of(thread, key);
	if (__builtin_expect(slot->key != key, 0)) {
		hook_access_unknown(address, bytes, is_write, pc);
		return;
	}
	if ((uintptr_t)address - slot->low >= slot->length) {
		(is_write ? hook_write_line : hook_read_line)(address, bytes, slot, thread);
		return;
	}
	if (!cache_model_is_sure(thread->core, &slot->hint)) {
		(is_write ? hook_write_again : hook_read_again)(address, bytes, slot, thread);
		return;
	}
	cache_model_hit(thread->core, &slot->hint);
	slot->site->counts[MODEL_ACCESSES]++;
}

/* hook_range_access: any number of bytes, in pieces of HOOK_ACCESS_BYTES. */
void hook_range_access(const void *address, size_t bytes, bool is_write, const void *pc);

#endif
