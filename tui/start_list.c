/* One list: workloads, then recordings; start_draw.c draws it. */
#include "tui/start_list.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "tui/keymap.h"
#include "tui/list_bindings.h"
#include "tui/words.h"
#include "workloads/workload.h"

enum {
	MOST_RECORDINGS = 20, /* newest; more than fit on a screen nobody reads */
	HEAD_ROWS = 1,
};

enum { COLUMN_NAME, COLUMN_WHAT, COLUMN_CHANGED, COLUMN_SIZE };

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
		item->changed = found[i].time;
		item->bytes = (double)found[i].bytes;
		snprintf(item->path, sizeof item->path, "%s", found[i].name);
	}
	free(found);
}

static const char *name_of(const struct start_item *item)
{
	return item->workload ? item->workload->name : item->path;
}

/* ---- the list */

static const struct start_item *item_at(const void *of, size_t row)
{
	const struct start_list *list = of;
	return &list->items[list->shown[row]];
}

static uint64_t identity_of(const void *of, size_t row)
{
	return ((const struct start_list *)of)->shown[row];
}

static double value_of(const void *of, size_t row, int column)
{
	const struct start_item *item = item_at(of, row);
	if (item->workload)
		return NAN;
	return column == COLUMN_SIZE ? item->bytes : (double)item->changed;
}

static const char *text_of(const void *of, size_t row, int column)
{
	const struct start_item *item = item_at(of, row);
	if (column == COLUMN_NAME)
		return name_of(item);
	return item->workload ? item->workload->summary : "";
}

/* Recordings stay below workloads. */
static unsigned group_of(const void *of, size_t row)
{
	return item_at(of, row)->workload == NULL;
}

/* Workloads have short names; those of files may take a fifth, and lose their middles. */
static int name_cells(const struct start_list *list, int width)
{
	int most = 12, limit = width / 5 > 12 ? width / 5 : 12;
	for (size_t i = list->n_workloads; i < list->n_items; i++) {
		int cells = text_width(list->items[i].path);
		most = cells > most ? cells : most;
	}
	return most < limit ? most : limit;
}

void start_list_show(struct start_list *list, const struct list_frame *frame)
{
	struct list_column columns[] = {
		{ "name", "name", "", COLUMN_NAME, name_cells(list, frame->width), 0, LIST_TEXT },
		{ "what", "what it is", "", COLUMN_WHAT, 62, 0, LIST_TEXT | LIST_FILLS },
		{ "changed", "recorded", "", COLUMN_CHANGED, 16, 1, 0 },
		{ "size", "size", "", COLUMN_SIZE, 9, 2, 0 },
	};
	struct list_rows rows = { .of = list,
				  .n = list->n_shown,
				  .identity = identity_of,
				  .value = value_of,
				  .text = text_of,
				  .group = group_of };
	bool has_recordings = list->n_items > list->n_workloads;
	list_update(&list->list, &rows, columns, has_recordings ? 4 : 2, frame);
}

static bool is_found(const struct start_item *item, const regex_t *pattern)
{
	const struct workload *workload = item->workload;
	return regexec(pattern, name_of(item), 0, NULL, 0) == 0 ||
	       (workload &&
		(regexec(pattern, workload->summary, 0, NULL, 0) == 0 ||
		 (workload->teaches && regexec(pattern, workload->teaches, 0, NULL, 0) == 0)));
}

/* What matches, whichever case; a pattern that is none yet changes nothing. */
static void filter(struct start_list *list, const char *text)
{
	regex_t pattern;
	const struct list_frame frame = list->list.frame;
	if (*text && regcomp(&pattern, text, REG_EXTENDED | REG_NOSUB | REG_ICASE) != 0)
		return;
	snprintf(list->kept, sizeof list->kept, "%s", text);
	list->n_shown = 0;
	for (size_t i = 0; i < list->n_items; i++)
		if (!*text || is_found(&list->items[i], &pattern))
			list->shown[list->n_shown++] = i;
	if (*text)
		regfree(&pattern);
	start_list_show(list, &frame);
}

