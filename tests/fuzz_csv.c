/* Tables and models of boosted trees of any bytes. What is read is used: trees are walked. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/support/crew.h"
#include "workloads/support/csv.h"
#include "workloads/support/gbdt_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 3, HEAD_BYTES = 12, SUM_BYTES = 8 };

static void read_table(const uint8_t *data, size_t size)
{
	struct csv csv;
	struct why why;
	if (!csv_parse(&csv, (const char *)data, size, "x.csv", &why))
		return;
	float sum = 0;
	for (size_t i = 0; i < csv.n_rows * csv.n_columns; i++)
		sum += csv.values[i];
	if (csv.n_rows == 0 || csv_column(&csv, "1") > csv.n_columns || sum == 12345.678F)
		abort();
	csv_free(&csv);
}

static void walk(const struct gbdt_model *model)
{
	struct crew *crew = crew_new(1, "fuzz");
	float *values = calloc(ROWS * model->n_features, sizeof *values);
	float *scores = calloc(ROWS * model->loss.n_classes, sizeof *scores);
	for (size_t i = 0; i < ROWS * model->n_features; i++)
		values[i] = (float)i - 4;
	gbdt_model_predict_raw(model, crew, values, ROWS, scores);
	free(values);
	free(scores);
	crew_free(crew);
}

static void read_model(const uint8_t *data, size_t size)
{
	struct gbdt_model model = { 0 };
	struct why why;
	if (gbdt_model_read(&model, data, size, "x", &why) && model.n_features < 10000)
		walk(&model);
	gbdt_model_free(&model);
}

/* The same bytes as the body of a model whose head and check sum are right: else no input would
 * come past them. */
static void read_framed(const uint8_t *data, size_t size)
{
	static const unsigned char head[HEAD_BYTES + 1] = "stokegbm\1\0\0\0";
	uint64_t sum = 14695981039346656037U;
	uint8_t *bytes = malloc(size + HEAD_BYTES + SUM_BYTES);
	memcpy(bytes, head, HEAD_BYTES);
	memcpy(bytes + HEAD_BYTES, data, size);
	for (size_t i = 0; i < size + HEAD_BYTES; i++)
		sum = (sum ^ bytes[i]) * 1099511628211U;
	memcpy(bytes + HEAD_BYTES + size, &sum, SUM_BYTES);
	read_model(bytes, size + HEAD_BYTES + SUM_BYTES);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_table(data, size);
	read_model(data, size);
	read_framed(data, size);
	return 0;
}
