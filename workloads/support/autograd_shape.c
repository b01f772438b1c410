/* Operations that move values or add them up. */
#include <string.h>

#include "kernels/cuda/tensor.h"
#include "sampler/base/why.h"
#include "workloads/support/autograd.h"
#include "workloads/support/tape_run.h"
#include "workloads/support/tensor_loops.h"

static void add_values(float *to, const float *from, float scale, size_t n)
{
	struct loop loop = { .kind = LOOP_ADD_TO, .a = from, .s = scale, .n = n };
	loop.out = to;
	tensor_loop(NULL, &loop);
}

/* The gradient is already where it belongs. */
static void reshape_backward(struct tape *tape, struct tensor *out)
{
	(void)tape;
	(void)out;
}

static const struct tensor_op op_reshape = { "reshape", reshape_backward };

struct tensor *autograd_reshape(struct tape *tape, struct tensor *a, struct shape shape)
{
	if (shape_count(&shape) != a->n)
		die("a reshape of %zu values to %zu", a->n, shape_count(&shape));
	struct tensor *out = tape_wrap(tape, shape, a->data);
	out->same = a;
	out->parents[0] = a;
	return tape_record(tape, out, &op_reshape);
}

/* out[w][x][y][z] (+)= in at the given steps; lengths are those of out. */
struct gather {
	size_t lengths[SHAPE_MOST_AXES], steps[SHAPE_MOST_AXES];
};

static void gather_copy(const struct gather *with, float *out, const float *in)
{
	const size_t *n = with->lengths, *step = with->steps;
	for (size_t w = 0; w < n[0]; w++)
		for (size_t x = 0; x < n[1]; x++)
			for (size_t y = 0; y < n[2]; y++) {
				const float *at = in + w * step[0] + x * step[1] + y * step[2];
				for (size_t z = 0; z < n[3]; z++)
					*out++ = at[z * step[3]];
			}
}

static void scatter_add(const struct gather *with, float *to, const float *from)
{
	const size_t *n = with->lengths, *step = with->steps;
	for (size_t w = 0; w < n[0]; w++)
		for (size_t x = 0; x < n[1]; x++)
			for (size_t y = 0; y < n[2]; y++) {
				float *at = to + w * step[0] + x * step[1] + y * step[2];
				for (size_t z = 0; z < n[3]; z++)
					at[z * step[3]] += *from++;
			}
}

/* Lengths and steps with axes i and j exchanged, filled up to four axes at the front. */
static struct gather exchange(const struct shape *shape, unsigned i, unsigned j)
{
	struct gather gather = { { 1, 1, 1, 1 }, { 0 } };
	unsigned missing = SHAPE_MOST_AXES - shape->n_axes;
	size_t step = 1;
	for (unsigned axis = shape->n_axes; axis-- > 0;) {
		unsigned place = axis == i ? j : axis == j ? i : axis;
		gather.lengths[missing + place] = shape->at[axis];
		gather.steps[missing + place] = step;
		step *= shape->at[axis];
	}
	return gather;
}

static void transpose_backward(struct tape *tape, struct tensor *out)
{
	struct tensor *a = out->parents[0];
	struct gather gather =
		exchange(&a->shape, (unsigned)out->numbers[0], (unsigned)out->numbers[1]);
	scatter_add(&gather, tape_gradient(tape, a), out->gradient);
	tape_count(tape, (double)a->n, 12.0 * (double)a->n);
}

static const struct tensor_op op_transpose = { "transpose", transpose_backward };

