/* The generator and the changes. See drift_data.h. */
#include "workloads/support/drift_data.h"

#include <math.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/random.h"

/* Means of fraud in the first columns of the credit-card set; about 0 in the others. */
static const double means[DRIFT_FEATURES] = { -4.8, 3.6, -7.0, 4.5, -3.2, -1.4, -5.6, 0.6,  -2.6,
					      -5.7, 3.8, -6.3, -.1, -7.0, -.1,  -4.1, -6.7, -2.2 };
static const double FIRST_DEVIATION = 1.96, LAST_DEVIATION = 0.33, SPREAD_OF_POSITIVES = 1.6;

static double deviation_of(unsigned column)
{
	double at = (double)column / (DRIFT_FEATURES - 1);
	return FIRST_DEVIATION + (LAST_DEVIATION - FIRST_DEVIATION) * at;
}

/* Five degrees of freedom. Chi-squared of 5 = that of 4, which is -2 log of two uniform numbers,
 * and of 1. */
static double student(struct random *random)
{
	double normal = random_normal(random), other = random_normal(random);
	double chi = other * other - 2 * log((1 - random_unit(random)) * (1 - random_unit(random)));
	return normal / sqrt(chi / 5);
}

static double severity_of(double stealth_share, struct random *random)
{
	if (random_unit(random) < stealth_share)
		return 0.12 * random_unit(random);
	return 0.35 + 0.9 * random_unit(random);
}

void drift_data_make(struct gbdt_data *data, const struct drift_data_settings *settings)
{
	struct random random = { settings->seed };
	size_t n = settings->n_rows;
	*data = (struct gbdt_data){ .n_rows = n,
				    .n_features = DRIFT_FEATURES,
				    .features = allocate(n * DRIFT_FEATURES, sizeof(float)),
				    .labels = allocate(n, sizeof(float)) };
	for (size_t row = 0; row < n; row++) {
		bool is_positive = random_unit(&random) < settings->positive_share;
		double severity = is_positive ? severity_of(settings->stealth_share, &random) : 0;
		double spread = is_positive ? SPREAD_OF_POSITIVES : 1;
		data->labels[row] = is_positive;
		for (unsigned column = 0; column < DRIFT_FEATURES; column++)
			data->features[column * n + row] =
				(float)(severity * settings->signal * means[column] +
					spread * deviation_of(column) * student(&random));
	}
}

const char *drift_scenario_name(enum drift_scenario scenario)
{
	static const char *const names[] = {
		"mild shift",    "moderate shift", "severe shift", "extreme shift", "sign flip",
		"gradual shift", "sudden shift",   "noise",        "heavy noise",   "scaling",
		"rotation",      "outliers",       "combined",     "decay",         "sinusoid",
	};
	return names[scenario];
}

void drift_informative(unsigned columns[DRIFT_INFORMATIVE])
{
	bool is_taken[DRIFT_FEATURES] = { false };
	for (unsigned i = 0; i < DRIFT_INFORMATIVE; i++) {
		unsigned best = DRIFT_FEATURES;
		for (unsigned column = 0; column < DRIFT_FEATURES; column++)
			if (!is_taken[column] && (best == DRIFT_FEATURES ||
						  fabs(means[column]) / deviation_of(column) >
							  fabs(means[best]) / deviation_of(best)))
				best = column;
		is_taken[best] = true;
		columns[i] = best;
	}
}

void drift_flip_signs(struct gbdt_data *data, const unsigned columns[DRIFT_INFORMATIVE], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (size_t row = 0; row < data->n_rows; row++)
			data->features[columns[i] * data->n_rows + row] *= -1;
}

/* x times a factor, plus a shift and noise, in deviations of the column. `at` runs from 0 to 1
 * along the rows. */
static double shift_at(enum drift_scenario scenario, double at)
{
	static const double shifts[] = { 0.2, 0.5, 1, 2 };
	switch (scenario) {
	case DRIFT_RAMP:
		return at;
	case DRIFT_SUDDEN:
		return at >= 0.5 ? 1.5 : 0;
	case DRIFT_SINUSOID:
		return 0.5 * sin(4 * 3.141592653589793 * at);
	case DRIFT_COMBINED:
		return 0.7;
	default:
		return scenario <= DRIFT_SHIFT_EXTREME ? shifts[scenario] : 0;
	}
}

