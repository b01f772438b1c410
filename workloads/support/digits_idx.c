/* A header says how much follows; what it says is believed only as far as the file goes. */
#include "workloads/support/digits_idx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	IMAGES_MAGIC = 0x803,
	LABELS_MAGIC = 0x801,
	GZIP_MAGIC = 0x1f8b0000,
	MOST_PICTURES = 1000000,
	MOST_HEADER_WORDS = 4,
};

static bool read_words(FILE *file, uint32_t *words, size_t n)
{
	unsigned char bytes[4 * MOST_HEADER_WORDS];
	if (fread(bytes, 4, n, file) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		words[i] = (uint32_t)bytes[4 * i] << 24 | (uint32_t)bytes[4 * i + 1] << 16 |
			   (uint32_t)bytes[4 * i + 2] << 8 | bytes[4 * i + 3];
	return true;
}

/* Opens a file and checks its header; NULL with a sentence. */
static FILE *open_idx(const char *path, uint32_t magic, uint32_t *words, size_t n_words,
		      struct why *why)
{
	FILE *file = fopen(path, "rb");
	if (!file) {
		why_fail(why, "Cannot read %s: %s.", path, strerror(errno));
		return NULL;
	}
	bool has_header = read_words(file, words, n_words);
	if (has_header && (words[0] & 0xffff0000u) == GZIP_MAGIC)
		why_fail(why, "%s is compressed; unpack it with gunzip first.", path);
	else if (!has_header || words[0] != magic)
		why_fail(why, "%s is no IDX file of %s.", path,
			 magic == IMAGES_MAGIC ? "images" : "labels");
	else if (words[1] == 0 || words[1] > MOST_PICTURES)
		why_fail(why, "%s says it holds %u pictures; 1 to %d can be read.", path, words[1],
			 MOST_PICTURES);
	else
		return file;
	fclose(file);
	return NULL;
}

static bool read_images(struct digits *digits, const char *path, struct why *why)
{
	uint32_t words[MOST_HEADER_WORDS];
	unsigned char picture[DIGIT_PIXELS];
	FILE *file = open_idx(path, IMAGES_MAGIC, words, 4, why);
	if (!file)
		return false;
	bool is_good = words[2] == DIGIT_SIDE && words[3] == DIGIT_SIDE;
	if (!is_good)
		why_fail(why, "%s holds pictures of %u x %u, not 28 x 28.", path, words[3],
			 words[2]);
	size_t n = words[1], n_room = 0;
	for (digits->n = 0; is_good && digits->n < n; digits->n++) {
		is_good = fread(picture, 1, sizeof picture, file) == sizeof picture;
		if (!is_good) {
			why_fail(why, "%s ends after %zu of %zu pictures.", path, digits->n, n);
			break;
		}
		if (digits->n == n_room) { /* as far as there is data, whatever was promised */
			n_room = n_room ? 2 * n_room : 1024;
			n_room = n_room < n ? n_room : n;
			digits->pixels =
				reallocate(digits->pixels, n_room * DIGIT_PIXELS, sizeof(float));
		}
		for (int i = 0; i < DIGIT_PIXELS; i++)
			digits->pixels[digits->n * DIGIT_PIXELS + (size_t)i] =
				(float)picture[i] / 255;
	}
	fclose(file);
	return is_good;
}

static bool read_labels(struct digits *digits, const char *path, struct why *why)
{
	uint32_t words[2];
	FILE *file = open_idx(path, LABELS_MAGIC, words, 2, why);
	if (!file)
		return false;
	bool is_good =
		words[1] == digits->n ||
		why_fail(why, "%s holds %u labels for %zu pictures.", path, words[1], digits->n);
	digits->labels = allocate(digits->n, sizeof *digits->labels);
	for (size_t i = 0; is_good && i < digits->n; i++) {
		int label = getc(file);
		if (label == EOF)
			is_good = why_fail(why, "%s ends after %zu of %zu labels.", path, i,
					   digits->n);
		else if (label >= DIGIT_CLASSES)
			is_good = why_fail(why, "%s: label %zu is %d; 0 to 9 are digits.", path,
					   i + 1, label);
		digits->labels[i] = label;
	}
	fclose(file);
	return is_good;
}

bool digits_read(struct digits *digits, const char *images_path, const char *labels_path,
		 struct why *why)
{
	memset(digits, 0, sizeof *digits);
	if (read_images(digits, images_path, why) && read_labels(digits, labels_path, why))
		return true;
	digits_free(digits);
	return false;
}

void digits_split(struct digits *digits, struct digits *last, size_t n)
{
	size_t first = digits->n - n;
	last->n = n;
	last->pixels = allocate(n * DIGIT_PIXELS, sizeof(float));
	last->labels = allocate(n, sizeof *last->labels);
	memcpy(last->pixels, digits->pixels + first * DIGIT_PIXELS,
	       n * DIGIT_PIXELS * sizeof(float));
	memcpy(last->labels, digits->labels + first, n * sizeof *last->labels);
	digits->n = first;
}
