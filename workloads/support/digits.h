/*
 * digits: pictures of handwritten digits that nobody wrote: pen strokes, each time bent, turned,
 * slanted, shifted, thickened and made noisy by a seed.
 */
#ifndef WORKLOADS_SUPPORT_DIGITS_H
#define WORKLOADS_SUPPORT_DIGITS_H

#include <stddef.h>
#include <stdint.h>

struct crew;

/* 28 x 28 as in MNIST (LeCun, Cortes, Burges, 1998), 0 = paper, 1 = ink. */
enum { DIGIT_SIDE = 28, DIGIT_PIXELS = DIGIT_SIDE * DIGIT_SIDE, DIGIT_CLASSES = 10 };

struct digits {
	size_t n;
	float *pixels;   /* (n, DIGIT_PIXELS) */
	int32_t *labels; /* 0 ... 9 */
};

/* digits_make: picture i depends on seed + i only, so not on the threads. About 10 us a picture. */
void digits_make(struct digits *digits, struct crew *crew, size_t n, uint64_t seed);
void digits_free(struct digits *digits);

#endif
