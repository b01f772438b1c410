/*
 * The order: what to divide by (it decides whether the recordings can be compared at all), the
 * weights, the rows, then draws for the rows that are big enough to be worth them.
 */
#include "sampler/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/compare_common.h"
#include "sampler/compare_data.h"
#include "sampler/compare_statistics.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"

enum {
	LEAST_RECORDINGS = 3, /* fewer say nothing of how runs differ */
	MOST_SLICES = 96,     /* a side; 24 strata, 72 degrees of freedom */
	LEAST_SLICES = 8,     /* two strata; below it, time says nothing */
};

/* Rows of samples are of 20 ms: a shorter slice would hold parts of its neighbour. */
static const uint64_t LEAST_SLICE_NS = 20 * 1000 * 1000;
/* What is below half a percent of both sides is not judged: 5 % of it is nothing that can be felt,
 * and each row that is judged makes proof dearer for all others. */
static const double LEAST_JUDGED = 0.005;
/* Rows below this share get no interval: a table shows none of them. */
static const double LEAST_DRAWN = 0.0005;
/* Once in a hundred comparisons something may be called significant that is not. */
static const double FALSE_ALARMS = 0.01;

static const char *const work_names[] = { "work.flops", "work.bytes", "work.items" };
static const char *const work_units[] = { "FLOP", "byte", "item" };

/* One recording, looked at. */
struct subject {
	const struct recording *recording;
	uint32_t series;
	uint64_t from_ns, to_ns;
	double work[3]; /* 0 = not reported */
};

struct building {
	const struct compare_request *request;
	struct compare *out;
	struct subject *subjects[N_COMPARED];
	size_t n[N_COMPARED];
	int work; /* which of work_names */
	struct compare_draws draws[N_COMPARED];
	double *drawn[N_COMPARED], *changes;
	double critical, widening;
	struct compare_common common;
};

static const char side_letter[N_COMPARED] = { 'A', 'B' };

static bool is_event(const struct recording *recording, uint64_t id, const char *event)
{
	const struct series_row *row = recording_series(recording, id);
	const char *name = recording_string_at(recording, row->name);
	size_t n = strlen(event);
	return row->flags & SERIES_SAMPLES && strncmp(name, event, n) == 0 &&
	       (name[n] == '\0' || name[n] == ':');
}

static uint32_t find_series(const struct recording *recording, const char *event)
{
	static const struct export_options everything;
	uint64_t n = recording_moment(recording).n[TABLE_SERIES];
	if (!event)
		return export_series(recording, &everything);
	for (uint64_t id = 1; id < n; id++)
		if (is_event(recording, id, event))
			return (uint32_t)id;
	return 0;
}

/* The last reading of each series is what was done; ranks of a merged recording have their own. */
static double sum_work(const struct recording *recording, const char *name)
{
	struct moment moment = recording_moment(recording);
	double *last = allocate(moment.n[TABLE_SERIES], sizeof *last), sum = 0;
	for (uint64_t id = 1; id < moment.n[TABLE_READINGS]; id++) {
		const struct reading_row *row = recording_reading(recording, id);
		if (row->origin != ORIGIN_UNAVAILABLE && isfinite(row->value))
			last[row->series] = row->value;
	}
	for (uint64_t id = 1; id < moment.n[TABLE_SERIES]; id++) {
		const struct series_row *series = recording_series(recording, id);
		if (series->flags & SERIES_WORK &&
		    strcmp(recording_string_at(recording, series->name), name) == 0)
			sum += last[id];
	}
	free(last);
	return sum;
}

