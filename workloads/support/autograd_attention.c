/*
 * Rotary positions and causal attention. Each thread takes whole heads of whole sequences, so none
 * waits for another and no sum depends on their number. The softmax is kept for the backward pass.
 */
#include <math.h>
#include <stdlib.h>

#include "kernels/cuda/tensor.h"
#include "sampler/base/why.h"
#include "workloads/support/autograd.h"
#include "workloads/support/crew.h"
#include "workloads/support/tape_run.h"
#include "workloads/support/tensor_rows.h"

/* Queries at a time: a multiple of the matrix product's tile of 14 wastes least, and the square on
 * the diagonal, half of it computed for nothing, stays small. */
enum { BLOCK = 56 };

static const double ROPE_BASE = 10000; /* as in the paper */

void rope_table_make(struct rope_table *table, size_t n_positions, size_t width)
{
	*table = (struct rope_table){ .n_positions = n_positions, .half = width / 2 };
	table->cosine = allocate(n_positions * table->half, sizeof(float));
	table->sine = allocate(n_positions * table->half, sizeof(float));
	for (size_t position = 0; position < n_positions; position++)
		for (size_t i = 0; i < table->half; i++) {
			double angle =
				(double)position * pow(ROPE_BASE, -(double)i / (double)table->half);
			table->cosine[position * table->half + i] = (float)cos(angle);
			table->sine[position * table->half + i] = (float)sin(angle);
		}
}

void rope_table_to_device(struct rope_table *table, struct tensor_device *device)
{
	size_t n = table->n_positions * table->half;
	if (!device)
		return;
	table->device = device;
	table->cosine = tensor_device_move(device, table->cosine, n);
	table->sine = tensor_device_move(device, table->sine, n);
}

void rope_table_free(struct rope_table *table)
{
	if (table->device) {
		tensor_device_give(table->device, table->cosine);
		tensor_device_give(table->device, table->sine);
	} else {
		free(table->cosine);
		free(table->sine);
	}
	*table = (struct rope_table){ 0 };
}

static void rotate(struct tape *tape, const struct tensor *a, struct rotation *rotation)
{
	double n = (double)a->n;
	rotation->n_tokens = a->shape.at[0];
	rotation->n_heads = a->n / a->shape.at[0] / (2 * rotation->half);
	tape_run_rotation(tape, rotation);
	tape_count(tape, (rotation->adds ? 4 : 3) * n, (rotation->adds ? 12 : 8) * n);
}

/* The transpose of a rotation turns back. numbers: half, positions; saved: cosine, then sine. */
static void rope_backward(struct tape *tape, struct tensor *out)
{
	struct rotation rotation = { .half = out->numbers[0],
				     .n_positions = out->numbers[1],
				     .out = tape_gradient(tape, out->parents[0]),
				     .a = out->gradient,
				     .cosine = out->saved,
				     .sine = out->parents[1]->data,
				     .direction = -1,
				     .adds = true };
	rotate(tape, out, &rotation);
}

static const struct tensor_op op_rope = { "rope", rope_backward };

struct tensor *autograd_rope(struct tape *tape, struct tensor *a, const struct rope_table *table,
			     size_t n_positions)
{
	if (a->shape.n_axes != 2 || a->shape.at[1] % (2 * table->half) != 0 ||
	    n_positions > table->n_positions)
		die("a rotation of shapes that do not fit");
	struct tensor *out = tape_tensor(tape, a->shape);
	struct rotation rotation = { .half = table->half,
				     .n_positions = n_positions,
				     .out = out->data,
				     .a = a->data,
				     .cosine = table->cosine,
				     .sine = table->sine,
				     .direction = 1 };
	rotate(tape, a, &rotation);
	out->parents[0] = a;
	out->parents[1] = tape_wrap(tape, shape_2(table->n_positions, table->half), table->sine);
	out->saved = table->cosine;
	out->numbers[0] = table->half;
	out->numbers[1] = n_positions;
	return tape_record(tape, out, &op_rope);
}

/* One head of one sequence: `step` from token to token. */
struct attention {
	struct matmul_room *room;
	size_t n_sequences, length, n_heads, width;
	float scale;
	const float *q, *k, *v, *out_gradient;
	float *out, *q_gradient, *k_gradient, *v_gradient;
	float *weights;         /* softmax: (sequences x heads, length, length) */
	float *room_for_scores; /* BLOCK x length for each thread */
};

/* Where one head of one sequence is in arrays of tokens, and who computes it. */
struct head {
	const struct attention *with;
	unsigned share;
	size_t at, step;
	float *weights, *scores;
};

