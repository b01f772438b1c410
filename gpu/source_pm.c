/*
 * Counters of every GPU as series, where they were asked for. The device's times are its own: what
 * the newest sample of a read lacks to the time of that read, at its least, is taken for the
 * difference of the clocks.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gpu/pm_library.h"
#include "gpu/pm_sampling.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"

enum { MOST_DEVICES = 16 };

struct device {
	struct pm_sampling *sampling;
	struct recording *recording;
	uint32_t series[PM_MOST_METRICS];
	int64_t ahead_ns; /* our clock less the device's */
	bool has_clock, has_overflown;
	uint64_t n_samples, newest_ns;
};

struct state {
	struct pm_library library;
	struct device devices[MOST_DEVICES];
	uint32_t n_devices;
};

static bool pm_wanted(const struct target *target)
{
	return target->sampling->gpu_hz > 0 && !target->sampling->no_gpu;
}

static void note(struct recording *recording, uint32_t device, const struct why *why)
{
	char text[sizeof why->text + 32];
	snprintf(text, sizeof text, "GPU %u: %s", device, why->text);
	recording_note(recording, SEVERITY_WARNING, "pm", text, "");
}

static void add_series(struct device *device, uint32_t index)
{
	const struct pm_config *config = pm_sampling_config(device->sampling);
	char label[32];
	snprintf(label, sizeof label, "GPU %u", index);
	for (uint32_t i = 0; i < pm_config_n(config); i++) {
		const struct pm_metric *metric = pm_config_metric(config, i);
		struct series_row row = {
			.name = recording_add_string(device->recording, metric->name),
			.unit = recording_add_string(device->recording, metric->unit),
			.source = recording_add_string(device->recording, "pm"),
			.device = recording_add_string(device->recording, label),
			.origin = ORIGIN_MEASURED,
		};
		device->series[i] = recording_add_series(device->recording, &row);
	}
}

/* What this chip cannot count in the one pass stays in the list, with the reason. */
static void add_missing(struct device *device, uint32_t index)
{
	const struct pm_config *config = pm_sampling_config(device->sampling);
	char label[32], reason[128];
	snprintf(label, sizeof label, "GPU %u", index);
	snprintf(reason, sizeof reason, "%s does not count it in one pass with the others",
		 pm_sampling_chip(device->sampling));
	for (const struct pm_metric *metric = pm_metrics; metric->name; metric++) {
		bool is_there = false;
		for (uint32_t i = 0; i < pm_config_n(config); i++)
			is_there |= pm_config_metric(config, i) == metric;
		struct series_row row = {
			.name = recording_add_string(device->recording, metric->name),
			.unit = recording_add_string(device->recording, metric->unit),
			.source = recording_add_string(device->recording, "pm"),
			.device = recording_add_string(device->recording, label),
			.origin = ORIGIN_UNAVAILABLE,
			.reason = recording_add_string(device->recording, reason),
		};
		if (!is_there)
			recording_add_series(device->recording, &row);
	}
}

static bool pm_open(void *opaque, const struct target *target, struct recording *recording,
		    struct why *why)
{
	struct state *state = opaque;
	uint32_t n_open = 0;
	if (!pm_library_open(&state->library, NULL, why) ||
	    !pm_library_start(&state->library, &state->n_devices, why)) {
		pm_library_close(&state->library);
		return false;
	}
	if (state->n_devices > MOST_DEVICES)
		state->n_devices = MOST_DEVICES;
	for (uint32_t i = 0; i < state->n_devices; i++) {
		struct device *device = &state->devices[i];
		device->recording = recording;
		device->sampling =
			pm_sampling_open(&state->library.calls, i, target->sampling->gpu_hz, why);
		if (!device->sampling) {
			note(recording, i, why);
			continue;
		}
		n_open++;
		add_series(device, i);
		add_missing(device, i);
	}
	if (n_open == 0)
		pm_library_close(&state->library);
	return n_open > 0;
}

static void take(void *opaque, const struct pm_sample *sample)
{
	struct device *device = opaque;
	uint32_t n = pm_config_n(pm_sampling_config(device->sampling));
	uint64_t now = now_ns();
	int64_t ahead = (int64_t)(now - sample->end_ns);
	/* The least delay seen is nearest to the difference of the clocks. */
	if (!device->has_clock || ahead < device->ahead_ns)
		device->ahead_ns = ahead;
	device->has_clock = true;
	for (uint32_t i = 0; i < n; i++) {
		struct reading_row row = { .time_ns = sample->end_ns + (uint64_t)device->ahead_ns,
					   .value = sample->values[i],
					   .series = device->series[i],
					   .running_ratio = 1,
					   .origin = ORIGIN_MEASURED };
		if (!isnan(row.value))
			recording_add_reading(device->recording, &row);
	}
	device->n_samples++;
}

static void pm_drain(void *opaque, struct recording *recording, bool is_last)
{
	struct state *state = opaque;
	struct why why;
	(void)is_last;
	for (uint32_t i = 0; i < state->n_devices; i++) {
		struct device *device = &state->devices[i];
		bool is_overflown = false;
		if (!device->sampling)
			continue;
		if (!pm_sampling_read(device->sampling, take, device, &is_overflown, &why)) {
			note(recording, i, &why);
			pm_sampling_close(device->sampling);
			device->sampling = NULL;
		}
		if (is_overflown && !device->has_overflown)
			recording_note(recording, SEVERITY_WARNING, "pm",
				       "Samples of GPU counters were lost: they come faster than "
				       "they are read.",
				       "Sample less often (--gpu-metrics).");
		device->has_overflown |= is_overflown;
	}
}

static void pm_close(void *opaque)
{
	struct state *state = opaque;
	for (uint32_t i = 0; i < state->n_devices; i++)
		pm_sampling_close(state->devices[i].sampling);
	pm_library_close(&state->library);
}

const struct source source_pm = {
	.name = "pm",
	.summary =
		"GPU counters (memory, caches, pipes, PCIe, NVLink) by CUPTI's PM sampling, with "
		"--gpu-metrics",
	.state_bytes = sizeof(struct state),
	.interval_ns = 100 * 1000 * 1000,
	.wanted = pm_wanted,
	.open = pm_open,
	.drain = pm_drain,
	.close = pm_close,
};
