/*
 * symbols_dwarf: source lines and inlined functions of an address, from DWARF 2 to 5.
 *
 * dwarf_getscopes takes 20 to 400 us an address, because it walks a unit's entries each time. Here
 * a unit is walked once, at its first address, into a sorted list of functions and what is inlined
 * in each.
 */
#ifndef SAMPLER_SYMBOLS_DWARF_H
#define SAMPLER_SYMBOLS_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dwarf_lines;

/* dwarf_lines_open: NULL if the file has no debug information. The second form reads a file that is
 * open already (the descriptor stays the caller's): its name may be gone. */
struct dwarf_lines *dwarf_lines_open(const char *path);
struct dwarf_lines *dwarf_lines_open_descriptor(int fd);
void dwarf_lines_close(struct dwarf_lines *lines);

/* One function of an inline chain; strings are borrowed until dwarf_lines_close. */
struct dwarf_place {
	const char *linkage_name; /* or the plain name; NULL if it has none */
	const char *file;         /* NULL: unknown */
	uint32_t line;
};

/*
 * dwarf_lines_find: the chain at a vaddr, innermost first; place 0 has the line of the address,
 * each next one the line where the one before was inlined.
 * Returns  how many, 0 if no unit covers the address
 * Cost     5 to 20 us, plus some ms at the first address of a unit
 */
size_t dwarf_lines_find(struct dwarf_lines *lines, uint64_t vaddr, struct dwarf_place *places,
			size_t max);

/* dwarf_lines_is_walked: has this address's unit had its first, or is there no unit? */
bool dwarf_lines_is_walked(const struct dwarf_lines *lines, uint64_t vaddr);

#endif
