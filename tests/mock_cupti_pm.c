/*
 * A stand-in for the part of libcupti.so.13 that samples counters: a device with the chip GH100
 * that gives known values. MOCK_SCRIPT makes calls fail, and: metrics=N   more than N metrics take
 * two passes samples=N   a decoding finds N samples (5) room=N      an image holds N samples (512)
 *   overflow=1  samples were lost
 *   turing=1    the chip is TU102
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gpu/cupti_pm.h"
#include "tests/mock_script.h"

#define EXPORT __attribute__((visibility("default")))
#define RESULT return (int)mock_script(__func__, 0)

enum { MOST = 64, INVALID = 1, IMAGE_BYTES = 256, DATA_BYTES = 4096, INTERVAL_NS = 10000000 };

struct host {
	char chip[16];
	size_t n;
};

static struct {
	size_t n_open, n_samples, n_pending, n_metrics;
	uint64_t first_ns, next_ns;
	bool is_enabled, is_started, was_read;
	int trigger, append;
} mock;

int cuptiProfilerInitialize(struct cupti_pm_plain *p);
int cuptiDeviceGetChipName(struct cupti_chip_name *p);
int cuptiProfilerHostInitialize(struct cupti_host_open *p);
int cuptiProfilerHostDeinitialize(struct cupti_host_close *p);
int cuptiProfilerHostConfigAddMetrics(struct cupti_host_add *p);
int cuptiProfilerHostGetConfigImageSize(struct cupti_host_image_size *p);
int cuptiProfilerHostGetConfigImage(struct cupti_host_image *p);
int cuptiProfilerHostGetNumOfPasses(struct cupti_host_passes *p);
int cuptiProfilerHostEvaluateToGpuValues(struct cupti_host_evaluate *p);
int cuptiPmSamplingGetCounterAvailability(struct cupti_pm_availability *p);
int cuptiPmSamplingEnable(struct cupti_pm_enable *p);
int cuptiPmSamplingDisable(struct cupti_pm_object *p);
int cuptiPmSamplingSetConfig(struct cupti_pm_config *p);
int cuptiPmSamplingGetCounterDataSize(struct cupti_pm_data_size *p);
int cuptiPmSamplingCounterDataImageInitialize(struct cupti_pm_data *p);
int cuptiPmSamplingStart(struct cupti_pm_object *p);
int cuptiPmSamplingStop(struct cupti_pm_object *p);
int cuptiPmSamplingDecodeData(struct cupti_pm_decode *p);
int cuptiPmSamplingGetCounterDataInfo(struct cupti_pm_info *p);
int cuptiPmSamplingCounterDataGetSampleInfo(struct cupti_pm_sample *p);
size_t mock_pm_n_open(void);
int mock_pm_trigger(void);

EXPORT int cuptiProfilerInitialize(struct cupti_pm_plain *p)
{
	(void)p;
	RESULT;
}

EXPORT int cuptiDeviceGetChipName(struct cupti_chip_name *p)
{
	p->name = mock_script("turing", 0) ? "TU102" : "GH100";
	RESULT;
}

EXPORT int cuptiProfilerHostInitialize(struct cupti_host_open *p)
{
	int code = (int)mock_script(__func__, 0);
	if (code)
		return code;
	if (p->profiler != CUPTI_PM_SAMPLING ||
	    (strncmp(p->chip, "GH", 2) != 0 && strncmp(p->chip, "TU", 2) != 0))
		return INVALID;
	struct host *host = calloc(1, sizeof *host);
	snprintf(host->chip, sizeof host->chip, "%s", p->chip);
	p->host = host;
	mock.n_open++;
	return 0;
}

EXPORT int cuptiProfilerHostDeinitialize(struct cupti_host_close *p)
{
	free(p->host);
	mock.n_open--;
	RESULT;
}

/* Names of the one chip are none of the other's. */
EXPORT int cuptiProfilerHostConfigAddMetrics(struct cupti_host_add *p)
{
	struct host *host = p->host;
	int code = (int)mock_script(__func__, 0);
	for (size_t i = 0; i < p->n; i++)
		if (host->chip[0] == 'T' && strstr(p->names[i], "Triage"))
			return INVALID;
	host->n = p->n;
	return code;
}

