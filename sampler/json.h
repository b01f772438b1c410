/*
 * json: JSON written as it comes, straight to a stream; nothing is held in memory. Commas are the
 * writer's business, balance is the caller's.
 *
 * Text may be any bytes: control characters are escaped and what is not UTF-8 becomes U+FFFD, so
 * the output is valid whatever a program calls its functions. A number that is not finite is null.
 * Errors stay in the stream (ferror).
 * Source  RFC 8259
 */
#ifndef SAMPLER_JSON_H
#define SAMPLER_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Zeroed but for `out`, ready to write one value. */
struct json {
	FILE *out;
	bool is_in_html;  /* < > & are escaped too: text can end no element it is in */
	bool needs_comma; /* private */
};

void json_open(struct json *json, char bracket);  /* '{' or '[' */
void json_close(struct json *json, char bracket); /* '}' or ']' */
void json_key(struct json *json, const char *key);
/* json_line: end of line; where values are separate documents (JSON Lines), that is the comma. */
void json_line(struct json *json, bool is_document_end);

void json_string(struct json *json, const char *text);
void json_unsigned(struct json *json, uint64_t value);
void json_number(struct json *json, double value);
void json_literal(struct json *json, const char *literal); /* "true", "false", "null" */

/* Key and value in one. */
static inline void json_string_at(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_string(json, text);
}

static inline void json_unsigned_at(struct json *json, const char *key, uint64_t value)
{
	json_key(json, key);
	json_unsigned(json, value);
}

static inline void json_number_at(struct json *json, const char *key, double value)
{
	json_key(json, key);
	json_number(json, value);
}

#endif
