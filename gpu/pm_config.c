/*
 * Whether names go together in one pass is asked of CUPTI, not known beforehand: each metric is
 * tried with those already chosen, under each of its names. Nothing can be taken out of a host
 * object again, so each try has its own.
 */
#include "gpu/pm_config.h"

#include <math.h>
#include <stdlib.h>

#include "gpu/pm_library.h"

/* Far more than the largest there is (some 20 KB). */
static const size_t MOST_IMAGE_BYTES = 64 << 20;

#define ELAPSED ".avg.pct_of_peak_sustained_elapsed"

const struct pm_metric pm_metrics[] = {
	{ "GPU DRAM read", "B/s", 1, { "dram__bytes_read.sum.per_second" } },
	{ "GPU DRAM write", "B/s", 1, { "dram__bytes_write.sum.per_second" } },
	{ "GPU DRAM traffic", "B/s", 1, { "dram__bytes.sum.per_second" } },
	{ "GPU DRAM use", "ratio", 0.01, { "dram__throughput" ELAPSED } },
	{ "GPU DRAM read use", "ratio", 0.01, { "dram__read_throughput" ELAPSED } },
	{ "GPU DRAM write use", "ratio", 0.01, { "dram__write_throughput" ELAPSED } },
	{ "GPU L2 hits",
	  "ratio",
	  0.01,
	  { "LTS.TriageCompute.lts__average_t_sector_hit_rate_realtime.pct",
	    "LTS.TriageAC.lts__average_t_sector_hit_rate_realtime.pct",
	    "lts__average_t_sector_hit_rate_realtime.pct", "lts__t_sector_hit_rate.pct" } },
	{ "GPU SM active",
	  "ratio",
	  0.01,
	  { "TPC.TriageCompute.sm__cycles_active" ELAPSED, "sm__cycles_active" ELAPSED } },
	{ "GPU tensor pipe",
	  "ratio",
	  0.01,
	  { "TPC.TriageCompute.sm__pipe_tensor_cycles_active_realtime" ELAPSED,
	    "sm__pipe_tensor_cycles_active_realtime" ELAPSED,
	    "sm__pipe_tensor_cycles_active" ELAPSED } },
	{ "GPU warps",
	  "ratio",
	  0.01,
	  { "TPC.TriageCompute.tpc__warps_active_shader_cs_realtime" ELAPSED,
	    "tpc__warps_active_shader_cs_realtime" ELAPSED,
	    "sm__warps_active_shader_cs_realtime" ELAPSED,
	    "sm__warps_active.avg.pct_of_peak_sustained_active" } },
	{ "GPU warps missing",
	  "ratio",
	  0.01,
	  { "TPC.TriageCompute.tpc__warps_inactive_sm_active_realtime" ELAPSED,
	    "tpc__warps_inactive_sm_active_realtime" ELAPSED } },
	{ "GPU instructions a cycle",
	  "",
	  1,
	  { "TPC.TriageCompute.sm__inst_executed_realtime.avg.per_cycle_elapsed",
	    "sm__inst_executed_realtime.avg.per_cycle_elapsed",
	    "sm__inst_executed.avg.per_cycle_elapsed" } },
	{ "GPU PCIe read",
	  "B/s",
	  1,
	  { "pcie__read_bytes.sum.per_second",
	    "PCI.TriageCompute.pcie__read_bytes.sum.per_second" } },
	{ "GPU PCIe write",
	  "B/s",
	  1,
	  { "pcie__write_bytes.sum.per_second",
	    "PCI.TriageCompute.pcie__write_bytes.sum.per_second" } },
	{ "GPU NVLink received", "B/s", 1, { "nvlrx__bytes.sum.per_second" } },
	{ "GPU NVLink sent", "B/s", 1, { "nvltx__bytes.sum.per_second" } },
	{ "GPU L1 hits", "ratio", 0.01, { "SM_B.TriageCompute.l1tex__t_sector_hit_rate.pct" } },
	{ "GPU FMA pipe",
	  "ratio",
	  0.01,
	  { "TPC.TriageCompute.sm__inst_executed_pipe_fma_realtime" ELAPSED,
	    "TPC.TriageCompute.sm__pipe_fma_cycles_active_realtime" ELAPSED,
	    "sm__pipe_fma_cycles_active" ELAPSED } },
	{ "GPU fp64 pipe",
	  "ratio",
	  0.01,
	  { "TPC.TriageCompute.sm__pipe_fp64_cycles_active_realtime" ELAPSED,
	    "sm__pipe_fp64_cycles_active" ELAPSED } },
	{ "GPU compute engine", "ratio", 0.01, { "gr__cycles_active" ELAPSED } },
	{ 0 },
};

struct pm_config {
	const struct cupti_pm_calls *calls;
	const char *chip;
	const uint8_t *availability;
	void *host; /* with all that were chosen */
	const struct pm_metric *metrics[PM_MOST_METRICS];
	const char *names[PM_MOST_METRICS];
	uint32_t n;
	uint8_t *image;
	size_t image_bytes;
};

static int open_host(const struct pm_config *config, void **host)
{
	struct cupti_host_open open = { .bytes = CUPTI_PM_BYTES(struct cupti_host_open, host),
					.profiler = CUPTI_PM_SAMPLING,
					.chip = config->chip,
					.availability = config->availability };
	int code = config->calls->host_open(&open);
	*host = code == 0 ? open.host : NULL;
	return code;
}