EXPORT int cuptiProfilerHostGetConfigImageSize(struct cupti_host_image_size *p)
{
	p->image_bytes = (size_t)mock_script("image", IMAGE_BYTES);
	RESULT;
}

EXPORT int cuptiProfilerHostGetConfigImage(struct cupti_host_image *p)
{
	const struct host *host = p->host;
	p->image[0] = (uint8_t)host->n;
	RESULT;
}

EXPORT int cuptiProfilerHostGetNumOfPasses(struct cupti_host_passes *p)
{
	p->n = p->image[0] > mock_script("metrics", MOST) ? 2 : 1;
	RESULT;
}

/* Sample s of metric m is 100 (m + 1) + s; the last one is nothing out of nothing. */
EXPORT int cuptiProfilerHostEvaluateToGpuValues(struct cupti_host_evaluate *p)
{
	int code = (int)mock_script(__func__, 0);
	for (size_t m = 0; m < p->n && code == 0; m++)
		p->values[m] =
			m + 1 == p->n ? 0.0 / 0.0 : 100.0 * (double)(m + 1) + (double)p->sample;
	return code;
}

EXPORT int cuptiPmSamplingGetCounterAvailability(struct cupti_pm_availability *p)
{
	p->image_bytes = IMAGE_BYTES;
	if (p->image)
		memset(p->image, 1, IMAGE_BYTES);
	RESULT;
}

EXPORT int cuptiPmSamplingEnable(struct cupti_pm_enable *p)
{
	int code = (int)mock_script(__func__, 0);
	p->sampling = &mock;
	mock.is_enabled = code == 0;
	mock.n_open += code == 0;
	return code;
}

EXPORT int cuptiPmSamplingDisable(struct cupti_pm_object *p)
{
	mock.n_open -= p->sampling == &mock;
	RESULT;
}

EXPORT int cuptiPmSamplingSetConfig(struct cupti_pm_config *p)
{
	mock.trigger = p->trigger;
	mock.append = p->append;
	RESULT;
}

EXPORT int cuptiPmSamplingGetCounterDataSize(struct cupti_pm_data_size *p)
{
	p->data_bytes = (size_t)mock_script("data", DATA_BYTES);
	mock.n_metrics = p->n;
	RESULT;
}

EXPORT int cuptiPmSamplingCounterDataImageInitialize(struct cupti_pm_data *p)
{
	(void)p;
	mock.n_samples = 0;
	RESULT;
}

EXPORT int cuptiPmSamplingStart(struct cupti_pm_object *p)
{
	(void)p;
	mock.is_started = true;
	mock.next_ns = 5000000000;
	mock.n_pending = 0;
	RESULT;
}

EXPORT int cuptiPmSamplingStop(struct cupti_pm_object *p)
{
	(void)p;
	mock.is_started = false;
	RESULT;
}

EXPORT int cuptiPmSamplingDecodeData(struct cupti_pm_decode *p)
{
	size_t room = (size_t)mock_script("room", 512);
	int code = (int)mock_script(__func__, 0);
	if (!mock.n_pending && !mock.was_read)
		mock.n_pending = (size_t)mock_script("samples", 5);
	mock.n_samples = mock.n_pending < room ? mock.n_pending : room;
	mock.n_pending -= mock.n_samples;
	mock.was_read = mock.n_pending > 0;
	mock.first_ns = mock.next_ns;
	mock.next_ns += mock.n_samples * INTERVAL_NS;
	p->stop_reason = mock.n_pending ? CUPTI_PM_STOPPED_FULL : 2;
	p->is_overflown = (uint8_t)mock_script("overflow", 0);
	return code;
}

EXPORT int cuptiPmSamplingGetCounterDataInfo(struct cupti_pm_info *p)
{
	p->n_completed = (size_t)mock_script("claimed", (long)mock.n_samples);
	RESULT;
}

EXPORT int cuptiPmSamplingCounterDataGetSampleInfo(struct cupti_pm_sample *p)
{
	p->start_ns = mock.first_ns + p->sample * INTERVAL_NS;
	p->end_ns = p->start_ns + INTERVAL_NS;
	RESULT;
}

EXPORT size_t mock_pm_n_open(void)
{
	return mock.n_open;
}

EXPORT int mock_pm_trigger(void)
{
	return mock.trigger;
}
