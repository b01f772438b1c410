/* Values are edited as text and checked as a whole, by the words they will be. See form.h. */
#include "tui/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/line_edit.h"
#include "tui/list_keys.h"
#include "tui/paragraph.h"
#include "workloads/support/workload_settings.h"

enum { NAME_COLUMN = 2, VALUE_COLUMN = 14, HELP_COLUMN = 32 };

static size_t count_parameters(const struct workload *workload)
{
	size_t n = 0;
	while (workload->parameters && workload->parameters[n].name && n + 1 < FORM_MOST_FIELDS)
		n++;
	return n;
}

static const struct parameter *parameter_of(const struct form *form, size_t field)
{
	bool is_own = form->workload && field + 1 < form->n_fields;
	return is_own ? &form->workload->parameters[field] : &workload_seconds;
}

static size_t n_rows(const struct form *form)
{
	return form->n_fields + form->n_actions;
}

static void set_value(struct form *form, size_t field, const char *text)
{
	snprintf(form->values[field], FORM_VALUE_BYTES, "%s", text);
}

static void take_word(struct form *form, const char *word)
{
	for (size_t i = 0; i < form->n_fields; i++) {
		const char *name = parameter_of(form, i)->name;
		size_t n = strlen(name);
		if (strncmp(word, name, n) == 0 && word[n] == '=')
			set_value(form, i, word + n + 1);
	}
}

void form_open(struct form *form, const struct workload *workload, char *const *words,
	       const struct form_action *actions)
{
	memset(form, 0, sizeof *form);
	form->workload = workload;
	form->n_fields = workload ? count_parameters(workload) + 1 : 0;
	for (size_t i = 0; i < form->n_fields; i++)
		set_value(form, i, parameter_of(form, i)->initial);
	for (; words && *words; words++)
		take_word(form, *words);
	for (; actions->text && form->n_actions < FORM_MOST_ACTIONS; actions++)
		form->actions[form->n_actions++] = *actions;
	form->is_fresh = true;
}

char *const *form_words(struct form *form)
{
	size_t n = 0;
	for (size_t i = 0; i < form->n_fields; i++) {
		const struct parameter *parameter = parameter_of(form, i);
		if (strcmp(form->values[i], parameter->initial) == 0)
			continue;
		snprintf(form->storage[n], sizeof form->storage[n], "%.30s=%s", parameter->name,
			 form->values[i]);
		form->words[n] = form->storage[n];
		n++;
	}
	form->words[n] = NULL;
	return form->words;
}

/* ---- keys */

/* The choice `step` places further, round the end. */
static void turn_choice(struct form *form, size_t field, int step)
{
	const char *choices = parameter_of(form, field)->choices;
	char copy[FORM_VALUE_BYTES], *all[FORM_MOST_CHOICES], *rest;
	size_t n = 0, at = 0;
	snprintf(copy, sizeof copy, "%s", choices);
	for (char *word = strtok_r(copy, "|", &rest); word && n < FORM_MOST_CHOICES;
	     word = strtok_r(NULL, "|", &rest)) {
		if (strcmp(word, form->values[field]) == 0)
			at = n;
		all[n++] = word;
	}
	if (n > 0)
		set_value(form, field, all[(at + n + (size_t)(long)step) % n]);
}

/* Twice or half: sizes are looked at in octaves. A limit is not passed. */
static void scale_number(struct form *form, size_t field, int step)
{
	const struct parameter *parameter = parameter_of(form, field);
	char text[64];
	struct workload_settings settings;
	struct why ignored;
	if (!workload_settings_read(&settings, form->workload, form_words(form), &ignored))
		return; /* what is typed is no number yet */
	double value =
		field + 1 < form->n_fields ? settings.values[field].number : settings.seconds;
	double next = step > 0 ? value * 2 : value / 2;
	if (value == 0)
		next = step > 0 ? 1 : 0;
	if (parameter->kind == PARAMETER_INTEGER)
		next = (double)(long long)next;
	next = next < parameter->least ? parameter->least : next;
	next = next > parameter->most ? parameter->most : next;
	snprintf(text, sizeof text, "%.15g", next);
	set_value(form, field, text);
}

