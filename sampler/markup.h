/*
 * markup: text inside XML and HTML.
 */
#ifndef SAMPLER_MARKUP_H
#define SAMPLER_MARKUP_H

#include <stdio.h>

/*
 * markup_text: text as character data or as an attribute's value in quotes. Any bytes are fine:
 * what XML 1.0 does not allow, escaped or not, becomes U+FFFD.
 * Source  XML 1.0, 2.2 Characters
 */
void markup_text(FILE *out, const char *text);

/* markup_text_n: the first `bytes` bytes of it (cut at a character's start by the caller). */
void markup_text_n(FILE *out, const char *text, size_t bytes);

#endif
