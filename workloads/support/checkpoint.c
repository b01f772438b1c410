/*
 * A model knows how long its file must be, so nothing in a file can make us allocate more than
 * that, and everything is checked before the first weight is changed.
 */
#include "workloads/support/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/support/sealed_file.h"

static const struct sealed_kind KIND = { "stokewts", "weights", 1 };

static void put_values(struct sealed *cursor, const struct parameters *parameters, size_t i)
{
	size_t n = parameters_at(parameters, i)->n;
	float *values = allocate(n, sizeof *values);
	parameters_get(parameters, i, values, NULL);
	sealed_put(cursor, values, n * sizeof *values);
	free(values);
}

static void put_all(struct sealed *cursor, const struct parameters *parameters)
{
	sealed_put_head(cursor, &KIND);
	sealed_put_u32(cursor, parameters_count(parameters));
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		const struct tensor *t = parameters_at(parameters, i);
		const char *name = parameters_name(parameters, i);
		sealed_put_u32(cursor, strlen(name));
		sealed_put(cursor, name, strlen(name));
		sealed_put_u32(cursor, t->shape.n_axes);
		for (unsigned axis = 0; axis < t->shape.n_axes; axis++)
			sealed_put_u64(cursor, t->shape.at[axis]);
		put_values(cursor, parameters, i);
	}
}

static size_t file_bytes(const struct parameters *parameters)
{
	struct sealed measure = { 0 };
	put_all(&measure, parameters);
	return measure.used + SEALED_SUM_BYTES;
}

bool checkpoint_save(const struct parameters *parameters, const char *path, struct why *why)
{
	struct sealed file = { 0 };
	put_all(&file, parameters);
	sealed_allocate(&file);
	put_all(&file, parameters);
	return sealed_save(&file, path, why);
}

static bool get_is(struct sealed *cursor, const void *expected, size_t n)
{
	const unsigned char *found = sealed_get(cursor, n);
	return found && memcmp(found, expected, n) == 0;
}

static bool get_u32_is(struct sealed *cursor, size_t expected)
{
	uint32_t narrow = (uint32_t)expected;
	return get_is(cursor, &narrow, sizeof narrow);
}

/* Does the next tensor have this one's name and shape? */
static bool get_tensor_is(struct sealed *cursor, const struct parameters *parameters, size_t i)
{
	const struct tensor *t = parameters_at(parameters, i);
	const char *name = parameters_name(parameters, i);
	bool is_same = get_u32_is(cursor, strlen(name)) && get_is(cursor, name, strlen(name)) &&
		       get_u32_is(cursor, t->shape.n_axes);
	for (unsigned axis = 0; is_same && axis < t->shape.n_axes; axis++) {
		uint64_t length = t->shape.at[axis];
		is_same = get_is(cursor, &length, sizeof length);
	}
	return is_same && sealed_get(cursor, t->n * sizeof(float));
}

static bool check(struct sealed cursor, size_t expected_bytes, const struct parameters *parameters,
		  const char *path, struct why *why)
{
	size_t bytes = cursor.bytes;
	if (!sealed_open(&cursor, &KIND, path, why))
		return false;
	bool is_same = get_u32_is(&cursor, parameters_count(parameters));
	for (size_t i = 0; is_same && i < parameters_count(parameters); i++)
		is_same = get_tensor_is(&cursor, parameters, i);
	return (is_same && bytes == expected_bytes) ||
	       why_fail(why, "%s is of another model; give the settings it was saved with.", path);
}

static void take_weights(const struct sealed *file, struct parameters *parameters)
{
	size_t at = SEALED_MAGIC_BYTES + 2 * sizeof(uint32_t);
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		const struct tensor *t = parameters_at(parameters, i);
		at += 2 * sizeof(uint32_t) + strlen(parameters_name(parameters, i)) +
		      t->shape.n_axes * sizeof(uint64_t);
		parameters_put(parameters, i, file->at + at);
		at += t->n * sizeof(float);
	}
}

bool checkpoint_load(struct parameters *parameters, const char *path, struct why *why)
{
	size_t expected_bytes = file_bytes(parameters);
	FILE *stream = fopen(path, "rb");
	if (!stream)
		return why_fail(why, "Cannot read %s: %s.", path, strerror(errno));
	/* One byte more than expected is enough to see that there is more. */
	struct sealed file = { .at = allocate(expected_bytes + 1, 1) };
	file.bytes = fread(file.at, 1, expected_bytes + 1, stream);
	bool is_longer = file.bytes > expected_bytes;
	int error = ferror(stream) ? errno : 0;
	fclose(stream);
	bool is_good = error == 0 || why_fail(why, "Cannot read %s: %s.", path, strerror(error));
	if (is_good && is_longer && memcmp(file.at, KIND.magic, SEALED_MAGIC_BYTES) == 0)
		is_good = why_fail(why,
				   "%s is longer than this model's weights; give the settings it "
				   "was saved with.",
				   path);
	is_good = is_good && check(file, expected_bytes, parameters, path, why);
	if (is_good)
		take_weights(&file, parameters);
	free(file.at);
	return is_good;
}
