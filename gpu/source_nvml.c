/*
 * The driver's numbers of every GPU as series: power, clocks, memory, throttling, errors, and the
 * memory of the target's own processes. What a device cannot give stays in the list with its
 * reason; a device that is lost is left alone from then on.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/gpu_process.h"
#include "gpu/nvml.h"
#include "sampler/attach.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"

enum {
	MOST_METRICS = 16,
	MOST_ANCESTORS = 64, /* between a process on the GPU and the target */
	MOST_NAMED = 3,      /* of others on a device */
	/* Reading costs at most one part in so many of the collector's time. */
	IDLE_PARTS = 20,
};

struct device {
	uint32_t series[MOST_METRICS]; /* 0: not available here */
	uint32_t own_memory, n_processes;
	uint64_t noted_reasons;
	bool is_lost, is_own_missing, has_noted_others;
};

struct state {
	const struct target *target;
	struct nvml *nvml;
	struct device devices[NVML_MOST_DEVICES];
	uint64_t next_ns;
	bool sees_host; /* our processes have the driver's numbers */
};

static const char *nvml_unusable(void)
{
	static _Thread_local struct why why;
	struct nvml *nvml = nvml_open(&why);
	if (!nvml)
		return why.text;
	nvml_close(nvml);
	return NULL;
}

/* A machine without a GPU is no step down worth a note in every recording. */
static bool nvml_wanted(const struct target *target)
{
	return !target->sampling->no_gpu && !nvml_unusable();
}

static uint32_t add_series(struct recording *recording, uint32_t device, const char *name,
			   const char *unit, enum origin origin, const char *reason)
{
	char label[32];
	snprintf(label, sizeof label, "GPU %u", device);
	struct series_row row = { .name = recording_add_string(recording, name),
				  .unit = recording_add_string(recording, unit),
				  .source = recording_add_string(recording, "nvml"),
				  .device = recording_add_string(recording, label),
				  .origin = origin,
				  .reason = recording_add_string(recording, reason) };
	return recording_add_series(recording, &row);
}

static void add_reading(struct recording *recording, uint32_t series, double value,
			enum origin origin, uint64_t time_ns)
{
	struct reading_row row = { .time_ns = time_ns,
				   .value = value,
				   .series = series,
				   .running_ratio = 1,
				   .origin = origin };
	recording_add_reading(recording, &row);
}

static enum origin origin_of(const struct nvml_metric *metric)
{
	return metric->is_hardware ? ORIGIN_MEASURED : ORIGIN_SOFTWARE;
}

static void open_device(struct state *state, struct recording *recording, uint32_t index)
{
	struct device *device = &state->devices[index];
	char key[32], name[NVML_NAME_BYTES], uuid[NVML_UUID_BYTES];
	snprintf(key, sizeof key, "gpu.%u.name", index);
	text_clean(name, sizeof name, nvml_device_name(state->nvml, index));
	device->is_lost = name[0] == '\0';
	recording_add_fact(recording, key, name[0] ? name : "cannot be opened");
	if (nvml_device_uuid(state->nvml, index)[0]) {
		snprintf(key, sizeof key, "gpu.%u.uuid", index);
		recording_add_fact(
			recording, key,
			text_clean(uuid, sizeof uuid, nvml_device_uuid(state->nvml, index)));
	}
	for (uint32_t i = 0; nvml_metrics[i].name && !device->is_lost; i++) {
		const struct nvml_metric *metric = &nvml_metrics[i];
		double value;
		enum nvml_code code = metric->read(state->nvml, index, &value);
		bool is_good = code == NVML_SUCCESS;
		uint32_t id = add_series(recording, index, metric->name, metric->unit,
					 is_good ? origin_of(metric) : ORIGIN_UNAVAILABLE,
					 is_good ? "" : nvml_code_text(code));
		device->series[i] = is_good ? id : 0;
	}
}

static bool nvml_source_open(void *opaque, const struct target *target, struct recording *recording,
			     struct why *why)
{
	struct state *state = opaque;
	state->target = target;
	state->sees_host = gpu_process_sees_host("");
	state->nvml = nvml_open(why);
	if (!state->nvml)
		return false;
	recording_add_fact(recording, "gpu.driver", nvml_driver_version(state->nvml));
	for (uint32_t i = 0; i < nvml_n_devices(state->nvml); i++)
		open_device(state, recording, i);
	return true;
}

static void lose(struct device *device, struct recording *recording, uint32_t index,
		 enum nvml_code code)
{
	char text[256];
	device->is_lost = true;
	snprintf(text, sizeof text, "GPU %u gives no numbers any more (code %d): %s.", index,
		 (int)code, nvml_code_text(code));
	recording_note(recording, SEVERITY_ERROR, "nvml", text,
		       "Look for Xid messages in the kernel's log.");
}

static void note_throttling(struct state *state, struct recording *recording, uint32_t index)
{
	static const struct {
		uint64_t bit;
		const char *text;
	} reasons[] = {
		{ NVML_THROTTLE_POWER_CAP, "its power limit" },
		{ NVML_THROTTLE_HARDWARE, "a slow-down asked for by hardware" },
		{ NVML_THROTTLE_HEAT_SOFTWARE, "heat, as the driver sees it" },
		{ NVML_THROTTLE_HEAT_HARDWARE, "heat, as the hardware sees it" },
		{ NVML_THROTTLE_POWER_BRAKE, "the power supply's brake" },
	};
	struct device *device = &state->devices[index];
	uint64_t now;
	char text[160];
	if (nvml_throttle_reasons(state->nvml, index, &now) != NVML_SUCCESS)
		return;
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if (!(now & reasons[i].bit) || device->noted_reasons & reasons[i].bit)
			continue;
		device->noted_reasons |= reasons[i].bit;
		snprintf(text, sizeof text, "GPU %u lowered its clocks because of %s.", index,
			 reasons[i].text);
		recording_note(recording, SEVERITY_INFO, "nvml", text,
			       "Compare runs only at equal clocks.");
	}
}

