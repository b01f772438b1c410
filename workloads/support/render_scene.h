/*
 * render_scene: a sphere in soft light, drawn so that the picture changes smoothly with everything
 * that may be asked about it: place, size and colour. Pictures are columns of n pixels, one for
 * each channel.
 *
 * Source  the soft silhouette as in Liu et al., "Soft rasterizer" (ICCV 2019)
 */
#ifndef WORKLOADS_SUPPORT_RENDER_SCENE_H
#define WORKLOADS_SUPPORT_RENDER_SCENE_H

#include "workloads/support/autograd.h"

/* What is to be found: centre x, y, z, the radius' logarithm, red, green and blue. */
enum { RENDER_VALUES = 7, RENDER_LOG_RADIUS = 3, RENDER_COLOUR = 4, RENDER_CHANNELS = 3 };

/* Unit directions from the eye at the origin, looking along -z, focal length 1.5. */
struct render_view {
	size_t width, height, n;
	float *directions[3];
};

void render_view_make(struct render_view *view, size_t width, size_t height);
void render_view_free(struct render_view *view);

/* The seven as parameters of one value each. */
struct render_model {
	struct parameters *parameters;
	struct tensor *values[RENDER_VALUES];
};

/* render_model_make: the model is borrowed by what is drawn of it until tape_reset. */
void render_model_make(struct render_model *model, const double *values);
void render_model_free(struct render_model *model);

/* render_columns: the channels of the picture, each (n, 1). Scopes: sphere, silhouette, shade. */
void render_columns(const struct render_model *model, struct tape *tape,
		    const struct render_view *view, struct tensor **channels);

/* render_loss: the mean over channels of the mean squared difference from targets. */
struct tensor *render_loss(struct tape *tape, struct tensor **channels, float *const *targets);

/* render_pixel: the same by plain arithmetic in double, for checks. */
void render_pixel(const double *values, const double *direction, double *colour);

/*
 * render_fused: the loss of render_columns and render_loss and all its gradients in one pass over
 * the pixels, by formulas derived by hand: what is left when nothing between goes through memory.
 *
 * picture  [out] channels of n values each
 * FLOPs    RENDER_FUSED_FLOPS a pixel; 36 bytes: directions, targets, picture
 */
enum { RENDER_FUSED_FLOPS = 171 };

struct tensor *render_fused(const struct render_model *model, struct tape *tape,
			    const struct render_view *view, float *const *targets,
			    float *const *picture);

/* What the drawings share; see render_scene.c. */
struct render_light {
	double sharpness, ambient, epsilon;
	double towards[3], background[RENDER_CHANNELS];
};

struct render_light render_light(void);

/*
 * render_scalars: the first version of such a program: every pixel an expression of single numbers.
 * Its brightness is exp(-4 distance) of the point half a unit along the ray; colours do not count.
 * Returns the mean squared difference from target, and the picture in shades.
 */
struct tensor *render_scalars(const struct render_model *model, struct tape *tape,
			      const struct render_view *view, const float *target, float *shades);

#endif
