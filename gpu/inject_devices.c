/* Source: NVIDIA, "CUDA Driver API", CUDA 13.0 (CUdevice_attribute; the same numbers since 11). */
#include "gpu/inject_devices.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gpu/cupti.h"
#include "gpu/gpu_record.h"
#include "gpu/inject_ring.h"

enum { MOST_DEVICES = 64, NAME_BYTES = 256, UUID_BYTES = 16 };

enum attribute {
	CLOCK_KHZ = 13,
	MULTIPROCESSORS = 16,
	MEMORY_CLOCK_KHZ = 36,
	MEMORY_BUS_BITS = 37,
	L2_BYTES = 38,
	THREADS_OF_MULTIPROCESSOR = 39,
	WARP_THREADS = 10,
	MAJOR = 75,
	MINOR = 76,
	SHARED_BYTES_OF_MULTIPROCESSOR = 81,
	REGISTERS_OF_MULTIPROCESSOR = 82,
	BLOCKS_OF_MULTIPROCESSOR = 106,
};

struct driver {
	int (*count)(int *n);
	int (*device)(int *device, int at);
	int (*name)(char *name, int bytes, int device);
	int (*memory)(size_t *bytes, int device);
	int (*attribute)(int *value, int attribute, int device);
	int (*uuid)(uint8_t *uuid, int device);
};

static bool find(void *library, const char *name, void *into)
{
	void *address = dlsym(library, name);
	if (address)
		memcpy(into, &address, sizeof address);
	return address != NULL;
}

static bool find_driver(void *library, struct driver *out)
{
	if (!find(library, "cuDeviceGetUuid_v2", &out->uuid))
		find(library, "cuDeviceGetUuid", &out->uuid);
	return find(library, "cuDeviceGetCount", &out->count) &&
	       find(library, "cuDeviceGet", &out->device) &&
	       find(library, "cuDeviceGetName", &out->name) &&
	       find(library, "cuDeviceTotalMem_v2", &out->memory) &&
	       find(library, "cuDeviceGetAttribute", &out->attribute);
}

static uint32_t ask(const struct driver *driver, int device, enum attribute attribute)
{
	int value = 0;
	return driver->attribute(&value, (int)attribute, device) == 0 && value > 0 ? (uint32_t)value
										   : 0;
}

/* Data comes at both edges of the memory's clock. */
static uint64_t bandwidth(const struct driver *driver, int device)
{
	uint64_t hz = 1000ull * ask(driver, device, MEMORY_CLOCK_KHZ);
	return 2 * hz * ask(driver, device, MEMORY_BUS_BITS) / 8;
}

static void send_one(struct inject_ring *ring, const struct driver *driver, int at)
{
	int device;
	char name[NAME_BYTES] = "";
	size_t memory_bytes = 0;
	if (driver->device(&device, at) != 0 || driver->name(name, sizeof name, device) != 0)
		return;
	name[sizeof name - 1] = '\0';
	if (driver->memory(&memory_bytes, device) != 0)
		memory_bytes = 0;
	uint32_t warp = ask(driver, device, WARP_THREADS);
	struct gpu_device out = {
		.name = inject_ring_name(ring, name),
		.memory_bytes = memory_bytes,
		.memory_bytes_per_s = bandwidth(driver, device),
		.id = (uint32_t)at,
		.multiprocessors = ask(driver, device, MULTIPROCESSORS),
		.warps = warp ? ask(driver, device, THREADS_OF_MULTIPROCESSOR) / warp : 0,
		.blocks = ask(driver, device, BLOCKS_OF_MULTIPROCESSOR),
		.shared_bytes = ask(driver, device, SHARED_BYTES_OF_MULTIPROCESSOR),
		.registers = ask(driver, device, REGISTERS_OF_MULTIPROCESSOR),
		.clock_khz = ask(driver, device, CLOCK_KHZ),
		.major = ask(driver, device, MAJOR),
		.minor = ask(driver, device, MINOR),
		.l2_bytes = ask(driver, device, L2_BYTES),
	};
	uint8_t uuid[UUID_BYTES];
	if (driver->uuid && driver->uuid(uuid, device) == 0)
		memcpy(out.uuid, uuid, sizeof out.uuid);
	inject_ring_send(ring, GPU_DEVICE, 0, &out, sizeof out);
}

void inject_devices_send(struct inject_ring *ring)
{
	struct driver driver = { 0 };
	int n = 0;
	void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
	if (!library)
		return;
	if (find_driver(library, &driver) && driver.count(&n) == 0)
		for (int i = 0; i < n && i < MOST_DEVICES; i++)
			send_one(ring, &driver, i);
	dlclose(library); /* gives the reference back; the program has its own */
}

void inject_devices_take(struct inject_ring *ring, const struct cupti_device *device)
{
	struct gpu_device out = {
		.name = inject_ring_name(ring, device->name),
		.memory_bytes = device->memory_bytes,
		.memory_bytes_per_s = device->memory_kilobytes_per_s * 1000,
		.id = device->id,
		.multiprocessors = device->multiprocessors,
		.warps = device->warps,
		.blocks = device->blocks,
		.shared_bytes = device->shared_bytes,
		.registers = device->registers,
		.clock_khz = device->clock_khz,
		.major = device->major,
		.minor = device->minor,
		.l2_bytes = device->l2_bytes,
	};
	memcpy(out.uuid, device->uuid, sizeof out.uuid);
	inject_ring_send(ring, GPU_DEVICE, 0, &out, sizeof out);
}
