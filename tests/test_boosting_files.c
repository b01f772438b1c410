/* Boosting from tables and into files, and the workload as a whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fixture_boosting.h"
#include "tests/fixture_stride.h"
#include "workloads/support/csv.h"
#include "workloads/support/gbdt_input.h"
#include "workloads/support/gbdt_settings.h"
#include "workloads/support/random.h"
#include "workloads/support/runner.h"
#include "workloads/support/workload_settings.h"

/* ---- files */

static void models_come_back_from_files(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct trial trial;
		struct gbdt_booster_settings settings =
			trial_settings(kind ? GBDT_LOSS_SOFTMAX : GBDT_LOSS_LOGISTIC);
		struct gbdt_model model = { 0 };
		struct why why;
		char path[] = "/tmp/stoke-model-XXXXXX";
		float scores[6000];
		close(mkstemp(path));
		trial_start(&trial, &settings, 3000, 0.1, 2);
		for (int round = 0; round < 5; round++)
			gbdt_booster_round(&trial.booster);
		assert_true(gbdt_model_save(&trial.booster.model, path, &why));
		assert_true(gbdt_model_load(&model, path, &why));
		trial_same_models(&trial.booster.model, &model);
		gbdt_model_predict_raw(&model, trial.crew, trial.validation.features, 2000, scores);
		assert_memory_equal(scores, trial.booster.validation_scores,
				    2000 * settings.loss.n_classes * sizeof(float));
		gbdt_model_free(&model);
		unlink(path);
		trial_end(&trial);
	}
}

static void damaged_models_are_refused(void **state)
{
	struct trial trial;
	struct gbdt_booster_settings settings = trial_settings(GBDT_LOSS_LOGISTIC);
	struct gbdt_model model = { 0 };
	struct why why;
	char path[] = "/tmp/stoke-model-XXXXXX";
	unsigned char bytes[1 << 16];
	(void)state;
	close(mkstemp(path));
	trial_start(&trial, &settings, 1000, 0, 1);
	gbdt_booster_round(&trial.booster);
	assert_true(gbdt_model_save(&trial.booster.model, path, &why));
	FILE *file = fopen(path, "rb");
	size_t n = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	assert_true(gbdt_model_read(&model, bytes, n, "x", &why));
	gbdt_model_free(&model);
	for (size_t cut = 0; cut < n; cut += 7)
		assert_false(gbdt_model_read(&model, bytes, cut, "x", &why));
	bytes[n / 2] ^= 4;
	assert_false(gbdt_model_read(&model, bytes, n, "x", &why));
	assert_non_null(strstr(why.text, "check sum"));
	assert_int_equal(model.n_trees, 0);
	assert_false(gbdt_model_load(&model, "/nowhere/model", &why));
	assert_false(gbdt_model_save(&trial.booster.model, "/nowhere/model", &why));
	unlink(path);
	trial_end(&trial);
}

static bool parse(struct csv *csv, const char *text, struct why *why)
{
	return csv_parse(csv, text, strlen(text), "x.csv", why);
}

static void tables_are_read(void **state)
{
	struct csv csv;
	struct why why;
	(void)state;
	assert_true(parse(&csv, "a,\"b \"\"c\"\"\",d\r\n1,2.5,\r\n\r\n\"-3e2\", NA ,0\n", &why));
	assert_int_equal(csv.n_rows, 2);
	assert_int_equal(csv.n_columns, 3);
	assert_string_equal(csv.names[1], "b \"c\"");
	assert_float_equal(csv.values[0], 1, 0);
	assert_float_equal(csv.values[1], -300, 0);
	assert_float_equal(csv.values[2], 2.5, 0);
	assert_true(isnan(csv.values[3]) && isnan(csv.values[4]));
	assert_int_equal(csv.lines[0], 2);
	assert_int_equal(csv.lines[1], 4);
	assert_int_equal(csv_column(&csv, "d"), 2);
	assert_int_equal(csv_column(&csv, "1"), 0);
	assert_int_equal(csv_column(&csv, "0"), 3);
	assert_int_equal(csv_column(&csv, "e"), 3);
	csv_free(&csv);
	assert_true(parse(&csv,
			  "\xef\xbb\xbf"
			  "1\t\t3\n4\t5\t6",
			  &why)); /* no names */
	assert_int_equal(csv.n_rows, 2);
	assert_null(csv.names);
	assert_true(isnan(csv.values[2]));
	csv_free(&csv);
	assert_true(parse(&csv, "1;2\n3;4\n", &why));
	assert_int_equal(csv.n_columns, 2);
	csv_free(&csv);
	assert_true(parse(&csv, "  1  2 \n 3 4\n", &why));
	assert_int_equal(csv.n_columns, 2);
	assert_float_equal(csv.values[3], 4, 0);
	csv_free(&csv);
}

