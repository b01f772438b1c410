/*
 * Sixteen rows at a time, by the compiler's vectors: one text for each instruction set. Each does
 * the same operations in the same order, so results are equal to the last bit.
 *
 * The second derivative of Huber's loss is 0 beyond delta, where a Newton step would be without
 * bounds; delta / distance takes its place, the curvature of the parabola that touches the loss
 * there and lies above it (Lange, "Optimization", 2013: majorization).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/support/dispatch.h"
#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/gbdt_histogram.h"
#include "workloads/support/gbdt_loss.h"
#include "workloads/support/tensor_vector.h"

enum { LANES = VECTOR_LANES, ROWS_A_TASK = 65536 };
/* As p (1 - p) of a score of 16: less is lost in the rounding of p. */
#define LEAST_HESSIAN 1e-7F
/* e^30 events a row are no count any more, and would leave no digits to the other rows. */
#define MOST_LOG_COUNT 30.0F
/* One less than what fits, because rounding may add one. */
static const float MOST_GRADIENT = 32766, MOST_HESSIAN = 65534;

struct work {
	struct gbdt_gradients *gradients;
	const struct gbdt_gradient_inputs *inputs;
	const float *all_scores; /* of all classes */
	float *largest;          /* [task][2] */
	float gradient_scale, hessian_scale;
};

struct derivatives {
	vector_f32 gradient, hessian;
};

VECTOR_INLINE vector_f32 absolute(vector_f32 x)
{
	return (vector_f32)((vector_i32)x & 0x7fffffff);
}

VECTOR_INLINE struct derivatives derive(const struct gbdt_loss *loss, vector_f32 score,
					vector_f32 label, vector_f32 normalizer, unsigned class)
{
	vector_f32 one = vector_fill(1.0F), p, weight, distance;
	switch (loss->kind) {
	case GBDT_LOSS_LOGISTIC:
		p = vector_sigmoid(score);
		weight = vector_choose(label > 0.0F, vector_fill(loss->positive_weight), one);
		return (struct derivatives){ weight * (p - label),
					     weight * vector_most(p * (1.0F - p),
								  vector_fill(LEAST_HESSIAN)) };
	case GBDT_LOSS_HUBER:
		distance = score - label;
		p = loss->delta / vector_most(absolute(distance), vector_fill(loss->delta));
		return (struct derivatives){ distance * p, p };
	case GBDT_LOSS_POISSON:
		p = vector_exp(
			vector_choose(score < MOST_LOG_COUNT, score, vector_fill(MOST_LOG_COUNT)));
		return (struct derivatives){ p - label, p };
	case GBDT_LOSS_SOFTMAX:
		p = vector_exp(score - normalizer);
		weight = vector_choose(label == (float)class, one, vector_fill(0));
		return (struct derivatives){ p - weight, vector_most(p * (1.0F - p),
								     vector_fill(LEAST_HESSIAN)) };
	default:
		return (struct derivatives){ score - label, one };
	}
}

VECTOR_INLINE float most_of(vector_f32 x)
{
	float most = 0;
	for (int i = 0; i < LANES; i++)
		most = x[i] > most ? x[i] : most;
	return most;
}

/* Rows [from, to): derivatives, and the largest of each. */
VECTOR_INLINE void derive_rows(const struct work *work, size_t from, size_t to, float *largest)
{
	struct gbdt_gradients *gradients = work->gradients;
	const struct gbdt_gradient_inputs *inputs = work->inputs;
	vector_f32 most_gradient = { 0 }, most_hessian = { 0 };
	for (size_t row = from; row < to; row += LANES) {
		size_t n = to - row < LANES ? to - row : LANES;
		vector_f32 normalizer = gradients->normalizer
						? vector_load(gradients->normalizer + row, n)
						: vector_fill(0);
		struct derivatives d =
			derive(inputs->loss, vector_load(inputs->scores + row, n),
			       vector_load(inputs->labels + row, n), normalizer, inputs->class);
		vector_store(gradients->gradient + row, d.gradient, n);
		vector_store(gradients->hessian + row, d.hessian, n);
		if (n < LANES) { /* the lanes behind the end count for nothing */
			d.gradient = vector_load(gradients->gradient + row, n);
			d.hessian = vector_load(gradients->hessian + row, n);
		}
		most_gradient = vector_most(most_gradient, absolute(d.gradient));
		most_hessian = vector_most(most_hessian, d.hessian);
	}
	largest[0] = most_of(most_gradient);
	largest[1] = most_of(most_hessian);
}

