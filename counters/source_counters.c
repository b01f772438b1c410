/*
 * Metric groups over time (--metrics): a reading of each metric every 100 ms, of the program and
 * its children, of what was attached to, or of the whole machine; what cannot be counted keeps its
 * place, with the reason.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/grade.h"
#include "counters/machine.h"
#include "counters/metric_set.h"
#include "counters/metric_trust.h"
#include "sampler/ladder.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"
#include "sampler/trust.h"

/* As many as an hour of readings leaves room for; a core has no counters for more anyway. */
enum { MOST_SETS = 32 };
static const uint64_t INTERVAL_NS = 100 * 1000 * 1000;

struct counted_set {
	struct metric_set set;
	struct metric_counts now, before;
	uint32_t series[MAX_SECTION_METRICS];
};

struct state {
	struct counted_set *sets;
	uint32_t n_sets;
	uint64_t before_ns;
};

static bool counters_wanted(const struct target *target)
{
	return target->sampling && target->sampling->metric_groups;
}

static void note_left_out(struct recording *recording, const struct metric_group *group)
{
	char text[WHY_BYTES];
	snprintf(text, sizeof text,
		 "The group %s is not read: %d are the most that are read over time, those of "
		 "each kind of core by themselves.",
		 group->name, MOST_SETS);
	recording_note(recording, SEVERITY_WARNING, "counters", text, "Name fewer groups with -M.");
}

/* A group on each kind of core; one of software events only once. */
static void add_group(struct state *state, const struct metric_group *group,
		      struct recording *recording)
{
	struct core_pmu cores[MAX_CORE_PMUS];
	uint32_t n_cores = core_pmus(cores);
	if (state->n_sets + n_cores > MOST_SETS) {
		note_left_out(recording, group);
		return;
	}
	for (uint32_t i = 0; i < n_cores; i++) {
		struct metric_set *set = &state->sets[state->n_sets++].set;
		metric_set_choose(set, group, &cores[i]);
		if (n_cores == 1 || metric_set_is_of_core(set))
			continue;
		set->core.is_hybrid = false;
		return;
	}
}

static void add_groups(struct state *state, const char *list, struct recording *recording)
{
	uint32_t n;
	const struct metric_group *all = metric_groups(&n);
	while (*list) {
		size_t length = strcspn(list, ",");
		for (uint32_t i = 0; i < n; i++)
			if (strlen(all[i].name) == length && memcmp(all[i].name, list, length) == 0)
				add_group(state, &all[i], recording);
		list += length + (list[length] == ',');
	}
}

/* What a metric's values will be at best: software where all of its events are. */
static enum origin origin_of(const struct metric_set *set, uint32_t metric)
{
	for (uint32_t i = 0; i < set->section->n_events; i++)
		if (set->section->metrics[metric].formula.operands_used & 1u << i &&
		    ladder_origin(&set->events[i].sampled) != ORIGIN_SOFTWARE)
			return ORIGIN_MEASURED;
	return ORIGIN_SOFTWARE;
}

/* reason: why there will be no value, or NULL. */
static uint32_t add_series(struct recording *recording, const struct metric_set *set,
			   const char *name, const char *unit, enum origin origin,
			   const char *reason)
{
	struct series_row row = {
		.name = recording_add_string(recording, name),
		.unit = recording_add_string(recording, unit),
		.source = recording_add_string(recording, "counters"),
		.device =
			recording_add_string(recording, set->core.is_hybrid ? set->core.sysfs : ""),
		.origin = reason ? ORIGIN_UNAVAILABLE : origin,
		.reason = reason ? recording_add_string(recording, reason) : 0,
	};
	return recording_add_series(recording, &row);
}

static void add_metrics(struct counted_set *counted, struct recording *recording)
{
	const struct metric_set *set = &counted->set;
	if (set->absent.text[0]) {
		add_series(recording, set, set->group->name, "", ORIGIN_UNAVAILABLE,
			   set->absent.text);
		return;
	}
	for (uint32_t i = 0; i < set->section->n_metrics; i++) {
		const struct metric *metric = &set->section->metrics[i];
		counted->series[i] = add_series(recording, set, metric->name, metric->unit,
						origin_of(set, i), metric_set_lacks(set, i));
	}
}

