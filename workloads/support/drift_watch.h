/*
 * drift_watch: does a model still fit what it sees? A state machine over batches: NORMAL, ALERT,
 * METAMORPHOSIS, by two signs: how sure the model is where it errs (vulnerability), and its PR-AUC.
 *
 * Follows PKBoost's "living booster" but for three things. Vulnerability is the mean over the
 * newest rows, not a moving mean of ten errors, which is mostly noise; its normal value is measured
 * in the same way as the later ones are; and an alarm that lasts, or a metamorphosis after which
 * the quality is not back, asks for another, where PKBoost rests as soon as less than the tenth
 * that raised the alarm is missing.
 */
#ifndef WORKLOADS_SUPPORT_DRIFT_WATCH_H
#define WORKLOADS_SUPPORT_DRIFT_WATCH_H

#include <stdbool.h>
#include <stddef.h>

enum drift_state { DRIFT_NORMAL, DRIFT_ALERT, DRIFT_METAMORPHOSIS };

enum { DRIFT_RECENT = 5 };

struct drift_watch_settings {
	double quality, vulnerability;    /* as they were when all was well */
	double alert_ratio, change_ratio; /* of vulnerability */
	unsigned n_alert, n_change;       /* checks in a row before a state is entered */
	size_t cooldown_rows;             /* between metamorphoses */
};

struct drift_watch {
	struct drift_watch_settings settings;
	enum drift_state state;
	double recent[DRIFT_RECENT];
	unsigned n_recent, n_worrying, n_bad;
	unsigned n_unwell; /* checks in a row in ALERT without the quality of before */
	size_t rows_since_change;
	bool is_mending; /* a metamorphosis has been, and no DRIFT_RECENT good batches since */
};

/* drift_watch_usual: PKBoost's ratios and counts by the share of positives and the rows learned
 * from. */
struct drift_watch_settings drift_watch_usual(double positive_share, size_t n_rows);

/* drift_buffer_rows: the newest rows that a metamorphosis learns from. */
size_t drift_buffer_rows(size_t n_rows);

/* drift_vulnerability: of one row: 2|p - 1/2| * |y - p| * weight, at most 1; 0 for errors up to
 * 0.2. weight is that of positives, negatives / positives / 100 but at most 5; 1 for negatives. */
double drift_vulnerability(double probability, double label, double positive_weight);

void drift_watch_start(struct drift_watch *watch, const struct drift_watch_settings *settings);

/* drift_watch_check: after a batch of n rows. METAMORPHOSIS asks for one now; then
 * drift_watch_changed tells that it is done. */
enum drift_state drift_watch_check(struct drift_watch *watch, double quality, double vulnerability,
				   size_t n_rows);

/* drift_watch_changed: what was seen of the old model counts no more; ALERT until it is well. */
void drift_watch_changed(struct drift_watch *watch);

#endif
