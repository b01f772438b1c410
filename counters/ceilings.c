/* Rows, statistics and what may be believed. See ceilings.h. */
#include "counters/ceilings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A machine of 512 cores makes some 250 rows. */
enum { MOST_ROWS = 4096 };

struct ceilings *ceilings_new(uint64_t machine)
{
	struct ceilings *ceilings = allocate(1, sizeof *ceilings);
	ceilings->machine = machine;
	ceilings->lost_ratio = NAN;
	ceilings->stolen_ratio = NAN;
	return ceilings;
}

void ceilings_free(struct ceilings *ceilings)
{
	if (!ceilings)
		return;
	free(ceilings->rows);
	free(ceilings);
}

const struct ceiling *ceilings_find(const struct ceilings *ceilings, const char *name,
				    uint32_t n_threads)
{
	for (size_t i = 0; i < ceilings->n; i++)
		if (ceilings->rows[i].n_threads == n_threads &&
		    strcmp(ceilings->rows[i].name, name) == 0)
			return &ceilings->rows[i];
	return NULL;
}

void ceilings_add(struct ceilings *ceilings, const struct ceiling *row)
{
	const struct ceiling *same = ceilings_find(ceilings, row->name, row->n_threads);
	if (same) {
		ceilings->rows[same - ceilings->rows] = *row;
		return;
	}
	if (ceilings->n == MOST_ROWS)
		return;
	if ((ceilings->n & (ceilings->n - 1)) == 0)
		ceilings->rows = reallocate(ceilings->rows, ceilings->n ? ceilings->n * 2 : 1,
					    sizeof *ceilings->rows);
	ceilings->rows[ceilings->n++] = *row;
}

/* More threads first, then the higher value. */
static bool is_higher(const struct ceiling *row, const struct ceiling *than, uint32_t most_threads)
{
	if (isnan(row->best) || row->n_threads > most_threads)
		return false;
	if (!than || row->n_threads != than->n_threads)
		return !than || row->n_threads > than->n_threads;
	return row->best > than->best;
}

const struct ceiling *ceilings_peak(const struct ceilings *ceilings, const char *prefix,
				    uint32_t n_threads)
{
	const struct ceiling *peak = NULL;
	for (size_t i = 0; i < ceilings->n; i++) {
		const struct ceiling *row = &ceilings->rows[i];
		if (strncmp(row->name, prefix, strlen(prefix)) == 0 &&
		    is_higher(row, peak, n_threads))
			peak = row;
	}
	return peak;
}

const struct ceiling *ceilings_bandwidth(const struct ceilings *ceilings, const char *level,
					 uint32_t n_threads)
{
	const struct ceiling *peak = NULL;
	for (size_t i = 0; i < ceilings->n; i++) {
		const struct ceiling *row = &ceilings->rows[i];
		const char *dot = strchr(row->name, '.');
		if (dot && strcmp(dot + 1, level) == 0 && strcmp(row->unit, "B/s") == 0 &&
		    row->n_threads <= n_threads && row->best > (peak ? peak->best : 0))
			peak = row;
	}
	return peak;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return left < right ? -1 : left > right;
}

void ceilings_summarize(struct ceiling *row, double *values, uint32_t n)
{
	row->n_repeats = n;
	row->best = row->median = NAN;
	if (n == 0)
		return;
	qsort(values, n, sizeof *values, by_value);
	row->best = strcmp(row->unit, "ns") == 0 ? values[0] : values[n - 1];
	row->median = n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

uint32_t ceilings_most_threads(const struct ceilings *ceilings)
{
	uint32_t most = 0;
	for (size_t i = 0; ceilings && i < ceilings->n; i++)
		if (ceilings->rows[i].n_threads > most)
			most = ceilings->rows[i].n_threads;
	return most;
}

double ceiling_spread(const struct ceiling *row)
{
	if (!(row->best > 0) || !(row->median > 0) || row->n_repeats == 1)
		return NAN;
	return fabs(row->median - row->best) / row->best;
}

bool ceilings_are_noisy(const struct ceilings *ceilings, struct why *why)
{
	size_t n_noisy = 0, n_measured = 0, n_once = 0;
	for (size_t i = 0; i < ceilings->n; i++) {
		double spread = ceiling_spread(&ceilings->rows[i]);
		n_measured += !isnan(spread);
		n_once += ceilings->rows[i].n_repeats == 1;
		n_noisy += spread > CEILING_NOISY_RATIO;
	}
	/* One in ten may be bad luck. */
	if (n_noisy * 10 > n_measured)
		why_fail(
			why,
			"%zu of %zu values differ by more than %.0f %% between repeats: the "
			"machine is noisy, so ceilings may be too low; stop other work and repeat.",
			n_noisy, n_measured, CEILING_NOISY_RATIO * 100);
	else if (ceilings->lost_ratio > CEILING_NOISY_RATIO)
		why_fail(why,
			 "Other programs had the CPUs for %.0f %% of the time: ceilings may be too "
			 "low; stop them and repeat.",
			 ceilings->lost_ratio * 100);
	else if (ceilings->stolen_ratio > CEILING_NOISY_RATIO)
		why_fail(
			why,
			"The hypervisor took the CPUs for %.0f %% of the time: ceilings may be too "
			"low; repeat at another hour.",
			ceilings->stolen_ratio * 100);
	else if (n_once > n_measured)
		why_fail(why,
			 "%zu values were measured once, which does not say whether the machine "
			 "was noisy; repeat more often.",
			 n_once);
	else
		return false;
	return true;
}

void ceilings_devices_free(struct ceilings_devices *devices)
{
	for (size_t i = 0; i < devices->n; i++)
		ceilings_free(devices->rows[i]);
	devices->n = 0;
}

void ceilings_devices_add(struct ceilings_devices *devices, struct ceilings *ceilings)
{
	size_t i = 0;
	while (i < devices->n && (strcmp(devices->rows[i]->device, ceilings->device) != 0 ||
				  strcmp(devices->rows[i]->uuid, ceilings->uuid) != 0))
		i++;
	if (i == CEILINGS_MOST_DEVICES) {
		ceilings_free(ceilings);
		return;
	}
	if (i < devices->n)
		ceilings_free(devices->rows[i]);
	devices->n += i == devices->n;
	devices->rows[i] = ceilings;
}

const struct ceilings *ceilings_devices_find(const struct ceilings_devices *devices,
					     const char *name, const char *uuid)
{
	const struct ceilings *found = NULL;
	for (size_t i = 0; i < devices->n; i++) {
		const struct ceilings *at = devices->rows[i];
		if (!name || strcmp(at->device, name) != 0)
			continue;
		if (uuid && uuid[0]) {
			if (strcmp(at->uuid, uuid) == 0)
				return at;
			continue;
		}
		if (found)
			return NULL; /* which of them is not known */
		found = at;
	}
	return found;
}