/* In a container a number of the driver's is another process's here, unless that one has a GPU open
 * too: newer drivers may translate. */
static bool is_of_target(const struct state *state, uint32_t pid)
{
	struct gpu_process process = { .parent = pid };
	if (!state->sees_host && !gpu_process_has_device("", pid))
		return false;
	for (int i = 0; i < MOST_ANCESTORS && process.parent > 1; i++) {
		if (attach_has_process(state->target, (pid_t)process.parent))
			return true;
		if (!gpu_process_read("", process.parent, &process))
			break;
	}
	return false;
}

/* Others take memory, bandwidth and time of the device: numbers of this run are not alone. */
static void note_others(struct device *device, struct recording *recording, uint32_t index,
			const uint32_t *pids, uint32_t n)
{
	char text[512];
	size_t length = (size_t)snprintf(text, sizeof text,
					 "GPU %u is also used by %u other process%s:", index, n,
					 n == 1 ? "" : "es");
	for (uint32_t i = 0; i < n && i < MOST_NAMED; i++) {
		struct gpu_process process;
		char one[128];
		gpu_process_read("", pids[i], &process);
		length +=
			(size_t)snprintf(text + length, sizeof text - length, "%s %s", i ? "," : "",
					 gpu_process_print(&process, one, sizeof one));
	}
	snprintf(text + length, sizeof text - length, "%s.", n > MOST_NAMED ? ", and more" : "");
	device->has_noted_others = true;
	recording_note(recording, SEVERITY_INFO, "nvml", text,
		       "Measure on a device that nobody else uses.");
}

/* What the driver says of its processes cannot be told apart here. */
static void miss_own_memory(struct device *device, struct recording *recording, uint32_t index)
{
	if (!device->own_memory && !device->is_own_missing)
		add_series(recording, index, "GPU memory of the program", "B", ORIGIN_UNAVAILABLE,
			   "the driver numbers processes as the host does, and this is a "
			   "container; start it with --pid=host");
	device->is_own_missing = true;
}

static void add_own_memory(struct device *device, struct recording *recording, uint32_t index,
			   double bytes, uint64_t time_ns)
{
	if (isnan(bytes))
		return;
	if (!device->own_memory)
		device->own_memory = add_series(recording, index, "GPU memory of the program", "B",
						ORIGIN_SOFTWARE, "");
	add_reading(recording, device->own_memory, bytes, ORIGIN_SOFTWARE, time_ns);
}

static void read_processes(struct state *state, struct recording *recording, uint32_t index,
			   uint64_t time_ns)
{
	struct device *device = &state->devices[index];
	struct nvml_process processes[NVML_MOST_PROCESSES];
	uint32_t n, n_others = 0, others[NVML_MOST_PROCESSES];
	double own_bytes = 0;
	if (nvml_processes(state->nvml, index, processes, &n) != NVML_SUCCESS)
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (is_of_target(state, processes[i].pid))
			own_bytes += processes[i].memory_bytes;
		else
			others[n_others++] = processes[i].pid;
	}
	if (!device->n_processes)
		device->n_processes =
			add_series(recording, index, "GPU processes", "", ORIGIN_SOFTWARE, "");
	add_reading(recording, device->n_processes, n, ORIGIN_SOFTWARE, time_ns);
	if (n_others < n)
		add_own_memory(device, recording, index, own_bytes, time_ns);
	else if (n > 0 && !state->sees_host)
		miss_own_memory(device, recording, index);
	if (n_others > 0 && state->sees_host && !device->has_noted_others)
		note_others(device, recording, index, others, n_others);
}

static void read_device(struct state *state, struct recording *recording, uint32_t index)
{
	struct device *device = &state->devices[index];
	for (uint32_t i = 0; nvml_metrics[i].name && !device->is_lost; i++) {
		double value;
		if (!device->series[i])
			continue;
		enum nvml_code code = nvml_metrics[i].read(state->nvml, index, &value);
		if (code == NVML_SUCCESS)
			add_reading(recording, device->series[i], value,
				    origin_of(&nvml_metrics[i]), now_ns());
		else if (code == NVML_GPU_IS_LOST || code == NVML_UNKNOWN)
			lose(device, recording, index, code);
	}
	if (device->is_lost)
		return;
	note_throttling(state, recording, index);
	read_processes(state, recording, index, now_ns());
}

static void nvml_drain(void *opaque, struct recording *recording, bool is_last)
{
	struct state *state = opaque;
	uint64_t start_ns = now_ns();
	if (start_ns < state->next_ns && !is_last)
		return;
	for (uint32_t i = 0; i < nvml_n_devices(state->nvml); i++)
		read_device(state, recording, i);
	uint64_t end_ns = now_ns();
	state->next_ns = end_ns + (end_ns - start_ns) * IDLE_PARTS;
}

static void nvml_source_close(void *opaque)
{
	nvml_close(((struct state *)opaque)->nvml);
}

const struct source source_nvml = {
	.name = "nvml",
	.summary = "power, clocks, throttling, memory, errors of NVIDIA GPUs from their driver",
	.state_bytes = sizeof(struct state),
	.interval_ns =
		100 * 1000 * 1000, /* NVML itself renews power and use some 10 times a second */
	.unusable = nvml_unusable,
	.wanted = nvml_wanted,
	.open = nvml_source_open,
	.drain = nvml_drain,
	.close = nvml_source_close,
};