/* Two rounds of a multiplicative hash; Knuth's and Weyl's constants. */
VECTOR_INLINE vector_u32 hash(vector_u32 x)
{
	x = (x ^ (x >> 16)) * 0x45d9f3bU;
	x = (x ^ (x >> 15)) * 0x2c1b3c6dU;
	return x ^ (x >> 16);
}

/* x as a whole number, up or down with the odds of its fraction: 8 bits of the hash decide. */
VECTOR_INLINE vector_i32 round_by(vector_f32 x, vector_u32 bits)
{
	vector_f32 moved = x + __builtin_convertvector((vector_i32)bits, vector_f32) * (1.0F / 256);
	vector_i32 whole = __builtin_convertvector(moved, vector_i32);
	vector_i32 is_above = (vector_i32)(__builtin_convertvector(whole, vector_f32) > moved);
	return whole + is_above; /* -1 where the conversion rounded a negative number up */
}

VECTOR_INLINE void round_rows(const struct work *work, size_t from, size_t to)
{
	struct gbdt_gradients *gradients = work->gradients;
	vector_u32 lane;
	for (uint32_t i = 0; i < LANES; i++)
		lane[i] = i;
	for (size_t row = from; row < to; row += LANES) {
		size_t n = to - row < LANES ? to - row : LANES;
		vector_u32 bits = hash((lane + (uint32_t)row) * 0x9e3779b9U + work->inputs->seed);
		vector_i32 gradient =
			round_by(vector_load(gradients->gradient + row, n) * work->gradient_scale,
				 bits & 0xffU);
		vector_i32 hessian =
			round_by(vector_load(gradients->hessian + row, n) * work->hessian_scale,
				 (bits >> 8) & 0xffU);
		vector_u32 pairs = ((vector_u32)gradient << 16) | (vector_u32)hessian;
		memcpy(gradients->pairs + row, &pairs, n * sizeof(uint32_t));
	}
}

static void derive_scalar(const struct work *work, size_t from, size_t to, float *largest)
{
	derive_rows(work, from, to, largest);
}

GBDT_AVX2 static void derive_avx2(const struct work *work, size_t from, size_t to, float *largest)
{
	derive_rows(work, from, to, largest);
}

GBDT_AVX512 static void derive_avx512(const struct work *work, size_t from, size_t to,
				      float *largest)
{
	derive_rows(work, from, to, largest);
}

static void round_scalar(const struct work *work, size_t from, size_t to)
{
	round_rows(work, from, to);
}

GBDT_AVX2 static void round_avx2(const struct work *work, size_t from, size_t to)
{
	round_rows(work, from, to);
}

GBDT_AVX512 static void round_avx512(const struct work *work, size_t from, size_t to)
{
	round_rows(work, from, to);
}

static const struct {
	void (*derive)(const struct work *work, size_t from, size_t to, float *largest);
	void (*round)(const struct work *work, size_t from, size_t to);
} loops[] = {
	[GBDT_SIMD_AUTO] = { derive_scalar, round_scalar },
	[GBDT_SIMD_SCALAR] = { derive_scalar, round_scalar },
	[GBDT_SIMD_AVX2] = { derive_avx2, round_avx2 },
	[GBDT_SIMD_AVX512] = { derive_avx512, round_avx512 },
};

