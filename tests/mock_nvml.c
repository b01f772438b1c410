/*
 * A stand-in for libnvidia-ml.so.1 with two devices whose numbers are known, for machines without
 * a GPU. Any call fails with the code that MOCK_SCRIPT says; "devices=N" changes how many there
 * are.
 */
#include <stdio.h>
#include <unistd.h>

#include "tests/mock_script.h"

#define EXPORT __attribute__((visibility("default")))
#define RESULT return (int)mock_script(__func__, 0)

struct memory_info {
	unsigned long long total, free, used;
};
struct utilization {
	unsigned gpu, memory;
};
struct process_info {
	unsigned pid;
	unsigned long long used_memory;
	unsigned gpu_instance, compute_instance;
};

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlSystemGetDriverVersion(char *out, unsigned bytes);
int nvmlDeviceGetCount_v2(unsigned *n);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device);
int nvmlDeviceGetName(void *device, char *out, unsigned bytes);
int nvmlDeviceGetUUID(void *device, char *out, unsigned bytes);
int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts);
int nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned *milliwatts);
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules);
int nvmlDeviceGetClockInfo(void *device, int clock, unsigned *mhz);
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius);
int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons);
int nvmlDeviceGetMemoryInfo(void *device, struct memory_info *out);
int nvmlDeviceGetUtilizationRates(void *device, struct utilization *out);
int nvmlDeviceGetTotalEccErrors(void *device, int type, int since, unsigned long long *n);
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *n, struct process_info *out);

static char handles[8];

EXPORT int nvmlInit_v2(void)
{
	RESULT;
}

EXPORT int nvmlShutdown(void)
{
	RESULT;
}

EXPORT int nvmlSystemGetDriverVersion(char *out, unsigned bytes)
{
	snprintf(out, bytes, "580.00");
	RESULT;
}

EXPORT int nvmlDeviceGetCount_v2(unsigned *n)
{
	*n = (unsigned)mock_script("devices", 2);
	RESULT;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{
	*device = &handles[index % sizeof handles];
	RESULT;
}

EXPORT int nvmlDeviceGetName(void *device, char *out, unsigned bytes)
{
	snprintf(out, bytes, "Mock H%d", 200 + (int)((char *)device - handles));
	RESULT;
}

EXPORT int nvmlDeviceGetUUID(void *device, char *out, unsigned bytes)
{
	snprintf(out, bytes, "GPU-mock-%d", (int)((char *)device - handles));
	RESULT;
}

EXPORT int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts)
{
	(void)device;
	*milliwatts = 412500;
	RESULT;
}

EXPORT int nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned *milliwatts)
{
	(void)device;
	*milliwatts = 700000;
	RESULT;
}

EXPORT int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules)
{
	(void)device;
	*millijoules = 5000123456;
	RESULT;
}

EXPORT int nvmlDeviceGetClockInfo(void *device, int clock, unsigned *mhz)
{
	(void)device;
	*mhz = clock == 2 ? 3201 : 1980;
	RESULT;
}

EXPORT int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius)
{
	(void)device;
	(void)sensor;
	*celsius = 61;
	RESULT;
}

EXPORT int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons)
{
	(void)device;
	*reasons = (unsigned long long)mock_script("reasons", 0x4);
	RESULT;
}

EXPORT int nvmlDeviceGetMemoryInfo(void *device, struct memory_info *out)
{
	(void)device;
	*out = (struct memory_info){ 150000000000, 149000000000, 1000000000 };
	RESULT;
}

EXPORT int nvmlDeviceGetUtilizationRates(void *device, struct utilization *out)
{
	(void)device;
	*out = (struct utilization){ 87, 45 };
	RESULT;
}

EXPORT int nvmlDeviceGetTotalEccErrors(void *device, int type, int since, unsigned long long *n)
{
	(void)device;
	(void)since;
	*n = type == 0 ? 3 : 0;
	RESULT;
}

EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *n,
						   struct process_info *out)
{
	(void)device;
	*n = (unsigned)mock_script("processes", 2);
	out[0] = (struct process_info){ .pid = (unsigned)getpid(), .used_memory = 123456789 };
	out[1] = (struct process_info){ .pid = 1, .used_memory = ~0ull };
	RESULT;
}