static struct matmul_operand part_of(const struct head *head, const float *all, size_t token)
{
	return (struct matmul_operand){ all + head->at + token * head->step, head->step, 1 };
}

static struct matmul_operand flipped(struct matmul_operand a)
{
	return (struct matmul_operand){ a.at, a.column_step, a.row_step };
}

static void product(const struct head *head, struct matmul matmul)
{
	tensor_matmul_share(head->with->room, head->share, &matmul);
}

/* Queries [from, from + n) against keys [0, from + n). */
static void block_forward(const struct head *head, size_t from, size_t n)
{
	const struct attention *with = head->with;
	size_t length = with->length, seen = from + n;
	float *weights = head->weights + from * length;
	struct rows softmax = { .kind = ROWS_SOFTMAX,
				.n_rows = n,
				.n_columns = seen,
				.row_step = length,
				.out = weights,
				.a = weights,
				.s = with->scale,
				.triangle = from + 1 };
	product(head, (struct matmul){ .m = n,
				       .n = seen,
				       .k = with->width,
				       .a = part_of(head, with->q, from),
				       .b = flipped(part_of(head, with->k, 0)),
				       .c = weights,
				       .c_step = length });
	tensor_rows(NULL, &softmax);
	product(head, (struct matmul){ .m = n,
				       .n = with->width,
				       .k = seen,
				       .a = { weights, length, 1 },
				       .b = part_of(head, with->v, 0),
				       .c = with->out + head->at + from * head->step,
				       .c_step = head->step });
}

/* To the scores of the block: through the sum over values, then through the softmax. */
static void scores_backward(const struct head *head, size_t from, size_t n)
{
	const struct attention *with = head->with;
	size_t length = with->length, seen = from + n;
	float *weights = head->weights + from * length;
	struct rows softmax = { .kind = ROWS_SOFTMAX_BACK,
				.n_rows = n,
				.n_columns = seen,
				.row_step = length,
				.out = head->scores,
				.a = head->scores,
				.b = weights,
				.s = with->scale };
	product(head, (struct matmul){ .m = n,
				       .n = seen,
				       .k = with->width,
				       .a = part_of(head, with->out_gradient, from),
				       .b = flipped(part_of(head, with->v, 0)),
				       .c = head->scores,
				       .c_step = length });
	tensor_rows(NULL, &softmax); /* weights behind the diagonal are 0, so these become 0 */
}

static void block_backward(const struct head *head, size_t from, size_t n)
{
	const struct attention *with = head->with;
	size_t length = with->length, width = with->width, seen = from + n;
	struct matmul_operand scores = { head->scores, length, 1 },
			      weights = { head->weights + from * length, length, 1 };
	size_t at = head->at, step = head->step;
	if (with->v_gradient)
		product(head, (struct matmul){ seen, width, n, flipped(weights),
					       part_of(head, with->out_gradient, from),
					       with->v_gradient + at, step, true });
	if (!with->q_gradient && !with->k_gradient)
		return;
	scores_backward(head, from, n);
	if (with->q_gradient)
		product(head, (struct matmul){ n, width, seen, scores, part_of(head, with->k, 0),
					       with->q_gradient + at + from * step, step, true });
	if (with->k_gradient)
		product(head, (struct matmul){ seen, width, n, flipped(scores),
					       part_of(head, with->q, from), with->k_gradient + at,
					       step, true });
}

static void heads_of_share(const struct attention *with, unsigned share, unsigned n_shares,
			   void (*block)(const struct head *head, size_t from, size_t n))
{
	size_t first, last, length = with->length;
	crew_part(with->n_sequences * with->n_heads, share, n_shares, &first, &last);
	for (size_t i = first; i < last; i++) {
		size_t sequence = i / with->n_heads, which = i % with->n_heads;
		struct head head = { .with = with,
				     .share = share,
				     .step = with->n_heads * with->width,
				     .weights = with->weights + i * length * length };
		head.at = sequence * length * head.step + which * with->width;
		head.scores = with->room_for_scores ? with->room_for_scores + share * BLOCK * length
						    : NULL;
		for (size_t from = 0; from < length; from += BLOCK)
			block(&head, from, length - from < BLOCK ? length - from : BLOCK);
	}
}

static void forward_job(void *opaque, unsigned share, unsigned n_shares)
{
	heads_of_share(opaque, share, n_shares, block_forward);
}

static void backward_job(void *opaque, unsigned share, unsigned n_shares)
{
	heads_of_share(opaque, share, n_shares, block_backward);
}

