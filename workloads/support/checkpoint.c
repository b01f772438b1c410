/*
 * A model knows how long its file must be, so nothing in a file can make us allocate more than
 * that, and everything is checked before the first weight is changed.
 */
#include "workloads/support/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "workloads/support/sealed_file.h"

enum { SHOWN_BYTES = 40 };

static const struct sealed_kind KIND = { "stokewts", "weights", 2 };

static void put_values(struct sealed *cursor, const struct parameters *parameters, size_t i)
{
	size_t n = parameters_at(parameters, i)->n;
	float *values = allocate(n, sizeof *values);
	parameters_get(parameters, i, values, NULL);
	sealed_put(cursor, values, n * sizeof *values);
	free(values);
}

static void put_text(struct sealed *cursor, const char *text)
{
	sealed_put_u32(cursor, strlen(text));
	sealed_put(cursor, text, strlen(text));
}

static void put_all(struct sealed *cursor, const struct checkpoint_model *model)
{
	const struct parameters *parameters = model->parameters;
	sealed_put_head(cursor, &KIND);
	put_text(cursor, model->besides);
	sealed_put_u32(cursor, parameters_count(parameters));
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		const struct tensor *t = parameters_at(parameters, i);
		put_text(cursor, parameters_name(parameters, i));
		sealed_put_u32(cursor, t->shape.n_axes);
		for (unsigned axis = 0; axis < t->shape.n_axes; axis++)
			sealed_put_u64(cursor, t->shape.at[axis]);
		put_values(cursor, parameters, i);
	}
}

static size_t file_bytes(const struct checkpoint_model *model)
{
	struct sealed measure = { 0 };
	put_all(&measure, model);
	return measure.used + SEALED_SUM_BYTES;
}

bool checkpoint_save(const struct checkpoint_model *model, const char *path, struct why *why)
{
	struct sealed file = { 0 };
	put_all(&file, model);
	sealed_allocate(&file);
	put_all(&file, model);
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

static bool get_text_is(struct sealed *cursor, const char *expected)
{
	return get_u32_is(cursor, strlen(expected)) && get_is(cursor, expected, strlen(expected));
}

/* Does the next tensor have this one's name and shape? */
static bool get_tensor_is(struct sealed *cursor, const struct parameters *parameters, size_t i)
{
	const struct tensor *t = parameters_at(parameters, i);
	bool is_same = get_text_is(cursor, parameters_name(parameters, i)) &&
		       get_u32_is(cursor, t->shape.n_axes);
	for (unsigned axis = 0; is_same && axis < t->shape.n_axes; axis++) {
		uint64_t length = t->shape.at[axis];
		is_same = get_is(cursor, &length, sizeof length);
	}
	return is_same && sealed_get(cursor, t->n * sizeof(float));
}

/* The first words of both are shown, which tell the most. */
static bool check_besides(struct sealed *cursor, const struct checkpoint_model *model,
			  const char *path, struct why *why)
{
	char found[SHOWN_BYTES] = "", clean[SHOWN_BYTES];
	struct sealed at = *cursor;
	const unsigned char *length = sealed_get(&at, sizeof(uint32_t));
	uint32_t n = 0;
	if (get_text_is(cursor, model->besides))
		return true;
	if (length)
		memcpy(&n, length, sizeof n);
	const unsigned char *text = sealed_get(&at, n);
	if (text)
		snprintf(found, sizeof found, "%.*s", n < SHOWN_BYTES ? (int)n : SHOWN_BYTES - 1,
			 (const char *)text);
	return why_fail(why,
			"%s is of another model (%s), and this one is %.*s; give the settings and "
			"the text it was saved with.",
			path, text_clean(clean, sizeof clean, found), SHOWN_BYTES - 1,
			model->besides);
}

static bool check(struct sealed cursor, size_t expected_bytes, const struct checkpoint_model *model,
		  const char *path, struct why *why)
{
	const struct parameters *parameters = model->parameters;
	size_t bytes = cursor.bytes;
	if (!sealed_open(&cursor, &KIND, path, why) || !check_besides(&cursor, model, path, why))
		return false;
	bool is_same = get_u32_is(&cursor, parameters_count(parameters));
	for (size_t i = 0; is_same && i < parameters_count(parameters); i++)
		is_same = get_tensor_is(&cursor, parameters, i);
	return (is_same && bytes == expected_bytes) ||
	       why_fail(why, "%s is of another model; give the settings it was saved with.", path);
}

static void take_weights(const struct sealed *file, const struct checkpoint_model *model)
{
	struct parameters *parameters = model->parameters;
	size_t at = SEALED_MAGIC_BYTES + 3 * sizeof(uint32_t) + strlen(model->besides);
	for (size_t i = 0; i < parameters_count(parameters); i++) {
		const struct tensor *t = parameters_at(parameters, i);
		at += 2 * sizeof(uint32_t) + strlen(parameters_name(parameters, i)) +
		      t->shape.n_axes * sizeof(uint64_t);
		parameters_put(parameters, i, file->at + at);
		at += t->n * sizeof(float);
	}
}

bool checkpoint_load(const struct checkpoint_model *model, const char *path, struct why *why)
{
	size_t expected_bytes = file_bytes(model);
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
	is_good = is_good && check(file, expected_bytes, model, path, why);
	if (is_good)
		take_weights(&file, model);
	free(file.at);
	return is_good;
}
