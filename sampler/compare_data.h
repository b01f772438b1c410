/*
 * compare_data: recordings as weights by key (function or stack) and by unit of drawing (a slice of
 * time or a whole recording).
 */
#ifndef SAMPLER_COMPARE_DATA_H
#define SAMPLER_COMPARE_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "sampler/base/table.h"
#include "sampler/compare.h"
#include "sampler/hash_map.h"
#include "sampler/interner.h"

struct compare_key {
	uint32_t parent, name; /* a key; an offset in strings */
};

struct compare_cell {
	uint32_t key, unit;
	double weight;
	uint64_t n_samples;
};

struct compare_half {
	struct compare_cell *cells; /* by key once compare_data_sort has run */
	size_t n_cells, capacity;
	struct hash_map places; /* key, unit -> cell + 1 */
	size_t *first;          /* key -> its first cell; n_keys + 1 entries */
	uint64_t n_samples;
	double *whole;           /* by unit: the weight of everything */
	double *per;             /* by unit: what weights are divided by */
	size_t n_units, stratum; /* units are drawn among `stratum` neighbours */
};

struct compare_data {
	struct table strings, keys;
	struct interner string_ids, key_ids;
	uint32_t n_keys;
	struct compare_half halves[N_COMPARED];
};

/* Slices a stratum: the fewest that give 3 degrees of freedom, over times short beside phases. */
enum { COMPARE_STRATUM = 4 };

struct compare_data *compare_data_new(void);
void compare_data_free(struct compare_data *data);

/* compare_data_units: make room for a half's units, in strata of so many. */
void compare_data_units(struct compare_half *half, size_t n_units, size_t stratum);

/* One recording to be added. */
struct compare_input {
	const struct recording *recording;
	enum compare_by by;
	uint32_t series;
	size_t first_unit, n_units; /* slices of equal length from the first sample to the last */
	uint64_t from_ns, slice_ns;
};

/* compare_data_add: all samples of a recording's series. */
void compare_data_add(struct compare_data *data, struct compare_half *half,
		      const struct compare_input *input);

/* compare_data_sort: after the last recording; `first` is there from then on. */
void compare_data_sort(struct compare_data *data);

#endif
