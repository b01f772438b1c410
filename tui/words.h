/*
 * words: NULL-terminated arrays of strings that own what they hold.
 */
#ifndef TUI_WORDS_H
#define TUI_WORDS_H

#include <stddef.h>

/* words_copy: of NULL: an empty array. Freed by words_free (NULL allowed). */
char **words_copy(char *const *words);
void words_free(char **words);

size_t words_count(char *const *words);

/* words_join: "a b c" with `between` between them, cut to the bytes there are. Returns out. */
char *words_join(char *out, size_t bytes, char between, char *const *words);

/* words_split: the parts of a text between (one or more of) the character. */
char **words_split(const char *text, char between);

#endif
