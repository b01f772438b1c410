/*
 * The picture and the derivatives of its loss sixteen pixels at a time, everything in registers.
 * The derivatives are those of render_scene.c's formulas, backwards, line by line; the tests hold
 * one against the other.
 *
 * Pixels are summed in blocks, blocks in their order: neither the number of threads nor the size
 * of the picture takes digits from the sums.
 */
#include <math.h>

#include "workloads/support/crew.h"
#include "workloads/support/render_scene.h"
#include "workloads/support/tensor_simd.h"
#include "workloads/support/tensor_vector.h"

enum { BLOCK_PIXELS = 1024, SUMS = RENDER_VALUES + 1 /* the loss */ };

struct fused {
	const float *directions[3];
	float *const *targets, *const *picture;
	size_t n;
	float centre[3], radius, colour[3], centre_squared, scale; /* of the loss: 1 / (3 n) */
	float sharpness, ambient, epsilon, towards[3], background[3];
	float *sums; /* SUMS for each block */
};

/* Some pixels: what the way there computes and the way back needs. */
struct pixels {
	vector_f32 ray[3], normal[3];
	vector_f32 along, miss_squared, miss, mask, inside, half, facing, size, light;
	vector_f32 slope[3]; /* of the loss by each channel */
	vector_f32 loss;
};

VECTOR_INLINE vector_f32 where_positive(vector_f32 test, vector_f32 value)
{
	return vector_choose(test > 0.0F, value, (vector_f32){ 0 });
}

VECTOR_INLINE vector_f32 safe_root(vector_f32 x, float epsilon)
{
	return vector_square_root(where_positive(x, x) + epsilon);
}

VECTOR_INLINE void draw_geometry(const struct fused *with, struct pixels *at, size_t i, size_t n)
{
	const float *centre = with->centre;
	for (int axis = 0; axis < 3; axis++)
		at->ray[axis] = vector_load(with->directions[axis] + i, n);
	at->along = centre[0] * at->ray[0] + centre[1] * at->ray[1] + centre[2] * at->ray[2];
	at->miss_squared = with->centre_squared - at->along * at->along;
	at->miss = safe_root(at->miss_squared, with->epsilon);
	at->mask = vector_sigmoid(with->sharpness * (with->radius - at->miss));
	at->inside = with->radius * with->radius - at->miss_squared;
	at->half = safe_root(at->inside, with->epsilon);
	vector_f32 entry = at->along - at->half, square = { 0 }, facing = { 0 };
	for (int axis = 0; axis < 3; axis++) {
		at->normal[axis] = entry * at->ray[axis] - centre[axis];
		square += at->normal[axis] * at->normal[axis];
		facing += with->towards[axis] * at->normal[axis];
	}
	at->size = safe_root(square, with->epsilon);
	at->facing = facing;
	at->light = where_positive(facing, facing / at->size);
}

VECTOR_INLINE void draw_colours(const struct fused *with, struct pixels *at, size_t i, size_t n)
{
	at->loss = (vector_f32){ 0 };
	for (int j = 0; j < RENDER_CHANNELS; j++) {
		vector_f32 lit = with->colour[j] * at->light + with->ambient;
		vector_f32 value = at->mask * lit + (1.0F - at->mask) * with->background[j];
		vector_f32 off = value - vector_load(with->targets[j] + i, n);
		vector_store(with->picture[j] + i, value, n);
		at->loss += off * off * with->scale;
		at->slope[j] = 2.0F * with->scale * off;
	}
}

/* From the colours to how the light, the mask and the three colours change the loss. */
VECTOR_INLINE vector_f32 colours_back(const struct fused *with, const struct pixels *at,
				      vector_f32 *to_mask, vector_f32 *sums)
{
	vector_f32 to_light = { 0 };
	*to_mask = (vector_f32){ 0 };
	for (int j = 0; j < RENDER_CHANNELS; j++) {
		vector_f32 lit = with->colour[j] * at->light + with->ambient;
		vector_f32 through = at->slope[j] * at->mask;
		*to_mask += at->slope[j] * (lit - with->background[j]);
		to_light += through * with->colour[j];
		sums[RENDER_COLOUR + j] += through * at->light;
	}
	return to_light;
}

VECTOR_INLINE void geometry_back(const struct fused *with, const struct pixels *at,
				 vector_f32 to_light, vector_f32 to_mask, vector_f32 *sums)
{
	vector_f32 to_facing = where_positive(at->facing, to_light) / at->size;
	vector_f32 to_normal_size = -to_facing * at->facing / (at->size * at->size);
	vector_f32 to_entry = { 0 }, to_centre[3];
	for (int axis = 0; axis < 3; axis++) {
		vector_f32 to_normal =
			to_facing * with->towards[axis] + to_normal_size * at->normal[axis];
		to_entry += to_normal * at->ray[axis];
		to_centre[axis] = -to_normal;
	}
	vector_f32 to_inside = where_positive(at->inside, -0.5F * to_entry / at->half);
	vector_f32 to_outside = -with->sharpness * at->mask * (1.0F - at->mask) * to_mask;
	vector_f32 to_miss = where_positive(at->miss_squared, 0.5F * to_outside / at->miss);
	vector_f32 to_square = to_miss - to_inside; /* of the distance by which the ray misses */
	vector_f32 to_along = to_entry - 2.0F * at->along * to_square;
	vector_f32 to_radius = 2.0F * with->radius * to_inside - to_outside;
	for (int axis = 0; axis < 3; axis++)
		sums[axis] += to_centre[axis] + to_along * at->ray[axis] +
			      2.0F * with->centre[axis] * to_square;
	sums[RENDER_LOG_RADIUS] += with->radius * to_radius;
}

