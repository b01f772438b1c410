/* Trees in a row. The file is in gbdt_model_file.c. */
#include "workloads/support/gbdt_model.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"

void gbdt_model_free(struct gbdt_model *model)
{
	gbdt_model_truncate(model, 0);
	free(model->trees);
	memset(model, 0, sizeof *model);
}

void gbdt_model_add(struct gbdt_model *model, const struct gbdt_tree *tree)
{
	if (model->n_trees == model->capacity) {
		model->capacity = model->capacity ? 2 * model->capacity : 64;
		model->trees = reallocate(model->trees, model->capacity, sizeof *model->trees);
	}
	model->trees[model->n_trees++] = *tree;
}

void gbdt_model_truncate(struct gbdt_model *model, size_t n_trees)
{
	while (model->n_trees > n_trees)
		gbdt_tree_free(&model->trees[--model->n_trees]);
}

void gbdt_model_start(const struct gbdt_model *model, size_t n_rows, float *scores)
{
	for (unsigned class = 0; class < model->loss.n_classes; class ++)
		for (size_t row = 0; row < n_rows; row++)
			scores[class * n_rows + row] = model->base[class];
}

void gbdt_model_predict(const struct gbdt_model *model, const struct gbdt_bins *bins,
			struct crew *crew, enum gbdt_walk walk, float *scores)
{
	gbdt_model_start(model, bins->n_rows, scores);
	for (size_t i = 0; i < model->n_trees; i++)
		gbdt_predict(&model->trees[i], bins, crew, walk,
			     scores + i % model->loss.n_classes * bins->n_rows);
}

void gbdt_model_predict_raw(const struct gbdt_model *model, struct crew *crew, const float *values,
			    size_t n_rows, float *scores)
{
	gbdt_model_start(model, n_rows, scores);
	for (size_t i = 0; i < model->n_trees; i++)
		gbdt_predict_raw(&model->trees[i], crew, values, n_rows,
				 scores + i % model->loss.n_classes * n_rows);
}
