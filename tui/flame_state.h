/*
 * flame_state: what the parts of the flame graph share: view_flame.c lays out, flame_draw.c draws,
 * flame_legend.c says what its colours mean, flame_keys.c moves and undoes, flame_choices.c changes
 * what is shown and how.
 */
#ifndef TUI_FLAME_STATE_H
#define TUI_FLAME_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/rates.h"
#include "sampler/tree.h"
#include "tui/flame.h"
#include "tui/flame_diff.h"
#include "tui/view.h"

enum {
	FLAME_MOST_STEPS = 64, /* of undo */
	FLAME_FOOTER_ROWS = 3, /* legend, details of the selected box, search */
	FLAME_PAGE_ROWS = 8,
	FLAME_MOST_MODULES = 26, /* a letter each */
};

/* FLAME_BY_RATE and above: the rates of state->rates, in their order. */
enum flame_colour {
	FLAME_BY_KIND,
	FLAME_BY_MODULE,
	FLAME_BY_RATE,
	FLAME_BY_CHANGE = FLAME_BY_RATE + MOST_RATES,
};
/* Five seconds: a phase of that length is gone from the picture in half a minute, and one of a
 * second does not make it flicker. */
static const uint64_t FLAME_HALF_NS = 5000000000;

enum flame_value { FLAME_NAMES, FLAME_OF_ALL, FLAME_OF_ZOOM, FLAME_ABSOLUTE, N_FLAME_VALUES };

/* What undo brings back. */
struct flame_look {
	uint32_t zoom, selected;     /* nodes; void when the tree is another one */
	unsigned generation;         /* of the tree */
	struct tree_options options; /* focus: a sandwich, its callers above and callees below */
	bool is_filtered;            /* only stacks that the search finds */
	bool is_upper;               /* the selected box is among a sandwich's callers */
};

/* The half of a sandwich that the selection is not in; without a sandwich, no tree. */
struct flame_side {
	struct tree *tree;
	struct flame flame;
	struct flame_diff *diff;
	uint32_t zoom, selected;
	int scroll;
};

/* Where the boxes of a side go: rows of the layout from `first` on, to rows of the screen. */
struct flame_place {
	int top, rows, first;
	bool is_upwards;
};

struct flame_state {
	struct tree *tree;
	unsigned generation;
	struct flame_look look;
	struct flame_look undo[FLAME_MOST_STEPS], redo[FLAME_MOST_STEPS];
	int n_undo, n_redo;
	struct flame flame;
	struct flame_side other;
	int scroll, width, height;
	bool is_frozen, is_following, is_upwards, must_lay_out;
	bool is_decaying;                   /* what is old weighs less */
	uint64_t decay_ns;                  /* the time that weights were last worked out for */
	uint64_t frozen_ns, from_ns, to_ns; /* the window that the trees show */
	struct thread_choice only;          /* whose samples they are of */
	int colour;                         /* enum flame_colour */
	enum flame_value value;
	struct rates rates;         /* that boxes can be coloured by */
	bool has_own_rates;         /* they are not of the recording's events: leave them */
	struct tree_sums *sums;     /* for them, over `tree`; NULL while not needed */
	double rate_low, rate_high; /* ends of the scale; NaN = no box has a value */
	struct flame_diff *diff;    /* NULL: not coloured by change, or nothing to compare with */
	double most_change;         /* the end of its scale: a share */
	uint32_t modules[FLAME_MOST_MODULES]; /* with a letter and a colour, first seen first */
	int n_modules;
	/* search: by name, then summed over the tree */
	char searched[256];
	uint8_t *matches; /* by function: 0 = not looked at, 1 = no, 2 = yes */
	uint64_t n_matches;
	uint64_t matched;
	uint8_t *is_inside; /* by node: it or a caller is found; nodes are only ever added */
	uint32_t n_inside, inside_capacity;
	uint32_t *found; /* found nodes that lie in no other */
	uint32_t n_found, found_capacity;
};

/* flame_decay: weigh samples anew if it is time to; true if weights have changed.
 * flame_weigh_decayed: 2^(-age / FLAME_HALF_NS); context: a flame_state. */
bool flame_decay(struct flame_state *state, const struct view_context *context);
uint64_t flame_weigh_decayed(const void *context, const struct sample_row *sample);

/* flame_open_tree: start anew with the options of state->look. */
void flame_open_tree(struct flame_state *state, const struct view_context *context);

/* flame_node_at: a node of the tree; the root for an id that it no longer has. */
const struct tree_node *flame_node_at(const struct flame_state *state, uint32_t node);

