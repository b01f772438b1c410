/*
 * export_paths: every stack of a recording as a path of functions, inline frames spread out;
 * equal paths are one. What exporters with a table of stacks write.
 *
 * Ids are small integers, a parent's below its children's; path 0 is the empty stack.
 */
#ifndef SAMPLER_EXPORT_PATHS_H
#define SAMPLER_EXPORT_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recording;

enum { EXPORT_MOST_INLINED = 64 }; /* as in tree: deeper than compilers go */

/* One function at a frame: what runs, and the line it is at. */
struct export_frame {
	uint32_t function;   /* TABLE_FUNCTIONS; 0 = not known */
	uint32_t file, line; /* strings; 0 = not known */
};

/*
 * export_frames: the functions at a frame, innermost (inlined) first, the real one last.
 * out      EXPORT_MOST_INLINED entries
 * Returns  how many, at least 1
 */
size_t export_frames(const struct recording *recording, uint32_t frame, struct export_frame *out);

struct export_path {
	uint32_t parent;
	uint32_t function; /* of equal names and modules the first; 0 = not known */
	uint32_t frame;    /* one frame (TABLE_FRAMES) that is at this place */
	bool is_inlined;   /* into its parent */
};

struct export_paths {
	struct export_path *paths;
	uint32_t n_paths;
	uint32_t *of_stack; /* stack id -> path */
	uint32_t *files;    /* function id -> strings: the first source file seen; 0 = none */
	uint32_t n_functions;
};

/*
 * export_paths_open: all of a recording's stacks, in one pass.
 * Cost  16 bytes a path, 4 a stack; 0.1 s for 1 M stacks
 */
struct export_paths *export_paths_open(const struct recording *recording, bool no_inline);
void export_paths_close(struct export_paths *paths);

#endif
