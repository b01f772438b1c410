/*
 * half_blocks: pictures in a terminal: an upper half block in one colour on a ground of another
 * shows two pixels in a cell.
 */
#ifndef WORKLOADS_SUPPORT_HALF_BLOCKS_H
#define WORKLOADS_SUPPORT_HALF_BLOCKS_H

#include <stddef.h>
#include <stdio.h>

/* Channels of width x height values, 0 = dark to 1 = bright; the same three for grey. */
struct half_blocks_picture {
	const float *channels[3];
	size_t width, height;
};

/*
 * half_blocks_print: n pictures side by side, each at most most_columns wide (larger ones are
 * thinned out), from the terminal's top left corner (`is_first` clears it before).
 */
void half_blocks_print(FILE *out, const struct half_blocks_picture *pictures, size_t n,
		       size_t most_columns, int is_first);

#endif
