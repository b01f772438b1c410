/*
 * keymap: keys that people gave other meanings. What a key does is an action; its name follows
 * from the binding tables: the beginning of its help, "zoom-into-the-selected-box".
 */
#ifndef TUI_KEYMAP_H
#define TUI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "sampler/base/why.h"
#include "tui/view.h"

enum { KEYMAP_MOST_ROWS = 128, ACTION_BYTES = 48 };

struct keymap_row {
	int key;
	const struct view *view;   /* NULL = in every view */
	char action[ACTION_BYTES]; /* "" = nothing: unmapped */
};

struct keymap {
	struct keymap_row rows[KEYMAP_MOST_ROWS]; /* later ones win */
	int n;
};

/* keymap_find: the row for a key in a view; NULL = as in the tables. */
const struct keymap_row *keymap_find(const struct keymap *keymap, const struct view *view, int key);

/* keymap_action: the name of what a help text says: up to a comma, colon or bracket, lower case,
 * with dashes. */
const char *keymap_action(const char *help, char out[ACTION_BYTES]);

/*
 * keymap_map: "KEY ACTION" or "KEY VIEW.ACTION"; keymap_unmap: "KEY" or "KEY VIEW". The start
 * screen counts as a view, `start`. Errors  false and a sentence: no such key, action or view, too
 * many
 */
bool keymap_map(struct keymap *keymap, const char *words, struct why *why);
bool keymap_unmap(struct keymap *keymap, const char *words, struct why *why);

/* keymap_binding: the binding that does an action; NULL = none in this table. */
const struct binding *keymap_binding(const struct binding *bindings, const char *action);

/* keymap_usual: the binding whose own key this is; NULL = none in this table. */
const struct binding *keymap_usual(const struct binding *bindings, int key);

/* keymap_shown: the key to show for a binding: the one mapped to it, else its own; "" if that was
 * taken away. */
const char *keymap_shown(const struct keymap *keymap, const struct view *view,
			 const struct binding *binding, char *out, size_t bytes);

/* keymap_offer_actions: every action by its name, for `offer`. view NULL = the frame's own. */
void keymap_offer_actions(void (*offer)(void *into, const struct view *view,
					const struct binding *binding, const char *action),
			  void *into);

/* The keys that work in every view (face_keys.c). */
extern const struct binding face_bindings[];

#endif
