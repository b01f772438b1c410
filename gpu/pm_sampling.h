/*
 * pm_sampling: a device's counters at a fixed rate, for the whole device and whoever uses it.
 */
#ifndef GPU_PM_SAMPLING_H
#define GPU_PM_SAMPLING_H

#include <stdbool.h>
#include <stdint.h>

#include "gpu/pm_config.h"

enum { PM_LEAST_HZ = 1, PM_MOST_HZ = 1000 };

struct pm_sampling;

/*
 * pm_sampling_open: start counting.
 * calls   of a library that was started; borrowed until pm_sampling_close
 * Errors  NULL and a sentence: no right to count, another profiler counts, the chip cannot
 * Thread  one
 */
struct pm_sampling *pm_sampling_open(const struct cupti_pm_calls *calls, uint32_t device,
				     uint32_t hz, struct why *why);
void pm_sampling_close(struct pm_sampling *sampling); /* NULL is fine */

const struct pm_config *pm_sampling_config(const struct pm_sampling *sampling);
const char *pm_sampling_chip(const struct pm_sampling *sampling);

/* One sample: values as pm_config_evaluate gives them, borrowed; times of the device's clock. */
struct pm_sample {
	uint64_t start_ns, end_ns;
	const double *values;
};

typedef void pm_on_sample(void *context, const struct pm_sample *sample);

/*
 * pm_sampling_read: every sample since the last read, oldest first.
 * is_overflown  [out] samples were lost: it was read too rarely
 * Errors        false and a sentence; what was read before it was given out
 */
bool pm_sampling_read(struct pm_sampling *sampling, pm_on_sample *take, void *context,
		      bool *is_overflown, struct why *why);

#endif
