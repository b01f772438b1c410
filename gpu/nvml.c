/* The library's functions by name, and what they return in units of this project. See nvml.h. */
#include "gpu/nvml.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "sampler/base/library.h"

/* Values of NVML's enumerations. */
enum {
	CLOCK_SM = 1,
	CLOCK_MEMORY = 2,
	SENSOR_GPU = 0,
	ECC_CORRECTED = 0,
	ECC_UNCORRECTED = 1,
	ECC_SINCE_BOOT = 0, /* "volatile": since the driver was loaded */
};

struct memory_info {
	unsigned long long total, free, used;
};

struct utilization {
	unsigned gpu, memory; /* per cent of the last period */
};

struct process_info {
	unsigned pid;
	unsigned long long used_memory;
	unsigned gpu_instance, compute_instance;
};

typedef int read_number(void *, unsigned *);

struct calls {
	int (*init)(void);
	int (*shutdown)(void);
	int (*driver_version)(char *, unsigned);
	int (*count)(unsigned *);
	int (*handle)(unsigned, void **);
	int (*name)(void *, char *, unsigned);
	int (*uuid)(void *, char *, unsigned);
	read_number *power, *power_limit;
	int (*energy)(void *, unsigned long long *);
	int (*clock)(void *, int, unsigned *);
	int (*temperature)(void *, int, unsigned *);
	int (*throttle)(void *, unsigned long long *);
	int (*memory)(void *, struct memory_info *);
	int (*utilization)(void *, struct utilization *);
	int (*ecc)(void *, int, int, unsigned long long *);
	int (*processes)(void *, unsigned *, struct process_info *);
};

#define AT(field) offsetof(struct calls, field)

static const struct library_symbol symbols[] = {
	{ "nvmlInit_v2", AT(init), true },
	{ "nvmlShutdown", AT(shutdown), true },
	{ "nvmlSystemGetDriverVersion", AT(driver_version), false },
	{ "nvmlDeviceGetCount_v2", AT(count), true },
	{ "nvmlDeviceGetHandleByIndex_v2", AT(handle), true },
	{ "nvmlDeviceGetName", AT(name), true },
	{ "nvmlDeviceGetUUID", AT(uuid), false },
	{ "nvmlDeviceGetPowerUsage", AT(power), false },
	{ "nvmlDeviceGetEnforcedPowerLimit", AT(power_limit), false },
	{ "nvmlDeviceGetTotalEnergyConsumption", AT(energy), false },
	{ "nvmlDeviceGetClockInfo", AT(clock), false },
	{ "nvmlDeviceGetTemperature", AT(temperature), false },
	{ "nvmlDeviceGetCurrentClocksThrottleReasons", AT(throttle), false },
	{ "nvmlDeviceGetMemoryInfo", AT(memory), false },
	{ "nvmlDeviceGetUtilizationRates", AT(utilization), false },
	{ "nvmlDeviceGetTotalEccErrors", AT(ecc), false },
	{ "nvmlDeviceGetComputeRunningProcesses_v3", AT(processes), false },
	{ 0 },
};

struct nvml {
	void *library;
	struct calls calls;
	uint32_t n_devices;
	void *handles[NVML_MOST_DEVICES]; /* NULL: cannot be opened */
	char names[NVML_MOST_DEVICES][NVML_NAME_BYTES];
	char uuids[NVML_MOST_DEVICES][NVML_UUID_BYTES];
	char driver[NVML_NAME_BYTES];
};

const char *nvml_code_text(enum nvml_code code)
{
	switch (code) {
	case NVML_SUCCESS:
		return "it works";
	case NVML_NOT_SUPPORTED:
		return "this device does not have it";
	case NVML_NO_PERMISSION:
		return "permission denied; run as root";
	case NVML_DRIVER_NOT_LOADED:
		return "the NVIDIA driver is not loaded; load the module nvidia, or start the "
		       "container with its GPUs";
	case NVML_FUNCTION_NOT_FOUND:
		return "the driver is too old for it; install a newer one";
	case NVML_GPU_IS_LOST:
		return "the device fell off the bus; see the kernel's log and restart";
	case NVML_LIBRARY_RM_VERSION_MISMATCH:
		return "library and kernel module are of different versions; load the new module "
		       "or restart";
	default:
		return "the driver reports an error";
	}
}

static void open_devices(struct nvml *nvml)
{
	for (uint32_t i = 0; i < nvml->n_devices; i++) {
		if (nvml->calls.handle(i, &nvml->handles[i]) != NVML_SUCCESS) {
			nvml->handles[i] = NULL;
			continue;
		}
		if (nvml->calls.name(nvml->handles[i], nvml->names[i], NVML_NAME_BYTES) !=
		    NVML_SUCCESS)
			nvml->names[i][0] = '\0';
		nvml->names[i][NVML_NAME_BYTES - 1] = '\0';
		if (!nvml->calls.uuid || nvml->calls.uuid(nvml->handles[i], nvml->uuids[i],
							  NVML_UUID_BYTES) != NVML_SUCCESS)
			nvml->uuids[i][0] = '\0';
		nvml->uuids[i][NVML_UUID_BYTES - 1] = '\0';
	}
	if (!nvml->calls.driver_version ||
	    nvml->calls.driver_version(nvml->driver, NVML_NAME_BYTES) != NVML_SUCCESS)
		nvml->driver[0] = '\0';
	nvml->driver[NVML_NAME_BYTES - 1] = '\0';
}

