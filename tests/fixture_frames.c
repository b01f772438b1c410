/* See fixture_frames.h. */
#include "tests/fixture_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "sampler/recording.h"

uint32_t fixture_stack(struct recording *recording, uint32_t parent,
		       const struct fixture_frame *frame)
{
	struct module_row module = { .path = recording_add_string(recording, frame->module),
				     .kind = MODULE_FILE };
	struct function_row function = {
		.name = recording_add_string(recording, frame->name),
		.linkage_name = recording_add_string(recording, frame->name),
		.module = recording_add_module(recording, &module),
	};
	struct frame_row row = { .address = recording->tables[TABLE_FRAMES].n_rows * 16,
				 .module = function.module };
	uint32_t id = recording_add_frame(recording, &row);
	struct location_row location = {
		.function = recording_add_function(recording, &function),
		.file = frame->file ? recording_add_string(recording, frame->file) : 0,
		.line = frame->file ? frame->line : 0,
	};
	recording_add_location(recording, &location);
	return recording_add_stack(recording, parent, id);
}

/* 0 = there is none */
static uint32_t find_function(const struct recording *recording, const char *name)
{
	uint64_t n = recording_moment(recording).n[TABLE_FUNCTIONS];
	for (uint32_t i = 1; i < n; i++)
		if (strcmp(recording_string_at(recording, recording_function(recording, i)->name),
			   name) == 0)
			return i;
	return 0;
}

uint32_t fixture_function(const struct recording *recording, const char *name)
{
	uint32_t function = find_function(recording, name);
	if (function == 0)
		fail_msg("there is no function %s", name);
	return function;
}

bool fixture_has_function(const struct recording *recording, const char *name)
{
	return find_function(recording, name) != 0;
}
