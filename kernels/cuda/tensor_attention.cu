/*
 * Causal attention and its gradient: products of matrices for all heads of all sequences at once
 * (tensor_product.cu), with the softmax of each query between them. The softmax is kept for the way
 * back, as on the CPU; of the square of queries and keys only tiles that reach the diagonal are
 * computed.
 */
#include "kernels/cuda/tensor.cuh"

/* What lies behind the diagonal in a tile that is computed must count as nothing. */
__device__ static void clear_behind(float *row, size_t query, size_t length)
{
	size_t end = (query / CUDA_ATTENTION_TILE + 1) * CUDA_ATTENTION_TILE;
	end = end < length ? end : length;
	for (size_t j = query + 1 + threadIdx.x; j < end; j += blockDim.x)
		row[j] = 0;
}

__global__ void tensor_attention_softmax(float *scores, size_t length, float scale)
{
	size_t query = blockIdx.x % length;
	float *row = scores + (size_t)blockIdx.x * length;
	softmax_row(row, row, query + 1, scale);
	clear_behind(row, query, length);
}

__global__ void tensor_attention_softmax_back(float *scores, const float *weights, size_t length,
					      float scale)
{
	size_t query = blockIdx.x % length;
	float *row = scores + (size_t)blockIdx.x * length;
	softmax_back_row(row, row, weights + (size_t)blockIdx.x * length, query + 1, scale, false);
	clear_behind(row, query, length);
}

/* An array as a batch of matrices, one a head. */
struct operand {
	const float *at;
	size_t row, column, outer, inner;
};

/* Of queries, keys, values: a row a token. */
static operand tokens_of(const struct cuda_heads_task *with, const float *at)
{
	size_t step = with->n_heads * with->width;
	return operand{ at, step, 1, with->length * step, with->width };
}

/* Of scores: a row a query. */
static operand square_of(const struct cuda_heads_task *with, const float *at)
{
	size_t square = with->length * with->length;
	return operand{ at, with->length, 1, with->n_heads * square, square };
}

static operand turned(const operand &a)
{
	return operand{ a.at, a.column, a.row, a.outer, a.inner };
}

static const char *multiply(const struct cuda_heads_task *with, const operand &c, const operand &a,
			    const operand &b, enum cuda_reach reach, bool is_adding)
{
	struct cuda_product_task task = {};
	bool is_square = reach == REACH_LOWER;
	task.first.m = with->length;
	task.first.n = is_square ? with->length : with->width;
	task.first.k = is_square ? with->width : with->length;
	task.first.a = a.at;
	task.first.a_row = a.row;
	task.first.a_column = a.column;
	task.first.b = b.at;
	task.first.b_row = b.row;
	task.first.b_column = b.column;
	task.first.c = (float *)c.at;
	task.first.c_row = c.row;
	task.first.is_adding = is_adding;
	task.n_outer = with->n_sequences;
	task.n_inner = with->n_heads;
	task.outer = cuda_steps{ a.outer, b.outer, c.outer };
	task.inner = cuda_steps{ a.inner, b.inner, c.inner };
	task.reach = reach;
	return launch_product(&task);
}

static dim3 queries_of(const struct cuda_heads_task *with)
{
	return dim3((unsigned)(with->n_sequences * with->n_heads * with->length));
}

static const char *launch_attention(const void *opaque)
{
	const struct cuda_heads_task *with = (const struct cuda_heads_task *)opaque;
	operand weights = square_of(with, with->weights);
	if (queries_of(with).x == 0)
		return NULL;
	const char *problem = multiply(with, weights, tokens_of(with, with->q),
				       turned(tokens_of(with, with->k)), REACH_LOWER, false);
	if (problem)
		return problem;
	launch(tensor_attention_softmax, queries_of(with), dim3(threads_for_row(with->length)),
	       with->weights, with->length, with->scale);
	return multiply(with, tokens_of(with, with->out), weights, tokens_of(with, with->v),
			REACH_BEFORE, false);
}

/* To the scores: through the sum over values, then through the softmax. */
static const char *scores_back(const struct cuda_heads_task *with)
{
	const char *problem =
		multiply(with, square_of(with, with->scores), tokens_of(with, with->out_gradient),
			 turned(tokens_of(with, with->v)), REACH_LOWER, false);
	if (!problem)
		launch(tensor_attention_softmax_back, queries_of(with),
		       dim3(threads_for_row(with->length)), with->scores,
		       (const float *)with->weights, with->length, with->scale);
	return problem;
}

static const char *launch_attention_back(const void *opaque)
{
	const struct cuda_heads_task *with = (const struct cuda_heads_task *)opaque;
	operand weights = square_of(with, with->weights), scores = square_of(with, with->scores);
	const char *problem = NULL;
	if (queries_of(with).x == 0)
		return NULL;
	if (with->v_gradient)
		problem = multiply(with, tokens_of(with, with->v_gradient), turned(weights),
				   tokens_of(with, with->out_gradient), REACH_BEHIND, true);
	if (!problem && (with->q_gradient || with->k_gradient))
		problem = scores_back(with);
	if (!problem && with->q_gradient)
		problem = multiply(with, tokens_of(with, with->q_gradient), scores,
				   tokens_of(with, with->k), REACH_BEFORE, true);
	if (!problem && with->k_gradient)
		problem = multiply(with, tokens_of(with, with->k_gradient), turned(scores),
				   tokens_of(with, with->q), REACH_BEHIND, true);
	return problem;
}

const struct cuda_kernel tensor_attention_kernels[] = {
	{ "tensor_attention", "tiles", "products and a softmax between", launch_attention },
	{ "tensor_attention_back", "tiles", "five products", launch_attention_back },
	{},
};
