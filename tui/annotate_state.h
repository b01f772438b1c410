/*
 * annotate_state: what the annotate view's parts share: view_annotate.c takes in and answers keys,
 * annotate_table.c makes a list of lines or instructions, annotate_draw.c draws it.
 */
#ifndef TUI_ANNOTATE_STATE_H
#define TUI_ANNOTATE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "tui/annotate_code.h"
#include "tui/annotate_columns.h"
#include "tui/function_lines.h"
#include "tui/list.h"
#include "tui/text_file.h"
#include "tui/view.h"

enum { ANNOTATE_HEADER_ROWS = 3, ANNOTATE_LINE_BYTES = 1024 };

enum annotate_mode { ANNOTATE_SOURCE, ANNOTATE_ASSEMBLY, ANNOTATE_BOTH, N_ANNOTATE_MODES };

/* Ids of the list's columns; those of annotate_columns.h come behind. */
enum {
	ANNOTATE_SELF,
	ANNOTATE_WITH,
	ANNOTATE_PLACE, /* line or address */
	ANNOTATE_TEXT,
};

struct annotate_state {
	struct function_lines lines;
	struct annotate_code code;
	struct annotate_columns columns;
	enum annotate_mode mode;
	struct list list; /* of lines or instructions, as they come or by any column */
	struct text_file text;
	struct why why;                 /* why there is no text */
	uint32_t file, shown;           /* strings: the file with most of the time; the file read */
	uint32_t function;              /* selected for */
	uint32_t first_line, last_line; /* of the source */
	uint32_t wanted_line;           /* to be selected in another mode; 0 = the hottest */
	bool wants_line;
	uint64_t elsewhere; /* weight in other files, without a line, or far from the hottest */
	int width, height;
	bool has_text, must_draw;
};

/* What the list is lent. */
struct annotate_lent {
	const struct annotate_state *state;
	const struct view_context *context;
};

/* annotate_show: the list as it is now. annotate_sorts: by something else than its place. */
void annotate_show(struct annotate_state *state, const struct view_context *context);
bool annotate_sorts(const struct annotate_state *state);

/* annotate_row: the selected one; only where the list is not empty. annotate_select: a row,
 * wherever the list shows it; it is brought into the middle if it was not on the screen. */
size_t annotate_row(const struct annotate_state *state);
void annotate_select(struct annotate_state *state, size_t row);

/* annotate_line_at: what was sampled in a line of the file shown; NULL = nothing.
 * annotate_line_of: the line of a row of source. */
const struct function_line *annotate_line_at(const struct annotate_state *state, uint32_t line);
uint32_t annotate_line_of(const struct annotate_state *state, size_t row);

/* annotate_sums: of a row; NULL where nothing was sampled. annotate_is_found: by the search. */
const uint64_t *annotate_sums(const struct annotate_state *state, size_t row);
bool annotate_is_found(const struct annotate_state *state, const struct view_context *context,
		       size_t row);

void annotate_draw(const void *opaque, const struct view_context *context,
		   const struct canvas *canvas);

#endif
