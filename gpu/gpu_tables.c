/* Pieces arrive in order from one sender; one that does not continue its text starts it anew. */
#include "gpu/gpu_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/demangle.h"
#include "sampler/elf_image.h"
#include "sampler/hash_map.h"
#include "sampler/recording.h"

enum {
	N_LAUNCHES = 1 << 18,  /* 26 s of 10,000 a second; 12 MiB once used */
	MOST_PARTS = 1 << 16,  /* names and modules of all processes */
	MOST_STACKS = 1 << 20, /* distinct launch stacks */
	MOST_RANGES = 1 << 18, /* distinct names within others */
	MOST_DEPTH = 64,       /* of ranges, as libstoke-cupti.so keeps them */
	MOST_MODULES = 1024,   /* of a process, numbered from 1, the same */
};

/* A text on its way, or whole. */
struct part {
	char *text; /* NULL once it is whole */
	uint32_t filled_bytes, total_bytes;
	uint32_t value; /* strings id of a name, or row of a module; 0 = not whole */
};

struct stack_part {
	uint64_t *frames; /* NULL once it is whole */
	uint32_t n_filled, n_total;
	uint32_t stack;
};

/* A name within another. */
struct range {
	uint64_t outer, name, domain;
};

struct gpu_tables {
	struct recording *recording;
	struct hash_map names, modules, stacks, ranges; /* to index + 1 */
	struct range *range_rows;
	uint64_t n_working_calls, n_marked_calls;
	uint32_t n_ranges, ranges_capacity;
	struct part *parts;
	struct stack_part *stack_parts;
	uint32_t n_parts, parts_capacity, n_stacks, stacks_capacity;
	struct gpu_call *launches;
	uint32_t module; /* of what runs on GPUs; 0 = not yet made */
};

struct gpu_tables *gpu_tables_new(struct recording *recording)
{
	struct gpu_tables *tables = allocate(1, sizeof *tables);
	tables->recording = recording;
	tables->launches = allocate(N_LAUNCHES, sizeof *tables->launches);
	return tables;
}

void gpu_tables_free(struct gpu_tables *tables)
{
	if (!tables)
		return;
	for (uint32_t i = 0; i < tables->n_parts; i++)
		free(tables->parts[i].text);
	for (uint32_t i = 0; i < tables->n_stacks; i++)
		free(tables->stack_parts[i].frames);
	free(tables->parts);
	free(tables->stack_parts);
	free(tables->launches);
	free(tables->range_rows);
	hash_map_free(&tables->ranges);
	hash_map_free(&tables->names);
	hash_map_free(&tables->modules);
	hash_map_free(&tables->stacks);
	free(tables);
}

/* Ids are of one process; 0 is no key. */
static uint64_t key_of(uint32_t pid, uint64_t id)
{
	uint64_t key = (id ^ (uint64_t)pid << 32) * 0x9e3779b97f4a7c15; /* 2^64 / golden ratio */
	key ^= key >> 32;
	return key ? key : 1;
}

static struct part *part_at(struct gpu_tables *tables, struct hash_map *map, uint64_t key)
{
	uint32_t known = hash_map_get(map, key);
	if (known)
		return &tables->parts[known - 1];
	if (tables->n_parts == MOST_PARTS)
		return NULL;
	if (tables->n_parts == tables->parts_capacity) {
		tables->parts_capacity = tables->parts_capacity ? tables->parts_capacity * 2 : 64;
		tables->parts =
			reallocate(tables->parts, tables->parts_capacity, sizeof *tables->parts);
	}
	tables->parts[tables->n_parts] = (struct part){ 0 };
	*hash_map_at(map, key) = ++tables->n_parts;
	return &tables->parts[tables->n_parts - 1];
}

