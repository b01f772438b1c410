/*
 * ceilings: the most this machine was seen to do: FLOPs, bytes from each level, and how long a
 * level takes to answer. Measured by `stoke bench`, kept in a file per machine, and carried inside
 * recordings.
 *
 * Names: "clock" (Hz); "fma.f32-avx512" (FLOP/s; "fma.int8-..." OP/s); "read.L1", "triad.L3",
 * "copy-nt.DRAM",
 * "read-4.DRAM" (B/s, bytes the program asks for); "latency.4096" (ns, of a pointer chase over so
 * many bytes). A value is the best of the repeats, as in STREAM: others can only make it worse.
 *
 * A GPU has ceilings of its own, under names that mean the same: "copy.DRAM" and "copy.L2" (bytes
 * read and written), "fma.f32-cuda", "fma.bf16-wgmma" (tensor cores); its threads are its
 * multiprocessors.
 */
#ifndef COUNTERS_CEILINGS_H
#define COUNTERS_CEILINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct recording;

struct ceiling {
	char name[32];
	char unit[12];      /* "Hz", "FLOP/s", "OP/s", "B/s", "ns" */
	uint32_t n_threads; /* each on a core of its own */
	uint32_t n_repeats;
	uint64_t set_bytes;  /* touched by each thread; 0 = registers only */
	double best, median; /* over the repeats */
	char reason[160];    /* when best is NaN: why it was not measured */
};

/* More than this between best and median, and a value is called noisy. Quiet machines stay below
 * 2 % here; two busy neighbours make 10 %. */
#define CEILING_NOISY_RATIO 0.05

/* Of a device's name, and of what tells it from others of that name ("GPU-..."). */
enum { CEILINGS_NAME_BYTES = 96, CEILINGS_UUID_BYTES = 48, CEILINGS_MOST_DEVICES = 16 };

struct ceilings {
	uint64_t machine;                                            /* machine_identity() */
	char device[CEILINGS_NAME_BYTES], uuid[CEILINGS_UUID_BYTES]; /* of a GPU; "" = the CPUs */
	int64_t epoch_s;                                             /* when */
	double lost_ratio;   /* share of the time other programs had our CPUs; NaN = unknown */
	double stolen_ratio; /* share the hypervisor took; NaN = unknown */
	struct ceiling *rows;
	size_t n;
};

struct ceilings *ceilings_new(uint64_t machine);
void ceilings_free(struct ceilings *ceilings);

/* ceilings_add: a copy; a row of the same name and threads is replaced. */
void ceilings_add(struct ceilings *ceilings, const struct ceiling *row);

/* ceilings_find: NULL if there is none. */
const struct ceiling *ceilings_find(const struct ceilings *ceilings, const char *name,
				    uint32_t n_threads);

/*
 * ceilings_peak: the highest value among names that start with `prefix` ("fma.f32-", "read.DRAM")
 * at so many threads; without that number, at the next lower one there is.
 * Returns  NULL if nothing was measured
 */
const struct ceiling *ceilings_peak(const struct ceilings *ceilings, const char *prefix,
				    uint32_t n_threads);

/*
 * ceilings_bandwidth: the most bytes a second that any loop got from a level ("L2", "DRAM"), with
 * at most so many threads: where fewer get more, as on a memory that one can fill or beside other
 * programs, who has many may leave some idle. NULL if nothing was measured.
 */
const struct ceiling *ceilings_bandwidth(const struct ceilings *ceilings, const char *level,
					 uint32_t n_threads);

/* ceilings_summarize: best and median of n values (sorted in place); less is better for "ns". */
void ceilings_summarize(struct ceiling *row, double *values, uint32_t n);

/* ceilings_most_threads: the largest number of threads that anything was measured with; 0 of NULL.
 */
uint32_t ceilings_most_threads(const struct ceilings *ceilings);

/* ceiling_spread: how far the median is from the best, as a ratio; NaN for what is unknown or was
 * measured once. */
double ceiling_spread(const struct ceiling *row);

/* ceilings_are_noisy: is the machine too busy to be trusted? The sentence says why. */
bool ceilings_are_noisy(const struct ceilings *ceilings, struct why *why);

/*
 * ceilings_save, ceilings_cached: in $XDG_CACHE_HOME/stoke (else ~/.cache/stoke), one file a
 * machine, readable by its owner only.
 * Errors   false or NULL and a sentence; a file that is damaged counts as none
 */
bool ceilings_save(const struct ceilings *ceilings, struct why *why);
struct ceilings *ceilings_cached(uint64_t machine, struct why *why);

/* ceilings_read_text, ceilings_write_text: the file's text; NULL if it makes no sense. */
struct ceilings *ceilings_read_text(const char *text);
char *ceilings_write_text(const struct ceilings *ceilings); /* to be freed */

/* ceilings_store, ceilings_load: as facts named "ceilings:..."; NULL if the recording has none. */
void ceilings_store(const struct ceilings *ceilings, struct recording *recording);
struct ceilings *ceilings_load(const struct recording *recording);

/* ---- GPUs: one file a device, and facts named "ceilings.gpuN:..." in recordings */

struct ceilings_devices {
	struct ceilings *rows[CEILINGS_MOST_DEVICES];
	size_t n;
};
void ceilings_devices_free(struct ceilings_devices *devices);

/* ceilings_devices_add: takes it; a device that is there already is replaced. */
void ceilings_devices_add(struct ceilings_devices *devices, struct ceilings *ceilings);

/* ceilings_devices_cached: all that were measured on this machine. */
void ceilings_devices_cached(struct ceilings_devices *devices, uint64_t machine);
void ceilings_devices_store(const struct ceilings_devices *devices, struct recording *recording);
void ceilings_devices_load(struct ceilings_devices *devices, const struct recording *recording);

/*
 * ceilings_devices_find: of a GPU by its name and UUID; without a UUID ("" or NULL), of the only
 * one of its name. NULL if that one was not measured.
 */
const struct ceilings *ceilings_devices_find(const struct ceilings_devices *devices,
					     const char *name, const char *uuid);

#endif
