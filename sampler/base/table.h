/*
 * table: append-only rows that never move. One thread writes, any number read without locks.
 *
 * Address space is reserved once and made usable in steps, so a pointer to a row stays valid for
 * the table's life. A reader sees only rows below the published count; those never change.
 */
#ifndef SAMPLER_BASE_TABLE_H
#define SAMPLER_BASE_TABLE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct table {
	unsigned char *rows;
	size_t row_bytes;
	size_t reserved_bytes, usable_bytes;
	size_t released_bytes;        /* end of what was given back */
	uint64_t n_rows;              /* written; the writer's own count */
	_Atomic uint64_t n_published; /* what readers may see */
};

/*
 * table_open: an empty table. row_bytes 1 makes a table of bytes (strings, terminal output).
 * Errors  dies when no address space is left (even 16 MiB)
 * Thread  the writer, before any reader
 */
void table_open(struct table *table, size_t row_bytes);

/* table_close: give the memory back; a zeroed or closed table is fine. */
void table_close(struct table *table);

/*
 * table_append: add n_rows rows; returns the number (id) of the first.
 * rows    NULL adds zeroed rows
 * Cost    one memcpy; a system call per 4 MiB
 * Errors  dies when the reservation or the memory is exhausted
 * Thread  the writer; readers see the rows after table_publish
 */
uint64_t table_append(struct table *table, const void *rows, uint64_t n_rows);

/*
 * table_release: give back the memory of rows below `first`, by whole pages; they read as zero from
 * then on, or as they were. Row 0 stays.
 * Thread  the writer; a reader that looks at such rows may see one half of each
 */
void table_release(struct table *table, uint64_t first);

/* table_publish: let readers see all rows written so far (store release). Writer only. */
void table_publish(struct table *table);

/* table_count: how many rows a reader may look at (load acquire). Any thread. */
uint64_t table_count(const struct table *table);

/* table_row: row `id`; the caller knows that id is below a count it has seen. */
static inline const void *table_row(const struct table *table, uint64_t id)
{
	return table->rows + id * table->row_bytes;
}

#endif
