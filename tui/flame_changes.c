/*
 * Colours by change: which sides there are, the scale, the marks, and what is written of them.
 * Orange red grew, blue shrank; the sign says so too. See flame_state.h.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/flame_state.h"

/* Less than a twentieth of the scale is no change that could be seen. */
static const double LEAST_RATIO = 0.05;
/* Points of a share that differ by less are the same on the screen. */
static const double LEAST_SCALE = 0.001;

enum {
	LEGEND_CELLS = 7,
	CELL_COLUMNS = 3,
	SCALE_COLUMNS = 19, /* "-20  +20 points  ", or "-0.05" */
	NAME_FRAME = 4,     /* "A ", and two blanks behind */
	LEAST_NAME = 5,     /* less says nothing */
};

static bool is_same_side(const struct side *a, const struct side *b)
{
	return a->from_ns == b->from_ns && a->to_ns == b->to_ns && a->is_other == b->is_other;
}

void flame_forget_changes(struct flame_state *state)
{
	flame_diff_close(state->diff);
	flame_diff_close(state->other.diff);
	state->diff = state->other.diff = NULL;
}

bool flame_has_other_sides(const struct flame_state *state, const struct view_context *context)
{
	struct side sides[N_COMPARED];
	if (state->colour != FLAME_BY_CHANGE)
		return false;
	if (!sides_of_picture(sides, context))
		return state->diff != NULL;
	const struct side *known = state->diff ? flame_diff_sides(state->diff) : NULL;
	return !known || !is_same_side(&known[COMPARE_A], &sides[COMPARE_A]) ||
	       !is_same_side(&known[COMPARE_B], &sides[COMPARE_B]);
}