/* After a successful init: false and a sentence, still initialised. */
static bool count_devices(struct nvml *nvml, struct why *why)
{
	unsigned n = 0;
	int code = nvml->calls.count(&n);
	if (code != NVML_SUCCESS)
		return why_fail(why, "NVML cannot count GPUs (code %d): %s.", code,
				nvml_code_text((enum nvml_code)code));
	if (n == 0)
		return why_fail(why, "The NVIDIA driver sees no GPU here; give the container or "
				     "virtual machine one.");
	nvml->n_devices = n < NVML_MOST_DEVICES ? n : NVML_MOST_DEVICES;
	return true;
}

struct nvml *nvml_open(struct why *why)
{
	static const char *const names[] = { "libnvidia-ml.so.1", "libnvidia-ml.so", NULL };
	struct nvml *nvml = allocate(1, sizeof *nvml);
	nvml->library = library_open(names, "The NVIDIA driver's library NVML", "NVIDIA driver",
				     symbols, &nvml->calls, why);
	if (!nvml->library) {
		free(nvml);
		return NULL;
	}
	int code = nvml->calls.init();
	if (code != NVML_SUCCESS) {
		why_fail(why, "NVML does not start (code %d): %s.", code,
			 nvml_code_text((enum nvml_code)code));
	} else if (count_devices(nvml, why)) {
		open_devices(nvml);
		return nvml;
	} else {
		nvml->calls.shutdown();
	}
	library_close(nvml->library);
	free(nvml);
	return NULL;
}

void nvml_close(struct nvml *nvml)
{
	if (!nvml)
		return;
	nvml->calls.shutdown();
	library_close(nvml->library);
	free(nvml);
}

uint32_t nvml_n_devices(const struct nvml *nvml)
{
	return nvml->n_devices;
}

const char *nvml_device_name(const struct nvml *nvml, uint32_t device)
{
	return nvml->names[device];
}

const char *nvml_device_uuid(const struct nvml *nvml, uint32_t device)
{
	return nvml->uuids[device];
}

const char *nvml_driver_version(const struct nvml *nvml)
{
	return nvml->driver;
}

static enum nvml_code read_scaled(read_number *call, void *handle, double scale, double *value)
{
	unsigned raw = 0;
	int code = call ? call(handle, &raw) : NVML_FUNCTION_NOT_FOUND;
	*value = code == NVML_SUCCESS ? raw * scale : NAN;
	return (enum nvml_code)code;
}

static enum nvml_code read_power(const struct nvml *nvml, uint32_t device, double *value)
{
	return read_scaled(nvml->calls.power, nvml->handles[device], 1e-3, value); /* mW */
}

static enum nvml_code read_power_limit(const struct nvml *nvml, uint32_t device, double *value)
{
	return read_scaled(nvml->calls.power_limit, nvml->handles[device], 1e-3, value);
}

static enum nvml_code read_energy(const struct nvml *nvml, uint32_t device, double *value)
{
	unsigned long long raw = 0;
	int code = nvml->calls.energy ? nvml->calls.energy(nvml->handles[device], &raw)
				      : NVML_FUNCTION_NOT_FOUND;
	*value = code == NVML_SUCCESS ? (double)raw * 1e-3 : NAN; /* mJ since the driver started */
	return (enum nvml_code)code;
}

static enum nvml_code read_clock(const struct nvml *nvml, uint32_t device, int clock, double *value)
{
	unsigned raw = 0;
	int code = nvml->calls.clock ? nvml->calls.clock(nvml->handles[device], clock, &raw)
				     : NVML_FUNCTION_NOT_FOUND;
	*value = code == NVML_SUCCESS ? raw * 1e6 : NAN; /* MHz */
	return (enum nvml_code)code;
}

static enum nvml_code read_sm_clock(const struct nvml *nvml, uint32_t device, double *value)
{
	return read_clock(nvml, device, CLOCK_SM, value);
}

static enum nvml_code read_memory_clock(const struct nvml *nvml, uint32_t device, double *value)
{
	return read_clock(nvml, device, CLOCK_MEMORY, value);
}

static enum nvml_code read_temperature(const struct nvml *nvml, uint32_t device, double *value)
{
	unsigned raw = 0;
	int code = nvml->calls.temperature
			   ? nvml->calls.temperature(nvml->handles[device], SENSOR_GPU, &raw)
			   : NVML_FUNCTION_NOT_FOUND;
	*value = code == NVML_SUCCESS ? raw : NAN;
	return (enum nvml_code)code;
}

static enum nvml_code read_utilization(const struct nvml *nvml, uint32_t device,
				       struct utilization *out)
{
	return nvml->calls.utilization
		       ? (enum nvml_code)nvml->calls.utilization(nvml->handles[device], out)
		       : NVML_FUNCTION_NOT_FOUND;
}

