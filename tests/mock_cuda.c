/* A stand-in for libcuda.so.1 with one device; MOCK_SCRIPT makes calls fail, "count=N" devices. */
#include <stdio.h>
#include <string.h>

#include "tests/mock_script.h"

#define EXPORT __attribute__((visibility("default")))
#define RESULT return (int)mock_script(__func__, 0)

int cuInit(unsigned flags);
int cuDeviceGetCount(int *n);
int cuDeviceGet(int *device, int at);
int cuDeviceGetName(char *name, int bytes, int device);
int cuDeviceTotalMem_v2(size_t *bytes, int device);
int cuDeviceGetAttribute(int *value, int attribute, int device);
int cuDeviceGetUuid_v2(char *uuid, int device);

EXPORT int cuInit(unsigned flags)
{
	(void)flags;
	RESULT;
}

EXPORT int cuDeviceGetCount(int *n)
{
	*n = (int)mock_script("count", 1);
	RESULT;
}

EXPORT int cuDeviceGet(int *device, int at)
{
	*device = at;
	RESULT;
}

EXPORT int cuDeviceGetName(char *name, int bytes, int device)
{
	(void)device;
	snprintf(name, (size_t)bytes, "Mock of the driver");
	RESULT;
}

EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int device)
{
	(void)device;
	*bytes = 150000000000;
	RESULT;
}

/* The number of what was asked for. */
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device)
{
	(void)device;
	*value = attribute;
	RESULT;
}

EXPORT int cuDeviceGetUuid_v2(char *uuid, int device)
{
	(void)device;
	memset(uuid, 0x5a, 16);
	RESULT;
}
