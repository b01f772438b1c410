/* Moving as in less and vim, sorting as in htop and top. */
#include "tui/list_bindings.h"

#include "tui/list.h"
#include "tui/list_keys.h"

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	struct list *list = opaque;
	(void)context;
	list_go(list, list_step(input->key, list->frame.n_rows > 1 ? list->frame.n_rows : 1));
	return REACTION_REDRAW;
}

static unsigned wheel(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	list_scroll(opaque, LIST_WHEEL_ROWS * list_step(input->key, 1));
	return REACTION_REDRAW;
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	list_click(opaque, input->x, input->y);
	return REACTION_REDRAW;
}

static unsigned sort_left(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	(void)context;
	(void)input;
	list_sort_step(opaque, -1);
	return REACTION_REDRAW;
}

static unsigned sort_right(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	(void)context;
	(void)input;
	list_sort_step(opaque, 1);
	return REACTION_REDRAW;
}

static unsigned invert(void *opaque, const struct view_context *context, const struct input *input)
{
	struct list *list = opaque;
	(void)context;
	(void)input;
	list->is_inverted = !list->is_inverted;
	list->is_changed = true;
	return REACTION_REDRAW;
}

static unsigned choose(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)opaque;
	(void)context;
	(void)input;
	return REACTION_COLUMNS;
}

const struct binding list_bindings[] = {
	{ KEY_FUNCTION_6, 'O', "F6", "sort: choose the column; show, hide and move columns; also O",
	  choose, true },
	{ '<', 0, "<", "sort by the column to the left", sort_left, false },
	{ '>', 0, ">", "sort by the column to the right", sort_right, false },
	{ 'I', 0, "I", "invert the order", invert, false },
	{ KEY_ARROW_UP, 'k', "Up k", "up", move_key, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "down", move_key, false },
	{ KEY_PAGE_UP, 'b', "PgUp b", "page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "page down", move_key, false },
	{ KEY_CONTROL_B, KEY_CONTROL_F, "Ctrl-B Ctrl-F", "page up, page down", move_key, false },
	{ KEY_CONTROL_U, KEY_CONTROL_D, "Ctrl-U Ctrl-D", "half a page up, half a page down",
	  move_key, false },
	{ KEY_START, 'g', "g", "to the first", move_key, false },
	{ KEY_FINISH, 'G', "G", "to the last", move_key, false },
	{ KEY_WHEEL_UP, 0, "wheel", "scroll up", wheel, false },
	{ KEY_WHEEL_DOWN, 0, "wheel", "scroll down", wheel, false },
	{ KEY_CLICK, 0, "click", "select; on a header: sort by it, again: invert", click, false },
	{ 0 },
};