static void wrong_tables_say_where(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{ "a,b\n1,2\n3,four\n", "x.csv line 3, column 2 (b): \"four\" is no number" },
		{ "1,2\n3,0x10\n", "line 2, column 2: \"0x10\"" },
		{ "1,2\n3,inf\n", "line 2, column 2" },
		{ "1,2\n3,1e99\n", "line 2, column 2" },
		{ "1,2\n3,1.5.2\n", "line 2, column 2" },
		{ "1,2\n\n3\n", "line 3 ends after column 1; the first line has 2" },
		{ "1,2\n3,4,5\n", "line 2 has more fields than the first line's 2" },
		{ "1,2\n3,4,\n", "line 2 has more fields" },
		{ "1,\"2\n3,4\n", "line 1, column 2: the quote does not end" },
		{ "1,2\n3,\"4\"5\n",
		  "line 2, column 2: the field goes on behind its closing quote" },
		{ "\"a\"b,c\n3,4\n", "line 1, column 1: the field goes on" },
		{ "a,\033[31mb\n1,x\n", "line 2, column 2 (?[31mb)" },
		{ "a,b\n1,\"2\n", "line 2, column 2: the quote does not end" },
		{ "a,b\n", "has no rows" },
		{ "\n\n", "is empty" },
		{ "", "is empty" },
	};
	struct csv csv;
	struct why why;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_false(parse(&csv, cases[i].text, &why));
		if (!strstr(why.text, cases[i].said))
			fail_msg("%s: not \"%s\"", why.text, cases[i].said);
		assert_null(csv.values);
	}
	assert_false(csv_parse(&csv, "a,b\n1,2\n3,\0", 11, "x.csv", &why));
	assert_non_null(strstr(why.text, "x.csv line 3 has a zero byte"));
	assert_false(csv_read(&csv, "/dev/zero", &why)); /* which has no end */
	assert_non_null(strstr(why.text, "/dev/zero line 1 has a zero byte"));
	assert_false(csv_read(&csv, "/nowhere/x.csv", &why));
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
}

static void labels_are_checked_with_their_line(void **state)
{
	char path[] = "/tmp/stoke-table-XXXXXX";
	struct gbdt_data data;
	struct gbdt_loss loss = trial_loss(GBDT_LOSS_LOGISTIC);
	struct why why;
	(void)state;
	close(mkstemp(path));
	write_text(path, "a,y,b\n5,1,6\n7,0,8\n9,2,1\n");
	assert_false(gbdt_input_read(&data, path, "y", &loss, &why));
	assert_non_null(strstr(why.text, "line 4, column 2: 2 is no label"));
	assert_false(gbdt_input_read(&data, path, "z", &loss, &why));
	assert_non_null(strstr(why.text, "has no column z"));
	loss = trial_loss(GBDT_LOSS_SOFTMAX);
	loss.n_classes = 0;
	assert_true(gbdt_input_read(&data, path, "2", &loss, &why));
	assert_int_equal(loss.n_classes, 3);
	assert_int_equal(data.n_features, 2);
	assert_float_equal(data.features[0], 5, 0);
	assert_float_equal(data.features[5], 1, 0);
	assert_float_equal(data.labels[2], 2, 0);
	gbdt_data_free(&data);
	write_text(path, "a,y\n5,1\n7,\n");
	loss = trial_loss(GBDT_LOSS_SQUARED);
	assert_false(gbdt_input_read(&data, path, "", &loss, &why));
	assert_non_null(strstr(why.text, "line 3, column 2"));
	unlink(path);
}

