/*
 * import_frames: frames that another tool names, instead of addresses that we look up. Equal ones
 * are one frame.
 */
#ifndef SAMPLER_IMPORT_FRAMES_H
#define SAMPLER_IMPORT_FRAMES_H

#include <stddef.h>
#include <stdint.h>

struct import_frames;
struct recording;

/* One function of a frame, with where in it the frame is. NULL or "" = not said. */
struct import_place {
	const char *name;         /* mangled names are demangled */
	const char *linkage_name; /* as in the symbol table; "" or NULL = the name itself */
	const char *file;
	uint32_t line;
};

/* recording: borrowed; nobody else may add frames to it. */
struct import_frames *import_frames_new(struct recording *recording);
void import_frames_free(struct import_frames *frames);

/* import_module: the row of a file or a name in brackets; "" and NULL give `fallback`, which is the
 * name of what is not known better. */
uint32_t import_module(struct import_frames *frames, const char *path, const char *build_id,
		       const char *fallback);

/*
 * import_frame: the id of a frame.
 *
 * places  innermost first: functions inlined into each other; the last is the real one
 * n       at least 1
 * flags   FRAME_KERNEL or 0
 */
uint32_t import_frame(struct import_frames *frames, const struct import_place *places, size_t n,
		      uint32_t module, uint32_t flags);

/* import_frame_at: the same, of a known address in its module's own addresses. Of two frames that
 * say different things of one address the later is known by its name only. */
uint32_t import_frame_at(struct import_frames *frames, const struct import_place *places, size_t n,
			 uint32_t module, uint32_t flags, uint64_t address);

/* import_stack: the id of a stack of n frames, innermost first. */
uint32_t import_stack(struct import_frames *frames, const uint32_t *ids, size_t n);

#endif
