/* OpenTelemetry profiles read back: stacks, totals, attributes, and the rules of the dictionary.
 * tests/consumers.sh reads them with protoc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/protobuf_wire.h"
#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tests/fixture_export.h"
#include "tests/fixture_stacks.h"

enum { MOST_ROWS = 1 << 16, N_TABLES_HELD = 8, MOST_PROFILES = 8, MOST_NAMES = 4096 };

/* The file, cut into the rows of its tables; fields of the message Dictionary. */
enum { MAPPINGS = 1, LOCATIONS, FUNCTIONS, LINKS, TEXTS, ATTRIBUTES, STACKS };

struct otlp {
	char *bytes;
	struct protobuf_message *rows[N_TABLES_HELD];
	size_t n[N_TABLES_HELD];
	struct protobuf_message profiles[MOST_PROFILES], resource;
	size_t n_profiles;
};

/* The only field of that number that is a message; an empty one if there is none. */
static struct protobuf_message part(struct protobuf_message message, uint32_t number)
{
	struct protobuf_field field;
	while (protobuf_next(&message, &field))
		if (field.number == number)
			return field.bytes;
	assert_false(message.is_bad);
	return (struct protobuf_message){ 0 };
}

static uint64_t value(struct protobuf_message message, uint32_t number)
{
	struct protobuf_field field;
	while (protobuf_next(&message, &field))
		if (field.number == number)
			return field.value;
	assert_false(message.is_bad);
	return 0;
}

static size_t numbers(struct protobuf_message message, uint32_t number, uint64_t *out)
{
	struct protobuf_field field;
	size_t n = 0;
	while (protobuf_next(&message, &field)) {
		struct protobuf_message rest;
		bool is_begun = false;
		uint64_t one;
		while (field.number == number && protobuf_number(&field, &rest, &is_begun, &one)) {
			assert_true(n < MOST_NAMES);
			out[n++] = one;
		}
	}
	return n;
}

static void take_dictionary(struct otlp *otlp, struct protobuf_message dictionary)
{
	struct protobuf_field field;
	while (protobuf_next(&dictionary, &field)) {
		assert_true(field.number > 0 && field.number < N_TABLES_HELD);
		assert_true(otlp->n[field.number] < MOST_ROWS);
		otlp->rows[field.number][otlp->n[field.number]++] = field.bytes;
	}
	assert_false(dictionary.is_bad);
	for (int i = MAPPINGS; i <= STACKS; i++) { /* row 0 is the empty one */
		assert_true(otlp->n[i] > 0);
		assert_true(otlp->rows[i][0].at == otlp->rows[i][0].end);
	}
}

static struct otlp *decode(const struct recording *recording)
{
	struct otlp *otlp = allocate(1, sizeof *otlp);
	size_t n;
	otlp->bytes = export_text(recording, "otlp", &n);
	for (int i = 1; i < N_TABLES_HELD; i++)
		otlp->rows[i] = allocate(MOST_ROWS, sizeof *otlp->rows[i]);
	const uint8_t *bytes = (const uint8_t *)otlp->bytes;
	struct protobuf_message file = { .at = bytes, .end = bytes + n };
	struct protobuf_message resource = part(file, 1), scope = part(resource, 2);
	struct protobuf_field field;
	otlp->resource = part(resource, 1);
	take_dictionary(otlp, part(file, 2));
	while (protobuf_next(&scope, &field))
		if (field.number == 2) {
			assert_true(otlp->n_profiles < MOST_PROFILES);
			otlp->profiles[otlp->n_profiles++] = field.bytes;
		}
	assert_false(scope.is_bad);
	return otlp;
}

static void free_otlp(struct otlp *otlp)
{
	for (int i = 1; i < N_TABLES_HELD; i++)
		free(otlp->rows[i]);
	free(otlp->bytes);
	free(otlp);
}

static struct protobuf_message row(const struct otlp *otlp, int table, uint64_t place)
{
	assert_true(place < otlp->n[table]);
	return otlp->rows[table][place];
}

static bool is_text(const struct otlp *otlp, uint64_t place, const char *text)
{
	struct protobuf_message message = row(otlp, TEXTS, place);
	size_t n = (size_t)(message.end - message.at);
	return n == strlen(text) && (n == 0 || memcmp(message.at, text, n) == 0);
}

static char *text_at(const struct otlp *otlp, uint64_t place)
{
	struct protobuf_message message = row(otlp, TEXTS, place);
	return strndup((const char *)message.at, (size_t)(message.end - message.at));
}

/* Names of a stack, leaf first; each is freed by the caller. */
static size_t names_of(const struct otlp *otlp, uint64_t stack, char **names)
{
	uint64_t locations[MOST_NAMES];
	size_t n = 0, n_locations = numbers(row(otlp, STACKS, stack), 1, locations);
	for (size_t i = 0; i < n_locations; i++) {
		struct protobuf_message location = row(otlp, LOCATIONS, locations[i]);
		struct protobuf_field field;
		row(otlp, MAPPINGS, value(location, 1));
		while (protobuf_next(&location, &field))
			if (field.number == 3)
				names[n++] = text_at(
					otlp,
					value(row(otlp, FUNCTIONS, value(field.bytes, 1)), 1));
	}
	return n;
}