static void turn(struct form *form, int step)
{
	if (form->selected >= form->n_fields)
		return;
	enum parameter_kind kind = parameter_of(form, form->selected)->kind;
	if (kind == PARAMETER_CHOICE)
		turn_choice(form, form->selected, step);
	else if (kind != PARAMETER_TEXT)
		scale_number(form, form->selected, step);
}

static void type(struct form *form, int key)
{
	if (form->selected >= form->n_fields)
		return;
	char *value = form->values[form->selected];
	size_t n = form->is_fresh ? 0 : strlen(value);
	if (n + 1 >= FORM_VALUE_BYTES)
		return;
	value[n] = (char)key;
	value[n + 1] = '\0';
	form->is_fresh = false;
}

static enum form_outcome act(struct form *form, size_t action)
{
	enum form_outcome outcome = form->actions[action].outcome;
	if (outcome == FORM_STOPS || !form->workload)
		return outcome;
	if (!workload_settings_check(form->workload, form_words(form), &form->message))
		return FORM_GOES_ON;
	return outcome;
}

static enum form_outcome enter(struct form *form)
{
	bool is_action = form->selected >= form->n_fields;
	return act(form, is_action ? form->selected - form->n_fields : 0);
}

static void select_row(struct form *form, long step)
{
	form->selected = list_move(form->selected, step, n_rows(form));
	form->is_fresh = true;
}

static enum form_outcome click(struct form *form, const struct input *input)
{
	long row = input->y - form->first_row;
	if (row < 0 || row >= form->rows || (size_t)row + form->scroll >= n_rows(form))
		return FORM_GOES_ON;
	form->selected = (size_t)row + form->scroll;
	form->is_fresh = true;
	return form->selected >= form->n_fields ? enter(form) : FORM_GOES_ON;
}

static void edit(struct form *form, int key)
{
	bool is_field = form->selected < form->n_fields;
	if (is_field && (key == KEY_DELETE_BACK || key == 8)) {
		line_edit_drop_last(form->values[form->selected]);
		form->is_fresh = false;
	} else if (is_field && key == KEY_CONTROL_U) {
		form->values[form->selected][0] = '\0';
	} else if (key >= ' ' && key < 127) {
		type(form, key);
	}
}

enum form_outcome form_key(struct form *form, const struct input *input)
{
	form->message.text[0] = '\0';
	switch (input->key) {
	case KEY_ESCAPE:
		return FORM_CLOSES;
	case KEY_RETURN:
	case '\n':
		return enter(form);
	case KEY_CLICK:
	case KEY_DOUBLE_CLICK:
		return click(form, input);
	case KEY_ARROW_LEFT:
	case KEY_ARROW_RIGHT:
		turn(form, input->key == KEY_ARROW_LEFT ? -1 : 1);
		return FORM_GOES_ON;
	case '\t':
		select_row(form, 1);
		return FORM_GOES_ON;
	case KEY_BACK_TAB:
		select_row(form, -1);
		return FORM_GOES_ON;
	default:
		break;
	}
	/* Letters belong to the values, so only the keys that are none move. */
	if (input->key >= KEY_FIRST_SPECIAL)
		select_row(form, list_step(input->key, form->rows));
	else
		edit(form, input->key);
	return FORM_GOES_ON;
}

/* ---- drawing */

static void limits_of(const struct parameter *parameter, char *out, size_t bytes)
{
	out[0] = '\0';
	if (parameter->kind == PARAMETER_CHOICE)
		snprintf(out, bytes, ": %s", parameter->choices);
	else if (parameter->kind != PARAMETER_TEXT)
		snprintf(out, bytes, "; %g to %g", parameter->least, parameter->most);
}

