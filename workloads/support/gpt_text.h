/*
 * gpt_text: what a language model reads: a file, or sentences of a grammar whose entropy is known.
 */
#ifndef WORKLOADS_SUPPORT_GPT_TEXT_H
#define WORKLOADS_SUPPORT_GPT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct random;

/* A text as places in the vocabulary. */
struct gpt_tokens {
	size_t n;
	int32_t *tokens;
	float *information; /* nats of each, where known; NULL for a file */
	size_t *starts;     /* where a window may begin: newlines; n_starts = 0: anywhere */
	size_t n_starts;
};

struct gpt_text {
	struct gpt_tokens train, validation;
	size_t n_vocabulary;
	unsigned char letters[256]; /* by token */
};

/* gpt_text_generate: n bytes to learn from and n / 10 (at least 20,000) to be asked about. */
void gpt_text_generate(struct gpt_text *text, size_t n, uint64_t seed);

/*
 * gpt_text_read: nine tenths of a file to learn from, the last tenth to be asked about; its bytes
 * are the vocabulary.
 * Errors  it cannot be read, is longer than 256 MiB, or its last tenth holds no window of `length`
 */
bool gpt_text_read(struct gpt_text *text, const char *path, size_t length, struct why *why);

void gpt_text_free(struct gpt_text *text);

/*
 * gpt_text_window: where a window of length + 1 tokens begins: drawn, or number `which` of those
 * spread over the text.
 */
size_t gpt_text_draw(const struct gpt_tokens *tokens, size_t length, struct random *random);
size_t gpt_text_window(const struct gpt_tokens *tokens, size_t length, size_t which, size_t n);

#endif
