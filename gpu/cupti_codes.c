/* Numbers of cupti_result.h, CUDA 13.0. */
#include "gpu/cupti_codes.h"

#include "gpu/cupti.h"
#include "gpu/gpu_record.h"

const char *cupti_remedy(uint32_t code)
{
	switch (code) {
	case GPU_FORKED:
		return "Start processes before CUDA is used, or by spawn and exec.";
	case GPU_NO_CUPTI:
		return "Install libcupti of the program's CUDA version (package cuda-cupti), or "
		       "set STOKE_CUPTI to its path.";
	case CUPTI_NOT_COMPATIBLE:
		return "Install a driver as new as the CUDA toolkit.";
	case CUPTI_NOT_INITIALIZED:
		return "See whether nvidia-smi works; load the driver.";
	case CUPTI_PRIVILEGES:
	case CUPTI_VIRTUAL_PRIVILEGES:
		return "Run as root, or load the driver with "
		       "NVreg_RestrictProfilingToAdminUsers=0.";
	case CUPTI_TAKEN:
		return "Run without the other profiler; only one may listen.";
	case CUPTI_CONFIDENTIAL:
		return "Turn confidential computing off for the device.";
	case CUPTI_MIG:
		return "Use a whole device; MIG instances cannot be traced.";
	default:
		return "Run with --no-gpu to leave the GPU alone.";
	}
}

const char *cupti_stalls_remedy(uint32_t code)
{
	switch (code) {
	case CUPTI_NOT_COMPATIBLE:
	case CUPTI_PRIVILEGES:
	case CUPTI_VIRTUAL_PRIVILEGES:
	case CUPTI_CONFIDENTIAL:
	case CUPTI_MIG:
		return cupti_remedy(code);
	case GPU_NO_FUNCTION:
		return "Install libcupti of CUDA 12 or newer.";
	default:
		return "Leave --gpu-metrics out beside --gpu-stalls; both may want the same "
		       "counters.";
	}
}
