/*
 * key_names: keys as people write them: "x", "Ctrl-R", "Enter", "PgUp", "F5".
 */
#ifndef TUI_KEY_NAMES_H
#define TUI_KEY_NAMES_H

#include <stddef.h>

/* key_parse: KEY_NONE_PRESSED if the text names no key that can be typed. */
int key_parse(const char *text);

/* key_print: its name; returns out. */
const char *key_print(int key, char *out, size_t bytes);

#endif
