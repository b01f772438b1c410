/*
 * editor: the user's editor on a line of a file.
 */
#ifndef TUI_EDITOR_H
#define TUI_EDITOR_H

#include "sampler/base/why.h"

/*
 * editor_open: $VISUAL, else $EDITOR, else vi, as `EDITOR +LINE FILE`; waits for its end. The
 * terminal must be given back before.
 * Errors  false and a sentence: the file is not here, the editor cannot be run
 */
bool editor_open(const char *path, unsigned line, struct why *why);

#endif
