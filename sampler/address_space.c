/*
 * Processes and their mappings. Mappings stay sorted and never overlap; a new one cuts what it
 * covers. Exited processes are kept for a while, because records of other CPUs may still name
 * them, and then freed: a target may fork thousands of times.
 */
#include "sampler/address_space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sampler/base/why.h"
#include "sampler/elf_image.h"
#include "sampler/module.h"
#include "sampler/recording.h"

enum {
	/* 2^14 entries x 24 B = 384 KiB: stays in the second-level cache, holds the code of a
	 * large program (a C compiler shows some 10,000 distinct addresses). */
	N_CACHED_FRAMES = 1 << 14,
	FIRST_PROCESSES = 64, /* slots; a power of two */
	/* Rings are merged by time, so a few would do; more costs a few KiB each. */
	MOST_EXITED = 64,
};

struct cached_frame {
	const struct module *module; /* NULL: the kernel */
	uint64_t key;                /* address in the module * 2 + is_leaf */
	uint32_t frame;
};

struct address_space {
	struct recording *recording;
	struct modules *modules;
	struct process **processes; /* open addressing by pid */
	uint32_t n_slots, n_used;
	struct process *exited[MOST_EXITED]; /* oldest first, a ring */
	uint32_t next_exited;
	uint64_t last_space_id;
	struct process *last;
	uint32_t frame_not_mapped;
	struct cached_frame cache[N_CACHED_FRAMES];
};

struct address_space *address_space_new(struct recording *recording)
{
	struct address_space *space = allocate(1, sizeof *space);
	space->recording = recording;
	space->modules = modules_new(recording);
	space->n_slots = FIRST_PROCESSES;
	space->processes = allocate(space->n_slots, sizeof(struct process *));
	return space;
}

void address_space_set_offline(struct address_space *space)
{
	modules_set_offline(space->modules);
}

static void process_free(struct process *process)
{
	free(process->mappings);
	free(process);
}

void address_space_free(struct address_space *space)
{
	if (!space)
		return;
	for (uint32_t i = 0; i < space->n_slots; i++)
		if (space->processes[i])
			process_free(space->processes[i]);
	free(space->processes);
	modules_free(space->modules);
	free(space);
}

static uint32_t slot_of(const struct address_space *space, pid_t pid)
{
	uint32_t mask = space->n_slots - 1;
	uint32_t slot = (uint32_t)pid * 2654435769u & mask; /* 2^32 / golden ratio */
	while (space->processes[slot] && space->processes[slot]->pid != pid)
		slot = (slot + 1) & mask;
	return slot;
}

static void rehash(struct address_space *space, uint32_t n_slots)
{
	struct process **old = space->processes;
	uint32_t n_old = space->n_slots;
	space->n_slots = n_slots;
	space->processes = allocate(n_slots, sizeof(struct process *));
	for (uint32_t i = 0; i < n_old; i++)
		if (old[i])
			space->processes[slot_of(space, old[i]->pid)] = old[i];
	free(old);
}

struct process *address_space_process(struct address_space *space, pid_t pid)
{
	if (space->last && space->last->pid == pid)
		return space->last;
	uint32_t slot = slot_of(space, pid);
	if (space->processes[slot])
		return space->last = space->processes[slot];
	if (space->n_used * 2 >= space->n_slots) {
		rehash(space, space->n_slots * 2);
		slot = slot_of(space, pid);
	}
	struct process *process = allocate(1, sizeof *process);
	process->pid = pid;
	process->space_id = ++space->last_space_id;
	space->processes[slot] = process;
	space->n_used++;
	return space->last = process;
}

static void forget(struct address_space *space, struct process *process)
{
	if (space->last == process)
		space->last = NULL;
	space->processes[slot_of(space, process->pid)] = NULL;
	space->n_used--;
	process_free(process);
	rehash(space, space->n_slots); /* closes the hole in the probe sequences */
}

static void forget_exited(struct address_space *space, struct process *process)
{
	for (int i = 0; i < MOST_EXITED; i++)
		if (space->exited[i] == process)
			space->exited[i] = NULL;
}

static struct mapping *insert_at(struct process *process, size_t at)
{
	if (process->n_mappings == process->capacity) {
		process->capacity = process->capacity ? process->capacity * 2 : 16;
		process->mappings =
			reallocate(process->mappings, process->capacity, sizeof *process->mappings);
	}
	memmove(process->mappings + at + 1, process->mappings + at,
		(process->n_mappings - at) * sizeof *process->mappings);
	process->n_mappings++;
	return &process->mappings[at];
}