static enum nvml_code read_busy(const struct nvml *nvml, uint32_t device, double *value)
{
	struct utilization raw = { 0 };
	enum nvml_code code = read_utilization(nvml, device, &raw);
	*value = code == NVML_SUCCESS ? raw.gpu / 100.0 : NAN;
	return code;
}

static enum nvml_code read_memory_busy(const struct nvml *nvml, uint32_t device, double *value)
{
	struct utilization raw = { 0 };
	enum nvml_code code = read_utilization(nvml, device, &raw);
	*value = code == NVML_SUCCESS ? raw.memory / 100.0 : NAN;
	return code;
}

static enum nvml_code read_memory(const struct nvml *nvml, uint32_t device, struct memory_info *out)
{
	return nvml->calls.memory ? (enum nvml_code)nvml->calls.memory(nvml->handles[device], out)
				  : NVML_FUNCTION_NOT_FOUND;
}

static enum nvml_code read_memory_used(const struct nvml *nvml, uint32_t device, double *value)
{
	struct memory_info raw = { 0 };
	enum nvml_code code = read_memory(nvml, device, &raw);
	*value = code == NVML_SUCCESS ? (double)raw.used : NAN;
	return code;
}

static enum nvml_code read_memory_total(const struct nvml *nvml, uint32_t device, double *value)
{
	struct memory_info raw = { 0 };
	enum nvml_code code = read_memory(nvml, device, &raw);
	*value = code == NVML_SUCCESS ? (double)raw.total : NAN;
	return code;
}

static enum nvml_code read_ecc(const struct nvml *nvml, uint32_t device, int type, double *value)
{
	unsigned long long raw = 0;
	int code = nvml->calls.ecc
			   ? nvml->calls.ecc(nvml->handles[device], type, ECC_SINCE_BOOT, &raw)
			   : NVML_FUNCTION_NOT_FOUND;
	*value = code == NVML_SUCCESS ? (double)raw : NAN;
	return (enum nvml_code)code;
}

static enum nvml_code read_ecc_corrected(const struct nvml *nvml, uint32_t device, double *value)
{
	return read_ecc(nvml, device, ECC_CORRECTED, value);
}

static enum nvml_code read_ecc_uncorrected(const struct nvml *nvml, uint32_t device, double *value)
{
	return read_ecc(nvml, device, ECC_UNCORRECTED, value);
}

enum nvml_code nvml_throttle_reasons(const struct nvml *nvml, uint32_t device, uint64_t *reasons)
{
	unsigned long long raw = 0;
	int code = nvml->calls.throttle ? nvml->calls.throttle(nvml->handles[device], &raw)
					: NVML_FUNCTION_NOT_FOUND;
	*reasons = raw;
	return (enum nvml_code)code;
}

/* A ratio of moments: over time its mean is the share of time that was lost. */
static enum nvml_code read_throttled(const struct nvml *nvml, uint32_t device, double *value)
{
	uint64_t reasons;
	enum nvml_code code = nvml_throttle_reasons(nvml, device, &reasons);
	*value = NAN;
	if (code == NVML_SUCCESS)
		*value = reasons & NVML_THROTTLE_HARMFUL ? 1 : 0;
	return code;
}

enum nvml_code nvml_processes(const struct nvml *nvml, uint32_t device, struct nvml_process *out,
			      uint32_t *n)
{
	struct process_info raw[NVML_MOST_PROCESSES] = { 0 };
	unsigned count = NVML_MOST_PROCESSES;
	*n = 0;
	int code = nvml->calls.processes ? nvml->calls.processes(nvml->handles[device], &count, raw)
					 : NVML_FUNCTION_NOT_FOUND;
	if (code != NVML_SUCCESS)
		return (enum nvml_code)code;
	*n = count < NVML_MOST_PROCESSES ? count : NVML_MOST_PROCESSES;
	for (uint32_t i = 0; i < *n; i++) {
		out[i].pid = raw[i].pid;
		/* All ones: "not available", as under Windows' driver model and in some MIG. */
		out[i].memory_bytes =
			raw[i].used_memory == ~0ull ? NAN : (double)raw[i].used_memory;
	}
	return NVML_SUCCESS;
}

const struct nvml_metric nvml_metrics[] = {
	{ "GPU power", "W", true, read_power },
	{ "GPU power limit", "W", false, read_power_limit },
	{ "GPU energy", "J", true, read_energy },
	{ "GPU SM clock", "Hz", true, read_sm_clock },
	{ "GPU memory clock", "Hz", true, read_memory_clock },
	{ "GPU temperature", "\u00b0C", true, read_temperature },
	{ "GPU throttled", "ratio", false, read_throttled },
	{ "GPU busy", "ratio", false, read_busy },
	{ "GPU memory busy", "ratio", false, read_memory_busy },
	{ "GPU memory used", "B", false, read_memory_used },
	{ "GPU memory", "B", false, read_memory_total },
	{ "GPU ECC corrected", "", true, read_ecc_corrected },
	{ "GPU ECC uncorrected", "", true, read_ecc_uncorrected },
	{ 0 },
};
