/*
 * annotate_jumps: jumps inside the function whose code is shown: which way each goes, an arrow
 * from the one under the cursor to its target, and the way along it and back.
 */
#ifndef TUI_ANNOTATE_JUMPS_H
#define TUI_ANNOTATE_JUMPS_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"

struct annotate_code;

enum { JUMP_COLUMNS = 4, JUMP_MOST_STEPS = 64 };

/* Places in annotate_code.rows that were left by following jumps. */
struct jump_steps {
	size_t places[JUMP_MOST_STEPS];
	int n;
};

/* jump_target: the place that the jump at a place goes to; false: it is no jump, or one that leaves
 * the function, or goes where no instruction begins. */
bool jump_target(const struct annotate_code *annotate, size_t place, size_t *target);

/*
 * jump_draw: the gutter of one row, JUMP_COLUMNS wide: the arrow of the selected jump where it
 * passes, and the direction of other jumps.
 */
void jump_draw(const struct annotate_code *annotate, size_t place, const struct canvas *canvas,
	       int x, int y);

/* jump_follow: select the target of the selected jump; jump_return: where the last one was followed
 * from. False: there is none. */
bool jump_follow(struct annotate_code *annotate);
bool jump_return(struct annotate_code *annotate);

#endif
