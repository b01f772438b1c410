/*
 * hadamard: y = H x for each row, H[i][j] = 1 or -1 as i & j has an even or odd number of bits, not
 * scaled. x, y (rows, n), not overlapping, n a power of two up to 2^30.
 * FLOPs   n log2(n) a row (what the fast transform takes; "definition" does n^2)
 * Bytes   8 an element
 * Error   log2(n) roundings of the row's sum of |x|; "definition" n
 * Source  Fino and Algazi, "Unified matrix treatment of the fast Walsh-Hadamard transform" (1976)
 */
#ifndef KERNELS_HADAMARD_H
#define KERNELS_HADAMARD_H

#include <stddef.h>

struct hadamard_task {
	size_t rows, n;
	const float *x;
	float *y;
};

typedef void hadamard_function(const struct hadamard_task *task);

/* hadamard_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last. */
hadamard_function *hadamard_variant(const char *name);

/* hadamard_share: the rows of one of n_shares threads. */
struct hadamard_task hadamard_share(const struct hadamard_task *whole, unsigned share,
				    unsigned n_shares);

double hadamard_flops(const struct hadamard_task *task);
double hadamard_bytes(const struct hadamard_task *task);

#endif
