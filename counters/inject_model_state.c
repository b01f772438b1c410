/*
 * Threads, call paths and sites. A thread writes only rows that it has taken for itself, so none
 * of it needs a lock but the list of threads that have ended, whose state the next ones take over.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "counters/cache_plain.h"
#include "counters/inject_model.h"

enum { FIRST_SLOTS = 1 << 10 };

struct hooks hooks = { .is_off = true };
_Thread_local struct hook_thread *hook_thread __attribute__((tls_model("initial-exec")));

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static struct hook_thread *free_threads;

/* Not from malloc: that may be the program's own, and is watched. */
void *hook_pages(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void hook_pages_free(void *pages, size_t bytes)
{
	if (pages)
		munmap(pages, bytes);
}

/* ---- tables of row numbers */

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 31) * 0x7fb5d329728ea185; /* splitmix64, Steele et al., 2014 */
	return value ^ value >> 27;
}

static void put(struct hook_table *table, uint64_t hash, uint32_t row)
{
	uint32_t at = (uint32_t)hash & (table->n_slots - 1);
	while (table->rows[at])
		at = (at + 1) & (table->n_slots - 1);
	table->rows[at] = row;
	table->n_used++;
}

static uint64_t site_hash(uint64_t pc, uint32_t node, uint32_t array)
{
	return mix(pc ^ (uint64_t)node << 32 ^ (uint64_t)array << 20);
}

static uint64_t child_hash(uint64_t call, uint32_t parent)
{
	return mix(call ^ (uint64_t)parent << 32);
}

static uint64_t hash_of_row(const struct hook_thread *thread, const struct hook_table *table,
			    uint32_t row)
{
	if (table == &thread->children)
		return child_hash(hooks.memory->nodes[row].call, hooks.memory->nodes[row].parent);
	const struct model_site *site = &hooks.memory->sites[row];
	return site_hash(site->pc, site->node, site->array);
}

/* False without memory: the row stays findable by the slot only. */
static bool grow(const struct hook_thread *thread, struct hook_table *table)
{
	struct hook_table larger = { .n_slots = table->n_slots ? table->n_slots * 2 : FIRST_SLOTS };
	if (table->n_used * 2 < table->n_slots)
		return true;
	larger.rows = hook_pages(larger.n_slots * sizeof *larger.rows);
	if (!larger.rows)
		return table->n_used + 1 < table->n_slots;
	for (uint32_t i = 0; i < table->n_slots; i++)
		if (table->rows[i])
			put(&larger, hash_of_row(thread, table, table->rows[i]), table->rows[i]);
	if (table->rows)
		munmap(table->rows, table->n_slots * sizeof *table->rows);
	*table = larger;
	return true;
}

/* The next row of a shared table; 0 = it is full. */
/* NOLINTNEXTLINE(readability-non-const-parameter): it is written by the builtin */
static uint32_t take_row(uint32_t *n, uint32_t most)
{
	uint32_t row = __atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
	if (row < most)
		return row;
	__atomic_store_n(n, most, __ATOMIC_RELAXED);
	return 0;
}

/* ---- what code lies where, for the profiler */

/* The lines that may be executed; under the lock. */
static void send_maps(void)
{
	struct model_memory *memory = hooks.memory;
	char line[4352], mode[8];
	__atomic_fetch_add(&memory->maps_changes, 1, __ATOMIC_ACQ_REL); /* odd: being written */
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	uint32_t used = 0;
	while (file && fgets(line, sizeof line, file)) {
		size_t n = strlen(line);
		if (sscanf(line, "%*s %7s", mode) != 1 || mode[2] != 'x' ||
		    used + n > sizeof memory->maps)
			continue;
		memcpy(memory->maps + used, line, n);
		used += (uint32_t)n;
	}
	if (file)
		fclose(file);
	__atomic_store_n(&memory->maps_bytes, used, __ATOMIC_RELEASE);
	__atomic_fetch_add(&memory->maps_changes, 1, __ATOMIC_RELEASE);
}

