/* Which ratios the events at hand allow. See rates.h. */
#include "sampler/rates.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"

/* Two names of one event, the kernel's and perf's. */
static const char *const aliases[][2] = {
	{ "cpu-cycles", "cycles" },
	{ "branch-instructions", "branches" },
	{ "task-clock", "cpu-clock" },
};

struct known {
	const char *name, *unit, *numerator, *denominator;
	bool is_low_bad;
};

static const struct known known_rates[] = {
	{ "IPC", "", "instructions", "cycles", true },
	{ "cache misses", "ratio", "cache-misses", "cache-references", false },
	{ "L1 misses", "ratio", "L1-dcache-load-misses", "L1-dcache-loads", false },
	{ "LLC misses", "ratio", "LLC-load-misses", "LLC-loads", false },
	{ "TLB misses", "ratio", "dTLB-load-misses", "dTLB-loads", false },
	/* of the cache model */
	{ "L1 misses", "ratio", "L1-misses", "memory-accesses", false },
	{ "L2 misses", "ratio", "L2-misses", "L1-misses", false },
	{ "L3 misses", "ratio", "L3-misses", "L2-misses", false },
	{ "TLB misses", "ratio", "TLB-misses", "memory-accesses", false },
	{ "branch misses", "ratio", "branch-misses", "branches", false },
};

/* Lines that were fetched from memory, 64 bytes each on all but a few processors. */
static const char *const line_events[] = { "cache-misses", "LLC-load-misses" };
static const double LINE_BYTES = 64;

enum { MOST_SERIES = 64 };

/* A series of samples, by its event's name without modifiers: "cycles:u" is cycles. */
struct event {
	char name[64];
	uint32_t series;
	bool is_clock, is_used;
	bool is_together; /* read with the event that the tree shows */
};

struct events {
	struct event rows[TREE_MOST_SUMS];
	size_t n;
};

/* The cache model counts by call path, and the same accesses once more by array: a ratio is of one
 * or the other. */
static const char by_array[] = "-by-array";

static bool is_by_array(const char *name)
{
	size_t n = strlen(name), end = sizeof by_array - 1;
	return n > end && strcmp(name + n - end, by_array) == 0;
}

static void base_name(const char *name, char *out, size_t bytes)
{
	snprintf(out, bytes, "%s", name);
	char *colon = strrchr(out, ':');
	if (is_by_array(out))
		out[strlen(out) - (sizeof by_array - 1)] = '\0';
	if (colon && colon[1] && strspn(colon + 1, "ukhpS") == strlen(colon + 1))
		*colon = '\0';
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
		if (strcmp(out, aliases[i][0]) == 0)
			snprintf(out, bytes, "%s", aliases[i][1]);
}

static void collect(struct events *events, const struct recording *recording, uint32_t main_series)
{
	struct moment moment = recording_moment(recording);
	const struct series_row *main = recording_series(recording, main_series);
	bool is_of_arrays = is_by_array(recording_string_at(recording, main->name));
	events->n = 0;
	for (uint32_t id = 1; id < moment.n[TABLE_SERIES] && id < MOST_SERIES; id++) {
		const struct series_row *row = recording_series(recording, id);
		const char *name = recording_string_at(recording, row->name);
		if (!(row->flags & SERIES_SAMPLES) || row->origin == ORIGIN_UNAVAILABLE ||
		    is_by_array(name) != is_of_arrays || events->n == TREE_MOST_SUMS)
			continue;
		struct event *event = &events->rows[events->n++];
		*event = (struct event){ .series = id };
		event->is_together = series_group(main) && series_group(row) == series_group(main);
		base_name(name, event->name, sizeof event->name);
		event->is_clock = strcmp(recording_string_at(recording, row->unit), "ns") == 0;
	}
}

static struct event *find(struct events *events, const char *name)
{
	for (size_t i = 0; i < events->n; i++)
		if (events->rows[i].is_together && strcmp(events->rows[i].name, name) == 0)
			return &events->rows[i];
	return NULL;
}

static uint32_t place_of(const struct events *events, const struct event *event)
{
	return (uint32_t)(event - events->rows);
}

/* Groups that had the counters for a part of the time only. */
static bool was_shared(const struct recording *recording)
{
	return recording_fact_text(recording, "sampling.group_ran") != NULL;
}

static enum origin origin_of(const struct recording *recording, const struct event *a,
			     const struct event *b)
{
	uint32_t one = recording_series(recording, a->series)->origin;
	uint32_t other = recording_series(recording, b->series)->origin;
	enum origin worse = (enum origin)(one > other ? one : other); /* in order of certainty */
	return worse == ORIGIN_MEASURED && was_shared(recording) ? ORIGIN_SCALED : worse;
}

static struct rate *add(struct rates *rates, const struct recording *recording,
			const struct events *events, struct event *numerator,
			struct event *denominator)
{
	static struct rate none;
	struct rate *rate = rates->n < MOST_RATES ? &rates->rows[rates->n++] : &none;
	*rate = (struct rate){ .numerator = place_of(events, numerator),
			       .denominator = place_of(events, denominator),
			       .factor = 1,
			       .origin = origin_of(recording, numerator, denominator) };
	numerator->is_used = denominator->is_used = true;
	return rate;
}

