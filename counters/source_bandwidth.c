/*
 * Memory traffic a second, and how much of the measured ceiling that is. Where nothing can count
 * it, it is the exact work that the program states, as source_probe has recorded it.
 */
#include <math.h>
#include <string.h>

#include "counters/bandwidth.h"
#include "counters/ceilings.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"
#include "sampler/trust.h"

/* Shorter than this and the time of a reading itself becomes part of the rate. */
static const uint64_t INTERVAL_NS = 100 * 1000 * 1000;

struct state {
	struct bandwidth bandwidth;
	uint32_t rate_series, ratio_series; /* ratio_series 0 = not looked for yet */
	double ceiling;                     /* B/s; NaN = unknown */
	uint64_t next_reading, next_series; /* rows not looked at */
	uint32_t work_series;
	uint64_t work_ns;  /* when the work was stated last */
	double work_bytes; /* stated by then; NaN = nothing */
	uint64_t before_ns;
	double before_bytes; /* NaN = nothing has been read yet */
	bool has_reading;
};

static uint32_t text(struct recording *recording, const char *words)
{
	return recording_add_string(recording, words);
}

/* Stated work over time is only as fast as the program runs. */
static void say_model(struct bandwidth *bandwidth, const struct target *target)
{
	struct why reason = bandwidth->reason;
	if (target->model_fd > 0 && bandwidth->rung == BANDWIDTH_WORK)
		why_fail(&bandwidth->reason,
			 "%.400s The cache model slows the program, and these bytes a second.",
			 reason.text);
}

static bool bandwidth_source_open(void *opaque, const struct target *target,
				  struct recording *recording, struct why *why)
{
	struct state *state = opaque;
	const struct sampling *sampling = target->sampling;
	struct bandwidth_request request = {
		.no_inherit = sampling->no_inherit,
		.root = "",
	};
	(void)why;
	bandwidth_request_target(&request, target);
	/* The work of one program is not that of the machine, nor of what was there before. */
	request.states_work =
		target->probe_fd >= 0 && request.n_threads == 0 && !request.is_whole_machine;
	bandwidth_open(&state->bandwidth, &request);
	say_model(&state->bandwidth, target);
	/* Controllers count from here on; what has to wait for the exec does so by itself. */
	if (state->bandwidth.rung == BANDWIDTH_CONTROLLERS || !request.enable_on_exec)
		bandwidth_enable(&state->bandwidth);
	struct series_row row = {
		.name = text(recording, BANDWIDTH_SERIES),
		.unit = text(recording, "B/s"),
		.source = text(recording, "bandwidth"),
		.device = text(recording, bandwidth_rung_name(state->bandwidth.rung)),
		.origin = bandwidth_origin(state->bandwidth.rung),
		.reason = text(recording, state->bandwidth.reason.text),
		.remedy = text(recording, state->bandwidth.remedy.text),
	};
	state->rate_series = recording_add_series(recording, &row);
	state->next_reading = state->next_series = 1;
	state->work_bytes = state->before_bytes = state->ceiling = NAN;
	return true;
}

/* After all sources have opened: another one stores the ceilings. */
static void find_ceiling(struct state *state, struct recording *recording)
{
	struct ceilings *ceilings = ceilings_load(recording);
	const struct ceiling *best =
		ceilings ? ceilings_bandwidth(ceilings, "DRAM", UINT32_MAX) : NULL;
	struct series_row row = {
		.name = text(recording, BANDWIDTH_RATIO_SERIES),
		.unit = text(recording, "ratio"),
		.source = text(recording, "bandwidth"),
		.device = text(recording, bandwidth_rung_name(state->bandwidth.rung)),
		.origin = best ? bandwidth_origin(state->bandwidth.rung) : ORIGIN_UNAVAILABLE,
	};
	if (best) {
		state->ceiling = best->best;
		row.reason = text(recording, state->bandwidth.reason.text);
	} else {
		row.reason = text(recording, "What this machine's memory can do is not known.");
		row.remedy = text(recording, "`stoke bench` measures it, in some 10 seconds.");
	}
	state->ratio_series = recording_add_series(recording, &row);
	ceilings_free(ceilings);
	/* Traffic by misses is as good as their counter. */
	const char *trust =
		state->bandwidth.rung == BANDWIDTH_MISSES
			? trust_of(recording, state->bandwidth.misses.members[0].event.sampled.name)
			: "";
	if (*trust) {
		char key[TRUST_KEY_BYTES];
		recording_add_fact(recording, trust_key(key, sizeof key, BANDWIDTH_SERIES), trust);
	}
}

