/* A stand-in for libcuda.so.1 with one device; MOCK_SCRIPT makes calls fail, "count=N" devices. */
#include "tests/mock_script.h"

#define EXPORT __attribute__((visibility("default")))

int cuInit(unsigned flags);
int cuDeviceGetCount(int *n);

EXPORT int cuInit(unsigned flags)
{
	(void)flags;
	return (int)mock_script(__func__, 0);
}

EXPORT int cuDeviceGetCount(int *n)
{
	*n = (int)mock_script("count", 1);
	return (int)mock_script(__func__, 0);
}