static void rows_to_predict_may_have_labels_in_any_column(void **state)
{
	char path[] = "/tmp/stoke-table-XXXXXX";
	struct gbdt_data data;
	const struct gbdt_loss loss = trial_loss(GBDT_LOSS_LOGISTIC);
	struct why why;
	(void)state;
	close(mkstemp(path));
	write_text(path, "y,a,b\n1,5,6\n0,7,8\n");
	assert_true(gbdt_input_read_features(&data, path, "y", &loss, 2, &why));
	assert_int_equal(data.n_features, 2);
	assert_float_equal(data.features[1], 7, 0);
	assert_float_equal(data.labels[0], 1, 0);
	gbdt_data_free(&data);
	/* Another column than the model was trained without: no label, and not left out. */
	assert_false(gbdt_input_read_features(&data, path, "", &loss, 2, &why));
	assert_non_null(strstr(why.text, "line 2, column 3: 6 is no label here"));
	assert_true(gbdt_input_read_features(&data, path, "", &loss, 3, &why));
	assert_null(data.labels);
	gbdt_data_free(&data);
	assert_false(gbdt_input_read_features(&data, path, "y", &loss, 3, &why));
	assert_non_null(strstr(why.text, "3 columns with the label's, and the model was trained on "
					 "3 features"));
	assert_false(gbdt_input_read_features(&data, path, "z", &loss, 2, &why));
	assert_non_null(strstr(why.text, "has no column z"));
	assert_false(gbdt_input_read_features(&data, path, "", &loss, 5, &why));
	write_text(path, "a,b,y\n5,6,1\n7,8,\n"); /* the second row waits for its label */
	assert_true(gbdt_input_read_features(&data, path, "", &loss, 2, &why));
	assert_null(data.labels);
	gbdt_data_free(&data);
	unlink(path);
}

static void two_files_have_the_same_columns(void **state)
{
	char path[] = "/tmp/stoke-table-XXXXXX";
	struct gbdt_data data, other, nameless;
	struct gbdt_loss loss = trial_loss(GBDT_LOSS_SOFTMAX);
	struct why why;
	(void)state;
	close(mkstemp(path));
	loss.n_classes = 0;
	write_text(path, "a,b,y\n1,2,0\n3,4,1\n");
	assert_true(gbdt_input_read(&data, path, "y", &loss, &why));
	write_text(path, "b,y,a\n1,0,0\n3,1,1\n");
	assert_true(gbdt_input_read(&other, path, "y", &loss, &why));
	write_text(path, "1,2,0\n3,4,1\n");
	assert_true(gbdt_input_read(&nameless, path, "", &loss, &why));
	assert_true(gbdt_input_same(&data, &nameless, "x.csv", "z.csv", &why));
	assert_false(gbdt_input_same(&data, &other, "x.csv", "y.csv", &why));
	assert_non_null(strstr(why.text, "Feature 1 is \"a\" in x.csv and \"b\" in y.csv"));
	gbdt_data_free(&other);
	write_text(path, "a,b,y\n1,2,0\n3,4,2\n");
	assert_false(gbdt_input_read(&other, path, "y", &loss, &why));
	assert_non_null(strstr(why.text, "the rows that are learned from have classes 0 to 1"));
	write_text(path, "a,y\n1,0\n3,1\n");
	assert_true(gbdt_input_read(&other, path, "y", &loss, &why));
	assert_false(gbdt_input_same(&data, &other, "x.csv", "y.csv", &why));
	assert_non_null(strstr(why.text, "x.csv has 2 features, y.csv has 1"));
	gbdt_data_free(&data);
	gbdt_data_free(&other);
	gbdt_data_free(&nameless);
	unlink(path);
}

