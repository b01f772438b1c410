/* Rows sorted by lane, slot of time and place in the tree of functions; one walk over them opens
 * and closes boxes. A walk that makes too many boxes is given up and begun again, coarser. */
#include "sampler/export_trace.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/export_paths.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/hash_map.h"
#include "sampler/recording.h"

/* The length of a recording's own slots. */
static const uint64_t FIRST_SLOT_NS = 20 * 1000 * 1000;
/* For series that do not count time, when the recording does not say how often it sampled. */
static const double DEFAULT_PERIOD_NS = 1e6;
/* A thousandth of a sample; what is shorter still cannot be seen. */
static const uint64_t FIRST_LEAST_NS = 1000;
/* Slots this much apart are one stretch: rounding of the clock and the odd sample late. */
static const uint64_t GAP_PER_SLOT = 10;
/* Later samples are shown at that time; 31 doublings make one slot of all before it. */
static const uint32_t LAST_SLOT = UINT32_MAX;
enum { MOST_DOUBLINGS = 31 };

/* 24 bytes, as there are as many as samples. */
struct row {
	uint64_t weight;
	uint32_t slot; /* since the recording began, in FIRST_SLOT_NS: 2.7 years */
	uint32_t lane, path, n_samples;
};

struct walk {
	const struct recording *recording;
	const struct export_paths *paths;
	struct export_trace *trace;
	uint32_t *rank; /* path -> place in the tree, parents before children */
	struct row *rows;
	size_t n_rows, most;
	size_t n_laid_out; /* rows that the last try came to */
	uint32_t last_slot;
	unsigned doublings; /* of the slot */
	double period_ns;   /* length of one sample; 0 = the weight says it */
	size_t *open;       /* boxes that are open, outermost first */
	size_t n_open;
	uint32_t *chain; /* paths of the row at hand, innermost first */
	uint64_t now_ns; /* end of what is laid out in this lane */
};

/* Place in a walk down the tree: where the parent's next child goes. */
static uint32_t *rank_paths(const struct export_paths *paths)
{
	uint32_t *size = allocate(paths->n_paths, sizeof *size);
	uint32_t *rank = allocate(paths->n_paths, sizeof *rank);
	for (uint32_t i = paths->n_paths; i-- > 1;)
		size[paths->paths[i].parent] += ++size[i];
	uint32_t *next = allocate(paths->n_paths, sizeof *next);
	for (uint32_t i = 1; i < paths->n_paths; i++) {
		uint32_t parent = paths->paths[i].parent;
		rank[i] = rank[parent] + 1 + next[parent];
		next[parent] += size[i];
	}
	free(size);
	free(next);
	return rank;
}

static int compare(const void *a, const void *b, void *opaque)
{
	const struct row *left = a, *right = b;
	const struct walk *walk = opaque;
	uint32_t left_slot = left->slot >> walk->doublings;
	uint32_t right_slot = right->slot >> walk->doublings;
	if (left->lane != right->lane)
		return left->lane < right->lane ? -1 : 1;
	if (left_slot != right_slot)
		return left_slot < right_slot ? -1 : 1;
	if (left->path != right->path)
		return walk->rank[left->path] < walk->rank[right->path] ? -1 : 1;
	return 0;
}

/* Rows that the slot makes one: what is sorted and walked next time is the less. */
static void sort_and_merge(struct walk *walk)
{
	size_t n = 0;
	qsort_r(walk->rows, walk->n_rows, sizeof *walk->rows, compare, walk);
	for (size_t i = 1; i < walk->n_rows; i++) {
		struct row *last = &walk->rows[n];
		const struct row *row = &walk->rows[i];
		if (compare(last, row, walk) != 0 ||
		    row->n_samples > UINT32_MAX - last->n_samples) {
			walk->rows[++n] = *row;
			continue;
		}
		last->n_samples += row->n_samples;
		last->weight += row->weight;
	}
	walk->n_rows = n + 1;
}