/* True when the text is whole; *is_good is false for a piece that makes no sense. */
static bool add_piece(struct part *part, const struct gpu_text *piece, bool *is_good)
{
	uint32_t n = piece->total - piece->offset;
	*is_good = piece->total <= GPU_MOST_TEXT_BYTES && piece->offset <= piece->total;
	if (!*is_good || part->value)
		return false;
	n = n < GPU_TEXT_BYTES ? n : GPU_TEXT_BYTES;
	if (piece->offset == 0) {
		free(part->text);
		part->text = allocate((unsigned long)piece->total + 1, 1);
		part->filled_bytes = 0;
		part->total_bytes = piece->total;
	}
	if (!part->text || piece->offset != part->filled_bytes || piece->total != part->total_bytes)
		return false; /* a piece was dropped: it comes again from the start */
	memcpy(part->text + piece->offset, piece->text, n);
	part->filled_bytes += n;
	return part->filled_bytes == part->total_bytes;
}

static void finish(struct part *part, uint32_t value)
{
	part->value = value;
	free(part->text);
	part->text = NULL;
}

bool gpu_tables_add_name(struct gpu_tables *tables, uint32_t pid, const struct gpu_text *piece)
{
	char name[GPU_MOST_TEXT_BYTES];
	bool is_good = false;
	struct part *part = part_at(tables, &tables->names, key_of(pid, piece->id));
	if (part && add_piece(part, piece, &is_good)) {
		demangle(name, sizeof name, part->text);
		finish(part, recording_add_string(tables->recording, name[0] ? name : "?"));
	}
	return part && is_good;
}

/* The row that sampling gives the same file, so that its symbols name our frames too. */
static uint32_t module_row(struct gpu_tables *tables, const char *path)
{
	char clean[GPU_MOST_TEXT_BYTES];
	struct why why;
	struct elf_image *image = path[0] == '/' ? elf_image_open(path, &why) : NULL;
	struct module_row row = {
		.path = recording_add_string(tables->recording,
					     text_clean(clean, sizeof clean, path)),
		.build_id =
			image ? recording_add_string(tables->recording, elf_image_build_id(image))
			      : 0,
		.kind = MODULE_FILE,
	};
	if (image)
		elf_image_close(image);
	return recording_add_module(tables->recording, &row);
}

bool gpu_tables_add_module(struct gpu_tables *tables, uint32_t pid, const struct gpu_text *piece)
{
	bool is_good = false;
	struct part *part = part_at(tables, &tables->modules, key_of(pid, piece->id));
	if (part && add_piece(part, piece, &is_good))
		finish(part, module_row(tables, part->text));
	return part && is_good;
}

void gpu_tables_forget_modules(struct gpu_tables *tables, uint32_t pid)
{
	for (uint64_t id = 1; id <= MOST_MODULES; id++) {
		uint32_t at = hash_map_get(&tables->modules, key_of(pid, id));
		if (at)
			finish(&tables->parts[at - 1], 0);
	}
}

static uint32_t frame_of(struct gpu_tables *tables, uint32_t pid, uint64_t packed)
{
	uint64_t module = packed >> GPU_MODULE_SHIFT;
	uint32_t at = module ? hash_map_get(&tables->modules, key_of(pid, module)) : 0;
	uint32_t row = at ? tables->parts[at - 1].value : 0;
	if (!row)
		return recording_add_special_frame(tables->recording, "[unknown: not mapped]", 0);
	struct frame_row frame = {
		/* Return addresses: the call is before them. */
		.address = (packed & ((1ull << GPU_MODULE_SHIFT) - 1)) - 1,
		.module = row,
	};
	return recording_add_frame(tables->recording, &frame);
}

static uint32_t stack_row(struct gpu_tables *tables, uint32_t pid, const struct stack_part *part)
{
	uint32_t frames[GPU_MOST_FRAMES], stacks[GPU_MOST_FRAMES];
	for (uint32_t i = 0; i < part->n_total; i++)
		frames[part->n_total - 1 - i] = frame_of(tables, pid, part->frames[i]);
	recording_add_stacks(tables->recording, 0, frames, part->n_total, stacks);
	return stacks[part->n_total - 1];
}

