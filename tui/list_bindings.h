/*
 * list_bindings: the keys of every view that shows a list (view.list). The view's own come first;
 * these act on the list. The first opens the chooser of columns; what has none uses those behind
 * it.
 */
#ifndef TUI_LIST_BINDINGS_H
#define TUI_LIST_BINDINGS_H

#include "tui/view.h"

extern const struct binding list_bindings[];

#endif
