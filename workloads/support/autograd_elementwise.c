/*
 * Operations of two tensors with broadcasting. Axes that lie behind one another in memory for both
 * are joined, so that most work is one run of the innermost loop: in it each operand either moves
 * on (step 1) or stands still (step 0).
 */
#include "workloads/support/autograd.h"

#include "kernels/cuda/tensor.h"
#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/tape_run.h"
#include "workloads/support/tensor_loops.h"

/* As in tensor_loops.c: less is not worth waking a thread for. */
enum { LEAST_TO_SHARE = 32768 };

enum pair { PAIR_ADD, PAIR_SUBTRACT, PAIR_MULTIPLY, PAIR_DIVIDE };
static const enum loop_kind loops[] = { LOOP_ADD, LOOP_SUBTRACT, LOOP_MULTIPLY, LOOP_DIVIDE };

/* Axis 0 is the innermost here. */
struct walk {
	unsigned n_axes;
	size_t lengths[SHAPE_MOST_AXES], a_steps[SHAPE_MOST_AXES], b_steps[SHAPE_MOST_AXES];
	size_t n_runs;
};

/* One run of the innermost axis. */
struct run {
	enum pair pair;
	size_t n, a_step, b_step;
	const float *a, *b;
	float *out;
};

static size_t axis_length(const struct shape *shape, unsigned from_last)
{
	return from_last < shape->n_axes ? shape->at[shape->n_axes - 1 - from_last] : 1;
}

static void add_axis(struct walk *walk, size_t length, size_t a_step, size_t b_step)
{
	unsigned last = walk->n_axes - 1;
	if (length == 1)
		return;
	if (walk->n_axes > 0 && a_step == walk->a_steps[last] * walk->lengths[last] &&
	    b_step == walk->b_steps[last] * walk->lengths[last]) {
		walk->lengths[last] *= length;
		return;
	}
	walk->lengths[walk->n_axes] = length;
	walk->a_steps[walk->n_axes] = a_step;
	walk->b_steps[walk->n_axes] = b_step;
	walk->n_axes++;
}

static struct walk make_walk(const struct shape *a, const struct shape *b, struct shape *out)
{
	struct walk walk = { 0 };
	size_t a_step = 1, b_step = 1;
	out->n_axes = a->n_axes > b->n_axes ? a->n_axes : b->n_axes;
	for (unsigned i = 0; i < out->n_axes; i++) {
		size_t a_length = axis_length(a, i), b_length = axis_length(b, i);
		if (a_length != b_length && a_length != 1 && b_length != 1)
			die("an operation of shapes that do not broadcast: %zu and %zu", a_length,
			    b_length);
		size_t length = a_length > b_length ? a_length : b_length;
		out->at[out->n_axes - 1 - i] = length;
		add_axis(&walk, length, a_length == 1 ? 0 : a_step, b_length == 1 ? 0 : b_step);
		a_step *= a_length;
		b_step *= b_length;
	}
	if (walk.n_axes == 0) {
		walk.n_axes = 1;
		walk.lengths[0] = walk.a_steps[0] = walk.b_steps[0] = 1;
	}
	walk.n_runs = 1;
	for (unsigned i = 1; i < walk.n_axes; i++)
		walk.n_runs *= walk.lengths[i];
	return walk;
}

/* Where a run's operands begin. */
static void find_run(const struct walk *walk, size_t run, size_t *a, size_t *b)
{
	*a = *b = 0;
	for (unsigned i = 1; i < walk->n_axes; i++) {
		size_t at = run % walk->lengths[i];
		run /= walk->lengths[i];
		*a += at * walk->a_steps[i];
		*b += at * walk->b_steps[i];
	}
}

/* With one operand standing still the run is a scaled copy of the other. */
static void run_against_value(struct crew *crew, const struct run *run)
{
	bool a_moves = run->a_step != 0;
	float value = a_moves ? *run->b : *run->a;
	struct loop loop = { .kind = LOOP_SCALE,
			     .out = run->out,
			     .a = a_moves ? run->a : run->b,
			     .s = 1,
			     .n = run->n };
	switch (run->pair) {
	case PAIR_ADD:
		loop.t = value;
		break;
	case PAIR_SUBTRACT:
		loop.s = a_moves ? 1 : -1;
		loop.t = a_moves ? -value : value;
		break;
	case PAIR_MULTIPLY:
		loop.s = value;
		break;
	case PAIR_DIVIDE:
		for (size_t i = 0; i < run->n; i++)
			run->out[i] = run->a[i * run->a_step] / run->b[i * run->b_step];
		return;
	}
	tensor_loop(crew, &loop);
}

static void run_forward(struct crew *crew, const struct run *run)
{
	struct loop loop = {
		.kind = loops[run->pair], .out = run->out, .a = run->a, .b = run->b, .n = run->n
	};
	if (run->a_step && run->b_step)
		tensor_loop(crew, &loop);
	else
		run_against_value(crew, run);
}

struct forward_job {
	const struct walk *walk;
	struct run run;
};

