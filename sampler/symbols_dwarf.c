/* Units by address, functions by address in a unit, inlined calls in a function. */
#include "sampler/symbols_dwarf.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/why.h"

enum {
	MOST_DEPTH = 64,       /* of nested entries; compilers stay below twenty */
	MOST_PIECES = 1 << 20, /* of a unit: LLVM's largest has some 100,000 */
};

/* A contiguous piece of a function or of an inlined call. */
struct piece {
	Dwarf_Addr start, end;
	Dwarf_Off die;  /* offset of its entry */
	uint32_t depth; /* 0 = the function itself, 1 = inlined into it, ... */
};

struct unit {
	Dwarf_Die die;
	struct piece *pieces; /* sorted by start, then depth */
	size_t n_pieces, capacity;
	bool is_walked;
};

struct unit_range {
	Dwarf_Addr start, end;
	uint32_t unit;
};

struct dwarf_lines {
	int fd;
	Elf *elf;
	Dwarf *dwarf;
	struct unit *units;
	size_t n_units;
	struct unit_range *ranges;
	size_t n_ranges, ranges_capacity;
};

static void add_range(struct dwarf_lines *lines, Dwarf_Addr start, Dwarf_Addr end, size_t unit)
{
	if (lines->n_ranges == lines->ranges_capacity) {
		lines->ranges_capacity = lines->ranges_capacity ? lines->ranges_capacity * 2 : 64;
		lines->ranges =
			reallocate(lines->ranges, lines->ranges_capacity, sizeof *lines->ranges);
	}
	lines->ranges[lines->n_ranges++] = (struct unit_range){ start, end, (uint32_t)unit };
}

static int compare_ranges(const void *a, const void *b)
{
	const struct unit_range *left = a, *right = b;
	return left->start < right->start ? -1 : left->start > right->start;
}

/* All units and where their code is. Not from .debug_aranges: clang writes none. */
static void list_units(struct dwarf_lines *lines)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;
	size_t capacity = 0;
	while (dwarf_get_units(lines->dwarf, cu, &cu, NULL, &type, &die, NULL) == 0) {
		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		if (lines->n_units == capacity) {
			capacity = capacity ? capacity * 2 : 16;
			lines->units = reallocate(lines->units, capacity, sizeof *lines->units);
		}
		lines->units[lines->n_units] = (struct unit){ .die = die };
		Dwarf_Addr base, start, end;
		for (ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &start, &end)) > 0;)
			if (start < end)
				add_range(lines, start, end, lines->n_units);
		lines->n_units++;
	}
	if (lines->n_ranges)
		qsort(lines->ranges, lines->n_ranges, sizeof *lines->ranges, compare_ranges);
}

/* Takes the descriptor over. */
static struct dwarf_lines *open_lines(int fd)
{
	struct dwarf_lines *lines = allocate(1, sizeof *lines);
	elf_version(EV_CURRENT);
	lines->fd = fd;
	/* Without ELF_C_READ_MMAP: a file cut short must not end us with SIGBUS. */
	lines->elf = lines->fd >= 0 ? elf_begin(lines->fd, ELF_C_READ, NULL) : NULL;
	lines->dwarf = lines->elf ? dwarf_begin_elf(lines->elf, DWARF_C_READ, NULL) : NULL;
	if (lines->dwarf)
		list_units(lines);
	if (lines->n_ranges > 0)
		return lines;
	dwarf_lines_close(lines);
	return NULL;
}

