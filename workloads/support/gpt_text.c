/*
 * Windows of a generated text begin at a sentence, where the state of the grammar is known; so the
 * least possible loss of a window is the sum of its letters' information, exactly.
 */
#include "workloads/support/gpt_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/support/grammar.h"
#include "workloads/support/random.h"

enum { LEAST_VALIDATION = 20000 };
static const size_t MOST_FILE_BYTES = (size_t)256 << 20;

/* Letters get their places in the order of their codes. */
static void make_vocabulary(struct gpt_text *text, const unsigned char *bytes, size_t n,
			    int32_t *places)
{
	bool is_there[256] = { false };
	for (size_t i = 0; i < n; i++)
		is_there[bytes[i]] = true;
	for (int letter = 0; letter < 256; letter++)
		if (is_there[letter]) {
			places[letter] = (int32_t)text->n_vocabulary;
			text->letters[text->n_vocabulary++] = (unsigned char)letter;
		}
}

static void take_tokens(struct gpt_tokens *tokens, const unsigned char *bytes, size_t n,
			const int32_t *places)
{
	tokens->n = n;
	tokens->tokens = allocate(n, sizeof *tokens->tokens);
	for (size_t i = 0; i < n; i++)
		tokens->tokens[i] = places[bytes[i]];
}

static void find_starts(struct gpt_tokens *tokens, const struct grammar_text *from)
{
	tokens->starts = allocate(from->n, sizeof *tokens->starts);
	for (size_t i = 0; i < from->n; i++)
		if (from->bytes[i] == '\n')
			tokens->starts[tokens->n_starts++] = i;
}

static void take_grammar(struct gpt_tokens *tokens, struct grammar_text *from,
			 const int32_t *places)
{
	take_tokens(tokens, from->bytes, from->n, places);
	find_starts(tokens, from);
	tokens->information = from->information;
	from->information = NULL;
	grammar_free(from);
}

void gpt_text_generate(struct gpt_text *text, size_t n, uint64_t seed)
{
	struct grammar_text train, validation;
	int32_t places[256] = { 0 };
	size_t n_asked = n / 10 > LEAST_VALIDATION ? n / 10 : LEAST_VALIDATION;
	memset(text, 0, sizeof *text);
	grammar_make(&train, n, seed);
	grammar_make(&validation, n_asked, seed + (UINT64_C(1) << 52));
	/* 20,000 letters of this grammar hold each of them many times. */
	make_vocabulary(text, validation.bytes, validation.n, places);
	take_grammar(&text->train, &train, places);
	take_grammar(&text->validation, &validation, places);
}

/* The bytes are the caller's to free, also on failure. */
static bool read_file(const char *path, unsigned char **bytes, size_t *n, struct why *why)
{
	FILE *file = fopen(path, "rb");
	size_t room = 65536;
	if (!file)
		return why_fail(why, "Cannot read text=%s: %s.", path, strerror(errno));
	*bytes = allocate(room, 1);
	*n = 0;
	for (size_t got = 1; got > 0 && *n <= MOST_FILE_BYTES;) {
		if (*n == room)
			*bytes = reallocate(*bytes, room *= 2, 1);
		got = fread(*bytes + *n, 1, room - *n, file);
		*n += got;
	}
	bool has_failed = ferror(file) != 0;
	int error = errno;
	fclose(file);
	if (has_failed)
		return why_fail(why, "Cannot read text=%s: %s.", path, strerror(error));
	return *n <= MOST_FILE_BYTES ||
	       why_fail(why, "text=%s is longer than 256 MiB; give a part of it.", path);
}

bool gpt_text_read(struct gpt_text *text, const char *path, size_t length, struct why *why)
{
	unsigned char *bytes = NULL;
	size_t n = 0;
	int32_t places[256] = { 0 };
	memset(text, 0, sizeof *text);
	bool is_good = read_file(path, &bytes, &n, why);
	if (is_good && n / 10 <= length + 1)
		is_good = why_fail(why,
				   "text=%s has %zu bytes; ten windows need more than %zu: give a "
				   "longer text or a smaller length=.",
				   path, n, 10 * (length + 2));
	if (is_good) {
		make_vocabulary(text, bytes, n, places);
		take_tokens(&text->train, bytes, n - n / 10, places);
		take_tokens(&text->validation, bytes + n - n / 10, n / 10, places);
	}
	free(bytes);
	return is_good;
}

static void tokens_free(struct gpt_tokens *tokens)
{
	free(tokens->tokens);
	free(tokens->information);
	free(tokens->starts);
	memset(tokens, 0, sizeof *tokens);
}

void gpt_text_free(struct gpt_text *text)
{
	tokens_free(&text->train);
	tokens_free(&text->validation);
}

/* The last place where a window of length + 1 still fits. */
static size_t last_place(const struct gpt_tokens *tokens, size_t length)
{
	return tokens->n - length - 1;
}

/* How many starts leave room for a window; they are in order. */
static size_t count_starts(const struct gpt_tokens *tokens, size_t length)
{
	size_t n = tokens->n_starts;
	while (n > 0 && tokens->starts[n - 1] > last_place(tokens, length))
		n--;
	return n;
}

size_t gpt_text_draw(const struct gpt_tokens *tokens, size_t length, struct random *random)
{
	size_t n = count_starts(tokens, length);
	return n > 0 ? tokens->starts[random_bits(random) % n]
		     : random_bits(random) % (last_place(tokens, length) + 1);
}

size_t gpt_text_window(const struct gpt_tokens *tokens, size_t length, size_t which, size_t n)
{
	size_t n_starts = count_starts(tokens, length);
	return n_starts > 0 ? tokens->starts[n_starts * which / n]
			    : (last_place(tokens, length) + 1) * which / n;
}