static void draw_field(const struct form *form, const struct canvas *canvas, int y, size_t field)
{
	const struct parameter *parameter = parameter_of(form, field);
	bool is_selected = field == form->selected;
	char value[FORM_VALUE_BYTES], limits[FORM_VALUE_BYTES];
	bool is_initial = strcmp(form->values[field], parameter->initial) == 0;
	text_clean(value, sizeof value, form->values[field]);
	limits_of(parameter, limits, sizeof limits);
	canvas_text(canvas, NAME_COLUMN, y, VALUE_COLUMN - NAME_COLUMN - 1, MEANING_TEXT,
		    parameter->name);
	int x = VALUE_COLUMN + canvas_print(canvas, VALUE_COLUMN, y,
					    is_initial ? MEANING_TEXT : MEANING_HEADER, "%s%s",
					    value, is_selected ? "_" : "");
	x = x < HELP_COLUMN ? HELP_COLUMN : x + 1;
	x += canvas_text(canvas, x, y, canvas->width - x, MEANING_DIM, parameter->summary);
	canvas_text(canvas, x, y, canvas->width - x, MEANING_DIM, limits);
	if (is_selected)
		canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
}

static void draw_row(const struct form *form, const struct canvas *canvas, int y, size_t row)
{
	if (row < form->n_fields) {
		draw_field(form, canvas, y, row);
		return;
	}
	canvas_print(canvas, NAME_COLUMN, y, MEANING_KEY, "[ %s ]",
		     form->actions[row - form->n_fields].text);
	if (row == form->selected)
		canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
}

static void keep_visible(struct form *form)
{
	size_t rows = form->rows > 0 ? (size_t)form->rows : 1;
	if (form->selected < form->scroll)
		form->scroll = form->selected;
	if (form->selected >= form->scroll + rows)
		form->scroll = form->selected - rows + 1;
}

/* Below the rows, where there is room, the selected one in full: narrow screens cut it above. */
static void draw_selected(const struct form *form, const struct canvas *canvas)
{
	char text[2 * FORM_VALUE_BYTES + 16], limits[FORM_VALUE_BYTES];
	int y = form->first_row + (int)n_rows(form) + 1;
	if (form->selected >= form->n_fields || y >= canvas->height - 2)
		return;
	const struct parameter *parameter = parameter_of(form, form->selected);
	limits_of(parameter, limits, sizeof limits);
	snprintf(text, sizeof text, "%s (%s at first): %s%s", parameter->name, parameter->initial,
		 parameter->summary, limits);
	struct canvas room = canvas_part(canvas, 0, y, canvas->width, canvas->height - 2 - y);
	paragraph_draw(&room, NAME_COLUMN, 0, canvas->width - 2 * NAME_COLUMN, MEANING_TEXT, text);
}

void form_draw(struct form *form, const struct canvas *canvas)
{
	static const char hint[] = "Up Down choose  letters and digits set  Left Right turn  Enter "
				   "takes  Esc leaves";
	if (form->workload)
		canvas_print(canvas, 0, 0, MEANING_HEADER, "%s: %s", form->workload->name,
			     form->workload->summary);
	else
		canvas_text(canvas, 0, 0, canvas->width, MEANING_HEADER, "The program");
	form->first_row = canvas->height > 4 ? 2 : 1;
	form->rows = canvas->height - form->first_row - (canvas->height > 4 ? 2 : 0);
	form->rows = form->rows < 0 ? 0 : form->rows;
	keep_visible(form);
	for (int row = 0; row < form->rows && form->scroll + (size_t)row < n_rows(form); row++)
		draw_row(form, canvas, form->first_row + row, form->scroll + (size_t)row);
	if (canvas->height <= 4)
		return;
	draw_selected(form, canvas);
	bool is_refused = form->message.text[0] != '\0';
	canvas_text(canvas, 0, canvas->height - 1, canvas->width,
		    is_refused ? MEANING_ERROR : MEANING_DIM,
		    is_refused ? form->message.text : hint);
}