void start_list_fill(struct start_list *list, const char *folder, const char *selected)
{
	for (const struct workload *const *workload = workloads; *workload; workload++)
		add_item(list)->workload = *workload;
	list->n_workloads = list->n_items;
	add_recordings(list, folder);
	list->shown = allocate(list->n_items + 1, sizeof *list->shown);
	list->list.frame = (struct list_frame){ 80, -1, 0, 24 }; /* until it is drawn */
	filter(list, "");
	for (size_t i = 0; selected && i < list->n_items; i++)
		if (strcmp(name_of(&list->items[i]), selected) == 0)
			list_select(&list->list, i);
}

void start_list_free(struct start_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		words_free(list->items[i].words);
	free(list->items);
	free(list->shown);
	list_free(&list->list);
	memset(list, 0, sizeof *list);
}

struct start_item *start_list_selected(const struct start_list *list)
{
	return list->list.n ? &list->items[list->shown[list_row(&list->list)]] : NULL;
}

/* ---- keys; a state is the whole list */

static enum start_outcome form_takes(struct start_list *list, struct input input)
{
	struct start_item *item = start_list_selected(list);
	input.y -= HEAD_ROWS;
	enum form_outcome outcome = form_key(&list->form, &input);
	list->has_form = outcome == FORM_GOES_ON;
	if (!item || outcome == FORM_GOES_ON || outcome == FORM_CLOSES)
		return START_GOES_ON;
	words_free(item->words);
	item->words = words_copy(form_words(&list->form));
	return outcome == FORM_RESTARTS ? START_OPENS : START_GOES_ON;
}

static void type_filter(struct start_list *list, int key)
{
	enum line_outcome outcome = line_edit_key(&list->filter, key);
	list->is_typing = outcome == LINE_GOES_ON;
	filter(list, outcome == LINE_LEFT ? "" : list->filter.text);
}

static unsigned open_item(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	struct start_list *list = opaque;
	(void)context;
	if (input->key == KEY_DOUBLE_CLICK) {
		list_click(&list->list, input->x, input->y);
		return list->list.has_hit_row ? REACTION_TO_FLAME : REACTION_REDRAW;
	}
	return start_list_selected(list) ? REACTION_TO_FLAME : REACTION_REDRAW;
}

static unsigned open_form(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	static const struct form_action actions[] = { { "run it with these", FORM_RESTARTS },
						      { "take these, run later", FORM_APPLIES },
						      { NULL, FORM_CLOSES } };
	struct start_list *list = opaque;
	const struct start_item *item = start_list_selected(list);
	(void)context;
	(void)input;
	if (!item || !item->workload)
		return REACTION_REDRAW;
	form_open(&list->form, item->workload, item->words, actions);
	list->has_form = true;
	return REACTION_REDRAW;
}

static unsigned ask_filter(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct start_list *list = opaque;
	(void)context;
	(void)input;
	line_edit_begin(&list->filter);
	list->is_typing = true;
	return REACTION_REDRAW;
}

static unsigned clear(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	filter(opaque, "");
	return REACTION_REDRAW;
}

static unsigned sort(void *opaque, const struct view_context *context, const struct input *input)
{
	struct start_list *list = opaque;
	(void)context;
	(void)input;
	list_sort_step(&list->list, 1);
	return REACTION_REDRAW;
}

static unsigned help(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	((struct start_list *)opaque)->has_help = true;
	return REACTION_REDRAW;
}

static unsigned leave(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)opaque;
	(void)context;
	(void)input;
	return REACTION_QUIT;
}

