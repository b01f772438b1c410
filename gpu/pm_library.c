/* The driver is asked first: without one, CUPTI answers "unknown error" to nearly everything. */
#include "gpu/pm_library.h"

#include <stddef.h>

#include "gpu/cupti_codes.h"
#include "sampler/base/library.h"

struct cuda_calls {
	int (*start)(unsigned int flags);
	int (*count)(int *n);
};

#define AT(field) offsetof(struct cupti_pm_calls, field)

static const struct library_symbol symbols[] = {
	{ "cuptiProfilerInitialize", AT(initialize), true },
	{ "cuptiDeviceGetChipName", AT(chip_name), true },
	{ "cuptiProfilerHostGetSupportedChips", AT(host_chips), false },
	{ "cuptiProfilerHostInitialize", AT(host_open), true },
	{ "cuptiProfilerHostDeinitialize", AT(host_close), true },
	{ "cuptiProfilerHostConfigAddMetrics", AT(host_add), true },
	{ "cuptiProfilerHostGetConfigImageSize", AT(host_image_size), true },
	{ "cuptiProfilerHostGetConfigImage", AT(host_image), true },
	{ "cuptiProfilerHostGetNumOfPasses", AT(host_passes), true },
	{ "cuptiProfilerHostEvaluateToGpuValues", AT(host_evaluate), true },
	{ "cuptiPmSamplingGetCounterAvailability", AT(availability), true },
	{ "cuptiPmSamplingEnable", AT(enable), true },
	{ "cuptiPmSamplingDisable", AT(disable), true },
	{ "cuptiPmSamplingSetConfig", AT(configure), true },
	{ "cuptiPmSamplingGetCounterDataSize", AT(data_size), true },
	{ "cuptiPmSamplingCounterDataImageInitialize", AT(data_clear), true },
	{ "cuptiPmSamplingStart", AT(start), true },
	{ "cuptiPmSamplingStop", AT(stop), true },
	{ "cuptiPmSamplingDecodeData", AT(decode), true },
	{ "cuptiPmSamplingGetCounterDataInfo", AT(info), true },
	{ "cuptiPmSamplingCounterDataGetSampleInfo", AT(sample), true },
	{ 0 },
};

bool pm_fail(struct why *why, const char *function, int code)
{
	if (code == 0)
		return why_fail(why,
				"GPU counters cannot be sampled: %s gives a size that cannot "
				"be; install another CUDA toolkit.",
				function);
	return why_fail(why, "GPU counters cannot be sampled: %s failed with code %d. %s", function,
			code, cupti_remedy((uint32_t)code));
}

bool pm_library_open(struct pm_library *library, const char *path, struct why *why)
{
	const char *const usual[] = { "libcupti.so.13",
				      "libcupti.so.12",
				      "/usr/local/cuda/lib64/libcupti.so",
				      "/usr/local/cuda/lib/libcupti.so",
				      "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so",
				      NULL };
	const char *const given[] = { path, NULL };
	*library = (struct pm_library){ 0 };
	library->cupti = library_open(path ? given : usual, "CUPTI", "CUDA toolkit (12.6 or newer)",
				      symbols, &library->calls, why);
	return library->cupti != NULL;
}

bool pm_library_start(struct pm_library *library, uint32_t *n_devices, struct why *why)
{
	static const char *const names[] = { "libcuda.so.1", NULL };
	static const struct library_symbol cuda_symbols[] = {
		{ "cuInit", offsetof(struct cuda_calls, start), true },
		{ "cuDeviceGetCount", offsetof(struct cuda_calls, count), true },
		{ 0 },
	};
	struct cupti_pm_plain plain = { CUPTI_PM_BYTES(struct cupti_pm_plain, reserved), NULL };
	struct cuda_calls cuda;
	int code, n = 0;
	library->cuda = library_open(names, "The CUDA driver's library", "NVIDIA driver",
				     cuda_symbols, &cuda, why);
	if (!library->cuda)
		return false;
	if ((code = cuda.start(0)) != 0)
		return why_fail(why,
				"GPU counters cannot be sampled: the driver does not start (cuInit "
				"gives %d); see whether nvidia-smi works.",
				code);
	if ((code = cuda.count(&n)) != 0 || n <= 0)
		return why_fail(why,
				"GPU counters cannot be sampled: the driver knows no device "
				"(cuDeviceGetCount gives %d); look at CUDA_VISIBLE_DEVICES.",
				code);
	*n_devices = (uint32_t)n;
	code = library->calls.initialize(&plain);
	return code == 0 || pm_fail(why, "cuptiProfilerInitialize", code);
}

void pm_library_close(struct pm_library *library)
{
	library_close(library->cupti);
	library_close(library->cuda);
	*library = (struct pm_library){ 0 };
}
