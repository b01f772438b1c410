/* Counts only grow, so the first one is a growth from zero. See sample_reads.h. */
#include "sampler/sample_reads.h"

#include <math.h>
#include <stdlib.h>

#include "sampler/base/why.h"

/* What is remembered under an event's id: its count, and, of a group's first, its times. */
enum kind { KIND_COUNT, KIND_ENABLED, KIND_RUNNING, N_KINDS };

/* Ids are small numbers that the kernel gives one after the other; a file may say anything, and
 * then two of them may be taken for one. */
static uint64_t key_of(const struct sample_reads *reads, uint64_t id, enum kind kind)
{
	return ((uint64_t)reads->tid << 32 ^ id) * N_KINDS + kind + 1;
}

static uint64_t *last_of(struct sample_reads *reads, uint64_t key)
{
	uint32_t *place = hash_map_at(&reads->places, key ? key : 1);
	if (!*place) {
		if (reads->n == reads->capacity) {
			reads->capacity = reads->capacity ? reads->capacity * 2 : 16;
			reads->last = reallocate(reads->last, reads->capacity, sizeof *reads->last);
		}
		reads->last[reads->n++] = 0;
		*place = reads->n;
	}
	return &reads->last[*place - 1];
}

static uint64_t grown(struct sample_reads *reads, uint64_t key, uint64_t value)
{
	uint64_t *last = last_of(reads, key);
	uint64_t more = value > *last ? value - *last : 0;
	*last = value;
	return more;
}

/* An event of a thread is opened on each CPU. Each is enabled while the thread runs anywhere, and
 * runs while it does so on its CPU: enabled once, running in parts. */
void sample_reads_begin(struct sample_reads *reads, const struct perf_sample *sample,
			const struct perf_layout *layout, uint32_t group, bool is_inherited)
{
	uint64_t id = 0, value;
	reads->tid = is_inherited ? sample->tid : 0;
	if ((!is_inherited && !reads->is_of_cpus) || sample->n_counts == 0 || !sample->has_times)
		return;
	perf_sample_count(sample, layout, 0, &id, &value);
	uint64_t *enabled =
		last_of(reads, key_of(reads, reads->is_of_cpus ? id : group, KIND_ENABLED));
	if (sample->enabled_ns > *enabled) {
		reads->enabled_ns += sample->enabled_ns - *enabled;
		*enabled = sample->enabled_ns;
	}
	reads->running_ns += grown(reads, key_of(reads, id, KIND_RUNNING), sample->running_ns);
}

uint64_t sample_reads_grown(struct sample_reads *reads, const struct perf_sample *sample,
			    const struct perf_layout *layout, size_t i, uint64_t *id)
{
	uint64_t value;
	perf_sample_count(sample, layout, i, id, &value);
	return grown(reads, key_of(reads, *id, KIND_COUNT), value);
}

double sample_reads_ran(const struct sample_reads *reads)
{
	if (reads->enabled_ns == 0)
		return NAN;
	double ran = (double)reads->running_ns / (double)reads->enabled_ns;
	return ran > 1 ? 1 : ran;
}

bool sample_reads_shared(const struct sample_reads *reads)
{
	/* Groups that take turns leave a quarter of the time or more; short threads that move from
	 * CPU to CPU a tenth. */
	return reads->enabled_ns > 100000000 && sample_reads_ran(reads) < 0.85;
}

void sample_reads_free(struct sample_reads *reads)
{
	hash_map_free(&reads->places);
	free(reads->last);
	*reads = (struct sample_reads){ 0 };
}
