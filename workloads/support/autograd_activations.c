/* Operations on every element by itself; the loops are in tensor_loops.c. */
#include "sampler/base/why.h"
#include "workloads/support/autograd.h"
#include "workloads/support/tape_run.h"
#include "workloads/support/tensor_loops.h"

static void run_loop(struct tape *tape, const struct loop *loop)
{
	double n = (double)loop->n;
	int n_arrays = 1 + (loop->kind >= LOOP_ADD_TO) + (loop->a != NULL) + (loop->b != NULL) +
		       (loop->c != NULL);
	tape_run_loop(tape, loop);
	tape_count(tape, tensor_loop_flops(loop->kind) * n, 4.0 * n_arrays * n);
}

static struct tensor *apply(struct tape *tape, enum loop_kind kind, struct tensor *a, float s,
			    float t, const struct tensor_op *op)
{
	struct tensor *out = tape_tensor(tape, a->shape);
	struct loop loop = {
		.kind = kind, .out = out->data, .a = a->data, .s = s, .t = t, .n = a->n
	};
	run_loop(tape, &loop);
	out->parents[0] = a;
	out->scalar = s;
	return tape_record(tape, out, op);
}

/* b and c are what the gradient's formula wants to see again. */
static void apply_back(struct tape *tape, enum loop_kind kind, struct tensor *out, const float *b,
		       const float *c)
{
	struct loop loop = { .kind = kind,
			     .out = tape_gradient(tape, out->parents[0]),
			     .a = out->gradient,
			     .b = b,
			     .c = c,
			     .s = out->scalar,
			     .n = out->n };
	run_loop(tape, &loop);
}

static void scale_backward(struct tape *tape, struct tensor *out)
{
	apply_back(tape, LOOP_ADD_TO, out, NULL, NULL);
}

static const struct tensor_op op_scale = { "scale", scale_backward };

struct tensor *autograd_scale(struct tape *tape, struct tensor *a, float factor, float shift)
{
	return apply(tape, LOOP_SCALE, a, factor, shift, &op_scale);
}

static void relu_backward(struct tape *tape, struct tensor *out)
{
	apply_back(tape, LOOP_RELU_BACK, out, out->data, NULL);
}

static const struct tensor_op op_relu = { "relu", relu_backward };

struct tensor *autograd_relu(struct tape *tape, struct tensor *a)
{
	return apply(tape, LOOP_RELU, a, 0, 0, &op_relu);
}

static void gelu_backward(struct tape *tape, struct tensor *out)
{
	apply_back(tape, LOOP_GELU_BACK, out, out->parents[0]->data, NULL);
}

static const struct tensor_op op_gelu = { "gelu", gelu_backward };

struct tensor *autograd_gelu(struct tape *tape, struct tensor *a)
{
	return apply(tape, LOOP_GELU, a, 0, 0, &op_gelu);
}

static void silu_backward(struct tape *tape, struct tensor *out)
{
	apply_back(tape, LOOP_SILU_BACK, out, out->parents[0]->data, NULL);
}

static const struct tensor_op op_silu = { "silu", silu_backward };

struct tensor *autograd_silu(struct tape *tape, struct tensor *a)
{
	return apply(tape, LOOP_SILU, a, 0, 0, &op_silu);
}

static void tanh_backward(struct tape *tape, struct tensor *out)
{
	apply_back(tape, LOOP_TANH_BACK, out, out->data, NULL);
}

static const struct tensor_op op_tanh = { "tanh", tanh_backward };

struct tensor *autograd_tanh(struct tape *tape, struct tensor *a)
{
	return apply(tape, LOOP_TANH, a, 0, 0, &op_tanh);
}

static void sigmoid_backward(struct tape *tape, struct tensor *out)
{
	apply_back(tape, LOOP_SIGMOID_BACK, out, out->data, NULL);
}

static const struct tensor_op op_sigmoid = { "sigmoid", sigmoid_backward };

struct tensor *autograd_sigmoid(struct tape *tape, struct tensor *a)
{
	return apply(tape, LOOP_SIGMOID, a, 0, 0, &op_sigmoid);
}

static void exp_backward(struct tape *tape, struct tensor *out)
{
	out->scalar = 1;
	apply_back(tape, LOOP_PRODUCT_TO, out, out->data, NULL);
}

static const struct tensor_op op_exp = { "exp", exp_backward };

struct tensor *autograd_exp(struct tape *tape, struct tensor *a)
{
	return apply(tape, LOOP_EXP, a, 0, 0, &op_exp);
}

static void sqrt_backward(struct tape *tape, struct tensor *out)
{
	apply_back(tape, LOOP_SQRT_BACK, out, out->data, out->parents[0]->data);
}

static const struct tensor_op op_sqrt = { "sqrt", sqrt_backward };

struct tensor *autograd_sqrt(struct tape *tape, struct tensor *a, float epsilon)
{
	return apply(tape, LOOP_SQRT, a, epsilon, 0, &op_sqrt);
}

static void swiglu_backward(struct tape *tape, struct tensor *out)
{
	struct tensor *gate = out->parents[0], *up = out->parents[1];
	struct loop loop = { .kind = LOOP_SWIGLU_GATE_BACK,
			     .a = out->gradient,
			     .b = gate->data,
			     .c = up->data,
			     .n = out->n };
	loop.out = tape_gradient_or_none(tape, gate);
	if (loop.out)
		run_loop(tape, &loop);
	loop.kind = LOOP_SWIGLU_BACK;
	loop.c = NULL;
	loop.out = tape_gradient_or_none(tape, up);
	if (loop.out)
		run_loop(tape, &loop);
}

static const struct tensor_op op_swiglu = { "swiglu", swiglu_backward };

struct tensor *autograd_swiglu(struct tape *tape, struct tensor *gate, struct tensor *up)
{
	if (!shape_equals(&gate->shape, &up->shape))
		die("swiglu of two shapes");
	struct tensor *out = tape_tensor(tape, gate->shape);
	struct loop loop = {
		.kind = LOOP_SWIGLU, .out = out->data, .a = gate->data, .b = up->data, .n = out->n
	};
	run_loop(tape, &loop);
	out->parents[0] = gate;
	out->parents[1] = up;
	return tape_record(tape, out, &op_swiglu);
}