static struct stack_lines lines_of(const struct otlp *otlp, size_t profile)
{
	struct stack_lines lines = { 0 };
	struct protobuf_message message = otlp->profiles[profile];
	struct protobuf_field field;
	while (protobuf_next(&message, &field)) {
		char *names[MOST_NAMES];
		uint64_t values[MOST_NAMES];
		if (field.number != 2)
			continue;
		size_t n = names_of(otlp, value(field.bytes, 1), names);
		assert_int_equal(numbers(field.bytes, 4, values), 1);
		char *text = stack_text((const char **)names, n);
		stack_lines_add(&lines, text, values[0], values[0]);
		free(text);
		while (n > 0)
			free(names[--n]);
	}
	return lines;
}

static void holds_every_series(void **state)
{
	(void)state;
	struct recording *recording;
	for (int i = 0; (recording = fixture_subject(i)); i++) {
		struct otlp *otlp = decode(recording);
		for (size_t k = 0; k < otlp->n_profiles; k++) {
			struct stack_lines lines = lines_of(otlp, k);
			/* Series of samples are the first ones; each one's weight, then its count.
			 */
			struct stack_lines held = stack_lines_of(recording, (uint32_t)(k / 2 + 1));
			const char *difference =
				stack_lines_difference(&held, &lines, k % 2 ? 'c' : 'w');
			if (difference)
				fail_msg("recording %d, profile %zu: %s", i, k, difference);
			stack_lines_free(&held);
			stack_lines_free(&lines);
		}
		free_otlp(otlp);
		recording_free(recording);
	}
}

static void names_types_and_times(void **state)
{
	(void)state;
	struct recording *recording = fixture_known();
	struct otlp *otlp = decode(recording);
	assert_int_equal(otlp->n_profiles, 2);
	for (int i = 0; i < 2; i++) {
		struct protobuf_message type = part(otlp->profiles[i], 1);
		assert_true(is_text(otlp, value(type, 1), "cpu-clock"));
		assert_true(is_text(otlp, value(type, 2), i ? "count" : "nanoseconds"));
		assert_true(value(otlp->profiles[i], 3) == 1700000000000000000);
		assert_true(value(otlp->profiles[i], 4) == 1500000000);
		assert_true(value(otlp->profiles[i], 6) == 1000000000 / 997);
	}
	assert_true(is_text(otlp, value(row(otlp, MAPPINGS, 1), 4), "/usr/bin/train"));
	free_otlp(otlp);
	recording_free(recording);
}

static bool has_attribute(const struct otlp *otlp, struct protobuf_message of, uint32_t field,
			  const char *key, const char *text)
{
	uint64_t places[MOST_NAMES];
	size_t n = numbers(of, field, places);
	for (size_t i = 0; i < n; i++) {
		struct protobuf_message attribute = row(otlp, ATTRIBUTES, places[i]);
		struct protobuf_message held = part(part(attribute, 2), 1);
		assert_true(places[i] > 0);
		if (is_text(otlp, value(attribute, 1), key) &&
		    (size_t)(held.end - held.at) == strlen(text) &&
		    memcmp(held.at, text, strlen(text)) == 0)
			return true;
	}
	return false;
}

static void says_where_samples_are_from(void **state)
{
	(void)state;
	struct recording *recording = fixture_hostile();
	struct otlp *otlp = decode(recording);
	size_t n[2] = { 0, 0 }, n_load = 0;
	assert_int_equal(otlp->n_profiles, 4);
	for (size_t i = 0; i < 4; i++) {
		struct protobuf_message profile = otlp->profiles[i];
		struct protobuf_field field;
		while (protobuf_next(&profile, &field)) {
			if (field.number != 2)
				continue;
			n[i / 2]++;
			assert_true(has_attribute(otlp, field.bytes, 2, "stoke.provenance",
						  i / 2 ? "scaled" : "software"));
			n_load +=
				has_attribute(otlp, field.bytes, 2, "stoke.phase", "load, \"it\"");
		}
	}
	assert_true(n[0] > 0 && n[1] > 0 && n_load > 0 && n_load < n[0] + n[1]);
	bool has_build_id = false;
	for (size_t i = 1; i < otlp->n[MAPPINGS]; i++)
		has_build_id =
			has_build_id || has_attribute(otlp, otlp->rows[MAPPINGS][i], 5,
						      "process.executable.build_id.gnu", "00ff12");
	assert_true(has_build_id);
	free_otlp(otlp);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_every_series),
		cmocka_unit_test(names_types_and_times),
		cmocka_unit_test(says_where_samples_are_from),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
