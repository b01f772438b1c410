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
	size_t n_rows, selected;
	uint32_t function; /* selected for */
	bool is_mixed;
	bool is_sorted;          /* rows are shown in another order: arrows would lead astray */
	struct jump_steps steps; /* in rows as they are: of this function and mixture */
};

/* annotate_code_update: true if the rows are others than before: the hottest is selected then. */
bool annotate_code_update(struct annotate_code *annotate, const struct function_lines *lines,
			  const struct recording *recording, bool is_mixed);

/* annotate_code_draw: the instruction of a row, with the arrows of jumps, in its cell.
 * annotate_code_draw_source: a row of source. text: of `file`. */
void annotate_code_draw(const struct annotate_code *annotate, size_t row, enum meaning meaning,
			const struct canvas *cell);
void annotate_code_draw_source(const struct annotate_code *annotate, size_t row,
			       const struct recording *recording, const struct text_file *text,
			       uint32_t file, const struct canvas *cell);

/* annotate_code_weight: of a row; NULL where it is source. annotate_code_sums: NULL where nothing
 * was sampled. */
const struct code_weight *annotate_code_weight(const struct annotate_code *annotate, size_t row);
const uint64_t *annotate_code_sums(const struct annotate_code *annotate, size_t row,
				   const struct function_lines *lines, bool is_self);

/* annotate_code_select_hottest: the hottest of all. annotate_code_hottest: the next hottest, round
 * the end. */
void annotate_code_select_hottest(struct annotate_code *annotate);
void annotate_code_hottest(struct annotate_code *annotate);

/* annotate_code_address: of the instruction at a place. */
unsigned long long annotate_code_address(const struct annotate_code *annotate, size_t place);

/* annotate_code_line: of the selected row; 0 = not known. annotate_code_find: select the hottest
 * instruction of a line; false if there is none. */
uint32_t annotate_code_line(const struct annotate_code *annotate, uint32_t *file);
bool annotate_code_find(struct annotate_code *annotate, uint32_t file, uint32_t line);

void annotate_code_free(struct annotate_code *annotate);

#endif
