/* See roofline_device.h. */
#include "tui/roofline_device.h"

#include <math.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/gpu_summary.h"

static const struct gpu_device_facts *facts_of(const struct roofline_device *device, uint32_t index)
{
	return &device->summary->devices[index < GPU_MOST_DEVICES ? index : 0];
}

const char *roofline_device_name(const struct roofline_device *device)
{
	const char *name = device->summary ? facts_of(device, device->index)->name : NULL;
	return name ? name : "";
}

static const struct ceilings *ceilings_of(const struct roofline_device *device, uint32_t index)
{
	const struct gpu_device_facts *facts = facts_of(device, index);
	return ceilings_devices_find(&device->devices, facts->name, facts->uuid);
}

/* Both FLOPs and bytes, or there is no place for it. */
static void add_kernel(struct roofline_device *device, const struct recording *recording,
		       const struct gpu_work *work)
{
	if (work->exact_ns == 0 || isnan(work->exact_flops) || isnan(work->exact_bytes) ||
	    device->n == ROOFLINE_MOST_KERNELS)
		return;
	struct roofline_kernel *kernel = &device->kernels[device->n++];
	*kernel = (struct roofline_kernel){ .name = work->name,
					    .phase = work->exact_phase,
					    .device = work->device,
					    .n = work->exact_n,
					    .work = { (double)work->exact_ns * 1e-9,
						      work->exact_flops, work->exact_bytes } };
	roofline_make(&kernel->roofline, ceilings_of(device, work->device),
		      roofline_type_of(recording_string_at(recording, work->name)), UINT32_MAX);
	roofline_judge(&kernel->roofline, &kernel->work, &kernel->verdict);
}

void roofline_device_read(struct roofline_device *device, const struct recording *recording,
			  uint64_t from_ns, uint64_t to_ns)
{
	if (!device->summary)
		device->summary = allocate(1, sizeof *device->summary);
	ceilings_devices_free(&device->devices);
	ceilings_devices_load(&device->devices, recording);
	gpu_summary_read(device->summary, recording, from_ns, to_ns, 1);
	const struct gpu_summary *summary = device->summary;
	device->n = 0;
	device->has_work = summary->n_work > 0;
	device->index = device->has_work ? summary->work[0].device : 0;
	for (uint32_t i = 0; i < summary->n_work; i++) /* longest first */
		add_kernel(device, recording, &summary->work[i]);
	if (device->n)
		device->index = device->kernels[0].device;
	device->ceilings = ceilings_of(device, device->index);
}

void roofline_device_free(struct roofline_device *device)
{
	ceilings_devices_free(&device->devices);
	free(device->summary);
	device->summary = NULL;
	device->n = 0;
}

bool roofline_device_did(const struct roofline_device *device, uint32_t phase)
{
	for (size_t i = 0; i < device->n; i++)
		if (device->kernels[i].phase == phase)
			return true;
	return false;
}

void roofline_device_judge(const struct roofline_device *device, const struct recording *recording,
			   struct roofline_phases *phases)
{
	for (size_t i = 0; i < phases->n; i++) {
		struct roofline_phase *phase = &phases->rows[i];
		if (!roofline_device_did(device, phase->name))
			continue;
		roofline_make(&phase->roofline, device->ceilings,
			      roofline_type_of(recording_string_at(recording, phase->name)),
			      UINT32_MAX);
		roofline_judge(&phase->roofline, &phase->all, &phase->all_verdict);
		roofline_judge(&phase->roofline, &phase->own, &phase->own_verdict);
	}
}

void roofline_device_settle(const struct recording *recording, uint64_t from_ns, uint64_t to_ns,
			    struct roofline_phases *phases)
{
	struct roofline_device *device = allocate(1, sizeof *device);
	roofline_device_read(device, recording, from_ns, to_ns);
	roofline_device_judge(device, recording, phases);
	for (size_t i = 0; i < phases->n; i++)
		if (roofline_device_did(device, phases->rows[i].name))
			phases->rows[i].roofline = (struct roofline){ 0 };
	roofline_device_free(device);
	free(device);
}