static size_t end_of(const struct work *work, size_t task)
{
	size_t end = (task + 1) * ROWS_A_TASK;
	return end < work->gradients->n_rows ? end : work->gradients->n_rows;
}

static void derive_task(void *opaque, size_t task, unsigned share)
{
	const struct work *work = opaque;
	(void)share;
	loops[work->inputs->simd].derive(work, task * ROWS_A_TASK, end_of(work, task),
					 work->largest + 2 * task);
}

static void round_task(void *opaque, size_t task, unsigned share)
{
	const struct work *work = opaque;
	(void)share;
	loops[work->inputs->simd].round(work, task * ROWS_A_TASK, end_of(work, task));
}

static void *take(size_t n)
{
	void *memory = aligned_take(n * sizeof(float));
	if (!memory)
		die("no memory for %zu gradients; use fewer rows=", n);
	return memory;
}

void gbdt_gradients_new(struct gbdt_gradients *gradients, size_t n_rows)
{
	*gradients = (struct gbdt_gradients){ .n_rows = n_rows,
					      .gradient = take(n_rows),
					      .hessian = take(n_rows),
					      .pairs = take(n_rows) };
}

void gbdt_gradients_free(struct gbdt_gradients *gradients)
{
	free(gradients->gradient);
	free(gradients->hessian);
	free(gradients->normalizer);
	free(gradients->pairs);
	memset(gradients, 0, sizeof *gradients);
}

static void normalize_task(void *opaque, size_t task, unsigned share)
{
	const struct work *work = opaque;
	const struct gbdt_loss *loss = work->inputs->loss;
	size_t n = work->gradients->n_rows;
	(void)share;
	for (size_t row = task * ROWS_A_TASK; row < end_of(work, task); row++) {
		float most = work->all_scores[row], sum = 0;
		for (unsigned class = 1; class < loss->n_classes; class ++)
			most = fmaxf(most, work->all_scores[class * n + row]);
		for (unsigned class = 0; class < loss->n_classes; class ++)
			sum += expf(work->all_scores[class * n + row] - most);
		work->gradients->normalizer[row] = most + logf(sum);
	}
}

static size_t n_tasks(const struct gbdt_gradients *gradients)
{
	return (gradients->n_rows + ROWS_A_TASK - 1) / ROWS_A_TASK;
}

void gbdt_gradients_normalize(struct gbdt_gradients *gradients, struct crew *crew,
			      const struct gbdt_loss *loss, const float *scores)
{
	struct gbdt_gradient_inputs inputs = { .loss = loss };
	struct work work = { .gradients = gradients, .inputs = &inputs, .all_scores = scores };
	if (!gradients->normalizer)
		gradients->normalizer = take(gradients->n_rows);
	crew_run_tasks(crew, n_tasks(gradients), normalize_task, &work);
}

void gbdt_gradients_compute(struct gbdt_gradients *gradients, struct crew *crew,
			    const struct gbdt_gradient_inputs *inputs)
{
	size_t n = n_tasks(gradients);
	struct work work = { .gradients = gradients,
			     .inputs = inputs,
			     .largest = allocate(n, 2 * sizeof(float)) };
	float gradient = 1e-30F, hessian = 1e-30F; /* all may be 0 */
	crew_run_tasks(crew, n, derive_task, &work);
	for (size_t i = 0; i < n; i++) {
		gradient = fmaxf(gradient, work.largest[2 * i]);
		hessian = fmaxf(hessian, work.largest[2 * i + 1]);
	}
	work.gradient_scale = MOST_GRADIENT / gradient;
	work.hessian_scale = MOST_HESSIAN / hessian;
	gradients->gradient_unit = 1 / (double)work.gradient_scale;
	gradients->hessian_unit = 1 / (double)work.hessian_scale;
	crew_run_tasks(crew, n, round_task, &work);
	free(work.largest);
}
