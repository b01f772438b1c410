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

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "models are written as they lie in memory, little-endian"
#endif

enum { MAGIC_BYTES = 8, VERSION = 1, SUM_BYTES = 8, NODE_BYTES = 16, PATH_BYTES = 4096 };
static const char MAGIC[MAGIC_BYTES + 1] = "stokegbm";
/* Far more than any training makes; a file beyond it is no model. */
static const size_t MOST_FILE_BYTES = (size_t)1 << 32;

_Static_assert(sizeof(struct gbdt_node) == NODE_BYTES, "a node is written as it lies in memory");

/* Where to write or read next. When measuring, at is NULL and only `used` moves. */
struct cursor {
	unsigned char *at;
	size_t used, bytes;
};

/* Source: Fowler, Noll, Vo, FNV-1a, 64 bits. */
static uint64_t sum_of(const unsigned char *bytes, size_t n)
{
	uint64_t sum = 14695981039346656037U;
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ bytes[i]) * 1099511628211U;
	return sum;
}

static void put(struct cursor *cursor, const void *from, size_t n)
{
	if (cursor->at)
		memcpy(cursor->at + cursor->used, from, n);
	cursor->used += n;
}

static void put_u32(struct cursor *cursor, size_t value)
{
	uint32_t narrow = (uint32_t)value;
	put(cursor, &narrow, sizeof narrow);
}

static void put_model(struct cursor *cursor, const struct gbdt_model *model)
{
	uint64_t n_trees = model->n_trees;
	put(cursor, MAGIC, MAGIC_BYTES);
	put_u32(cursor, VERSION);
	put_u32(cursor, model->loss.kind);
	put_u32(cursor, model->loss.n_classes);
	put_u32(cursor, model->n_features);
	put(cursor, &model->loss.positive_weight, sizeof(float));
	put(cursor, &model->loss.delta, sizeof(float));
	put(cursor, &n_trees, sizeof n_trees);
	put(cursor, model->base, model->loss.n_classes * sizeof(float));
	for (size_t i = 0; i < model->n_trees; i++) {
		put_u32(cursor, model->trees[i].n_nodes);
		put(cursor, model->trees[i].nodes, model->trees[i].n_nodes * (size_t)NODE_BYTES);
	}
}

static bool write_file(const char *path, const unsigned char *bytes, size_t n, struct why *why)
{
	FILE *file = fopen(path, "wb");
	if (!file)
		return why_fail(why, "Cannot write %s: %s.", path, strerror(errno));
	bool is_good = fwrite(bytes, 1, n, file) == n;
	is_good = fclose(file) == 0 && is_good;
	return is_good || why_fail(why, "Cannot write %s: %s.", path, strerror(errno));
}

bool gbdt_model_save(const struct gbdt_model *model, const char *path, struct why *why)
{
	char beside[PATH_BYTES];
	struct cursor cursor = { 0 };
	if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
		return why_fail(why, "Cannot save a model: the path is longer than %d bytes.",
				PATH_BYTES);
	put_model(&cursor, model);
	cursor.at = allocate(cursor.used + SUM_BYTES, 1);
	cursor.used = 0;
	put_model(&cursor, model);
	uint64_t sum = sum_of(cursor.at, cursor.used);
	put(&cursor, &sum, sizeof sum);
	bool is_good = write_file(beside, cursor.at, cursor.used, why);
	free(cursor.at);
	if (is_good && rename(beside, path) != 0)
		is_good =
			why_fail(why, "Cannot rename %s to %s: %s.", beside, path, strerror(errno));
	if (!is_good)
		remove(beside);
	return is_good;
}

static bool get(struct cursor *cursor, void *to, size_t n)
{
	if (n > cursor->bytes - cursor->used)
		return false;
	memcpy(to, cursor->at + cursor->used, n);
	cursor->used += n;
	return true;
}

static bool get_head(struct cursor *cursor, struct gbdt_model *model, uint64_t *n_trees)
{
	uint32_t words[3];
	if (!get(cursor, words, sizeof words) ||
	    !get(cursor, &model->loss.positive_weight, sizeof(float)) ||
	    !get(cursor, &model->loss.delta, sizeof(float)) ||
	    !get(cursor, n_trees, sizeof *n_trees))
		return false;
	model->loss.kind = (enum gbdt_loss_kind)words[0];
	model->loss.n_classes = words[1];
	model->n_features = words[2];
	return words[0] <= GBDT_LOSS_SOFTMAX && words[1] >= 1 && words[1] <= GBDT_MOST_CLASSES &&
	       (words[1] == 1 || words[0] == GBDT_LOSS_SOFTMAX) && words[2] >= 1 &&
	       model->loss.positive_weight > 0 && isfinite(model->loss.positive_weight) &&
	       model->loss.delta > 0 && isfinite(model->loss.delta) &&
	       get(cursor, model->base, words[1] * sizeof(float));
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

static bool get_tree(struct cursor *cursor, struct gbdt_model *model)
{
	struct gbdt_tree tree = { 0 };
	if (!get(cursor, &tree.n_nodes, sizeof tree.n_nodes) || tree.n_nodes < 1 ||
	    tree.n_nodes > (cursor->bytes - cursor->used) / NODE_BYTES)
		return false;
	tree.nodes = allocate(tree.n_nodes, sizeof *tree.nodes);
	if (get(cursor, tree.nodes, tree.n_nodes * sizeof *tree.nodes) &&
	    is_sound(&tree, model->n_features)) {
		gbdt_model_add(model, &tree);
		return true;
	}
	gbdt_tree_free(&tree);
	return false;
}

static bool get_model(struct cursor *cursor, struct gbdt_model *model)
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
	struct cursor cursor = { .at = (unsigned char *)bytes, .bytes = n };
	char magic[MAGIC_BYTES];
	uint32_t version;
	uint64_t sum;
	if (!get(&cursor, magic, MAGIC_BYTES) || memcmp(magic, MAGIC, MAGIC_BYTES) != 0)
		return why_fail(why, "%s holds no boosted trees of stoke.", name);
	if (!get(&cursor, &version, sizeof version) || version != VERSION)
		return why_fail(why, "%s has another version than %d; save it anew.", name,
				VERSION);
	if (n < cursor.used + SUM_BYTES)
		return why_fail(why, "%s is cut short.", name);
	cursor.bytes -= SUM_BYTES;
	memcpy(&sum, cursor.at + cursor.bytes, sizeof sum);
	if (sum != sum_of(cursor.at, cursor.bytes))
		return why_fail(why, "%s is damaged or cut short: its check sum is wrong.", name);
	if (get_model(&cursor, model))
		return true;
	gbdt_model_free(model);
	return why_fail(why, "%s is no sound model: its trees contradict themselves.", name);
}

bool gbdt_model_load(struct gbdt_model *model, const char *path, struct why *why)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return why_fail(why, "Cannot read %s: %s.", path, strerror(errno));
	size_t n = 0, room = 1 << 16;
	unsigned char *bytes = allocate(room, 1);
	for (size_t got; (got = fread(bytes + n, 1, room - n, file)) > 0;) {
		n += got;
		if (n == room && room < MOST_FILE_BYTES)
			bytes = reallocate(bytes, room *= 2, 1);
	}
	bool has_failed = ferror(file) != 0;
	fclose(file);
	bool is_good = has_failed ? why_fail(why, "Cannot read %s: an input error.", path)
				  : gbdt_model_read(model, bytes, n, path, why);
	free(bytes);
	return is_good;
}
