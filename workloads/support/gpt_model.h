/*
 * gpt_model: a small language model of today's make: causal attention with rotary positions, root
 * mean square norms before each part, SwiGLU, and one table for reading and for writing letters.
 * Source  Touvron et al., "LLaMA" (2023); Press and Wolf (2017) for the shared table
 */
#ifndef WORKLOADS_SUPPORT_GPT_MODEL_H
#define WORKLOADS_SUPPORT_GPT_MODEL_H

#include "workloads/support/autograd.h"

enum { GPT_MOST_BLOCKS = 48 };

struct gpt_shape {
	size_t n_vocabulary, n_blocks, width, n_heads, length;
	size_t hidden; /* of SwiGLU: 8/3 width, rounded up to a multiple of 32 */
};

struct gpt_block {
	struct tensor *attention_norm, *query, *key, *value, *project;
	struct tensor *forward_norm, *gate, *up, *down;
	char attention_scope[32], forward_scope[32];
};

struct gpt_model {
	struct gpt_shape shape;
	struct parameters *parameters;
	struct tensor *table, *last_norm;
	struct gpt_block blocks[GPT_MOST_BLOCKS];
	struct rope_table rope;
};

/* gpt_model_make: shape without `hidden`, which is set. */
void gpt_model_make(struct gpt_model *model, const struct gpt_shape *shape, uint64_t seed);
/* gpt_model_to_device: weights and angles; NULL: nothing changes. As parameters_to_device. */
void gpt_model_to_device(struct gpt_model *model, struct tensor_device *device);
void gpt_model_free(struct gpt_model *model);

/* gpt_model_logits: of n_sequences of `length` tokens: (n_sequences x length, vocabulary). */
struct tensor *gpt_model_logits(struct gpt_model *model, struct tape *tape, const int32_t *tokens,
				size_t n_sequences, size_t length);

/* gpt_model_flops: in matrix products, forward or forward and backward, from the shapes alone. */
double gpt_model_flops(const struct gpt_model *model, size_t n_sequences, size_t length,
		       bool has_backward);

#endif
