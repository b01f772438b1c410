/* Spans become a list of moments at which the innermost phase changes, one list a thread. */
#include "sampler/export_phases.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/hash_map.h"
#include "sampler/recording.h"

struct phase {
	uint64_t from_ns, to_ns;
	uint32_t thread, name;
};

struct change {
	uint64_t at_ns;
	uint32_t thread, name;
};

struct export_phases {
	struct change *changes; /* by thread, then time */
	size_t n_changes, capacity;
	struct hash_map threads; /* thread + 1 -> its first change + 1 */
};

static int compare(const void *a, const void *b)
{
	const struct phase *left = a, *right = b;
	if (left->thread != right->thread)
		return left->thread < right->thread ? -1 : 1;
	if (left->from_ns != right->from_ns)
		return left->from_ns < right->from_ns ? -1 : 1;
	/* The outer of two that begin together is the one that ends later. */
	return left->to_ns > right->to_ns ? -1 : left->to_ns < right->to_ns;
}

static void add_change(struct export_phases *phases, uint64_t at_ns, uint32_t thread, uint32_t name)
{
	if (phases->n_changes == phases->capacity) {
		phases->capacity = phases->capacity ? phases->capacity * 2 : 256;
		phases->changes =
			reallocate(phases->changes, phases->capacity, sizeof *phases->changes);
	}
	phases->changes[phases->n_changes++] = (struct change){ at_ns, thread, name };
}

/* What is innermost from at_ns until until_ns, when the next one begins. */
static void advance(struct export_phases *phases, struct phase *open, size_t *n_open,
		    uint64_t at_ns, uint64_t until_ns)
{
	uint32_t thread = open[0].thread;
	while (at_ns < until_ns) {
		while (*n_open > 0 && open[*n_open - 1].to_ns <= at_ns)
			--*n_open;
		uint32_t name = *n_open ? open[*n_open - 1].name : 0;
		add_change(phases, at_ns, thread, name);
		if (*n_open == 0)
			return;
		at_ns = open[*n_open - 1].to_ns;
	}
}

static void sweep(struct export_phases *phases, const struct phase *sorted, size_t n)
{
	struct phase *open = allocate(n, sizeof *open);
	size_t n_open = 0;
	*hash_map_at(&phases->threads, (uint64_t)sorted[0].thread + 1) =
		(uint32_t)phases->n_changes + 1;
	for (size_t i = 0; i < n; i++) {
		open[n_open++] = sorted[i];
		advance(phases, open, &n_open, sorted[i].from_ns,
			i + 1 < n ? sorted[i + 1].from_ns : UINT64_MAX);
	}
	free(open);
}

static size_t collect(const struct recording *recording, struct phase *out)
{
	struct moment moment = recording_moment(recording);
	size_t n = 0;
	for (uint64_t id = 1; id < moment.n[TABLE_SPANS]; id++) {
		const struct span_row *span = recording_span(recording, id);
		const struct series_row *series = recording_series(recording, span->series);
		if (strcmp(recording_string_at(recording, series->name), "phases") != 0)
			continue;
		uint64_t to_ns = span->start_ns + span->duration_ns;
		if (to_ns > span->start_ns)
			out[n++] =
				(struct phase){ span->start_ns, to_ns, span->thread, span->name };
	}
	return n;
}

struct export_phases *export_phases_open(const struct recording *recording)
{
	struct export_phases *phases = allocate(1, sizeof *phases);
	struct moment moment = recording_moment(recording);
	struct phase *all = allocate(moment.n[TABLE_SPANS], sizeof *all);
	size_t n = collect(recording, all);
	if (n)
		qsort(all, n, sizeof *all, compare);
	for (size_t i = 0, first = 0; i < n; i++) {
		if (i + 1 < n && all[i + 1].thread == all[first].thread)
			continue;
		sweep(phases, all + first, i + 1 - first);
		first = i + 1;
	}
	free(all);
	return phases;
}

void export_phases_close(struct export_phases *phases)
{
	if (!phases)
		return;
	free(phases->changes);
	hash_map_free(&phases->threads);
	free(phases);
}

static uint32_t look_up(const struct export_phases *phases, uint32_t thread, uint64_t time_ns)
{
	uint32_t first = hash_map_get(&phases->threads, (uint64_t)thread + 1);
	if (!first)
		return 0;
	size_t low = first - 1, high = phases->n_changes;
	/* The first change that is of another thread or later. */
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct change *change = &phases->changes[middle];
		if (change->thread == thread && change->at_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low >= first ? phases->changes[low - 1].name : 0;
}

uint32_t export_phase_at(const struct export_phases *phases, uint32_t thread, uint64_t time_ns)
{
	uint32_t name = thread ? look_up(phases, thread, time_ns) : 0;
	return name ? name : look_up(phases, 0, time_ns);
}
