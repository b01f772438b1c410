/*
 * The call frame interpreter, run only up to the address asked for. It keeps what a stack walk
 * needs: the CFA, the return address and the frame pointer. Whatever else is saved is of no use to
 * the next frame, except to rules that libunwind gets anyway.
 */
#include "sampler/cfi.h"

#include <dwarf.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/cfi_entry.h"

enum {
	MOST_REMEMBERED = 16,       /* gcc nests one deep, two with shrink-wrapping */
	ARM_NEGATE_RA_STATE = 0x2d, /* the same code is GNU_window_save elsewhere */
	HEADER_BYTES = 12,          /* of .eh_frame_hdr with the usual encodings */
};

struct indexed {
	uint64_t start, end, offset;
	bool is_debug_frame;
};

struct cfi_table {
	uint16_t machine;
	struct cfi_section eh_frame, debug_frame;
	struct elf_bytes header; /* .eh_frame_hdr, if usable */
	uint32_t n_header;
	struct indexed *index; /* of what the header does not have */
	size_t n_index;
	bool is_indexed;
};

/* ---- which function covers an address */

static bool use_header(struct cfi_table *table, struct elf_image *image)
{
	if (!elf_image_section(image, ".eh_frame_hdr", &table->header) ||
	    table->header.n_bytes < HEADER_BYTES)
		return false;
	const uint8_t *bytes = table->header.bytes;
	/* Linkers write version 1, a four-byte count and pairs of offsets from the header. */
	if (bytes[0] != 1 || bytes[2] != DW_EH_PE_udata4 ||
	    bytes[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return false;
	memcpy(&table->n_header, bytes + 8, 4);
	return table->n_header > 0 && table->n_header <= (table->header.n_bytes - HEADER_BYTES) / 8;
}

/* 0 for machines whose tables are not read. */
static unsigned frame_register_of(uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:
		return CFI_X86_FRAME_POINTER;
	case EM_AARCH64:
		return CFI_ARM_FRAME_POINTER;
	case EM_RISCV:
		return CFI_RISCV_FRAME_POINTER;
	default:
		return 0;
	}
}

struct cfi_table *cfi_table_new(struct elf_image *image)
{
	struct cfi_table *table = allocate(1, sizeof *table);
	table->machine = elf_image_machine(image);
	table->debug_frame.is_debug_frame = true;
	bool has_eh = elf_image_section(image, ".eh_frame", &table->eh_frame.bytes);
	bool has_debug = elf_image_section(image, ".debug_frame", &table->debug_frame.bytes);
	if (frame_register_of(table->machine) == 0 || (!has_eh && !has_debug)) {
		cfi_table_free(table);
		return NULL;
	}
	if (!has_eh || !use_header(table, image))
		table->n_header = 0;
	return table;
}

void cfi_table_free(struct cfi_table *table)
{
	if (!table)
		return;
	free(table->index);
	free(table);
}

static void add_section(struct cfi_table *table, const struct cfi_section *section,
			size_t *capacity)
{
	uint64_t offset = 0, at = 0;
	bool is_function;
	struct cfi_function_entry entry;
	while (cfi_entry_next(section, &offset, &is_function, &entry)) {
		if (is_function) {
			if (table->n_index == *capacity) {
				*capacity = *capacity ? *capacity * 2 : 256;
				table->index =
					reallocate(table->index, *capacity, sizeof *table->index);
			}
			table->index[table->n_index++] =
				(struct indexed){ entry.start, entry.end, at,
						  section->is_debug_frame };
		}
		at = offset;
	}
}

static int compare_indexed(const void *a, const void *b)
{
	const struct indexed *left = a, *right = b;
	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	/* .eh_frame first: it is what the program itself unwinds with. */
	return left->is_debug_frame - right->is_debug_frame;
}

static void build_index(struct cfi_table *table)
{
	size_t capacity = 0;
	table->is_indexed = true;
	if (table->n_header == 0 && table->eh_frame.bytes.bytes)
		add_section(table, &table->eh_frame, &capacity);
	if (table->debug_frame.bytes.bytes)
		add_section(table, &table->debug_frame, &capacity);
	if (table->n_index)
		qsort(table->index, table->n_index, sizeof *table->index, compare_indexed);
}

static int32_t header_value(const struct cfi_table *table, size_t i, size_t which)
{
	int32_t value;
	memcpy(&value, table->header.bytes + HEADER_BYTES + i * 8 + which * 4, 4);
	return value;
}

static bool find_in_header(const struct cfi_table *table, uint64_t vaddr,
			   struct cfi_function_entry *out)
{
	int64_t key = (int64_t)(vaddr - table->header.vaddr);
	size_t low = 0, high = table->n_header;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (header_value(table, middle, 0) <= key)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	uint64_t entry = table->header.vaddr + (uint64_t)(int64_t)header_value(table, low - 1, 1);
	uint64_t offset = entry - table->eh_frame.bytes.vaddr;
	return cfi_entry_at(&table->eh_frame, offset, out) && vaddr >= out->start &&
	       vaddr < out->end;
}

static bool find_in_index(struct cfi_table *table, uint64_t vaddr, struct cfi_function_entry *out)
{
	if (!table->is_indexed)
		build_index(table);
	size_t low = 0, high = table->n_index;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (table->index[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	/* Equal starts (both sections) and a few overlapping entries: look back a little. */
	for (size_t i = low; i-- > 0 && low - i <= 4;) {
		const struct indexed *found = &table->index[i];
		if (vaddr < found->end)
			return cfi_entry_at(found->is_debug_frame ? &table->debug_frame
								  : &table->eh_frame,
					    found->offset, out);
	}
	return false;
}

static bool find_entry(struct cfi_table *table, uint64_t vaddr, struct cfi_function_entry *out)
{
	return (table->n_header && find_in_header(table, vaddr, out)) ||
	       find_in_index(table, vaddr, out);
}

bool cfi_function(struct cfi_table *table, uint64_t vaddr, uint64_t *start, uint64_t *end)
{
	struct cfi_function_entry entry;
	if (!find_entry(table, vaddr, &entry))
		return false;
	*start = entry.start;
	*end = entry.end;
	return true;
}

/* ---- the interpreter */

struct saved {
	uint8_t how; /* enum cfi_saved */
	int64_t offset;
};

struct row {
	uint8_t cfa; /* CFI_REGISTER, CFI_DEREFERENCE, CFI_PLT, CFI_UNSUPPORTED */
	uint64_t cfa_register;
	int64_t cfa_offset;
	struct saved return_address, frame_pointer;
	bool is_end, is_strange; /* the return address is undefined / computed */
};

struct machine_state {
	const struct cfi_common *common;
	uint64_t location, frame_register;
	struct row row, initial, remembered[MOST_REMEMBERED];
	unsigned n_remembered;
	bool is_bad;
};

/* breg7 8, breg16 0, lit15, and, lit10 or lit11, ge, lit3, shl, plus: what linkers write for lazy
 * binding stubs. */
static bool is_plt(const uint8_t *bytes, uint64_t n)
{
	return n == 11 && bytes[0] == DW_OP_breg7 && bytes[1] == 8 && bytes[2] == DW_OP_breg16 &&
	       bytes[3] == 0 && bytes[4] == DW_OP_lit15 && bytes[5] == DW_OP_and &&
	       bytes[6] >= DW_OP_lit0 && bytes[6] <= DW_OP_lit15 && bytes[7] == DW_OP_ge &&
	       bytes[8] == DW_OP_lit3 && bytes[9] == DW_OP_shl && bytes[10] == DW_OP_plus;
}

/* A single "register + offset", perhaps followed by one dereference. */
static bool is_based(struct cfi_cursor expression, uint64_t *base, int64_t *offset,
		     bool *is_dereferenced)
{
	uint8_t operation = (uint8_t)cfi_unsigned(&expression, 1);
	if (operation < DW_OP_breg0 || operation > DW_OP_breg31)
		return false;
	*base = operation - DW_OP_breg0;
	*offset = cfi_sleb(&expression);
	*is_dereferenced = expression.at < expression.end && *expression.at == DW_OP_deref;
	return !expression.is_short && expression.at + *is_dereferenced == expression.end;
}

static struct cfi_cursor take_block(struct cfi_cursor *cursor)
{
	uint64_t length = cfi_uleb(cursor);
	struct cfi_cursor block = *cursor;
	cfi_skip(cursor, length);
	block.end = cursor->at;
	return block;
}

static void define_cfa_by_expression(struct row *row, struct cfi_cursor block)
{
	uint64_t base;
	int64_t offset;
	bool is_dereferenced;
	row->cfa = CFI_UNSUPPORTED;
	if (is_plt(block.at, (uint64_t)(block.end - block.at))) {
		row->cfa = CFI_PLT;
		row->cfa_register = block.at[6] - DW_OP_lit0;
		row->cfa_offset = 8;
	} else if (is_based(block, &base, &offset, &is_dereferenced)) {
		row->cfa = is_dereferenced ? CFI_DEREFERENCE : CFI_REGISTER;
		row->cfa_register = base;
		row->cfa_offset = offset;
	}
}

/* Where a register the walk cares about is kept; NULL for all others. */
static struct saved *saved_of(struct machine_state *state, uint64_t number)
{
	if (number == state->common->return_register)
		return &state->row.return_address;
	return number == state->frame_register ? &state->row.frame_pointer : NULL;
}

static void set_saved(struct machine_state *state, uint64_t number, uint8_t how, int64_t offset)
{
	struct saved *saved = saved_of(state, number);
	if (!saved)
		return;
	if (saved == &state->row.return_address) {
		state->row.is_end = false;
		state->row.is_strange = how == CFI_LOST || how == CFI_AT_FRAME_POINTER;
	}
	*saved = (struct saved){ how, offset };
}

static void set_undefined(struct machine_state *state, uint64_t number)
{
	set_saved(state, number, CFI_LOST, 0);
	if (number == state->common->return_register) {
		state->row.is_end = true;
		state->row.is_strange = false;
	}
}

static void save_by_expression(struct machine_state *state, struct cfi_cursor *cursor)
{
	uint64_t number = cfi_uleb(cursor);
	struct cfi_cursor block = take_block(cursor);
	uint64_t base;
	int64_t offset = 0;
	bool is_dereferenced;
	bool is_simple = is_based(block, &base, &offset, &is_dereferenced) && !is_dereferenced &&
			 base == state->frame_register;
	set_saved(state, number, is_simple ? CFI_AT_FRAME_POINTER : CFI_LOST, offset);
}

static void restore(struct machine_state *state, uint64_t number)
{
	struct saved *saved = saved_of(state, number);
	if (!saved)
		return;
	bool is_return = saved == &state->row.return_address;
	*saved = is_return ? state->initial.return_address : state->initial.frame_pointer;
	if (is_return) {
		state->row.is_end = state->initial.is_end;
		state->row.is_strange = state->initial.is_strange;
	}
}

static void remember(struct machine_state *state)
{
	if (state->n_remembered == MOST_REMEMBERED)
		state->is_bad = true;
	else
		state->remembered[state->n_remembered++] = state->row;
}

static void recall(struct machine_state *state)
{
	if (state->n_remembered == 0)
		state->is_bad = true;
	else
		state->row = state->remembered[--state->n_remembered];
}

static void define_cfa(struct row *row, uint64_t number, int64_t offset)
{
	row->cfa = CFI_REGISTER;
	row->cfa_register = number;
	row->cfa_offset = offset;
}

/* Instructions that change where registers are kept. */
static void run_register(struct machine_state *state, struct cfi_cursor *cursor, uint8_t operation)
{
	int64_t factor = state->common->data_alignment;
	uint64_t number;
	switch (operation) {
	case DW_CFA_offset_extended:
		number = cfi_uleb(cursor);
		set_saved(state, number, CFI_AT_CFA, (int64_t)cfi_uleb(cursor) * factor);
		break;
	case DW_CFA_offset_extended_sf:
		number = cfi_uleb(cursor);
		set_saved(state, number, CFI_AT_CFA, cfi_sleb(cursor) * factor);
		break;
	case DW_CFA_GNU_negative_offset_extended:
		number = cfi_uleb(cursor);
		set_saved(state, number, CFI_AT_CFA, -(int64_t)cfi_uleb(cursor) * factor);
		break;
	case DW_CFA_restore_extended:
		restore(state, cfi_uleb(cursor));
		break;
	case DW_CFA_undefined:
		set_undefined(state, cfi_uleb(cursor));
		break;
	case DW_CFA_same_value:
		set_saved(state, cfi_uleb(cursor), CFI_SAME, 0);
		break;
	case DW_CFA_register:
	case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf:
		set_saved(state, cfi_uleb(cursor), CFI_LOST, 0);
		cfi_uleb(cursor);
		break;
	case DW_CFA_expression:
		save_by_expression(state, cursor);
		break;
	case DW_CFA_val_expression:
		set_saved(state, cfi_uleb(cursor), CFI_LOST, 0);
		take_block(cursor);
		break;
	default:
		state->is_bad = true;
	}
}

static bool run_cfa(struct machine_state *state, struct cfi_cursor *cursor, uint8_t operation)
{
	int64_t factor = state->common->data_alignment;
	uint64_t number;
	switch (operation) {
	case DW_CFA_def_cfa:
		number = cfi_uleb(cursor);
		define_cfa(&state->row, number, (int64_t)cfi_uleb(cursor));
		return true;
	case DW_CFA_def_cfa_sf:
		number = cfi_uleb(cursor);
		define_cfa(&state->row, number, cfi_sleb(cursor) * factor);
		return true;
	case DW_CFA_def_cfa_register:
		state->row.cfa_register = cfi_uleb(cursor);
		return true;
	case DW_CFA_def_cfa_offset:
		state->row.cfa_offset = (int64_t)cfi_uleb(cursor);
		return true;
	case DW_CFA_def_cfa_offset_sf:
		state->row.cfa_offset = cfi_sleb(cursor) * factor;
		return true;
	case DW_CFA_def_cfa_expression:
		define_cfa_by_expression(&state->row, take_block(cursor));
		return true;
	default:
		return false;
	}
}

static bool run_other(struct machine_state *state, struct cfi_cursor *cursor, uint8_t operation)
{
	switch (operation) {
	case DW_CFA_nop:
	case ARM_NEGATE_RA_STATE: /* the walk strips signatures from every return address */
		return true;
	case DW_CFA_remember_state:
		remember(state);
		return true;
	case DW_CFA_restore_state:
		recall(state);
		return true;
	case DW_CFA_GNU_args_size:
		cfi_uleb(cursor);
		return true;
	default:
		return false;
	}
}

/* False when the instruction moves the location past the address asked for. */
static bool advance(struct machine_state *state, uint64_t delta, uint64_t vaddr)
{
	uint64_t location = state->location + delta * state->common->code_alignment;
	if (location > vaddr || location < state->location)
		return false;
	state->location = location;
	return true;
}

static bool is_advance(struct cfi_cursor *cursor, uint8_t operation, uint64_t *delta)
{
	switch (operation) {
	case DW_CFA_advance_loc1:
		*delta = cfi_unsigned(cursor, 1);
		return true;
	case DW_CFA_advance_loc2:
		*delta = cfi_unsigned(cursor, 2);
		return true;
	case DW_CFA_advance_loc4:
		*delta = cfi_unsigned(cursor, 4);
		return true;
	default:
		*delta = operation & 0x3f;
		return (operation & 0xc0) == DW_CFA_advance_loc;
	}
}

static void run(struct machine_state *state, struct cfi_cursor cursor, uint64_t vaddr)
{
	uint64_t delta;
	while (cursor.at < cursor.end && !cursor.is_short && !state->is_bad) {
		uint8_t operation = *cursor.at++;
		uint64_t low = operation & 0x3f;
		if (is_advance(&cursor, operation, &delta)) {
			if (!advance(state, delta, vaddr))
				return;
		} else if ((operation & 0xc0) == DW_CFA_offset) {
			set_saved(state, low, CFI_AT_CFA,
				  (int64_t)cfi_uleb(&cursor) * state->common->data_alignment);
		} else if ((operation & 0xc0) == DW_CFA_restore) {
			restore(state, low);
		} else if (!run_cfa(state, &cursor, operation) &&
			   !run_other(state, &cursor, operation)) {
			run_register(state, &cursor, operation);
		}
	}
	state->is_bad |= cursor.is_short;
}

static bool fits(int64_t value)
{
	return value >= INT32_MIN && value <= INT32_MAX;
}

static struct cfi_rule rule_of(const struct machine_state *state)
{
	const struct row *row = &state->row;
	struct cfi_rule rule = {
		.cfa = row->cfa,
		.cfa_register = (uint8_t)row->cfa_register,
		.cfa_offset = (int32_t)row->cfa_offset,
		.return_saved = row->return_address.how,
		.return_offset = (int32_t)row->return_address.offset,
		.frame_saved = row->frame_pointer.how,
		.frame_offset = (int32_t)row->frame_pointer.offset,
	};
	if (state->common->is_signal)
		rule.cfa = CFI_SIGNAL;
	else if (row->is_end)
		rule.cfa = CFI_END;
	else if (state->is_bad || row->is_strange || row->cfa_register > 31 ||
		 !fits(row->cfa_offset) || !fits(row->return_address.offset) ||
		 !fits(row->frame_pointer.offset))
		rule.cfa = CFI_UNSUPPORTED;
	return rule;
}

bool cfi_find(struct cfi_table *table, uint64_t vaddr, struct cfi_rule *rule)
{
	struct cfi_function_entry entry;
	memset(rule, 0, sizeof *rule);
	if (!find_entry(table, vaddr, &entry))
		return false;
	struct machine_state state = {
		.common = &entry.common,
		.location = entry.start,
		.frame_register = frame_register_of(table->machine),
		.row = { .cfa = CFI_UNSUPPORTED },
	};
	run(&state, entry.common.instructions, UINT64_MAX);
	state.location = entry.start;
	state.initial = state.row;
	run(&state, entry.instructions, vaddr);
	*rule = rule_of(&state);
	return true;
}
