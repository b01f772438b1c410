/*
 * fixture_export: recordings written in a format, and JSON read back by json-c. Include cmocka.h
 * before it; a format that cannot be written or read fails the test.
 */
#ifndef TESTS_FIXTURE_EXPORT_H
#define TESTS_FIXTURE_EXPORT_H

#include <stddef.h>

struct export_options;
struct json_object;
struct recording;
struct stack_lines;

/* fixture_subject: the recordings every format has to carry, 0 … n-1, the last one empty; NULL
 * after it. Freed with recording_free(). */
struct recording *fixture_subject(int i);

/* export_with / export_text: a recording in a format; NUL-terminated, freed with free(). */
char *export_with(const struct recording *recording, const char *format,
		  const struct export_options *options, size_t *n);
char *export_text(const struct recording *recording, const char *format, size_t *n);

/* parse_json: strict, UTF-8 checked, nothing behind it. Freed with json_object_put(). */
struct json_object *parse_json(const char *text, size_t n);
struct json_object *export_json(const struct recording *recording, const char *format);

/* json_at: the value of a key that must be there. json_text: a string. */
struct json_object *json_at(struct json_object *object, const char *key);
const char *json_text(struct json_object *object, const char *key);
/* An array's element, and numbers of it. */
struct json_object *json_element(struct json_object *array, size_t i);
double json_element_number(struct json_object *array, size_t i);

/* assert_same_stacks: what was read back is what the recording holds; frees it. by: as in
 * stack_lines_difference(). */
void assert_same_stacks(const struct recording *recording, struct stack_lines *read, char by,
			const char *format);

/* assert_well_formed: XML: elements closed in order, attributes quoted, only the characters and
 * entities that XML has. */
void assert_well_formed(const char *text);

#endif