/* Threads renamed on the way are one lane. */
static void collect(struct walk *walk, const struct export_rows *rows)
{
	const struct recording *recording = walk->recording;
	struct export_trace *trace = walk->trace;
	struct hash_map known = { 0 };
	trace->lanes = allocate(rows->n_threads + 1, sizeof *trace->lanes);
	walk->rows = allocate(rows->n + 1, sizeof *walk->rows);
	for (size_t i = 0; i < rows->n_threads; i++) {
		const struct export_thread *part = &rows->threads[i];
		const struct thread_row *thread = recording_thread(recording, part->thread);
		/* Without ids every name is a thread of its own. */
		uint32_t tid = thread->tid ? thread->tid : part->thread;
		uint32_t *lane = hash_map_at(&known, ((uint64_t)thread->pid << 32 | tid) + 1);
		if (!*lane)
			*lane = (uint32_t)++trace->n_lanes;
		trace->lanes[*lane - 1] = (struct trace_lane){ thread->pid, tid, part->thread };
		for (size_t k = part->first; k < part->first + part->n; k++) {
			uint32_t id = rows->samples[k];
			const struct sample_row *sample = recording_sample(recording, id);
			uint64_t slot =
				export_relative_ns(recording, sample->time_ns) / FIRST_SLOT_NS;
			struct row row = { .weight = sample->weight,
					   .slot = slot < LAST_SLOT ? (uint32_t)slot : LAST_SLOT,
					   .lane = *lane - 1,
					   .path = walk->paths->of_stack[sample->stack],
					   .n_samples = sample->count };
			walk->last_slot = row.slot > walk->last_slot ? row.slot : walk->last_slot;
			walk->rows[walk->n_rows++] = row;
		}
	}
	hash_map_free(&known);
}

static uint64_t length_ns(const struct walk *walk, const struct row *row)
{
	return walk->period_ns > 0 ? (uint64_t)((double)row->n_samples * walk->period_ns)
				   : row->weight;
}

/* What is inside a box is no longer than it is: all of it goes, its samples to the caller. */
static void drop_box(struct walk *walk, size_t at)
{
	struct export_trace *trace = walk->trace;
	uint64_t n_samples = 0, weight = 0;
	for (size_t i = at; i < trace->n_boxes; i++) {
		n_samples += trace->boxes[i].n_samples;
		weight += trace->boxes[i].weight;
	}
	trace->n_boxes = at;
	if (walk->n_open == 0) {
		trace->n_samples_left_out += n_samples;
		return;
	}
	trace->boxes[walk->open[walk->n_open - 1]].n_samples += n_samples;
	trace->boxes[walk->open[walk->n_open - 1]].weight += weight;
}

static void close_boxes(struct walk *walk, size_t n_left)
{
	while (walk->n_open > n_left) {
		size_t at = walk->open[--walk->n_open];
		struct trace_box *box = &walk->trace->boxes[at];
		box->duration_ns = walk->now_ns - box->start_ns;
		if (box->duration_ns < walk->trace->least_ns)
			drop_box(walk, at);
	}
}

static bool open_box(struct walk *walk, uint32_t path, uint32_t lane)
{
	struct export_trace *trace = walk->trace;
	if (trace->n_boxes == walk->most)
		return false;
	walk->open[walk->n_open++] = trace->n_boxes;
	trace->boxes[trace->n_boxes++] =
		(struct trace_box){ .start_ns = walk->now_ns, .path = path, .lane = lane };
	return true;
}

/* Boxes that go on stay open; the rest close, and the row's own open. */
static bool lay_out(struct walk *walk, const struct row *row)
{
	struct export_trace *trace = walk->trace;
	size_t n = 0, n_same = 0;
	for (uint32_t at = row->path; at; at = walk->paths->paths[at].parent)
		walk->chain[n++] = at;
	if (n == 0) /* a sample without any stack is still a box */
		walk->chain[n++] = 0;
	while (n_same < n && n_same < walk->n_open &&
	       trace->boxes[walk->open[n_same]].path == walk->chain[n - 1 - n_same])
		n_same++;
	close_boxes(walk, n_same);
	while (walk->n_open < n)
		if (!open_box(walk, walk->chain[n - 1 - walk->n_open], row->lane))
			return false;
	struct trace_box *box = &trace->boxes[walk->open[n - 1]];
	box->n_samples += row->n_samples;
	box->weight += row->weight;
	walk->now_ns += length_ns(walk, row);
	return true;
}

