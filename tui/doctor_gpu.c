/* GPUs: the driver's numbers are read for real; what profiling needs is looked for. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/ceilings.h"
#include "counters/machine.h"
#include "gpu/cuda_process.h"
#include "gpu/gpu_process.h"
#include "gpu/nvml.h"
#include "gpu/pm_library.h"
#include "sampler/base/text.h"
#include "tui/doctor.h"
#include "tui/session_gpu.h"
#include "workloads/support/cuda_run.h"

/* By the host's number and, in a container, by its own. */
static void print_processes(const struct doctor *doctor, const struct nvml *nvml, uint32_t device)
{
	struct nvml_process processes[NVML_MOST_PROCESSES];
	char label[32], text[256], one[128], memory[TEXT_BYTES];
	uint32_t n = 0;
	snprintf(label, sizeof label, "GPU %u processes", device);
	enum nvml_code code = nvml_processes(nvml, device, processes, &n);
	if (code != NVML_SUCCESS)
		doctor_line(doctor, ORIGIN_UNAVAILABLE, label, nvml_code_text(code));
	else if (n > 0 && !gpu_process_sees_host(""))
		doctor_line(doctor, ORIGIN_UNAVAILABLE, label,
			    "the driver numbers them as the host does, and this is a container; "
			    "start it with --pid=host");
	for (uint32_t i = 0; i < n && gpu_process_sees_host(""); i++) {
		struct gpu_process process;
		gpu_process_read("", processes[i].pid, &process);
		snprintf(text, sizeof text, "%s: %s", gpu_process_print(&process, one, sizeof one),
			 text_memory(memory, sizeof memory, processes[i].memory_bytes));
		doctor_line(doctor, ORIGIN_SOFTWARE, label, text);
	}
}

static void print_devices(const struct doctor *doctor, const struct nvml *nvml)
{
	char label[32], text[256], name[NVML_NAME_BYTES];
	for (uint32_t i = 0; i < nvml_n_devices(nvml); i++) {
		double power = 0;
		enum nvml_code code = nvml_metrics[0].read(nvml, i, &power);
		text_clean(name, sizeof name, nvml_device_name(nvml, i));
		snprintf(label, sizeof label, "GPU %u", i);
		snprintf(text, sizeof text, "%s; power: %s", name[0] ? name : "cannot be opened",
			 nvml_code_text(code));
		doctor_line(doctor, name[0] ? ORIGIN_MEASURED : ORIGIN_UNAVAILABLE, label, text);
		if (name[0])
			print_processes(doctor, nvml, i);
	}
}

/* "RmProfilingAdminOnly: 1" keeps counters (not kernel times) from everybody but root. */
static void print_restriction(const struct doctor *doctor)
{
	char line[128];
	FILE *file = fopen("/proc/driver/nvidia/params", "r");
	if (!file)
		return;
	while (fgets(line, sizeof line, file))
		if (strncmp(line, "RmProfilingAdminOnly:", 21) == 0) {
			bool is_restricted = strtol(line + 21, NULL, 10) != 0;
			doctor_line(doctor, is_restricted ? ORIGIN_UNAVAILABLE : ORIGIN_MEASURED,
				    "GPU counters",
				    is_restricted ? "for root only; load the driver with "
						    "NVreg_RestrictProfilingToAdminUsers=0"
						  : "for every user");
		}
	fclose(file);
}

/* What --gpu-metrics needs beside a driver. */
static void print_counters(const struct doctor *doctor)
{
	struct why why;
	struct pm_library library;
	bool is_here = pm_library_open(&library, NULL, &why);
	doctor_line(doctor, is_here ? ORIGIN_SOFTWARE : ORIGIN_UNAVAILABLE, "GPU metrics",
		    is_here ? "libcupti is here; --gpu-metrics samples a device's counters, "
			      "--gpu-stalls what its kernels wait for"
			    : why.text);
	pm_library_close(&library);
}

static void print_tracing(const struct doctor *doctor)
{
	struct why why;
	char *library = session_gpu_library(&why);
	const char *other = getenv("CUDA_INJECTION64_PATH");
	if (other && cuda_process_is_ours(other))
		other = NULL;
	if (!library)
		doctor_line(doctor, ORIGIN_UNAVAILABLE, "GPU tracing", why.text);
	else if (other && *other)
		doctor_line(doctor, ORIGIN_UNAVAILABLE, "GPU tracing",
			    "CUDA_INJECTION64_PATH is set to another tool's library; unset it");
	else
		doctor_line(doctor, ORIGIN_SOFTWARE, "GPU tracing",
			    "libstoke-cupti.so is here; CUDA programs load it and look for their "
			    "own libcupti");
	if (library) {
		doctor_line(doctor, ORIGIN_SOFTWARE, "GPU attaching",
			    "`-p` and `-a` get the GPU work of programs that were started with "
			    "this path in CUDA_INJECTION64_PATH, where it waits at no cost:");
		printf("  %s\n", library);
	}
	free(library);
}

/* What `run WORKLOAD device=cuda` would meet. */
static void print_kernels(const struct doctor *doctor)
{
	struct why why;
	const struct cuda_device *device = cuda_run_device(&why);
	if (device)
		snprintf(why.text, sizeof why.text,
			 "on %s, compute capability %d.%d, %d multiprocessors", device->name,
			 device->major, device->minor, device->n_multiprocessors);
	doctor_line(doctor, device ? ORIGIN_SOFTWARE : ORIGIN_UNAVAILABLE, "device=cuda", why.text);
}

/* What the GPU view and the roofline have to compare with. */
static void print_ceilings(const struct doctor *doctor)
{
	struct ceilings_devices devices = { .n = 0 };
	struct machine *machine = machine_read("");
	ceilings_devices_cached(&devices, machine_identity(machine));
	for (size_t i = 0; i < devices.n; i++) {
		const struct ceiling *copy =
			ceilings_bandwidth(devices.rows[i], "DRAM", UINT32_MAX);
		char text[256], rate[TEXT_BYTES];
		snprintf(text, sizeof text, "measured on %s: %s within its memory",
			 devices.rows[i]->device,
			 text_rate(rate, sizeof rate, copy ? copy->best : NAN, "B/s"));
		doctor_line(doctor, ORIGIN_SOFTWARE, "GPU ceilings", text);
	}
	if (devices.n == 0)
		doctor_line(doctor, ORIGIN_UNAVAILABLE, "GPU ceilings",
			    "never measured here; `stoke bench` does, where device=cuda works");
	ceilings_devices_free(&devices);
	machine_free(machine);
}

void doctor_gpu(const struct doctor *doctor)
{
	struct why why;
	puts("\nGPUs");
	struct nvml *nvml = nvml_open(&why);
	if (!nvml) {
		doctor_line(doctor, ORIGIN_UNAVAILABLE, "NVML", why.text);
	} else {
		char driver[64];
		snprintf(why.text, sizeof why.text,
			 "driver %s: power, clocks, memory, errors of each device",
			 text_clean(driver, sizeof driver, nvml_driver_version(nvml)));
		doctor_line(doctor, ORIGIN_MEASURED, "NVML", why.text);
		print_devices(doctor, nvml);
		nvml_close(nvml);
	}
	print_restriction(doctor);
	print_counters(doctor);
	print_tracing(doctor);
	print_kernels(doctor);
	print_ceilings(doctor);
}
