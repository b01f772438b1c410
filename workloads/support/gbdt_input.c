/* See gbdt_input.h. */
#include "workloads/support/gbdt_input.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/support/csv.h"

static const char *labels_wanted(const struct gbdt_loss *loss)
{
	switch (loss->kind) {
	case GBDT_LOSS_LOGISTIC:
		return "loss=logistic takes 0 and 1";
	case GBDT_LOSS_POISSON:
		return "loss=poisson takes counts, 0 and above";
	case GBDT_LOSS_SOFTMAX:
		return "loss=softmax takes classes 0, 1, 2, ... up to 63";
	default:
		return "labels may not be missing";
	}
}

static void count_classes(struct gbdt_loss *loss, const float *labels, size_t n)
{
	float most = 1;
	for (size_t i = 0; i < n; i++)
		most = fmaxf(most, labels[i]);
	loss->n_classes = most < GBDT_MOST_CLASSES ? (unsigned)most + 1 : GBDT_MOST_CLASSES;
}

/* The label's column apart, the others as they are. */
static void part(struct gbdt_data *data, const struct csv *csv, size_t label)
{
	size_t n = csv->n_rows;
	*data = (struct gbdt_data){ .n_rows = n,
				    .n_features = csv->n_columns - 1,
				    .features = allocate(n * (csv->n_columns - 1), sizeof(float)),
				    .labels = allocate(n, sizeof(float)) };
	memcpy(data->labels, csv->values + label * n, n * sizeof(float));
	memcpy(data->features, csv->values, label * n * sizeof(float));
	memcpy(data->features + label * n, csv->values + (label + 1) * n,
	       (csv->n_columns - 1 - label) * n * sizeof(float));
}

bool gbdt_input_read(struct gbdt_data *data, const char *path, const char *label,
		     struct gbdt_loss *loss, struct why *why)
{
	struct csv csv;
	size_t row;
	if (!csv_read(&csv, path, why))
		return false;
	size_t column = label[0] ? csv_column(&csv, label) : csv.n_columns - 1;
	bool is_good = true;
	if (csv.n_columns < 2 || csv.n_rows < 2)
		is_good = why_fail(why,
				   "%s has %zu columns and %zu rows; at least two of each "
				   "are needed.",
				   path, csv.n_columns, csv.n_rows);
	else if (column >= csv.n_columns)
		is_good = why_fail(why,
				   "%s has no column %s; label= takes a name or a number "
				   "from 1 to %zu.",
				   path, label, csv.n_columns);
	if (is_good) {
		const float *labels = csv.values + column * csv.n_rows;
		if (loss->kind == GBDT_LOSS_SOFTMAX && loss->n_classes < 2)
			count_classes(loss, labels, csv.n_rows);
		if (!gbdt_loss_accepts(loss, labels, csv.n_rows, &row))
			is_good = why_fail(why, "%s line %u, column %zu: %g is no label here; %s.",
					   path, csv.lines[row], column + 1, (double)labels[row],
					   labels_wanted(loss));
	}
	if (is_good)
		part(data, &csv, column);
	csv_free(&csv);
	return is_good;
}

bool gbdt_input_read_features(struct gbdt_data *data, const char *path, size_t n_features,
			      struct why *why)
{
	struct csv csv;
	if (!csv_read(&csv, path, why))
		return false;
	bool is_good = csv.n_columns == n_features || csv.n_columns == n_features + 1;
	if (is_good) {
		*data = (struct gbdt_data){ .n_rows = csv.n_rows,
					    .n_features = n_features,
					    .features = csv.values };
		csv.values = NULL;
	} else {
		why_fail(why, "%s has %zu columns, and the model was trained on %zu features.",
			 path, csv.n_columns, n_features);
	}
	csv_free(&csv);
	return is_good;
}