double autograd_attention_scores(const struct tensor_device *device, size_t length)
{
	double n = 0;
	size_t block = device ? CUDA_ATTENTION_TILE : BLOCK;
	for (size_t from = 0; from < length; from += block) {
		size_t size = length - from < block ? length - from : block;
		n += (double)size * (double)(from + size);
	}
	return n;
}

static void count_attention(struct tape *tape, const struct attention *with, double n_products,
			    double n_arrays)
{
	double scores = autograd_attention_scores(tape_device(tape), with->length) *
			(double)(with->n_sequences * with->n_heads);
	double tokens = (double)(with->n_sequences * with->length);
	double bytes = 4 * n_arrays * tokens * (double)(with->n_heads * with->width);
	tape_count_matmul(tape, n_products * 2 * scores * (double)with->width,
			  bytes + 4 * n_products * scores);
	tape_count(tape, 6 * scores, 8 * scores);
}

static struct attention attention_of(struct tape *tape, struct tensor *out)
{
	struct tensor *q = out->parents[0], *k = out->parents[1], *v = out->parents[2];
	size_t length = out->numbers[0], n_heads = out->numbers[1];
	return (struct attention){ .room = tape_matmul_room(tape),
				   .n_sequences = out->shape.at[0] / length,
				   .length = length,
				   .n_heads = n_heads,
				   .width = out->shape.at[1] / n_heads,
				   .scale = out->scalar,
				   .q = q->data,
				   .k = k->data,
				   .v = v->data,
				   .weights = out->saved };
}

/* Forward, or with a gradient of the result back; scores of all heads at once. */
static void run_on_device(struct tape *tape, const struct attention *with)
{
	size_t n_scores = with->n_sequences * with->n_heads * with->length * with->length;
	struct cuda_heads_task task = { .n_sequences = with->n_sequences,
					.n_heads = with->n_heads,
					.length = with->length,
					.width = with->width,
					.scale = with->scale,
					.q = with->q,
					.k = with->k,
					.v = with->v,
					.out = with->out,
					.weights = with->weights,
					.out_gradient = with->out_gradient,
					.q_gradient = with->q_gradient,
					.k_gradient = with->k_gradient,
					.v_gradient = with->v_gradient };
	if (with->out_gradient)
		task.scores = tape_take(tape, n_scores);
	tape_run_task(tape, with->out_gradient ? DEVICE_ATTENTION_BACK : DEVICE_ATTENTION, &task);
}

static void attention_backward(struct tape *tape, struct tensor *out)
{
	struct attention with = attention_of(tape, out);
	with.out_gradient = out->gradient;
	with.q_gradient = tape_gradient_or_none(tape, out->parents[0]);
	with.k_gradient = tape_gradient_or_none(tape, out->parents[1]);
	with.v_gradient = tape_gradient_or_none(tape, out->parents[2]);
	if (tape_device(tape)) {
		run_on_device(tape, &with);
	} else {
		size_t n_rows = (size_t)crew_size(tape_crew(tape)) * BLOCK;
		with.room_for_scores = tape_take(tape, n_rows * with.length);
		crew_run(tape_crew(tape), backward_job, &with);
	}
	bool needs_scores = with.q_gradient || with.k_gradient;
	count_attention(tape, &with,
			(with.q_gradient != NULL) + (with.k_gradient != NULL) +
				(with.v_gradient != NULL) + needs_scores,
			7);
}

static const struct tensor_op op_attention = { "attention", attention_backward };

struct tensor *autograd_attention(struct tape *tape, struct tensor *q, struct tensor *k,
				  struct tensor *v, size_t length, size_t n_heads)
{
	if (q->shape.n_axes != 2 || !shape_equals(&q->shape, &k->shape) ||
	    !shape_equals(&q->shape, &v->shape) || length == 0 || n_heads == 0 ||
	    q->shape.at[0] % length != 0 || q->shape.at[1] % n_heads != 0)
		die("an attention of shapes that do not fit");
	struct tensor *out = tape_tensor(tape, q->shape);
	out->parents[0] = q;
	out->parents[1] = k;
	out->parents[2] = v;
	out->numbers[0] = length;
	out->numbers[1] = n_heads;
	size_t width = q->shape.at[1] / n_heads;
	out->scalar = 1 / sqrtf((float)width);
	out->saved = tape_take(tape, q->shape.at[0] * n_heads * length);
	struct attention with = attention_of(tape, out);
	with.out = out->data;
	if (tape_device(tape))
		run_on_device(tape, &with);
	else
		crew_run(tape_crew(tape), forward_job, &with);
	count_attention(tape, &with, 2, 4);
	return tape_record(tape, out, &op_attention);
}