/* flame_subject: the selected box. */
struct view_subject flame_subject(const void *opaque, const struct view_context *context);

/* flame_held_bytes: of its trees. */
size_t flame_held_bytes(const void *opaque);

/* flame_rows_shown: rows of the graph on the screen. */
int flame_rows_shown(const struct flame_state *state);

/* flame_hottest_leaf: from the zoomed node always to the heaviest callee. */
uint32_t flame_hottest_leaf(const struct flame_state *state);

/* flame_is_found: does the search find this node? */
bool flame_is_found(const struct flame_state *state, const struct view_context *context,
		    const struct tree_node *node);

/* flame_swap_sides: select in the other half of a sandwich. */
void flame_swap_sides(struct flame_state *state);

/* flame_place: of the callers' side, or of the callees' (or the only one). */
struct flame_place flame_place(const struct flame_state *state, bool is_upper);

/* flame_to_screen, flame_from_screen: rows of a side's layout; -1 if not shown or not there. */
int flame_to_screen(const struct flame_place *place, int scroll, int row);
int flame_from_screen(const struct flame_place *place, int scroll, int y);

/* flame_remember: what is shown now can be undone. */
void flame_remember(struct flame_state *state);

/* flame_letter: of a module in colours by module; '\0' if it has none. flame_letter_of: of a node's
 * module, where colours are by module; flame_meaning_of: the colour of a letter. */
char flame_letter(const struct flame_state *state, uint32_t module);
char flame_letter_of(const struct flame_state *state, const struct view_context *context,
		     const struct tree_node *node);
enum meaning flame_meaning_of(char letter);

/* flame_draw_legend: one row; what finds no room whole is left out, and counted if it is names. */
void flame_draw_legend(const struct flame_state *state, const struct view_context *context,
		       const struct canvas *canvas, int y);

/* flame_rate: the rate that boxes are coloured by; NULL = none. */
const struct rate *flame_rate(const struct flame_state *state);

/* flame_rate_of: its value for a node; NaN if unknown. */
double flame_rate_of(const struct flame_state *state, uint32_t node);

/* flame_take_rates: bring rates, sums and scale up to date; true if anything changed. */
bool flame_take_rates(struct flame_state *state, const struct view_context *context);

/* What flame_changes.c does for colours by change. flame_has_other_sides: not those of state->diff:
 * lay out again. flame_take_changes: bring sides and scale up to date. flame_forget_changes: their
 * tree is about to go. */
bool flame_has_other_sides(const struct flame_state *state, const struct view_context *context);
void flame_take_changes(struct flame_state *state, const struct view_context *context);
void flame_forget_changes(struct flame_state *state);

/* With state->diff: the colour of a box, its mark ("*" is not in A), and the selected one's shares;
 * flame_draw_changes, the legend, also says why there is none. These return columns. */
enum meaning flame_change_meaning(const struct flame_state *state, uint32_t node, int *shade);
const char *flame_change_mark(const struct flame_state *state, uint32_t node);
void flame_draw_changes(const struct flame_state *state, const struct canvas *canvas, int y);
int flame_draw_change(const struct flame_state *state, const struct canvas *canvas, int y);
int flame_draw_gone(const struct flame_state *state, const struct canvas *canvas, int x, int y);
void flame_set_change(const struct flame_state *state, struct view_subject *subject);

/* flame_update, flame_close: what a view made of a flame graph calls from its own. */
bool flame_update(void *opaque, const struct view_context *context);
void flame_close(void *opaque);

void flame_draw(const void *opaque, const struct view_context *context,
		const struct canvas *canvas);

extern const struct binding flame_bindings[];

/* What the keys of flame_choices.c do; see flame_bindings. */
#define FLAME_CHOICE(name)                                                                         \
	unsigned name(void *opaque, const struct view_context *context, const struct input *input)
FLAME_CHOICE(flame_invert);
FLAME_CHOICE(flame_turn_over);
FLAME_CHOICE(flame_hide_kernel);
FLAME_CHOICE(flame_only_kernel);
FLAME_CHOICE(flame_only_module);
FLAME_CHOICE(flame_hide_module);
FLAME_CHOICE(flame_filter);
FLAME_CHOICE(flame_fold_recursion);
FLAME_CHOICE(flame_split);
FLAME_CHOICE(flame_only_process);
FLAME_CHOICE(flame_sandwich);
FLAME_CHOICE(flame_toggle_decay);
FLAME_CHOICE(flame_next_colour);
FLAME_CHOICE(flame_next_value);
FLAME_CHOICE(flame_next_width);
FLAME_CHOICE(flame_find_same);

#endif
