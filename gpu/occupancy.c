/* Three limits a block: warps, registers, shared memory; the smallest number of blocks stands. */
#include "gpu/occupancy.h"

#include <math.h>

enum {
	WARP_THREADS = 32,
	PARTITIONS = 4,       /* of a multiprocessor; warps and registers are split among them */
	REGISTER_GRAIN = 256, /* registers are given to a warp in such portions */
	FIRST_MAJOR = 7,      /* Volta: the rules below hold from here on */
	SHARED_GRAIN_VOLTA = 256,
	SHARED_GRAIN = 128,
	SHARED_RESERVED = 1024, /* of each block for the system, since Ampere */
};

static uint64_t round_up(uint64_t value, uint64_t grain)
{
	return (value + grain - 1) / grain * grain;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t blocks_by_registers(const struct gpu_shape *shape, const struct gpu_limits *limits,
				    uint64_t warps)
{
	uint64_t a_warp = round_up((uint64_t)shape->registers * WARP_THREADS, REGISTER_GRAIN);
	if (a_warp == 0)
		return UINT64_MAX;
	/* The hardware checks a block as if it used all partitions alike. */
	if (a_warp * round_up(warps, PARTITIONS) > limits->registers)
		return 0;
	return limits->registers / PARTITIONS / a_warp * PARTITIONS / warps;
}

static uint64_t blocks_by_shared(const struct gpu_shape *shape, const struct gpu_limits *limits)
{
	uint64_t reserved = limits->major > FIRST_MAJOR ? SHARED_RESERVED : 0;
	uint64_t grain = limits->major > FIRST_MAJOR ? SHARED_GRAIN : SHARED_GRAIN_VOLTA;
	uint64_t a_block = round_up((uint64_t)shape->shared_static_bytes +
					    shape->shared_dynamic_bytes + reserved,
				    grain);
	return a_block ? limits->shared_bytes / a_block : UINT64_MAX;
}

double gpu_occupancy(const struct gpu_shape *shape, const struct gpu_limits *limits)
{
	uint64_t threads = (uint64_t)shape->block[0] * shape->block[1];
	/* No block has more than 1,024 threads; a larger product is no block. */
	if (threads == 0 || threads > 1024 || shape->block[2] == 0 ||
	    threads * shape->block[2] > 1024)
		return NAN;
	threads *= shape->block[2];
	if (limits->major < FIRST_MAJOR || !limits->warps || !limits->blocks ||
	    !limits->registers || !limits->shared_bytes)
		return NAN;
	uint64_t warps = (threads + WARP_THREADS - 1) / WARP_THREADS;
	uint64_t blocks = least(limits->blocks, limits->warps / warps);
	blocks = least(blocks, blocks_by_registers(shape, limits, warps));
	blocks = least(blocks, blocks_by_shared(shape, limits));
	return (double)(blocks * warps) / limits->warps;
}
