/* The numbers are PKBoost's; no paper gives reasons for them. */
#include "workloads/support/gbdt_tuner.h"

#include <math.h>

/* How rare positives are: below 2 %, 10 %, 20 %, or not. */
enum rarity { EXTREME, HIGH, MODERATE, BALANCED };

static enum rarity rarity_of(double share)
{
	return share < 0.02 ? EXTREME : share < 0.1 ? HIGH : share < 0.2 ? MODERATE : BALANCED;
}

static double rate_of(size_t n, enum rarity rarity)
{
	static const double factors[] = { 0.85, 0.90, 0.95, 1 };
	return (n < 5000 ? 0.1 : n < 50000 ? 0.05 : 0.03) * factors[rarity];
}

static unsigned depth_of(size_t n_features, enum rarity rarity)
{
	int depth = (int)log((double)n_features) + 3;
	depth -= rarity == EXTREME ? 2 : rarity == HIGH ? 1 : 0;
	return depth < 1 ? 1 : depth > 8 ? 8 : (unsigned)depth;
}

unsigned gbdt_tune(struct gbdt_booster_settings *settings, const struct gbdt_data *data)
{
	struct gbdt_grow_settings *grow = &settings->grow;
	double n_positive = 0, n = (double)data->n_rows;
	for (size_t i = 0; i < data->n_rows; i++)
		n_positive += data->labels[i];
	enum rarity rarity = rarity_of(n_positive / n);
	settings->loss.positive_weight = gbdt_loss_weight(data->labels, data->n_rows);
	settings->starts_at_zero = true;
	settings->cuts.n_bins = 32;
	settings->cuts.edges = GBDT_EDGES_TAILS;
	settings->check_every = 10;
	settings->patience = (unsigned)(10 * log(n));
	grow->growth = GBDT_GROWTH_DEPTH;
	grow->n_leaves = 0;
	grow->depth = depth_of(data->n_features, rarity);
	grow->learning_rate = rate_of(data->n_rows, rarity);
	grow->row_share = 0.8;
	grow->column_share = data->n_features > 100 ? 0.6 : 0.8;
	grow->split.lambda = 0.1 * sqrt((double)data->n_features);
	grow->split.gamma = 0.1;
	grow->split.least_hessian = fmin(fmax(0.01 * n_positive, 1), 20);
	grow->split.entropy = GBDT_ENTROPY_PAPER;
	grow->split.information_weight = rarity <= HIGH ? 0.1 : 0.3;
	double n_trees = floor(log(n)) * 100 / grow->learning_rate;
	return (unsigned)fmin(fmax(n_trees, 200), 2000);
}
