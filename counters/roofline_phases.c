/*
 * Spans, sorted, become a list of times at which the innermost phase changes, as brackets do. A
 * phase's own work is what it states less what the phases directly inside it state.
 */
#include "counters/roofline_phases.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "counters/bandwidth.h"
#include "counters/ceilings.h"
#include "counters/model_memory.h"
#include "counters/roofline_busy.h"
#include "sampler/base/why.h"
#include "sampler/hash_map.h"

/* More names than this come from a program that numbers its phases: the first ones stand for it. */
enum { MOST_PHASES = 1024 };

struct span {
	uint64_t from_ns, to_ns;
	double flops, bytes;
	uint32_t phase;
};

struct work_state {
	const struct recording *recording;
	struct roofline_phases *phases;
	struct moment moment;
	struct span *spans, *open;
	size_t n_spans, n_open;
	struct roofline_busy *busy; /* by phase, of its own */
};

static int compare(const void *a, const void *b)
{
	const struct span *left = a, *right = b;
	if (left->from_ns != right->from_ns)
		return left->from_ns < right->from_ns ? -1 : 1;
	/* The outer of two that begin together is the one that ends later. */
	return left->to_ns > right->to_ns ? -1 : left->to_ns < right->to_ns;
}

static bool find_phase(struct roofline_phases *phases, struct hash_map *places, uint32_t name,
		       uint32_t *place)
{
	uint32_t *known = hash_map_at(places, (uint64_t)name + 1);
	if (!*known) {
		if (phases->n == MOST_PHASES)
			return false;
		phases->rows[phases->n] =
			(struct roofline_phase){ .name = name, .measured_bytes = NAN };
		*known = (uint32_t)++phases->n;
	}
	*place = *known - 1;
	return true;
}

static bool is_phase(const struct recording *recording, const struct span_row *row)
{
	const struct series_row *series = recording_series(recording, row->series);
	return !span_is_open(row) &&
	       strcmp(recording_string_at(recording, series->name), "phases") == 0;
}

static void collect(struct work_state *state, uint64_t from_ns, uint64_t to_ns)
{
	struct hash_map places = { 0 };
	state->spans = allocate(state->moment.n[TABLE_SPANS], sizeof *state->spans);
	for (uint64_t id = 1; id < state->moment.n[TABLE_SPANS]; id++) {
		const struct span_row *row = recording_span(state->recording, id);
		struct span *span = &state->spans[state->n_spans];
		if (row->duration_ns == 0 || row->start_ns < from_ns ||
		    (to_ns && row->start_ns >= to_ns) || (isnan(row->flops) && isnan(row->bytes)) ||
		    row->flops < 0 || row->bytes < 0 || !is_phase(state->recording, row) ||
		    !find_phase(state->phases, &places, row->name, &span->phase))
			continue;
		span->from_ns = row->start_ns;
		span->to_ns = row->start_ns + row->duration_ns;
		span->flops = row->flops;
		span->bytes = row->bytes;
		state->n_spans += span->to_ns > span->from_ns;
	}
	hash_map_free(&places);
	if (state->n_spans)
		qsort(state->spans, state->n_spans, sizeof *state->spans, compare);
}

static void add_segment(struct work_state *state, uint64_t from_ns, uint64_t to_ns, uint32_t phase)
{
	struct roofline_phases *phases = state->phases;
	phases->segments[phases->n_segments++] = (struct roofline_segment){ from_ns, to_ns, phase };
	phases->rows[phase].own.seconds += (double)(to_ns - from_ns) * 1e-9;
}

/* What is innermost from at_ns until until_ns, when the next one begins. */
static void advance(struct work_state *state, uint64_t at_ns, uint64_t until_ns)
{
	while (at_ns < until_ns) {
		while (state->n_open > 0 && state->open[state->n_open - 1].to_ns <= at_ns)
			state->n_open--;
		if (state->n_open == 0)
			return;
		const struct span *top = &state->open[state->n_open - 1];
		uint64_t end = top->to_ns < until_ns ? top->to_ns : until_ns;
		add_segment(state, at_ns, end, top->phase);
		at_ns = end;
	}
}

/* A sum over spans is as well known as all of its parts. */
static void add_work(struct work_state *state, const struct span *span)
{
	struct roofline_phase *row = &state->phases->rows[span->phase];
	row->n_spans++;
	row->own.flops += span->flops;
	row->own.bytes += span->bytes;
	if (state->n_open > 0) {
		struct roofline_phase *outer =
			&state->phases->rows[state->open[state->n_open - 1].phase];
		outer->own.flops -= isnan(span->flops) ? 0 : span->flops;
		outer->own.bytes -= isnan(span->bytes) ? 0 : span->bytes;
	}
	for (size_t i = 0; i < state->n_open; i++)
		if (state->open[i].phase == span->phase)
			return; /* inside itself: counted with the outer one */
	row->all.seconds += (double)(span->to_ns - span->from_ns) * 1e-9;
	row->all.flops += span->flops;
	row->all.bytes += span->bytes;
}

