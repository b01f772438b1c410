/* What the GPU can do: libstoke-cuda.so measures, here it becomes ceilings of a device. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sampler/base/text.h"
#include "tui/bench.h"
#include "workloads/support/cuda_ceilings.h"

/* A launch costs some 5 us, events resolve 0.5 us: little of 2 ms. Clocks of an idle device rise
 * within some 100 ms of work. */
static const double DEVICE_REPEAT_NS = 2e6, DEVICE_WARM_NS = 2e8;

static void take(void *opaque, const struct cuda_ceiling *measured)
{
	struct ceilings *ceilings = opaque;
	struct ceiling row = { .set_bytes = measured->set_bytes };
	snprintf(row.name, sizeof row.name, "%s", measured->name);
	snprintf(row.unit, sizeof row.unit, "%s", measured->unit);
	snprintf(row.reason, sizeof row.reason, "%.159s", measured->reason);
	ceilings_summarize(&row, measured->rates, measured->n_rates);
	ceilings_add(ceilings, &row);
}

static bool is_measured(const struct ceilings *ceilings)
{
	for (size_t i = 0; i < ceilings->n; i++)
		if (ceilings->rows[i].best > 0)
			return true;
	return false;
}

/* Threads of a device are its multiprocessors: all of them, always. */
static void describe(struct ceilings *ceilings, const struct cuda_device *device)
{
	text_clean(ceilings->device, sizeof ceilings->device, device->name);
	text_clean(ceilings->uuid, sizeof ceilings->uuid, device->uuid);
	ceilings->epoch_s = (int64_t)time(NULL);
	for (size_t i = 0; i < ceilings->n; i++)
		ceilings->rows[i].n_threads = (uint32_t)device->n_multiprocessors;
}

struct ceilings *bench_device(const struct machine *machine, const struct bench_wish *wish,
			      void (*say)(const char *text), struct why *why)
{
	struct ceilings *ceilings = ceilings_new(machine_identity(machine));
	const struct cuda_ceilings_wish device_wish = {
		.n_repeats = wish->n_repeats ? wish->n_repeats : BENCH_USUAL_REPEATS,
		.repeat_ns = wish->device_repeat_ns > 0 ? wish->device_repeat_ns : DEVICE_REPEAT_NS,
		.warm_ns = wish->device_repeat_ns > 0 ? 0 : DEVICE_WARM_NS,
		.say = say,
	};
	const struct cuda_device *device = cuda_ceilings_measure(&device_wish, take, ceilings, why);
	if (device)
		describe(ceilings, device);
	if (device && is_measured(ceilings))
		return ceilings;
	if (device)
		why_fail(why, "%.60s could not be measured: %s", device->name,
			 ceilings->rows[0].reason);
	ceilings_free(ceilings);
	return NULL;
}
