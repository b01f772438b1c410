/* One table of keys for all lists. See list_keys.h. */
#include "tui/list_keys.h"

#include "tui/view.h"

long list_step(int key, long page)
{
	switch (key) {
	case KEY_ARROW_UP:
	case KEY_WHEEL_UP:
	case 'k':
		return -1;
	case KEY_ARROW_DOWN:
	case KEY_WHEEL_DOWN:
	case 'j':
		return 1;
	case KEY_PAGE_UP:
	case 'b':
	case KEY_CONTROL_B:
		return -page;
	case KEY_PAGE_DOWN:
	case 'f':
	case KEY_CONTROL_F:
		return page;
	case KEY_CONTROL_U:
		return page > 1 ? -(page / 2) : -1;
	case KEY_CONTROL_D:
		return page > 1 ? page / 2 : 1;
	case KEY_START:
	case 'g':
		return -LIST_EVERYTHING;
	case KEY_FINISH:
	case 'G':
		return LIST_EVERYTHING;
	default:
		return 0;
	}
}

size_t list_move(size_t at, long step, size_t n)
{
	long to = (long)at + step, last = (long)n - 1;
	to = to > last ? last : to;
	return to < 0 ? 0 : (size_t)to;
}