VECTOR_INLINE void draw_block(const struct fused *with, size_t block)
{
	size_t from = block * BLOCK_PIXELS;
	size_t to = with->n - from < BLOCK_PIXELS ? with->n : from + BLOCK_PIXELS;
	vector_f32 sums[SUMS] = { 0 };
	for (size_t i = from; i < to; i += VECTOR_LANES) {
		size_t n = to - i < VECTOR_LANES ? to - i : VECTOR_LANES;
		struct pixels at;
		vector_f32 to_mask, parts[SUMS] = { 0 };
		draw_geometry(with, &at, i, n);
		draw_colours(with, &at, i, n);
		vector_f32 to_light = colours_back(with, &at, &to_mask, parts);
		geometry_back(with, &at, to_light, to_mask, parts);
		parts[RENDER_VALUES] = at.loss;
		/* Lanes behind the last pixel hold the colour of no ray: they do not count. */
		for (int j = 0; j < SUMS; j++)
			sums[j] += n == VECTOR_LANES ? parts[j]
						     : vector_load((const float *)&parts[j], n);
	}
	for (int j = 0; j < SUMS; j++)
		with->sums[block * SUMS + (size_t)j] = vector_sum(sums[j]);
}

static void blocks_portable(const struct fused *with, size_t from, size_t to)
{
	for (size_t block = from; block < to; block++)
		draw_block(with, block);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void blocks_avx2(const struct fused *with, size_t from,
							    size_t to)
{
	for (size_t block = from; block < to; block++)
		draw_block(with, block);
}

__attribute__((target("avx512f"))) static void blocks_avx512(const struct fused *with, size_t from,
							     size_t to)
{
	for (size_t block = from; block < to; block++)
		draw_block(with, block);
}
#endif

static void draw_share(void *opaque, unsigned share, unsigned n_shares)
{
	const struct fused *with = opaque;
	size_t from, to;
	crew_part((with->n + BLOCK_PIXELS - 1) / BLOCK_PIXELS, share, n_shares, &from, &to);
#if defined(__x86_64__)
	if (tensor_simd() == SIMD_AVX512)
		return blocks_avx512(with, from, to);
	if (tensor_simd() == SIMD_AVX2)
		return blocks_avx2(with, from, to);
#endif
	blocks_portable(with, from, to);
}

static void take_scene(struct fused *with, const struct render_model *model)
{
	struct render_light light = render_light();
	for (int i = 0; i < 3; i++) {
		with->centre[i] = *model->values[i]->data;
		with->colour[i] = *model->values[RENDER_COLOUR + i]->data;
		with->towards[i] = (float)light.towards[i];
		with->background[i] = (float)light.background[i];
		with->centre_squared += with->centre[i] * with->centre[i];
	}
	with->radius = expf(*model->values[RENDER_LOG_RADIUS]->data);
	with->sharpness = (float)light.sharpness;
	with->ambient = (float)light.ambient;
	with->epsilon = (float)light.epsilon;
	with->scale = 1 / (float)(RENDER_CHANNELS * with->n);
}

/* The derivatives are already there, behind the loss. */
static void fused_backward(struct tape *tape, struct tensor *out)
{
	const struct render_model *model = out->context;
	for (int i = 0; i < RENDER_VALUES; i++) {
		float *gradient = tape_gradient_or_none(tape, model->values[i]);
		if (gradient)
			*gradient += out->data[1 + i] * *out->gradient;
	}
}

static const struct tensor_op op_fused = { "fused", fused_backward };

struct tensor *render_fused(const struct render_model *model, struct tape *tape,
			    const struct render_view *view, float *const *targets,
			    float *const *picture)
{
	struct fused with = { .targets = targets, .picture = picture, .n = view->n };
	size_t n_blocks = (view->n + BLOCK_PIXELS - 1) / BLOCK_PIXELS;
	double sums[SUMS] = { 0 };
	tape_scope(tape, "fused");
	for (int axis = 0; axis < 3; axis++)
		with.directions[axis] = view->directions[axis];
	take_scene(&with, model);
	with.sums = tape_take(tape, n_blocks * SUMS);
	crew_run(tape_crew(tape), draw_share, &with);
	for (size_t block = 0; block < n_blocks; block++)
		for (size_t i = 0; i < SUMS; i++)
			sums[i] += (double)with.sums[block * SUMS + i];
	tape_count(tape, (double)RENDER_FUSED_FLOPS * (double)view->n, 36.0 * (double)view->n);
	struct tensor *out = tape_constant(tape, shape_1(1), tape_take(tape, SUMS));
	out->data[0] = (float)sums[RENDER_VALUES];
	for (int i = 0; i < RENDER_VALUES; i++)
		out->data[1 + i] = (float)sums[i];
	out->context = model;
	/* Values that need gradients are leaves, so one of them is enough for the order. */
	out->parents[0] = model->values[0];
	tape_scope(tape, NULL);
	return tape_record(tape, out, &op_fused);
}