static bool look_at(struct subject *subject, const struct recording *recording, const char *event,
		    char letter, struct why *why)
{
	char clean[64];
	*subject = (struct subject){ .recording = recording,
				     .series = find_series(recording, event),
				     .from_ns = UINT64_MAX };
	uint64_t n = recording_moment(recording).n[TABLE_SAMPLES];
	for (uint64_t id = 1; id < n; id++) {
		const struct sample_row *sample = recording_sample(recording, id);
		if (sample->series != subject->series || sample->weight == 0)
			continue;
		if (sample->time_ns < subject->from_ns)
			subject->from_ns = sample->time_ns;
		if (sample->time_ns > subject->to_ns)
			subject->to_ns = sample->time_ns;
	}
	for (int i = 0; i < 3; i++)
		subject->work[i] = sum_work(recording, work_names[i]);
	if (subject->from_ns != UINT64_MAX)
		return true;
	return why_fail(why, "%c has no samples%s%s: there is nothing to compare.", letter,
			event ? " of " : "", event ? text_clean(clean, sizeof clean, event) : "");
}

static const struct series_row *series_of(const struct building *building, int side)
{
	const struct subject *subject = &building->subjects[side][0];
	return recording_series(subject->recording, subject->series);
}

static const char *unit_of(const struct building *building, int side)
{
	return recording_string_at(building->subjects[side][0].recording,
				   series_of(building, side)->unit);
}

/* The first kind of work that every recording has. */
static bool find_work(struct building *building)
{
	for (building->work = 0; building->work < 3; building->work++) {
		bool has_all = true;
		for (int side = 0; side < N_COMPARED; side++)
			for (size_t i = 0; i < building->n[side]; i++)
				has_all = has_all &&
					  building->subjects[side][i].work[building->work] > 0;
		if (has_all)
			return true;
	}
	return false;
}

static bool have_times(const struct building *building)
{
	for (int side = 0; side < N_COMPARED; side++)
		for (size_t i = 0; i < building->n[side]; i++)
			if (building->subjects[side][i].to_ns ==
			    building->subjects[side][i].from_ns)
				return false;
	return true;
}

static enum compare_per choose_per(struct building *building, bool has_one_unit)
{
	if (!has_one_unit)
		return COMPARE_PER_TOTAL;
	if (find_work(building))
		return COMPARE_PER_WORK;
	return building->n[COMPARE_A] >= LEAST_RECORDINGS &&
			       building->n[COMPARE_B] >= LEAST_RECORDINGS
		       ? COMPARE_PER_RUN
		       : COMPARE_PER_TOTAL;
}

static bool settle_per(struct building *building, struct why *why)
{
	const char *a = unit_of(building, COMPARE_A), *b = unit_of(building, COMPARE_B);
	bool has_one_unit = strcmp(a, b) == 0;
	struct compare *out = building->out;
	out->per = building->request->per;
	if (out->per == COMPARE_PER_AUTO)
		out->per = choose_per(building, has_one_unit);
	if (out->per != COMPARE_PER_TOTAL && !has_one_unit)
		return why_fail(why, "A counts %s and B %s: they compare per total only.",
				a[0] ? a : "samples", b[0] ? b : "samples");
	if (out->per == COMPARE_PER_WORK && !find_work(building))
		return why_fail(why, "Not all recordings hold exact work of one kind; programs "
				     "report it by probe.h.");
	if (out->per == COMPARE_PER_DURATION && !have_times(building))
		return why_fail(why, "Not all recordings hold times, so there is no duration to "
				     "compare by.");
	const char *unit = a[0] ? a : "samples";
	bool is_time = strcmp(unit, "ns") == 0;
	if (out->per == COMPARE_PER_TOTAL)
		snprintf(out->unit, sizeof out->unit, "ratio");
	else if (out->per == COMPARE_PER_WORK)
		snprintf(out->unit, sizeof out->unit, "%s/%s", unit, work_units[building->work]);
	else if (out->per == COMPARE_PER_DURATION)
		snprintf(out->unit, sizeof out->unit, is_time ? "CPUs" : "%s/s", unit);
	else
		snprintf(out->unit, sizeof out->unit, "%s", unit);
	return true;
}

/* How many slices a recording is cut into; a multiple of a stratum, so that none spans two. */
static size_t count_slices(const struct subject *subject, size_t n_recordings)
{
	uint64_t n = (subject->to_ns - subject->from_ns) / LEAST_SLICE_NS;
	size_t most = MOST_SLICES / n_recordings;
	most = most > LEAST_SLICES ? most : LEAST_SLICES;
	n = n < most ? n : most;
	return n < COMPARE_STRATUM ? 1 : (size_t)n / COMPARE_STRATUM * COMPARE_STRATUM;
}

