/*
 * fixture_frames: frames by their functions' names, for fixtures that write a recording and for
 * tests that look into one.
 */
#ifndef TESTS_FIXTURE_FRAMES_H
#define TESTS_FIXTURE_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

struct recording;

/* What a frame is called. file: NULL = none, and no line. */
struct fixture_frame {
	const char *name, *module, *file;
	uint32_t line;
};

/* fixture_stack: a new frame, 16 bytes behind the last one, below a stack (0 = none). */
uint32_t fixture_stack(struct recording *recording, uint32_t parent,
		       const struct fixture_frame *frame);

/* fixture_function: by its name; what is not there fails the test. */
uint32_t fixture_function(const struct recording *recording, const char *name);

bool fixture_has_function(const struct recording *recording, const char *name);

#endif
