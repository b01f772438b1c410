/* Device memory is taken plainly and given back with the run; nothing is kept between runs but the
 * library. */
#include "workloads/support/cuda_run.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/library.h"
#include "sampler/base/probe.h"

enum { MOST_ARRAYS = 8 };

struct array {
	void *device, *host; /* host: where a result goes */
	size_t bytes;
};

struct cuda_run {
	const struct cuda_library *library;
	const struct cuda_kernel *kernel;
	struct array arrays[MOST_ARRAYS];
	size_t n_arrays;
	bool is_failed;
	struct why why;
};

static const struct cuda_library *library; /* NULL: not opened yet */
static struct cuda_device device;
static bool is_missing;

/* ---- the library */

static bool load(struct why *why)
{
	struct {
		stoke_cuda_library_function *library;
	} calls = { 0 };
	const struct library_symbol symbols[] = { { "stoke_cuda_library", 0, true }, { 0 } };
	const char *given = getenv("STOKE_CUDA_LIBRARY");
	char *path = given ? strdup(given) : library_beside_program("libstoke-cuda.so");
	if (!path || access(path, R_OK) != 0) {
		free(path);
		return why_fail(why, "device=cuda needs libstoke-cuda.so, which is neither beside "
				     "stoke nor in ../lib/stoke: build stoke where nvcc is found "
				     "(CUDA 13), or use device=cpu.");
	}
	const char *const names[] = { path, NULL };
	bool is_open = library_open(names, "The library of CUDA kernels", "build of stoke", symbols,
				    &calls, why) != NULL;
	free(path);
	if (!is_open)
		return false;
	const struct cuda_library *found = calls.library();
	if (found->version != CUDA_LIBRARY_VERSION)
		return why_fail(why,
				"libstoke-cuda.so has version %d and stoke needs %d: build "
				"both from the same source.",
				found->version, CUDA_LIBRARY_VERSION);
	library = found;
	return true;
}

const struct cuda_device *cuda_run_device(struct why *why)
{
	const char *problem = NULL;
	if (!library && !load(why)) {
		is_missing = true;
		return NULL;
	}
	if ((problem = library->open(&device))) {
		is_missing = true;
		why_fail(why, "%s", problem);
		return NULL;
	}
	return &device;
}

bool cuda_run_is_missing(void)
{
	return is_missing;
}

const struct cuda_library *cuda_run_library(struct why *why)
{
	return cuda_run_device(why) ? library : NULL;
}

const struct cuda_kernel *cuda_run_kernel(const char *family, const char *variant)
{
	const struct cuda_kernel *found = NULL;
	for (const struct cuda_kernel *at = library->kernels; at->name; at++)
		if (strcmp(at->family, family) == 0 &&
		    (strcmp(variant, "auto") == 0 || strcmp(at->name, variant) == 0))
			found = at;
	return found;
}

static void refuse_variant(const char *family, const char *variant, struct why *why)
{
	char names[256] = "auto";
	size_t n = strlen(names);
	for (const struct cuda_kernel *at = library->kernels; at->name && n < sizeof names; at++)
		if (strcmp(at->family, family) == 0)
			n += (size_t)snprintf(names + n, sizeof names - n, "|%s", at->name);
	why_fail(why, "There is no variant=%s with device=cuda; it takes %s.", variant, names);
}

struct cuda_run *cuda_run_new(const char *family, const char *variant, struct why *why)
{
	if (!cuda_run_device(why))
		return NULL;
	const struct cuda_kernel *kernel = cuda_run_kernel(family, variant);
	if (!kernel) {
		refuse_variant(family, variant, why);
		return NULL;
	}
	struct cuda_run *run = allocate(1, sizeof *run);
	run->library = library;
	run->kernel = kernel;
	return run;
}

void cuda_run_free(struct cuda_run *run)
{
	for (size_t i = 0; run && i < run->n_arrays; i++)
		run->library->give(run->arrays[i].device);
	free(run);
}

/* ---- arrays */

/* True: no problem. The first one is kept. */
static bool keep(struct cuda_run *run, const char *problem)
{
	if (!problem)
		return true;
	run->is_failed = true;
	why_fail(&run->why, "%s", problem);
	return false;
}

void *cuda_run_array(struct cuda_run *run, const void *host, size_t bytes)
{
	if (run->is_failed)
		return NULL;
	if (run->n_arrays == MOST_ARRAYS)
		die("a workload has more than %d arrays on the device", MOST_ARRAYS);
	struct array *array = &run->arrays[run->n_arrays];
	if (!keep(run, run->library->take(&array->device, bytes)))
		return NULL;
	array->bytes = bytes;
	run->n_arrays++;
	if (host && !keep(run, run->library->copy_in(array->device, host, bytes)))
		return NULL;
	return array->device;
}

void *cuda_run_result(struct cuda_run *run, void *host, size_t bytes)
{
	void *memory = cuda_run_array(run, host, bytes);
	if (memory)
		run->arrays[run->n_arrays - 1].host = host;
	return memory;
}

bool cuda_run_is_good(const struct cuda_run *run, struct why *why)
{
	return !run || !run->is_failed || why_fail(why, "%s", run->why.text);
}

bool cuda_run_fetch(struct cuda_run *run, struct why *why)
{
	for (size_t i = 0; run && i < run->n_arrays && !run->is_failed; i++) {
		struct array *array = &run->arrays[i];
		if (array->host)
			keep(run, run->library->copy_out(array->host, array->device, array->bytes));
	}
	return cuda_run_is_good(run, why);
}

/* ---- running */

bool cuda_run_time(struct cuda_run *run, const void *task, double *ns)
{
	return !run->is_failed && keep(run, run->library->time(run->kernel, task, ns));
}

bool cuda_run_copy_out(struct cuda_run *run, void *host, const void *from, size_t bytes)
{
	return !run->is_failed && keep(run, run->library->copy_out(host, from, bytes));
}

bool cuda_run_launch(struct cuda_run *run, const void *task)
{
	double ns = 0;
	if (!cuda_run_time(run, task, &ns))
		return false;
	probe_quality("kernel us", ns * 1e-3);
	return true;
}

bool cuda_run_pass(struct cuda_run *run, const void *task, struct passes *passes)
{
	probe_phase_begin(passes->phase);
	bool is_good = cuda_run_launch(run, task);
	probe_phase_end(passes->phase, is_good ? passes->each : PROBE_UNKNOWN);
	if (!is_good)
		return false;
	passes->n_done++;
	return passes_tell(passes);
}

const char *cuda_run_variant(const struct cuda_run *run)
{
	return run->kernel->name;
}
