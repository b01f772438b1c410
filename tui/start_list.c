/*
 * One list: workloads, then recordings; below it what the selected one is. Chosen settings are
 * shown as they are typed on the command line, so that a class learns that too.
 */
#include "tui/start_list.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "tui/list_keys.h"
#include "tui/paragraph.h"
#include "tui/words.h"
#include "workloads/workload.h"

enum {
	MOST_RECORDINGS = 20, /* newest; more than fit on a screen nobody reads */
	NAME_COLUMNS = 14,
	HEAD_ROWS = 1,
	FOOT_ROWS = 1,
	LEAST_DETAIL_ROWS = 6,
};

static struct start_item *add_item(struct start_list *list)
{
	if (list->n_items == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 32;
		list->items = reallocate(list->items, list->capacity, sizeof *list->items);
	}
	struct start_item *item = &list->items[list->n_items++];
	memset(item, 0, sizeof *item);
	return item;
}

/* ---- recordings */

struct found {
	char name[START_TEXT_BYTES];
	time_t time;
	off_t bytes;
};

static int newer(const void *a, const void *b)
{
	const struct found *left = a, *right = b;
	if (left->time != right->time)
		return left->time > right->time ? -1 : 1;
	return strcmp(left->name, right->name);
}

static bool is_recording(const char *name)
{
	size_t n = strlen(name);
	return n > 6 && n < START_TEXT_BYTES && strcmp(name + n - 6, ".stoke") == 0;
}

static size_t find_recordings(const char *folder, struct found **out)
{
	size_t n = 0, capacity = 0;
	DIR *directory = opendir(folder);
	struct dirent *entry;
	*out = NULL;
	while (directory && (entry = readdir(directory))) {
		struct stat status;
		if (!is_recording(entry->d_name) ||
		    fstatat(dirfd(directory), entry->d_name, &status, 0) != 0 ||
		    !S_ISREG(status.st_mode))
			continue;
		if (n == capacity) {
			capacity = capacity ? capacity * 2 : 16;
			*out = reallocate(*out, capacity, sizeof **out);
		}
		struct found *found = &(*out)[n++];
		*found = (struct found){ .time = status.st_mtime, .bytes = status.st_size };
		snprintf(found->name, sizeof found->name, "%s", entry->d_name);
	}
	if (directory)
		closedir(directory);
	if (*out)
		qsort(*out, n, sizeof **out, newer);
	return n;
}

static void add_recordings(struct start_list *list, const char *folder)
{
	struct found *found;
	size_t n = find_recordings(folder, &found);
	for (size_t i = 0; i < n && i < MOST_RECORDINGS; i++) {
		struct start_item *item = add_item(list);
		char when[32] = "", size[TEXT_BYTES];
		struct tm local;
		if (localtime_r(&found[i].time, &local))
			strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
		snprintf(item->path, sizeof item->path, "%s", found[i].name);
		snprintf(item->detail, sizeof item->detail, "%s, %s", when,
			 text_memory(size, sizeof size, (double)found[i].bytes));
	}
	free(found);
}

static const char *name_of(const struct start_item *item)
{
	return item->workload ? item->workload->name : item->path;
}

void start_list_fill(struct start_list *list, const char *folder, const char *selected)
{
	for (const struct workload *const *workload = workloads; *workload; workload++)
		add_item(list)->workload = *workload;
	list->n_workloads = list->n_items;
	add_recordings(list, folder);
	for (size_t i = 0; selected && i < list->n_items; i++)
		if (strcmp(name_of(&list->items[i]), selected) == 0)
			list->selected = i;
}

void start_list_free(struct start_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		words_free(list->items[i].words);
	free(list->items);
	memset(list, 0, sizeof *list);
}

/* ---- keys */

static struct start_item *selected_item(const struct start_list *list)
{
	return list->selected < list->n_items ? &list->items[list->selected] : NULL;
}

static void open_form(struct start_list *list)
{
	static const struct form_action actions[] = { { "run it with these", FORM_RESTARTS },
						      { "take these, run later", FORM_APPLIES },
						      { NULL, FORM_CLOSES } };
	const struct start_item *item = selected_item(list);
	if (!item || !item->workload)
		return;
	form_open(&list->form, item->workload, item->words, actions);
	list->has_form = true;
}

