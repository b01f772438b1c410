/*
 * Training of 1 M x 28, depth 6, 256 bins, 100 rounds, binning included, in turns with xgboost's by
 * tests/bench/boosting.sh.
 *
 * Usage: bench_boosting                          our rates, with one thread and two
 *        bench_boosting write FOLDER ROWS        data for both: f32, row by row, label last
 *        bench_boosting train FOLDER THREADS     one training: seconds, those of CPU, AUC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/gbdt_booster.h"
#include "workloads/support/gbdt_metrics.h"

enum { FEATURES = 28, ROUNDS = 100, TEST_ROWS = 200000, TURNS = 3, NAME_BYTES = 4096 };

static double seconds_by(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static struct gbdt_data make(size_t n_rows, uint64_t seed)
{
	struct gbdt_data data;
	struct gbdt_data_settings settings = {
		.n_rows = n_rows, .n_features = FEATURES, .n_classes = 1, .seed = seed
	};
	gbdt_data_make(&data, &settings);
	return data;
}

static FILE *open_in(const char *folder, const char *name, const char *mode)
{
	char path[NAME_BYTES];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, mode);
	if (!file)
		die("cannot open %s", path);
	return file;
}

static void write_rows(const char *folder, const char *name, const struct gbdt_data *data)
{
	FILE *file = open_in(folder, name, "wb");
	float row[FEATURES + 1];
	for (size_t i = 0; i < data->n_rows; i++) {
		for (size_t f = 0; f < FEATURES; f++)
			row[f] = data->features[f * data->n_rows + i];
		row[FEATURES] = data->labels[i];
		if (fwrite(row, sizeof row, 1, file) != 1)
			die("cannot write %s", name);
	}
	fclose(file);
}

static struct gbdt_data read_rows(const char *folder, const char *name)
{
	FILE *file = open_in(folder, name, "rb");
	float row[FEATURES + 1];
	fseek(file, 0, SEEK_END);
	size_t n = (size_t)ftell(file) / sizeof row;
	rewind(file);
	struct gbdt_data data = { .n_rows = n,
				  .n_features = FEATURES,
				  .features = allocate(n * FEATURES, sizeof(float)),
				  .labels = allocate(n, sizeof(float)) };
	for (size_t i = 0; i < n && fread(row, sizeof row, 1, file) == 1; i++) {
		for (size_t f = 0; f < FEATURES; f++)
			data.features[f * n + i] = row[f];
		data.labels[i] = row[FEATURES];
	}
	fclose(file);
	return data;
}

static struct gbdt_booster_settings settings_of_bench(void)
{
	struct gbdt_booster_settings settings = {
		.loss = { GBDT_LOSS_LOGISTIC, 1, 1, 1 },
		.cuts = { 256, GBDT_EDGES_EVEN, GBDT_MISSING_LEARN },
		.grow = { .split = { .lambda = 1, .least_hessian = 1 },
			  .depth = 6,
			  .learning_rate = 0.1,
			  .row_share = 1,
			  .column_share = 1 },
		.together = GBDT_MOST_TOGETHER,
		.check_every = 2 * ROUNDS,
	};
	gbdt_simd_resolve(&settings.grow.split.simd);
	return settings;
}

/* From raw values to the last tree; the AUC is of other rows. */
struct result {
	double seconds, cpu_seconds, auc;
};

static struct result train(const struct gbdt_data *data, const struct gbdt_data *test,
			   unsigned n_threads)
{
	struct result result;
	struct gbdt_booster booster;
	struct gbdt_booster_settings settings = settings_of_bench();
	struct gbdt_data few = *test; /* nothing is measured while it trains */
	uint32_t first[] = { 0, 1 };
	struct crew *crew = crew_new(n_threads, "bench");
	gbdt_data_take(&few, test, first, 2);
	double start = seconds_by(CLOCK_MONOTONIC), cpu = seconds_by(CLOCK_PROCESS_CPUTIME_ID);
	gbdt_booster_start(&booster, &settings, crew, data, &few);
	for (int round = 0; round < ROUNDS; round++)
		gbdt_booster_round(&booster);
	result.seconds = seconds_by(CLOCK_MONOTONIC) - start;
	result.cpu_seconds = seconds_by(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	float *scores = allocate(test->n_rows, sizeof *scores);
	gbdt_model_predict_raw(&booster.model, crew, test->features, test->n_rows, scores);
	result.auc = gbdt_auc(scores, test->labels, test->n_rows);
	free(scores);
	gbdt_booster_free(&booster);
	gbdt_data_free(&few);
	crew_free(crew);
	return result;
}

static int alone(void)
{
	struct gbdt_data data = make(1000000, 1), test = make(TEST_ROWS, 2);
	printf("boosting: 1 M x %d, depth 6, 256 bins, %d rounds, best of %d\n", FEATURES, ROUNDS,
	       TURNS);
	for (unsigned n_threads = 1; n_threads <= 2; n_threads++) {
		struct result best = { .seconds = 1e9 };
		for (int turn = 0; turn < TURNS; turn++) {
			struct result result = train(&data, &test, n_threads);
			best = result.seconds < best.seconds ? result : best;
		}
		printf("  %u threads: %.2f s (%.2f of CPU), %.1f M samples*trees/s, AUC %.4f\n",
		       n_threads, best.seconds, best.cpu_seconds, ROUNDS / best.seconds, best.auc);
	}
	gbdt_data_free(&data);
	gbdt_data_free(&test);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "write") == 0) {
		struct gbdt_data data = make(strtoul(argv[3], NULL, 10), 1);
		struct gbdt_data test = make(TEST_ROWS, 2);
		write_rows(argv[2], "train.f32", &data);
		write_rows(argv[2], "test.f32", &test);
		gbdt_data_free(&data);
		gbdt_data_free(&test);
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "train") == 0) {
		struct gbdt_data data = read_rows(argv[2], "train.f32");
		struct gbdt_data test = read_rows(argv[2], "test.f32");
		struct result result = train(&data, &test, (unsigned)strtoul(argv[3], NULL, 10));
		printf("%.4f %.4f %.5f\n", result.seconds, result.cpu_seconds, result.auc);
		gbdt_data_free(&data);
		gbdt_data_free(&test);
		return 0;
	}
	return alone();
}
