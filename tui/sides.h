/*
 * sides: what is compared with what: two windows of the recording, or it and another recording.
 */
#ifndef TUI_SIDES_H
#define TUI_SIDES_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/compare.h"
#include "tui/view.h"

enum { SIDE_NAME_BYTES = 200 };

/* A part of the time, 0 = open, of this recording or of another. */
struct side {
	uint64_t from_ns, to_ns;
	bool is_other;
	char name[SIDE_NAME_BYTES];
};

/*
 * sides_choose: B is the window, A the other recording, or what was kept, or the time before B.
 * Without a window and another recording both are halves.
 */
void sides_choose(struct side sides[N_COMPARED], const struct view_context *context);

/*
 * sides_of_picture: the same where B is what every view shows, never a half.
 * Returns  false if there is nothing to compare it with
 */
bool sides_of_picture(struct side sides[N_COMPARED], const struct view_context *context);

#endif
