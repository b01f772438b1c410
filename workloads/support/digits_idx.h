/*
 * digits_idx: pictures of digits from files in the IDX format of MNIST (LeCun, Cortes, Burges).
 *
 * Images: big-endian u32 0x803, count, 28, 28, then a byte a pixel, 255 = ink. Labels: u32 0x801,
 * count, then a byte each, 0 to 9.
 */
#ifndef WORKLOADS_SUPPORT_DIGITS_IDX_H
#define WORKLOADS_SUPPORT_DIGITS_IDX_H

#include "sampler/base/why.h"
#include "workloads/support/digits.h"

/*
 * digits_read: both files into `digits`, to be freed by digits_free.
 * Errors  a file that cannot be read, is of another format or size, is cut short, holds other
 *         labels, or more than a million pictures: a sentence, and nothing to free
 */
bool digits_read(struct digits *digits, const char *images_path, const char *labels_path,
		 struct why *why);

/* digits_split: the last n of them into `last`, which owns its own. */
void digits_split(struct digits *digits, struct digits *last, size_t n);

#endif
