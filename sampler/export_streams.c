/* Spans of devices by stack, thread and start; each row of samples is a run of them. */
#include "sampler/export_streams.h"

#include <stdbool.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"

struct work {
	uint64_t start_ns, duration_ns;
	uint32_t stack, thread, lane;
	bool is_mixed; /* equal stack and thread, but other streams too */
};

struct export_streams {
	struct work *works;
	struct export_piece *pieces;
	size_t n;
};

static int compare_launcher(const struct work *left, const struct work *right)
{
	if (left->stack != right->stack)
		return left->stack < right->stack ? -1 : 1;
	if (left->thread != right->thread)
		return left->thread < right->thread ? -1 : 1;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct work *left = a, *right = b;
	int order = compare_launcher(left, right);
	if (order)
		return order;
	if (left->start_ns != right->start_ns)
		return left->start_ns < right->start_ns ? -1 : 1;
	return left->lane < right->lane ? -1 : left->lane > right->lane;
}

static bool is_of_device(const struct recording *recording, const struct span_row *span)
{
	const struct series_row *series = recording_series(recording, span->series);
	return series->flags & SERIES_SPANS && series->device && span->stack;
}

static void mark_mixed(struct export_streams *streams)
{
	for (size_t from = 0, to; from < streams->n; from = to) {
		bool is_mixed = false;
		for (to = from; to < streams->n &&
				compare_launcher(&streams->works[from], &streams->works[to]) == 0;
		     to++)
			is_mixed = is_mixed || streams->works[to].lane != streams->works[from].lane;
		for (size_t i = from; i < to; i++)
			streams->works[i].is_mixed = is_mixed;
	}
}

struct export_streams *export_streams_open(const struct recording *recording)
{
	struct export_streams *streams = allocate(1, sizeof *streams);
	uint64_t n = recording_moment(recording).n[TABLE_SPANS];
	size_t n_works = 0;
	for (uint64_t id = 1; id < n; id++)
		n_works += is_of_device(recording, recording_span(recording, id));
	streams->works = allocate(n_works + 1, sizeof *streams->works);
	streams->pieces = allocate(n_works + 1, sizeof *streams->pieces);
	for (uint64_t id = 1; id < n; id++) {
		const struct span_row *span = recording_span(recording, id);
		if (is_of_device(recording, span))
			streams->works[streams->n++] =
				(struct work){ .start_ns = span->start_ns,
					       .duration_ns = span->duration_ns,
					       .stack = span->stack,
					       .thread = span->thread,
					       .lane = span->series };
	}
	if (streams->n)
		qsort(streams->works, streams->n, sizeof *streams->works, compare);
	mark_mixed(streams);
	return streams;
}

void export_streams_close(struct export_streams *streams)
{
	if (!streams)
		return;
	free(streams->works);
	free(streams->pieces);
	free(streams);
}

/* The first work that is not before the wanted one. */
static size_t find(const struct export_streams *streams, const struct work *wanted)
{
	size_t low = 0, high = streams->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(&streams->works[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t export_streams_of(struct export_streams *streams, const struct sample_row *row,
			 const struct export_piece **pieces, uint32_t *lane)
{
	const struct work wanted = { .start_ns = row->time_ns,
				     .stack = row->stack,
				     .thread = row->thread };
	uint64_t sum_ns = 0;
	size_t at = find(streams, &wanted), n = 0;
	*lane = 0;
	*pieces = streams->pieces;
	if (at == streams->n || compare_launcher(&streams->works[at], &wanted) != 0)
		return 0;
	if (!streams->works[at].is_mixed) {
		*lane = streams->works[at].lane;
		return 0;
	}
	for (; n < row->count && at + n < streams->n; n++) {
		const struct work *work = &streams->works[at + n];
		if (compare_launcher(work, &wanted) != 0)
			break;
		streams->pieces[n] = (struct export_piece){ work->duration_ns, work->lane };
		sum_ns += work->duration_ns;
	}
	return n == row->count && sum_ns == row->weight ? n : 0;
}
