/* Operations along the last axis; the loops are in tensor_rows.c. */
#include <math.h>

#include "kernels/cuda/tensor.h"
#include "sampler/base/why.h"
#include "workloads/support/autograd.h"
#include "workloads/support/tape_run.h"
#include "workloads/support/tensor_loops.h"
#include "workloads/support/tensor_rows.h"

/* Forward: one array read, one written; back: two read, one read and written. */
static void run_rows(struct tape *tape, const struct rows *rows, bool is_back)
{
	double n = (double)rows->n_rows * (double)rows->n_columns;
	tape_run_rows(tape, rows);
	tape_count(tape, tensor_rows_flops(rows->kind) * n, (is_back ? 16 : 8) * n);
}

static struct rows rows_of(enum rows_kind kind, const struct tensor *a)
{
	size_t n = shape_last(&a->shape);
	return (struct rows){
		.kind = kind, .n_rows = a->n / n, .n_columns = n, .a = a->data, .s = 1
	};
}

static void softmax_backward(struct tape *tape, struct tensor *out)
{
	struct rows rows = rows_of(ROWS_SOFTMAX_BACK, out);
	rows.a = out->gradient;
	rows.b = out->data;
	rows.out = tape_gradient(tape, out->parents[0]);
	rows.adds = true;
	run_rows(tape, &rows, true);
}

static const struct tensor_op op_softmax = { "softmax", softmax_backward };

struct tensor *autograd_softmax(struct tape *tape, struct tensor *a)
{
	struct tensor *out = tape_tensor(tape, a->shape);
	struct rows rows = rows_of(ROWS_SOFTMAX, a);
	rows.out = out->data;
	run_rows(tape, &rows, false);
	out->parents[0] = a;
	return tape_record(tape, out, &op_softmax);
}

static void entropy_back_here(struct tape *tape, const struct cuda_entropy_task *task)
{
	float *gradient = task->gradient, scale = *task->out_gradient / (float)task->n_rows;
	struct loop loop = { .kind = LOOP_ADD_TO,
			     .out = gradient,
			     .a = task->softmax,
			     .s = scale,
			     .n = task->n_rows * task->n_columns };
	tape_run_loop(tape, &loop);
	for (size_t row = 0; row < task->n_rows; row++)
		gradient[row * task->n_columns + (size_t)task->targets[row]] -= scale;
}

/* The gradient of a row is its softmax, less 1 at the target. */
static void cross_entropy_backward(struct tape *tape, struct tensor *out)
{
	struct tensor *logits = out->parents[0];
	size_t n_columns = shape_last(&logits->shape), n_rows = logits->n / n_columns;
	struct cuda_entropy_task task = { .n_rows = n_rows,
					  .n_columns = n_columns,
					  .gradient = tape_gradient(tape, logits),
					  .softmax = out->saved,
					  .out_gradient = out->gradient,
					  .targets = out->indices };
	if (tape_device(tape))
		tape_run_task(tape, DEVICE_ENTROPY_BACK, &task);
	else
		entropy_back_here(tape, &task);
	tape_count(tape, 2.0 * (double)logits->n + (double)n_rows, 12.0 * (double)logits->n);
}

static const struct tensor_op op_cross_entropy = { "cross-entropy", cross_entropy_backward };

static void mean_of(struct tape *tape, float *out, const float *values, size_t n)
{
	struct cuda_total_task task = {
		.a = values, .n = n, .n_parts = 1, .out = out, .scale = 1 / (double)n
	};
	if (tape_device(tape))
		tape_run_task(tape, DEVICE_TOTAL, &task);
	else
		*out = (float)(tensor_sum(values, n) / (double)n);
}