struct tensor *autograd_transpose(struct tape *tape, struct tensor *a, unsigned i, unsigned j)
{
	tape_refuse_device(tape, "transpose");
	if (i >= a->shape.n_axes || j >= a->shape.n_axes)
		die("a transpose of axes %u and %u of %u", i, j, a->shape.n_axes);
	struct shape shape = a->shape;
	struct gather gather = exchange(&a->shape, i, j);
	shape.at[i] = a->shape.at[j];
	shape.at[j] = a->shape.at[i];
	struct tensor *out = tape_tensor(tape, shape);
	gather_copy(&gather, out->data, a->data);
	tape_count(tape, 0, 8.0 * (double)a->n);
	out->parents[0] = a;
	out->numbers[0] = i;
	out->numbers[1] = j;
	return tape_record(tape, out, &op_transpose);
}

/* How many blocks lie before an axis, and how many values behind it. */
static void split_at(const struct shape *shape, unsigned axis, size_t *before, size_t *behind)
{
	*before = *behind = 1;
	for (unsigned i = 0; i < shape->n_axes; i++)
		if (i != axis)
			*(i < axis ? before : behind) *= shape->at[i];
}

static void slice_backward(struct tape *tape, struct tensor *out)
{
	struct tensor *a = out->parents[0];
	size_t axis = out->numbers[0], from = out->numbers[1], before, behind;
	split_at(&a->shape, (unsigned)axis, &before, &behind);
	size_t whole = a->shape.at[axis] * behind, part = out->shape.at[axis] * behind;
	float *gradient = tape_gradient(tape, a);
	for (size_t i = 0; i < before; i++)
		add_values(gradient + i * whole + from * behind, out->gradient + i * part, 1, part);
	tape_count(tape, (double)out->n, 12.0 * (double)out->n);
}

static const struct tensor_op op_slice = { "slice", slice_backward };

struct tensor *autograd_slice(struct tape *tape, struct tensor *a, unsigned axis, size_t from,
			      size_t n)
{
	tape_refuse_device(tape, "slice");
	if (axis >= a->shape.n_axes || from > a->shape.at[axis] || n > a->shape.at[axis] - from)
		die("a slice of %zu from %zu that is not in the tensor", n, from);
	struct shape shape = a->shape;
	size_t before, behind;
	shape.at[axis] = n;
	split_at(&a->shape, axis, &before, &behind);
	struct tensor *out = tape_tensor(tape, shape);
	for (size_t i = 0; i < before; i++)
		memcpy(out->data + i * n * behind,
		       a->data + (i * a->shape.at[axis] + from) * behind,
		       n * behind * sizeof(float));
	tape_count(tape, 0, 8.0 * (double)out->n);
	out->parents[0] = a;
	out->numbers[0] = axis;
	out->numbers[1] = from;
	return tape_record(tape, out, &op_slice);
}

static void sum_backward(struct tape *tape, struct tensor *out)
{
	struct tensor *a = out->parents[0];
	struct loop loop = { .kind = LOOP_ADD_VALUE,
			     .out = tape_gradient(tape, a),
			     .s = *out->gradient * out->scalar,
			     .n = a->n };
	tensor_loop(tape_crew(tape), &loop);
	tape_count(tape, (double)a->n, 8.0 * (double)a->n);
}

static const struct tensor_op op_sum = { "sum", sum_backward };

static struct tensor *scaled_sum(struct tape *tape, struct tensor *a, float scale)
{
	tape_refuse_device(tape, "sum");
	struct tensor *out = tape_tensor(tape, shape_1(1));
	*out->data = (float)(tensor_sum(a->data, a->n) * (double)scale);
	tape_count(tape, (double)a->n, 4.0 * (double)a->n);
	out->scalar = scale;
	out->parents[0] = a;
	return tape_record(tape, out, &op_sum);
}

struct tensor *autograd_sum(struct tape *tape, struct tensor *a)
{
	return scaled_sum(tape, a, 1);
}

struct tensor *autograd_mean(struct tape *tape, struct tensor *a)
{
	return scaled_sum(tape, a, 1 / (float)a->n);
}

