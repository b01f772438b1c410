/*
 * pm_config: which metrics a chip can count in one pass, the configuration for them, and their
 * values from what was counted. Runs anywhere: no driver and no device of that chip is needed.
 */
#ifndef GPU_PM_CONFIG_H
#define GPU_PM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpu/cupti_pm.h"
#include "sampler/base/why.h"

enum { PM_MOST_METRICS = 32, PM_MOST_NAMES = 5 };

/* What we call it, and what CUPTI does, the best first: chips have it under different names. */
struct pm_metric {
	const char *name, *unit;
	double scale; /* of CUPTI's values to the unit: 0.01 of percents to ratios */
	const char *names[PM_MOST_NAMES];
};

/* The most wanted first; ended by a NULL name. */
extern const struct pm_metric pm_metrics[];

struct pm_config;

/*
 * pm_config_open: as many of pm_metrics as fit one pass.
 * availability  what the device has (cuptiPmSamplingGetCounterAvailability); NULL = all of the chip
 * Errors        NULL and a sentence: the chip is not known, or nothing can be counted
 * Cost          some 2 ms a metric and name tried
 */
struct pm_config *pm_config_open(const struct cupti_pm_calls *calls, const char *chip,
				 const uint8_t *availability, struct why *why);
void pm_config_close(struct pm_config *config); /* NULL is fine */

uint32_t pm_config_n(const struct pm_config *config);
const struct pm_metric *pm_config_metric(const struct pm_config *config, uint32_t i);
/* CUPTI's names of all of them. */
const char *const *pm_config_names(const struct pm_config *config);
const uint8_t *pm_config_image(const struct pm_config *config, size_t *bytes);

/* pm_config_evaluate: pm_config_n values in their units; NaN where the device gave none. */
bool pm_config_evaluate(const struct pm_config *config, const uint8_t *data, size_t data_bytes,
			size_t sample, double *values, struct why *why);

#endif