static struct stack_part *stack_at(struct gpu_tables *tables, uint64_t key)
{
	uint32_t known = hash_map_get(&tables->stacks, key);
	if (known)
		return &tables->stack_parts[known - 1];
	if (tables->n_stacks == MOST_STACKS)
		return NULL;
	if (tables->n_stacks == tables->stacks_capacity) {
		tables->stacks_capacity =
			tables->stacks_capacity ? tables->stacks_capacity * 2 : 64;
		tables->stack_parts = reallocate(tables->stack_parts, tables->stacks_capacity,
						 sizeof *tables->stack_parts);
	}
	tables->stack_parts[tables->n_stacks] = (struct stack_part){ 0 };
	*hash_map_at(&tables->stacks, key) = ++tables->n_stacks;
	return &tables->stack_parts[tables->n_stacks - 1];
}

bool gpu_tables_add_frames(struct gpu_tables *tables, uint32_t pid, const struct gpu_frames *piece)
{
	if (piece->total == 0 || piece->total > GPU_MOST_FRAMES || piece->first >= piece->total)
		return false;
	struct stack_part *part = stack_at(tables, key_of(pid, piece->id));
	if (!part || part->stack)
		return part != NULL;
	if (piece->first == 0) {
		free(part->frames);
		part->frames = allocate(GPU_MOST_FRAMES, sizeof part->frames[0]);
		part->n_filled = 0;
		part->n_total = piece->total;
	}
	if (!part->frames || piece->first != part->n_filled || piece->total != part->n_total)
		return true; /* as for texts */
	uint32_t n = part->n_total - part->n_filled;
	n = n < GPU_FRAMES ? n : GPU_FRAMES;
	memcpy(part->frames + part->n_filled, piece->frames, n * sizeof part->frames[0]);
	part->n_filled += n;
	if (part->n_filled < part->n_total)
		return true;
	part->stack = stack_row(tables, pid, part);
	free(part->frames);
	part->frames = NULL;
	return true;
}

bool gpu_tables_add_range(struct gpu_tables *tables, uint32_t pid, const struct gpu_range_in *in)
{
	uint32_t *at = hash_map_at(&tables->ranges, key_of(pid, in->id));
	if (*at)
		return true;
	if (tables->n_ranges == MOST_RANGES)
		return false;
	if (tables->n_ranges == tables->ranges_capacity) {
		tables->ranges_capacity =
			tables->ranges_capacity ? tables->ranges_capacity * 2 : 64;
		tables->range_rows = reallocate(tables->range_rows, tables->ranges_capacity,
						sizeof *tables->range_rows);
	}
	tables->range_rows[tables->n_ranges] = (struct range){ in->outer, in->name, in->domain };
	*at = ++tables->n_ranges;
	return true;
}

/* Numbers of one process follow each other, so neighbours do not meet. */
static uint32_t slot_of(uint32_t pid, uint32_t correlation)
{
	return (correlation + pid * 2654435769u) % N_LAUNCHES;
}

void gpu_tables_add_launch(struct gpu_tables *tables, const struct gpu_call *call)
{
	tables->launches[slot_of(call->pid, call->correlation)] = *call;
	tables->n_working_calls += call->kind != GPU_CALL_SYNC;
}

bool gpu_tables_add_external(struct gpu_tables *tables, uint32_t pid,
			     const struct gpu_external *external)
{
	struct gpu_call *call = &tables->launches[slot_of(pid, external->correlation)];
	if (pid == 0 || call->pid != pid || call->correlation != external->correlation)
		return false;
	call->external_id = external->id;
	call->external_kind = external->kind ? external->kind : 1; /* 1 = of unknown kind */
	return true;
}

void gpu_tables_mark(struct gpu_tables *tables, const struct gpu_call *call)
{
	struct gpu_call *known = &tables->launches[slot_of(call->pid, call->correlation)];
	if (!known->has_work && known->kind != GPU_CALL_SYNC)
		tables->n_marked_calls++;
	known->has_work = true;
}