/* What all of a recording's weight is divided by; 0 = by the weight itself. */
static double whole_per(const struct building *building, const struct subject *subject)
{
	double duration_ns = (double)(subject->to_ns - subject->from_ns);
	switch (building->out->per) {
	case COMPARE_PER_RUN:
		return 1;
	case COMPARE_PER_DURATION:
		return strcmp(building->out->unit, "CPUs") == 0 ? duration_ns : duration_ns * 1e-9;
	case COMPARE_PER_WORK:
		return subject->work[building->work];
	default:
		return 0;
	}
}

static void fill_half(struct building *building, int side)
{
	struct compare_half *half = &building->out->data->halves[side];
	size_t n = building->n[side], n_units = 0;
	bool draws_recordings = building->out->draws_recordings;
	for (size_t i = 0; i < n; i++)
		n_units += draws_recordings ? 1 : count_slices(&building->subjects[side][i], n);
	compare_data_units(half, n_units, draws_recordings ? n : COMPARE_STRATUM);
	for (size_t i = 0, first = 0; i < n; i++) {
		const struct subject *subject = &building->subjects[side][i];
		struct compare_input input = {
			.recording = subject->recording,
			.by = building->request->by,
			.series = subject->series,
			.first_unit = first,
			.n_units = draws_recordings ? 1 : count_slices(subject, n),
			.from_ns = subject->from_ns,
		};
		input.slice_ns = (subject->to_ns - subject->from_ns) / input.n_units + 1;
		compare_data_add(building->out->data, half, &input);
		for (size_t unit = first; unit < first + input.n_units; unit++)
			half->per[unit] =
				building->out->per == COMPARE_PER_TOTAL
					? half->whole[unit]
					: whole_per(building, subject) / (double)input.n_units;
		first += input.n_units;
	}
}

/* The costs, before anything is drawn. */
static void measure(const struct compare *compare, struct compare_row *row)
{
	for (int side = 0; side < N_COMPARED; side++) {
		const struct compare_half *half = &compare->data->halves[side];
		double weight = 0, per = 0;
		for (size_t unit = 0; unit < half->n_units; unit++) {
			per += half->per[unit];
			weight += row->key ? 0 : half->whole[unit];
		}
		row->n_samples[side] = row->key ? 0 : half->n_samples;
		for (size_t i = half->first[row->key]; row->key && i < half->first[row->key + 1];
		     i++) {
			weight += half->cells[i].weight;
			row->n_samples[side] += half->cells[i].n_samples;
		}
		row->weight[side] = weight < 0x1p63 ? (uint64_t)weight : UINT64_MAX / 2;
		row->cost[side] = per > 0 ? weight / per : 0;
	}
	double a = row->cost[COMPARE_A], b = row->cost[COMPARE_B];
	row->flags = (a > 0 ? 0 : COMPARE_NEW) | (b > 0 ? 0 : COMPARE_GONE);
	row->change = a > 0 ? b / a - 1 : NAN;
	row->low = row->high = NAN;
	row->beyond = row->beyond_low = row->beyond_high = NAN;
}

static double share(const struct compare *compare, const struct compare_row *row)
{
	double most = 0;
	for (int side = 0; side < N_COMPARED; side++)
		if (compare->whole.cost[side] > 0)
			most = fmax(most, row->cost[side] / compare->whole.cost[side]);
	return most;
}

static int by_difference(const void *a, const void *b)
{
	const struct compare_row *left = a, *right = b;
	double one = fabs(left->cost[COMPARE_B] - left->cost[COMPARE_A]);
	double other = fabs(right->cost[COMPARE_B] - right->cost[COMPARE_A]);
	if (one != other)
		return one > other ? -1 : 1;
	return left->key < right->key ? -1 : left->key > right->key;
}