/* A program's dlopen shows as code from where none was known. */
static bool is_code_known(uint64_t pc)
{
	enum { MOST_RANGES = 512 };
	static uint64_t low[MOST_RANGES], high[MOST_RANGES];
	static uint32_t n_ranges;
	for (int tried = 0; tried < 2; tried++) {
		for (uint32_t i = 0; i < n_ranges; i++)
			if (pc >= low[i] && pc < high[i])
				return true;
		send_maps();
		const char *at = hooks.memory->maps, *end = at + hooks.memory->maps_bytes;
		n_ranges = 0;
		while (at < end && n_ranges < MOST_RANGES) {
			char *next;
			low[n_ranges] = strtoull(at, &next, 16);
			high[n_ranges++] = strtoull(next + 1, NULL, 16);
			const char *line_end = memchr(at, '\n', (size_t)(end - at));
			at = line_end ? line_end + 1 : end;
		}
	}
	return false;
}

static void learn_code(uint64_t pc)
{
	pthread_mutex_lock(&lock);
	is_code_known(pc);
	pthread_mutex_unlock(&lock);
}

/* ---- call paths and sites */

uint32_t hook_child_of(struct hook_thread *thread, uint32_t parent, uint64_t call, uint64_t entry)
{
	struct model_node *nodes = hooks.memory->nodes, *above = &nodes[parent];
	struct hook_table *table = &thread->children;
	bool was_busy = thread->is_busy;
	uint64_t hash = child_hash(call, parent);
	uint32_t row = 0;
	if (was_busy)
		return parent;
	thread->is_busy = true;
	if (grow(thread, table)) {
		uint32_t at = (uint32_t)hash & (table->n_slots - 1);
		while ((row = table->rows[at]) &&
		       (nodes[row].call != call || nodes[row].parent != parent))
			at = (at + 1) & (table->n_slots - 1);
		if (!row && (row = take_row(&hooks.memory->n_nodes, MODEL_NODES))) {
			nodes[row].parent = parent;
			nodes[row].entry = entry;
			if (call >= MODEL_LEAST_CODE)
				learn_code(call - 1);
			__atomic_store_n(&nodes[row].call, call, __ATOMIC_RELEASE);
			put(table, hash, row);
		}
	}
	thread->is_busy = false;
	if (!row)
		return parent; /* no room: it counts as its caller's */
	above->last_child = row;
	above->last_call = call;
	return row;
}

uint32_t hook_child(struct hook_thread *thread, uint64_t call, uint64_t entry)
{
	return hook_child_of(thread, thread->node, call, entry);
}

/* Site 0 takes what finds no room; the profiler says how much that is. */
static struct model_site *site_of(struct hook_thread *thread, uint64_t pc, uint32_t array,
				  bool is_write)
{
	struct model_site *sites = hooks.memory->sites;
	struct hook_table *table = &thread->sites;
	uint32_t row = 0;
	if (!grow(thread, table))
		return &sites[0];
	uint64_t hash = site_hash(pc, thread->node, array);
	uint32_t at = (uint32_t)hash & (table->n_slots - 1);
	while ((row = table->rows[at]) &&
	       (sites[row].pc != pc || sites[row].array != array ||
		sites[row].node != thread->node || sites[row].is_write != is_write))
		at = (at + 1) & (table->n_slots - 1);
	if (row || !(row = take_row(&hooks.memory->n_sites, MODEL_SITES)))
		return &sites[row];
	sites[row].pc = pc;
	sites[row].thread = (uint16_t)thread->index;
	sites[row].array = array;
	sites[row].is_write = is_write;
	learn_code(pc - 1);
	__atomic_store_n(&sites[row].node, thread->node, __ATOMIC_RELEASE);
	put(table, hash, row);
	return &sites[row];
}

/* The generation is looked at before the arrays are: what changes later makes the slot stale. */
static void follow_generation(struct hook_thread *thread)
{
	uint32_t generation = __atomic_load_n(&hooks.generation, __ATOMIC_ACQUIRE);
	if (thread->generation == generation)
		return;
	thread->generation = generation;
	hook_go_to(thread, thread->node);
}

