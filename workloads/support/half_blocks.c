/* A colour is said again only where it changes: a dark ground costs three bytes a cell. */
#include "workloads/support/half_blocks.h"

#include <string.h>

struct pen {
	FILE *out;
	int colours[6]; /* upper and lower half, as last said; -1 = not yet */
};

/* In steps of 5 of 255: few eyes see them, and a fifth of the bytes is written. */
static int level(float value)
{
	float scaled = value < 0 ? 0 : value > 1 ? 51 : value * 51;
	return 5 * (int)(scaled + 0.5F);
}

static void sample(const struct half_blocks_picture *picture, size_t x, size_t y, int *colour)
{
	size_t place = (y < picture->height ? y : picture->height - 1) * picture->width + x;
	for (int i = 0; i < 3; i++)
		colour[i] = level(picture->channels[i][place]);
}

static void print_cell(struct pen *pen, const int *colours)
{
	static const int grounds[] = { 38, 48 };
	for (int half = 0; half < 2; half++) {
		const int *colour = colours + 3 * half;
		if (memcmp(pen->colours + 3 * half, colour, 3 * sizeof *colour) == 0)
			continue;
		fprintf(pen->out, "\033[%d;2;%d;%d;%dm", grounds[half], colour[0], colour[1],
			colour[2]);
		memcpy(pen->colours + 3 * half, colour, 3 * sizeof *colour);
	}
	fputs("\xe2\x96\x80", pen->out); /* U+2580 */
}

static void print_row(FILE *out, const struct half_blocks_picture *picture, size_t row,
		      size_t n_columns, size_t n_rows)
{
	struct pen pen = { out, { -1, -1, -1, -1, -1, -1 } };
	for (size_t column = 0; column < n_columns; column++) {
		int colours[6];
		size_t x = column * picture->width / n_columns;
		sample(picture, x, 2 * row * picture->height / (2 * n_rows), colours);
		sample(picture, x, (2 * row + 1) * picture->height / (2 * n_rows), colours + 3);
		print_cell(&pen, colours);
	}
	fputs("\033[0m ", out);
}

void half_blocks_print(FILE *out, const struct half_blocks_picture *pictures, size_t n,
		       size_t most_columns, int is_first)
{
	size_t width = pictures[0].width, height = pictures[0].height;
	size_t n_columns = width < most_columns ? width : most_columns;
	size_t n_rows = (height * n_columns / width + 1) / 2;
	fputs(is_first ? "\033[2J\033[H" : "\033[H", out);
	for (size_t row = 0; row < n_rows; row++) {
		for (size_t i = 0; i < n; i++)
			print_row(out, &pictures[i], row, n_columns, n_rows);
		fputs("\r\n", out);
	}
	fflush(out);
}
