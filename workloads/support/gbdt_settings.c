/* One table, and what its rows mean to the booster. See gbdt_settings.h. */
#include "workloads/support/gbdt_settings.h"

#include "workloads/support/crew.h"

const struct parameter gbdt_parameters[] = {
	[GBDT_SET_ROWS] = { "rows", "training rows (S 20k, M 200k, L 2m: 1, 10, 100 MB of bins)",
			    PARAMETER_INTEGER, "200k", 100, 5e7, "20k|200k|2m" },
	[GBDT_SET_FEATURES] = { "features", "columns, six of which matter", PARAMETER_INTEGER, "28",
				6, 1000, NULL },
	[GBDT_SET_CLASSES] = { "classes", "of generated data for loss=softmax", PARAMETER_INTEGER,
			       "5", 2, 64, NULL },
	[GBDT_SET_LOST] = { "lost", "share of generated values that are missing", PARAMETER_REAL,
			    "0", 0, 0.9, NULL },
	[GBDT_SET_DATA] = { "data", "a CSV file to learn from instead", PARAMETER_TEXT, "", 0, 0,
			    NULL },
	[GBDT_SET_LABEL] = { "label", "its label's column, by name or number; else the last",
			     PARAMETER_TEXT, "", 0, 0, NULL },
	[GBDT_SET_VALIDATE] = { "validate", "a CSV file to measure on; else a fifth of the rows",
				PARAMETER_TEXT, "", 0, 0, NULL },
	[GBDT_SET_LOSS] = { "loss", "what is minimised", PARAMETER_CHOICE, "logistic", 0, 0,
			    GBDT_LOSS_CHOICES },
	[GBDT_SET_WEIGHT] = { "weight",
			      "of positive rows; 0 = sqrt(negatives / positives), at most 8",
			      PARAMETER_REAL, "1", 0, 1e6, NULL },
	[GBDT_SET_DELTA] = { "delta", "huber: distances beyond count once", PARAMETER_REAL, "1",
			     1e-6, 1e6, NULL },
	[GBDT_SET_ROUNDS] = { "rounds", "trees a class; with load=, passes", PARAMETER_INTEGER,
			      "2000", 1, 20000, NULL },
	[GBDT_SET_RATE] = { "rate", "learning rate", PARAMETER_REAL, "0.1", 0.0001, 0.3, NULL },
	[GBDT_SET_GROWTH] = { "growth", "by levels or the best leaf first", PARAMETER_CHOICE,
			      "depth", 0, 0, "depth|leaf" },
	[GBDT_SET_DEPTH] = { "depth", "of a tree", PARAMETER_INTEGER, "6", 1, 8, NULL },
	[GBDT_SET_LEAVES] = { "leaves", "of a tree at most; 0 = by the depth, or 31 by growth=leaf",
			      PARAMETER_INTEGER, "0", 0, 256, NULL },
	[GBDT_SET_BINS] = { "bins",
			    "a feature: 8 bytes each while summed (16 x 256: more than the L1)",
			    PARAMETER_INTEGER, "64", 2, 256, NULL },
	[GBDT_SET_EDGES] = { "edges", "of bins: rows alike, or half of them for the outer fifth",
			     PARAMETER_CHOICE, "even", 0, 0, "even|tails" },
	[GBDT_SET_MISSING] = { "missing", "values: a side learned at each split, or the median",
			       PARAMETER_CHOICE, "learn", 0, 0, "learn|median" },
	[GBDT_SET_LAMBDA] = { "lambda", "L2 penalty on leaves", PARAMETER_REAL, "1", 0, 1e6, NULL },
	[GBDT_SET_GAMMA] = { "gamma", "gain that a split must bring", PARAMETER_REAL, "0", 0, 1e6,
			     NULL },
	[GBDT_SET_CHILD] = { "child", "least sum of hessians in a leaf", PARAMETER_REAL, "1", 0,
			     1e6, NULL },
	[GBDT_SET_ENTROPY] = { "entropy", "information gain beside the loss's (a second histogram)",
			       PARAMETER_CHOICE, "off", 0, 0, GBDT_ENTROPY_CHOICES },
	[GBDT_SET_INFORMATION] = { "information", "weight of entropy=", PARAMETER_REAL, "0.1", 0,
				   1e3, NULL },
	[GBDT_SET_ROW_SHARE] = { "row_share", "of rows drawn for each tree", PARAMETER_REAL, "1",
				 0.01, 1, NULL },
	[GBDT_SET_COLUMN_SHARE] = { "column_share", "of features drawn for each tree",
				    PARAMETER_REAL, "1", 0.01, 1, NULL },
	[GBDT_SET_STOP] = { "stop",
			    "after so many rounds without a better PR-AUC, accuracy or loss; 0 = "
			    "never",
			    PARAMETER_INTEGER, "0", 0, 20000, NULL },
	[GBDT_SET_TUNE] = { "tune", "settings from the data, as PKBoost does", PARAMETER_CHOICE,
			    "off", 0, 0, "off|paper" },
	[GBDT_SET_ORDER] = { "order", "of rows: sorted by feature 0, neighbours hit the same bin",
			     PARAMETER_CHOICE, "shuffled", 0, 0, "shuffled|sorted" },
	[GBDT_SET_TOGETHER] = { "together", "features a pass over the rows; 1 = by columns",
				PARAMETER_CHOICE, "16", 0, 0, "16|4|1" },
	[GBDT_SET_HISTOGRAM] = { "histogram", "how a bin is updated; auto = timed at the start",
				 PARAMETER_CHOICE, "auto", 0, 0, GBDT_METHOD_CHOICES },
	[GBDT_SET_SIMD] = { "simd", "of all other loops", PARAMETER_CHOICE, "auto", 0, 0,
			    GBDT_SIMD_CHOICES },
	[GBDT_SET_PARTITION] = { "partition", "of rows: arithmetic or a branch nobody can predict",
				 PARAMETER_CHOICE, "branchless", 0, 0, "branchless|branchy" },
	[GBDT_SET_WALK] = { "walk", "down a tree: arithmetic or branches", PARAMETER_CHOICE,
			    "branchless", 0, 0, "branchless|branchy" },
	[GBDT_SET_MEMORY] = { "memory", "of histograms: kept, or taken and freed each node",
			      PARAMETER_CHOICE, "pool", 0, 0, "pool|malloc" },
	[GBDT_SET_POOL] = CREW_WAITS_PARAMETER,
	[GBDT_SET_THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[GBDT_SET_SAVE] = { "save", "the model to this file at the end", PARAMETER_TEXT, "", 0, 0,
			    NULL },
	[GBDT_SET_LOAD] = { "load", "a model and only predict", PARAMETER_TEXT, "", 0, 0, NULL },
	[GBDT_SET_PREDICTIONS] = { "predictions", "of the rows measured on, to this file",
				   PARAMETER_TEXT, "", 0, 0, NULL },
	[GBDT_SET_SEED] = { "seed", "of data and samples", PARAMETER_INTEGER, "42", 0, 1e15, NULL },
	{ 0 },
};

bool gbdt_settings_generate(const struct setting *settings)
{
	return settings[GBDT_SET_DATA].text[0] == '\0';
}

struct gbdt_loss gbdt_settings_loss(const struct setting *settings)
{
	struct gbdt_loss loss = { .kind = (enum gbdt_loss_kind)settings[GBDT_SET_LOSS].choice,
				  .positive_weight = 1,
				  .delta = (float)settings[GBDT_SET_DELTA].number,
				  .n_classes = 1 };
	if (loss.kind == GBDT_LOSS_SOFTMAX)
		loss.n_classes = gbdt_settings_generate(settings)
					 ? (unsigned)settings[GBDT_SET_CLASSES].number
					 : 0;
	return loss;
}

struct gbdt_booster_settings gbdt_settings_booster(const struct setting *settings,
						   const struct gbdt_loss *loss)
{
	static const unsigned together[] = { 16, 4, 1 };
	struct gbdt_booster_settings booster = {
		.loss = *loss,
		.cuts = { .n_bins = (unsigned)settings[GBDT_SET_BINS].number,
			  .edges = (enum gbdt_edges)settings[GBDT_SET_EDGES].choice,
			  .missing = (enum gbdt_missing)settings[GBDT_SET_MISSING].choice },
		.together = together[settings[GBDT_SET_TOGETHER].choice],
		.walk = (enum gbdt_walk)settings[GBDT_SET_WALK].choice,
		.check_every = GBDT_CHECK_EVERY,
		.patience = (unsigned)settings[GBDT_SET_STOP].number,
	};
	booster.grow = (struct gbdt_grow_settings){
		.split = { .lambda = settings[GBDT_SET_LAMBDA].number,
			   .gamma = settings[GBDT_SET_GAMMA].number,
			   .least_hessian = settings[GBDT_SET_CHILD].number,
			   .entropy = (enum gbdt_entropy)settings[GBDT_SET_ENTROPY].choice,
			   .information_weight = settings[GBDT_SET_INFORMATION].number,
			   .simd = (enum gbdt_simd)settings[GBDT_SET_SIMD].choice },
		.depth = (unsigned)settings[GBDT_SET_DEPTH].number,
		.n_leaves = (unsigned)settings[GBDT_SET_LEAVES].number,
		.growth = (enum gbdt_growth)settings[GBDT_SET_GROWTH].choice,
		.learning_rate = settings[GBDT_SET_RATE].number,
		.row_share = settings[GBDT_SET_ROW_SHARE].number,
		.column_share = settings[GBDT_SET_COLUMN_SHARE].number,
		.method = (enum gbdt_method)settings[GBDT_SET_HISTOGRAM].choice,
		.memory = (enum gbdt_memory)settings[GBDT_SET_MEMORY].choice,
		.is_partition_branchy = settings[GBDT_SET_PARTITION].choice == 1,
		.seed = (uint64_t)settings[GBDT_SET_SEED].number,
	};
	return booster;
}