struct hook_slot *hook_slot_fill(struct hook_thread *thread, uint64_t pc, uint64_t address,
				 bool is_write)
{
	follow_generation(thread);
	struct hook_range range = { thread->stack_low, thread->stack_high, thread->stack_array };
	if (address < range.low || address >= range.high)
		range = hook_range_of(address);
	uint64_t line_bytes = hooks.model->geometry.line_bytes, length = range.high - range.low;
	uint64_t wanted = hook_key(thread, pc, is_write);
	struct hook_slot *slot = hook_slot_of(thread, wanted);
	*slot = (struct hook_slot){ .key = wanted,
				    .hint = { .page = CACHE_NO_PAGE },
				    .array_low = range.low,
				    .array_length = length,
				    .n_line_starts =
					    length < line_bytes ? 0 : length - line_bytes + 1,
				    .site = site_of(thread, pc, range.array, is_write) };
	return slot;
}

void hooks_forget_slots(void)
{
	__atomic_fetch_add(&hooks.generation, 1, __ATOMIC_RELEASE);
	if (hook_thread)
		follow_generation(hook_thread);
}

/* ---- threads */

static void find_stack(struct hook_thread *thread)
{
	pthread_attr_t attributes;
	void *low = NULL;
	size_t bytes = 0;
	thread->stack_low = thread->stack_high = 0;
	if (pthread_getattr_np(pthread_self(), &attributes) != 0)
		return;
	if (pthread_attr_getstack(&attributes, &low, &bytes) == 0) {
		thread->stack_low = (uintptr_t)low;
		thread->stack_high = (uintptr_t)low + bytes;
		thread->stack_array = hook_array_stack(thread->index, bytes);
	}
	pthread_attr_destroy(&attributes);
}

static void take_number(struct hook_thread *thread)
{
	uint32_t number = __atomic_fetch_add(&hooks.memory->n_threads, 1, __ATOMIC_RELAXED);
	thread->index = number < MODEL_THREADS ? number : MODEL_THREADS - 1;
	thread->core = cache_model_core(hooks.model, thread->index - 1);
}

static void say_thread(const struct hook_thread *thread)
{
	struct model_thread *row = &hooks.memory->threads[thread->index];
	row->tid = (uint32_t)syscall(SYS_gettid);
	prctl(PR_GET_NAME, row->name);
	__atomic_store_n(&row->is_whole, 1, __ATOMIC_RELEASE);
}

static bool open_thread(struct hook_thread *thread)
{
	thread->slots = hook_pages(HOOK_SLOTS * sizeof *thread->slots);
	thread->frames = hook_pages(HOOK_MOST_DEPTH * sizeof *thread->frames);
	if (!thread->slots || !thread->frames)
		return false;
	take_number(thread);
	return true;
}

static struct hook_thread *new_thread(void)
{
	struct hook_thread *thread;
	pthread_mutex_lock(&lock);
	thread = free_threads;
	if (thread)
		free_threads = thread->next_free;
	pthread_mutex_unlock(&lock);
	if (!thread && (thread = hook_pages(sizeof *thread)) && !open_thread(thread))
		return NULL;
	return thread;
}

struct hook_thread *hook_thread_start(void)
{
	static _Thread_local bool is_starting __attribute__((tls_model("initial-exec")));
	if (hooks.is_off || is_starting)
		return NULL;
	is_starting = true;
	struct hook_thread *thread = new_thread();
	if (!thread) {
		is_starting = false;
		return NULL;
	}
	thread->is_busy = true;
	thread->depth = 0;
	thread->node = 0;
	say_thread(thread);
	find_stack(thread);
	thread->is_busy = false;
	/* The first call has a node of its own, so that a site's is never 0. */
	hook_go_to(thread, hook_child(thread, thread->index, 0));
	pthread_setspecific(key, thread);
	hook_thread = thread;
	is_starting = false;
	return thread;
}

static void end_thread(void *opaque)
{
	struct hook_thread *thread = opaque;
	hook_thread = NULL;
	pthread_mutex_lock(&lock);
	thread->next_free = free_threads;
	free_threads = thread;
	pthread_mutex_unlock(&lock);
}

