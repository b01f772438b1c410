/*
 * What the colours mean, in one row: parts stand whole or not at all. Of modules those that fill
 * most of the screen come first, and how many are left out is said. See flame_state.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/flame_state.h"
#include "tui/imported.h"

enum {
	MOST_NAME_COLUMNS = 30, /* longer module names keep their ends */
	MORE_COLUMNS = 10,      /* " +25 more " */
};

/* Modules take these in turn; their letters tell apart those that share one. */
static const enum meaning palette[] = { MEANING_USER, MEANING_KERNEL, MEANING_JIT,
					MEANING_INLINED };

enum meaning flame_meaning_of(char letter)
{
	return palette[(letter - 'a') % (int)(sizeof palette / sizeof palette[0])];
}

/* Whole, with a blank behind, or not at all: then it takes no columns. */
static int put_whole(const struct canvas *canvas, int x, int y, enum meaning meaning,
		     const char *text)
{
	if (x + text_width(text) > canvas->width)
		return 0;
	return canvas_text(canvas, x, y, canvas->width - x, meaning, text) + 1;
}

static void draw_kinds(const struct canvas *canvas, int y)
{
	static const struct {
		enum meaning meaning;
		const char *text;
	} entries[] = { { MEANING_USER, " user " },
			{ MEANING_INLINED, " inlined " },
			{ MEANING_KERNEL, " kernel " },
			{ MEANING_JIT, " jit " },
			{ MEANING_SPECIAL, " [other] " },
			{ MEANING_MATCH, " found " },
			{ MEANING_DIM, "\u250a several too narrow to show" } };
	int x = 0;
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
		x += put_whole(canvas, x, y, entries[i].meaning, entries[i].text);
}

/* ---- modules */

struct share {
	long columns; /* of all boxes on the screen */
	int module;   /* place in state->modules */
};

static int by_columns(const void *a, const void *b)
{
	const struct share *left = a, *right = b;
	if (left->columns != right->columns)
		return left->columns > right->columns ? -1 : 1;
	return left->module - right->module;
}

static void add_boxes(const struct flame_state *state, const struct view_context *context,
		      const struct tree *tree, const struct flame *flame,
		      struct share shares[FLAME_MOST_MODULES])
{
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(tree, &n);
	for (size_t i = 0; i < flame->n_boxes; i++) {
		const struct flame_box *box = &flame->boxes[i];
		char letter =
			box->node < n ? flame_letter_of(state, context, &nodes[box->node]) : '\0';
		if (letter)
			shares[letter - 'a'].columns += box->width;
	}
}

/* Those with boxes on the screen; returns how many. */
static int find_shares(const struct flame_state *state, const struct view_context *context,
		       struct share shares[FLAME_MOST_MODULES])
{
	int n = 0;
	for (int i = 0; i < state->n_modules; i++)
		shares[i] = (struct share){ .module = i };
	add_boxes(state, context, state->tree, &state->flame, shares);
	if (state->other.tree)
		add_boxes(state, context, state->other.tree, &state->other.flame, shares);
	if (state->n_modules > 1)
		qsort(shares, (size_t)state->n_modules, sizeof shares[0], by_columns);
	while (n < state->n_modules && shares[n].columns > 0)
		n++;
	return n;
}

/* " a libm.so.6 " */
static void name_module(const struct flame_state *state, const struct view_context *context,
			int module, int columns, char *out, size_t bytes)
{
	char name[256];
	columns = columns < MOST_NAME_COLUMNS ? columns : MOST_NAME_COLUMNS;
	text_shorten(name, sizeof name, columns,
		     imported_module(context->recording, state->modules[module]));
	snprintf(out, bytes, " %c %s ", 'a' + module, name);
}

static void draw_modules(const struct flame_state *state, const struct view_context *context,
			 const struct canvas *canvas, int y)
{
	struct share shares[FLAME_MOST_MODULES];
	int n = find_shares(state, context, shares), i = 0, x = 0;
	char text[300];
	for (; i < n; i++) {
		int room = canvas->width - x - (i + 1 < n ? MORE_COLUMNS : 0);
		/* The first has its place however long it is. */
		name_module(state, context, shares[i].module, i == 0 ? room - 4 : MOST_NAME_COLUMNS,
			    text, sizeof text);
		if (text_width(text) > room)
			break;
		x += put_whole(canvas, x, y, flame_meaning_of((char)('a' + shares[i].module)),
			       text);
	}
	snprintf(text, sizeof text, "+%d more", n - i);
	if (i < n)
		x += put_whole(canvas, x, y, MEANING_DIM, text);
	put_whole(canvas, x, y, MEANING_SPECIAL, " others ");
}

/* ---- rates */

/* The scale with its ends, and where the value comes from. */
static void draw_rate(const struct flame_state *state, const struct canvas *canvas, int y)
{
	const struct rate *rate = flame_rate(state);
	char low[TEXT_BYTES], high[TEXT_BYTES], end[TEXT_BYTES + 8], name[160], shown[160];
	bool is_per_thousand = strcmp(rate->unit, "/1000") == 0;
	rates_text(low, sizeof low, rate, state->rate_low);
	snprintf(end, sizeof end, " 9 = %s", rates_text(high, sizeof high, rate, state->rate_high));
	int scale = text_width(low) + (int)sizeof "  0 =  " + N_SHADES * 3 + text_width(end);
	snprintf(name, sizeof name, "%s %s%s", origin_glyph(rate->origin), rate->name,
		 is_per_thousand ? " of 1000 instructions" : "");
	if (text_width(name) + scale > canvas->width)
		snprintf(name, sizeof name, "%s %s%s", origin_glyph(rate->origin), rate->name,
			 is_per_thousand ? "/k" : "");
	text_shorten(shown, sizeof shown, canvas->width - scale, name);
	int x = canvas_print(canvas, 0, y, MEANING_TEXT, "%s  0 = %s ", shown, low);
	for (int i = 0; i < N_SHADES && x + 3 <= canvas->width; i++, x += 3) {
		canvas_fill(canvas, x, y, 3, MEANING_HEAT, rate->is_low_bad ? N_SHADES - 1 - i : i);
		canvas_box_text(canvas, x + 1, y, 1, (char[]){ (char)('0' + i * 3), '\0' });
	}
	put_whole(canvas, x, y, MEANING_TEXT, end);
}

void flame_draw_legend(const struct flame_state *state, const struct view_context *context,
		       const struct canvas *canvas, int y)
{
	if (flame_rate(state))
		draw_rate(state, canvas, y);
	else if (state->colour == FLAME_BY_CHANGE)
		flame_draw_changes(state, canvas, y);
	else if (state->colour == FLAME_BY_MODULE)
		draw_modules(state, context, canvas, y);
	else
		draw_kinds(canvas, y);
}