struct tensor *autograd_cross_entropy(struct tape *tape, struct tensor *logits,
				      const int32_t *targets)
{
	struct tensor *out = tape_tensor(tape, shape_1(1));
	struct rows rows = rows_of(ROWS_CROSS_ENTROPY, logits);
	for (size_t row = 0; row < rows.n_rows; row++)
		if (targets[row] < 0 || (size_t)targets[row] >= rows.n_columns)
			die("a cross-entropy with target %d of %zu", (int)targets[row],
			    rows.n_columns);
	targets = tape_put(tape, targets, rows.n_rows * sizeof *targets);
	float *losses = tape_take(tape, rows.n_rows);
	out->saved = tape_take(tape, logits->n);
	rows.out = out->saved;
	rows.saved = losses;
	rows.targets = targets;
	run_rows(tape, &rows, false);
	mean_of(tape, out->data, losses, rows.n_rows);
	out->parents[0] = logits;
	out->indices = targets;
	return tape_record(tape, out, &op_cross_entropy);
}

static void norm_weights_backward(struct tape *tape, struct tensor *out, const float *shift,
				  const float *scale, size_t saved_step)
{
	struct tensor *a = out->parents[0], *weights = out->parents[1], *bias = out->parents[2];
	size_t n = shape_last(&a->shape);
	struct columns columns = { .n_rows = a->n / n,
				   .n_columns = n,
				   .a = out->gradient,
				   .b = a->data,
				   .shift = shift,
				   .scale = scale,
				   .saved_step = saved_step };
	columns.out = tape_gradient_or_none(tape, weights);
	if (columns.out) {
		tape_run_columns(tape, &columns);
		tape_count(tape, (shift ? 4.0 : 3.0) * (double)a->n, 8.0 * (double)a->n);
	}
	columns.out = bias ? tape_gradient_or_none(tape, bias) : NULL;
	columns.b = NULL;
	if (columns.out) {
		tape_run_columns(tape, &columns);
		tape_count(tape, (double)a->n, 4.0 * (double)a->n);
	}
}

static void norm_input_backward(struct tape *tape, struct tensor *out, enum rows_kind kind)
{
	struct tensor *a = out->parents[0];
	struct rows rows = rows_of(kind, a);
	rows.a = out->gradient;
	rows.b = a->data;
	rows.weights = out->parents[1]->data;
	rows.saved = out->saved;
	rows.out = tape_gradient_or_none(tape, a);
	if (rows.out)
		run_rows(tape, &rows, true);
}

static void layernorm_backward(struct tape *tape, struct tensor *out)
{
	norm_input_backward(tape, out, ROWS_LAYERNORM_BACK);
	norm_weights_backward(tape, out, out->saved, out->saved + 1, 2);
}

static void rmsnorm_backward(struct tape *tape, struct tensor *out)
{
	norm_input_backward(tape, out, ROWS_RMSNORM_BACK);
	norm_weights_backward(tape, out, NULL, out->saved, 1);
}

static const struct tensor_op op_layernorm = { "layernorm", layernorm_backward };
static const struct tensor_op op_rmsnorm = { "rmsnorm", rmsnorm_backward };

static struct tensor *norm(struct tape *tape, enum rows_kind kind, struct tensor *a,
			   struct tensor *weights, struct tensor *bias, float epsilon)
{
	struct rows rows = rows_of(kind, a);
	bool is_layer = kind == ROWS_LAYERNORM;
	if (weights->n != rows.n_columns || (bias && bias->n != rows.n_columns))
		die("a norm of %zu values with %zu weights", rows.n_columns, weights->n);
	struct tensor *out = tape_tensor(tape, a->shape);
	out->saved = tape_take(tape, rows.n_rows * (is_layer ? 2 : 1));
	rows.out = out->data;
	rows.saved = out->saved;
	rows.weights = weights->data;
	rows.bias = bias ? bias->data : NULL;
	rows.s = epsilon;
	run_rows(tape, &rows, false);
	out->parents[0] = a;
	out->parents[1] = weights;
	out->parents[2] = bias;
	return tape_record(tape, out, is_layer ? &op_layernorm : &op_rmsnorm);
}

struct tensor *autograd_layernorm(struct tape *tape, struct tensor *a, struct tensor *weights,
				  struct tensor *bias, float epsilon)
{
	return norm(tape, ROWS_LAYERNORM, a, weights, bias, epsilon);
}

struct tensor *autograd_rmsnorm(struct tape *tape, struct tensor *a, struct tensor *weights,
				float epsilon)
{
	return norm(tape, ROWS_RMSNORM, a, weights, NULL, epsilon);
}
