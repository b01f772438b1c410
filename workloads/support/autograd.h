/*
 * autograd: the operations of the tensor engine. Each makes a new tensor on the tape from others
 * and records how its gradient goes back. Shapes that do not fit are an error of the program:
 * die().
 *
 * Elementwise operations of two tensors broadcast as usual: shapes are compared from the last axis,
 * and a length of 1 is stretched; its gradient is the sum.
 *
 * On a device (tensor_device.h) there are: pairs of one shape or with a row added, what is in
 * autograd_activations.c, matmul, autograd_rows.c, autograd_attention.c, reshape and embedding:
 * what the workloads mlp and gpt are made of. Another operation there is an error of the program,
 * too.
 */
#ifndef WORKLOADS_SUPPORT_AUTOGRAD_H
#define WORKLOADS_SUPPORT_AUTOGRAD_H

#include "workloads/support/tensor.h"

/* autograd_elementwise.c: two tensors, broadcast */
struct tensor *autograd_add(struct tape *tape, struct tensor *a, struct tensor *b);
struct tensor *autograd_subtract(struct tape *tape, struct tensor *a, struct tensor *b);
struct tensor *autograd_multiply(struct tape *tape, struct tensor *a, struct tensor *b);
struct tensor *autograd_divide(struct tape *tape, struct tensor *a, struct tensor *b);

/* autograd_activations.c: every element by itself */
struct tensor *autograd_scale(struct tape *tape, struct tensor *a, float factor, float shift);
struct tensor *autograd_relu(struct tape *tape, struct tensor *a);
/* gelu: by the tanh formula of Hendrycks and Gimpel (2016), as in GPT-2. */
struct tensor *autograd_gelu(struct tape *tape, struct tensor *a);
struct tensor *autograd_silu(struct tape *tape, struct tensor *a);
struct tensor *autograd_tanh(struct tape *tape, struct tensor *a);
struct tensor *autograd_sigmoid(struct tape *tape, struct tensor *a);
struct tensor *autograd_exp(struct tape *tape, struct tensor *a);
/* sqrt: of max(a, 0) + epsilon, so that it and its gradient stay finite. */
struct tensor *autograd_sqrt(struct tape *tape, struct tensor *a, float epsilon);
/* swiglu: silu(gate) x up, in one pass. Source: Shazeer, "GLU variants" (2020). */
struct tensor *autograd_swiglu(struct tape *tape, struct tensor *gate, struct tensor *up);

/* autograd_shape.c: the same values elsewhere, and sums */
/* reshape: no copy; data and gradient are shared. */
struct tensor *autograd_reshape(struct tape *tape, struct tensor *a, struct shape shape);
/* transpose: axes i and j exchanged; a copy. */
struct tensor *autograd_transpose(struct tape *tape, struct tensor *a, unsigned i, unsigned j);
/* slice: [from, from + n) of an axis; a copy. */
struct tensor *autograd_slice(struct tape *tape, struct tensor *a, unsigned axis, size_t from,
			      size_t n);
/* sum: of everything, one element; sum_axis: of one axis, which becomes 1. */
struct tensor *autograd_sum(struct tape *tape, struct tensor *a);
struct tensor *autograd_mean(struct tape *tape, struct tensor *a);
struct tensor *autograd_sum_axis(struct tape *tape, struct tensor *a, unsigned axis);

/*
 * embedding: rows `indices` (n of them, below table's rows) of table (rows, width): (n, width).
 * indices are borrowed until tape_reset.
 */
struct tensor *autograd_embedding(struct tape *tape, struct tensor *table, const int32_t *indices,
				  size_t n);

/* autograd_matmul.c */
/* matmul: a (..., k) times b (k, n), or b (n, k) transposed: (..., n). */
struct tensor *autograd_matmul(struct tape *tape, struct tensor *a, struct tensor *b);
struct tensor *autograd_matmul_transposed(struct tape *tape, struct tensor *a, struct tensor *b);

/* autograd_rows.c: along the last axis */
struct tensor *autograd_softmax(struct tape *tape, struct tensor *a);
/*
 * cross_entropy: mean of -log softmax(logits)[target] over all rows, in nats: one element.
 * targets: one a row, below the last axis' length; borrowed until tape_reset.
 */
struct tensor *autograd_cross_entropy(struct tape *tape, struct tensor *logits,
				      const int32_t *targets);
struct tensor *autograd_layernorm(struct tape *tape, struct tensor *a, struct tensor *weights,
				  struct tensor *bias, float epsilon);
/* rmsnorm: a / sqrt(mean a^2 + epsilon) x weights. Source: Zhang and Sennrich (2019). */
struct tensor *autograd_rmsnorm(struct tape *tape, struct tensor *a, struct tensor *weights,
				float epsilon);

/* autograd_attention.c */
/* Angles of rotary positions for heads of `width`: (n_positions, width / 2) each. */
struct rope_table {
	float *cosine, *sine;
	size_t n_positions, half;
	struct tensor_device *device; /* where the angles are; NULL: this processor */
};

void rope_table_make(struct rope_table *table, size_t n_positions, size_t width);
void rope_table_to_device(struct rope_table *table, struct tensor_device *device);
void rope_table_free(struct rope_table *table);

/*
 * rope: rotate pairs (i, i + width / 2) of each head by its position's angles; a is
 * (tokens, heads x width), token t at position t % n_positions. The table is borrowed.
 * Source  Su et al., "RoFormer" (2021)
 */
struct tensor *autograd_rope(struct tape *tape, struct tensor *a, const struct rope_table *table,
			     size_t n_positions);

/*
 * attention: softmax(q k^T / sqrt(width)) v for each of n_heads, causal: a token sees itself and
 * those before it in its own sequence.
 * q, k, v  (n_sequences x length, n_heads x width)
 * FLOPs    blocks of 56 queries (on a device 32) see all keys up to the block's last: about half of
 *          the square
 * Source   Vaswani et al., "Attention is all you need" (2017)
 */
struct tensor *autograd_attention(struct tape *tape, struct tensor *q, struct tensor *k,
				  struct tensor *v, size_t length, size_t n_heads);

/* autograd_attention_scores: pairs of a query and a key computed for one head of one sequence, by a
 * device or (NULL) this processor. */
double autograd_attention_scores(const struct tensor_device *device, size_t length);

#endif
