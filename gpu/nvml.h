/*
 * gpu: what NVIDIA's GPUs do, through libraries that need not be there. Nothing is linked and no
 * header of CUDA is needed: every function is looked up at run time (sampler/base/library.h). Start
 * reading here, then gpu_record.h.
 *
 * nvml: the GPU driver's management library: power, clocks, memory, errors, processes. It counts
 * for the whole device, so no privilege is needed and every process is in the numbers.
 * Source: NVIDIA, "NVML API Reference Guide" (codes, units, structures).
 */
#ifndef GPU_NVML_H
#define GPU_NVML_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/why.h"

/* What NVML's functions return; only those that are told apart here. */
enum nvml_code {
	NVML_SUCCESS = 0,
	NVML_NOT_SUPPORTED = 3,
	NVML_NO_PERMISSION = 4,
	NVML_INSUFFICIENT_SIZE = 7,
	NVML_DRIVER_NOT_LOADED = 9,
	NVML_FUNCTION_NOT_FOUND = 13,
	NVML_GPU_IS_LOST = 15,
	NVML_LIBRARY_RM_VERSION_MISMATCH = 18,
	NVML_UNKNOWN = 999,
};

/* Why the clocks are lower than they could be: bits of nvml_throttle_reasons. */
enum nvml_throttle {
	NVML_THROTTLE_IDLE = 0x1,
	NVML_THROTTLE_SETTING = 0x2,
	NVML_THROTTLE_POWER_CAP = 0x4,
	NVML_THROTTLE_HARDWARE = 0x8,
	NVML_THROTTLE_SYNC_BOOST = 0x10,
	NVML_THROTTLE_HEAT_SOFTWARE = 0x20,
	NVML_THROTTLE_HEAT_HARDWARE = 0x40,
	NVML_THROTTLE_POWER_BRAKE = 0x80,
	/* Those that cost speed without anybody having asked for it. */
	NVML_THROTTLE_HARMFUL = 0xec,
};

enum {
	NVML_MOST_DEVICES = 32,
	NVML_MOST_PROCESSES = 64,
	NVML_NAME_BYTES = 96,
	NVML_UUID_BYTES = 96
};

struct nvml_process {
	uint32_t pid; /* in the host's numbering, whatever container we are in: gpu_process.h */
	double memory_bytes; /* NaN where the driver does not say */
};

struct nvml;

/*
 * nvml_open: load the library and talk to the driver.
 * Returns  NULL and a sentence: no library, no driver, no device
 * Cost     tens of milliseconds where there is a driver
 * Thread   any; the result belongs to one
 */
struct nvml *nvml_open(struct why *why);
void nvml_close(struct nvml *nvml);

/* Devices are numbered 0 … n-1; one that cannot be opened has an empty name and no values. */
uint32_t nvml_n_devices(const struct nvml *nvml);
const char *nvml_device_name(const struct nvml *nvml, uint32_t device);
const char *nvml_device_uuid(const struct nvml *nvml, uint32_t device); /* "" = not said */
const char *nvml_driver_version(const struct nvml *nvml);               /* "" = not said */

/* One number that a device can give. */
struct nvml_metric {
	const char *name, *unit;
	bool is_hardware; /* counted by the device, not by the driver */
	enum nvml_code (*read)(const struct nvml *nvml, uint32_t device, double *value);
};

/* Ended by a NULL name. */
extern const struct nvml_metric nvml_metrics[];

/* nvml_throttle_reasons: bits of enum nvml_throttle. */
enum nvml_code nvml_throttle_reasons(const struct nvml *nvml, uint32_t device, uint64_t *reasons);

/* nvml_processes: processes with a compute context, at most NVML_MOST_PROCESSES. */
enum nvml_code nvml_processes(const struct nvml *nvml, uint32_t device, struct nvml_process *out,
			      uint32_t *n);

/* nvml_code_text: a phrase for a code ("this device does not have it"). */
const char *nvml_code_text(enum nvml_code code);

#endif
