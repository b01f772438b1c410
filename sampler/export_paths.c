/* A stack's caller has a lower id, so one forward loop finds every path from its parent's. */
#include "sampler/export_paths.h"

#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/hash_map.h"
#include "sampler/recording.h"

struct build {
	const struct recording *recording;
	struct export_paths *out;
	uint32_t capacity;
	uint32_t *first_of;        /* function id -> first of equal name and module */
	struct hash_map functions; /* name, module -> that */
	struct hash_map children;  /* parent, function, inlined -> path */
	struct moment moment;
};

size_t export_frames(const struct recording *recording, uint32_t frame, struct export_frame *out)
{
	struct moment moment = recording_moment(recording);
	size_t n = 0;
	if (frame >= moment.n[TABLE_LOCATIONS]) { /* nobody has looked it up yet */
		out[0] = (struct export_frame){ 0 };
		return 1;
	}
	const struct location_row *location = recording_location(recording, frame);
	out[n++] = (struct export_frame){ location->function, location->file, location->line };
	for (uint32_t at = location->inlined_into; at && n < EXPORT_MOST_INLINED;) {
		const struct inline_row *row = recording_inline(recording, at);
		out[n++] = (struct export_frame){ row->function, row->file, row->line };
		at = row->inlined_into;
	}
	return n;
}

static uint32_t first_of_name(struct build *build, uint32_t function)
{
	if (build->first_of[function] || function == 0)
		return build->first_of[function];
	const struct function_row *row = recording_function(build->recording, function);
	uint64_t key = ((uint64_t)row->name << 32 | row->module) + 1;
	uint32_t *first = hash_map_at(&build->functions, key);
	if (!*first)
		*first = function;
	build->first_of[function] = *first;
	return *first;
}

static uint32_t add_path(struct build *build, const struct export_path *path)
{
	struct export_paths *out = build->out;
	if (out->n_paths == build->capacity) {
		build->capacity = build->capacity ? build->capacity * 2 : 1024;
		out->paths = reallocate(out->paths, build->capacity, sizeof *out->paths);
	}
	out->paths[out->n_paths] = *path;
	return out->n_paths++;
}

static uint32_t child(struct build *build, const struct export_path *path)
{
	uint64_t key = (((uint64_t)path->parent << 32) | path->function) * 2 + path->is_inlined + 1;
	uint32_t *known = hash_map_at(&build->children, key);
	if (!*known)
		*known = add_path(build, path);
	return *known;
}

static uint32_t add_frame(struct build *build, uint32_t parent, uint32_t frame, bool no_inline)
{
	struct export_frame frames[EXPORT_MOST_INLINED];
	size_t n = export_frames(build->recording, frame, frames);
	for (size_t i = n; i-- > 0;) {
		uint32_t function = first_of_name(build, frames[i].function);
		if (!build->out->files[function])
			build->out->files[function] = frames[i].file;
		parent = child(build, &(struct export_path){ parent, function, frame, i + 1 < n });
		if (no_inline)
			break;
	}
	return parent;
}

struct export_paths *export_paths_open(const struct recording *recording, bool no_inline)
{
	struct export_paths *out = allocate(1, sizeof *out);
	struct build build = { .recording = recording, .out = out };
	build.moment = recording_moment(recording);
	uint64_t n_stacks = build.moment.n[TABLE_STACKS];
	out->n_functions = (uint32_t)build.moment.n[TABLE_FUNCTIONS];
	build.first_of = allocate(out->n_functions, sizeof *build.first_of);
	out->files = allocate(out->n_functions, sizeof *out->files);
	out->of_stack = allocate(n_stacks, sizeof *out->of_stack);
	add_path(&build, &(struct export_path){ 0 });
	for (uint64_t id = 1; id < n_stacks; id++) {
		const struct stack_row *row = recording_stack(recording, id);
		out->of_stack[id] =
			add_frame(&build, out->of_stack[row->parent], row->frame, no_inline);
	}
	free(build.first_of);
	hash_map_free(&build.functions);
	hash_map_free(&build.children);
	return out;
}

void export_paths_close(struct export_paths *paths)
{
	if (!paths)
		return;
	free(paths->paths);
	free(paths->of_stack);
	free(paths->files);
	free(paths);
}
