/* Tenths of a second are sums of their own, so that the last second costs nothing to know. */
#include "tui/snapshot_trigger.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"

static const uint64_t BUCKET_NS = 100 * 1000 * 1000;

bool snapshot_trigger_parse(struct snapshot_trigger *trigger, const char *text, struct why *why)
{
	size_t n = strcspn(text, "<>");
	char *end = NULL, clean[64];
	*trigger = (struct snapshot_trigger){ .next_sample = 1, .next_reading = 1 };
	if (n > 0 && text[n] && n < sizeof trigger->name) {
		memcpy(trigger->name, text, n);
		trigger->is_below = text[n] == '<';
		trigger->limit = strtod(text + n + 1, &end);
	}
	return (end && end != text + n + 1 && !*end && isfinite(trigger->limit)) ||
	       why_fail(why, "--snapshot-when takes METRIC>VALUE or METRIC<VALUE, not %s.",
			text_clean(clean, sizeof clean, text));
}

/* "cpu-clock" is also the name of "cpu-clock:u". */
static bool is_metric(const struct snapshot_trigger *trigger, const struct recording *recording,
		      uint32_t series)
{
	const struct series_row *row = recording_series(recording, series);
	const char *name = recording_string_at(recording, row->name);
	size_t n = strlen(trigger->name);
	return strncmp(name, trigger->name, n) == 0 && (name[n] == '\0' || name[n] == ':');
}

static void move_to(struct snapshot_trigger *trigger, uint64_t bucket)
{
	for (int i = 0; trigger->bucket < bucket && i < TRIGGER_BUCKETS; i++)
		trigger->weights[++trigger->bucket % TRIGGER_BUCKETS] = 0;
	trigger->bucket = bucket > trigger->bucket ? bucket : trigger->bucket;
}

/* Whether anything is there to judge: samples, once a whole second is known. */
static bool add_samples(struct snapshot_trigger *trigger, const struct recording *recording,
			uint64_t n, uint64_t bucket, double *value)
{
	bool is_time = false, is_sampled = false;
	uint64_t n_series = recording_moment(recording).n[TABLE_SERIES];
	for (uint32_t id = 1; id < n_series; id++) {
		const struct series_row *row = recording_series(recording, id);
		if (!(row->flags & SERIES_SAMPLES) || !is_metric(trigger, recording, id))
			continue;
		is_sampled = true;
		is_time = strcmp(recording_string_at(recording, row->unit), "ns") == 0;
	}
	for (; trigger->next_sample < n; trigger->next_sample++) {
		const struct sample_row *row = recording_sample(recording, trigger->next_sample);
		if (!is_metric(trigger, recording, row->series) ||
		    row->time_ns < recording->start_ns)
			continue;
		uint64_t of = (row->time_ns - recording->start_ns) / BUCKET_NS;
		if (of <= bucket && of + TRIGGER_BUCKETS > bucket)
			trigger->weights[of % TRIGGER_BUCKETS] += row->weight;
	}
	double sum = 0;
	for (int i = 0; i < TRIGGER_BUCKETS; i++)
		sum += (double)trigger->weights[i];
	*value = is_time ? sum * 1e-9 : sum;
	trigger->is_known = trigger->is_known || is_sampled;
	return is_sampled && bucket >= TRIGGER_BUCKETS;
}

static bool is_beyond(const struct snapshot_trigger *trigger, double value)
{
	return trigger->is_below ? value < trigger->limit : value > trigger->limit;
}

/* Each new reading is judged: a short peak counts. */
static bool passes(struct snapshot_trigger *trigger, double value)
{
	bool was_beyond = trigger->was_beyond;
	trigger->was_beyond = is_beyond(trigger, value);
	if (trigger->was_beyond && !was_beyond)
		trigger->value = value;
	return trigger->was_beyond && !was_beyond;
}

bool snapshot_trigger_check(struct snapshot_trigger *trigger, const struct recording *recording,
			    uint64_t at_ns)
{
	struct moment moment = recording_moment(recording);
	uint64_t since_ns = at_ns > recording->start_ns ? at_ns - recording->start_ns : 0;
	bool has_fired = false;
	double value;
	move_to(trigger, since_ns / BUCKET_NS);
	if (add_samples(trigger, recording, moment.n[TABLE_SAMPLES], since_ns / BUCKET_NS, &value))
		has_fired = passes(trigger, value);
	for (; trigger->next_reading < moment.n[TABLE_READINGS]; trigger->next_reading++) {
		const struct reading_row *row = recording_reading(recording, trigger->next_reading);
		if (row->origin == ORIGIN_UNAVAILABLE ||
		    !is_metric(trigger, recording, row->series))
			continue;
		trigger->is_known = true;
		has_fired = passes(trigger, row->value) || has_fired;
	}
	return has_fired;
}
