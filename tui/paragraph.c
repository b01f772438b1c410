/* Wrapping. See paragraph.h. */
#include "tui/paragraph.h"

#include <string.h>

#include "sampler/base/text.h"

int paragraph_draw(const struct canvas *canvas, int x, int y, int columns, enum meaning meaning,
		   const char *text)
{
	int rows = 0;
	columns = columns < 8 ? 8 : columns;
	while (*text) {
		size_t n = text_fit(text, columns, NULL), cut = n;
		if (text[n] != '\0') {
			while (cut > 0 && text[cut] != ' ')
				cut--;
			cut = cut ? cut : n;
		}
		char line[1024];
		cut = cut < sizeof line ? cut : sizeof line - 1;
		if (cut == 0)
			break;
		memcpy(line, text, cut);
		line[cut] = '\0';
		canvas_text(canvas, x, y + rows, columns, meaning, line);
		text += cut;
		text += strspn(text, " ");
		rows++;
	}
	return rows;
}
