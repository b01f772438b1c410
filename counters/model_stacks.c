/*
 * Frames are named as those of samples are: by the files that are mapped. Ids in the shared memory
 * grow, and a parent is older than its child, so one pass forward suffices.
 */
#include "counters/model_stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "counters/model_memory.h"
#include "sampler/address_space.h"
#include "sampler/base/text.h"
#include "sampler/demangle.h"
#include "sampler/recording.h"
#include "sampler/symbols.h"

/* As source_stacks does: a little in every pass, enough at the end. */
static const uint64_t RESOLVE_NS = 10 * 1000 * 1000;
static const uint64_t RESOLVE_LAST_NS = 5ull * 1000 * 1000 * 1000;

enum { MOST_LINE_BYTES = 4352, MOST_OUTWARDS = 8 };

static const uint64_t *hurry_ns;

struct model_names {
	struct recording *recording;
	struct address_space *space;
	struct symbols *symbols;
};

struct model_stacks {
	const struct model_memory *memory;
	struct recording *recording;
	struct address_space *space;
	pid_t pid;
	uint32_t maps_changes; /* seen */
	uint32_t n_nodes;      /* known */
	uint32_t *nodes;       /* stacks, by node */
	uint32_t *sites;       /* stacks, by site; 0 = not yet */
	uint32_t arrays[MODEL_ARRAYS], threads[MODEL_THREADS];
	bool has_given_up;
	char *maps;
};

struct model_names *model_names_new(struct recording *recording, bool no_inline)
{
	struct model_names *names = allocate(1, sizeof *names);
	names->recording = recording;
	names->space = address_space_new(recording);
	names->symbols = symbols_new(recording, names->space, no_inline);
	return names;
}

void model_names_free(struct model_names *names)
{
	if (!names)
		return;
	symbols_free(names->symbols);
	address_space_free(names->space);
	free(names);
}

bool model_names_resolve(struct model_names *names, bool is_last)
{
	uint64_t last_ns = hurry_ns ? *hurry_ns : RESOLVE_LAST_NS;
	return symbols_resolve(names->symbols, now_ns() + (is_last ? last_ns : RESOLVE_NS));
}

void model_names_hurry(const uint64_t *last_ns)
{
	hurry_ns = last_ns;
}

static uint32_t special_function(struct recording *recording, uint32_t name)
{
	return recording_add_function(
		recording, &(struct function_row){
				   .name = name, .linkage_name = name, .flags = FUNCTION_SPECIAL });
}

/* Frames that are sentences (module 0) bring their names along. */
uint64_t model_names_end(struct model_names *names)
{
	struct recording *recording = names->recording;
	const struct table *frames = &recording->tables[TABLE_FRAMES],
			   *locations = &recording->tables[TABLE_LOCATIONS];
	uint32_t late = 0;
	uint64_t n_late = 0;
	while (locations->n_rows < frames->n_rows) {
		const struct frame_row *frame = recording_frame(recording, locations->n_rows);
		if (frame->module && n_late++ == 0)
			late = special_function(recording,
						recording_add_string(recording, MODEL_LATE));
		struct location_row location = {
			.function = frame->module
					    ? late
					    : special_function(recording, (uint32_t)frame->address)
		};
		recording_add_location(recording, &location);
	}
	return n_late;
}

struct model_stacks *model_stacks_new(struct model_names *names, const struct model_memory *memory)
{
	struct model_stacks *stacks = allocate(1, sizeof *stacks);
	int32_t pid = __atomic_load_n(&memory->pid, __ATOMIC_ACQUIRE);
	stacks->memory = memory;
	stacks->recording = names->recording;
	stacks->space = names->space;
	stacks->pid = pid > 0 ? pid : 1;
	stacks->n_nodes = 1;
	stacks->nodes = allocate(MODEL_NODES, sizeof *stacks->nodes);
	stacks->sites = allocate(MODEL_SITES, sizeof *stacks->sites);
	stacks->maps = allocate(MODEL_MAPS_BYTES + 1, 1);
	address_space_exec(stacks->space, stacks->pid);
	return stacks;
}

void model_stacks_free(struct model_stacks *stacks)
{
	if (!stacks)
		return;
	free(stacks->nodes);
	free(stacks->sites);
	free(stacks->maps);
	free(stacks);
}

int model_stacks_pid(const struct model_stacks *stacks)
{
	return stacks->pid;
}

/* ---- code */

