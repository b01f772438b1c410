/*
 * face_state: what the parts of the frame share: face.c lays out and draws, face_keys.c answers
 * keys, face_commands.c runs `:` commands, face_write.c writes files, face_help.c draws help.
 */
#ifndef TUI_FACE_STATE_H
#define TUI_FACE_STATE_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/arena.h"
#include "tui/completion.h"
#include "tui/face.h"
#include "tui/line_edit.h"
#include "tui/preferences.h"

enum {
	FACE_MOST_TABLES = 3,
	FACE_MOST_VIEWS = 20,
	FACE_MOST_ORDER = 19,
	FACE_SEARCH_BYTES = LINE_EDIT_BYTES
};

enum face_prompt { PROMPT_NONE, PROMPT_SEARCH, PROMPT_COMMAND };
enum face_overlay {
	OVERLAY_NONE,
	OVERLAY_HELP,
	OVERLAY_COMMANDS,
	OVERLAY_CONFIG,
	OVERLAY_EXPLAIN,
	OVERLAY_FORM,    /* settings of what runs; it scrolls by itself */
	OVERLAY_COLUMNS, /* of the list that is shown: sort by one, show, hide, move */
};

struct face {
	struct face_settings settings;
	struct preferences preferences;
	void *states[FACE_MOST_VIEWS];
	bool is_updated[FACE_MOST_VIEWS]; /* has seen the recording, so keys may act on it */
	int n_views, current, before;     /* before: the view to go back to */
	struct view_focus focus;
	uint64_t next_thread; /* rows of threads that have been looked at: */
	uint32_t first_process;
	bool has_several; /* they are of several processes */
	struct arena frame;
	bool is_live, has_ended, must_redraw;
	int exit_status;
	int width, height;
	uint64_t now_ns;
	char search[FACE_SEARCH_BYTES];
	regex_t pattern;
	bool has_pattern;
	enum face_prompt prompt;
	struct line_edit searches, commands; /* being typed */
	struct completion completion;        /* of the command; n 0 = nothing to show */
	enum face_overlay overlay;
	int overlay_scroll;
	char message[512]; /* one sentence on the bottom line until the next key */
	enum meaning message_meaning;
	char *explanation; /* of OVERLAY_EXPLAIN: paragraphs */
	struct form form;
	enum form_outcome wish;
	bool must_edit;
	int column_at;           /* of OVERLAY_COLUMNS */
	bool has_chosen_columns; /* there, so they are to be kept */
	char **words;            /* settings of what runs */
	char command[256];       /* with the settings it has now */
};

/* face_context: what is lent to views. face_top_rows: of the title. */
struct view_context face_context(struct face *face);
int face_top_rows(const struct face *face);
int face_bottom_rows(const struct face *face);

/*
 * face_look_for_processes: are there several? face_draw_process: what everything is restricted to,
 * and whether the view follows; on a row below the tabs, or on their end where there is none.
 */
void face_look_for_processes(struct face *face);
void face_draw_process(const struct face *face, const struct canvas *canvas);

/* face_update_view: let the current view take in what is new. */
bool face_update_view(struct face *face);

/* face_show_view: NULL changes nothing but takes what lies over the view away. */
void face_show_view(struct face *face, const struct view *view);
void face_step_view(struct face *face, int step);
void face_click_title(struct face *face, int x);

/*
 * face_tables: the keys that hold now: the view's own before those of its list before the frame's.
 * Returns how many.
 */
struct face_table {
	const struct binding *bindings;
	void *state; /* for act */
};
int face_tables(struct face *face, struct face_table tables[FACE_MOST_TABLES]);

/* face_draw_hints: the bottom line; face_hint_at: the binding whose hint is there, NULL = none. */
void face_draw_hints(struct face *face, const struct canvas *row);
const struct binding *face_hint_at(struct face *face, int x, struct face_table *table);

/* face_set_up_lists: columns and order as the preferences have them. face_open_columns: the
 * chooser, of a view with a list; face_columns_draw: draws it, returns its rows. */
void face_set_up_lists(struct face *face);
void face_open_columns(struct face *face);
int face_columns_draw(const struct face *face, const struct canvas *canvas);
extern const struct binding face_columns_bindings[];

/* `:sort` and `:columns`, and what Tab offers for both. */
bool face_sort(struct face *face, const char *argument, bool is_forced);
bool face_columns(struct face *face, const char *argument, bool is_forced);
void face_complete_column(const struct face *face, struct completion *completion);

/* face_set_search: takes a pattern into use; a wrong one says why on the bottom line. */
void face_set_search(struct face *face, const char *text);

/* face_open_form: settings of what runs, over the view; face_form_key: what a key does there. */
void face_open_form(struct face *face);
enum face_outcome face_form_key(struct face *face, const struct input *input);

/* face_tell: a sentence on the bottom line. */
void face_tell(struct face *face, enum meaning meaning, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* face_show: something over the view, from its top. */
void face_show(struct face *face, enum face_overlay overlay);

/* face_explain: what is under the cursor, over the view. */
void face_explain(struct face *face);
int face_explain_draw(const struct face *face, const struct canvas *canvas, int y);

/* face_command: run the line typed behind ":"; face_complete: what Tab does to it. Returns false
 * if the program is to end. */
bool face_command(struct face *face, const char *line);
void face_complete(struct face *face);

/* face_write_screen: the screen as text into a new file; path NULL = one of its own naming.
 * face_write_recording: what is recorded, by the extension. A file that is there stays unless
 * is_forced. */
void face_write_screen(struct face *face, const char *path, bool is_forced);
void face_write(struct face *face, const char *path, bool is_forced);

/* face_help_rows: how many rows the overlay takes; face_help_draw: draws it. */
int face_help_draw(struct face *face, const struct canvas *canvas);

/* One `:` command; the table is for its help. */
struct face_command {
	const char *name, *letters; /* "write", "w" */
	const char *arguments, *help;
	bool (*run)(struct face *face, const char *argument, bool is_forced);
	void (*complete)(const struct face *face, const char *argument,
			 struct completion *completion);
};
extern const struct face_command face_commands[];

#endif
