/*
 * inject_nvtx: the ranges that a program names by NVTX, NVIDIA's annotation headers: those open in
 * a thread stand between its stack and what it launches. The headers load the library that
 * NVTX_INJECTION64_PATH names at the program's first annotation; neither CUDA nor a GPU is needed.
 * Source: NVTX 3, nvtxDetail/nvtxTypes.h, nvtxInit.h (the binary interface of tools).
 */
#ifndef GPU_INJECT_NVTX_H
#define GPU_INJECT_NVTX_H

#include <stddef.h>
#include <stdint.h>

struct inject_ring;

/* inject_nvtx_ranges: what is open in this thread, outermost first, as one number
 * (gpu_range_in.id), sent if it is new; 0 = nothing. */
uint64_t inject_nvtx_ranges(struct inject_ring *ring);

/* The part of NVTX's binary interface that is used. */
enum nvtx_module { NVTX_CORE = 1, NVTX_CORE2 = 5 };

/* Places in the tables of functions. */
enum nvtx_core {
	NVTX_RANGE_START_EX = 4,
	NVTX_RANGE_START_A,
	NVTX_RANGE_START_W,
	NVTX_RANGE_END,
	NVTX_RANGE_PUSH_EX,
	NVTX_RANGE_PUSH_A,
	NVTX_RANGE_PUSH_W,
	NVTX_RANGE_POP,
	NVTX_CORE_SIZE = 16,
};

enum nvtx_core2 {
	NVTX_DOMAIN_RANGE_START_EX = 2,
	NVTX_DOMAIN_RANGE_END,
	NVTX_DOMAIN_RANGE_PUSH_EX,
	NVTX_DOMAIN_RANGE_POP,
	NVTX_DOMAIN_REGISTER_STRING_A = 10,
	NVTX_DOMAIN_REGISTER_STRING_W,
	NVTX_DOMAIN_CREATE_A,
	NVTX_DOMAIN_CREATE_W,
	NVTX_CORE2_SIZE = 16,
};

enum nvtx_message_type { NVTX_TEXT = 1, NVTX_WIDE_TEXT, NVTX_REGISTERED };

struct nvtx_event {
	uint16_t version, bytes;
	uint32_t category;
	int32_t color_type;
	uint32_t color;
	int32_t payload_type, reserved;
	uint64_t payload;
	int32_t message_type;
	const void *message;
};

_Static_assert(offsetof(struct nvtx_event, message) == 40, "as in NVTX 2 and 3");

typedef void nvtx_function(void);

struct nvtx_callbacks {
	size_t struct_bytes;
	/* Pointers to where NVTX keeps the function it calls; 1 = fine. */
	int (*functions)(int module, nvtx_function ****out_table, unsigned int *out_size);
};

enum { NVTX_TABLE_CALLBACKS = 1, NVTX_NO_TRACKING = -2 };

/* InitializeInjectionNvtx2: called by each binary with NVTX in it. 1 = fine. */
int InitializeInjectionNvtx2(const void *(*get_table)(uint32_t id));

#endif
