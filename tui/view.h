/*
 * view: one screen. A file named view_NAME.c defines `view_NAME`; that registers it. A view is a
 * pure function of the recording, the time and its own state: it reads no source and draws on a
 * canvas, so what `stoke render` prints is what the terminal shows.
 */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/thread_choice.h"
#include "tui/canvas.h"
#include "tui/explain.h"

struct arena;
struct list;
struct recording;
struct target;

/* Keys as numbers: Unicode code points, control codes, and these. */
enum key {
	KEY_NONE_PRESSED = 0,
	KEY_ESCAPE = 27,
	KEY_RETURN = 13,
	KEY_DELETE_BACK = 127,
	KEY_CONTROL_B = 'B' & 31,
	KEY_CONTROL_C = 'C' & 31,
	KEY_CONTROL_D = 'D' & 31,
	KEY_CONTROL_F = 'F' & 31,
	KEY_CONTROL_L = 'L' & 31,
	KEY_CONTROL_O = 'O' & 31,
	KEY_CONTROL_R = 'R' & 31,
	KEY_CONTROL_U = 'U' & 31,
	KEY_CONTROL_W = 'W' & 31,
	KEY_CONTROL_Z = 'Z' & 31,
	KEY_CONTROL_BRACKET = ']' & 31,
	KEY_FIRST_SPECIAL = 0x110000,
	KEY_ARROW_UP = KEY_FIRST_SPECIAL,
	KEY_ARROW_DOWN,
	KEY_ARROW_LEFT,
	KEY_ARROW_RIGHT,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_START,
	KEY_FINISH,
	KEY_BACK_TAB,
	KEY_HELP_1,  /* F1 */
	KEY_SETUP_2, /* F2 */
	KEY_QUIT_10, /* F10 */
	KEY_FUNCTION_3,
	KEY_FUNCTION_4,
	KEY_FUNCTION_5,
	KEY_FUNCTION_6,
	KEY_FUNCTION_7,
	KEY_FUNCTION_8,
	KEY_FUNCTION_9,
	KEY_FUNCTION_11,
	KEY_FUNCTION_12,
	KEY_INSERT,
	KEY_DELETE,
	KEY_CLICK,
	KEY_DOUBLE_CLICK,
	KEY_WHEEL_UP,
	KEY_WHEEL_DOWN,
	KEY_MOUSE_PRESSED, /* this and the next two only where they are asked for */
	KEY_MOUSE_RELEASED,
	KEY_MOUSE_MOVED, /* while a button is down */
	KEY_SCREEN_RESIZED,
};

struct input {
	int key;
	int x, y;   /* of the mouse, in the view's own cells */
	int button; /* of KEY_MOUSE_*: 1 left, 2 middle, 3 right; 0 = not known */
};

/* What the views share: the driver keeps it, any view's keys may change it. */
struct view_focus {
	uint64_t from_ns, to_ns; /* the window of time every view follows; to_ns 0 = open end */
	bool has_kept;           /* a window to compare with has been chosen (view_diff.c) */
	uint64_t kept_from_ns, kept_to_ns;
	struct thread_choice only; /* the process or thread that views show; zeroed = all */
	uint32_t function;         /* whose callers, callees and lines are shown; 0 = none chosen */
	uint32_t edit_file;        /* strings; what REACTION_EDIT opens; 0 = not known */
	uint32_t edit_line;
};

/* The terminal of the program that runs, for the view that shows it. */
struct view_child {
	void *into;
	bool (*type)(void *into, const char *bytes, size_t n_bytes); /* false: not taken */
	void (*resize)(void *into, int columns, int rows);
};

/* What the driver lends a view for one frame. */
struct view_context {
	const struct recording *recording;
	struct arena *frame;    /* emptied before each frame */
	int width, height;      /* of the view's canvas */
	uint64_t now_ns;        /* live: the clock; saved: the recording's last time */
	const char *command;    /* what runs, cleaned */
	bool is_live;           /* still recording */
	bool has_ended;         /* the target has ended; exit_status is valid */
	int exit_status;        /* -1: it was attached to, nobody knows */
	const char *search;     /* as typed; "" = none */
	const regex_t *pattern; /* compiled; NULL = none */
	struct view_focus *focus;
	size_t views_bytes;              /* memory that the views hold together */
	const struct recording *against; /* another one to compare with; NULL = none */
	const char *against_name;
	const struct view_child *child; /* NULL: none that could be typed into */
};

/* What a key has changed; the driver does the rest. */
enum reaction {
	REACTION_NONE = 0, /* not this view's key */
	REACTION_REDRAW = 1,
	REACTION_QUIT = 2,
	REACTION_SEARCH = 4,       /* ask for a regular expression */
	REACTION_TO_FLAME = 8,     /* go to the flame graph with the search set to what is chosen */
	REACTION_TO_CALLERS = 16,  /* of focus->function */
	REACTION_TO_LINES = 32,    /* of focus->function */
	REACTION_BACK = 64,        /* to the view before */
	REACTION_EDIT = 128,       /* focus->edit_file in the user's editor */
	REACTION_COLUMNS = 256,    /* the chooser of columns, of a view with a list */
	REACTION_TO_PICTURE = 512, /* go to the flame graph, with the search as it is */
};

struct view;

struct binding {
	int key, other_key; /* other_key 0 = none */
	const char *name;   /* as shown: "Enter" */
	const char *help;
	/* Called with the view's state. */
	unsigned (*act)(void *state, const struct view_context *context, const struct input *input);
	bool is_hinted; /* on the bottom line, as space allows */
};

struct view {
	const char *name, *title, *summary;
	int order;                      /* of the tabs; 1 … 9: also the key that opens it */
	int key;                        /* that opens it (face_keys.c), where order does not */
	size_t state_bytes;             /* zeroed; the driver frees it after close */
	const struct binding *bindings; /* ended by a NULL name */

	/*
	 * Take in what is new and lay out for context->width x height. Returns true if the picture
	 * may differ from the last.
	 */
	bool (*update)(void *state, const struct view_context *context);
	void (*draw)(const void *state, const struct view_context *context,
		     const struct canvas *canvas);
	/* Words for the search that REACTION_TO_FLAME asks for; may be NULL. */
	const char *(*chosen)(const void *state, const struct view_context *context);
	/* What is under the cursor, for `e`; may be NULL: nothing is. */
	struct view_subject (*subject)(const void *state, const struct view_context *context);
	void (*close)(void *state); /* may be NULL */

	/* While true, every key goes to type() and none means anything else. Both may be NULL. */
	bool (*is_typed_into)(const void *state);
	unsigned (*type)(void *state, const struct view_context *context,
			 const struct input *input);
	/* While typed into: presses, releases and movements of the mouse come instead of clicks.
	 * May be NULL: never. */
	bool (*takes_mouse)(const void *state);
	/* Memory that grows with the recording: trees. May be NULL: little. */
	size_t (*held_bytes)(const void *state);
	bool is_always_updated; /* also while another view is shown */
	bool follows_process;   /* it shows only what focus->only takes */
	bool is_of_several;     /* its tab is there only where there are several processes */
	/* The list it shows: the keys of list_bindings act on it. NULL: it shows none. */
	struct list *(*list)(void *state);
};

extern const struct view *const views[];

/* view_find: by name; view_by_order: by its number; NULL if there is none. */
const struct view *view_find(const char *name);
const struct view *view_by_order(int order);

/* view_lists: the names of views with a list, with commas. Returns out. */
const char *view_lists(char *out, size_t bytes);

#endif
