/* Matrix products and their two gradients, which are matrix products of transposed matrices. */
#include "sampler/base/why.h"
#include "workloads/support/autograd.h"
#include "workloads/support/tape_run.h"

static struct matmul_operand plain(const float *at, size_t row_step)
{
	return (struct matmul_operand){ at, row_step, 1 };
}

static struct matmul_operand transposed(const float *at, size_t row_step)
{
	return (struct matmul_operand){ at, 1, row_step };
}

static void multiply(struct tape *tape, const struct matmul *matmul)
{
	double m = (double)matmul->m, n = (double)matmul->n, k = (double)matmul->k;
	tape_run_matmul(tape, matmul);
	tape_count_matmul(tape, 2 * m * n * k,
			  4 * (m * k + k * n + (matmul->accumulates ? 2 : 1) * m * n));
}

/* A product that is the first to reach a gradient writes it; later ones add. */
static void multiply_into_gradient(struct tape *tape, struct tensor *t, struct matmul *matmul)
{
	bool is_fresh;
	matmul->c = tape_gradient_fresh(tape, t, &is_fresh);
	matmul->c_step = matmul->n;
	matmul->accumulates = !is_fresh;
	multiply(tape, matmul);
}

/* out (m,n) = a (m,k) b (k,n): da = dout b^T, db = a^T dout. */
static void matmul_backward(struct tape *tape, struct tensor *out)
{
	struct tensor *a = out->parents[0], *b = out->parents[1];
	size_t n = b->shape.at[1], k = b->shape.at[0], m = out->n / n;
	struct matmul to_a = {
		.m = m, .n = k, .k = n, .a = plain(out->gradient, n), .b = transposed(b->data, n)
	};
	struct matmul to_b = {
		.m = k, .n = n, .k = m, .a = transposed(a->data, k), .b = plain(out->gradient, n)
	};
	if (a->needs_gradient)
		multiply_into_gradient(tape, a, &to_a);
	if (b->needs_gradient)
		multiply_into_gradient(tape, b, &to_b);
}

/* out (m,n) = a (m,k) b^T, b (n,k): da = dout b, db = dout^T a. */
static void matmul_transposed_backward(struct tape *tape, struct tensor *out)
{
	struct tensor *a = out->parents[0], *b = out->parents[1];
	size_t n = b->shape.at[0], k = b->shape.at[1], m = out->n / n;
	struct matmul to_a = {
		.m = m, .n = k, .k = n, .a = plain(out->gradient, n), .b = plain(b->data, k)
	};
	struct matmul to_b = {
		.m = n, .n = k, .k = m, .a = transposed(out->gradient, n), .b = plain(a->data, k)
	};
	if (a->needs_gradient)
		multiply_into_gradient(tape, a, &to_a);
	if (b->needs_gradient)
		multiply_into_gradient(tape, b, &to_b);
}

static const struct tensor_op op_matmul = { "matmul", matmul_backward };
static const struct tensor_op op_matmul_transposed = { "matmul", matmul_transposed_backward };

static struct tensor *product(struct tape *tape, struct tensor *a, struct tensor *b,
			      bool transposes_b)
{
	size_t k = b->shape.at[transposes_b ? 1 : 0], n = b->shape.at[transposes_b ? 0 : 1];
	if (b->shape.n_axes != 2 || a->shape.n_axes < 2 || shape_last(&a->shape) != k)
		die("a matrix product of shapes that do not fit");
	struct shape shape = a->shape;
	shape.at[shape.n_axes - 1] = n;
	struct tensor *out = tape_tensor(tape, shape);
	struct matmul matmul = {
		.m = a->n / k, .n = n, .k = k, .a = plain(a->data, k), .c = out->data, .c_step = n
	};
	matmul.b = transposes_b ? transposed(b->data, k) : plain(b->data, n);
	multiply(tape, &matmul);
	out->parents[0] = a;
	out->parents[1] = b;
	return tape_record(tape, out, transposes_b ? &op_matmul_transposed : &op_matmul);
}

struct tensor *autograd_matmul(struct tape *tape, struct tensor *a, struct tensor *b)
{
	return product(tape, a, b, false);
}

struct tensor *autograd_matmul_transposed(struct tape *tape, struct tensor *a, struct tensor *b)
{
	return product(tape, a, b, true);
}