static void add_rows(struct compare *compare)
{
	measure(compare, &compare->whole);
	compare->rows = allocate(compare->data->n_keys, sizeof *compare->rows);
	for (uint32_t key = 1; key < compare->data->n_keys; key++) {
		struct compare_row *row = &compare->rows[compare->n_rows];
		row->key = key;
		measure(compare, row);
		if (row->n_samples[COMPARE_A] + row->n_samples[COMPARE_B] == 0)
			continue; /* only a caller */
		if (share(compare, row) >= LEAST_JUDGED) {
			row->flags |= COMPARE_JUDGED;
			compare->n_judged++;
		}
		compare->n_rows++;
	}
	qsort(compare->rows, compare->n_rows, sizeof *compare->rows, by_difference);
	if (compare->per != COMPARE_PER_TOTAL) {
		compare->whole.flags |= COMPARE_JUDGED;
		compare->n_judged++;
	}
}

static bool is_regression(const struct compare *compare, const struct compare_row *row)
{
	if (!(row->flags & COMPARE_SIGNIFICANT) || !isfinite(compare->limit_ratio))
		return false;
	if (row->flags & COMPARE_NEW) /* nothing to compare it with but all of A */
		return row->cost[COMPARE_B] > compare->limit_ratio * compare->whole.cost[COMPARE_A];
	return row->change > compare->limit_ratio;
}

/* Draws of few units lie too near each other, by Student's quantile over the normal one. */
static void set_interval(struct building *building, struct compare_row *row)
{
	const double *a = building->drawn[COMPARE_A], *b = building->drawn[COMPARE_B];
	size_t n = 0;
	for (size_t r = 0; r < COMPARE_DRAWS; r++)
		if (a[r] > 0)
			building->changes[n++] = b[r] / a[r] - 1;
	/* A row that some draws miss altogether has no upper end. */
	if (n < COMPARE_DRAWS)
		return;
	compare_interval(building->changes, row->change, building->widening, &row->low, &row->high);
	row->low = fmax(-1, row->low);
}

/* Shares are of the whole already, and slices of one recording do not tell two machines' speeds. */
static bool has_common(const struct compare *compare)
{
	return compare->draws_recordings && compare->per != COMPARE_PER_TOTAL;
}

static void judge(struct building *building, struct compare_row *row)
{
	struct compare *compare = building->out;
	double variance = 0;
	for (int side = 0; side < N_COMPARED; side++) {
		compare_draw(&building->draws[side], &compare->data->halves[side], row->key,
			     building->drawn[side]);
		double deviation = compare_deviation(building->drawn[side], COMPARE_DRAWS);
		variance += deviation * deviation;
	}
	set_interval(building, row);
	double difference = row->cost[COMPARE_B] - row->cost[COMPARE_A];
	if (row->flags & COMPARE_JUDGED && fabs(difference) > building->critical * sqrt(variance))
		row->flags |= COMPARE_SIGNIFICANT;
	if (is_regression(compare, row)) {
		row->flags |= COMPARE_REGRESSION;
		compare->n_regressions++;
	}
	if (row->key && row->flags & COMPARE_JUDGED && has_common(compare))
		compare_common_add(&building->common, row, building->drawn[COMPARE_A],
				   building->drawn[COMPARE_B]);
}

static double degrees_of_freedom(const struct compare *compare)
{
	double degrees = 0;
	for (int side = 0; side < N_COMPARED; side++) {
		const struct compare_half *half = &compare->data->halves[side];
		double n = (double)half->n_units;
		degrees += n - ceil(n / (double)half->stratum);
	}
	return degrees;
}

