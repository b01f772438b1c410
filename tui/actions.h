/*
 * actions: what keys do alike in several views.
 */
#ifndef TUI_ACTIONS_H
#define TUI_ACTIONS_H

#include <stdint.h>

#include "tui/view.h"

/* action_search: for a binding: ask for a regular expression. The state is not looked at. */
unsigned action_search(void *state, const struct view_context *context, const struct input *input);

/* action_go: make `function` the one that views show, and go there (REACTION_TO_*); 0 = none is
 * chosen: nothing but REACTION_REDRAW. */
unsigned action_go(const struct view_context *context, uint32_t function, unsigned where);

#endif