static void forward_job(void *opaque, unsigned share, unsigned n_shares)
{
	const struct forward_job *job = opaque;
	size_t from, to;
	crew_part(job->walk->n_runs, share, n_shares, &from, &to);
	for (size_t i = from; i < to; i++) {
		struct run run = job->run;
		size_t a, b;
		find_run(job->walk, i, &a, &b);
		run.a += a;
		run.b += b;
		run.out += i * run.n;
		run_forward(NULL, &run);
	}
}

/*
 * On a device the second operand may be a row or a value that is repeated, as a layer's bias is;
 * other broadcasting is refused. Returns the second operand's length; n is that of the result.
 */
static size_t second_on_device(const struct tape *tape, const struct walk *walk, size_t n)
{
	bool is_row = walk->n_axes == 2 && walk->b_steps[0] == 1 && walk->b_steps[1] == 0 &&
		      walk->a_steps[1] == walk->lengths[0];
	if (walk->a_steps[0] == 0 || (walk->n_axes > 1 && !is_row))
		tape_refuse_device(tape, "broadcasting but of the second operand along rows");
	return is_row ? walk->lengths[0] : walk->b_steps[0] ? n : 1;
}

static void forward_on_device(struct tape *tape, const struct walk *walk, const struct run *run,
			      size_t n)
{
	struct cuda_pair_task task = { .kind = loops[run->pair],
				       .out = run->out,
				       .a = run->a,
				       .b = run->b,
				       .n = n,
				       .n_b = second_on_device(tape, walk, n) };
	tape_run_task(tape, DEVICE_PAIR, &task);
}

static struct tensor *apply_pair(struct tape *tape, enum pair pair, struct tensor *a,
				 struct tensor *b, const struct tensor_op *op)
{
	struct shape shape;
	struct walk walk = make_walk(&a->shape, &b->shape, &shape);
	struct tensor *out = tape_tensor(tape, shape);
	struct forward_job job = { &walk,
				   { pair, walk.lengths[0], walk.a_steps[0], walk.b_steps[0],
				     a->data, b->data, out->data } };
	if (tape_device(tape))
		forward_on_device(tape, &walk, &job.run, out->n);
	else if (walk.n_runs == 1)
		run_forward(tape_crew(tape), &job.run);
	else if (out->n >= LEAST_TO_SHARE)
		crew_run(tape_crew(tape), forward_job, &job);
	else
		forward_job(&job, 0, 1);
	tape_count(tape, (double)out->n, 4.0 * (double)(out->n + a->n + b->n));
	out->parents[0] = a;
	out->parents[1] = b;
	return tape_record(tape, out, op);
}

/* What one run gives to one operand's gradient: here `gradient`, of `step`. */
struct back_run {
	enum pair pair;
	bool is_second; /* the operand is b */
	size_t n, step, other_step;
	float *gradient;
	const float *out_gradient, *out, *other; /* other: the other operand; of a quotient b */
};

static float sum_of_run(const struct back_run *run)
{
	double sum = 0;
	float sign = run->pair == PAIR_SUBTRACT && run->is_second ? -1 : 1;
	switch (run->pair) {
	case PAIR_ADD:
	case PAIR_SUBTRACT:
		return sign * (float)tensor_sum(run->out_gradient, run->n);
	case PAIR_MULTIPLY:
		return (float)tensor_dot(run->out_gradient, run->other, run->n);
	case PAIR_DIVIDE:
		if (run->is_second)
			return -(float)tensor_dot(run->out_gradient, run->out, run->n) /
			       *run->other;
		for (size_t i = 0; i < run->n; i++)
			sum += (double)(run->out_gradient[i] / run->other[i]);
		return (float)sum;
	}
	return 0;
}

static void make_divide_loop(const struct back_run *run, struct loop *loop)
{
	if (run->is_second) { /* the operand is the divisor itself, and it moves */
		loop->kind = LOOP_DIVIDE_BACK;
		loop->b = run->out;
		loop->c = run->other;
	} else if (run->other_step) {
		loop->kind = LOOP_QUOTIENT_TO;
		loop->b = run->other;
	} else {
		loop->s = 1 / *run->other;
	}
}

/* Of an operand that moves along. */
static void make_back_loop(const struct back_run *run, size_t n, struct loop *loop)
{
	*loop = (struct loop){
		.kind = LOOP_ADD_TO, .out = run->gradient, .a = run->out_gradient, .s = 1, .n = n
	};
	if (run->pair == PAIR_DIVIDE)
		make_divide_loop(run, loop);
	if (run->pair == PAIR_SUBTRACT && run->is_second)
		loop->s = -1;
	if (run->pair == PAIR_MULTIPLY && run->other_step) {
		loop->kind = LOOP_PRODUCT_TO;
		loop->b = run->other;
	} else if (run->pair == PAIR_MULTIPLY) {
		loop->s = *run->other;
	}
}

