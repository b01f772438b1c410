/*
 * form: the settings of a workload, one a row, and below them what can be done with them. The start
 * screen and the live screen show the same form; it knows no terminal.
 */
#ifndef TUI_FORM_H
#define TUI_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "sampler/base/why.h"
#include "tui/canvas.h"
#include "tui/view.h"
#include "workloads/support/workload_settings.h"

struct workload;

enum {
	FORM_MOST_FIELDS = MOST_PARAMETERS + 1, /* of a workload, and seconds */
	FORM_VALUE_BYTES = 224,                 /* all choices of a setting, too */
	FORM_MOST_CHOICES = 32,
	FORM_MOST_ACTIONS = 3,
};

/* What a key may lead to; the caller chooses which ones are offered. */
enum form_outcome {
	FORM_GOES_ON,
	FORM_CLOSES,   /* Escape: as it was */
	FORM_APPLIES,  /* the running workload is to go on with these */
	FORM_RESTARTS, /* the program is to start (again) with these */
	FORM_STOPS,    /* the running program is to end */
};

struct form_action {
	const char *text;
	enum form_outcome outcome;
};

struct form {
	const struct workload *workload;
	struct form_action actions[FORM_MOST_ACTIONS];
	size_t n_fields, n_actions;
	char values[FORM_MOST_FIELDS][FORM_VALUE_BYTES];
	char storage[FORM_MOST_FIELDS][FORM_VALUE_BYTES + 32]; /* of form_words */
	char *words[FORM_MOST_FIELDS + 1];
	size_t selected; /* fields, then actions */
	size_t scroll;
	bool is_fresh; /* the next letter replaces the value */
	int first_row, rows;
	struct why message; /* of the last thing refused; "" = none */
};

/*
 * form_open: the workload's settings as the words (key=value, NULL-terminated) have them. Enter on
 * a setting does the first action.
 *
 * workload  NULL = a command, which has no settings
 * actions  ended by a NULL text, at most FORM_MOST_ACTIONS
 */
void form_open(struct form *form, const struct workload *workload, char *const *words,
	       const struct form_action *actions);

/* form_key: a key, or a click in cells of the form's canvas. Outcomes other than GOES_ON and CLOSES
 * come only with settings that the workload takes. */
enum form_outcome form_key(struct form *form, const struct input *input);

/* form_words: what differs from the initial settings, as key=value words, NULL-terminated; the
 * form's own memory, until its next call. */
char *const *form_words(struct form *form);

void form_draw(struct form *form, const struct canvas *canvas);

#endif
