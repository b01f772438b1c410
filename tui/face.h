/*
 * face: the frame round a view: title and tabs above, keys below, help and the search prompt over
 * it. Everything the screen and `stoke render` have in common; it knows no terminal.
 */
#ifndef TUI_FACE_H
#define TUI_FACE_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/form.h"
#include "tui/view.h"

struct face;
struct workload;
struct preferences;

struct face_settings {
	const struct recording *recording;
	const char *command;                   /* what runs, cleaned */
	const char *view;                      /* name; NULL = what the preferences say */
	const struct preferences *preferences; /* copied; NULL = the defaults */
	const struct view_child *child;        /* NULL = nothing runs on a terminal of its own */
	const struct recording *against;       /* to compare with; NULL = none */
	const char *against_name;              /* cleaned */
	struct thread_choice only;             /* the process that views show at first */
	bool is_live;
	bool keeps_choices; /* what is chosen for good goes into the user's configuration */
	/* What runs can be started again, or go on with other settings, by the form of F2. */
	bool has_program;
	const struct workload *workload; /* NULL = a command */
	char *const *words;              /* its settings, NULL-terminated; NULL = none */
};

/* face_new: NULL if there is no view of that name. */
struct face *face_new(const struct face_settings *settings);
void face_free(struct face *face);

/* What the driver knows of the target. */
void face_set_live(struct face *face, bool is_live);
/* exit_status -1: of what was attached to nobody knows it. */
void face_set_ended(struct face *face, int exit_status);

/*
 * face_draw: bring everything up to date and draw it.
 * Returns  false (and the canvas untouched) if nothing has changed since the last call with a
 *          canvas of the same size
 */
bool face_draw(struct face *face, const struct canvas *canvas, uint64_t now_ns);

enum face_outcome { FACE_GOES_ON, FACE_QUITS, FACE_WISHES, FACE_EDITS };

/* face_key: a key or a click (in cells of the whole canvas). */
enum face_outcome face_key(struct face *face, struct input input);

/* face_wish: after FACE_WISHES, what the user wants of the program, until the next key. */
struct face_wish {
	enum form_outcome outcome; /* APPLIES, RESTARTS or STOPS */
	char *const *words;        /* settings, NULL-terminated */
};
struct face_wish face_wish(struct face *face);

/* face_edited_file: after FACE_EDITS, the file to open, and its line. */
const char *face_edited_file(const struct face *face, unsigned *line);

/* face_set_words: the settings that what runs has now. */
void face_set_words(struct face *face, char *const *words);

/* face_view_name: of the view that is shown; constant. */
const char *face_view_name(const struct face *face);

/* face_say: one sentence on the bottom line until the next key. */
void face_say(struct face *face, const char *sentence);

/* face_is_typed_into: keys go to the program, control keys too. */
bool face_is_typed_into(const struct face *face);

/* face_takes_mouse: the program that is typed into has asked for the mouse. */
bool face_takes_mouse(const struct face *face);

/* face_preferences: as they are now: `:set` changes them. */
const struct preferences *face_preferences(const struct face *face);

/* face_keys: a line of text as keys, for `stoke render --keys`: "2/fooE" with \r, \e, \t for
 * Enter, Escape and Tab. */
void face_keys(struct face *face, const char *keys);

#endif
