/*
 * CUDA loads the library named by CUDA_INJECTION64_PATH when a program first uses it, and NVTX the
 * one in NVTX_INJECTION64_PATH, so a program that uses neither costs nothing. A value that is
 * already set belongs to somebody else, unless it is for attaching later.
 */
#include "tui/session_gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu/cuda_process.h"
#include "gpu/gpu_record.h"
#include "gpu/nvml.h"
#include "sampler/base/library.h"
#include "sampler/probe_memory.h"
#include "sampler/recording.h"
#include "sampler/target.h"

#define VARIABLE      "CUDA_INJECTION64_PATH"
#define NVTX_VARIABLE "NVTX_INJECTION64_PATH"

char *session_gpu_library(struct why *why)
{
	char *path = library_beside_program("libstoke-cupti.so");
	if (path)
		return path;
	why_fail(why, "libstoke-cupti.so is neither beside stoke nor in ../lib/stoke, so GPU work "
		      "cannot be recorded; run `make` or `make install`.");
	return NULL;
}

static bool is_variable_free(struct why *why)
{
	const char *value = getenv(VARIABLE);
	return !value || !*value || cuda_process_is_ours(value) ||
	       why_fail(why, VARIABLE " is already set, to another tool's library; GPU work is not "
				      "recorded. Unset it to record with stoke.");
}

static char *assignment(const char *variable, const char *value)
{
	size_t bytes = strlen(variable) + strlen(value) + sizeof "=";
	char *text = allocate(bytes, 1);
	snprintf(text, bytes, "%s=%s", variable, value);
	return text;
}

/* NULL if another tool reads the program's ranges. */
static char *nvtx_assignment(const char *library, struct recording *recording)
{
	const char *value = getenv(NVTX_VARIABLE);
	if (!value || !*value || cuda_process_is_ours(value))
		return assignment(NVTX_VARIABLE, library);
	recording_note(recording, SEVERITY_INFO, "cupti",
		       NVTX_VARIABLE " is already set, to another tool's library; NVTX ranges are "
				     "not recorded.",
		       "Unset it to record them with stoke.");
	return NULL;
}

/* False: GPUs are to be left alone. */
static bool add_facts(const struct sampling *sampling, struct recording *recording,
		      bool *has_device)
{
	struct why why;
	*has_device = false;
	if (sampling->no_gpu) {
		recording_add_fact(recording, "gpu.unavailable",
				   "--no-gpu was given; leave it out to record GPUs.");
		return false;
	}
	struct nvml *nvml = nvml_open(&why);
	if (!nvml)
		recording_add_fact(recording, "gpu.unavailable", why.text);
	*has_device = nvml != NULL;
	nvml_close(nvml);
	return true;
}

void session_gpu_attach(const struct sampling *sampling, struct recording *recording)
{
	bool has_device;
	add_facts(sampling, recording, &has_device);
}

void session_gpu_open(struct session_gpu *gpu, const struct sampling *sampling,
		      struct recording *recording)
{
	struct why why;
	bool has_device;
	*gpu = (struct session_gpu){ 0 };
	if (!add_facts(sampling, recording, &has_device))
		return;
	gpu->library = is_variable_free(&why) ? session_gpu_library(&why) : NULL;
	int fd = gpu->library ? probe_memory_create(GPU_RING_RECORDS, &why) : -1;
	if (fd > 0) {
		gpu->environment[0] = assignment(VARIABLE, gpu->library);
		int n = 1;
		char *ranges = nvtx_assignment(gpu->library, recording);
		if (ranges)
			gpu->environment[n++] = ranges;
		if (sampling->gpu_stalls)
			gpu->environment[n] = assignment("STOKE_GPU_STALLS", "1");
		gpu->fd = fd;
		return;
	}
	/* Nobody who has no GPU needs to hear it. */
	recording_add_fact(recording, "gpu.unavailable", why.text);
	if (has_device)
		recording_note(recording, SEVERITY_WARNING, "cupti", why.text, "");
}

void session_gpu_close(struct session_gpu *gpu)
{
	for (size_t i = 0; i < sizeof gpu->environment / sizeof gpu->environment[0]; i++)
		free(gpu->environment[i]);
	free(gpu->library);
	if (gpu->fd > 0)
		close(gpu->fd);
	*gpu = (struct session_gpu){ 0 };
}
