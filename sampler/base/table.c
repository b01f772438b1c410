/*
 * Append-only rows in reserved address space. Reserving with PROT_NONE and opening in steps works
 * under strict overcommit too; where `ulimit -v` or a container forbids a large reservation, a
 * smaller one is tried.
 */
#include "sampler/base/table.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/base/why.h"

/* 64 GiB holds 2^31 samples: more than a day at 20 kHz. Only address space, never memory. */
#if defined(__SANITIZE_THREAD__)
static const size_t RESERVE_BYTES = (size_t)1 << 30; /* its shadow leaves little room */
#else
static const size_t RESERVE_BYTES = (size_t)64 << 30;
#endif
static const size_t RESERVE_LEAST_BYTES = (size_t)16 << 20;
static const size_t RELEASE_LEAST_BYTES = (size_t)256 << 10;
/* Small enough that fifteen tables cost little, large enough that mprotect is rare. */
static const size_t STEP_BYTES = (size_t)4 << 20;

void table_open(struct table *table, size_t row_bytes)
{
	memset(table, 0, sizeof *table);
	table->row_bytes = row_bytes;
	for (size_t bytes = RESERVE_BYTES; bytes >= RESERVE_LEAST_BYTES; bytes /= 4) {
		void *base = mmap(NULL, bytes, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (base != MAP_FAILED) {
			table->rows = base;
			table->reserved_bytes = bytes;
			return;
		}
	}
	die("no address space left for a recording's tables; raise `ulimit -v`");
}

void table_close(struct table *table)
{
	if (table->rows)
		munmap(table->rows, table->reserved_bytes);
	memset(table, 0, sizeof *table);
}

static void make_usable(struct table *table, size_t bytes)
{
	size_t target = (bytes + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
	if (target > table->reserved_bytes)
		die("a recording's table outgrew %zu MiB of reserved address space",
		    table->reserved_bytes >> 20);
	if (mprotect(table->rows, target, PROT_READ | PROT_WRITE) != 0)
		die("out of memory growing a recording's table to %zu MiB", target >> 20);
	table->usable_bytes = target;
}

uint64_t table_append(struct table *table, const void *rows, uint64_t n_rows)
{
	uint64_t first = table->n_rows;
	if (n_rows > table->reserved_bytes / table->row_bytes)
		die("a recording's table cannot take %llu rows at once",
		    (unsigned long long)n_rows);
	size_t from = first * table->row_bytes, bytes = n_rows * table->row_bytes;
	if (from + bytes > table->usable_bytes)
		make_usable(table, from + bytes);
	if (rows && bytes)
		memcpy(table->rows + from, rows, bytes);
	table->n_rows = first + n_rows;
	return first;
}

void table_release(struct table *table, uint64_t first)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t from = table->released_bytes ? table->released_bytes : page;
	size_t to = first * table->row_bytes / page * page;
	/* Fewer pages are not worth the call. */
	if (to < from + RELEASE_LEAST_BYTES || first > table->n_rows)
		return;
	if (madvise(table->rows + from, to - from, MADV_DONTNEED) == 0)
		table->released_bytes = to;
}

void table_publish(struct table *table)
{
	atomic_store_explicit(&table->n_published, table->n_rows, memory_order_release);
}

uint64_t table_count(const struct table *table)
{
	return atomic_load_explicit(&table->n_published, memory_order_acquire);
}
