/*
 * Edit distance with insertions, deletions and replacements, on two rows. A candidate is near when
 * at most a third of the wanted name (and always one letter) differs, or when the wanted name is
 * its beginning.
 */
#include "sampler/base/nearest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_NAME = 63 };

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t row[MAX_NAME + 1];
	for (size_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			row[j] = least_of(replaced, least_of(row[j], row[j - 1]) + 1);
		}
	}
	return row[b_length];
}

void nearest_start(struct nearest *nearest, const char *wanted)
{
	*nearest = (struct nearest){ .wanted = wanted, .distance = strlen(wanted) / 3 + 2 };
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
	size_t wanted_length = strlen(nearest->wanted), length = strlen(candidate);
	if (wanted_length == 0 || wanted_length > MAX_NAME || length > MAX_NAME)
		return;
	size_t distance = edit_distance(nearest->wanted, wanted_length, candidate, length);
	/* A beginning of three letters or more says more than the letters that are missing. */
	if (wanted_length >= 3 && strncasecmp(nearest->wanted, candidate, wanted_length) == 0)
		distance = 1;
	if (distance < nearest->distance) {
		nearest->distance = distance;
		nearest->best = candidate;
	}
}

const char *nearest_question(const struct nearest *nearest, const char *prefix, char *out,
			     size_t bytes)
{
	out[0] = '\0';
	if (nearest->best)
		snprintf(out, bytes, "; did you mean %s%s?", prefix, nearest->best);
	return out;
}
