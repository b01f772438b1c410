/*
 * checkpoint: the weights of a model in a file.
 *
 * Layout, little-endian: 8 bytes "stokewts"; u32 version (2); u32 length of what the model is
 * besides its weights, that text; u32 number of tensors; for each u32 length of its name, the name,
 * u32 number of axes, u64 for each axis, the values as f32; at the end a u64, the FNV-1a sum of all
 * bytes before it.
 */
#ifndef WORKLOADS_SUPPORT_CHECKPOINT_H
#define WORKLOADS_SUPPORT_CHECKPOINT_H

#include "sampler/base/why.h"
#include "workloads/support/tensor.h"

/* What the names and shapes of weights do not tell: models that differ in it read other things into
 * the same numbers ("activation=relu"). */
struct checkpoint_model {
	struct parameters *parameters;
	const char *besides;
};

/* checkpoint_save: to a file beside it first, so that an old one is replaced whole or not at all.
 */
bool checkpoint_save(const struct checkpoint_model *model, const char *path, struct why *why);

/*
 * checkpoint_load: into parameters of the same names and shapes, of a model that is the same
 * besides.
 * Errors  a file that is cut, damaged, of another version or of another model leaves the
 *         parameters as they were
 */
bool checkpoint_load(const struct checkpoint_model *model, const char *path, struct why *why);

#endif
