/*
 * Counters go from the device into a buffer of CUPTI's, are decoded from there into an image of
 * ours, and evaluated sample by sample; then the image is emptied.
 */
#include "gpu/pm_sampling.h"

#include <stdlib.h>
#include <string.h>

#include "gpu/pm_library.h"

enum {
	MOST_SAMPLES = 512,      /* an image holds: half a second of the highest rate */
	BUFFER_BYTES = 64 << 20, /* seconds of the highest rate; NVIDIA's example has 512 MB */
	MOST_DECODES = 16,       /* a read must come to its end */
	CHIP_BYTES = 32,
};

static const size_t MOST_DATA_BYTES = (size_t)1 << 30;
/* The system's clock of chips that cannot count by time: about; samples have their times. */
static const uint64_t CYCLES_A_SECOND = 1400 * 1000 * 1000;

struct pm_sampling {
	const struct cupti_pm_calls *calls;
	struct pm_config *config;
	char chip[CHIP_BYTES];
	uint8_t *availability, *data;
	size_t data_bytes;
	void *object;
	bool is_started;
	double values[PM_MOST_METRICS];
};

static bool name_chip(struct pm_sampling *sampling, uint32_t device, struct why *why)
{
	struct cupti_chip_name chip = { .bytes = CUPTI_PM_BYTES(struct cupti_chip_name, name),
					.device = device };
	int code = sampling->calls->chip_name(&chip);
	if (code != 0 || !chip.name)
		return pm_fail(why, "cuptiDeviceGetChipName", code);
	size_t n = strnlen(chip.name, CHIP_BYTES - 1);
	memcpy(sampling->chip, chip.name, n);
	return true;
}

static bool ask_availability(struct pm_sampling *sampling, uint32_t device, struct why *why)
{
	struct cupti_pm_availability ask = {
		.bytes = CUPTI_PM_BYTES(struct cupti_pm_availability, image), .device = device
	};
	int code = sampling->calls->availability(&ask);
	if (code == 0 && ask.image_bytes > 0 && ask.image_bytes < MOST_DATA_BYTES) {
		ask.image = sampling->availability = allocate(ask.image_bytes, 1);
		code = sampling->calls->availability(&ask);
	}
	return code == 0 || pm_fail(why, "cuptiPmSamplingGetCounterAvailability", code);
}

static bool enable(struct pm_sampling *sampling, uint32_t device, struct why *why)
{
	struct cupti_pm_enable enable = { .bytes = CUPTI_PM_BYTES(struct cupti_pm_enable, sampling),
					  .device = device };
	int code = sampling->calls->enable(&enable);
	sampling->object = code == 0 ? enable.sampling : NULL;
	return code == 0 || pm_fail(why, "cuptiPmSamplingEnable", code);
}

/* Turing and the first Ampere have no timer for it; Turing cannot overwrite either. */
static bool configure(struct pm_sampling *sampling, uint32_t hz, struct why *why)
{
	bool is_turing = strncmp(sampling->chip, "TU", 2) == 0;
	bool has_timer = !is_turing && strcmp(sampling->chip, "GA100") != 0;
	struct cupti_pm_config config = {
		.bytes = CUPTI_PM_BYTES(struct cupti_pm_config, append),
		.sampling = sampling->object,
		.buffer_bytes = BUFFER_BYTES,
		.interval = (has_timer ? 1000000000 : CYCLES_A_SECOND) / hz,
		.trigger = has_timer ? CUPTI_PM_BY_TIME : CUPTI_PM_BY_CYCLES,
		.append = is_turing ? CUPTI_PM_KEEP_OLDEST : CUPTI_PM_KEEP_LATEST,
	};
	config.image = pm_config_image(sampling->config, &config.image_bytes);
	int code = sampling->calls->configure(&config);
	return code == 0 || pm_fail(why, "cuptiPmSamplingSetConfig", code);
}

static bool clear_data(struct pm_sampling *sampling, struct why *why)
{
	struct cupti_pm_data data = { CUPTI_PM_BYTES(struct cupti_pm_data, data), NULL,
				      sampling->object, sampling->data_bytes, sampling->data };
	int code = sampling->calls->data_clear(&data);
	return code == 0 || pm_fail(why, "cuptiPmSamplingCounterDataImageInitialize", code);
}

static bool make_data(struct pm_sampling *sampling, struct why *why)
{
	struct cupti_pm_data_size size = {
		.bytes = CUPTI_PM_BYTES(struct cupti_pm_data_size, data_bytes),
		.sampling = sampling->object,
		.names = pm_config_names(sampling->config),
		.n = pm_config_n(sampling->config),
		.most_samples = MOST_SAMPLES,
	};
	int code = sampling->calls->data_size(&size);
	if (code != 0 || size.data_bytes == 0 || size.data_bytes > MOST_DATA_BYTES)
		return pm_fail(why, "cuptiPmSamplingGetCounterDataSize", code);
	sampling->data_bytes = size.data_bytes;
	sampling->data = allocate(size.data_bytes, 1);
	return clear_data(sampling, why);
}

