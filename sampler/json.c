/* JSON, a byte at a time into stdio's buffer without its lock: a stream has one writer. */
#include "sampler/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"

static void separate(struct json *json)
{
	if (json->needs_comma)
		putc_unlocked(',', json->out);
	json->needs_comma = true;
}

void json_open(struct json *json, char bracket)
{
	separate(json);
	putc_unlocked(bracket, json->out);
	json->needs_comma = false;
}

void json_close(struct json *json, char bracket)
{
	putc_unlocked(bracket, json->out);
	json->needs_comma = true;
}

void json_line(struct json *json, bool is_document_end)
{
	json->needs_comma = json->needs_comma && !is_document_end;
	putc_unlocked('\n', json->out);
}

void json_key(struct json *json, const char *key)
{
	json_string(json, key);
	putc_unlocked(':', json->out);
	json->needs_comma = false;
}

static bool is_escaped(const struct json *json, uint32_t c)
{
	return c < 0x20 || c == '"' || c == '\\' || c == 0x7f ||
	       (json->is_in_html && (c == '<' || c == '>' || c == '&'));
}

void json_string(struct json *json, const char *text)
{
	separate(json);
	putc_unlocked('"', json->out);
	uint32_t c;
	for (size_t n; (n = text_decode(text, &c)) > 0; text += n) {
		if (is_escaped(json, c))
			fprintf(json->out, "\\u%04x", c);
		else if (c == 0xfffd)
			fputs("\xef\xbf\xbd", json->out);
		else
			fwrite_unlocked(text, 1, n, json->out);
	}
	putc_unlocked('"', json->out);
}

void json_unsigned(struct json *json, uint64_t value)
{
	char digits[20]; /* 2^64 has 20 */
	size_t at = sizeof digits;
	separate(json);
	do {
		digits[--at] = (char)('0' + value % 10);
	} while ((value /= 10) > 0);
	fwrite_unlocked(digits + at, 1, sizeof digits - at, json->out);
}

void json_number(struct json *json, double value)
{
	char text[32];
	if (!isfinite(value)) {
		json_literal(json, "null");
		return;
	}
	/* The shorter form where it says the same. */
	snprintf(text, sizeof text, "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof text, "%.17g", value);
	json_literal(json, text);
}

void json_literal(struct json *json, const char *literal)
{
	separate(json);
	fputs_unlocked(literal, json->out);
}
