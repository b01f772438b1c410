/*
 * A frame is told from others by what it stands for: its location. Locations are numbered as they
 * come, and the number is the frame's address.
 */
#include "sampler/import_frames.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/table.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/demangle.h"
#include "sampler/interner.h"
#include "sampler/recording.h"

enum {
	MOST_NAME_BYTES = 1024, /* longer names are cut: nobody reads them */
	MOST_PATH_BYTES = 4096,
};

struct import_frames {
	struct recording *recording;
	struct table places; /* rows: struct place */
	struct interner interner;
};

/* A location and what else tells frames apart. */
struct place {
	struct location_row location;
	uint32_t module, flags;
};

struct import_frames *import_frames_new(struct recording *recording)
{
	struct import_frames *frames = allocate(1, sizeof *frames);
	frames->recording = recording;
	table_open(&frames->places, sizeof(struct place));
	table_append(&frames->places, NULL, 1);
	return frames;
}

void import_frames_free(struct import_frames *frames)
{
	if (!frames)
		return;
	table_close(&frames->places);
	interner_free(&frames->interner);
	free(frames);
}

static uint32_t kind_of(const char *path)
{
	if (strncmp(path, "[kernel", 7) == 0 || strncmp(path, "[guest.kernel", 13) == 0)
		return MODULE_KERNEL;
	if (strcmp(path, "[vdso]") == 0)
		return MODULE_VDSO;
	return path[0] == '/' && path[1] != '/' ? MODULE_FILE : MODULE_ANONYMOUS;
}

uint32_t import_module(struct import_frames *frames, const char *path, const char *build_id,
		       const char *fallback)
{
	char clean[MOST_PATH_BYTES], id[128] = "";
	if (!path || !path[0])
		path = fallback;
	if (build_id)
		text_clean(id, sizeof id, build_id);
	struct module_row row = {
		.path = recording_add_string(frames->recording,
					     text_clean(clean, sizeof clean, path)),
		.build_id = recording_add_string(frames->recording, id),
		.kind = kind_of(path),
	};
	return recording_add_module(frames->recording, &row);
}

static uint32_t add_function(struct import_frames *frames, const struct import_place *place,
			     uint32_t module, uint32_t flags)
{
	char clean[MOST_NAME_BYTES], linkage[MOST_NAME_BYTES];
	const char *name = place->name && place->name[0] ? place->name : place->linkage_name;
	if (!name || !name[0])
		name = "[unknown: no name]";
	bool has_linkage = place->linkage_name && place->linkage_name[0];
	demangle(clean, sizeof clean, name);
	text_clean(linkage, sizeof linkage, has_linkage ? place->linkage_name : name);
	struct function_row row = {
		.name = recording_add_string(frames->recording, clean),
		.linkage_name = recording_add_string(frames->recording, linkage),
		.module = module,
		.flags = (flags & FRAME_KERNEL ? FUNCTION_KERNEL : 0) |
			 (clean[0] == '[' ? FUNCTION_SPECIAL : 0),
	};
	return recording_add_function(frames->recording, &row);
}

static uint32_t add_file(struct import_frames *frames, const char *file)
{
	char clean[MOST_PATH_BYTES];
	return file ? recording_add_string(frames->recording, text_clean(clean, sizeof clean, file))
		    : 0;
}

/* Outermost first, since each row names the one around it. */
static struct location_row location_of(struct import_frames *frames,
				       const struct import_place *places, size_t n, uint32_t module,
				       uint32_t flags)
{
	uint32_t around = 0;
	for (size_t i = n; i-- > 1;) {
		struct inline_row row = {
			.function = add_function(frames, &places[i], module, flags),
			.file = add_file(frames, places[i].file),
			.line = places[i].line,
			.inlined_into = around,
		};
		around = recording_add_inline(frames->recording, &row);
	}
	return (struct location_row){
		.function = add_function(frames, &places[0], module, flags),
		.file = add_file(frames, places[0].file),
		.line = places[0].line,
		.inlined_into = around,
	};
}

static uint32_t add_named(struct import_frames *frames, const struct place *place)
{
	struct frame_row row = {
		.address = interner_row(&frames->interner, &frames->places, place),
		.module = place->module,
		.flags = place->flags | FRAME_NAMED,
	};
	uint32_t frame = recording_add_frame(frames->recording, &row);
	if (frame == frames->recording->tables[TABLE_LOCATIONS].n_rows)
		recording_add_location(frames->recording, &place->location);
	return frame;
}

uint32_t import_frame(struct import_frames *frames, const struct import_place *places, size_t n,
		      uint32_t module, uint32_t flags)
{
	struct place place = {
		.location = location_of(frames, places, n, module, flags),
		.module = module,
		.flags = flags,
	};
	return add_named(frames, &place);
}

uint32_t import_frame_at(struct import_frames *frames, const struct import_place *places, size_t n,
			 uint32_t module, uint32_t flags, uint64_t address)
{
	struct place place = {
		.location = location_of(frames, places, n, module, flags),
		.module = module,
		.flags = flags,
	};
	struct frame_row row = { .address = address, .module = module, .flags = flags };
	struct recording *recording = frames->recording;
	uint32_t frame = recording_add_frame(recording, &row);
	if (frame == recording->tables[TABLE_LOCATIONS].n_rows) {
		recording_add_location(recording, &place.location);
		return frame;
	}
	bool is_same = memcmp(recording_location(recording, frame), &place.location,
			      sizeof place.location) == 0;
	return is_same ? frame : add_named(frames, &place);
}

uint32_t import_stack(struct import_frames *frames, const uint32_t *ids, size_t n)
{
	uint32_t stack = 0;
	while (n-- > 0)
		stack = recording_add_stack(frames->recording, stack, ids[n]);
	return stack;
}
