/*
 * A model knows how long its file must be, so nothing in a file can make us allocate more than
 * that, and everything is checked before the first weight is changed.
 */
#include "workloads/support/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "checkpoints are written as they lie in memory, little-endian"
#endif

enum { MAGIC_BYTES = 8, VERSION = 1, SUM_BYTES = 8, PATH_BYTES = 4096 };
static const char MAGIC[MAGIC_BYTES + 1] = "stokewts";

/* Where to write or read next. When measuring, at is NULL and only `used` moves. */
struct cursor {
	unsigned char *at;
	size_t used, bytes;
};

/* Source: Fowler, Noll, Vo, FNV-1a, 64 bits. */
static uint64_t sum_of(const unsigned char *bytes, size_t n)
{
	uint64_t sum = 14695981039346656037u;
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ bytes[i]) * 1099511628211u;
	return sum;
}

static void put(struct cursor *cursor, const void *from, size_t n)
{
	if (cursor->at)
		memcpy(cursor->at + cursor->used, from, n);
	cursor->used += n;
}

static void put_u32(struct cursor *cursor, size_t value)
{
	uint32_t narrow = (uint32_t)value;
	put(cursor, &narrow, sizeof narrow);
}

static void put_u64(struct cursor *cursor, uint64_t value)
{
	put(cursor, &value, sizeof value);
}

static void put_all(struct cursor *cursor, const struct parameters *parameters)
{
	put(cursor, MAGIC, MAGIC_BYTES);
	put_u32(cursor, VERSION);
	put_u32(cursor, parameters_count(parameters));
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		const struct tensor *t = parameters_at(parameters, i);
		const char *name = parameters_name(parameters, i);
		put_u32(cursor, strlen(name));
		put(cursor, name, strlen(name));
		put_u32(cursor, t->shape.n_axes);
		for (unsigned axis = 0; axis < t->shape.n_axes; axis++)
			put_u64(cursor, t->shape.at[axis]);
		put(cursor, t->data, t->n * sizeof(float));
	}
}

static size_t file_bytes(const struct parameters *parameters)
{
	struct cursor measure = { 0 };
	put_all(&measure, parameters);
	return measure.used + SUM_BYTES;
}

static bool write_file(const char *path, const unsigned char *bytes, size_t n, struct why *why)
{
	FILE *file = fopen(path, "wb");
	if (!file)
		return why_fail(why, "Cannot write %s: %s.", path, strerror(errno));
	bool is_good = fwrite(bytes, 1, n, file) == n;
	is_good = fclose(file) == 0 && is_good;
	return is_good || why_fail(why, "Cannot write %s: %s.", path, strerror(errno));
}

bool checkpoint_save(const struct parameters *parameters, const char *path, struct why *why)
{
	char beside[PATH_BYTES];
	struct cursor cursor = { .bytes = file_bytes(parameters) };
	if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
		return why_fail(why, "Cannot save weights: the path is longer than %d bytes.",
				PATH_BYTES);
	cursor.at = allocate(cursor.bytes, 1);
	put_all(&cursor, parameters);
	put_u64(&cursor, sum_of(cursor.at, cursor.used));
	bool is_good = write_file(beside, cursor.at, cursor.used, why);
	free(cursor.at);
	if (is_good && rename(beside, path) != 0)
		is_good =
			why_fail(why, "Cannot rename %s to %s: %s.", beside, path, strerror(errno));
	if (!is_good)
		remove(beside);
	return is_good;
}

/* The next n bytes, or NULL at the end. */
static const unsigned char *get(struct cursor *cursor, size_t n)
{
	if (n > cursor->bytes - cursor->used)
		return NULL;
	cursor->used += n;
	return cursor->at + cursor->used - n;
}

static bool get_is(struct cursor *cursor, const void *expected, size_t n)
{
	const unsigned char *found = get(cursor, n);
	return found && memcmp(found, expected, n) == 0;
}

static bool get_u32_is(struct cursor *cursor, size_t expected)
{
	uint32_t narrow = (uint32_t)expected;
	return get_is(cursor, &narrow, sizeof narrow);
}

/* Does the next tensor have this one's name and shape? */
static bool get_tensor_is(struct cursor *cursor, const struct parameters *parameters, size_t i)
{
	const struct tensor *t = parameters_at(parameters, i);
	const char *name = parameters_name(parameters, i);
	bool is_same = get_u32_is(cursor, strlen(name)) && get_is(cursor, name, strlen(name)) &&
		       get_u32_is(cursor, t->shape.n_axes);
	for (unsigned axis = 0; is_same && axis < t->shape.n_axes; axis++) {
		uint64_t length = t->shape.at[axis];
		is_same = get_is(cursor, &length, sizeof length);
	}
	return is_same && get(cursor, t->n * sizeof(float));
}

static bool check(const struct cursor *file, size_t expected_bytes,
		  const struct parameters *parameters, const char *path, struct why *why)
{
	struct cursor cursor = *file;
	uint64_t sum;
	if (!get_is(&cursor, MAGIC, MAGIC_BYTES))
		return why_fail(why, "%s holds no weights of stoke.", path);
	if (!get_u32_is(&cursor, VERSION))
		return why_fail(why, "%s has another version than %d; save it anew.", path,
				VERSION);
	if (file->bytes < cursor.used + SUM_BYTES)
		return why_fail(why, "%s is cut short.", path);
	memcpy(&sum, file->at + file->bytes - SUM_BYTES, sizeof sum);
	if (sum != sum_of(file->at, file->bytes - SUM_BYTES))
		return why_fail(why, "%s is damaged or cut short: its check sum is wrong.", path);
	bool is_same = get_u32_is(&cursor, parameters_count(parameters));
	for (size_t i = 0; is_same && i < parameters_count(parameters); i++)
		is_same = get_tensor_is(&cursor, parameters, i);
	return (is_same && file->bytes == expected_bytes) ||
	       why_fail(why, "%s is of another model; give the settings it was saved with.", path);
}

static void take_weights(const struct cursor *file, struct parameters *parameters)
{
	size_t at = MAGIC_BYTES + 2 * sizeof(uint32_t);
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		struct tensor *t = parameters_at(parameters, i);
		at += 2 * sizeof(uint32_t) + strlen(parameters_name(parameters, i)) +
		      t->shape.n_axes * sizeof(uint64_t);
		memcpy(t->data, file->at + at, t->n * sizeof(float));
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
	struct cursor file = { .at = allocate(expected_bytes + 1, 1) };
	file.bytes = fread(file.at, 1, expected_bytes + 1, stream);
	bool has_failed = ferror(stream) != 0, is_longer = file.bytes > expected_bytes;
	fclose(stream);
	bool is_good = !has_failed || why_fail(why, "Cannot read %s: an input error.", path);
	if (is_good && is_longer && memcmp(file.at, MAGIC, MAGIC_BYTES) == 0)
		is_good = why_fail(why,
				   "%s is longer than this model's weights; give the settings it "
				   "was saved with.",
				   path);
	is_good = is_good && check(&file, expected_bytes, parameters, path, why);
	if (is_good)
		take_weights(&file, parameters);
	free(file.at);
	return is_good;
}
