/* Arrays of strings. See words.h. */
#include "tui/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"

size_t words_count(char *const *words)
{
	size_t n = 0;
	while (words && words[n])
		n++;
	return n;
}

char **words_copy(char *const *words)
{
	size_t n = words_count(words);
	char **copy = allocate(n + 1, sizeof *copy);
	for (size_t i = 0; i < n; i++) {
		size_t bytes = strlen(words[i]) + 1;
		copy[i] = allocate(bytes, 1);
		memcpy(copy[i], words[i], bytes);
	}
	return copy;
}

void words_free(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
}

char *words_join(char *out, size_t bytes, char between, char *const *words)
{
	size_t n = 0;
	out[0] = '\0';
	for (; words && *words && n < bytes; words++) {
		if (n > 0 && n + 1 < bytes)
			out[n++] = between;
		n += (size_t)snprintf(out + n, bytes - n, "%s", *words);
	}
	return out;
}

char **words_split(const char *text, char between)
{
	size_t n = 0, most = strlen(text) / 2 + 1;
	char **words = allocate(most + 1, sizeof *words);
	while (*text) {
		const char *end = strchr(text, between);
		size_t length = end ? (size_t)(end - text) : strlen(text);
		if (length > 0) {
			words[n] = allocate(length + 1, 1);
			memcpy(words[n++], text, length);
		}
		text += length + (end != NULL);
	}
	return words;
}
