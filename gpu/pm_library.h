/*
 * pm_library: CUPTI as the profiler itself uses it, to sample a device's counters. What turns names
 * of metrics into a configuration, and counters into values, works without a driver.
 */
#ifndef GPU_PM_LIBRARY_H
#define GPU_PM_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

#include "gpu/cupti_pm.h"
#include "sampler/base/why.h"

struct pm_library {
	struct cupti_pm_calls calls;
	void *cupti, *cuda;
};

/* pm_library_open: path NULL = where CUPTI usually is. False and a sentence: none, or older than
 * CUDA 12.6. A zeroed struct may be closed. */
bool pm_library_open(struct pm_library *library, const char *path, struct why *why);
void pm_library_close(struct pm_library *library);

/*
 * pm_library_start: the driver as well; needed before devices are sampled.
 * Cost  some 0.2 s and 100 MB, both the driver's
 */
bool pm_library_start(struct pm_library *library, uint32_t *n_devices, struct why *why);

/* pm_fail: the sentence of a call that failed, or (code 0) answered nonsense; false. */
bool pm_fail(struct why *why, const char *function, int code);

#endif
