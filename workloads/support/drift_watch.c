/* The state machine. See drift_watch.h; the numbers are PKBoost's. */
#include "workloads/support/drift_watch.h"

#include <math.h>
#include <string.h>

static const double WORSE = 0.10, RECOVERED = 0.05; /* of the quality when all was well */
static const double LEAST_ERROR = 0.2, MOST_WEIGHT = 5;

struct drift_watch_settings drift_watch_usual(double positive_share, size_t n_rows)
{
	static const double ratios[][2] = {
		{ 1.5, 2.0 }, { 1.8, 2.5 }, { 2.0, 3.0 }, { 2.5, 3.5 }
	};
	int rarity = positive_share < 0.02  ? 0
		     : positive_share < 0.1 ? 1
		     : positive_share < 0.2 ? 2
					    : 3;
	int size = n_rows < 50000 ? 0 : n_rows < 200000 ? 1 : 2;
	static const unsigned counts[][2] = { { 1, 2 }, { 2, 3 }, { 3, 5 } };
	static const size_t cooldowns[] = { 5000, 10000, 15000 };
	return (struct drift_watch_settings){ .alert_ratio = ratios[rarity][0],
					      .change_ratio = ratios[rarity][1],
					      .n_alert = counts[size][0],
					      .n_change = counts[size][1],
					      .cooldown_rows = cooldowns[size] };
}

size_t drift_buffer_rows(size_t n_rows)
{
	return n_rows < 50000 ? 10000 : n_rows < 200000 ? 15000 : 20000;
}

double drift_vulnerability(double probability, double label, double positive_weight)
{
	double error = fabs(label - probability), confidence = 2 * fabs(probability - 0.5);
	double weight = label > 0 ? fmin(positive_weight / 100, MOST_WEIGHT) : 1;
	return error > LEAST_ERROR ? fmin(confidence * error * weight, 1) : 0;
}

void drift_watch_start(struct drift_watch *watch, const struct drift_watch_settings *settings)
{
	memset(watch, 0, sizeof *watch);
	watch->settings = *settings;
	watch->rows_since_change = settings->cooldown_rows; /* there was none */
}

static double mean_of_recent(const struct drift_watch *watch)
{
	unsigned n = watch->n_recent < DRIFT_RECENT ? watch->n_recent : DRIFT_RECENT;
	double sum = 0;
	for (unsigned i = 0; i < n; i++)
		sum += watch->recent[i];
	return sum / n;
}

enum drift_state drift_watch_check(struct drift_watch *watch, double quality, double vulnerability,
				   size_t n_rows)
{
	const struct drift_watch_settings *settings = &watch->settings;
	if (!isnan(quality)) /* a batch without positives has none */
		watch->recent[watch->n_recent++ % DRIFT_RECENT] = quality;
	watch->rows_since_change += n_rows;
	double mean = mean_of_recent(watch), ratio = vulnerability / settings->vulnerability;
	bool is_worse = mean < settings->quality * (1 - WORSE);
	bool is_back = mean >= settings->quality * (1 - RECOVERED);
	watch->n_unwell = watch->state == DRIFT_ALERT && !is_back ? watch->n_unwell + 1 : 0;
	bool is_unfinished = (watch->is_mending && !is_back) || watch->n_unwell >= DRIFT_RECENT;
	bool is_worrying = is_worse || is_unfinished || ratio > settings->alert_ratio;
	bool is_bad = is_worse || is_unfinished || ratio > settings->change_ratio;
	bool is_well = is_back && !is_worrying;
	watch->n_worrying = is_worrying ? watch->n_worrying + 1 : 0;
	watch->n_bad = is_bad ? watch->n_bad + 1 : 0;
	if (is_well && watch->n_recent >= DRIFT_RECENT) /* one good batch may be luck */
		watch->is_mending = false;
	if (watch->state == DRIFT_NORMAL && watch->n_worrying >= settings->n_alert)
		watch->state = DRIFT_ALERT;
	else if (watch->state == DRIFT_ALERT && is_well)
		watch->state = DRIFT_NORMAL;
	if (watch->state == DRIFT_ALERT && watch->n_bad >= settings->n_change &&
	    watch->rows_since_change >= settings->cooldown_rows)
		watch->state = DRIFT_METAMORPHOSIS;
	return watch->state;
}

void drift_watch_changed(struct drift_watch *watch)
{
	watch->state = DRIFT_ALERT;
	watch->is_mending = true;
	watch->n_recent = watch->n_worrying = watch->n_bad = watch->n_unwell = 0;
	watch->rows_since_change = 0;
}
