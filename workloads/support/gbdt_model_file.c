/*
 * A model as bytes. What is read is checked before it is used: sums, counts, and that each child
 * comes after its parent and inside its tree, so that a walk ends.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/support/gbdt_model.h"
#include "workloads/support/sealed_file.h"

enum { NODE_BYTES = 16 };
static const struct sealed_kind KIND = { "stokegbm", "boosted trees", 1 };
/* Far more than any training makes; a file beyond it is no model. */
static const size_t MOST_FILE_BYTES = (size_t)1 << 32;

_Static_assert(sizeof(struct gbdt_node) == NODE_BYTES, "a node is written as it lies in memory");

static void put_model(struct sealed *cursor, const struct gbdt_model *model)
{
	uint64_t n_trees = model->n_trees;
	sealed_put_head(cursor, &KIND);
	sealed_put_u32(cursor, model->loss.kind);
	sealed_put_u32(cursor, model->loss.n_classes);
	sealed_put_u32(cursor, model->n_features);
	sealed_put(cursor, &model->loss.positive_weight, sizeof(float));
	sealed_put(cursor, &model->loss.delta, sizeof(float));
	sealed_put(cursor, &n_trees, sizeof n_trees);
	sealed_put(cursor, model->base, model->loss.n_classes * sizeof(float));
	for (size_t i = 0; i < model->n_trees; i++) {
		sealed_put_u32(cursor, model->trees[i].n_nodes);
		sealed_put(cursor, model->trees[i].nodes,
			   model->trees[i].n_nodes * (size_t)NODE_BYTES);
	}
}

bool gbdt_model_save(const struct gbdt_model *model, const char *path, struct why *why)
{
	struct sealed file = { 0 };
	put_model(&file, model);
	sealed_allocate(&file);
	put_model(&file, model);
	return sealed_save(&file, path, why);
}

static bool get_head(struct sealed *cursor, struct gbdt_model *model, uint64_t *n_trees)
{
	uint32_t words[3];
	if (!sealed_copy(cursor, words, sizeof words) ||
	    !sealed_copy(cursor, &model->loss.positive_weight, sizeof(float)) ||
	    !sealed_copy(cursor, &model->loss.delta, sizeof(float)) ||
	    !sealed_copy(cursor, n_trees, sizeof *n_trees))
		return false;
	model->loss.kind = (enum gbdt_loss_kind)words[0];
	model->loss.n_classes = words[1];
	model->n_features = words[2];
	return words[0] <= GBDT_LOSS_SOFTMAX && words[1] >= 1 && words[1] <= GBDT_MOST_CLASSES &&
	       (words[1] == 1 || words[0] == GBDT_LOSS_SOFTMAX) && words[2] >= 1 &&
	       model->loss.positive_weight > 0 && isfinite(model->loss.positive_weight) &&
	       model->loss.delta > 0 && isfinite(model->loss.delta) &&
	       sealed_copy(cursor, model->base, words[1] * sizeof(float));
}

/* Depths are counted anew: the walk without branches trusts them. */
static bool is_sound(struct gbdt_tree *tree, size_t n_features)
{
	tree->nodes[0].depth = 0;
	for (uint32_t i = 0; i < tree->n_nodes; i++) {
		struct gbdt_node *node = &tree->nodes[i];
		if (!node->left) {
			tree->depth = node->depth > tree->depth ? node->depth : tree->depth;
			continue;
		}
		if (node->left <= i || node->left >= tree->n_nodes - 1 ||
		    node->feature >= n_features || node->is_missing_left > 1 ||
		    node->depth >= GBDT_MOST_DEPTH || isnan(node->value))
			return false;
		tree->nodes[node->left].depth = (uint8_t)(node->depth + 1);
		tree->nodes[node->left + 1].depth = (uint8_t)(node->depth + 1);
	}
	return true;
}

static bool get_tree(struct sealed *cursor, struct gbdt_model *model)
{
	struct gbdt_tree tree = { 0 };
	if (!sealed_copy(cursor, &tree.n_nodes, sizeof tree.n_nodes) || tree.n_nodes < 1 ||
	    tree.n_nodes > (cursor->bytes - cursor->used) / NODE_BYTES)
		return false;
	tree.nodes = allocate(tree.n_nodes, sizeof *tree.nodes);
	if (sealed_copy(cursor, tree.nodes, tree.n_nodes * sizeof *tree.nodes) &&
	    is_sound(&tree, model->n_features)) {
		gbdt_model_add(model, &tree);
		return true;
	}
	gbdt_tree_free(&tree);
	return false;
}

static bool get_model(struct sealed *cursor, struct gbdt_model *model)
{
	uint64_t n_trees = 0;
	bool is_good = get_head(cursor, model, &n_trees);
	for (uint64_t i = 0; is_good && i < n_trees; i++)
		is_good = get_tree(cursor, model);
	return is_good && cursor->used == cursor->bytes;
}

bool gbdt_model_read(struct gbdt_model *model, const void *bytes, size_t n, const char *name,
		     struct why *why)
{
	struct sealed cursor = { .at = (unsigned char *)bytes, .bytes = n };
	if (!sealed_open(&cursor, &KIND, name, why))
		return false;
	if (get_model(&cursor, model))
		return true;
	gbdt_model_free(model);
	return why_fail(why, "%s is no sound model: its trees contradict themselves.", name);
}

/* What begins otherwise is not read on: it may have no end. */
static bool may_be_model(const unsigned char *bytes, size_t n)
{
	return n < SEALED_MAGIC_BYTES || memcmp(bytes, KIND.magic, SEALED_MAGIC_BYTES) == 0;
}

bool gbdt_model_load(struct gbdt_model *model, const char *path, struct why *why)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return why_fail(why, "Cannot read %s: %s.", path, strerror(errno));
	size_t n = 0, room = 1 << 16;
	unsigned char *bytes = allocate(room, 1);
	for (size_t got = 1; got > 0 && may_be_model(bytes, n);) {
		if (n == room && room < MOST_FILE_BYTES)
			bytes = reallocate(bytes, room *= 2, 1);
		got = fread(bytes + n, 1, room - n, file);
		n += got;
	}
	int error = ferror(file) ? errno : 0;
	fclose(file);
	bool is_good = error == 0 ? gbdt_model_read(model, bytes, n, path, why)
				  : why_fail(why, "Cannot read %s: %s.", path, strerror(error));
	free(bytes);
	return is_good;
}
