/*
 * annotate_code: the assembly of the annotate view, alone or with the source lines that the sampled
 * instructions belong to.
 */
#ifndef TUI_ANNOTATE_CODE_H
#define TUI_ANNOTATE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/annotate_columns.h"
#include "tui/annotate_jumps.h"
#include "tui/canvas.h"
#include "tui/function_code.h"

struct function_lines;
struct recording;
struct text_file;

struct annotate_row {
	bool is_source;
	uint32_t at;         /* row of the code */
	uint32_t file, line; /* where is_source */
};

struct annotate_code {
	struct function_code code;
	struct annotate_row *rows;
	size_t n_rows, selected, top;
	uint32_t function; /* selected for */
	bool is_mixed;
	struct jump_steps steps; /* in rows as they are: of this function and mixture */
};

enum { ANNOTATE_CODE_COLUMN = 30 /* after self, with and address: rates, then code */ };

void annotate_code_update(struct annotate_code *annotate, const struct function_lines *lines,
			  const struct recording *recording, bool is_mixed);

/* annotate_code_draw: on what is below the header. text: of `file`, for source lines. */
void annotate_code_draw(struct annotate_code *annotate, const struct annotate_drawing *drawing,
			const struct text_file *text, uint32_t file);

/* annotate_code_sums: of the selected row; NULL where nothing was sampled. */
const uint64_t *annotate_code_sums(const struct annotate_code *annotate,
				   const struct function_lines *lines, bool is_self);

void annotate_code_move(struct annotate_code *annotate, long step);

/* annotate_code_hottest: to the next hottest instruction, round the end. */
void annotate_code_hottest(struct annotate_code *annotate);

/* annotate_code_address: of the instruction at a place. */
unsigned long long annotate_code_address(const struct annotate_code *annotate, size_t place);

/* annotate_code_line: of the selected row; 0 = not known. */
uint32_t annotate_code_line(const struct annotate_code *annotate, uint32_t *file);

void annotate_code_free(struct annotate_code *annotate);

#endif