static void saving_keeps_links_pipes_and_rights(void **state)
{
	char folder[] = "/tmp/stoke-saved-XXXXXX", plain[64], link[64], pipe[64];
	struct gbdt_model model = { .loss = trial_loss(GBDT_LOSS_SQUARED), .n_features = 1 };
	struct gbdt_model back = { 0 };
	struct why why;
	struct stat status;
	char bytes[256];
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(plain, sizeof plain, "%s/plain", folder);
	snprintf(link, sizeof link, "%s/link", folder);
	snprintf(pipe, sizeof pipe, "%s/pipe", folder);
	write_text(plain, "old");
	assert_int_equal(chmod(plain, 0640), 0);
	assert_int_equal(symlink("plain", link), 0);
	assert_true(gbdt_model_save(&model, link, &why));
	assert_true(lstat(link, &status) == 0 && S_ISLNK(status.st_mode));
	assert_true(stat(plain, &status) == 0 && (status.st_mode & 0777) == 0640);
	assert_true(gbdt_model_load(&back, plain, &why));
	gbdt_model_free(&back);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	int fd = open(pipe, O_RDWR | O_NONBLOCK);
	assert_true(gbdt_model_save(&model, pipe, &why));
	assert_true(lstat(pipe, &status) == 0 && S_ISFIFO(status.st_mode));
	ssize_t n = read(fd, bytes, sizeof bytes);
	assert_true(n > 0 && gbdt_model_read(&back, bytes, (size_t)n, "x", &why));
	gbdt_model_free(&back);
	close(fd);
	assert_false(gbdt_model_save(&model, folder, &why)); /* nothing is left beside it */
	assert_false(gbdt_model_load(&back, folder, &why));
	assert_non_null(strstr(why.text, "Is a directory"));
	assert_false(gbdt_model_load(&back, "/dev/zero", &why)); /* which has no end */
	assert_non_null(strstr(why.text, "holds no boosted trees"));
	unlink(plain);
	unlink(link);
	unlink(pipe);
	assert_int_equal(rmdir(folder), 0);
}

/* ---- the workload */

static int run(const char *const *words, int n)
{
	fflush(NULL);
	return workload_main(n, (char **)words);
}

static void the_workload_learns_saves_and_predicts(void **state)
{
	char model[] = "/tmp/stoke-model-XXXXXX", out[] = "/tmp/stoke-out-XXXXXX";
	char table[] = "/tmp/stoke-table-XXXXXX", data[64], save[64], load[64], predictions[64];
	(void)state;
	close(mkstemp(model));
	close(mkstemp(out));
	close(mkstemp(table));
	snprintf(data, sizeof data, "data=%s", table);
	snprintf(save, sizeof save, "save=%s", model);
	snprintf(load, sizeof load, "load=%s", model);
	snprintf(predictions, sizeof predictions, "predictions=%s", out);
	FILE *file = fopen(table, "w");
	struct random random = { 3 };
	for (int i = 0; i < 500; i++) {
		double x = random_normal(&random), y = random_normal(&random);
		fprintf(file, "%g,%g,%d\n", x, y, x * y > 0);
	}
	fclose(file);
	const char *const train[] = { "gbdt", data, "rounds=20", save, "threads=2", NULL };
	const char *const predict[] = { "gbdt", data, load, "rounds=2", predictions, NULL };
	const char *const wrong[] = { "gbdt", load, "rounds=1", NULL }; /* of two features */
	const char *const none[] = { "gbdt", "data=/nowhere/x.csv", NULL };
	assert_int_equal(run(train, 5), 0);
	assert_int_equal(run(predict, 5), 0);
	assert_int_equal(run(wrong, 3), 1);
	assert_int_equal(run(none, 2), 1);
	int n_lines = 0, n_good = 0;
	float value;
	file = fopen(out, "r");
	for (; fscanf(file, "%f", &value) == 1; n_lines++)
		n_good += value > 0 && value < 1;
	fclose(file);
	assert_int_equal(n_lines, 500);
	assert_int_equal(n_good, 500);
	unlink(model);
	unlink(out);
	unlink(table);
}

/* Of predictions: rows, and how many of them sum up to 1. */
static void count_shares(const char *path, int n_classes, int *n_rows, int *n_whole)
{
	char line[512];
	FILE *file = fopen(path, "r");
	*n_rows = *n_whole = 0;
	for (; fgets(line, sizeof line, file); ++*n_rows) {
		double sum = 0;
		int n = 0;
		for (char *at = line; *at && *at != '\n'; n++) {
			sum += strtod(at, &at);
			at += *at == ',';
		}
		*n_whole += n == n_classes && fabs(sum - 1) < 1e-6;
	}
	fclose(file);
}

