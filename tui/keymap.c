/* Names of actions are made from the tables, so every binding of every view can be remapped. */
#include "tui/keymap.h"

#include <stdio.h>
#include <string.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "tui/key_names.h"
#include "tui/list_bindings.h"
#include "tui/start_list.h"

const struct keymap_row *keymap_find(const struct keymap *keymap, const struct view *view, int key)
{
	for (int i = keymap->n; i-- > 0;)
		if (keymap->rows[i].key == key &&
		    (!keymap->rows[i].view || keymap->rows[i].view == view))
			return &keymap->rows[i];
	return NULL;
}

static char letter_of(char byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return (char)(byte - 'A' + 'a');
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ? byte : '-';
}

const char *keymap_action(const char *help, char out[ACTION_BYTES])
{
	size_t n = 0, length = strcspn(help, ",:;(");
	for (size_t i = 0; i < length && n + 1 < ACTION_BYTES; i++) {
		char letter = letter_of(help[i]);
		if (letter != '-' || (n > 0 && out[n - 1] != '-'))
			out[n++] = letter;
	}
	n -= n > 0 && out[n - 1] == '-';
	out[n] = '\0';
	return out;
}

const struct binding *keymap_binding(const struct binding *bindings, const char *action)
{
	char name[ACTION_BYTES];
	for (const struct binding *at = bindings; at->name; at++)
		if (strcmp(keymap_action(at->help, name), action) == 0)
			return at;
	return NULL;
}

const struct binding *keymap_usual(const struct binding *bindings, int key)
{
	for (const struct binding *at = bindings; at->name; at++)
		if (at->key == key || (at->other_key != 0 && at->other_key == key))
			return at;
	return NULL;
}

static void offer_table(const struct view *view, const struct binding *bindings,
			void (*offer)(void *, const struct view *, const struct binding *,
				      const char *),
			void *into)
{
	char action[ACTION_BYTES];
	for (const struct binding *at = bindings; at->name; at++)
		offer(into, view, at, keymap_action(at->help, action));
}

void keymap_offer_actions(void (*offer)(void *into, const struct view *view,
					const struct binding *binding, const char *action),
			  void *into)
{
	offer_table(NULL, face_bindings, offer, into);
	offer_table(&start_as_view, start_bindings, offer, into);
	offer_table(&start_as_view, list_bindings, offer, into);
	for (const struct view *const *view = views; *view; view++) {
		offer_table(*view, (*view)->bindings, offer, into);
		if ((*view)->list)
			offer_table(*view, list_bindings, offer, into);
	}
}

/* ---- reading */

struct wanted {
	const struct view *view; /* NULL = any */
	const char *action;
	bool is_found;
	struct nearest nearest;
	char names[2][ACTION_BYTES]; /* a candidate is borrowed while it is the best */
};

static void look(void *into, const struct view *view, const struct binding *binding,
		 const char *action)
{
	struct wanted *wanted = into;
	(void)binding;
	if (wanted->view && view && wanted->view != view)
		return;
	wanted->is_found |= strcmp(action, wanted->action) == 0;
	int spare = wanted->nearest.best == wanted->names[0];
	memcpy(wanted->names[spare], action, strlen(action) + 1);
	nearest_offer(&wanted->nearest, wanted->names[spare]);
}

static bool check_action(const struct view *view, const char *action, struct why *why)
{
	struct wanted wanted = { .view = view, .action = action };
	char question[96], clean[64];
	nearest_start(&wanted.nearest, action);
	keymap_offer_actions(look, &wanted);
	return wanted.is_found ||
	       why_fail(why, "no key does %s%s", text_clean(clean, sizeof clean, action),
			wanted.nearest.best
				? nearest_question(&wanted.nearest, "", question, sizeof question)
				: "; `stoke help keys` lists what keys do.");
}

static bool check_view(const char *name, const struct view **view, struct why *why)
{
	char clean[64];
	*view = strcmp(name, start_as_view.name) == 0 ? &start_as_view : view_find(name);
	return *view || why_fail(why, "there is no view %s; see `stoke list views`.",
				 text_clean(clean, sizeof clean, name));
}

/* Splits "KEY REST" and reads the key. */
static bool take_key(const char *words, struct keymap_row *row, const char **rest, struct why *why)
{
	char name[32], clean[64];
	size_t n = strcspn(words, " \t");
	snprintf(name, sizeof name, "%.*s", (int)n, words);
	row->key = n < sizeof name ? key_parse(name) : KEY_NONE_PRESSED;
	*rest = words + n + strspn(words + n, " \t");
	return row->key != KEY_NONE_PRESSED ||
	       why_fail(why,
			"there is no key %s; keys are written x, Ctrl-X, F5, Enter, Space, PgUp.",
			text_clean(clean, sizeof clean, name));
}

static bool add(struct keymap *keymap, const struct keymap_row *row, struct why *why)
{
	if (keymap->n == KEYMAP_MOST_ROWS)
		return why_fail(why, "more than %d keys are mapped already.", KEYMAP_MOST_ROWS);
	keymap->rows[keymap->n++] = *row;
	return true;
}

bool keymap_map(struct keymap *keymap, const char *words, struct why *why)
{
	struct keymap_row row = { 0 };
	const char *action;
	char view[32];
	if (!take_key(words, &row, &action, why))
		return false;
	const char *point = strchr(action, '.');
	if (point) {
		snprintf(view, sizeof view, "%.*s", (int)(point - action), action);
		if (!check_view(view, &row.view, why))
			return false;
		action = point + 1;
	}
	if (!*action)
		return why_fail(why, "map needs a key and what it does: map KEY ACTION.");
	if (!check_action(row.view, action, why))
		return false;
	snprintf(row.action, sizeof row.action, "%s", action);
	return add(keymap, &row, why);
}

bool keymap_unmap(struct keymap *keymap, const char *words, struct why *why)
{
	struct keymap_row row = { 0 };
	const char *view;
	if (!take_key(words, &row, &view, why) || (*view && !check_view(view, &row.view, why)))
		return false;
	return add(keymap, &row, why);
}

const char *keymap_shown(const struct keymap *keymap, const struct view *view,
			 const struct binding *binding, char *out, size_t bytes)
{
	char action[ACTION_BYTES];
	keymap_action(binding->help, action);
	for (int i = keymap->n; i-- > 0;) {
		const struct keymap_row *row = &keymap->rows[i];
		if ((!row->view || row->view == view) && strcmp(row->action, action) == 0 &&
		    keymap_find(keymap, view, row->key) == row)
			return key_print(row->key, out, bytes);
	}
	const struct keymap_row *taken = keymap_find(keymap, view, binding->key);
	const struct keymap_row *other =
		binding->other_key ? keymap_find(keymap, view, binding->other_key) : taken;
	snprintf(out, bytes, "%s", taken && other ? "" : binding->name);
	return out;
}