/* What the program has stated so far; this is the writer's thread, so rows may be read at once. */
static void read_work(struct state *state, const struct recording *recording)
{
	for (; state->next_series < recording->tables[TABLE_SERIES].n_rows; state->next_series++) {
		const struct series_row *row = recording_series(recording, state->next_series);
		if (row->flags & SERIES_WORK &&
		    strcmp(recording_string_at(recording, row->name), "work.bytes") == 0)
			state->work_series = (uint32_t)state->next_series;
	}
	for (; state->next_reading < recording->tables[TABLE_READINGS].n_rows;
	     state->next_reading++) {
		const struct reading_row *row = recording_reading(recording, state->next_reading);
		if (!state->work_series || row->series != state->work_series)
			continue;
		state->work_bytes = row->value;
		state->work_ns = row->time_ns;
	}
}

static void add(struct recording *recording, uint32_t series, uint64_t time_ns, double value,
		const struct bandwidth_bytes *read)
{
	struct reading_row row = { .time_ns = time_ns,
				   .value = value,
				   .series = series,
				   .running_ratio = (float)read->running_ratio,
				   .origin = read->origin };
	recording_add_reading(recording, &row);
}

static void bandwidth_source_drain(void *opaque, struct recording *recording, bool is_last)
{
	struct state *state = opaque;
	bool is_work = state->bandwidth.rung == BANDWIDTH_WORK;
	if (!state->ratio_series)
		find_ceiling(state, recording);
	read_work(state, recording);
	/* A program that told its work only once: all of it, over all of its time. */
	if (is_work && is_last && !state->has_reading && !isnan(state->work_bytes)) {
		state->before_ns = recording->start_ns;
		state->before_bytes = 0;
	}
	uint64_t time_ns = is_work ? state->work_ns : now_ns();
	if (state->bandwidth.rung == BANDWIDTH_NONE || time_ns <= state->before_ns ||
	    (!is_last && time_ns - state->before_ns < INTERVAL_NS))
		return;
	struct bandwidth_bytes read = bandwidth_read(&state->bandwidth, state->work_bytes);
	if (isnan(read.bytes))
		return;
	double rate =
		(read.bytes - state->before_bytes) / ((double)(time_ns - state->before_ns) * 1e-9);
	/* The first only says where the next begins; a count that fell is no rate. */
	if (rate >= 0) {
		state->has_reading = true;
		add(recording, state->rate_series, time_ns, rate, &read);
		if (state->ceiling > 0)
			add(recording, state->ratio_series, time_ns, rate / state->ceiling, &read);
	}
	state->before_ns = time_ns;
	state->before_bytes = read.bytes;
}

static void bandwidth_source_close(void *opaque)
{
	bandwidth_close(&((struct state *)opaque)->bandwidth);
}

const struct source source_bandwidth = {
	.name = "bandwidth",
	.summary = "memory traffic, counted or by exact work, and its share of the ceiling",
	.state_bytes = sizeof(struct state),
	.interval_ns = 100 * 1000 * 1000,
	.open = bandwidth_source_open,
	.drain = bandwidth_source_drain,
	.reads_others = true,
	.close = bandwidth_source_close,
};