static void time_that_is_up_saves_too_and_classes_get_shares(void **state)
{
	char model[] = "/tmp/stoke-model-XXXXXX", out[] = "/tmp/stoke-out-XXXXXX";
	char save[64], load[64], predictions[64];
	int n_rows, n_whole;
	(void)state;
	close(mkstemp(model));
	close(mkstemp(out));
	snprintf(save, sizeof save, "save=%s", model);
	snprintf(load, sizeof load, "load=%s", model);
	snprintf(predictions, sizeof predictions, "predictions=%s", out);
	const char *const train[] = { "gbdt",      "rows=500",   "loss=softmax",
				      "classes=3", "rounds=20k", "seconds=0.01",
				      "threads=2", save,         NULL };
	const char *const predict[] = { "gbdt",         "rows=500",  load, "rounds=20k",
					"seconds=0.01", predictions, NULL };
	assert_int_equal(run(train, 8), 0);
	assert_int_equal(run(predict, 6), 0);
	count_shares(out, 3, &n_rows, &n_whole);
	assert_int_equal(n_rows, 200);
	assert_int_equal(n_whole, 200);
	const char *const alone[] = { "gbdt", "validate=x.csv", "rows=500", NULL };
	assert_int_equal(run(alone, 3), 1);
	unlink(model);
	unlink(out);
}

/* Two rows to learn from are one split, whose children nobody has to sum; one of them, and no
 * positive to measure on, is no reason to keep no tree. */
static void the_smallest_tables_pass_the_checks(void **state)
{
	char table[] = "/tmp/stoke-table-XXXXXX", data[64];
	(void)state;
	close(mkstemp(table));
	snprintf(data, sizeof data, "data=%s", table);
	mallopt(M_PERTURB, 0x55); /* memory that was given back is not as it was */
	const char *const words[] = { "gbdt", data, "rounds=3", NULL };
	write_text(table, "a,b,y\n1,2,0\n3,4,1\n5,6,1\n");
	assert_int_equal(run(words, 3), 0);
	write_text(table, "a,b,y\n1,2,0\n3,4,1\n");
	assert_int_equal(run(words, 3), 0);
	write_text(table, "y,a\n1,0\n2,0\n3,0\n4,0\n5,0\n");
	const char *const stopped[] = { "gbdt", data, "rounds=90", "stop=5", NULL };
	assert_int_equal(run(words, 3), 0);
	assert_int_equal(run(stopped, 4), 1);
	const char *const flat[] = { "gbdt", "rows=500", "depth=1", "rounds=3", NULL };
	assert_int_equal(run(flat, 4), 0);
	/* Where nothing is left to learn, or may be: the loss stands still. */
	const char *const learned[] = { "gbdt",       "rows=150", "features=6",
					"rounds=600", "rate=0.3", "loss=squared",
					"lost=0.5",   "seed=30",  "child=0",
					NULL };
	const char *const forbidden[] = { "gbdt",         "rows=150",  "rounds=9",
					  "loss=squared", "gamma=1e6", NULL };
	const char *const sure[] = { "gbdt",    "rows=150", "features=6", "rounds=300", "lambda=0",
				     "child=0", "bins=2",   "weight=1e6", "depth=8",    NULL };
	const char *const few[] = { "gbdt",        "rows=150", "features=6",
				    "rounds=400",  "rate=0.3", "child=0",
				    "growth=leaf", "seed=25",  NULL };
	assert_int_equal(run(learned, 9), 0);
	assert_int_equal(run(forbidden, 5), 0);
	assert_int_equal(run(sure, 9), 0);
	assert_int_equal(run(few, 8), 0);
	mallopt(M_PERTURB, 0);
	unlink(table);
}

#define ROWS   FIXTURE_LENGTH("rows=3000", "rows=1500")
#define ROUNDS FIXTURE_LENGTH("rounds=12", "rounds=4")