static void add_trust(const struct state *state, struct recording *recording)
{
	struct machine *machine = machine_read("");
	struct grades grades;
	bool is_graded = grades_cached(&grades, machine_identity(machine), NULL);
	machine_free(machine);
	for (uint32_t s = 0; is_graded && s < state->n_sets; s++) {
		const struct metric_set *set = &state->sets[s].set;
		uint32_t n = set->absent.text[0] ? 0 : set->section->n_metrics;
		for (uint32_t i = 0; i < n; i++) {
			char key[TRUST_KEY_BYTES], mark[2] = { metric_trust(&grades, set, i), 0 };
			if (mark[0] != GRADE_NONE)
				recording_add_fact(
					recording,
					trust_key(key, sizeof key, set->section->metrics[i].name),
					mark);
		}
	}
}

static void note(void *recording, const char *text)
{
	recording_note(recording, SEVERITY_WARNING, "counters", text, "");
}

static bool counters_open(void *opaque, const struct target *target, struct recording *recording,
			  struct why *why)
{
	struct state *state = opaque;
	const struct sampling *sampling = target->sampling;
	struct event_group_request request = {
		.no_inherit = sampling->no_inherit,
		.user_only = sampling->user_only,
		.kernel_only = sampling->kernel_only,
	};
	(void)why;
	event_group_request_target(&request, target);
	state->sets = allocate(MOST_SETS, sizeof *state->sets);
	add_groups(state, sampling->metric_groups, recording);
	for (uint32_t i = 0; i < state->n_sets; i++) {
		struct counted_set *counted = &state->sets[i];
		metric_set_open(&counted->set, &request);
		if (!request.enable_on_exec)
			metric_set_enable(&counted->set);
		metric_set_read(&counted->set, &counted->before);
		add_metrics(counted, recording);
		metric_set_notes(&counted->set, note, recording);
	}
	add_trust(state, recording);
	state->before_ns = now_ns();
	return true;
}

static void take_set(struct counted_set *counted, struct recording *recording, uint64_t time_ns,
		     double seconds)
{
	const struct metric_set *set = &counted->set;
	struct metric_counts since;
	if (set->absent.text[0])
		return;
	metric_set_read(&counted->set, &counted->now);
	metric_counts_since(set, &counted->now, &counted->before, &since);
	for (uint32_t i = 0; i < set->section->n_metrics; i++) {
		struct formula_result result = metric_set_evaluate(set, &since, i, seconds);
		struct reading_row row = { .time_ns = time_ns,
					   .value = result.value,
					   .series = counted->series[i],
					   .running_ratio = (float)result.running_ratio,
					   .origin = result.origin };
		if (isfinite(result.value))
			recording_add_reading(recording, &row);
	}
	counted->before = counted->now;
}

static void counters_drain(void *opaque, struct recording *recording, bool is_last)
{
	struct state *state = opaque;
	uint64_t time_ns = now_ns();
	/* What is left at the end may be too short for a rate. */
	if (time_ns - state->before_ns < (is_last ? INTERVAL_NS / 10 : INTERVAL_NS))
		return;
	double seconds = (double)(time_ns - state->before_ns) * 1e-9;
	for (uint32_t i = 0; i < state->n_sets; i++)
		take_set(&state->sets[i], recording, time_ns, seconds);
	state->before_ns = time_ns;
}

static void counters_close(void *opaque)
{
	struct state *state = opaque;
	for (uint32_t i = 0; i < state->n_sets; i++)
		metric_set_close(&state->sets[i].set);
	free(state->sets);
}

const struct source source_counters = {
	.name = "counters",
	.summary = "metric groups over time: IPC, miss rates, top-down (--metrics)",
	.state_bytes = sizeof(struct state),
	.interval_ns = 100 * 1000 * 1000,
	.wanted = counters_wanted,
	.open = counters_open,
	.drain = counters_drain,
	.close = counters_close,
};
