/* Escaping for XML and HTML. See markup.h. */
#include "sampler/markup.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "sampler/base/text.h"

static bool is_allowed(uint32_t c)
{
	return (c >= 0x20 || c == '\t' || c == '\n') && c != 0x7f && c != 0xfffd && c != 0xfffe &&
	       c != 0xffff;
}

static const char *escape(uint32_t c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return is_allowed(c) ? NULL : "\xef\xbf\xbd";
	}
}

void markup_text_n(FILE *out, const char *text, size_t bytes)
{
	uint32_t c;
	const char *end = text + bytes;
	for (size_t n; text < end && (n = text_decode(text, &c)) > 0; text += n) {
		const char *escaped = escape(c);
		if (escaped)
			fputs(escaped, out);
		else
			fwrite(text, 1, n, out);
	}
}

void markup_text(FILE *out, const char *text)
{
	markup_text_n(out, text, strlen(text));
}
