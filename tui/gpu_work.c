/* Phases and kernels are each sorted by their start and walked side by side. */
#include "tui/gpu_work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/gpu_summary.h"

struct stretch {
	uint64_t from_ns, to_ns;
	double flops, bytes; /* of phases */
	uint32_t name;
};

struct stretches {
	struct stretch *rows;
	size_t n, capacity;
};

static void add(struct stretches *all, const struct span_row *span)
{
	if (all->n == all->capacity) {
		all->capacity = all->capacity ? all->capacity * 2 : 256;
		all->rows = reallocate(all->rows, all->capacity, sizeof *all->rows);
	}
	all->rows[all->n++] = (struct stretch){ span->start_ns, span->start_ns + span->duration_ns,
						span->flops, span->bytes, span->name };
}

static bool is_told_phase(const struct recording *recording, const struct span_row *span)
{
	const struct series_row *series = recording_series(recording, span->series);
	return (isfinite(span->flops) || isfinite(span->bytes)) &&
	       strcmp(recording_string_at(recording, series->name), "phases") == 0;
}

/* Copies and fills know their bytes; kernels do not. */
static bool is_kernel(const struct recording *recording, const struct span_row *span)
{
	const struct series_row *series = recording_series(recording, span->series);
	return series->device != 0 && isnan(span->bytes) &&
	       strcmp(recording_string_at(recording, series->source), "cupti") == 0;
}

static bool is_inside(const struct gpu_summary *summary, const struct span_row *span)
{
	uint64_t end = span->start_ns + span->duration_ns;
	return end >= span->start_ns && span->start_ns >= summary->from_ns && end <= summary->to_ns;
}

static void collect(const struct gpu_summary *summary, const struct recording *recording,
		    struct stretches *out,
		    bool (*is_wanted)(const struct recording *, const struct span_row *))
{
	uint64_t n = recording_moment(recording).n[TABLE_SPANS];
	for (uint64_t i = 1; i < n; i++) {
		const struct span_row *span = recording_span(recording, i);
		if (is_wanted(recording, span) &&
		    (is_wanted == is_kernel || is_inside(summary, span)))
			add(out, span);
	}
}

/* The outer before what it contains. */
static int compare(const void *a, const void *b)
{
	const struct stretch *left = a, *right = b;
	if (left->from_ns != right->from_ns)
		return left->from_ns < right->from_ns ? -1 : 1;
	return left->to_ns > right->to_ns ? -1 : left->to_ns < right->to_ns;
}

static size_t first_from(const struct stretches *all, uint64_t time_ns)
{
	size_t low = 0, high = all->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (all->rows[middle].from_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct gpu_work *find_work(struct gpu_summary *summary, uint32_t name)
{
	for (uint32_t i = 0; i < summary->n_work; i++)
		if (summary->work[i].name == name)
			return &summary->work[i];
	return NULL;
}

/* Known or not in all of a kernel's phases: a sum of some would be too small for the time. */
static void add_known(double *sum, double value, bool is_first)
{
	*sum = is_first ? value : *sum + value;
}

/* The phase's work, if it is that of one kernel: all that began in it, ended in it. */
static void credit(struct gpu_summary *summary, const struct stretches *kernels,
		   const struct stretch *phase)
{
	size_t first = first_from(kernels, phase->from_ns), i;
	uint64_t total_ns = 0;
	for (i = first; i < kernels->n && kernels->rows[i].from_ns < phase->to_ns; i++) {
		const struct stretch *kernel = &kernels->rows[i];
		if (kernel->name != kernels->rows[first].name || kernel->to_ns > phase->to_ns)
			return;
		total_ns += kernel->to_ns - kernel->from_ns;
	}
	struct gpu_work *work = i > first ? find_work(summary, kernels->rows[first].name) : NULL;
	if (!work || total_ns == 0)
		return;
	add_known(&work->exact_flops, phase->flops, work->exact_ns == 0);
	add_known(&work->exact_bytes, phase->bytes, work->exact_ns == 0);
	work->exact_ns += total_ns;
	work->exact_n += i - first;
	work->exact_phase = phase->name;
}

void gpu_work_read(struct gpu_summary *summary, const struct recording *recording)
{
	struct stretches phases = { 0 }, kernels = { 0 };
	uint64_t until_ns = 0;
	for (uint32_t i = 0; i < summary->n_work; i++)
		summary->work[i].exact_flops = summary->work[i].exact_bytes = NAN;
	collect(summary, recording, &phases, is_told_phase);
	if (phases.n && summary->n_work) {
		collect(summary, recording, &kernels, is_kernel);
		qsort(phases.rows, phases.n, sizeof *phases.rows, compare);
		if (kernels.n)
			qsort(kernels.rows, kernels.n, sizeof *kernels.rows, compare);
	}
	for (size_t i = 0; i < phases.n && kernels.n; i++) {
		const struct stretch *phase = &phases.rows[i];
		uint64_t next_ns = i + 1 < phases.n ? phases.rows[i + 1].from_ns : UINT64_MAX;
		/* What contains others is told again by them; what crosses others is unclear. */
		if (next_ns >= phase->to_ns &&
		    (until_ns <= phase->from_ns || until_ns >= phase->to_ns))
			credit(summary, &kernels, phase);
		until_ns = phase->to_ns > until_ns ? phase->to_ns : until_ns;
	}
	free(phases.rows);
	free(kernels.rows);
}