static void every_switch_passes_the_checks(void **state)
{
	/* First those that change what threads do, which are all for the thread sanitizer; the
	 * others change the numbers that each computes. */
	static const char *const switches[] = {
		"growth=leaf",    "row_share=0.6",      "together=1",     "loss=softmax",
		"pool=spin",      "memory=malloc",      "walk=branchy",   "partition=branchy",
		"histogram=avx2", "entropy=paper",      "tune=paper",     "stop=10",
		"order=sorted",   "loss=huber",         "loss=poisson",   "loss=squared",
		"lost=0.2",       "weight=0",           "edges=tails",    "simd=scalar",
		"bins=256",       "entropy=per-sample", "missing=median",
	};
	const size_t n_switches = FIXTURE_LENGTH(sizeof switches / sizeof switches[0], 9);
	(void)state;
	for (size_t i = 0; i < n_switches; i++) {
		const char *const words[] = {
			"gbdt", ROWS, ROUNDS, "threads=2", switches[i], NULL
		};
		int status = run(words, 5);
		if (status != 0 && strcmp(switches[i], "histogram=avx2") != 0)
			fail_msg("%s", switches[i]);
	}
}

/* Each word changes what the booster is told; some change no result, only how it is reached. */
static void every_switch_reaches_the_booster(void **state)
{
	static const char *const words[] = {
		"bins=32",
		"edges=tails",
		"missing=median",
		"together=4",
		"stop=7",
		"walk=branchy",
		"lambda=2",
		"gamma=3",
		"child=4",
		"entropy=paper",
		"information=5",
		"simd=scalar",
		"depth=3",
		"leaves=9",
		"growth=leaf",
		"rate=0.25",
		"row_share=0.5",
		"column_share=0.125",
		"histogram=packed",
		"memory=malloc",
		"partition=branchy",
		"seed=11",
		"loss=huber",
		"delta=6",
		NULL,
	};
	struct workload_settings read;
	struct why why;
	(void)state;
	assert_true(
		workload_settings_read(&read, workload_find("gbdt"), (char *const *)words, &why));
	struct gbdt_loss loss = gbdt_settings_loss(read.values);
	struct gbdt_booster_settings booster = gbdt_settings_booster(read.values, &loss);
	const struct gbdt_grow_settings *grow = &booster.grow;
	assert_int_equal(booster.loss.kind, GBDT_LOSS_HUBER);
	assert_true(booster.loss.delta == 6);
	assert_int_equal(booster.cuts.n_bins, 32);
	assert_int_equal(booster.cuts.edges, GBDT_EDGES_TAILS);
	assert_int_equal(booster.cuts.missing, GBDT_MISSING_MEDIAN);
	assert_int_equal(booster.together, 4);
	assert_int_equal(booster.patience, 7);
	assert_int_equal(booster.walk, GBDT_WALK_BRANCHY);
	assert_true(grow->split.lambda == 2 && grow->split.gamma == 3);
	assert_true(grow->split.least_hessian == 4 && grow->split.information_weight == 5);
	assert_int_equal(grow->split.entropy, GBDT_ENTROPY_PAPER);
	assert_int_equal(grow->split.simd, GBDT_SIMD_SCALAR);
	assert_int_equal(grow->depth, 3);
	assert_int_equal(grow->n_leaves, 9);
	assert_int_equal(grow->growth, GBDT_GROWTH_LEAF);
	assert_true(grow->learning_rate == 0.25);
	assert_true(grow->row_share == 0.5 && grow->column_share == 0.125);
	assert_int_equal(grow->method, GBDT_METHOD_PACKED);
	assert_int_equal(grow->memory, GBDT_MEMORY_MALLOC);
	assert_true(grow->is_partition_branchy);
	assert_int_equal(grow->seed, 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(models_come_back_from_files),
		cmocka_unit_test(damaged_models_are_refused),
		cmocka_unit_test(tables_are_read),
		cmocka_unit_test(wrong_tables_say_where),
		cmocka_unit_test(labels_are_checked_with_their_line),
		cmocka_unit_test(rows_to_predict_may_have_labels_in_any_column),
		cmocka_unit_test(two_files_have_the_same_columns),
		cmocka_unit_test(saving_keeps_links_pipes_and_rights),
		cmocka_unit_test(the_workload_learns_saves_and_predicts),
		cmocka_unit_test(time_that_is_up_saves_too_and_classes_get_shares),
		cmocka_unit_test(the_smallest_tables_pass_the_checks),
		cmocka_unit_test(every_switch_passes_the_checks),
		cmocka_unit_test(every_switch_reaches_the_booster),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