/* Two clicks reach everything: one chooses, the next one on the same row opens. */
static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct start_list *list = opaque;
	size_t before = list->list.selected;
	(void)context;
	list_click(&list->list, input->x, input->y);
	return list->list.has_hit_row && before == list->list.selected ? REACTION_TO_FLAME
								       : REACTION_REDRAW;
}

const struct binding start_bindings[] = {
	{ KEY_RETURN, '\n', "Enter",
	  "run: the workload, or show the recording; also a second click", open_item, true },
	{ 'p', 'S', "p", "settings: in a form; also S and F2", open_form, true },
	{ KEY_SETUP_2, 0, "F2", "settings", open_form, false },
	{ '/', KEY_FUNCTION_4, "/", "search: keep only what matches, also in what it teaches",
	  ask_filter, true },
	{ KEY_ESCAPE, 0, "Esc", "all again", clear, false },
	{ KEY_FUNCTION_6, 'O', "F6", "sort: by the next column", sort, true },
	{ '?', KEY_HELP_1, "?", "help", help, true },
	{ 'q', KEY_QUIT_10, "q", "quit", leave, true },
	/* Nothing is running that Ctrl-C could stop; Ctrl-D is the end of what is typed. */
	{ KEY_CONTROL_C, KEY_CONTROL_D, "Ctrl-C", "quit", leave, false },
	{ KEY_CLICK, 0, "click", "select, again: open; on a header: sort by it, again: invert",
	  click, false },
	{ KEY_DOUBLE_CLICK, 0, "double click", "open", open_item, false },
	{ 0 },
};

const struct view start_as_view = { .name = "start", .bindings = start_bindings };

static unsigned act(struct start_list *list, const struct binding *binding, void *state,
		    const struct input *input)
{
	const struct view_context none = { 0 };
	if (!binding)
		return REACTION_NONE;
	unsigned reaction = binding->act(state, &none, input);
	if (list->list.is_changed) { /* sorted, or moved */
		const struct list_frame frame = list->list.frame;
		start_list_show(list, &frame);
	}
	return reaction;
}

/* The screen's own keys before those of all lists, of which it has no chooser of columns. What
 * people mapped comes first; what they mapped to an action of other views means what it did. */
static unsigned press(struct start_list *list, struct input input)
{
	const struct keymap_row *row =
		list->keymap ? keymap_find(list->keymap, &start_as_view, input.key) : NULL;
	if (row && !row->action[0])
		return REACTION_NONE;
	const struct binding *own = row ? keymap_binding(start_bindings, row->action) : NULL;
	const struct binding *moves = row ? keymap_binding(list_bindings + 1, row->action) : NULL;
	if (!own && !moves) {
		own = keymap_usual(start_bindings, input.key);
		moves = keymap_usual(list_bindings + 1, input.key);
	} else { /* as if its own key were pressed: one function moves by several keys */
		input.key = own ? own->key : moves->key;
	}
	unsigned reaction = act(list, own, list, &input);
	return reaction != REACTION_NONE ? reaction : act(list, moves, &list->list, &input);
}

enum start_outcome start_list_key(struct start_list *list, struct input input)
{
	bool is_click = input.key == KEY_CLICK || input.key == KEY_DOUBLE_CLICK;
	unsigned reaction;
	if (list->has_form)
		return form_takes(list, input);
	if (list->is_typing && !is_click) {
		type_filter(list, input.key);
		return START_GOES_ON;
	}
	if (list->has_help && (!is_click || input.y < list->height - 1)) {
		list->has_help = false;
		return START_GOES_ON;
	}
	if (is_click && input.y == list->height - 1) {
		const struct binding *hint = start_hint_at(list, input.x);
		list->has_help = false;
		input.key = hint ? hint->key : KEY_NONE_PRESSED;
		reaction = act(list, hint, list, &input);
	} else {
		reaction = press(list, input);
	}
	return reaction & REACTION_QUIT       ? START_QUITS
	       : reaction & REACTION_TO_FLAME ? START_OPENS
					      : START_GOES_ON;
}
