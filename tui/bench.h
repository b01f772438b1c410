/*
 * bench: what `stoke bench` measures, part by part. Each bench_*.c adds its ceilings.
 */
#ifndef TUI_BENCH_H
#define TUI_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "counters/ceiling_runner.h"
#include "counters/ceilings.h"
#include "counters/machine.h"

/* Many short ones: beside busy neighbours a scheduler gives slices of some 3 ms, so that some
 * repeats are whole; and 50 ms for each value are some 10 s for all. */
enum { BENCH_USUAL_REPEATS = 25 };

struct bench {
	const struct machine *machine;
	struct ceilings *ceilings;
	unsigned cpus[CPU_MASK_MOST]; /* one of each core we may use; the first n are used */
	unsigned n_cpus;
	struct cpu_mask counts; /* numbers of threads for main memory; CPU n stands for n threads */
	struct ceiling_crew crew;      /* repeats and times, the sum of what they took */
	uint64_t memory_bytes;         /* that may be used in all */
	void (*say)(const char *text); /* what comes next; NULL = nobody listens */
};

/* What to measure; zeros = as usual. */
struct bench_wish {
	const char *threads; /* "1-4,8"; NULL = 1, all, and for main memory the powers of two */
	unsigned n_repeats;
	double device_repeat_ns; /* tests are in a hurry; 0 = as usual */
};

/*
 * bench_run: measure everything. Takes some 10 s.
 * Returns  NULL and a sentence when nothing can be measured; to be freed
 */
struct ceilings *bench_run(const struct machine *machine, const struct bench_wish *wish,
			   void (*say)(const char *text), struct why *why);

/*
 * bench_device: the ceilings of the GPU that CUDA puts first. Takes some 2 s.
 * Returns  NULL and a sentence: no library of kernels, no driver, no device, nothing of it could be
 *          measured; to be freed
 */
struct ceilings *bench_device(const struct machine *machine, const struct bench_wish *wish,
			      void (*say)(const char *text), struct why *why);

/* The parts. False and a sentence: no threads or no memory. */
bool bench_compute(struct bench *bench, struct why *why);
bool bench_memory(struct bench *bench, struct why *why);
bool bench_latency(struct bench *bench, struct why *why);

/* bench_next_count: the next number of threads above n; 0 after the last. */
unsigned bench_next_count(const struct bench *bench, unsigned n);

/* bench_share: bytes of the last cache that n threads have in all. */
uint64_t bench_last_cache(const struct bench *bench, unsigned n_threads);

#endif
