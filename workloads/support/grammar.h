/*
 * grammar: English-looking sentences from a small random automaton, so that it is known exactly how
 * well anybody could guess the next letter.
 *
 * In each state the automaton draws one of some words and goes on to that word's state. No word of
 * a state begins another, so the letters alone tell the state; the information of a letter is the
 * logarithm of a ratio of sums of word probabilities, and nothing is left to estimate.
 * Source  Shannon, "A mathematical theory of communication" (1948), sections 2 to 7
 */
#ifndef WORKLOADS_SUPPORT_GRAMMAR_H
#define WORKLOADS_SUPPORT_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sentences end with a newline; the text begins with one and then a sentence. */
struct grammar_text {
	size_t n;
	unsigned char *bytes;
	float *information; /* nats of each byte for one who knows the grammar and all before it */
};

/* grammar_make: at least n bytes, up to the end of a sentence. */
void grammar_make(struct grammar_text *text, size_t n, uint64_t seed);
void grammar_free(struct grammar_text *text);

/* grammar_entropy: nats a byte in the long run: the least mean loss of any model. */
double grammar_entropy(void);

/* grammar_is_decodable: does no word of a state begin another of it, and do probabilities sum to
 * 1? For the tests. */
bool grammar_is_decodable(void);

#endif
