/*
 * gbdt_model: trees and what they start from; kept in a file, and asked about raw values.
 *
 * File, little-endian: 8 bytes "stokegbm"; u32 version (1), loss, classes, features; f32 positive
 * weight, delta; u64 number of trees; f32 base a class; for each tree u32 number of nodes, then a
 * node: u32 feature, u32 left child, f32 value, u8 low, u8 high, u8 missing goes left, u8 depth;
 * at the end a u64, the FNV-1a sum of all bytes before it.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_MODEL_H
#define WORKLOADS_SUPPORT_GBDT_MODEL_H

#include "sampler/base/why.h"
#include "workloads/support/gbdt_loss.h"
#include "workloads/support/gbdt_tree.h"

struct gbdt_model {
	struct gbdt_loss loss;
	size_t n_features;
	float base[GBDT_MOST_CLASSES];
	struct gbdt_tree *trees; /* tree i adds to the scores of class i % n_classes */
	size_t n_trees, capacity;
};

void gbdt_model_free(struct gbdt_model *model);

/* gbdt_model_add: keeps the tree's nodes. */
void gbdt_model_add(struct gbdt_model *model, const struct gbdt_tree *tree);

/* gbdt_model_truncate: the first n trees. */
void gbdt_model_truncate(struct gbdt_model *model, size_t n_trees);

/* gbdt_model_start: scores [class][row] as they are before the first tree. */
void gbdt_model_start(const struct gbdt_model *model, size_t n_rows, float *scores);

/* gbdt_model_predict / _raw: scores [class][row] of all trees; of bins, or of column-major values.
 * Both give the same, to the last bit. */
void gbdt_model_predict(const struct gbdt_model *model, const struct gbdt_bins *bins,
			struct crew *crew, enum gbdt_walk walk, float *scores);
void gbdt_model_predict_raw(const struct gbdt_model *model, struct crew *crew, const float *values,
			    size_t n_rows, float *scores);

/* gbdt_model_save: to a file beside it first, so that an old one is replaced whole or not at all.
 */
bool gbdt_model_save(const struct gbdt_model *model, const char *path, struct why *why);

/* gbdt_model_load: into a zeroed model, which stays zeroed on failure. A file that is cut, damaged
 * or of another version is refused; nothing in it can lead a walk out of its tree. */
bool gbdt_model_load(struct gbdt_model *model, const char *path, struct why *why);

/* gbdt_model_read: the same from memory; name is for the sentence. */
bool gbdt_model_read(struct gbdt_model *model, const void *bytes, size_t n, const char *name,
		     struct why *why);

#endif