static void run_backward(struct crew *crew, const struct back_run *run)
{
	struct loop loop;
	if (run->step == 0) {
		*run->gradient += sum_of_run(run);
		return;
	}
	make_back_loop(run, run->n, &loop);
	tensor_loop(crew, &loop);
}

struct back_job {
	const struct walk *walk;
	struct back_run run;
};

static void back_job(void *opaque, unsigned share, unsigned n_shares)
{
	const struct back_job *job = opaque;
	bool is_quotient = job->run.pair == PAIR_DIVIDE;
	size_t from, to;
	crew_part(job->walk->n_runs, share, n_shares, &from, &to);
	for (size_t i = from; i < to; i++) {
		struct back_run run = job->run;
		size_t a, b;
		find_run(job->walk, i, &a, &b);
		run.gradient += run.is_second ? b : a;
		run.other += run.is_second && !is_quotient ? a : b;
		run.out_gradient += i * run.n;
		run.out += i * run.n;
		run_backward(NULL, &run);
	}
}

/* To a row that was added come the sums down its columns; all else has the result's shape. */
static void backward_on_device(struct tape *tape, const struct walk *walk,
			       const struct back_run *run, size_t n)
{
	size_t n_second = second_on_device(tape, walk, n);
	struct columns columns = { .n_rows = n / n_second,
				   .n_columns = n_second,
				   .out = run->gradient,
				   .a = run->out_gradient };
	struct loop loop;
	bool is_plain = run->pair == PAIR_ADD || (run->pair == PAIR_SUBTRACT && !run->is_second);
	if (n_second < n && !is_plain)
		tape_refuse_device(tape, "gradient of a repeated factor");
	if (n_second < n && run->is_second) {
		tape_run_columns(tape, &columns);
		return;
	}
	make_back_loop(run, n, &loop);
	tape_run_loop(tape, &loop);
}

static void operand_backward(struct tape *tape, enum pair pair, struct tensor *out, bool is_second)
{
	struct tensor *a = out->parents[0], *b = out->parents[1], *t = is_second ? b : a;
	struct shape shape;
	struct walk walk = make_walk(&a->shape, &b->shape, &shape);
	bool other_is_b = !is_second || pair == PAIR_DIVIDE;
	struct back_job job = {
		&walk,
		{ pair, is_second, walk.lengths[0], is_second ? walk.b_steps[0] : walk.a_steps[0],
		  other_is_b ? walk.b_steps[0] : walk.a_steps[0], tape_gradient(tape, t),
		  out->gradient, out->data, other_is_b ? b->data : a->data }
	};
	if (tape_device(tape))
		backward_on_device(tape, &walk, &job.run, out->n);
	else if (walk.n_runs == 1)
		run_backward(tape_crew(tape), &job.run);
	else if (t->n == out->n && out->n >= LEAST_TO_SHARE)
		crew_run(tape_crew(tape), back_job, &job);
	else
		back_job(&job, 0, 1); /* runs that add to the same place stay in one thread */
	double n_flops = pair == PAIR_DIVIDE ? 2 + is_second : pair == PAIR_MULTIPLY ? 2 : 1;
	tape_count(tape, n_flops * (double)out->n, 4.0 * (double)(2 * t->n + 2 * out->n));
}

static void pair_backward(struct tape *tape, enum pair pair, struct tensor *out)
{
	if (out->parents[0]->needs_gradient)
		operand_backward(tape, pair, out, false);
	if (out->parents[1]->needs_gradient)
		operand_backward(tape, pair, out, true);
}

static void add_backward(struct tape *tape, struct tensor *out)
{
	pair_backward(tape, PAIR_ADD, out);
}

static void subtract_backward(struct tape *tape, struct tensor *out)
{
	pair_backward(tape, PAIR_SUBTRACT, out);
}

static void multiply_backward(struct tape *tape, struct tensor *out)
{
	pair_backward(tape, PAIR_MULTIPLY, out);
}

static void divide_backward(struct tape *tape, struct tensor *out)
{
	pair_backward(tape, PAIR_DIVIDE, out);
}

static const struct tensor_op op_add = { "add", add_backward };
static const struct tensor_op op_subtract = { "subtract", subtract_backward };
static const struct tensor_op op_multiply = { "multiply", multiply_backward };
static const struct tensor_op op_divide = { "divide", divide_backward };

struct tensor *autograd_add(struct tape *tape, struct tensor *a, struct tensor *b)
{
	return apply_pair(tape, PAIR_ADD, a, b, &op_add);
}

struct tensor *autograd_subtract(struct tape *tape, struct tensor *a, struct tensor *b)
{
	return apply_pair(tape, PAIR_SUBTRACT, a, b, &op_subtract);
}

struct tensor *autograd_multiply(struct tape *tape, struct tensor *a, struct tensor *b)
{
	return apply_pair(tape, PAIR_MULTIPLY, a, b, &op_multiply);
}

struct tensor *autograd_divide(struct tape *tape, struct tensor *a, struct tensor *b)
{
	return apply_pair(tape, PAIR_DIVIDE, a, b, &op_divide);
}