static void judge_rows(struct building *building)
{
	static const uint64_t seeds[N_COMPARED] = { 1, 2 };
	struct compare *compare = building->out;
	bool draws_samples = !compare->draws_recordings;
	for (int side = 0; side < N_COMPARED; side++)
		draws_samples = draws_samples && compare->data->halves[side].n_units < LEAST_SLICES;
	for (int side = 0; side < N_COMPARED; side++) {
		const struct compare_half *half = &compare->data->halves[side];
		bool is_short = !compare->draws_recordings && half->n_units < LEAST_SLICES;
		compare_draws_open(&building->draws[side], half, is_short, seeds[side]);
		compare->n_units[side] = is_short ? 0 : half->n_units;
		building->drawn[side] = allocate(COMPARE_DRAWS, sizeof(double));
	}
	building->changes = allocate(COMPARE_DRAWS, sizeof(double));
	/* Counts of samples are as good as their normal limit. */
	double degrees = draws_samples ? 1e6 : degrees_of_freedom(compare);
	double n_tests = (double)(compare->n_judged + 1) * (has_common(compare) ? 2 : 1);
	building->critical = compare_critical(FALSE_ALARMS / 2 / n_tests, degrees);
	building->widening = compare_critical(0.025, degrees) / compare_critical(0.025, 1e6);
	if (compare->per != COMPARE_PER_TOTAL)
		judge(building, &compare->whole);
	for (size_t i = 0; i < compare->n_rows; i++)
		if (share(compare, &compare->rows[i]) >= LEAST_DRAWN)
			judge(building, &compare->rows[i]);
	compare_common_judge(&building->common, compare, building->critical, building->widening);
}

static void free_building(struct building *building)
{
	for (int side = 0; side < N_COMPARED; side++) {
		free(building->subjects[side]);
		free(building->drawn[side]);
		compare_draws_close(&building->draws[side]);
	}
	free(building->changes);
	compare_common_free(&building->common);
}

static bool look_at_all(struct building *building, const struct compare_side *sides,
			struct why *why)
{
	for (int side = 0; side < N_COMPARED; side++) {
		building->n[side] = sides[side].n;
		building->subjects[side] =
			allocate(sides[side].n, sizeof *building->subjects[side]);
		for (size_t i = 0; i < sides[side].n; i++)
			if (!look_at(&building->subjects[side][i], sides[side].recordings[i],
				     building->request->event, side_letter[side], why))
				return false;
		const struct series_row *series = series_of(building, side);
		building->out->event[side] =
			recording_string_at(sides[side].recordings[0], series->name);
		building->out->origin[side] = series->origin;
	}
	return true;
}

struct compare *compare_open(const struct compare_request *request,
			     const struct compare_side sides[N_COMPARED], struct why *why)
{
	struct compare *compare = allocate(1, sizeof *compare);
	struct building building = { .request = request, .out = compare };
	compare->limit_ratio = request->limit_ratio;
	compare->common = NAN;
	compare->data = compare_data_new();
	if (!look_at_all(&building, sides, why) || !settle_per(&building, why)) {
		free_building(&building);
		compare_close(compare);
		return NULL;
	}
	compare->draws_recordings = building.n[COMPARE_A] >= LEAST_RECORDINGS &&
				    building.n[COMPARE_B] >= LEAST_RECORDINGS;
	for (int side = 0; side < N_COMPARED; side++)
		fill_half(&building, side);
	compare->has_values = series_of(&building, COMPARE_A)->flags &
			      series_of(&building, COMPARE_B)->flags & SERIES_VALUES;
	compare_data_sort(compare->data);
	add_rows(compare);
	judge_rows(&building);
	free_building(&building);
	return compare;
}

void compare_close(struct compare *compare)
{
	if (!compare)
		return;
	compare_data_free(compare->data);
	free(compare->rows);
	free(compare);
}

static const struct compare_key *key_at(const struct compare *compare, uint32_t key)
{
	return table_row(&compare->data->keys, key);
}

const char *compare_name(const struct compare *compare, uint32_t key)
{
	return key ? table_row(&compare->data->strings, key_at(compare, key)->name) : "all";
}

uint32_t compare_parent(const struct compare *compare, uint32_t key)
{
	return key_at(compare, key)->parent;
}

const char *compare_per_name(enum compare_per per)
{
	static const char *const names[] = { "auto", "total", "run", "duration", "work" };
	return names[per];
}
