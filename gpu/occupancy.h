/*
 * occupancy: how many of a multiprocessor's warps a kernel can have at once, computed from what a
 * launch asks for and what the device has.
 */
#ifndef GPU_OCCUPANCY_H
#define GPU_OCCUPANCY_H

#include <stdint.h>

/* One multiprocessor; 0 = not known. */
struct gpu_limits {
	uint32_t warps, blocks, shared_bytes, registers, major;
};

struct gpu_shape {
	uint32_t grid[3], block[3];
	uint32_t registers; /* a thread */
	uint32_t shared_static_bytes, shared_dynamic_bytes, local_bytes;
};

/*
 * gpu_occupancy: resident warps over the most that could be, 0…1; NaN if it cannot be known: a
 * limit is missing, or the architecture is older than Volta. 0 = the block does not fit.
 * Source  NVIDIA, "CUDA C++ Programming Guide", compute capabilities; cuda_occupancy.h
 */
double gpu_occupancy(const struct gpu_shape *shape, const struct gpu_limits *limits);

#endif