static int call_object(struct pm_sampling *sampling, int (*call)(struct cupti_pm_object *))
{
	struct cupti_pm_object object = { CUPTI_PM_BYTES(struct cupti_pm_object, sampling), NULL,
					  sampling->object };
	return call(&object);
}

static bool start(struct pm_sampling *sampling, struct why *why)
{
	int code = call_object(sampling, sampling->calls->start);
	sampling->is_started = code == 0;
	return code == 0 || pm_fail(why, "cuptiPmSamplingStart", code);
}

static bool set_up(struct pm_sampling *sampling, uint32_t device, uint32_t hz, struct why *why)
{
	if (!name_chip(sampling, device, why) || !ask_availability(sampling, device, why))
		return false;
	sampling->config =
		pm_config_open(sampling->calls, sampling->chip, sampling->availability, why);
	return sampling->config && enable(sampling, device, why) && configure(sampling, hz, why) &&
	       make_data(sampling, why) && start(sampling, why);
}

struct pm_sampling *pm_sampling_open(const struct cupti_pm_calls *calls, uint32_t device,
				     uint32_t hz, struct why *why)
{
	struct pm_sampling *sampling = allocate(1, sizeof *sampling);
	sampling->calls = calls;
	hz = hz < PM_LEAST_HZ ? PM_LEAST_HZ : hz > PM_MOST_HZ ? PM_MOST_HZ : hz;
	if (set_up(sampling, device, hz, why))
		return sampling;
	pm_sampling_close(sampling);
	return NULL;
}

void pm_sampling_close(struct pm_sampling *sampling)
{
	if (!sampling)
		return;
	/* What fails here cannot be helped. */
	if (sampling->is_started)
		call_object(sampling, sampling->calls->stop);
	if (sampling->object)
		call_object(sampling, sampling->calls->disable);
	pm_config_close(sampling->config);
	free(sampling->availability);
	free(sampling->data);
	free(sampling);
}

const struct pm_config *pm_sampling_config(const struct pm_sampling *sampling)
{
	return sampling->config;
}

const char *pm_sampling_chip(const struct pm_sampling *sampling)
{
	return sampling->chip;
}

static bool give_out(struct pm_sampling *sampling, size_t i, pm_on_sample *take, void *context,
		     struct why *why)
{
	struct cupti_pm_sample info = { .bytes = CUPTI_PM_BYTES(struct cupti_pm_sample, end_ns),
					.sampling = sampling->object,
					.data = sampling->data,
					.data_bytes = sampling->data_bytes,
					.sample = i };
	int code = sampling->calls->sample(&info);
	if (code != 0)
		return pm_fail(why, "cuptiPmSamplingCounterDataGetSampleInfo", code);
	if (!pm_config_evaluate(sampling->config, sampling->data, sampling->data_bytes, i,
				sampling->values, why))
		return false;
	struct pm_sample sample = { info.start_ns, info.end_ns, sampling->values };
	take(context, &sample);
	return true;
}

/* One image full; *n is how many samples were in it. */
static bool read_image(struct pm_sampling *sampling, pm_on_sample *take, void *context, size_t *n,
		       struct why *why)
{
	struct cupti_pm_info info = { .bytes = CUPTI_PM_BYTES(struct cupti_pm_info, n_completed),
				      .data = sampling->data,
				      .data_bytes = sampling->data_bytes };
	int code = sampling->calls->info(&info);
	if (code != 0)
		return pm_fail(why, "cuptiPmSamplingGetCounterDataInfo", code);
	*n = info.n_completed < MOST_SAMPLES ? info.n_completed : MOST_SAMPLES;
	for (size_t i = 0; i < *n; i++)
		if (!give_out(sampling, i, take, context, why))
			return false;
	return *n == 0 || clear_data(sampling, why);
}

bool pm_sampling_read(struct pm_sampling *sampling, pm_on_sample *take, void *context,
		      bool *is_overflown, struct why *why)
{
	*is_overflown = false;
	for (int i = 0; i < MOST_DECODES; i++) {
		size_t n = 0;
		struct cupti_pm_decode decode = {
			.bytes = CUPTI_PM_BYTES(struct cupti_pm_decode, is_overflown),
			.sampling = sampling->object,
			.data = sampling->data,
			.data_bytes = sampling->data_bytes,
		};
		int code = sampling->calls->decode(&decode);
		if (code != 0)
			return pm_fail(why, "cuptiPmSamplingDecodeData", code);
		*is_overflown |= decode.is_overflown != 0;
		if (!read_image(sampling, take, context, &n, why))
			return false;
		if (n == 0 || decode.stop_reason != CUPTI_PM_STOPPED_FULL)
			break;
	}
	return true;
}