/* One line of /proc/PID/maps. */
static void map_line(struct model_stacks *stacks, const char *line)
{
	unsigned long long start, end, offset, inode;
	unsigned major, minor;
	int path_at = -1;
	if (sscanf(line, "%llx-%llx %*s %llx %x:%x %llu %n", &start, &end, &offset, &major, &minor,
		   &inode, &path_at) < 6 ||
	    path_at < 0 || end <= start)
		return;
	struct mapped_file file = {
		.start = start,
		.length = end - start,
		.file_offset = offset,
		.device = makedev(major, minor),
		.inode = inode,
		.prot = PROT_READ | PROT_EXEC,
		.path = line[path_at] ? line + path_at : "//anon",
	};
	address_space_map(stacks->space, stacks->pid, &file);
}

/* False while the program writes them. */
static bool read_maps(struct model_stacks *stacks)
{
	const struct model_memory *memory = stacks->memory;
	uint32_t changes = __atomic_load_n(&memory->maps_changes, __ATOMIC_ACQUIRE);
	if (changes == stacks->maps_changes)
		return true;
	uint32_t n = __atomic_load_n(&memory->maps_bytes, __ATOMIC_ACQUIRE);
	if (changes % 2 != 0 || n > MODEL_MAPS_BYTES)
		return false;
	memcpy(stacks->maps, memory->maps, n);
	stacks->maps[n] = '\0';
	if (__atomic_load_n(&memory->maps_changes, __ATOMIC_ACQUIRE) != changes)
		return false;
	stacks->maps_changes = changes;
	char *save = NULL;
	for (char *line = strtok_r(stacks->maps, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (strlen(line) < MOST_LINE_BYTES)
			map_line(stacks, line);
	return true;
}

static uint32_t frame_of(struct model_stacks *stacks, uint64_t return_address)
{
	struct process *process = address_space_process(stacks->space, stacks->pid);
	return address_space_frame(stacks->space, process, return_address, false, false);
}

static void read_nodes(struct model_stacks *stacks, bool is_last)
{
	const struct model_memory *memory = stacks->memory;
	uint32_t n = __atomic_load_n(&memory->n_nodes, __ATOMIC_ACQUIRE);
	n = n < MODEL_NODES ? n : MODEL_NODES;
	for (; stacks->n_nodes < n; stacks->n_nodes++) {
		const struct model_node *node = &memory->nodes[stacks->n_nodes];
		uint64_t call = __atomic_load_n(&node->call, __ATOMIC_ACQUIRE);
		uint32_t parent = __atomic_load_n(&node->parent, __ATOMIC_RELAXED);
		if (call == 0 && !is_last)
			return; /* its thread is at it */
		uint32_t above = parent < stacks->n_nodes ? stacks->nodes[parent] : 0;
		stacks->nodes[stacks->n_nodes] =
			call < MODEL_LEAST_CODE ? above
						: recording_add_stack(stacks->recording, above,
								      frame_of(stacks, call));
	}
}

bool model_stacks_update(struct model_stacks *stacks, bool is_last)
{
	bool is_good = read_maps(stacks) || is_last;
	if (is_good)
		read_nodes(stacks, is_last);
	return is_good;
}

void model_stacks_give_up(struct model_stacks *stacks)
{
	stacks->has_given_up = true;
}

/* What has not come by the end, as a frame below `above`. */
static uint32_t late_stack(struct model_stacks *stacks, uint32_t above)
{
	if (!stacks->has_given_up)
		return 0;
	return recording_add_stack(stacks->recording, above,
				   recording_add_special_frame(stacks->recording, MODEL_LATE, 0));
}

uint32_t model_stacks_of_site(struct model_stacks *stacks, uint32_t site)
{
	const struct model_site *row = &stacks->memory->sites[site];
	if (stacks->sites[site])
		return stacks->sites[site];
	uint32_t node = __atomic_load_n(&row->node, __ATOMIC_ACQUIRE);
	uint64_t pc = __atomic_load_n(&row->pc, __ATOMIC_RELAXED);
	if (node == 0 || node >= stacks->n_nodes)
		return stacks->sites[site] = late_stack(stacks, 0);
	return stacks->sites[site] = recording_add_stack(stacks->recording, stacks->nodes[node],
							 frame_of(stacks, pc));
}

/* ---- threads */

uint32_t model_stacks_thread(struct model_stacks *stacks, uint32_t thread)
{
	char raw[16], name[16], process[16];
	thread = thread < MODEL_THREADS ? thread : MODEL_THREADS - 1;
	if (stacks->threads[thread])
		return stacks->threads[thread];
	const struct model_thread *row = &stacks->memory->threads[thread];
	memcpy(raw, row->name, sizeof raw);
	raw[sizeof raw - 1] = '\0';
	text_clean(name, sizeof name, raw);
	memcpy(raw, stacks->memory->threads[1].name, sizeof raw);
	raw[sizeof raw - 1] = '\0';
	text_clean(process, sizeof process, raw);
	struct thread_row added = {
		.pid = (uint32_t)stacks->pid,
		.tid = row->tid,
		.name = recording_add_string(stacks->recording, name[0] ? name : "[unnamed]"),
		.process_name =
			recording_add_string(stacks->recording, process[0] ? process : name),
		.start_ns = now_ns(),
	};
	return stacks->threads[thread] = recording_add_thread(stacks->recording, &added);
}

/* ---- arrays */

/* The name of a frame's function, once it is known. */
static const char *function_of(const struct model_stacks *stacks, uint32_t frame, uint32_t *line)
{
	const struct recording *recording = stacks->recording;
	if (frame >= recording->tables[TABLE_LOCATIONS].n_rows)
		return NULL;
	const struct location_row *location = recording_location(recording, frame);
	const struct function_row *function = recording_function(recording, location->function);
	*line = location->line;
	return recording_string_at(recording, function->name);
}

/* Allocators say nothing of what was allocated. */
static bool is_allocator(const char *name)
{
	return strstr(name, "alloc") || strstr(name, "operator new") || name[0] == '[';
}

/* Who allocated: the innermost function that is no allocator. False while it has no name. */
static bool name_block(const struct model_stacks *stacks, uint32_t stack, char *out, size_t bytes)
{
	for (int n = 0; stack && n < MOST_OUTWARDS; n++) {
		const struct stack_row *row = recording_stack(stacks->recording, stack);
		uint32_t line = 0;
		const char *name = function_of(stacks, row->frame, &line);
		if (!name)
			return false;
		stack = row->parent;
		if (is_allocator(name) && stack)
			continue;
		if (line)
			snprintf(out, bytes, "%.80s:%u", name, line);
		else
			snprintf(out, bytes, "%.80s", name);
		return true;
	}
	snprintf(out, bytes, "?");
	return true;
}

static uint32_t array_frame(struct model_stacks *stacks, const char *text)
{
	return recording_add_special_frame(stacks->recording, text, 0);
}

/*
 * The path to an allocation. The call to an allocator that is not compiled for the model is not
 * known, so the function that made it stands for it.
 */
static uint32_t block_stack(struct model_stacks *stacks, const struct model_array *array)
{
	uint32_t line, stack = stacks->nodes[array->node];
	uint32_t frame = frame_of(stacks, array->pc);
	uint64_t entry = stacks->memory->nodes[array->node].entry;
	const char *name = function_of(stacks, frame, &line);
	if (!name)
		return 0;
	if (is_allocator(name) && entry)
		stack = recording_add_stack(stacks->recording, stack, frame_of(stacks, entry));
	return recording_add_stack(stacks->recording, stack, frame);
}

static uint32_t heap_stack(struct model_stacks *stacks, const struct model_array *array)
{
	char size[TEXT_BYTES], owner[128], text[224];
	bool is_known = array->node < stacks->n_nodes;
	uint32_t stack = is_known ? block_stack(stacks, array) : 0;
	if (!stack || !name_block(stacks, stack, owner, sizeof owner))
		return late_stack(stacks, is_known ? stacks->nodes[array->node] : 0);
	text_memory(size, sizeof size, (double)array->size_bytes);
	if (array->n_blocks > 1)
		snprintf(text, sizeof text, "[blocks of up to %s from %s]", size, owner);
	else
		snprintf(text, sizeof text, "[%s from %s]", size, owner);
	return recording_add_stack(stacks->recording, stack, array_frame(stacks, text));
}

static uint32_t plain_stack(struct model_stacks *stacks, const struct model_array *array)
{
	char size[TEXT_BYTES], raw[MODEL_NAME_BYTES], name[MODEL_NAME_BYTES], text[160];
	memcpy(raw, array->name, sizeof raw);
	raw[sizeof raw - 1] = '\0';
	text_memory(size, sizeof size, (double)array->size_bytes);
	if (array->kind == MODEL_GLOBAL)
		snprintf(text, sizeof text, "[%s, global, %s]", demangle(name, sizeof name, raw),
			 size);
	else if (array->kind == MODEL_STACK)
		snprintf(text, sizeof text, "[stack]");
	else
		snprintf(text, sizeof text, "[small blocks and other data]");
	return recording_add_stack(stacks->recording, 0, array_frame(stacks, text));
}

uint32_t model_stacks_of_array(struct model_stacks *stacks, uint32_t array)
{
	struct model_array row = { 0 };
	if (array >= MODEL_ARRAYS)
		array = 0;
	if (stacks->arrays[array])
		return stacks->arrays[array];
	if (array > 0) {
		if (!__atomic_load_n(&stacks->memory->arrays[array].is_whole, __ATOMIC_ACQUIRE))
			return stacks->arrays[array] = late_stack(stacks, 0);
		row = stacks->memory->arrays[array];
	}
	return stacks->arrays[array] = row.kind == MODEL_HEAP ? heap_stack(stacks, &row)
							      : plain_stack(stacks, &row);
}
