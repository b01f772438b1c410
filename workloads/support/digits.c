/*
 * A digit is a few line strips in the unit square, y downwards. A pixel's ink is the distance of
 * its centre to the nearest line, against the pen's radius.
 */
#include "workloads/support/digits.h"

#include <math.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/random.h"

enum { MOST_POINTS = 26 };

struct point {
	double x, y;
};

/* A pen that goes up leaves a point outside the square behind. */
static const struct point UP = { -9, -9 };
#define PEN_UP                                                                                     \
	{                                                                                          \
		-9, -9                                                                             \
	}
#define END                                                                                        \
	{                                                                                          \
		99, 99                                                                             \
	}

static const struct point glyphs[DIGIT_CLASSES][MOST_POINTS] = {
	{ { .50, .08 },
	  { .66, .13 },
	  { .77, .30 },
	  { .80, .50 },
	  { .77, .70 },
	  { .66, .87 },
	  { .50, .92 },
	  { .34, .87 },
	  { .23, .70 },
	  { .20, .50 },
	  { .23, .30 },
	  { .34, .13 },
	  { .50, .08 },
	  END },
	{ { .34, .24 }, { .54, .08 }, { .54, .50 }, { .54, .92 }, END },
	{ { .22, .30 },
	  { .30, .15 },
	  { .50, .08 },
	  { .70, .15 },
	  { .76, .32 },
	  { .65, .50 },
	  { .42, .71 },
	  { .22, .92 },
	  { .50, .91 },
	  { .80, .92 },
	  END },
	{ { .25, .15 },
	  { .50, .08 },
	  { .72, .17 },
	  { .72, .36 },
	  { .47, .46 },
	  { .74, .58 },
	  { .77, .77 },
	  { .55, .92 },
	  { .24, .85 },
	  END },
	{ { .60, .92 },
	  { .61, .50 },
	  { .62, .08 },
	  { .40, .36 },
	  { .20, .65 },
	  { .50, .65 },
	  { .82, .64 },
	  END },
	{ { .75, .08 },
	  { .50, .09 },
	  { .30, .08 },
	  { .26, .45 },
	  { .50, .40 },
	  { .74, .52 },
	  { .76, .74 },
	  { .55, .92 },
	  { .24, .86 },
	  END },
	{ { .68, .09 },
	  { .43, .25 },
	  { .27, .51 },
	  { .27, .77 },
	  { .47, .92 },
	  { .70, .83 },
	  { .73, .63 },
	  { .53, .50 },
	  { .30, .62 },
	  END },
	{ { .20, .09 }, { .50, .08 }, { .80, .09 }, { .60, .48 }, { .44, .92 }, END },
	{ { .50, .08 },
	  { .69, .16 },
	  { .69, .36 },
	  { .50, .46 },
	  { .31, .36 },
	  { .31, .16 },
	  { .50, .08 },
	  PEN_UP,
	  { .50, .46 },
	  { .74, .57 },
	  { .75, .81 },
	  { .50, .92 },
	  { .25, .81 },
	  { .26, .57 },
	  { .50, .46 },
	  END },
	{ { .71, .33 },
	  { .52, .54 },
	  { .29, .42 },
	  { .29, .18 },
	  { .50, .08 },
	  { .70, .16 },
	  { .71, .33 },
	  { .69, .62 },
	  { .54, .92 },
	  END },
};

static double between(struct random *random, double low, double high)
{
	return low + (high - low) * random_unit(random);
}

/* What is done to all points of one digit. */
struct hand {
	double xx, xy, yx, yy, x, y; /* an affine map of the square to pixels */
	double pen;                  /* radius in pixels */
};

static struct hand draw_hand(struct random *random)
{
	/* As far as people's hands differ: turned by 14 degrees, slanted by 0.3, a third narrower.
	 */
	double angle = between(random, -0.25, 0.25), slant = between(random, -0.3, 0.3);
	double width = between(random, 13, 21), height = between(random, 16, 22);
	struct hand hand = { .pen = between(random, 0.7, 1.7) };
	hand.xx = width * cos(angle);
	hand.xy = height * (slant * cos(angle) - sin(angle));
	hand.yx = width * sin(angle);
	hand.yy = height * (cos(angle) + slant * sin(angle));
	hand.x = DIGIT_SIDE / 2.0 + between(random, -2.5, 2.5);
	hand.y = DIGIT_SIDE / 2.0 + between(random, -2.5, 2.5);
	return hand;
}