/* 1, 2 or 5 times a power of ten that holds the change, so that a live scale rests. */
static double round_up(double change)
{
	double power = pow(10, floor(log10(change)));
	double digit = change / power;
	return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

static double most_change(const struct flame_diff *diff, const struct flame *flame, double most)
{
	for (size_t i = 0; diff && i < flame->n_boxes; i++)
		most = fmax(most, fabs(flame_diff_of(diff, flame->boxes[i].node).change));
	return most;
}

void flame_take_changes(struct flame_state *state, const struct view_context *context)
{
	struct side sides[N_COMPARED];
	if (state->colour != FLAME_BY_CHANGE || flame_has_other_sides(state, context))
		flame_forget_changes(state);
	if (state->colour != FLAME_BY_CHANGE || !sides_of_picture(sides, context))
		return;
	if (!state->diff)
		state->diff = flame_diff_open(context, sides, state->tree);
	flame_diff_update(state->diff, state->tree);
	if (state->other.tree && !state->other.diff)
		state->other.diff = flame_diff_open(context, sides, state->other.tree);
	if (state->other.tree)
		flame_diff_update(state->other.diff, state->other.tree);
	double most = most_change(state->diff, &state->flame, LEAST_SCALE);
	state->most_change = round_up(most_change(state->other.diff, &state->other.flame, most));
}

/* -(N_SHADES - 1) … N_SHADES - 1: how much of the scale; 0 = the same, or not known. */
static int level_of(const struct flame_state *state, double change)
{
	double ratio = fabs(change) / state->most_change;
	if (!(ratio >= LEAST_RATIO))
		return 0;
	int level = 1 + (int)(ratio * (N_SHADES - 1));
	level = level < N_SHADES ? level : N_SHADES - 1;
	return change < 0 ? -level : level;
}

static enum meaning meaning_of(int level)
{
	return level > 0 ? MEANING_GREW : level < 0 ? MEANING_SHRANK : MEANING_SAME;
}

enum meaning flame_change_meaning(const struct flame_state *state, uint32_t node, int *shade)
{
	int level = level_of(state, flame_diff_of(state->diff, node).change);
	*shade = level < 0 ? -level : level;
	return meaning_of(level);
}

const char *flame_change_mark(const struct flame_state *state, uint32_t node)
{
	struct flame_shares shares = flame_diff_of(state->diff, node);
	if (shares.of[COMPARE_A] == 0)
		return "*";
	int level = level_of(state, shares.change);
	return level > 0 ? "+" : level < 0 ? "-" : "=";
}

/* ---- words */

static char *points_of(double change, char *out, size_t bytes)
{
	double points = change * 100;
	if (isnan(points))
		snprintf(out, bytes, "%s", TEXT_UNKNOWN);
	else if (fabs(points) < 0.005)
		snprintf(out, bytes, "0.0");
	else
		snprintf(out, bytes, "%+.*f", fabs(points) < 0.995 ? 2 : 1, points);
	return out;
}

/* cells: columns of each part of the scale. */
static int draw_scale(const struct flame_state *state, const struct canvas *canvas, int y,
		      int cells)
{
	double points = state->most_change * 100;
	int x = canvas_print(canvas, 0, y, MEANING_TEXT, "-%.3g ", points);
	for (int i = 0; i < LEGEND_CELLS; i++, x += cells) {
		int level = i - LEGEND_CELLS / 2;
		canvas_fill(canvas, x, y, cells, meaning_of(level), level < 0 ? -level : level);
		canvas_box_text(canvas, x + cells / 2, y, 1,
				level > 0   ? "+"
				: level < 0 ? "-"
					    : "=");
	}
	return x + canvas_print(canvas, x, y, MEANING_TEXT, " +%.3g points  ", points);
}

/* What both sides are called: the scale gives way first, then the middles of names. */
void flame_draw_changes(const struct flame_state *state, const struct canvas *canvas, int y)
{
	const char *names[N_COMPARED];
	char text[160];
	int wanted = 0, cells = CELL_COLUMNS;
	if (!state->diff) {
		canvas_text(
			canvas, 0, y, canvas->width, MEANING_WARNING,
			"Nothing to compare with: start with --against FILE, or choose a window "
			"in 5.");
		return;
	}
	const struct side *sides = flame_diff_sides(state->diff);
	for (int i = 0; i < N_COMPARED; i++) {
		names[i] = sides[i].is_other ? text_base_name(sides[i].name) : sides[i].name;
		wanted += text_width(names[i]) + NAME_FRAME;
	}
	if (SCALE_COLUMNS + LEGEND_CELLS * cells + wanted > canvas->width)
		cells = 1;
	int x = draw_scale(state, canvas, y, cells);
	for (int i = 0; i < N_COMPARED; i++) {
		int room = (canvas->width - x) / (N_COMPARED - i) - NAME_FRAME;
		if (i == 0 && text_width(names[1]) < room) /* what B leaves */
			room = canvas->width - x - text_width(names[1]) - 2 * NAME_FRAME;
		if (room < LEAST_NAME)
			break;
		text_shorten(text, sizeof text, room, names[i]);
		x += canvas_print(canvas, x, y, MEANING_HEADER, "%c ", 'A' + i);
		x += canvas_text(canvas, x, y, room, MEANING_TEXT, text) + 2;
	}
}

int flame_draw_change(const struct flame_state *state, const struct canvas *canvas, int y)
{
	struct flame_shares shares = flame_diff_of(state->diff, state->look.selected);
	char of[N_COMPARED][TEXT_BYTES], points[TEXT_BYTES];
	for (int i = 0; i < N_COMPARED; i++)
		text_ratio(of[i], sizeof of[i], shares.of[i]);
	return canvas_print(canvas, 0, y, MEANING_TEXT, "A %s, B %s: %s points%s  ", of[COMPARE_A],
			    of[COMPARE_B], points_of(shares.change, points, sizeof points),
			    shares.of[COMPARE_A] == 0 ? ", new" : "");
}

int flame_draw_gone(const struct flame_state *state, const struct canvas *canvas, int x, int y)
{
	char gone[TEXT_BYTES];
	double ratio = flame_diff_gone(state->diff);
	if (isnan(ratio))
		return canvas_print(canvas, x, y, MEANING_WARNING,
				    "A has no samples of what is shown  ");
	int n = canvas_print(canvas, x, y, MEANING_DIM, "* is new  ");
	if (ratio > 0)
		n += canvas_print(canvas, x + n, y, MEANING_DIM, "gone since A: %s  ",
				  text_ratio(gone, sizeof gone, ratio));
	if (flame_diff_joins(state->diff))
		n += canvas_print(canvas, x + n, y, MEANING_DIM, "first levels taken as one  ");
	return n;
}

void flame_set_change(const struct flame_state *state, struct view_subject *subject)
{
	const struct side *sides = flame_diff_sides(state->diff);
	struct flame_shares shares = flame_diff_of(state->diff, state->look.selected);
	for (int i = 0; i < N_COMPARED; i++) {
		subject->sides[i] = sides[i].name;
		subject->shares[i] = shares.of[i];
	}
}
