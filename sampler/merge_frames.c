/* A frame is found again by all that it stands for, not by its address alone. */
#include "sampler/merge_frames.h"

#include <stdbool.h>
#include <stdlib.h>

#include "sampler/base/table.h"
#include "sampler/base/why.h"
#include "sampler/interner.h"
#include "sampler/recording.h"

/* Of a frame known by name only the address is 0 here: it says nothing. */
struct meaning {
	struct location_row location;
	uint64_t address;
	uint32_t module, flags;
};

struct merge_frames {
	struct recording *out;
	struct table meanings;
	struct interner interner;
	uint32_t *frame_of; /* meaning -> frame of out */
	size_t capacity;
	/* of the recording being taken in */
	const struct recording *from;
	struct moment moment;
	uint32_t *modules, *functions, *inlines, *frames, *stacks;
};

struct merge_frames *merge_frames_new(struct recording *out)
{
	struct merge_frames *frames = allocate(1, sizeof *frames);
	frames->out = out;
	table_open(&frames->meanings, sizeof(struct meaning));
	table_append(&frames->meanings, NULL, 1);
	return frames;
}

static void free_maps(struct merge_frames *frames)
{
	free(frames->modules);
	free(frames->functions);
	free(frames->inlines);
	free(frames->frames);
	free(frames->stacks);
}

void merge_frames_free(struct merge_frames *frames)
{
	if (!frames)
		return;
	free_maps(frames);
	free(frames->frame_of);
	table_close(&frames->meanings);
	interner_free(&frames->interner);
	free(frames);
}

static uint32_t map_string(const struct merge_frames *frames, uint32_t id)
{
	return recording_add_string(frames->out, recording_string_at(frames->from, id));
}

static void map_functions(struct merge_frames *frames)
{
	for (uint64_t id = 1; id < frames->moment.n[TABLE_FUNCTIONS]; id++) {
		struct function_row row = *recording_function(frames->from, id);
		row.name = map_string(frames, row.name);
		row.linkage_name = map_string(frames, row.linkage_name);
		row.module = frames->modules[row.module];
		frames->functions[id] = recording_add_function(frames->out, &row);
	}
	for (uint64_t id = 1; id < frames->moment.n[TABLE_INLINES]; id++) {
		struct inline_row row = *recording_inline(frames->from, id);
		row.function = frames->functions[row.function];
		row.file = map_string(frames, row.file);
		row.inlined_into = frames->inlines[row.inlined_into];
		frames->inlines[id] = recording_add_inline(frames->out, &row);
	}
}

static uint64_t map_address(const struct merge_frames *frames, const struct frame_row *row)
{
	bool is_name =
		row->module == 0 || recording_module(frames->from, row->module)->kind == MODULE_GPU;
	return is_name && row->address < frames->moment.n[TABLE_STRINGS]
		       ? map_string(frames, (uint32_t)row->address)
		       : row->address;
}

static struct meaning meaning_of(const struct merge_frames *frames, uint64_t id)
{
	const struct frame_row *row = recording_frame(frames->from, id);
	struct meaning meaning = { .address =
					   row->flags & FRAME_NAMED ? 0 : map_address(frames, row),
				   .module = frames->modules[row->module],
				   .flags = row->flags };
	if (id >= frames->moment.n[TABLE_LOCATIONS]) /* nobody has looked it up */
		return meaning;
	meaning.location = *recording_location(frames->from, id);
	meaning.location.function = frames->functions[meaning.location.function];
	meaning.location.file = map_string(frames, meaning.location.file);
	meaning.location.inlined_into = frames->inlines[meaning.location.inlined_into];
	return meaning;
}

static uint32_t add_frame(struct merge_frames *frames, const struct meaning *meaning, uint32_t id)
{
	struct recording *out = frames->out;
	struct frame_row row = { .address = meaning->flags & FRAME_NAMED ? id : meaning->address,
				 .module = meaning->module,
				 .flags = meaning->flags };
	uint32_t frame = recording_add_frame(out, &row);
	if (frame != out->tables[TABLE_LOCATIONS].n_rows) {
		/* An earlier recording means something else by it. */
		row.flags |= FRAME_NAMED;
		row.address = id;
		frame = recording_add_frame(out, &row);
	}
	if (frame == out->tables[TABLE_LOCATIONS].n_rows)
		recording_add_location(out, &meaning->location);
	return frame;
}

static uint32_t map_frame(struct merge_frames *frames, uint64_t id)
{
	struct meaning meaning = meaning_of(frames, id);
	uint64_t n_before = frames->meanings.n_rows;
	uint32_t found = interner_row(&frames->interner, &frames->meanings, &meaning);
	if (found < n_before)
		return frames->frame_of[found];
	if (found >= frames->capacity) {
		frames->capacity = (size_t)found * 2 + 1024;
		frames->frame_of =
			reallocate(frames->frame_of, frames->capacity, sizeof *frames->frame_of);
	}
	return frames->frame_of[found] = add_frame(frames, &meaning, found);
}

void merge_frames_take(struct merge_frames *frames, const struct recording *from,
		       uint32_t (*map_pid)(void *opaque, uint32_t pid), void *opaque)
{
	free_maps(frames);
	frames->from = from;
	frames->moment = recording_moment(from);
	const uint64_t *n = frames->moment.n;
	frames->modules = allocate(n[TABLE_MODULES], sizeof(uint32_t));
	frames->functions = allocate(n[TABLE_FUNCTIONS], sizeof(uint32_t));
	frames->inlines = allocate(n[TABLE_INLINES], sizeof(uint32_t));
	frames->frames = allocate(n[TABLE_FRAMES], sizeof(uint32_t));
	frames->stacks = allocate(n[TABLE_STACKS], sizeof(uint32_t));
	for (uint64_t id = 1; id < n[TABLE_MODULES]; id++) {
		struct module_row row = *recording_module(from, id);
		row.path = map_string(frames, row.path);
		row.build_id = map_string(frames, row.build_id);
		row.pid = map_pid(opaque, row.pid);
		frames->modules[id] = recording_add_module(frames->out, &row);
	}
	map_functions(frames);
	for (uint64_t id = 1; id < n[TABLE_FRAMES]; id++)
		frames->frames[id] = map_frame(frames, id);
	for (uint64_t id = 1; id < n[TABLE_STACKS]; id++) {
		const struct stack_row *row = recording_stack(from, id);
		frames->stacks[id] = recording_add_stack(frames->out, frames->stacks[row->parent],
							 frames->frames[row->frame]);
	}
}

uint32_t merge_frames_stack(const struct merge_frames *frames, uint32_t stack)
{
	return frames->stacks[stack];
}