/* The digit's points in pixels, each a little off its place. */
static int place_points(struct random *random, const struct hand *hand, int digit,
			struct point *out)
{
	int n = 0;
	for (const struct point *at = glyphs[digit]; at->x < 9; at++) {
		if (at->x < 0) {
			out[n++] = UP;
			continue;
		}
		double x = at->x - 0.5 + 0.035 * random_normal(random);
		double y = at->y - 0.5 + 0.035 * random_normal(random);
		out[n].x = hand->x + hand->xx * x + hand->xy * y;
		out[n++].y = hand->y + hand->yx * x + hand->yy * y;
	}
	return n;
}

static bool is_up(const struct point *point)
{
	return point->x == UP.x && point->y == UP.y;
}

/* Squared distance from p to the line from a to b. */
static double distance_squared(struct point p, struct point a, struct point b)
{
	double x = b.x - a.x, y = b.y - a.y, length = x * x + y * y;
	double along = length > 0 ? ((p.x - a.x) * x + (p.y - a.y) * y) / length : 0;
	along = along < 0 ? 0 : along > 1 ? 1 : along;
	double dx = p.x - a.x - along * x, dy = p.y - a.y - along * y;
	return dx * dx + dy * dy;
}

/* Lower the distances of the pixels near enough to the line to take ink from it. */
static void draw_line(struct point a, struct point b, double reach, double *nearest)
{
	int left = (int)fmax(0, floor(fmin(a.x, b.x) - reach));
	int right = (int)fmin(DIGIT_SIDE - 1, ceil(fmax(a.x, b.x) + reach));
	int top = (int)fmax(0, floor(fmin(a.y, b.y) - reach));
	int bottom = (int)fmin(DIGIT_SIDE - 1, ceil(fmax(a.y, b.y) + reach));
	for (int y = top; y <= bottom; y++)
		for (int x = left; x <= right; x++) {
			struct point centre = { x + 0.5, y + 0.5 };
			double distance = distance_squared(centre, a, b);
			double *kept = &nearest[y * DIGIT_SIDE + x];
			*kept = distance < *kept ? distance : *kept;
		}
}

/* The sum of two uniform numbers, with deviation 1: noise need not be normal, and this is quick. */
static double quick_noise(struct random *random)
{
	uint64_t bits = random_bits(random);
	double sum = (double)(bits >> 32) + (double)(bits & 0xffffffffu);
	return (sum * 0x1p-32 - 1) * 2.449489742783178; /* sqrt(6) */
}

static void draw_digit(struct random *random, int digit, float *pixels)
{
	struct point points[MOST_POINTS];
	double nearest[DIGIT_PIXELS];
	struct hand hand = draw_hand(random);
	int n = place_points(random, &hand, digit, points);
	double noise = between(random, 0.02, 0.15);
	for (int i = 0; i < DIGIT_PIXELS; i++)
		nearest[i] = 1e9;
	for (int i = 0; i + 1 < n; i++)
		if (!is_up(&points[i]) && !is_up(&points[i + 1]))
			draw_line(points[i], points[i + 1], hand.pen + 1, nearest);
	for (int i = 0; i < DIGIT_PIXELS; i++) {
		/* Half ink where the pen's rim goes through the centre; a rim one pixel wide. */
		double ink = hand.pen - sqrt(nearest[i]) + 0.5;
		ink = ink < 0 ? 0 : ink > 1 ? 1 : ink;
		pixels[i] = (float)(ink + noise * quick_noise(random));
	}
}

struct job {
	struct digits *digits;
	uint64_t seed;
};

static void draw_share(void *opaque, unsigned share, unsigned n_shares)
{
	const struct job *job = opaque;
	size_t from, to;
	crew_part(job->digits->n, share, n_shares, &from, &to);
	for (size_t i = from; i < to; i++) {
		/* Seeds in a row would give streams that overlap; their hashes do not. */
		struct random seeds = { job->seed + i }, random = { random_bits(&seeds) };
		int digit = (int)(random_bits(&random) % DIGIT_CLASSES);
		job->digits->labels[i] = digit;
		draw_digit(&random, digit, job->digits->pixels + i * DIGIT_PIXELS);
	}
}

void digits_make(struct digits *digits, struct crew *crew, size_t n, uint64_t seed)
{
	struct job job = { digits, seed };
	digits->n = n;
	digits->pixels = allocate(n * DIGIT_PIXELS, sizeof(float));
	digits->labels = allocate(n, sizeof(int32_t));
	crew_run(crew, draw_share, &job);
}

void digits_free(struct digits *digits)
{
	free(digits->pixels);
	free(digits->labels);
	digits->pixels = NULL;
	digits->labels = NULL;
}
