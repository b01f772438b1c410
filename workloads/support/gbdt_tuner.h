/*
 * gbdt_tuner: settings from the data alone, as PKBoost chooses them: by rows, features and how rare
 * positives are. Source: PKBoost, the version its headline figures were made with (2025).
 */
#ifndef WORKLOADS_SUPPORT_GBDT_TUNER_H
#define WORKLOADS_SUPPORT_GBDT_TUNER_H

#include "workloads/support/gbdt_booster.h"

/* gbdt_tune: for a logistic loss; changes all that it knows about, and says how many rounds. */
unsigned gbdt_tune(struct gbdt_booster_settings *settings, const struct gbdt_data *data);

#endif
