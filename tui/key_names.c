/* One table for both ways. See key_names.h. */
#include "tui/key_names.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sampler/base/text.h"
#include "tui/line_edit.h"
#include "tui/view.h"

/* The first name of a key is the one printed. */
static const struct {
	const char *name;
	int key;
} names[] = {
	{ "Enter", KEY_RETURN },
	{ "Return", KEY_RETURN },
	{ "Esc", KEY_ESCAPE },
	{ "Escape", KEY_ESCAPE },
	{ "Tab", '\t' },
	{ "Shift-Tab", KEY_BACK_TAB },
	{ "Space", ' ' },
	{ "Backspace", KEY_DELETE_BACK },
	{ "Delete", KEY_DELETE },
	{ "Insert", KEY_INSERT },
	{ "Up", KEY_ARROW_UP },
	{ "Down", KEY_ARROW_DOWN },
	{ "Left", KEY_ARROW_LEFT },
	{ "Right", KEY_ARROW_RIGHT },
	{ "PgUp", KEY_PAGE_UP },
	{ "PageUp", KEY_PAGE_UP },
	{ "PgDn", KEY_PAGE_DOWN },
	{ "PageDown", KEY_PAGE_DOWN },
	{ "Home", KEY_START },
	{ "End", KEY_FINISH },
	{ "F1", KEY_HELP_1 },
	{ "F2", KEY_SETUP_2 },
	{ "F3", KEY_FUNCTION_3 },
	{ "F4", KEY_FUNCTION_4 },
	{ "F5", KEY_FUNCTION_5 },
	{ "F6", KEY_FUNCTION_6 },
	{ "F7", KEY_FUNCTION_7 },
	{ "F8", KEY_FUNCTION_8 },
	{ "F9", KEY_FUNCTION_9 },
	{ "F10", KEY_QUIT_10 },
	{ "F11", KEY_FUNCTION_11 },
	{ "F12", KEY_FUNCTION_12 },
};

enum { N_NAMES = sizeof names / sizeof names[0] };

static int control_of(char letter)
{
	if (letter >= 'a' && letter <= 'z')
		letter = (char)(letter - 'a' + 'A');
	return letter >= 'A' && letter <= '_' ? letter & 31 : KEY_NONE_PRESSED;
}

int key_parse(const char *text)
{
	uint32_t code_point;
	for (int i = 0; i < N_NAMES; i++)
		if (strcasecmp(names[i].name, text) == 0)
			return names[i].key;
	if ((strncasecmp(text, "Ctrl-", 5) == 0 || strncasecmp(text, "Ctrl+", 5) == 0) && text[5] &&
	    !text[6])
		return control_of(text[5]);
	size_t n = text_decode(text, &code_point);
	bool is_plain = n > 0 && !text[n] && code_point >= ' ' && code_point != 0x7f &&
			code_point != 0xfffd;
	return is_plain ? (int)code_point : KEY_NONE_PRESSED;
}

const char *key_print(int key, char *out, size_t bytes)
{
	char text[5];
	for (int i = 0; i < N_NAMES; i++)
		if (names[i].key == key) {
			snprintf(out, bytes, "%s", names[i].name);
			return out;
		}
	if (key > 0 && key < ' ')
		snprintf(out, bytes, "Ctrl-%c", key + '@');
	else
		snprintf(out, bytes, "%s", line_edit_encode(key, text) ? text : "?");
	return out;
}