uint64_t gpu_tables_n_idle_calls(const struct gpu_tables *tables)
{
	return tables->n_working_calls > tables->n_marked_calls
		       ? tables->n_working_calls - tables->n_marked_calls
		       : 0;
}

const struct gpu_call *gpu_tables_launch(const struct gpu_tables *tables, uint32_t pid,
					 uint32_t correlation)
{
	const struct gpu_call *call = &tables->launches[slot_of(pid, correlation)];
	bool is_it = call->pid == pid && call->correlation == correlation && pid != 0;
	return is_it ? call : NULL;
}

uint32_t gpu_tables_name(const struct gpu_tables *tables, uint32_t pid, uint64_t id)
{
	uint32_t at = id ? hash_map_get(&tables->names, key_of(pid, id)) : 0;
	return at ? tables->parts[at - 1].value : 0;
}

uint32_t gpu_tables_frame(struct gpu_tables *tables, uint32_t name)
{
	struct recording *recording = tables->recording;
	if (!tables->module) {
		struct module_row row = { .path = recording_add_string(recording, "[gpu]"),
					  .kind = MODULE_GPU };
		tables->module = recording_add_module(recording, &row);
	}
	struct frame_row frame = { .address = name,
				   .module = tables->module,
				   .flags = FRAME_NAMED };
	return recording_add_frame(recording, &frame);
}

/* A range is a function of a module that stands for its domain. */
static uint32_t range_frame(const struct gpu_tables *tables, uint32_t pid,
			    const struct range *range)
{
	struct recording *recording = tables->recording;
	uint32_t name = gpu_tables_name(tables, pid, range->name);
	uint32_t domain = gpu_tables_name(tables, pid, range->domain);
	char path[GPU_MOST_TEXT_BYTES + 8] = "[nvtx]";
	if (domain)
		snprintf(path, sizeof path, "[nvtx %s]", recording_string_at(recording, domain));
	struct module_row module = { .path = recording_add_string(recording, path),
				     .kind = MODULE_GPU };
	struct frame_row frame = {
		.address = name ? name : recording_add_string(recording, "[range without name]"),
		.module = recording_add_module(recording, &module),
		.flags = FRAME_NAMED,
	};
	return recording_add_frame(recording, &frame);
}

static uint32_t with_ranges(const struct gpu_tables *tables, const struct gpu_call *call,
			    uint32_t stack)
{
	const struct range *found[MOST_DEPTH];
	size_t n = 0;
	/* Ids are of the sender's choice: they may well go round in a circle. */
	for (uint64_t id = call->ranges; id && n < MOST_DEPTH; n++) {
		uint32_t at = hash_map_get(&tables->ranges, key_of(call->pid, id));
		if (!at)
			break;
		found[n] = &tables->range_rows[at - 1];
		id = found[n]->outer;
	}
	while (n-- > 0)
		stack = recording_add_stack(tables->recording, stack,
					    range_frame(tables, call->pid, found[n]));
	return stack;
}

uint32_t gpu_tables_stack(const struct gpu_tables *tables, const struct gpu_call *call)
{
	uint64_t id = call->stack;
	uint32_t at = id ? hash_map_get(&tables->stacks, key_of(call->pid, id)) : 0;
	uint32_t stack = at ? tables->stack_parts[at - 1].stack : 0;
	return stack && call->ranges ? with_ranges(tables, call, stack) : stack;
}

uint32_t gpu_tables_thread(const struct gpu_tables *tables, uint32_t pid, uint32_t tid)
{
	struct recording *recording = tables->recording;
	for (uint64_t i = recording->tables[TABLE_THREADS].n_rows; i-- > 1;) {
		const struct thread_row *row = recording_thread(recording, i);
		if (row->pid == pid && row->tid == tid)
			return (uint32_t)i;
	}
	struct thread_row row = { .pid = pid,
				  .tid = tid,
				  .name = recording_add_string(recording, "[CUDA]"),
				  .process_name = recording_add_string(recording, "[CUDA]"),
				  .start_ns = recording->start_ns };
	return recording_add_thread(recording, &row);
}
