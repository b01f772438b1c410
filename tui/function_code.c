/* The code comes from the file that ran, if it still is that file: its build-id says so. */
#include "tui/function_code.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/elf_image.h"
#include "sampler/recording.h"
#include "tui/function_lines.h"

enum {
	MOST_CODE_BYTES = 256 << 10, /* longer functions are generated, and nobody reads them */
	MOST_INLINED = 64,
};

static bool is_same(const struct recording *recording, uint32_t a, uint32_t b)
{
	const struct function_row *left = recording_function(recording, a),
				  *right = recording_function(recording, b);
	return left->name == right->name && left->module == right->module;
}

/* The real function around a frame's location, if `wanted` is inlined in it; else 0. */
static uint32_t outer_of(const struct recording *recording, const struct location_row *location,
			 uint32_t wanted)
{
	uint32_t at = location->inlined_into, outer = location->function;
	bool is_found = at && is_same(recording, outer, wanted);
	for (int depth = 0; at && depth < MOST_INLINED; depth++) {
		const struct inline_row *row = recording_inline(recording, at);
		outer = row->function;
		at = row->inlined_into;
		is_found |= at && is_same(recording, outer, wanted);
	}
	return is_found ? outer : 0;
}

/* Where most of the samples of an inlined function are. */
static uint32_t find_outer(const struct recording *recording, const struct function_lines *lines)
{
	uint64_t n_locations = recording_moment(recording).n[TABLE_LOCATIONS], most = 0;
	uint32_t best = 0;
	for (uint64_t i = 1; i < lines->n_weights; i++) {
		uint32_t frame = recording_stack(recording, i)->frame;
		if (lines->weights[i] <= most || frame >= n_locations)
			continue;
		uint32_t outer =
			outer_of(recording, recording_location(recording, frame), lines->function);
		best = outer ? outer : best;
		most = outer ? lines->weights[i] : most;
	}
	return best;
}

/* The row with the code: equal names of a module may have rows without, of inlined copies. */
static const struct function_row *find_code(const struct recording *recording, uint32_t function)
{
	const struct function_row *wanted = recording_function(recording, function);
	uint64_t n = recording_moment(recording).n[TABLE_FUNCTIONS];
	if (wanted->size_bytes)
		return wanted;
	for (uint64_t i = 1; i < n; i++) {
		const struct function_row *row = recording_function(recording, i);
		if (row->name == wanted->name && row->module == wanted->module && row->size_bytes)
			return row;
	}
	return NULL;
}

static bool check_build(const struct recording *recording, const struct module_row *module,
			struct elf_image *image, struct why *why)
{
	const char *then = recording_string_at(recording, module->build_id);
	const char *now = elf_image_build_id(image);
	char clean[200];
	return !*then || strcmp(then, now) == 0 ||
	       why_fail(why,
			"There is no assembly: %s is not the file that ran (another build-id).",
			text_clean(clean, sizeof clean, elf_image_path(image)));
}

static bool read_code(struct function_code *code, const struct recording *recording,
		      const struct function_row *row, struct elf_image *image)
{
	const struct module_row *module = recording_module(recording, row->module);
	uint8_t *bytes = allocate(row->size_bytes, 1);
	bool is_good = check_build(recording, module, image, &code->why);
	if (is_good && !elf_image_read_vaddr(image, row->address, bytes, row->size_bytes))
		is_good = why_fail(&code->why, "There is no assembly: the file does not hold the "
					       "function's code.");
	struct disassembly disassembly = { 0 };
	if (is_good)
		is_good = disassemble(bytes, row->size_bytes, row->address,
				      elf_image_machine(image), &disassembly, &code->why);
	code->rows = disassembly.rows;
	code->n_rows = disassembly.n;
	free(bytes);
	return is_good;
}

