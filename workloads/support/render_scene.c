/*
 * Everything that could divide by zero or take the root of a negative number has a small number
 * added, so that gradients stay finite on the sphere's rim and behind it.
 */
#include "workloads/support/render_scene.h"

#include <math.h>
#include <stdlib.h>

#include "sampler/base/why.h"

static const double FOCAL_LENGTH = 1.5, AMBIENT = 0.08;
static const double LIGHT[3] = { 0.4, 0.5, 0.8 }; /* towards it; made a unit vector */
static const double BACKGROUND[RENDER_CHANNELS] = { 0.04, 0.04, 0.06 };
/* A rim about a quarter of a unit wide: less, and a sphere that begins beside the right one would
 * feel nothing of it. */
static const double SHARPNESS = 8;
static const double EPSILON = 1e-8;
static const double SCALAR_DEPTH = 0.5, SCALAR_SHARPNESS = 4;

void render_view_make(struct render_view *view, size_t width, size_t height)
{
	double aspect = (double)width / (double)height;
	view->width = width;
	view->height = height;
	view->n = width * height;
	for (int axis = 0; axis < 3; axis++)
		view->directions[axis] = allocate(view->n, sizeof(float));
	for (size_t i = 0; i < view->n; i++) {
		size_t column = i % width, row = i / width;
		double x = (2 * ((double)column + 0.5) / (double)width - 1) * aspect;
		double y = 1 - 2 * ((double)row + 0.5) / (double)height;
		double length = sqrt(x * x + y * y + FOCAL_LENGTH * FOCAL_LENGTH);
		view->directions[0][i] = (float)(x / length);
		view->directions[1][i] = (float)(y / length);
		view->directions[2][i] = (float)(-FOCAL_LENGTH / length);
	}
}

void render_view_free(struct render_view *view)
{
	for (int axis = 0; axis < 3; axis++)
		free(view->directions[axis]);
}

void render_model_make(struct render_model *model, const double *values)
{
	static const char *const names[] = { "x", "y", "z", "log radius", "red", "green", "blue" };
	model->parameters = parameters_new();
	for (int i = 0; i < RENDER_VALUES; i++) {
		model->values[i] = parameters_add(model->parameters, names[i], shape_1(1), NULL, 0);
		*model->values[i]->data = (float)values[i];
	}
}

void render_model_free(struct render_model *model)
{
	parameters_free(model->parameters);
}

struct render_light render_light(void)
{
	double length = sqrt(LIGHT[0] * LIGHT[0] + LIGHT[1] * LIGHT[1] + LIGHT[2] * LIGHT[2]);
	struct render_light light = { SHARPNESS, AMBIENT, EPSILON, { 0 }, { 0 } };
	for (int i = 0; i < 3; i++) {
		light.towards[i] = LIGHT[i] / length;
		light.background[i] = BACKGROUND[i];
	}
	return light;
}

/* a[0] b[0] + a[1] b[1] + a[2] b[2] */
static struct tensor *dot(struct tape *tape, struct tensor **a, struct tensor **b)
{
	struct tensor *sum = autograd_multiply(tape, a[0], b[0]);
	sum = autograd_add(tape, sum, autograd_multiply(tape, a[1], b[1]));
	return autograd_add(tape, sum, autograd_multiply(tape, a[2], b[2]));
}

/* What a picture needs of the rays and the sphere. */
struct geometry {
	struct tensor *rays[3], *centre[3];
	struct tensor *radius, *along, *miss_squared;
};

/* Where each ray is nearest to the centre, and how far from it. */
__attribute__((noinline)) static void meet_sphere(const struct render_model *model,
						  struct tape *tape, const struct render_view *view,
						  struct geometry *geometry)
{
	tape_scope(tape, "sphere");
	for (int axis = 0; axis < 3; axis++) {
		geometry->rays[axis] =
			tape_constant(tape, shape_2(view->n, 1), view->directions[axis]);
		geometry->centre[axis] = model->values[axis];
	}
	struct tensor **centre = geometry->centre;
	geometry->radius = autograd_exp(tape, model->values[RENDER_LOG_RADIUS]);
	geometry->along = dot(tape, geometry->rays, centre);
	geometry->miss_squared =
		autograd_subtract(tape, dot(tape, centre, centre),
				  autograd_multiply(tape, geometry->along, geometry->along));
}

/* How much of each pixel the sphere covers. */
__attribute__((noinline)) static struct tensor *draw_silhouette(struct tape *tape,
								const struct geometry *geometry)
{
	tape_scope(tape, "silhouette");
	struct tensor *miss = autograd_sqrt(tape, geometry->miss_squared, (float)EPSILON);
	struct tensor *outside = autograd_subtract(tape, miss, geometry->radius);
	return autograd_sigmoid(tape, autograd_scale(tape, outside, (float)-SHARPNESS, 0));
}