static enum start_outcome form_takes(struct start_list *list, struct input input)
{
	struct start_item *item = selected_item(list);
	input.y -= HEAD_ROWS;
	enum form_outcome outcome = form_key(&list->form, &input);
	list->has_form = outcome == FORM_GOES_ON;
	if (!item || outcome == FORM_GOES_ON || outcome == FORM_CLOSES)
		return START_GOES_ON;
	words_free(item->words);
	item->words = words_copy(form_words(&list->form));
	return outcome == FORM_RESTARTS ? START_OPENS : START_GOES_ON;
}

/* The bottom line. Each can be clicked instead. */
static const struct {
	int key;
	const char *text;
} hints[] = {
	{ KEY_RETURN, " Enter run " },
	{ 'p', " p settings " },
	{ '?', " ? help " },
	{ 'q', " q leave" },
};
enum { N_HINTS = sizeof hints / sizeof hints[0] };

/* The key of the hint at a column, KEY_NONE_PRESSED beside them. */
static int hint_at(int x)
{
	for (int i = 0, end = 0; i < N_HINTS; i++) {
		end += text_width(hints[i].text);
		if (x < end)
			return hints[i].key;
	}
	return KEY_NONE_PRESSED;
}

static enum start_outcome click(struct start_list *list, const struct input *input)
{
	long row = input->y - list->first_row;
	if (row < 0 || row >= list->rows || (size_t)row + list->scroll >= list->n_items)
		return START_GOES_ON;
	bool was_selected = list->selected == (size_t)row + list->scroll;
	list->selected = (size_t)row + list->scroll;
	/* Two clicks reach everything: one chooses, the next one on the same row opens. */
	return was_selected || input->key == KEY_DOUBLE_CLICK ? START_OPENS : START_GOES_ON;
}

static bool move_key(struct start_list *list, int key)
{
	long step = list_step(key, list->rows > 1 ? list->rows - 1 : 1);
	list->selected = list_move(list->selected, step, list->n_items);
	return step != 0;
}

enum start_outcome start_list_key(struct start_list *list, struct input input)
{
	bool is_click = input.key == KEY_CLICK || input.key == KEY_DOUBLE_CLICK;
	if (list->has_form)
		return form_takes(list, input);
	if (is_click && input.y == list->height - 1)
		input = (struct input){ .key = hint_at(input.x) };
	if (list->has_help) {
		list->has_help = false;
		return START_GOES_ON;
	}
	if (move_key(list, input.key))
		return START_GOES_ON;
	switch (input.key) {
	case KEY_RETURN:
	case '\n':
		return list->n_items ? START_OPENS : START_GOES_ON;
	case KEY_CLICK:
	case KEY_DOUBLE_CLICK:
		return click(list, &input);
	case 'p':
	case 'S': /* as on the live screen */
	case KEY_SETUP_2:
		open_form(list);
		return START_GOES_ON;
	case '?':
	case KEY_HELP_1:
		list->has_help = true;
		return START_GOES_ON;
	case 'q':
	case 3: /* Ctrl-C: nothing is running that it could stop */
	case 4: /* Ctrl-D: the end of what is typed */
	case KEY_QUIT_10:
		return START_QUITS;
	default:
		return START_GOES_ON;
	}
}

/* ---- drawing */

static void keep_visible(struct start_list *list)
{
	size_t rows = list->rows > 0 ? (size_t)list->rows : 1;
	if (list->selected < list->scroll)
		list->scroll = list->selected;
	if (list->selected >= list->scroll + rows)
		list->scroll = list->selected - rows + 1;
}

static void draw_item(const struct start_list *list, const struct canvas *canvas, int y, size_t i)
{
	const struct start_item *item = &list->items[i];
	char name[START_TEXT_BYTES], settings[START_TEXT_BYTES];
	int x = 1, columns = item->workload ? NAME_COLUMNS : canvas->width / 2;
	text_clean(name, sizeof name, name_of(item));
	canvas_text(canvas, x, y, columns - 1, MEANING_HEADER, name);
	x += columns;
	if (item->words && item->words[0])
		x += canvas_print(canvas, x, y, MEANING_HEADER, "%s  ",
				  words_join(settings, sizeof settings, ' ', item->words));
	canvas_text(canvas, x, y, canvas->width - x, MEANING_TEXT,
		    item->workload ? item->workload->summary : item->detail);
	if (i == list->selected)
		canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
}

