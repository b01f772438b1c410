/*
 * inject_devices: what the GPUs of a program are. CUPTI describes them once, as CUDA begins; who
 * attaches later is told by the driver.
 */
#ifndef GPU_INJECT_DEVICES_H
#define GPU_INJECT_DEVICES_H

struct cupti_device;
struct inject_ring;

/* inject_devices_take: a description of CUPTI's. */
void inject_devices_take(struct inject_ring *ring, const struct cupti_device *device);

/* inject_devices_send: all, as the program's own driver describes them; nothing where it has none,
 * or has not begun. Initialises nothing. */
void inject_devices_send(struct inject_ring *ring);

#endif
