/*
 * A forked process goes on where its parent was: its one thread keeps its call path and its arrays
 * their numbers, but rows are of its own tables, since two processes must not count in one. Its
 * caches begin empty: those of two processes are not coherent with each other.
 */
#include <pthread.h>
#include <unistd.h>

#include "counters/inject_model.h"

struct adoption {
	const struct model_memory *before;
	struct hook_thread *thread;
	uint32_t *nodes; /* ours, by theirs; 0 = not known yet */
	uint32_t *path;
};

/* The node of the same call path in our tables, which is made where there is none. */
static uint32_t node_of(void *opaque, uint32_t node)
{
	struct adoption *adoption = opaque;
	const struct model_node *theirs = adoption->before->nodes;
	uint32_t n = 0;
	while (node && !adoption->nodes[node] && n < HOOK_MOST_DEPTH) {
		adoption->path[n++] = node;
		node = theirs[node].parent;
	}
	uint32_t ours = node ? adoption->nodes[node] : 0;
	while (n-- > 0) {
		const struct model_node *row = &theirs[adoption->path[n]];
		ours = hook_child_of(adoption->thread, ours, row->call, row->entry);
		adoption->nodes[adoption->path[n]] = ours;
	}
	return ours;
}

static uint32_t no_node(void *opaque, uint32_t node)
{
	(void)opaque;
	(void)node;
	return 0;
}

static void adopt(struct hook_thread *thread, const struct model_memory *before)
{
	struct adoption adoption = {
		.before = before,
		.thread = thread,
		.nodes = hook_pages(MODEL_NODES * sizeof(uint32_t)),
		.path = hook_pages(HOOK_MOST_DEPTH * sizeof(uint32_t)),
	};
	bool is_good = thread && adoption.nodes && adoption.path;
	for (uint32_t i = 0; is_good && i < thread->depth && i < HOOK_MOST_DEPTH; i++)
		thread->frames[i].node = node_of(&adoption, thread->frames[i].node);
	if (is_good)
		hook_go_to(thread, node_of(&adoption, thread->node));
	hook_arrays_adopt(before, is_good ? node_of : no_node, &adoption);
	hook_pages_free(adoption.nodes, MODEL_NODES * sizeof(uint32_t));
	hook_pages_free(adoption.path, HOOK_MOST_DEPTH * sizeof(uint32_t));
}

static void before_fork(void)
{
	hooks_hold();
	hook_arrays_hold();
}

static void after_fork(void)
{
	hook_arrays_release();
	hooks_release();
}

/* Without a profiler only the process that was started tells its sums. */
static void begin_child(void)
{
	struct hook_thread *thread = hook_thread;
	const struct model_memory *before = hooks.memory;
	after_fork();
	if (hooks.is_off)
		return;
	hooks.is_off = true;
	hook_thread = NULL;
	hooks_forget_threads();
	struct model_memory *memory = hooks.is_shared ? hooks_take_memory(hooks.all) : NULL;
	const struct cache_geometry geometry = hooks.model->geometry;
	if (!memory || !hooks_begin(memory, &geometry))
		return;
	memory->has_vectors = before->has_vectors;
	memory->has_clang = before->has_clang;
	if (thread)
		hook_thread_renew(thread);
	adopt(thread, before);
	__atomic_store_n(&memory->is_open, 1, __ATOMIC_RELEASE);
	hook_thread = thread;
	hooks.is_off = false;
}

void hook_fork_open(void)
{
	pthread_atfork(before_fork, after_fork, begin_child);
}
