/*
 * gbdt_settings: the workload's parameters, and what they mean to the booster.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_SETTINGS_H
#define WORKLOADS_SUPPORT_GBDT_SETTINGS_H

#include <stdbool.h>

#include "workloads/support/gbdt_booster.h"
#include "workloads/workload.h"

/* Places in gbdt_parameters and in what was set by them. */
enum gbdt_setting {
	GBDT_SET_ROWS,
	GBDT_SET_FEATURES,
	GBDT_SET_CLASSES,
	GBDT_SET_LOST,
	GBDT_SET_DATA,
	GBDT_SET_LABEL,
	GBDT_SET_VALIDATE,
	GBDT_SET_LOSS,
	GBDT_SET_WEIGHT,
	GBDT_SET_DELTA,
	GBDT_SET_ROUNDS,
	GBDT_SET_RATE,
	GBDT_SET_GROWTH,
	GBDT_SET_DEPTH,
	GBDT_SET_LEAVES,
	GBDT_SET_BINS,
	GBDT_SET_EDGES,
	GBDT_SET_MISSING,
	GBDT_SET_LAMBDA,
	GBDT_SET_GAMMA,
	GBDT_SET_CHILD,
	GBDT_SET_ENTROPY,
	GBDT_SET_INFORMATION,
	GBDT_SET_ROW_SHARE,
	GBDT_SET_COLUMN_SHARE,
	GBDT_SET_STOP,
	GBDT_SET_TUNE,
	GBDT_SET_ORDER,
	GBDT_SET_TOGETHER,
	GBDT_SET_HISTOGRAM,
	GBDT_SET_SIMD,
	GBDT_SET_PARTITION,
	GBDT_SET_WALK,
	GBDT_SET_MEMORY,
	GBDT_SET_POOL,
	GBDT_SET_THREADS,
	GBDT_SET_SAVE,
	GBDT_SET_LOAD,
	GBDT_SET_PREDICTIONS,
	GBDT_SET_SEED
};

/* Sorting the validation scores costs a tenth of a tree, so not after each one. */
enum { GBDT_CHECK_EVERY = 5 };

extern const struct parameter gbdt_parameters[];

/* gbdt_settings_generate: is the data to be made, not read? */
bool gbdt_settings_generate(const struct setting *settings);

/* gbdt_settings_loss: n_classes 0 = as many as the data has; positive_weight is not known yet. */
struct gbdt_loss gbdt_settings_loss(const struct setting *settings);

/* gbdt_settings_booster: all but what follows from the data and the machine: n_leaves may be 0, not
 * set, and simd AUTO. */
struct gbdt_booster_settings gbdt_settings_booster(const struct setting *settings,
						   const struct gbdt_loss *loss);

#endif