static double noise_of(enum drift_scenario scenario)
{
	static const double noises[] = { 0.05, 0.1, 0.2, 0.3 };
	if (scenario <= DRIFT_SHIFT_EXTREME)
		return noises[scenario];
	return scenario == DRIFT_NOISE         ? 0.5
	       : scenario == DRIFT_NOISE_HEAVY ? 1.5
	       : scenario == DRIFT_COMBINED    ? 0.3
					       : 0;
}

static double factor_at(enum drift_scenario scenario, unsigned i, double at)
{
	static const double factors[DRIFT_COLUMNS] = { 0.5, 1.5, 2, 0.3, 2.5, 1.8 };
	if (scenario == DRIFT_SCALING)
		return factors[i % DRIFT_COLUMNS];
	if (scenario == DRIFT_COMBINED)
		return i < 3 ? 1.5 : 1;
	return scenario == DRIFT_DECAY ? exp(-2 * at) : 1;
}

/* How many of the columns a scenario changes; noise changes all there are. */
static unsigned count_columns(enum drift_scenario scenario)
{
	switch (scenario) {
	case DRIFT_SIGN_FLIP:
		return 5;
	case DRIFT_DECAY:
		return 4;
	case DRIFT_SINUSOID:
		return 3;
	case DRIFT_NOISE:
	case DRIFT_NOISE_HEAVY:
		return DRIFT_FEATURES;
	default:
		return DRIFT_COLUMNS;
	}
}

static void change_column(struct gbdt_data *data, enum drift_scenario scenario, unsigned i,
			  unsigned column, struct random *random)
{
	float *values = data->features + column * data->n_rows;
	double deviation = deviation_of(column), noise = noise_of(scenario);
	for (size_t row = 0; row < data->n_rows; row++) {
		double at = (double)row / (double)data->n_rows, x = (double)values[row];
		if (scenario == DRIFT_SIGN_FLIP)
			x = 10 * deviation - x;
		x = x * factor_at(scenario, i, at) + shift_at(scenario, at) * deviation;
		if (noise > 0)
			x += noise * deviation * random_normal(random);
		values[row] = (float)x;
	}
}

/* 15 degrees, in pairs of the first ten columns. */
static void rotate(struct gbdt_data *data)
{
	const double angle = 15 * 3.141592653589793 / 180;
	for (unsigned column = 0; column + 1 < 10; column += 2) {
		float *a = data->features + column * data->n_rows, *b = a + data->n_rows;
		for (size_t row = 0; row < data->n_rows; row++) {
			double x = (double)a[row], y = (double)b[row];
			a[row] = (float)(x * cos(angle) - y * sin(angle));
			b[row] = (float)(x * sin(angle) + y * cos(angle));
		}
	}
}

/* In one row in ten the columns are anywhere within five deviations. */
static void throw_out(struct gbdt_data *data, const unsigned columns[DRIFT_INFORMATIVE],
		      struct random *random)
{
	for (size_t row = 0; row < data->n_rows; row++) {
		if (random_unit(random) >= 0.1)
			continue;
		for (unsigned i = 0; i < DRIFT_COLUMNS; i++)
			data->features[columns[i] * data->n_rows + row] =
				(float)(deviation_of(columns[i]) * (10 * random_unit(random) - 5));
	}
}

void drift_apply(struct gbdt_data *data, enum drift_scenario scenario,
		 const unsigned columns[DRIFT_INFORMATIVE], uint64_t seed)
{
	struct random random = { seed };
	unsigned n = count_columns(scenario);
	if (scenario == DRIFT_ROTATION)
		rotate(data);
	else if (scenario == DRIFT_OUTLIERS)
		throw_out(data, columns, &random);
	else
		for (unsigned i = 0; i < n; i++)
			change_column(data, scenario, i, n > DRIFT_COLUMNS ? i : columns[i],
				      &random);
}