static void remove_at(struct process *process, size_t at)
{
	process->n_mappings--;
	memmove(process->mappings + at, process->mappings + at + 1,
		(process->n_mappings - at) * sizeof *process->mappings);
}

/* Index of the first mapping that ends after `address`. */
static size_t first_ending_after(const struct process *process, uint64_t address)
{
	size_t low = 0, high = process->n_mappings;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (process->mappings[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void cut_front(struct mapping *mapping, uint64_t start)
{
	mapping->file_offset += start - mapping->start;
	mapping->start = start;
}

/* Make room for [start, end); returns true if something was there. */
static bool carve(struct process *process, uint64_t start, uint64_t end)
{
	bool was_used = false;
	size_t at = first_ending_after(process, start);
	while (at < process->n_mappings && process->mappings[at].start < end) {
		struct mapping *old = &process->mappings[at];
		was_used = true;
		if (old->start < start && old->end > end) {
			struct mapping tail = *old;
			cut_front(&tail, end);
			old->end = start;
			*insert_at(process, at + 1) = tail;
			return true;
		}
		if (old->start < start) {
			old->end = start;
			at++;
		} else if (old->end > end) {
			cut_front(old, end);
			return true;
		} else {
			remove_at(process, at);
		}
	}
	return was_used;
}

void address_space_map(struct address_space *space, pid_t pid, const struct mapped_file *file)
{
	if (file->length == 0 || file->start + file->length < file->start)
		return;
	struct process *process = address_space_process(space, pid);
	uint64_t end = file->start + file->length;
	if (carve(process, file->start, end) || process->is_shared_space) {
		process->space_id = ++space->last_space_id;
		process->is_shared_space = false;
	}
	size_t at = first_ending_after(process, file->start);
	*insert_at(process, at) = (struct mapping){
		.start = file->start,
		.end = end,
		.file_offset = file->file_offset,
		.prot = file->prot,
		.module = modules_find(space->modules, file, pid),
	};
}

void address_space_fork(struct address_space *space, pid_t parent_pid, pid_t child_pid)
{
	if (parent_pid == child_pid)
		return;
	struct process *child = address_space_process(space, child_pid);
	struct process *parent = address_space_process(space, parent_pid);
	forget_exited(space, child); /* a reused pid */
	child->has_exited = child->is_recorded = false;
	child->parent_pid = parent_pid;
	child->n_mappings = child->capacity = parent->n_mappings;
	child->mappings = reallocate(child->mappings, child->capacity, sizeof *child->mappings);
	if (parent->n_mappings)
		memcpy(child->mappings, parent->mappings,
		       parent->n_mappings * sizeof *child->mappings);
	memcpy(child->name, parent->name, sizeof child->name);
	child->space_id = parent->space_id;
	child->is_shared_space = parent->is_shared_space = true;
}

void address_space_exec(struct address_space *space, pid_t pid)
{
	struct process *process = address_space_process(space, pid);
	process->n_mappings = 0;
	process->space_id = ++space->last_space_id;
	process->is_shared_space = false;
}

void address_space_exit(struct address_space *space, pid_t pid)
{
	struct process *process = address_space_process(space, pid);
	if (process->has_exited)
		return;
	process->has_exited = true;
	struct process **place = &space->exited[space->next_exited++ % MOST_EXITED];
	struct process *oldest = *place;
	*place = process;
	if (oldest)
		forget(space, oldest);
}

static uint32_t prot_of(const char *text)
{
	return (text[0] == 'r' ? PROT_READ : 0) | (text[1] == 'w' ? PROT_WRITE : 0) |
	       (text[2] == 'x' ? PROT_EXEC : 0);
}

/* A line of /proc/PID/maps that maps code; false for all others. */
static bool read_mapping(char *line, struct mapped_file *file)
{
	uint64_t start, end;
	unsigned int major, minor;
	char prot[5];
	int path_at = 0;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &start,
		   &end, prot, &file->file_offset, &major, &minor, &file->inode, &path_at) < 7)
		return false;
	char *path = line + path_at;
	path[strcspn(path, "\n")] = '\0';
	file->start = start;
	file->length = end - start;
	file->device = (uint64_t)major << 32 | minor;
	file->prot = prot_of(prot);
	file->path = path[0] ? path : "//anon";
	file->build_id = NULL;
	return file->prot & PROT_EXEC && end > start;
}

void address_space_read_text(struct address_space *space, pid_t pid, char *text)
{
	struct mapped_file file;
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (read_mapping(line, &file))
			address_space_map(space, pid, &file);
}

bool address_space_read_proc(struct address_space *space, pid_t pid, pid_t thread)
{
	char name[64], line[4352];
	struct mapped_file file;
	snprintf(name, sizeof name, "/proc/%d/task/%d/maps", pid, thread);
	FILE *maps = fopen(name, "re");
	bool is_refused = !maps && (errno == EACCES || errno == EPERM);
	while (maps && fgets(line, sizeof line, maps))
		if (read_mapping(line, &file))
			address_space_map(space, pid, &file);
	/* The file is opened in any case; what is not permitted fails at the first line. */
	is_refused |= maps && ferror(maps) && (errno == EACCES || errno == EPERM);
	if (maps)
		fclose(maps);
	return !is_refused;
}

/* The bias needs the file's segments, so it waits until the mapping is first hit. */
static void find_bias(struct mapping *mapping)
{
	mapping->is_bias_known = true;
	struct elf_image *image = module_image(mapping->module);
	if (mapping->module->kind == MODULE_JIT) {
		mapping->bias = 0;
		return;
	}
	if (!image || !elf_image_bias(image, mapping->start, mapping->file_offset, mapping->prot,
				      &mapping->bias))
		mapping->bias = mapping->start - mapping->file_offset;
}

struct mapping *process_find(struct process *process, uint64_t address)
{
	size_t at = process->last_found;
	if (at >= process->n_mappings || address < process->mappings[at].start ||
	    address >= process->mappings[at].end)
		at = first_ending_after(process, address);
	if (at >= process->n_mappings || process->mappings[at].start > address)
		return NULL;
	process->last_found = at;
	struct mapping *mapping = &process->mappings[at];
	if (!mapping->is_bias_known)
		find_bias(mapping);
	return mapping;
}

struct module *address_space_module(const struct address_space *space, uint32_t id)
{
	return modules_by_row(space->modules, id);
}

struct module *address_space_kernel(struct address_space *space)
{
	return modules_kernel(space->modules);
}

static uint32_t kernel_frame(struct address_space *space, uint64_t address, bool is_leaf)
{
	struct frame_row row = { .address = is_leaf ? address : address - 1,
				 .module = modules_row(space->modules,
						       modules_kernel(space->modules)),
				 .flags = FRAME_KERNEL | (is_leaf ? FRAME_LEAF : 0) };
	return recording_add_frame(space->recording, &row);
}

static uint32_t user_frame(struct address_space *space, struct module *module, uint64_t vaddr,
			   bool is_leaf)
{
	struct frame_row row = { .address = vaddr,
				 .module = modules_row(space->modules, module),
				 .flags = is_leaf ? FRAME_LEAF : 0 };
	return recording_add_frame(space->recording, &row);
}

static uint32_t not_mapped(struct address_space *space)
{
	if (!space->frame_not_mapped)
		space->frame_not_mapped =
			recording_add_special_frame(space->recording, "[unknown: not mapped]", 0);
	return space->frame_not_mapped;
}

uint32_t address_space_frame(struct address_space *space, struct process *process, uint64_t address,
			     bool is_leaf, bool is_kernel)
{
	struct module *module = NULL;
	uint64_t vaddr = is_leaf ? address : address - 1;
	if (!is_kernel) {
		const struct mapping *mapping = process_find(process, vaddr);
		if (!mapping)
			return not_mapped(space);
		module = mapping->module;
		vaddr -= mapping->bias;
	}
	uint64_t key = vaddr << 1 | is_leaf;
	uint64_t hash =
		(key ^ (uintptr_t)module << 24) * 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */
	struct cached_frame *cached = &space->cache[hash >> 50];
	if (cached->frame && cached->key == key && cached->module == module)
		return cached->frame;
	uint32_t frame = is_kernel ? kernel_frame(space, address, is_leaf)
				   : user_frame(space, module, vaddr, is_leaf);
	*cached = (struct cached_frame){ module, key, frame };
	return frame;
}
