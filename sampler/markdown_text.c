/* Names go into code spans, where nothing is markup and nobody is called by @name. */
#include "sampler/markdown_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "sampler/base/text.h"

enum { MOST_NAME_COLUMNS = 120 };

static size_t longest_run(const char *text, char of)
{
	size_t longest = 0;
	for (; *text; text++) {
		size_t n = 0;
		while (text[n] == of)
			n++;
		longest = n > longest ? n : longest;
		text += n ? n - 1 : 0;
	}
	return longest;
}

void markdown_plain(FILE *out, const char *text, size_t bytes)
{
	uint32_t c;
	const char *end = text + bytes;
	for (size_t n; text < end && (n = text_decode(text, &c)) > 0; text += n) {
		if (c == '|')
			fputs("\\|", out); /* ends a cell, even in code */
		else if (c == '\n' || c == '\r' || c == '\t')
			putc(' ', out);
		else if (c < 0x20 || c == 0x7f || c == 0xfffd)
			fputs("\xef\xbf\xbd", out);
		else
			fwrite(text, 1, n, out);
	}
}

/* `text`, in as many backticks as it needs. */
void markdown_code(FILE *out, const char *text)
{
	size_t n_ticks = longest_run(text, '`') + 1,
	       bytes = text_fit(text, MOST_NAME_COLUMNS, NULL);
	if (!*text) {
		fputs(TEXT_UNKNOWN, out);
		return;
	}
	/* A blank on both sides is taken off again; names may begin with a backtick or a blank. */
	bool is_padded = strchr("` ", text[0]) || strchr("` ", text[bytes - 1]);
	for (size_t i = 0; i < n_ticks; i++)
		putc('`', out);
	fputs(is_padded ? " " : "", out);
	markdown_plain(out, text, bytes);
	fputs(is_padded ? " " : "", out);
	for (size_t i = 0; i < n_ticks; i++)
		putc('`', out);
	fputs(text[bytes] ? "\xe2\x80\xa6" : "", out);
}

/* A sentence of ours, which may hold words of others: all its marks are escaped. */
void markdown_sentence(FILE *out, const char *text)
{
	uint32_t c;
	for (size_t n; (n = text_decode(text, &c)) > 0; text += n) {
		if (c < 0x80 && strchr("\\`*_{}[]<>#|~!&$", (int)c))
			putc('\\', out);
		if (c == '|')
			putc('|', out);
		else
			markdown_plain(out, text, n);
		if (c == '@') /* an empty comment keeps it from calling somebody */
			fputs("<!-- -->", out);
	}
}