/* The cosine between the light and the surface where the ray enters, not below 0. */
__attribute__((noinline)) static struct tensor *light_surface(struct tape *tape,
							      struct geometry *geometry)
{
	struct tensor *normal[3], *sum = NULL;
	double length = sqrt(LIGHT[0] * LIGHT[0] + LIGHT[1] * LIGHT[1] + LIGHT[2] * LIGHT[2]);
	tape_scope(tape, "light");
	struct tensor *square = autograd_multiply(tape, geometry->radius, geometry->radius);
	struct tensor *half = autograd_sqrt(
		tape, autograd_subtract(tape, square, geometry->miss_squared), (float)EPSILON);
	struct tensor *entry = autograd_subtract(tape, geometry->along, half);
	for (int axis = 0; axis < 3; axis++) {
		struct tensor *point = autograd_multiply(tape, entry, geometry->rays[axis]);
		normal[axis] = autograd_subtract(tape, point, geometry->centre[axis]);
		struct tensor *part =
			autograd_scale(tape, normal[axis], (float)(LIGHT[axis] / length), 0);
		sum = sum ? autograd_add(tape, sum, part) : part;
	}
	struct tensor *size = autograd_sqrt(tape, dot(tape, normal, normal), (float)EPSILON);
	return autograd_relu(tape, autograd_divide(tape, sum, size));
}

void render_columns(const struct render_model *model, struct tape *tape,
		    const struct render_view *view, struct tensor **channels)
{
	struct geometry geometry;
	meet_sphere(model, tape, view, &geometry);
	struct tensor *mask = draw_silhouette(tape, &geometry);
	struct tensor *light = light_surface(tape, &geometry);
	tape_scope(tape, "shade");
	struct tensor *rest = autograd_scale(tape, mask, -1, 1);
	for (int i = 0; i < RENDER_CHANNELS; i++) {
		struct tensor *lit =
			autograd_multiply(tape, light, model->values[RENDER_COLOUR + i]);
		lit = autograd_scale(tape, lit, 1, (float)AMBIENT);
		channels[i] = autograd_add(tape, autograd_multiply(tape, mask, lit),
					   autograd_scale(tape, rest, (float)BACKGROUND[i], 0));
	}
	tape_scope(tape, NULL);
}

struct tensor *render_loss(struct tape *tape, struct tensor **channels, float *const *targets)
{
	struct tensor *sum = NULL;
	tape_scope(tape, "loss");
	for (int i = 0; i < RENDER_CHANNELS; i++) {
		struct tensor *target = tape_constant(tape, channels[i]->shape, targets[i]);
		struct tensor *difference = autograd_subtract(tape, channels[i], target);
		struct tensor *mean =
			autograd_mean(tape, autograd_multiply(tape, difference, difference));
		sum = sum ? autograd_add(tape, sum, mean) : mean;
	}
	sum = autograd_scale(tape, sum, 1.0F / RENDER_CHANNELS, 0);
	tape_scope(tape, NULL);
	return sum;
}

static double dot_of(const double *a, const double *b)
{
	return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

void render_pixel(const double *values, const double *direction, double *colour)
{
	double radius = exp(values[RENDER_LOG_RADIUS]), along = dot_of(values, direction);
	double miss = fmax(dot_of(values, values) - along * along, 0);
	double outside = sqrt(miss + EPSILON) - radius;
	double mask = 1 / (1 + exp(SHARPNESS * outside));
	double entry = along - sqrt(fmax(radius * radius - miss, 0) + EPSILON);
	double normal[3];
	for (int axis = 0; axis < 3; axis++)
		normal[axis] = entry * direction[axis] - values[axis];
	double size = sqrt(dot_of(normal, normal) + EPSILON);
	double light = fmax(dot_of(normal, LIGHT) / sqrt(dot_of(LIGHT, LIGHT)) / size, 0);
	for (int i = 0; i < RENDER_CHANNELS; i++)
		colour[i] = mask * (values[RENDER_COLOUR + i] * light + AMBIENT) +
			    (1 - mask) * BACKGROUND[i];
}

static struct tensor *number(struct tape *tape, float value)
{
	struct tensor *t = tape_tensor(tape, shape_1(1));
	*t->data = value;
	return t;
}

/* One pixel of the first version: two dozen tensors of one number each. */
__attribute__((noinline)) static struct tensor *scalar_pixel(const struct render_model *model,
							     struct tape *tape,
							     const struct render_view *view,
							     size_t pixel, struct tensor *radius)
{
	struct tensor *sum = NULL, *depth = number(tape, (float)SCALAR_DEPTH);
	for (int axis = 0; axis < 3; axis++) {
		struct tensor *direction = number(tape, view->directions[axis][pixel]);
		struct tensor *point = autograd_multiply(tape, direction, depth);
		struct tensor *part = autograd_subtract(tape, point, model->values[axis]);
		part = autograd_multiply(tape, part, part);
		sum = sum ? autograd_add(tape, sum, part) : part;
	}
	struct tensor *distance = autograd_sqrt(tape, sum, (float)EPSILON);
	distance = autograd_subtract(tape, distance, radius);
	struct tensor *factor = number(tape, (float)-SCALAR_SHARPNESS);
	return autograd_exp(tape, autograd_multiply(tape, distance, factor));
}

struct tensor *render_scalars(const struct render_model *model, struct tape *tape,
			      const struct render_view *view, const float *target, float *shades)
{
	struct tensor *sum = NULL;
	tape_scope(tape, "scalars");
	struct tensor *radius = autograd_exp(tape, model->values[RENDER_LOG_RADIUS]);
	for (size_t i = 0; i < view->n; i++) {
		struct tensor *shade = scalar_pixel(model, tape, view, i, radius);
		struct tensor *difference =
			autograd_subtract(tape, shade, number(tape, target ? target[i] : 0));
		struct tensor *square = autograd_multiply(tape, difference, difference);
		sum = sum ? autograd_add(tape, sum, square) : square;
		shades[i] = *shade->data;
	}
	sum = autograd_divide(tape, sum, number(tape, (float)view->n));
	tape_scope(tape, NULL);
	return sum;
}