/* ---- round fork */

void hooks_hold(void)
{
	pthread_mutex_lock(&lock);
}

void hooks_release(void)
{
	pthread_mutex_unlock(&lock);
}

/* Their tables name rows of another process: they are left where they are. */
void hooks_forget_threads(void)
{
	free_threads = NULL;
}

static void forget_rows(struct hook_table *table)
{
	hook_pages_free(table->rows, table->n_slots * sizeof *table->rows);
	*table = (struct hook_table){ 0 };
}

void hook_thread_renew(struct hook_thread *thread)
{
	madvise(thread->slots, HOOK_SLOTS * sizeof *thread->slots, MADV_DONTNEED); /* zeros again */
	forget_rows(&thread->sites);
	forget_rows(&thread->children);
	take_number(thread);
	say_thread(thread);
}

/* ---- opening */

struct model_memory *hooks_take_memory(struct model_memory *all)
{
	for (int i = 0; i < MODEL_PROCESSES; i++) {
		int32_t nobody = 0;
		if (__atomic_compare_exchange_n(&all[i].pid, &nobody, (int32_t)getpid(), false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return &all[i];
	}
	__atomic_fetch_add(&all[0].n_refused, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* The profiler's memory, or some of our own where none listens; NULL = stay away. */
static struct model_memory *open_memory(void)
{
	const char *text = getenv("STOKE_MODEL_FD");
	int fd = text ? atoi(text) : -1;
	if (!text) {
		struct model_memory *own = hook_pages(sizeof *own);
		if (own)
			own->pid = (int32_t)getpid();
		return own;
	}
	struct model_memory *all = fd > 2 ? model_memory_map(fd, NULL) : NULL;
	bool is_ours = all && all->magic == MODEL_MAGIC && all->version == MODEL_VERSION &&
		       all->bytes == sizeof *all;
	struct model_memory *memory = is_ours ? hooks_take_memory(all) : NULL;
	if (!memory) {
		model_memory_unmap(all);
		return NULL;
	}
	hooks.all = all;
	hooks.is_shared = true;
	return memory;
}

static void say_problem(struct model_memory *memory, const char *text)
{
	snprintf(memory->problem, sizeof memory->problem, "%s", text);
	if (!hooks.is_shared)
		fprintf(stderr, "stoke-model: %s\n", text);
}

bool hooks_begin(struct model_memory *memory, const struct cache_geometry *geometry)
{
	struct why why;
	hooks.model = cache_model_new(geometry, &why);
	if (!hooks.model) {
		say_problem(memory, why.text);
		return false;
	}
	hooks.memory = memory;
	hooks.model->counts = &memory->counts;
	cache_geometry_print(memory->geometry, sizeof memory->geometry, geometry);
	memory->is_assumed = geometry->is_assumed;
	memory->n_nodes = memory->n_sites = memory->n_arrays = memory->n_threads = 1;
	send_maps();
	return true;
}

static void open_once(void)
{
	struct cache_geometry geometry;
	struct why why;
	struct model_memory *memory = open_memory();
	if (!memory)
		return;
	cache_geometry_of_machine(&geometry);
	if (!cache_geometry_parse(&geometry, getenv("STOKE_MODEL"), &why)) {
		say_problem(memory, why.text);
		return;
	}
	if (!hooks_begin(memory, &geometry))
		return;
	hook_arrays_open();
	hook_libc_open();
	pthread_key_create(&key, end_thread);
	hook_fork_open();
	__atomic_store_n(&memory->is_open, 1, __ATOMIC_RELEASE);
	hooks.is_off = false;
}

__attribute__((constructor(101))) void hooks_open(void)
{
	pthread_once(&once, open_once);
}

__attribute__((destructor(101))) static void close_at_exit(void)
{
	if (hooks.is_off || hooks.is_shared || hooks.memory->pid != (int32_t)getpid())
		return;
	hooks.is_off = true;
	hook_thread = NULL;
	hook_report();
}
