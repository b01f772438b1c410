/*
 * roofline: how fast work could be done at most, by what was measured here: its operations at the
 * arithmetic ceiling, its bytes at the bandwidth of where they come from, whichever takes longer.
 * What it takes beyond that is lost.
 *
 * Where the bytes come from is not told with them. Main memory is taken first; work that is
 * faster than main memory allows has had its bytes from a cache, so the next nearer level bounds
 * it. Sources: Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model
 * for Multicore Architectures", CACM 52(4), 2009; Ilic, Pratas and Sousa, "Cache-aware Roofline
 * Model", IEEE Computer Architecture Letters 13(1), 2014.
 */
#ifndef COUNTERS_ROOFLINE_H
#define COUNTERS_ROOFLINE_H

#include <stddef.h>
#include <stdint.h>

struct ceiling;
struct ceilings;

enum { ROOFLINE_MEMORY, ROOFLINE_L4, ROOFLINE_L3, ROOFLINE_L2, ROOFLINE_L1, N_ROOFLINE_LEVELS };

/* The ceilings of one type of numbers and a number of threads; NULL = not measured. Borrowed. */
struct roofline {
	const struct ceiling *compute;
	const struct ceiling *levels[N_ROOFLINE_LEVELS]; /* farthest first */
};

enum roofline_bound {
	BOUND_UNKNOWN, /* no ceiling, or work that nobody stated */
	BOUND_COMPUTE,
	BOUND_MEMORY, /* of a level */
	BOUND_BEATEN, /* faster than every ceiling: they were measured too low, or not for this */
};

/* NaN = unknown. */
struct roofline_work {
	double seconds, flops, bytes;
};

struct roofline_verdict {
	enum roofline_bound bound;
	int level;             /* BOUND_MEMORY */
	double least_seconds;  /* that the ceilings allow; NaN = unknown */
	double lost_seconds;   /* beyond them, never negative; NaN = unknown */
	double attained_ratio; /* least of what it took; above 1 when beaten; NaN = unknown */
};

/*
 * roofline_make: type is "f32", "f64", "bf16" or "int8"; ceilings of the next lower number of
 * threads where there are none for so many. ceilings may be NULL: nothing is known then.
 */
void roofline_make(struct roofline *roofline, const struct ceilings *ceilings, const char *type,
		   uint32_t n_threads);

/* roofline_type_of: the type of numbers that a phase's or kernel's name tells, else "f32". */
const char *roofline_type_of(const char *name);

/* roofline_level_name: "DRAM", "L3", ... */
const char *roofline_level_name(int level);

/* roofline_intensity: FLOPs a byte; NaN without bytes. */
double roofline_intensity(const struct roofline_work *work);

/* roofline_ridge: the intensity from which on arithmetic bounds; NaN if one of both is unknown. */
double roofline_ridge(const struct roofline *roofline, int level);

/* roofline_attainable: FLOP/s at an intensity under a level's roof; NaN if unknown. */
double roofline_attainable(const struct roofline *roofline, int level, double intensity);

void roofline_judge(const struct roofline *roofline, const struct roofline_work *work,
		    struct roofline_verdict *verdict);

#endif
