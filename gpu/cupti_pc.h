/*
 * cupti_pc: the part of CUPTI's binary interface that samples where kernels stand and what they
 * wait for (PC sampling), and says which line of the source that is. Every struct begins with its
 * own size, up to the last field it knows; later versions only append.
 * Source: NVIDIA, "CUPTI API Reference", CUDA 13.0: cupti_pcsampling.h, cupti_callbacks.h;
 * tests/cupti_layout.sh compares.
 */
#ifndef GPU_CUPTI_PC_H
#define GPU_CUPTI_PC_H

#include <stddef.h>
#include <stdint.h>

/* What a struct says of its own size: padding behind the last field is not counted. */
#define CUPTI_PC_BYTES(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

enum {
	CUPTI_RESOURCE = 3, /* domain of call-backs */
	CUPTI_CONTEXT_CREATED = 1,
	CUPTI_CONTEXT_ENDS = 2,
	CUPTI_MODULE_LOADED = 6,
	CUPTI_OUT_OF_MEMORY = 8, /* of cuptiPCSamplingGetData: the device's buffer was full */
	CUPTI_PC_REASON_BYTES = 128,
};

enum cupti_pc_attribute_type {
	CUPTI_PC_PERIOD = 1,  /* uint32_t: a sample every 2^value cycles of a multiprocessor */
	CUPTI_PC_REASONS = 2, /* n, list */
	CUPTI_PC_DEVICE_BUFFER = 4, /* size_t */
	CUPTI_PC_MODE = 5,          /* int */
	CUPTI_PC_DATA = 8,          /* where cuptiPCSamplingDisable leaves what is left */
	CUPTI_PC_CONTINUOUS = 1,    /* a mode: kernels are not serialised */
};

struct cupti_pc_stall {
	uint32_t reason, n_samples;
};

struct cupti_pc {
	size_t bytes;
	uint64_t cubin, offset; /* cubin: what cuptiGetCubinCrc makes of it */
	uint32_t function_index, unused;
	char *function;
	size_t n_stalls;
	struct cupti_pc_stall *stalls;
	uint32_t correlation; /* 0 in continuous mode */
};

struct cupti_pc_data {
	size_t bytes, most_pcs; /* what there is room for */
	uint64_t n_samples, n_dropped;
	size_t n_pcs, n_left;
	uint64_t range;
	struct cupti_pc *pcs;
	uint64_t n_foreign; /* samples in kernels that are not the program's */
	uint8_t is_full;    /* the device's buffer was */
};

struct cupti_pc_attribute {
	int type, status;
	union {
		uint64_t words[3];
		uint32_t period;
		size_t buffer_bytes;
		int mode;
		void *data;
		struct {
			size_t n;
			uint32_t *list;
		} reasons;
	};
};

struct cupti_pc_configuration { /* cuptiPCSamplingSet/GetConfigurationAttribute */
	size_t bytes;
	void *reserved, *context;
	size_t n;
	struct cupti_pc_attribute *attributes;
};

struct cupti_pc_context { /* cuptiPCSamplingEnable, Disable */
	size_t bytes;
	void *reserved, *context;
};

struct cupti_pc_get {
	size_t bytes;
	void *reserved, *context;
	struct cupti_pc_data *data;
};

struct cupti_pc_n_reasons {
	size_t bytes;
	void *reserved, *context;
	size_t *n;
};

struct cupti_pc_reasons {
	size_t bytes;
	void *reserved, *context;
	size_t n;
	uint32_t *numbers;
	char **names; /* CUPTI_PC_REASON_BYTES each */
};

struct cupti_pc_line {
	size_t bytes;
	const void *cubin;
	const char *function;
	size_t cubin_bytes;
	uint32_t line; /* out */
	uint64_t offset;
	char *file, *folder; /* out; the caller frees them */
};

struct cupti_pc_crc {
	size_t bytes, cubin_bytes;
	const void *cubin;
	uint64_t crc; /* out */
};

struct cupti_resource {
	void *context, *stream, *descriptor;
};

struct cupti_module {
	uint32_t id;
	size_t cubin_bytes;
	const char *cubin;
};

struct cupti_pc_calls {
	int (*configure)(struct cupti_pc_configuration *);
	int (*configuration)(struct cupti_pc_configuration *);
	int (*enable)(struct cupti_pc_context *);
	int (*disable)(struct cupti_pc_context *);
	int (*get)(struct cupti_pc_get *);
	int (*count_reasons)(struct cupti_pc_n_reasons *);
	int (*name_reasons)(struct cupti_pc_reasons *);
	int (*line)(struct cupti_pc_line *);
	int (*crc)(struct cupti_pc_crc *);
};

#endif