static void sweep(struct work_state *state)
{
	struct roofline_phases *phases = state->phases;
	state->open = allocate(state->n_spans + 1, sizeof *state->open);
	/* Each span makes at most one change when it begins and one when it ends. */
	phases->segments = allocate(2 * state->n_spans + 1, sizeof *phases->segments);
	for (size_t i = 0; i < state->n_spans; i++) {
		const struct span *span = &state->spans[i];
		while (state->n_open > 0 && state->open[state->n_open - 1].to_ns <= span->from_ns)
			state->n_open--;
		add_work(state, span);
		state->open[state->n_open++] = *span;
		advance(state, span->from_ns,
			i + 1 < state->n_spans ? state->spans[i + 1].from_ns : UINT64_MAX);
		if (span->to_ns > phases->last_ns)
			phases->last_ns = span->to_ns;
	}
	phases->first_ns = state->n_spans ? state->spans[0].from_ns : 0;
	for (size_t i = 0; i < phases->n; i++) {
		struct roofline_work *own = &phases->rows[i].own;
		own->flops = own->flops < 0 ? 0 : own->flops; /* rounding; NaN stays */
		own->bytes = own->bytes < 0 ? 0 : own->bytes;
	}
	free(state->open);
	free(state->spans);
}

static const struct roofline_segment *segment_at(const struct roofline_phases *phases,
						 uint64_t time_ns)
{
	size_t low = 0, high = phases->n_segments;
	while (low < high) { /* the first that ends later */
		size_t middle = (low + high) / 2;
		if (phases->segments[middle].to_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	bool is_in = low < phases->n_segments && phases->segments[low].from_ns <= time_ns;
	return is_in ? &phases->segments[low] : NULL;
}

/* CPU time, where the samples are of a clock: how many CPUs a phase keeps busy, and how many
 * threads want one. */
static void take_busy(struct work_state *state)
{
	uint32_t clock = 0;
	state->busy = allocate(state->phases->n + 1, sizeof *state->busy);
	for (uint64_t id = 1; id < state->moment.n[TABLE_SAMPLES]; id++) {
		const struct sample_row *sample = recording_sample(state->recording, id);
		if (!clock &&
		    strcmp(recording_string_at(
				   state->recording,
				   recording_series(state->recording, sample->series)->unit),
			   "ns") == 0)
			clock = sample->series;
		if (!clock || sample->series != clock)
			continue;
		const struct roofline_segment *segment = segment_at(state->phases, sample->time_ns);
		if (segment)
			roofline_busy_add(&state->busy[segment->phase], sample);
	}
	for (size_t i = 0; i < state->phases->n; i++)
		roofline_busy_end(&state->busy[i]);
}

static void judge(struct work_state *state, const struct ceilings *ceilings)
{
	struct roofline_phases *phases = state->phases;
	uint32_t most = ceilings_most_threads(ceilings);
	struct roofline_busy all = { 0 };
	double seconds = 0;
	for (size_t i = 0; i < phases->n; i++) {
		all.ns += state->busy[i].ns;
		all.n_slots += state->busy[i].n_slots;
		all.n_beside += state->busy[i].n_beside;
		seconds += phases->rows[i].own.seconds;
	}
	uint32_t overall = roofline_busy_threads(&all, seconds, most, most);
	for (size_t i = 0; i < phases->n; i++) {
		struct roofline_phase *row = &phases->rows[i];
		const char *type =
			roofline_type_of(recording_string_at(state->recording, row->name));
		bool is_leaf = row->own.seconds > 0.9 * row->all.seconds;
		row->n_threads = is_leaf ? roofline_busy_threads(&state->busy[i], row->own.seconds,
								 most, overall)
					 : overall;
		roofline_make(&row->roofline, ceilings, type, row->n_threads);
		roofline_judge(&row->roofline, &row->all, &row->all_verdict);
		roofline_judge(&row->roofline, &row->own, &row->own_verdict);
	}
	free(state->busy);
}

/* ---- bytes that something measured while phases ran */

struct measured {
	uint32_t series;
	uint64_t from_ns, to_ns; /* what a reading stands for */
	double rate;
	enum origin origin;
};

/* A reading stands for the time since the one before. Spans of one name do not overlap as a rule;
 * where they do, all of them get the bytes, as each says what the memory did while it ran. */
static void add_measured(const struct work_state *state, const struct span_row *row,
			 const struct measured *readings, size_t n, struct roofline_phase *phase)
{
	uint64_t from = row->start_ns, to = row->start_ns + row->duration_ns;
	size_t low = 0, high = n;
	(void)state;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (readings[middle].to_ns <= from)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < n && readings[low].from_ns < to; low++) {
		const struct measured *at = &readings[low];
		uint64_t start = at->from_ns > from ? at->from_ns : from;
		uint64_t end = at->to_ns < to ? at->to_ns : to;
		if (end <= start)
			continue;
		double bytes = at->rate * (double)(end - start) * 1e-9;
		phase->measured_bytes =
			isnan(phase->measured_bytes) ? bytes : phase->measured_bytes + bytes;
		phase->measured_origin = at->origin;
	}
}

static size_t read_measured(const struct work_state *state, struct measured *out)
{
	const struct recording *recording = state->recording;
	size_t n = 0;
	uint64_t before_ns = recording->start_ns;
	for (uint64_t id = 1; id < state->moment.n[TABLE_READINGS]; id++) {
		const struct reading_row *row = recording_reading(recording, id);
		if (!bandwidth_is_measured(recording, row->series) || isnan(row->value) ||
		    row->origin == ORIGIN_UNAVAILABLE || row->time_ns <= before_ns)
			continue;
		out[n++] = (struct measured){ row->series, before_ns, row->time_ns, row->value,
					      (enum origin)row->origin };
		before_ns = row->time_ns;
	}
	return n;
}

static void take_measured(struct work_state *state, uint64_t from_ns, uint64_t to_ns)
{
	struct measured *readings = allocate(state->moment.n[TABLE_READINGS], sizeof *readings);
	size_t n = read_measured(state, readings);
	struct hash_map places = { 0 };
	for (size_t i = 0; n && i < state->phases->n; i++)
		*hash_map_at(&places, (uint64_t)state->phases->rows[i].name + 1) = (uint32_t)i + 1;
	for (uint64_t id = 1; n && id < state->moment.n[TABLE_SPANS]; id++) {
		const struct span_row *row = recording_span(state->recording, id);
		uint32_t place = hash_map_get(&places, (uint64_t)row->name + 1);
		if (place && row->start_ns >= from_ns && (!to_ns || row->start_ns < to_ns) &&
		    is_phase(state->recording, row))
			add_measured(state, row, readings, n, &state->phases->rows[place - 1]);
	}
	hash_map_free(&places);
	free(readings);
}

/* Longest first; segments keep pointing to the right rows. */
static int by_own_time(const void *a, const void *b)
{
	const struct roofline_phase *left = a, *right = b;
	if (left->own.seconds != right->own.seconds)
		return left->own.seconds > right->own.seconds ? -1 : 1;
	return left->name < right->name ? -1 : left->name > right->name;
}

static void sort(struct roofline_phases *phases)
{
	struct hash_map places = { 0 };
	uint32_t *names = allocate(phases->n + 1, sizeof *names);
	for (size_t i = 0; i < phases->n; i++)
		names[i] = phases->rows[i].name;
	if (phases->n)
		qsort(phases->rows, phases->n, sizeof *phases->rows, by_own_time);
	for (size_t i = 0; i < phases->n; i++)
		*hash_map_at(&places, (uint64_t)phases->rows[i].name + 1) = (uint32_t)i;
	for (size_t i = 0; i < phases->n_segments; i++) {
		uint32_t name = names[phases->segments[i].phase];
		phases->segments[i].phase = hash_map_get(&places, (uint64_t)name + 1);
	}
	hash_map_free(&places);
	free(names);
}

struct roofline_phases *roofline_phases_open(const struct recording *recording, uint64_t from_ns,
					     uint64_t to_ns, const struct ceilings *ceilings)
{
	struct work_state state = { .recording = recording,
				    .phases = allocate(1, sizeof *state.phases),
				    .moment = recording_moment(recording) };
	state.phases->rows = allocate(MOST_PHASES, sizeof *state.phases->rows);
	collect(&state, from_ns, to_ns);
	sweep(&state);
	take_busy(&state);
	state.phases->is_modelled = recording_fact_text(recording, MODEL_CACHES_FACT) != NULL;
	judge(&state, state.phases->is_modelled ? NULL : ceilings);
	take_measured(&state, from_ns, to_ns);
	sort(state.phases);
	return state.phases;
}

void roofline_phases_close(struct roofline_phases *phases)
{
	if (!phases)
		return;
	free(phases->rows);
	free(phases->segments);
	free(phases);
}

const struct roofline_phase *roofline_phase_at(const struct roofline_phases *phases,
					       uint64_t time_ns)
{
	const struct roofline_segment *segment = segment_at(phases, time_ns);
	return segment ? &phases->rows[segment->phase] : NULL;
}

double roofline_lost_ratio(const struct roofline_phases *phases, uint64_t time_ns)
{
	const struct roofline_phase *phase = roofline_phase_at(phases, time_ns);
	return phase ? phase->own_verdict.lost_seconds / phase->own.seconds : NAN;
}