static void read_function(struct function_code *code, const struct function_lines *lines,
			  const struct recording *recording)
{
	const struct function_row *row = find_code(recording, code->function);
	code->shown = code->function;
	if (!row) {
		code->shown = find_outer(recording, lines);
		row = code->shown ? find_code(recording, code->shown) : NULL;
	}
	uint32_t kind = row ? recording_module(recording, row->module)->kind : MODULE_SPECIAL;
	if (!row) {
		why_fail(&code->why, "There is no assembly: the function has no code of its own "
				     "in the recording.");
		return;
	}
	if (kind != MODULE_FILE) {
		why_fail(&code->why, "There is no assembly: the code is in no file (kernel, JIT).");
		return;
	}
	if (row->size_bytes > MOST_CODE_BYTES) {
		why_fail(&code->why, "There is no assembly: the function is longer than 256 KiB.");
		return;
	}
	const char *path =
		recording_string_at(recording, recording_module(recording, row->module)->path);
	struct elf_image *image = elf_image_open(path, &code->why);
	if (!image)
		return;
	if (read_code(code, recording, row, image)) {
		code->why.text[0] = '\0';
		code->weights = allocate(code->n_rows + 1, sizeof *code->weights);
	}
	elf_image_close(image);
}

/* The row that holds an address; NULL outside. */
static struct code_weight *weight_at(struct function_code *code, uint64_t address)
{
	size_t low = 0, high = code->n_rows;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (code->rows[middle].address + code->rows[middle].size_bytes <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < code->n_rows && code->rows[low].address <= address ? &code->weights[low]
									: NULL;
}

/* As function_lines does it: sums by a backward loop, the outermost call by a forward one. */
static void weigh(struct function_code *code, const struct function_lines *lines,
		  const struct recording *recording)
{
	uint64_t n = lines->n_weights;
	uint32_t module = recording_function(recording, code->function)->module;
	uint64_t n_locations = recording_moment(recording).n[TABLE_LOCATIONS];
	uint64_t *totals = allocate(n + 1, sizeof *totals);
	bool *is_inside = allocate(n + 1, sizeof *is_inside);
	memset(code->weights, 0, code->n_rows * sizeof *code->weights);
	row_sums_free(&code->sums);
	memcpy(totals, lines->weights, n * sizeof *totals);
	for (uint64_t i = n; i-- > 1;)
		totals[recording_stack(recording, i)->parent] += totals[i];
	for (uint64_t i = 1; i < n; i++) {
		const struct stack_row *stack = recording_stack(recording, i);
		const struct frame_row *frame = recording_frame(recording, stack->frame);
		is_inside[i] = is_inside[stack->parent];
		struct code_weight *weight =
			frame->module == module && !(frame->flags & FRAME_NAMED) &&
					(totals[i] || code_sums_any(&lines->sums, i))
				? weight_at(code, frame->address)
				: NULL;
		if (!weight)
			continue;
		weight->is_sampled = true;
		weight->self += lines->weights[i];
		weight->with += is_inside[i] ? 0 : totals[i];
		row_sums_add(&code->sums, &lines->sums, (size_t)(weight - code->weights), i, true,
			     !is_inside[i]);
		is_inside[i] = true;
		if (stack->frame < n_locations) {
			weight->file = recording_location(recording, stack->frame)->file;
			weight->line = recording_location(recording, stack->frame)->line;
		}
	}
	free(totals);
	free(is_inside);
}

void function_code_update(struct function_code *code, const struct function_lines *lines,
			  const struct recording *recording)
{
	if (code->function != lines->function) {
		function_code_free(code);
		code->function = lines->function;
		if (!lines->function)
			return;
		read_function(code, lines, recording);
	}
	if (code->weights)
		weigh(code, lines, recording);
}

void function_code_free(struct function_code *code)
{
	row_sums_free(&code->sums);
	free(code->rows);
	free(code->weights);
	code->rows = NULL;
	code->weights = NULL;
	*code = (struct function_code){ 0 };
}