static void close_host(const struct pm_config *config, void *host)
{
	struct cupti_host_close close = { CUPTI_PM_BYTES(struct cupti_host_close, host), NULL,
					  host };
	if (host)
		config->calls->host_close(&close);
}

/* The configuration of a host object's metrics; freed by the caller. */
static uint8_t *make_image(const struct pm_config *config, void *host, size_t *bytes,
			   struct why *why)
{
	struct cupti_host_image_size size = {
		.bytes = CUPTI_PM_BYTES(struct cupti_host_image_size, image_bytes), .host = host
	};
	int code = config->calls->host_image_size(&size);
	if (code != 0 || size.image_bytes == 0 || size.image_bytes > MOST_IMAGE_BYTES) {
		pm_fail(why, "cuptiProfilerHostGetConfigImageSize", code);
		return NULL;
	}
	struct cupti_host_image image = { .bytes = CUPTI_PM_BYTES(struct cupti_host_image, image),
					  .host = host,
					  .image_bytes = size.image_bytes,
					  .image = allocate(size.image_bytes, 1) };
	code = config->calls->host_image(&image);
	if (code != 0) {
		pm_fail(why, "cuptiProfilerHostGetConfigImage", code);
		free(image.image);
		return NULL;
	}
	*bytes = size.image_bytes;
	return image.image;
}

static bool takes_one_pass(const struct pm_config *config, const uint8_t *image, size_t bytes,
			   struct why *why)
{
	struct cupti_host_passes passes = { .bytes = CUPTI_PM_BYTES(struct cupti_host_passes, n),
					    .image_bytes = bytes,
					    .image = image };
	int code = config->calls->host_passes(&passes);
	if (code != 0)
		return pm_fail(why, "cuptiProfilerHostGetNumOfPasses", code);
	return passes.n == 1 || why_fail(why, "More than one pass is needed.");
}

/* A host object with the first n names, if they go together: then it and its image are kept. */
static bool try_names(struct pm_config *config, uint32_t n, struct why *why)
{
	struct cupti_host_add add = { .bytes = CUPTI_PM_BYTES(struct cupti_host_add, n),
				      .names = config->names,
				      .n = n };
	size_t bytes = 0;
	uint8_t *image = NULL;
	int code = open_host(config, &add.host);
	if (code != 0)
		return pm_fail(why, "cuptiProfilerHostInitialize", code);
	code = config->calls->host_add(&add);
	if (code != 0)
		pm_fail(why, "cuptiProfilerHostConfigAddMetrics", code);
	else
		image = make_image(config, add.host, &bytes, why);
	if (!image || !takes_one_pass(config, image, bytes, why)) {
		free(image);
		close_host(config, add.host);
		return false;
	}
	close_host(config, config->host);
	free(config->image);
	config->host = add.host;
	config->image = image;
	config->image_bytes = bytes;
	return true;
}

static void choose(struct pm_config *config, struct why *why)
{
	for (const struct pm_metric *metric = pm_metrics; metric->name; metric++)
		for (int i = 0; i < PM_MOST_NAMES && metric->names[i]; i++) {
			config->names[config->n] = metric->names[i];
			config->metrics[config->n] = metric;
			if (!try_names(config, config->n + 1, why))
				continue;
			config->n++;
			break;
		}
}

struct pm_config *pm_config_open(const struct cupti_pm_calls *calls, const char *chip,
				 const uint8_t *availability, struct why *why)
{
	struct pm_config *config = allocate(1, sizeof *config);
	void *host;
	config->calls = calls;
	config->chip = chip;
	config->availability = availability;
	int code = open_host(config, &host);
	close_host(config, host);
	if (code != 0) {
		why_fail(why,
			 "GPU counters cannot be sampled: CUPTI does not know the chip %s (code "
			 "%d); install a newer CUDA toolkit.",
			 chip, code);
		pm_config_close(config);
		return NULL;
	}
	/* The reason of the last metric that failed stands if all did. */
	choose(config, why);
	if (config->n > 0)
		return config;
	pm_config_close(config);
	return NULL;
}

void pm_config_close(struct pm_config *config)
{
	if (!config)
		return;
	close_host(config, config->host);
	free(config->image);
	free(config);
}

uint32_t pm_config_n(const struct pm_config *config)
{
	return config->n;
}

const struct pm_metric *pm_config_metric(const struct pm_config *config, uint32_t i)
{
	return config->metrics[i];
}

const char *const *pm_config_names(const struct pm_config *config)
{
	return config->names;
}

const uint8_t *pm_config_image(const struct pm_config *config, size_t *bytes)
{
	*bytes = config->image_bytes;
	return config->image;
}

bool pm_config_evaluate(const struct pm_config *config, const uint8_t *data, size_t data_bytes,
			size_t sample, double *values, struct why *why)
{
	struct cupti_host_evaluate evaluate = {
		.bytes = CUPTI_PM_BYTES(struct cupti_host_evaluate, values),
		.host = config->host,
		.data = data,
		.data_bytes = data_bytes,
		.sample = sample,
		.names = config->names,
		.n = config->n,
		.values = values,
	};
	for (uint32_t i = 0; i < config->n; i++)
		values[i] = NAN;
	int code = config->calls->host_evaluate(&evaluate);
	if (code != 0)
		return pm_fail(why, "cuptiProfilerHostEvaluateToGpuValues", code);
	for (uint32_t i = 0; i < config->n; i++) {
		values[i] *= config->metrics[i]->scale;
		/* A ratio of nothing to nothing: no access, no hit rate. */
		if (!isfinite(values[i]))
			values[i] = NAN;
	}
	return true;
}