static bool lay_out_all(struct walk *walk)
{
	struct export_trace *trace = walk->trace;
	/* All ones, so that nobody need wonder whether a shift can be too wide. */
	trace->slot_ns = FIRST_SLOT_NS << (walk->doublings & MOST_DOUBLINGS);
	trace->n_boxes = walk->n_open = 0;
	trace->n_samples_left_out = 0;
	for (size_t i = 0; i < walk->n_rows; i++) {
		const struct row *row = &walk->rows[i];
		bool is_new = i == 0 || row->lane != row[-1].lane;
		if (is_new) {
			close_boxes(walk, 0);
			walk->now_ns = 0;
		}
		/* Where the slot begins, as rows within it are in no order of time. */
		uint64_t from_ns = (row->slot >> walk->doublings) * trace->slot_ns;
		if (from_ns > walk->now_ns) {
			if (from_ns - walk->now_ns > trace->slot_ns / GAP_PER_SLOT)
				close_boxes(walk, 0);
			walk->now_ns = from_ns;
		}
		walk->n_laid_out = i;
		if (!lay_out(walk, row))
			return false;
	}
	close_boxes(walk, 0);
	return true;
}

static size_t deepest_path(const struct export_paths *paths)
{
	uint32_t *depths = allocate(paths->n_paths, sizeof *depths), deepest = 1;
	for (uint32_t i = 1; i < paths->n_paths; i++) {
		depths[i] = depths[paths->paths[i].parent] + 1;
		deepest = depths[i] > deepest ? depths[i] : deepest;
	}
	free(depths);
	return deepest;
}

/*
 * Coarser: first in time; when one slot is all of it, the smallest boxes go. Merging k slots into
 * one leaves a k-th of the boxes at best, so where a k-th of the rows filled the list, fewer
 * doublings need not be tried. Lengths in a file can be any number: false when no more can be done.
 */
static bool coarsen(struct walk *walk)
{
	struct export_trace *trace = walk->trace;
	size_t tried = walk->n_laid_out;
	if (trace->least_ns > UINT64_MAX / 2)
		return false;
	if (walk->doublings == MOST_DOUBLINGS || walk->last_slot >> walk->doublings == 0) {
		trace->least_ns = trace->least_ns ? trace->least_ns * 2 : FIRST_LEAST_NS;
		return true;
	}
	do {
		walk->doublings++;
		tried *= 2;
	} while (walk->doublings < MOST_DOUBLINGS && walk->last_slot >> walk->doublings > 0 &&
		 tried < walk->n_rows / 2);
	return true;
}

static double period_ns(const struct recording *recording, uint32_t series)
{
	const char *unit =
		recording_string_at(recording, recording_series(recording, series)->unit);
	const char *rate = export_fact(recording, "sampling.frequency_hz");
	double hz = rate ? strtod(rate, NULL) : 0;
	if (strcmp(unit, "ns") == 0)
		return 0;
	return hz >= 1 ? 1e9 / hz : DEFAULT_PERIOD_NS;
}

static void lay_out_within(struct walk *walk)
{
	unsigned sorted_for = UINT32_MAX;
	do {
		if (sorted_for != walk->doublings)
			sort_and_merge(walk);
		sorted_for = walk->doublings;
	} while (!lay_out_all(walk) && coarsen(walk));
}

struct export_trace *export_trace_open(const struct recording *recording,
				       const struct export_options *options,
				       const struct export_paths *paths, size_t most)
{
	struct export_trace *trace = allocate(1, sizeof *trace);
	struct walk walk = { .recording = recording, .paths = paths, .trace = trace };
	struct export_rows *rows = export_rows_open(recording, options);
	size_t deepest = deepest_path(paths);
	/* All boxes of one stack are open at once, even if none of them is kept. */
	walk.most = most > deepest ? most : deepest;
	trace->slot_ns = FIRST_SLOT_NS;
	trace->boxes = allocate(walk.most, sizeof *trace->boxes);
	walk.rank = rank_paths(paths);
	walk.period_ns = period_ns(recording, rows->series);
	walk.open = allocate(deepest, sizeof *walk.open);
	walk.chain = allocate(deepest, sizeof *walk.chain);
	collect(&walk, rows);
	export_rows_close(rows);
	if (walk.n_rows)
		lay_out_within(&walk);
	free(walk.rank);
	free(walk.open);
	free(walk.chain);
	free(walk.rows);
	return trace;
}

void export_trace_close(struct export_trace *trace)
{
	if (!trace)
		return;
	free(trace->boxes);
	free(trace->lanes);
	free(trace);
}