static int draw_items(struct start_list *list, const struct canvas *canvas, int y)
{
	keep_visible(list);
	list->first_row = y;
	for (int row = 0; row < list->rows; row++, y++)
		if (list->scroll + (size_t)row < list->n_items)
			draw_item(list, canvas, y, list->scroll + (size_t)row);
	return y;
}

static int draw_settings(const struct start_item *item, const struct canvas *canvas, int y)
{
	const struct parameter *parameter = item->workload->parameters;
	for (; parameter && parameter->name && y < canvas->height; parameter++, y++) {
		int x = 1 + canvas_print(canvas, 1, y, MEANING_TEXT, "%s=%s  ", parameter->name,
					 parameter->initial);
		x = x < 24 ? 24 : x;
		canvas_text(canvas, x, y, canvas->width - x, MEANING_DIM, parameter->summary);
	}
	return y;
}

/* What the selected workload teaches, and how it can be set. */
static void draw_selected(const struct start_list *list, const struct canvas *canvas)
{
	const struct start_item *item = selected_item(list);
	int y = 0;
	if (!item)
		return;
	if (!item->workload) {
		canvas_text(canvas, 1, 0, canvas->width - 1, MEANING_DIM,
			    "a recording of this folder; Enter shows it");
		return;
	}
	if (item->workload->teaches)
		y += paragraph_draw(canvas, 1, y, canvas->width - 2, MEANING_TEXT,
				    item->workload->teaches);
	draw_settings(item, canvas, y);
}

static void draw_help(const struct canvas *canvas)
{
	static const char *const lines[] = {
		"Enter, click twice   run the workload, show the recording",
		"p  S  F2             settings, in a form",
		"j k, arrows, wheel   move; g G, Home End, PgUp PgDn as well",
		"?  F1                this help",
		"q  F10               leave",
		"",
		"Any other program: `stoke run -- COMMAND`. `stoke help` lists the commands,",
		"`stoke doctor` says what can be measured here and what would change that.",
	};
	for (int i = 0; i < (int)(sizeof lines / sizeof lines[0]); i++)
		canvas_text(canvas, 1, 1 + i, canvas->width - 1, MEANING_TEXT, lines[i]);
}

static int draw_able(const struct start_list *list, const struct canvas *canvas, int y)
{
	for (int i = 0; i < START_ABLE; i++)
		if (list->able[i][0])
			canvas_text(canvas, 1, y++, canvas->width - 1, MEANING_DIM, list->able[i]);
	return y;
}

void start_list_draw(struct start_list *list, const struct canvas *canvas)
{
	canvas_clear(canvas);
	int x = canvas_text(canvas, 0, 0, canvas->width, MEANING_HEADER, " stoke ");
	canvas_text(canvas, x, 0, canvas->width - x, MEANING_DIM, list->machine);
	list->height = canvas->height;
	x = 0;
	for (int i = 0; i < N_HINTS && !list->has_form; i++)
		x += canvas_text(canvas, x, canvas->height - 1, canvas->width - x, MEANING_DIM,
				 hints[i].text);
	if (list->has_help || list->has_form) {
		struct canvas middle = canvas_part(canvas, 0, HEAD_ROWS, canvas->width,
						   canvas->height - HEAD_ROWS - FOOT_ROWS);
		if (list->has_form)
			form_draw(&list->form, &middle);
		else
			draw_help(&middle);
		return;
	}
	int y = canvas->height >= 20 ? draw_able(list, canvas, HEAD_ROWS) : HEAD_ROWS;
	int room = canvas->height - FOOT_ROWS - y;
	int detail = room / 3 < LEAST_DETAIL_ROWS ? LEAST_DETAIL_ROWS : room / 3;
	list->rows = room > detail + 3 ? room - detail - 1 : room;
	if ((size_t)list->rows > list->n_items)
		list->rows = (int)list->n_items;
	y = draw_items(list, canvas, y) + 1;
	struct canvas below =
		canvas_part(canvas, 0, y, canvas->width, canvas->height - FOOT_ROWS - y);
	draw_selected(list, &below);
}
