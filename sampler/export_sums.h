/*
 * export_sums: samples added up by what tells them apart: stack, thread, phase, series and, of a
 * GPU, stream. What exporters of profiles without times write.
 */
#ifndef SAMPLER_EXPORT_SUMS_H
#define SAMPLER_EXPORT_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct export_options;
struct moment;
struct recording;

struct export_sum {
	uint32_t stack, thread, phase, series; /* phase: strings; 0 = in none */
	uint32_t stream;                       /* TABLE_SERIES of spans; 0 = of no GPU's */
	uint64_t count, weight;
};

struct export_sums {
	struct export_sum *sums; /* by stack, thread, phase, series, stream; each once */
	size_t n;
	uint64_t last_ns; /* of the last sample taken in; 0 = none */
};

/* export_series_wanted: by series: made for samples, or has some all the same. Freed by the
 * caller; as many as the moment has series. */
bool *export_series_wanted(const struct recording *recording, const struct moment *moment);

/*
 * export_sums_open: the samples of the moment in the options' window, of the series marked in
 * `wanted`. A row of samples has one phase (sample_slot_part).
 * Cost  40 bytes a sum; a sort of the samples, 64 Ki at a time
 */
struct export_sums *export_sums_open(const struct recording *recording, const struct moment *moment,
				     const struct export_options *options, const bool *wanted);
/*
 * export_stream_name: "GPU 0 stream 7".
 */
char *export_stream_name(const struct recording *recording, uint32_t stream, char *out,
			 size_t bytes);

void export_sums_close(struct export_sums *sums);

/* export_sums_mark: what the sums refer to: stacks (callers too) and frames, by id; zeroed before.
 */
void export_sums_mark(const struct export_sums *sums, const struct recording *recording,
		      const struct moment *moment, bool *stacks, bool *frames);

/* export_stack_depth: of the deepest stack there is, at least 1. */
size_t export_stack_depth(const struct recording *recording, const struct moment *moment);

#endif