static void add_known(struct rates *rates, const struct recording *recording, struct events *events)
{
	for (size_t i = 0; i < sizeof known_rates / sizeof known_rates[0]; i++) {
		const struct known *known = &known_rates[i];
		struct event *numerator = find(events, known->numerator);
		struct event *denominator = find(events, known->denominator);
		if (!numerator || !denominator)
			continue;
		struct rate *rate = add(rates, recording, events, numerator, denominator);
		snprintf(rate->name, sizeof rate->name, "%s", known->name);
		snprintf(rate->unit, sizeof rate->unit, "%s", known->unit);
		rate->is_low_bad = known->is_low_bad;
	}
}

static void add_per_instruction(struct rates *rates, const struct recording *recording,
				struct events *events)
{
	struct event *instructions = find(events, "instructions");
	for (size_t i = 0; instructions && i < events->n; i++) {
		struct event *event = &events->rows[i];
		bool is_base = !event->is_together || event == instructions || event->is_clock ||
			       strcmp(event->name, "cycles") == 0 ||
			       strcmp(event->name, "cache-references") == 0;
		if (is_base || !strstr(event->name, "miss"))
			continue;
		struct rate *rate = add(rates, recording, events, event, instructions);
		snprintf(rate->name, sizeof rate->name, "%.40s", event->name);
		snprintf(rate->unit, sizeof rate->unit, "/1000");
		rate->factor = 1000;
	}
}

static void add_bytes(struct rates *rates, const struct recording *recording, struct events *events,
		      struct event *clock)
{
	for (size_t i = 0; i < sizeof line_events / sizeof line_events[0]; i++) {
		struct event *event = find(events, line_events[i]);
		if (!event)
			continue;
		struct rate *rate = add(rates, recording, events, event, clock);
		snprintf(rate->name, sizeof rate->name, "bytes by misses");
		snprintf(rate->unit, sizeof rate->unit, "B/s");
		rate->factor = LINE_BYTES * 1e9; /* of a clock in ns */
		rate->origin = ORIGIN_MODELLED;
		return;
	}
}

/* What fits no ratio: how often, by time, or else by what was sampled on. */
static void add_others(struct rates *rates, const struct recording *recording,
		       struct events *events, struct event *clock, uint32_t main_series)
{
	struct event *base = clock;
	for (size_t i = 0; !base && i < events->n; i++)
		if (events->rows[i].series == main_series && events->rows[i].is_together)
			base = &events->rows[i];
	for (size_t i = 0; base && i < events->n; i++) {
		struct event *event = &events->rows[i];
		if (!event->is_together || event->is_used || event->is_clock || event == base)
			continue;
		struct rate *rate = add(rates, recording, events, event, base);
		if (clock) {
			snprintf(rate->name, sizeof rate->name, "%.40s", event->name);
			snprintf(rate->unit, sizeof rate->unit, "/s");
			rate->factor = 1e9;
		} else {
			snprintf(rate->name, sizeof rate->name, "%.20s of %.20s", event->name,
				 base->name);
			snprintf(rate->unit, sizeof rate->unit, "ratio");
		}
	}
}

void rates_find(struct rates *rates, const struct recording *recording, uint32_t main_series)
{
	struct events events;
	struct event *clock = NULL;
	rates->n = 0;
	collect(&events, recording, main_series);
	rates->n_sums = events.n;
	for (size_t i = 0; i < events.n; i++) {
		rates->sums[i] = (struct tree_sum){ .series = events.rows[i].series };
		if (events.rows[i].is_clock && events.rows[i].is_together && !clock)
			clock = &events.rows[i];
	}
	if (events.n < 2)
		return;
	add_known(rates, recording, &events);
	if (clock)
		add_bytes(rates, recording, &events, clock);
	add_per_instruction(rates, recording, &events);
	add_others(rates, recording, &events, clock, main_series);
}

uint32_t rates_next_event(const struct recording *recording, uint32_t series)
{
	uint32_t n = (uint32_t)recording_moment(recording).n[TABLE_SERIES];
	for (uint32_t i = 1; i < n; i++) {
		uint32_t id = 1 + (series + i - 1) % (n - 1);
		const struct series_row *row = recording_series(recording, id);
		if (row->flags & SERIES_SAMPLES && row->origin != ORIGIN_UNAVAILABLE)
			return id;
	}
	return series;
}

double rates_value(const struct rate *rate, const uint64_t *sums)
{
	if (!sums || sums[rate->denominator] == 0)
		return NAN;
	return rate->offset +
	       rate->factor * (double)sums[rate->numerator] / (double)sums[rate->denominator];
}

char *rates_text(char *out, size_t bytes, const struct rate *rate, double value)
{
	if (isnan(value))
		return text_value(out, bytes, value, "");
	if (strcmp(rate->unit, "/1000") == 0 || strcmp(rate->unit, "") == 0)
		snprintf(out, bytes, "%.2f", value);
	else
		text_value(out, bytes, value, rate->unit);
	return out;
}
