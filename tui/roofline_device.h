/*
 * roofline_device: a GPU under its own ceilings: kernels whose work the program told exactly
 * (gpu_work.h), by the time that the device took for them.
 */
#ifndef TUI_ROOFLINE_DEVICE_H
#define TUI_ROOFLINE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters/ceilings.h"
#include "counters/roofline.h"
#include "counters/roofline_phases.h"

struct gpu_summary;
struct recording;

enum { ROOFLINE_MOST_KERNELS = 64 };

struct roofline_kernel {
	uint32_t name, phase; /* strings: its own, and the phase that told its work */
	uint32_t device;
	uint64_t n; /* launches */
	struct roofline_work work;
	struct roofline roofline;
	struct roofline_verdict verdict;
};

struct roofline_device {
	struct gpu_summary *summary; /* NULL = nothing read yet */
	struct ceilings_devices devices;
	const struct ceilings *ceilings; /* of the device below; NULL = nobody measured it */
	uint32_t index;                  /* the first that did work */
	bool has_work;
	struct roofline_kernel kernels[ROOFLINE_MOST_KERNELS]; /* longest first */
	size_t n;
};

/* roofline_device_read: anew, of what lies in the window (0, 0 = all). */
void roofline_device_read(struct roofline_device *device, const struct recording *recording,
			  uint64_t from_ns, uint64_t to_ns);
void roofline_device_free(struct roofline_device *device);

/* roofline_device_judge: phases whose work kernels did are held against the device's ceilings. */
void roofline_device_judge(const struct roofline_device *device, const struct recording *recording,
			   struct roofline_phases *phases);

/* roofline_device_settle: the same for who only wants verdicts: rooflines of such phases are empty
 * afterwards. Cost: roofline_device_read. */
void roofline_device_settle(const struct recording *recording, uint64_t from_ns, uint64_t to_ns,
			    struct roofline_phases *phases);

/* roofline_device_did: did its kernels do the work of the phases of that name? */
bool roofline_device_did(const struct roofline_device *device, uint32_t phase);

/* roofline_device_name: "NVIDIA H200"; "" = not said. */
const char *roofline_device_name(const struct roofline_device *device);

#endif
