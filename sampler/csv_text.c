/* Digits: 15 where they suffice, else the 17 that always do. See csv_text.h. */
#include "sampler/csv_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"

void csv_write_text(FILE *out, const char *text)
{
	uint32_t c;
	bool is_quoted = strpbrk(text, ",\"\r\n") != NULL;
	if (is_quoted)
		putc('"', out);
	for (size_t n; (n = text_decode(text, &c)) > 0; text += n) {
		if ((c < 0x20 && c != '\r' && c != '\n') || c == 0x7f || c == 0xfffd)
			fputs("\xef\xbf\xbd", out);
		else if (c == '"')
			fputs("\"\"", out);
		else
			fwrite(text, 1, n, out);
	}
	if (is_quoted)
		putc('"', out);
}

void csv_write_number(FILE *out, double value)
{
	char text[32];
	if (!isfinite(value))
		return;
	snprintf(text, sizeof text, "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof text, "%.17g", value);
	fputs(text, out);
}
