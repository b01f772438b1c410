/*
 * ceiling: loops that do nothing but what is to be measured: move bytes, or wait for them. What a
 * core can compute is in fma_peak.h.
 *
 * Bytes are those the program asks for. A store to a line that is not in the cache first fetches
 * it, so main memory moves more for write, copy and triad than is counted; the loops named "-nt"
 * store past the caches and move exactly what is counted. "read-4" reads four places at once, each
 * fetched ahead: some memory controllers give more that way.
 * Sources: McCalpin, STREAM (copy, triad and the way bytes are counted); Intel Optimization
 * Manual 3.6.9 (non-temporal stores); Sattolo, "An algorithm to generate a random cyclic
 * permutation" (1986), for chases that no prefetcher follows.
 */
#ifndef KERNELS_CEILING_H
#define KERNELS_CEILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Arrays are aligned to 64 bytes, their length is a multiple of this. */
enum { CEILING_BLOCK_BYTES = 512 };

struct ceiling_stream {
	const char *name;  /* "read", "write", "copy", "triad"; "write-nt", ..., "read-4" */
	const char *width; /* of the registers: "avx512" */
	unsigned
		n_arrays; /* it works on: a for read and write, a and b for copy, a b c for triad */
	bool is_for_memory;      /* of no interest in caches */
	bool (*is_usable)(void); /* NULL = always */
	void (*run)(char *a, const char *b, const char *c, size_t bytes);
};

/* ceiling_stream_at: the loops this CPU can run, the widest of each name, in order; NULL after the
 * last. */
const struct ceiling_stream *ceiling_stream_at(size_t place);

/* ceiling_stream_find: by name; NULL if this CPU has none. */
const struct ceiling_stream *ceiling_stream_find(const char *name);

/*
 * ceiling_take: memory for the loops, touched (so it lies on this thread's node) and filled with
 * numbers near 1; large pages are asked for. NULL without memory. Freed with free().
 */
char *ceiling_take(size_t bytes);

/*
 * ceiling_chase_lay: lines of 64 bytes, each pointing to another, in one random circle.
 * Cost    one random access a line
 */
void ceiling_chase_lay(char *memory, size_t bytes);

/* ceiling_chase: follow n pointers, each known only when the last has arrived. */
char *ceiling_chase(char *at, size_t n);

/*
 * ceiling_ticks: n additions, each waiting for the last: n cycles of the core's own clock.
 * Returns  false where this is not known to be so
 */
bool ceiling_ticks(size_t n);

#endif
