/*
 * function_code: the instructions of one function with the samples at each: sampled addresses are
 * exact for the innermost frame; callers' are those of the call.
 */
#ifndef TUI_FUNCTION_CODE_H
#define TUI_FUNCTION_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "tui/code_sums.h"
#include "tui/disassemble.h"

struct function_lines;
struct recording;

struct code_weight {
	uint64_t self, with; /* as in struct function_line */
	uint32_t file, line; /* of what was sampled there; 0 = nothing was, or not known */
	bool is_sampled;     /* any event counted something there */
};

struct function_code {
	uint32_t function; /* read for */
	uint32_t shown;    /* whose code it is: a function without code of its own is inlined into
			      it; 0 = none is known */
	struct instruction *rows;
	struct code_weight *weights; /* by row */
	size_t n_rows;
	struct row_sums sums; /* by row */
	struct why why;       /* why there are none; "" = there are */
};

/* function_code_update: the function that `lines` is of, with its samples; reads the program's
 * file when it is another one. */
void function_code_update(struct function_code *code, const struct function_lines *lines,
			  const struct recording *recording);
void function_code_free(struct function_code *code);

#endif
