/* Weights begin so that every part puts out what is about as large as what it takes in. */
#include "workloads/support/gpt_model.h"

#include <math.h>
#include <stdio.h>

#include "workloads/support/random.h"

/* As in GPT-2: small enough that the first guess is nearly even over the vocabulary. */
static const double TABLE_DEVIATION = 0.02;
static const float NORM_EPSILON = 1e-5F;
enum { HIDDEN_STEP = 32, NAME_BYTES = 32 };

struct maker {
	struct parameters *parameters;
	struct random random;
	size_t block;
};

static struct tensor *matrix(struct maker *maker, const char *what, size_t rows, size_t columns,
			     double deviation)
{
	char name[NAME_BYTES];
	snprintf(name, sizeof name, "block %zu %s", maker->block, what);
	return parameters_add(maker->parameters, name, shape_2(rows, columns), &maker->random,
			      deviation);
}

static struct tensor *ones(struct maker *maker, const char *what, size_t n)
{
	char name[NAME_BYTES];
	snprintf(name, sizeof name, "block %zu %s", maker->block, what);
	struct tensor *t = parameters_add(maker->parameters, name, shape_1(n), NULL, 0);
	parameters_fill(t, 1);
	return t;
}

static void make_block(struct maker *maker, struct gpt_block *block, const struct gpt_shape *shape)
{
	size_t width = shape->width, hidden = shape->hidden;
	double in = 1 / sqrt((double)width);
	/* What is added to the stream 2 n times is made smaller by the root of that (GPT-2). */
	double share = 1 / sqrt(2.0 * (double)shape->n_blocks);
	block->attention_norm = ones(maker, "attention norm", width);
	block->query = matrix(maker, "query", width, width, in);
	block->key = matrix(maker, "key", width, width, in);
	block->value = matrix(maker, "value", width, width, in);
	block->project = matrix(maker, "project", width, width, in * share);
	block->forward_norm = ones(maker, "forward norm", width);
	block->gate = matrix(maker, "gate", width, hidden, in);
	block->up = matrix(maker, "up", width, hidden, in);
	block->down = matrix(maker, "down", hidden, width, share / sqrt((double)hidden));
	snprintf(block->attention_scope, sizeof block->attention_scope, "block %zu attention",
		 maker->block);
	snprintf(block->forward_scope, sizeof block->forward_scope, "block %zu swiglu",
		 maker->block);
}

void gpt_model_make(struct gpt_model *model, const struct gpt_shape *shape, uint64_t seed)
{
	struct maker maker = { parameters_new(), { seed }, 0 };
	model->shape = *shape;
	model->shape.hidden = (shape->width * 8 / 3 + HIDDEN_STEP - 1) / HIDDEN_STEP * HIDDEN_STEP;
	model->parameters = maker.parameters;
	model->table = parameters_add(maker.parameters, "table",
				      shape_2(shape->n_vocabulary, shape->width), &maker.random,
				      TABLE_DEVIATION);
	for (size_t i = 0; i < shape->n_blocks; i++) {
		maker.block = i + 1;
		make_block(&maker, &model->blocks[i], &model->shape);
	}
	model->last_norm =
		parameters_add(maker.parameters, "last norm", shape_1(shape->width), NULL, 0);
	parameters_fill(model->last_norm, 1);
	rope_table_make(&model->rope, shape->length, shape->width / shape->n_heads);
}

void gpt_model_to_device(struct gpt_model *model, struct tensor_device *device)
{
	parameters_to_device(model->parameters, device);
	rope_table_to_device(&model->rope, device);
}

void gpt_model_free(struct gpt_model *model)
{
	parameters_free(model->parameters);
	rope_table_free(&model->rope);
}

__attribute__((noinline)) static struct tensor *attention_part(struct gpt_model *model,
							       struct tape *tape,
							       struct gpt_block *block,
							       struct tensor *x, size_t length)
{
	tape_scope(tape, block->attention_scope);
	struct tensor *h = autograd_rmsnorm(tape, x, block->attention_norm, NORM_EPSILON);
	struct tensor *q = autograd_matmul(tape, h, block->query);
	struct tensor *k = autograd_matmul(tape, h, block->key);
	struct tensor *v = autograd_matmul(tape, h, block->value);
	q = autograd_rope(tape, q, &model->rope, length);
	k = autograd_rope(tape, k, &model->rope, length);
	h = autograd_attention(tape, q, k, v, length, model->shape.n_heads);
	return autograd_add(tape, x, autograd_matmul(tape, h, block->project));
}

__attribute__((noinline)) static struct tensor *
forward_part(struct tape *tape, struct gpt_block *block, struct tensor *x)
{
	tape_scope(tape, block->forward_scope);
	struct tensor *h = autograd_rmsnorm(tape, x, block->forward_norm, NORM_EPSILON);
	struct tensor *gate = autograd_matmul(tape, h, block->gate);
	struct tensor *up = autograd_matmul(tape, h, block->up);
	h = autograd_swiglu(tape, gate, up);
	return autograd_add(tape, x, autograd_matmul(tape, h, block->down));
}

struct tensor *gpt_model_logits(struct gpt_model *model, struct tape *tape, const int32_t *tokens,
				size_t n_sequences, size_t length)
{
	tape_scope(tape, "embedding");
	struct tensor *x = autograd_embedding(tape, model->table, tokens, n_sequences * length);
	for (size_t i = 0; i < model->shape.n_blocks; i++) {
		x = attention_part(model, tape, &model->blocks[i], x, length);
		x = forward_part(tape, &model->blocks[i], x);
	}
	tape_scope(tape, "head");
	x = autograd_rmsnorm(tape, x, model->last_norm, NORM_EPSILON);
	x = autograd_matmul_transposed(tape, x, model->table);
	tape_scope(tape, NULL);
	return x;
}

/*
 * A matrix product forward has two backward; attention's two (scores, sum over values) have four:
 * the scores' inputs, the weights and the values.
 */
double gpt_model_flops(const struct gpt_model *model, size_t n_sequences, size_t length,
		       bool has_backward)
{
	const struct gpt_shape *shape = &model->shape;
	double width = (double)shape->width, hidden = (double)shape->hidden;
	double weights = (double)shape->n_blocks * (4 * width * width + 3 * width * hidden) +
			 (double)shape->n_vocabulary * width;
	double scores =
		autograd_attention_scores(model->rope.device, length) * (double)shape->n_heads;
	double head_width = width / (double)shape->n_heads;
	double linear = 2 * weights * (double)(n_sequences * length);
	double attention = 2 * 2 * scores * head_width * (double)(n_sequences * shape->n_blocks);
	return (linear + attention) * (has_backward ? 3 : 1);
}
