/* See gbdt_input.h. */
#include "workloads/support/gbdt_input.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "workloads/support/csv.h"

static const char *labels_wanted(const struct gbdt_loss *loss, char *room, size_t bytes)
{
	switch (loss->kind) {
	case GBDT_LOSS_LOGISTIC:
		return "loss=logistic takes 0 and 1";
	case GBDT_LOSS_POISSON:
		return "loss=poisson takes counts, 0 and above";
	case GBDT_LOSS_SOFTMAX:
		if (loss->n_classes == GBDT_MOST_CLASSES)
			return "loss=softmax takes classes 0, 1, 2, ... up to 63";
		snprintf(room, bytes, "the rows that are learned from have classes 0 to %u",
			 loss->n_classes - 1);
		return room;
	default:
		return "labels may not be missing";
	}
}

/* As many as the largest label says; all that there can be if one is no class. */
static void count_classes(struct gbdt_loss *loss, const float *labels, size_t n)
{
	float most = 1;
	size_t row;
	loss->n_classes = GBDT_MOST_CLASSES;
	if (!gbdt_loss_accepts(loss, labels, n, &row))
		return;
	for (size_t i = 0; i < n; i++)
		most = fmaxf(most, labels[i]);
	loss->n_classes = (unsigned)most + 1;
}

static char **names_but(const struct csv *csv, size_t label)
{
	char **names = csv->names ? allocate(csv->n_columns, sizeof *names) : NULL;
	for (size_t i = 0; names && i + 1 < csv->n_columns; i++)
		names[i] = strdup(csv->names[i + (i >= label)]);
	return names;
}

/* The label's column apart, the others as they are. */
static void part(struct gbdt_data *data, const struct csv *csv, size_t label)
{
	size_t n = csv->n_rows;
	*data = (struct gbdt_data){ .n_rows = n,
				    .n_features = csv->n_columns - 1,
				    .features = allocate(n * (csv->n_columns - 1), sizeof(float)),
				    .labels = allocate(n, sizeof(float)),
				    .names = names_but(csv, label) };
	memcpy(data->labels, csv->values + label * n, n * sizeof(float));
	memcpy(data->features, csv->values, label * n * sizeof(float));
	memcpy(data->features + label * n, csv->values + (label + 1) * n,
	       (csv->n_columns - 1 - label) * n * sizeof(float));
}

/* The column that label= names, or the last. */
static bool find_label(const struct csv *csv, const char *path, const char *label, size_t *column,
		       struct why *why)
{
	*column = label[0] ? csv_column(csv, label) : csv->n_columns - 1;
	return *column < csv->n_columns ||
	       why_fail(why, "%s has no column %s; label= takes a name or a number from 1 to %zu.",
			path, label, csv->n_columns);
}

static bool fail_label(const struct csv *csv, const char *path, size_t column, size_t row,
		       const struct gbdt_loss *loss, struct why *why)
{
	char room[80];
	return why_fail(why, "%s line %u, column %zu: %g is no label here; %s.", path,
			csv->lines[row], column + 1,
			(double)csv->values[column * csv->n_rows + row],
			labels_wanted(loss, room, sizeof room));
}

static bool check_labels(const struct csv *csv, const char *path, size_t column,
			 struct gbdt_loss *loss, struct why *why)
{
	const float *labels = csv->values + column * csv->n_rows;
	size_t row;
	if (loss->kind == GBDT_LOSS_SOFTMAX && loss->n_classes < 2)
		count_classes(loss, labels, csv->n_rows);
	return gbdt_loss_accepts(loss, labels, csv->n_rows, &row) ||
	       fail_label(csv, path, column, row, loss, why);
}

bool gbdt_input_read(struct gbdt_data *data, const char *path, const char *label,
		     struct gbdt_loss *loss, struct why *why)
{
	struct csv csv;
	size_t column;
	if (!csv_read(&csv, path, why))
		return false;
	bool is_good = csv.n_columns >= 2 && csv.n_rows >= 2;
	if (!is_good)
		why_fail(why, "%s has %zu columns and %zu rows; at least two of each are needed.",
			 path, csv.n_columns, csv.n_rows);
	is_good = is_good && find_label(&csv, path, label, &column, why) &&
		  check_labels(&csv, path, column, loss, why);
	if (is_good)
		part(data, &csv, column);
	csv_free(&csv);
	return is_good;
}

bool gbdt_input_same(const struct gbdt_data *a, const struct gbdt_data *b, const char *a_path,
		     const char *b_path, struct why *why)
{
	if (a->n_features != b->n_features)
		return why_fail(why, "%s has %zu features, %s has %zu.", a_path, a->n_features,
				b_path, b->n_features);
	for (size_t i = 0; a->names && b->names && i < a->n_features; i++) {
		char a_name[48], b_name[48];
		if (strcmp(a->names[i], b->names[i]) != 0)
			return why_fail(why,
					"Feature %zu is \"%s\" in %s and \"%s\" in %s; give both "
					"files the same columns in the same order.",
					i + 1, text_clean(a_name, sizeof a_name, a->names[i]),
					a_path, text_clean(b_name, sizeof b_name, b->names[i]),
					b_path);
	}
	return true;
}

/* Rows that wait for their labels have none, which is no mistake; numbers that are none say that
 * this is not the label's column. */
static bool check_known_labels(const struct csv *csv, const char *path, size_t column,
			       const struct gbdt_loss *loss, bool *are_all, struct why *why)
{
	const float *labels = csv->values + column * csv->n_rows;
	size_t unused;
	*are_all = true;
	for (size_t row = 0; row < csv->n_rows; row++)
		if (isnan(labels[row]))
			*are_all = false;
		else if (!gbdt_loss_accepts(loss, &labels[row], 1, &unused))
			return fail_label(csv, path, column, row, loss, why);
	return true;
}

bool gbdt_input_read_features(struct gbdt_data *data, const char *path, const char *label,
			      const struct gbdt_loss *loss, size_t n_features, struct why *why)
{
	struct csv csv;
	size_t column = 0;
	if (!csv_read(&csv, path, why))
		return false;
	bool is_good = true, are_all = false,
	     has_label = label[0] || csv.n_columns == n_features + 1;
	if (csv.n_columns != n_features + has_label)
		is_good = why_fail(why,
				   "%s has %zu columns%s, and the model was trained on %zu "
				   "features.",
				   path, csv.n_columns, label[0] ? " with the label's" : "",
				   n_features);
	else if (has_label)
		is_good = find_label(&csv, path, label, &column, why) &&
			  check_known_labels(&csv, path, column, loss, &are_all, why);
	if (is_good && has_label) {
		part(data, &csv, column);
		if (!are_all) {
			free(data->labels);
			data->labels = NULL;
		}
	} else if (is_good) {
		*data = (struct gbdt_data){ .n_rows = csv.n_rows,
					    .n_features = n_features,
					    .features = csv.values };
		csv.values = NULL;
	}
	csv_free(&csv);
	return is_good;
}
