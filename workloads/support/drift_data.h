/*
 * drift_data: transactions, few of them fraud, and ways in which the world changes under a model.
 *
 * Negatives are Student-t with five degrees of freedom in 30 columns whose scale falls from 1.96
 * to 0.33; positives lie at a severity of 0.35 to 1.25 times a mean, with 1.6 times the spread, but
 * for a stealthy share that lies below 0.12: nobody can find those, which bounds the PR-AUC. It
 * stands in for the credit-card set (284,807 x 30) that PKBoost reports on.
 */
#ifndef WORKLOADS_SUPPORT_DRIFT_DATA_H
#define WORKLOADS_SUPPORT_DRIFT_DATA_H

#include "workloads/support/gbdt_data.h"

enum { DRIFT_FEATURES = 30, DRIFT_COLUMNS = 6, DRIFT_INFORMATIVE = 18 };

struct drift_data_settings {
	size_t n_rows;
	double positive_share, stealth_share;
	double signal; /* the means times this; 1 = as in the credit-card set */
	uint64_t seed;
};

void drift_data_make(struct gbdt_data *data, const struct drift_data_settings *settings);

/* PKBoost's list of changes, in its order. */
enum drift_scenario {
	DRIFT_SHIFT_MILD,
	DRIFT_SHIFT_MODERATE,
	DRIFT_SHIFT_SEVERE,
	DRIFT_SHIFT_EXTREME,
	DRIFT_SIGN_FLIP,
	DRIFT_RAMP,
	DRIFT_SUDDEN,
	DRIFT_NOISE,
	DRIFT_NOISE_HEAVY,
	DRIFT_SCALING,
	DRIFT_ROTATION,
	DRIFT_OUTLIERS,
	DRIFT_COMBINED,
	DRIFT_DECAY,
	DRIFT_SINUSOID,
	DRIFT_SCENARIOS
};

const char *drift_scenario_name(enum drift_scenario scenario);

/* drift_informative: the columns in which positives differ most, the first first. */
void drift_informative(unsigned columns[DRIFT_INFORMATIVE]);

/* drift_apply: change the rows of data in these columns (some scenarios: in all). */
void drift_apply(struct gbdt_data *data, enum drift_scenario scenario,
		 const unsigned columns[DRIFT_INFORMATIVE], uint64_t seed);

/* drift_flip_signs: x becomes -x in the first n of the columns. */
void drift_flip_signs(struct gbdt_data *data, const unsigned columns[DRIFT_INFORMATIVE],
		      unsigned n);

#endif