struct dwarf_lines *dwarf_lines_open(const char *path)
{
	return open_lines(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

struct dwarf_lines *dwarf_lines_open_descriptor(int fd)
{
	return open_lines(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

void dwarf_lines_close(struct dwarf_lines *lines)
{
	if (!lines)
		return;
	for (size_t i = 0; i < lines->n_units; i++)
		free(lines->units[i].pieces);
	free(lines->units);
	free(lines->ranges);
	if (lines->dwarf)
		dwarf_end(lines->dwarf);
	if (lines->elf)
		elf_end(lines->elf);
	if (lines->fd >= 0)
		close(lines->fd);
	free(lines);
}

static void add_pieces(struct unit *unit, Dwarf_Die *die, uint32_t depth)
{
	Dwarf_Addr base, start, end;
	for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &start, &end)) > 0;) {
		if (start >= end || unit->n_pieces >= MOST_PIECES)
			continue;
		if (unit->n_pieces == unit->capacity) {
			unit->capacity = unit->capacity ? unit->capacity * 2 : 64;
			unit->pieces =
				reallocate(unit->pieces, unit->capacity, sizeof *unit->pieces);
		}
		unit->pieces[unit->n_pieces++] =
			(struct piece){ start, end, dwarf_dieoffset(die), depth };
	}
}

/*
 * Depth first through what can hold code; types are skipped, they are most of a unit. An explicit
 * stack, since the nesting is the file's to choose.
 */
static void walk_unit(struct unit *unit)
{
	Dwarf_Die stack[MOST_DEPTH];
	uint32_t depths[MOST_DEPTH];
	int at = 0;
	unit->is_walked = true;
	if (dwarf_child(&unit->die, &stack[0]) != 0)
		return;
	depths[0] = 0;
	while (at >= 0) {
		Dwarf_Die die = stack[at];
		int tag = dwarf_tag(&die);
		bool is_function = tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
		uint32_t depth = depths[at];
		if (is_function)
			add_pieces(unit, &die, depth);
		bool may_hold = is_function || tag == DW_TAG_lexical_block ||
				tag == DW_TAG_namespace || tag == DW_TAG_module;
		if (dwarf_siblingof(&die, &stack[at]) != 0)
			at--;
		Dwarf_Die child;
		if (may_hold && at + 1 < MOST_DEPTH && dwarf_child(&die, &child) == 0) {
			stack[++at] = child;
			depths[at] = depth + is_function;
		}
	}
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *left = a, *right = b;
	if (left->depth != right->depth)
		return left->depth < right->depth ? -1 : 1;
	return left->start < right->start ? -1 : left->start > right->start;
}

static struct unit *unit_at(const struct dwarf_lines *lines, uint64_t vaddr)
{
	size_t low = 0, high = lines->n_ranges;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (lines->ranges[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || vaddr >= lines->ranges[low - 1].end)
		return NULL;
	return &lines->units[lines->ranges[low - 1].unit];
}

static struct unit *find_unit(const struct dwarf_lines *lines, uint64_t vaddr)
{
	struct unit *unit = unit_at(lines, vaddr);
	if (unit && !unit->is_walked) {
		walk_unit(unit);
		if (unit->n_pieces)
			qsort(unit->pieces, unit->n_pieces, sizeof *unit->pieces, compare_pieces);
	}
	return unit;
}

/* Pieces of one depth are sorted by start and do not overlap. */
static const struct piece *find_piece(const struct unit *unit, uint32_t depth, uint64_t vaddr)
{
	size_t low = 0, high = unit->n_pieces;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct piece *piece = &unit->pieces[middle];
		if (piece->depth < depth || (piece->depth == depth && piece->start <= vaddr))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	const struct piece *found = &unit->pieces[low - 1];
	return found->depth == depth && vaddr < found->end ? found : NULL;
}

static const char *name_of(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = NULL;
	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	return name ? name : dwarf_diename(die);
}

static void call_place(struct unit *unit, Dwarf_Die *die, struct dwarf_place *out)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file = 0, line = 0;
	Dwarf_Files *files;
	size_t n_files;
	if (dwarf_attr(die, DW_AT_call_line, &attribute))
		dwarf_formudata(&attribute, &line);
	if (dwarf_attr(die, DW_AT_call_file, &attribute))
		dwarf_formudata(&attribute, &file);
	out->line = (uint32_t)line;
	out->file = dwarf_getsrcfiles(&unit->die, &files, &n_files) == 0 && file < n_files
			    ? dwarf_filesrc(files, file, NULL, NULL)
			    : NULL;
}

static void line_place(struct unit *unit, uint64_t vaddr, struct dwarf_place *out)
{
	Dwarf_Line *line = dwarf_getsrc_die(&unit->die, vaddr);
	int number = 0;
	out->file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	if (line && dwarf_lineno(line, &number) == 0 && number > 0)
		out->line = (uint32_t)number;
}

size_t dwarf_lines_find(struct dwarf_lines *lines, uint64_t vaddr, struct dwarf_place *places,
			size_t max)
{
	Dwarf_Off chain[MOST_DEPTH];
	size_t depth = 0, n = 0;
	struct unit *unit = find_unit(lines, vaddr);
	if (!unit || max == 0)
		return 0;
	for (; depth < MOST_DEPTH; depth++) {
		const struct piece *piece = find_piece(unit, (uint32_t)depth, vaddr);
		if (!piece)
			break;
		chain[depth] = piece->die;
	}
	memset(places, 0, max * sizeof *places);
	line_place(unit, vaddr, &places[0]);
	while (depth-- > 0 && n < max) {
		Dwarf_Die die;
		if (!dwarf_offdie(lines->dwarf, chain[depth], &die))
			break;
		places[n++].linkage_name = name_of(&die);
		if (n < max && depth > 0)
			call_place(unit, &die, &places[n]);
	}
	return n ? n : 1;
}

bool dwarf_lines_is_walked(const struct dwarf_lines *lines, uint64_t vaddr)
{
	const struct unit *unit = unit_at(lines, vaddr);
	return !unit || unit->is_walked;
}
