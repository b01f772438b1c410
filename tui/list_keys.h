/*
 * list_keys: the keys that move in a list, the same in every view: a view binds them all to one
 * function, which asks here how far.
 */
#ifndef TUI_LIST_KEYS_H
#define TUI_LIST_KEYS_H

#include <stddef.h>

/*
 * list_step: rows that a key moves, upwards negative.
 *
 * page     rows of PgUp and PgDn (b, f, Ctrl-B, Ctrl-F); Ctrl-U and Ctrl-D move half of it
 * Returns  1 for an arrow, j, k and the wheel; LIST_EVERYTHING for g, G, Home and End; 0 for keys
 *          that do not move
 */
enum { LIST_EVERYTHING = 1 << 30 }; /* more than any list has */
long list_step(int key, long page);

/* list_move: the place `step` rows from `at` in a list of n, kept inside; 0 in an empty one. */
size_t list_move(size_t at, long step, size_t n);

#endif
