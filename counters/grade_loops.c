/*
 * Names without a CPU in front are looked for in this one's table and mean nothing elsewhere; raw
 * numbers would, so those of Arm stand only where the code runs.
 * Source: as in the files of counters/groups.
 */
#include "counters/grade_loops.h"

#include <stddef.h>

#if defined(__aarch64__)
#define ARM(...) __VA_ARGS__
#else
#define ARM(...) NULL
#endif

const struct grade_loop grade_loops[] = {
	{ .what = "rounds of 3 instructions",
	  .run = grade_rounds,
	  .each = 3,
	  .events = { "instructions:u", "INST_RETIRED:ANY_P:u", "RETIRED_INSTRUCTIONS:u",
		      ARM("r08:u") } },
	{ .what = "rounds with 1 branch",
	  .run = grade_rounds,
	  .each = 1,
	  .events = { "branches:u", "BR_INST_RETIRED:ALL_BRANCHES:u",
		      "RETIRED_BRANCH_INSTRUCTIONS:u", ARM("r21:u") } },
	{ .what = "additions that need the one before",
	  .run = grade_additions,
	  .each = 1,
	  .events = { "cycles:u", "CPU_CLK_UNHALTED:THREAD_P:u", "CYCLES_NOT_IN_HALT:u",
		      ARM("r11:u") } },
	{ .what = "loads of one word",
	  .run = grade_loads,
	  .each = 1,
	  .events = { "L1-dcache-loads:u", "MEM_INST_RETIRED:ALL_LOADS:u",
		      "LS_DISPATCH:LD_DISPATCH:STORE_DISPATCH:LD_ST_DISPATCH:u", "dTLB-loads:u",
		      ARM("r04:u", "r25:u") } },
	{ .what = "branches by a coin: every other is foreseen",
	  .run = grade_coins,
	  .each = 0.5,
	  .events = { "branch-misses:u", "BR_MISP_RETIRED:ALL_BRANCHES:u",
		      "RETIRED_BRANCH_INSTRUCTIONS_MISPREDICTED:u", ARM("r22:u", "r10:u") } },
	{ .what = "steps along a list larger than the first cache",
	  .run = grade_near,
	  .each = 1,
	  .events = { "L1-dcache-load-misses:u", "MEM_LOAD_RETIRED:L1_MISS:u", "L1D:REPLACEMENT:u",
		      "REQUESTS_TO_L2_GROUP1:RD_BLK_L:RD_BLK_X:CHANGE_TO_X:u",
		      "REQUESTS_TO_L2_GROUP1:RD_BLK_L:RD_BLK_X:LS_RD_BLK_C_S:CHANGE_TO_X:u",
		      ARM("r03:u") } },
	{ .what = "steps along a list larger than the last cache",
	  .run = grade_far,
	  .each = 1,
	  .is_last_cache = true,
	  .events = { "cache-misses:u", "LLC-load-misses:u", "LONGEST_LAT_CACHE:MISS:u",
		      "MEM_LOAD_RETIRED:L3_MISS:u",
		      "DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_LCL_DRAM:LS_MABRESP_RMT_DRAM:u",
		      "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:MEM_IO_LCL:MEM_IO_RMT:u",
		      "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:DRAM_IO_NEAR:DRAM_IO_FAR:u",
		      ARM("r37:u") } },
	{ .what = "steps along a list larger than the second cache",
	  .run = grade_far,
	  .each = 1,
	  .events = { "cache-references:u", "LLC-loads:u", "L2_RQSTS:DEMAND_DATA_RD_MISS:u",
		      "LONGEST_LAT_CACHE:REFERENCE:u", "LONGEST_LAT_CACHE:REFERENCES:u",
		      "CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:LS_RD_BLK_C:u",
		      ARM("r17:u", "r36:u") } },
	{ .what = "steps from page to page, of more pages than the TLBs hold",
	  .run = grade_far,
	  .each = 1,
	  .events = { "dTLB-load-misses:u", "DTLB_LOAD_MISSES:WALK_COMPLETED:u",
		      "L1_DTLB_MISS:TLB_RELOAD_1G_L2_MISS:TLB_RELOAD_2M_L2_MISS:"
		      "TLB_RELOAD_COALESCED_PAGE_MISS:TLB_RELOAD_4K_L2_MISS:u",
		      ARM("r34:u", "r05:u") } },
	{ .what = "additions in double precision",
	  .run = grade_flops,
	  .each = 1,
	  .events = { "FP_ARITH_INST_RETIRED:SCALAR_DOUBLE:u",
		      "RETIRED_SSE_AVX_FLOPS:ADD_SUB_FLOPS:MULT_FLOPS:DIV_FLOPS:MAC_FLOPS:u",
		      "RETIRED_SSE_AVX_FLOPS:ADD_SUB_FLOPS:MULT_FLOPS:DIV_FLOPS:MAC_FLOPS:"
		      "BFLOAT_MAC_FLOPS:u",
		      ARM("r75:u") } },
	{ .what = "pages touched for the first time",
	  .run = grade_pages,
	  .each = 1,
	  .events = { "page-faults:u" } },
	{ .what = "nanoseconds by the thread's own clock",
	  .run = grade_time,
	  .each = 1,
	  .events = { "task-clock" } },
	{ .what = "naps",
	  .run = grade_naps,
	  .each = 1,
	  .is_kernels = true,
	  .events = { "context-switches" } },
	{ 0 },
};