static void sum_axis_backward(struct tape *tape, struct tensor *out)
{
	struct tensor *a = out->parents[0];
	size_t axis = out->numbers[0], before, behind;
	split_at(&a->shape, (unsigned)axis, &before, &behind);
	float *gradient = tape_gradient(tape, a);
	for (size_t i = 0; i < before; i++)
		for (size_t j = 0; j < a->shape.at[axis]; j++, gradient += behind)
			add_values(gradient, out->gradient + i * behind, 1, behind);
	tape_count(tape, (double)a->n, 8.0 * (double)a->n);
}

static const struct tensor_op op_sum_axis = { "sum axis", sum_axis_backward };

struct tensor *autograd_sum_axis(struct tape *tape, struct tensor *a, unsigned axis)
{
	size_t before, behind;
	tape_refuse_device(tape, "sum along an axis");
	if (axis >= a->shape.n_axes)
		die("a sum along axis %u of %u", axis, a->shape.n_axes);
	struct shape shape = a->shape;
	shape.at[axis] = 1;
	split_at(&a->shape, axis, &before, &behind);
	struct tensor *out = tape_tensor(tape, shape);
	const float *from = a->data;
	memset(out->data, 0, out->n * sizeof(float));
	for (size_t i = 0; i < before; i++)
		for (size_t j = 0; j < a->shape.at[axis]; j++, from += behind)
			add_values(out->data + i * behind, from, 1, behind);
	tape_count(tape, (double)a->n, 4.0 * (double)(a->n + out->n));
	out->parents[0] = a;
	out->numbers[0] = axis;
	return tape_record(tape, out, &op_sum_axis);
}

static struct cuda_embedding_task embedding_task(const struct tensor *out,
						 const struct tensor *table)
{
	return (struct cuda_embedding_task){ .n = out->shape.at[0],
					     .n_rows = table->shape.at[0],
					     .width = table->shape.at[1],
					     .indices = out->indices };
}

/* In one thread: the same row may be wanted many times. */
static void scatter_here(const struct cuda_embedding_task *task)
{
	for (size_t i = 0; i < task->n; i++)
		add_values(task->table + (size_t)task->indices[i] * task->width,
			   task->out + i * task->width, 1, task->width);
}

static void embedding_backward(struct tape *tape, struct tensor *out)
{
	struct cuda_embedding_task task = embedding_task(out, out->parents[0]);
	task.table = tape_gradient(tape, out->parents[0]);
	task.out = out->gradient;
	if (tape_device(tape))
		tape_run_task(tape, DEVICE_SCATTER, &task);
	else
		scatter_here(&task);
	tape_count(tape, (double)out->n, 12.0 * (double)out->n);
}

static const struct tensor_op op_embedding = { "embedding", embedding_backward };

static void gather_here(const struct cuda_embedding_task *task)
{
	for (size_t i = 0; i < task->n; i++)
		memcpy(task->out + i * task->width,
		       task->table + (size_t)task->indices[i] * task->width,
		       task->width * sizeof(float));
}

struct tensor *autograd_embedding(struct tape *tape, struct tensor *table, const int32_t *indices,
				  size_t n)
{
	if (table->shape.n_axes != 2)
		die("an embedding from a table of %u axes", table->shape.n_axes);
	struct tensor *out = tape_tensor(tape, shape_2(n, table->shape.at[1]));
	for (size_t i = 0; i < n; i++)
		if (indices[i] < 0 || (size_t)indices[i] >= table->shape.at[0])
			die("an embedding of index %d of %zu", (int)indices[i], table->shape.at[0]);
	out->indices = tape_put(tape, indices, n * sizeof *indices);
	struct cuda_embedding_task task = embedding_task(out, table);
	task.table = table->data;
	task.out = out->data;
	if (tape_device(tape))
		tape_run_task(tape, DEVICE_GATHER, &task);
	else
		gather_here(&task);
	tape_count(tape, 0, 8.0 * (double)out->n);
	out->parents[0] = table;
	return tape_record(tape, out, &op_embedding);
}
