/*
 * cupti_pm: the part of CUPTI's binary interface that samples a device's counters at a fixed rate
 * (PM sampling) and turns them into metrics. Every call takes one struct that begins with its size
 * up to the last field it knows; later versions only append.
 * Source: NVIDIA, "CUPTI API Reference", CUDA 13.0: cupti_profiler_host.h, cupti_pmsampling.h;
 * tests/cupti_layout.sh compares.
 */
#ifndef GPU_CUPTI_PM_H
#define GPU_CUPTI_PM_H

#include <stddef.h>
#include <stdint.h>

/* What a struct says of its own size: padding behind the last field is not counted. */
#define CUPTI_PM_BYTES(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

enum {
	CUPTI_PM_SAMPLING = 1,  /* CUpti_ProfilerType */
	CUPTI_PM_BY_CYCLES = 0, /* GPU_SYSCLK_INTERVAL: all that Turing and GA100 can */
	CUPTI_PM_BY_TIME = 1,   /* GPU_TIME_INTERVAL, in ns */
	CUPTI_PM_KEEP_OLDEST = 0,
	CUPTI_PM_KEEP_LATEST = 1,  /* not on Turing */
	CUPTI_PM_STOPPED_FULL = 1, /* decoding: the image has no more room */
};

struct cupti_pm_plain { /* cuptiProfilerInitialize */
	size_t bytes;
	void *reserved;
};

struct cupti_chip_name { /* cuptiDeviceGetChipName */
	size_t bytes;
	void *reserved;
	size_t device;
	const char *name;
};

struct cupti_host_chips {
	size_t bytes;
	void *reserved;
	size_t n;
	const char *const *names;
};

struct cupti_host_open {
	size_t bytes;
	void *reserved;
	int profiler;
	const char *chip;
	const uint8_t *availability;
	void *host;
};

struct cupti_host_close {
	size_t bytes;
	void *reserved, *host;
};

struct cupti_host_add {
	size_t bytes;
	void *reserved, *host;
	const char *const *names;
	size_t n;
};

struct cupti_host_image_size {
	size_t bytes;
	void *reserved, *host;
	size_t image_bytes;
};

struct cupti_host_image {
	size_t bytes;
	void *reserved, *host;
	size_t image_bytes;
	uint8_t *image;
};

struct cupti_host_passes {
	size_t bytes;
	void *reserved;
	size_t image_bytes;
	const uint8_t *image;
	size_t n;
};

struct cupti_host_evaluate {
	size_t bytes;
	void *reserved, *host;
	const uint8_t *data;
	size_t data_bytes, sample;
	const char *const *names;
	size_t n;
	double *values;
};

struct cupti_pm_availability {
	size_t bytes;
	void *reserved;
	size_t device, image_bytes;
	uint8_t *image;
};

struct cupti_pm_enable {
	size_t bytes;
	void *reserved;
	size_t device;
	void *sampling; /* out */
};

struct cupti_pm_object { /* Start, Stop, Disable */
	size_t bytes;
	void *reserved, *sampling;
};

struct cupti_pm_config {
	size_t bytes;
	void *reserved, *sampling;
	size_t image_bytes;
	const uint8_t *image;
	size_t buffer_bytes;
	uint64_t interval;
	int trigger, append;
};

struct cupti_pm_data_size {
	size_t bytes;
	void *reserved, *sampling;
	const char *const *names;
	size_t n;
	uint32_t most_samples;
	size_t data_bytes; /* out */
};

struct cupti_pm_data { /* CounterDataImageInitialize */
	size_t bytes;
	void *reserved, *sampling;
	size_t data_bytes;
	uint8_t *data;
};

struct cupti_pm_decode {
	size_t bytes;
	void *reserved, *sampling;
	uint8_t *data;
	size_t data_bytes;
	int stop_reason;
	uint8_t is_overflown;
};

struct cupti_pm_info {
	size_t bytes;
	void *reserved;
	const uint8_t *data;
	size_t data_bytes, n_total, n_populated, n_completed;
};

struct cupti_pm_sample {
	size_t bytes;
	void *reserved, *sampling;
	const uint8_t *data;
	size_t data_bytes, sample;
	uint64_t start_ns, end_ns;
};

struct cupti_pm_calls {
	int (*initialize)(struct cupti_pm_plain *);
	int (*chip_name)(struct cupti_chip_name *);
	int (*host_chips)(struct cupti_host_chips *);
	int (*host_open)(struct cupti_host_open *);
	int (*host_close)(struct cupti_host_close *);
	int (*host_add)(struct cupti_host_add *);
	int (*host_image_size)(struct cupti_host_image_size *);
	int (*host_image)(struct cupti_host_image *);
	int (*host_passes)(struct cupti_host_passes *);
	int (*host_evaluate)(struct cupti_host_evaluate *);
	int (*availability)(struct cupti_pm_availability *);
	int (*enable)(struct cupti_pm_enable *);
	int (*disable)(struct cupti_pm_object *);
	int (*configure)(struct cupti_pm_config *);
	int (*data_size)(struct cupti_pm_data_size *);
	int (*data_clear)(struct cupti_pm_data *);
	int (*start)(struct cupti_pm_object *);
	int (*stop)(struct cupti_pm_object *);
	int (*decode)(struct cupti_pm_decode *);
	int (*info)(struct cupti_pm_info *);
	int (*sample)(struct cupti_pm_sample *);
};

#endif
