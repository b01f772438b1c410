/*
 * What the compiler calls with -fsanitize=thread (GCC: gcc/sanitizer.def; Clang:
 * ThreadSanitizer.cpp). The names and their arguments are theirs.
 */
#include "counters/inject_model.h"
#include "counters/cache_plain.h"

/* What the program may see of the library. */
#pragma GCC visibility push(default)

#define PC __builtin_return_address(0)

/* NOLINTBEGIN(bugprone-macro-parentheses): types and names take none */
#define HOOK(name, bytes, is_write)                                                                \
	void name(void *address);                                                                  \
	void name(void *address)                                                                   \
	{                                                                                          \
		hook_access(address, bytes, is_write, PC);                                         \
	}
#define HOOKS(bytes)                                                                               \
	HOOK(__tsan_read##bytes, bytes, false)                                                     \
	HOOK(__tsan_write##bytes, bytes, true)                                                     \
	HOOK(__tsan_unaligned_read##bytes, bytes, false)                                           \
	HOOK(__tsan_unaligned_write##bytes, bytes, true)                                           \
	HOOK(__tsan_volatile_read##bytes, bytes, false)                                            \
	HOOK(__tsan_volatile_write##bytes, bytes, true)                                            \
	HOOK(__tsan_unaligned_volatile_read##bytes, bytes, false)                                  \
	HOOK(__tsan_unaligned_volatile_write##bytes, bytes, true)                                  \
	HOOK_BOTH(__tsan_read_write##bytes, bytes)                                                 \
	HOOK_BOTH(__tsan_unaligned_read_write##bytes, bytes)
/* Clang's for a load and a store of one place. */
#define HOOK_BOTH(name, bytes)                                                                     \
	void name(void *address);                                                                  \
	void name(void *address)                                                                   \
	{                                                                                          \
		hook_access(address, bytes, false, PC);                                            \
		hook_access(address, bytes, true, PC);                                             \
	}

HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

/* One at a time: both at once, as a vector, would wait for the accesses stored just before. */
static inline void count(struct model_site *site, uint32_t result)
{
	site->counts[MODEL_ACCESSES]++;
	if (result & CACHE_MISS)
		site->counts[MODEL_MISSES]++;
	for (result &= ~(uint32_t)CACHE_MISS; __builtin_expect(result, 0); result &= result - 1)
		site->counts[MODEL_MISSES + __builtin_ctz(result)]++;
}

/* A signal's handler that came while its thread was in the model stays out. */
static inline bool enter(struct hook_thread *thread)
{
	if (__builtin_expect(thread->is_busy, 0))
		__atomic_fetch_add(&hooks.memory->n_unseen, 1, __ATOMIC_RELAXED);
	else
		return thread->is_busy = true;
	return false;
}

/* What the slot need not ask again: accesses of as many bytes to the same line and array. */
static void remember_edge(struct hook_slot *slot, uint64_t low, uint32_t bytes)
{
	uint64_t end = low + hooks.model->geometry.line_bytes;
	uint64_t array_end = slot->array_low + slot->array_length;
	slot->low = low = low > slot->array_low ? low : slot->array_low;
	end = end < array_end ? end : array_end;
	slot->length = end - low >= bytes ? end - low - bytes + 1 : 0;
}

static uint32_t access_asking(struct hook_thread *thread, struct hook_slot *slot, uint64_t address,
			      uint32_t bytes, bool is_write)
{
	struct cache_model *model = hooks.model;
	uint64_t line_bytes = model->geometry.line_bytes;
	uint32_t result = cache_model_access(model, thread->core, address, bytes, is_write);
	slot->length = 0;
	if (cache_model_find_hint(model, thread->core, address, is_write, &slot->hint))
		remember_edge(slot, address & -line_bytes, bytes);
	return result;
}

/* Over the end of a line, in another array or the edge of one, or with caches of which something
 * has to be asked. An access at one place in the program is always of as many bytes. */
__attribute__((noinline)) static void access_uncommon(struct hook_thread *thread,
						      struct hook_slot *slot, uint64_t address,
						      uint32_t bytes, bool is_write)
{
	struct cache_model *model = hooks.model;
	uint64_t line_bytes = model->geometry.line_bytes,
		 pc = (slot->key ^ thread->salt) - is_write;
	uint32_t result;
	if (!enter(thread))
		return;
	if (!hook_slot_is_for(slot, thread, address))
		slot = hook_slot_fill(thread, pc, address, is_write);
	slot->reach = bytes <= line_bytes ? line_bytes + 1 - bytes : 0;
	if (model->is_plain && bytes <= line_bytes) {
		result = cache_plain_straddle(model, thread->core, address, bytes, is_write,
					      &slot->hint);
		remember_edge(slot, (address + bytes - 1) & -line_bytes, bytes);
	} else {
		result = access_asking(thread, slot, address, bytes, is_write);
	}
	count(slot->site, result);
	thread->is_busy = false;
}

/* What is left of a miss. */
__attribute__((noinline)) static void finish_miss(struct hook_thread *thread,
						  struct model_site *site, uint64_t line,
						  uint64_t was, uint8_t *note)
{
	uint32_t result = cache_plain_miss(hooks.model, thread->core, line, was, note);
	for (; result; result &= result - 1)
		site->counts[MODEL_MISSES + __builtin_ctz(result)]++;
	thread->is_busy = false;
}

/* The page first, of which nothing is known; then the line. */
__attribute__((noinline)) static void access_page(const void *at, uint32_t bytes, bool is_write,
						  struct hook_slot *slot,
						  struct hook_thread *thread)
{
	uint64_t page = (uintptr_t)at >> hooks.model->page_shift;
	uint32_t result = cache_model_translate_other(thread->core, page);
	for (; result; result &= result - 1)
		slot->site->counts[MODEL_MISSES + __builtin_ctz(result)]++;
	thread->is_busy = false;
	(is_write ? hook_write_line : hook_read_line)(at, bytes, slot, thread);
}

/* Where is_short there is one thread, and a slot of its generation is not stale. Calls are the last
 * things that are done, so that no registers need be saved. */
__attribute__((always_inline)) static inline void access_line(const void *at, uint32_t bytes,
							      bool is_write, struct hook_slot *slot,
							      struct hook_thread *thread)
{
	struct cache_model *model = hooks.model;
	uint64_t address = (uintptr_t)at, low = address >> model->line_shift << model->line_shift;
	struct cache_missed missed;
	/* The model takes as long as memory does: the program need not wait for both. */
	__builtin_prefetch(at);
	if (__builtin_expect(thread->is_busy || !model->is_short || address - low >= slot->reach ||
				     low - slot->array_low >= slot->n_line_starts,
			     0)) {
		access_uncommon(thread, slot, address, bytes, is_write);
		return;
	}
	thread->is_busy = true;
	enum cache_try tried =
		cache_plain_try(model, thread->core, address, is_write, &slot->hint, &missed);
	if (tried == CACHE_TRIED_PAGE) {
		access_page(at, bytes, is_write, slot, thread);
		return;
	}
	if (__builtin_expect(tried == CACHE_TRIED_NOT, 0)) {
		thread->is_busy = false;
		access_uncommon(thread, slot, address, bytes, is_write);
		return;
	}
	slot->low = low;
	slot->length = slot->reach;
	slot->site->counts[MODEL_ACCESSES]++;
	if (tried != CACHE_TRIED_HIT)
		slot->site->counts[MODEL_MISSES]++;
	if (tried == CACHE_TRIED_FIRST) {
		finish_miss(thread, slot->site, missed.line, missed.was, missed.note);
		return;
	}
	thread->is_busy = false;
}

void hook_read_line(const void *address, uint32_t bytes, struct hook_slot *slot,
		    struct hook_thread *thread)
{
	access_line(address, bytes, false, slot, thread);
}

void hook_write_line(const void *address, uint32_t bytes, struct hook_slot *slot,
		     struct hook_thread *thread)
{
	access_line(address, bytes, true, slot, thread);
}

void hook_read_again(const void *address, uint32_t bytes, struct hook_slot *slot,
		     struct hook_thread *thread)
{
	if (!cache_model_is_hit(thread->core, &slot->hint, false)) {
		hook_read_line(address, bytes, slot, thread);
		return;
	}
	cache_model_hit(thread->core, &slot->hint);
	slot->site->counts[MODEL_ACCESSES]++;
}

void hook_write_again(const void *address, uint32_t bytes, struct hook_slot *slot,
		      struct hook_thread *thread)
{
	if (!cache_model_is_hit(thread->core, &slot->hint, true)) {
		hook_write_line(address, bytes, slot, thread);
		return;
	}
	cache_model_hit(thread->core, &slot->hint);
	slot->site->counts[MODEL_ACCESSES]++;
}

/* Leaves no hint: it is for one line and one length. */
void hook_access_unknown(const void *address, uint32_t bytes, bool is_write, const void *pc)
{
	struct hook_thread *thread = hook_thread;
	if ((!thread && !(thread = hook_thread_start())) || !enter(thread))
		return;
	struct hook_slot *slot = hook_slot_for(thread, (uintptr_t)pc, (uintptr_t)address, is_write);
	count(slot->site,
	      cache_model_access(hooks.model, thread->core, (uintptr_t)address, bytes, is_write));
	slot->length = 0;
	thread->is_busy = false;
}

void hook_range_access(const void *address, size_t bytes, bool is_write, const void *pc)
{
	const unsigned char *at = address;
	for (; bytes > HOOK_ACCESS_BYTES; at += HOOK_ACCESS_BYTES, bytes -= HOOK_ACCESS_BYTES)
		hook_access_unknown(at, HOOK_ACCESS_BYTES, is_write, pc);
	if (bytes > 0)
		hook_access_unknown(at, (uint32_t)bytes, is_write, pc);
}

void __tsan_read_range(void *address, unsigned long bytes);
void __tsan_read_range(void *address, unsigned long bytes)
{
	hook_range_access(address, bytes, false, PC);
}

void __tsan_write_range(void *address, unsigned long bytes);
void __tsan_write_range(void *address, unsigned long bytes)
{
	hook_range_access(address, bytes, true, PC);
}

/* A C++ object's pointer to its virtual functions is written, or read. */
void __tsan_vptr_update(void **place, void *value);
void __tsan_vptr_update(void **place, void *value)
{
	(void)value;
	hook_access(place, sizeof *place, true, PC);
}

void __tsan_vptr_read(void **place);
void __tsan_vptr_read(void **place)
{
	hook_access(place, sizeof *place, false, PC);
}

void __tsan_init(void);
void __tsan_init(void)
{
	hooks_open();
}

/* The stack grows downwards: calls whose frames lie below the new one's were left by longjmp. */
void __tsan_func_entry(void *call);
void __tsan_func_entry(void *call)
{
	struct hook_thread *thread = hook_thread;
	if (!thread && !(thread = hook_thread_start()))
		return;
	uint64_t frame = (uintptr_t)__builtin_frame_address(0);
	while (thread->depth > 0 && thread->depth <= HOOK_MOST_DEPTH &&
	       thread->frames[thread->depth - 1].address <= frame)
		hook_go_to(thread, thread->frames[--thread->depth].node);
	if (thread->depth++ >= HOOK_MOST_DEPTH)
		return;
	thread->frames[thread->depth - 1] = (struct hook_frame){ frame, thread->node };
	const struct model_node *node = &hooks.memory->nodes[thread->node];
	hook_go_to(thread, node->last_call == (uintptr_t)call
				   ? node->last_child
				   : hook_child(thread, (uintptr_t)call, (uintptr_t)PC));
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
	struct hook_thread *thread = hook_thread;
	if (!thread || thread->depth == 0 || thread->depth-- > HOOK_MOST_DEPTH)
		return;
	hook_go_to(thread, thread->frames[thread->depth].node);
}

void __tsan_ignore_thread_begin(void);
void __tsan_ignore_thread_begin(void)
{
}

void __tsan_ignore_thread_end(void);
void __tsan_ignore_thread_end(void)
{
}
/* NOLINTEND(bugprone-macro-parentheses) */
