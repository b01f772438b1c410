/* Formats written and read back. See fixture_export.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tests/fixture_export.h"
#include "tests/fixture_stacks.h"

static struct recording *empty(void)
{
	struct recording *recording = recording_new();
	recording_publish(recording);
	return recording;
}

struct recording *fixture_subject(int i)
{
	switch (i) {
	case 0:
		return fixture_known();
	case 1:
		return fixture_hostile();
	case 2:
		return fixture_random(1, 300);
	case 3:
		return fixture_random(2, 2000);
	case 4:
		return empty();
	default:
		return NULL;
	}
}

char *export_with(const struct recording *recording, const char *format,
		  const struct export_options *options, size_t *n)
{
	char *text = NULL;
	struct why why = { "" };
	const struct exporter *exporter = exporter_find(format);
	assert_non_null(exporter);
	FILE *out = open_memstream(&text, n);
	if (!exporter->write(recording, options, out, &why))
		fail_msg("%s: %s", format, why.text);
	fclose(out);
	return text;
}

char *export_text(const struct recording *recording, const char *format, size_t *n)
{
	return export_with(recording, format, &(struct export_options){ 0 }, n);
}

struct json_object *parse_json(const char *text, size_t n)
{
	struct json_tokener *tokener = json_tokener_new();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *value = json_tokener_parse_ex(tokener, text, (int)n);
	size_t end = json_tokener_get_parse_end(tokener);
	if (json_tokener_get_error(tokener) != json_tokener_success || !value)
		fail_msg("not JSON: %s at byte %zu: %.60s",
			 json_tokener_error_desc(json_tokener_get_error(tokener)), end, text + end);
	for (size_t i = end; i < n; i++)
		assert_true(text[i] == ' ' || text[i] == '\n');
	json_tokener_free(tokener);
	return value;
}

struct json_object *export_json(const struct recording *recording, const char *format)
{
	size_t n;
	char *text = export_text(recording, format, &n);
	struct json_object *value = parse_json(text, n);
	free(text);
	return value;
}

struct json_object *json_at(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;
	if (!json_object_object_get_ex(object, key, &value))
		fail_msg("there is no \"%s\"", key);
	return value;
}

const char *json_text(struct json_object *object, const char *key)
{
	assert_true(json_object_is_type(json_at(object, key), json_type_string));
	return json_object_get_string(json_at(object, key));
}

struct json_object *json_element(struct json_object *array, size_t i)
{
	assert_true(json_object_is_type(array, json_type_array));
	assert_true(i < json_object_array_length(array));
	return json_object_array_get_idx(array, i);
}

double json_element_number(struct json_object *array, size_t i)
{
	return json_object_get_double(json_element(array, i));
}

void assert_same_stacks(const struct recording *recording, struct stack_lines *read, char by,
			const char *format)
{
	struct stack_lines held = stack_lines_of(recording, 0);
	const char *difference = stack_lines_difference(&held, read, by);
	if (difference)
		fail_msg("%s: %s", format, difference);
	stack_lines_free(&held);
	stack_lines_free(read);
}

static const char *skip_entity(const char *at)
{
	static const char *const known[] = { "&lt;", "&gt;", "&amp;", "&quot;", "&#39;" };
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strncmp(at, known[i], strlen(known[i])) == 0)
			return at + strlen(known[i]);
	fail_msg("a bare & in markup: %.40s", at);
	return NULL;
}

static void check_characters(const char *text)
{
	uint32_t c;
	for (size_t n; (n = text_decode(text, &c)) > 0; text += n)
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0xfffe || c == 0xffff ||
		    (c == 0xfffd && n != 3))
			fail_msg("a character XML does not have: U+%04X before %.40s", c, text + n);
}

/* From behind '<' to behind '>'; attributes' values may hold neither. */
static const char *skip_tag(const char *at, bool *is_empty)
{
	char quote = '\0', last = '\0';
	for (; *at && (quote || *at != '>'); at++) {
		if (quote ? *at == quote : *at == '"' || *at == '\'')
			quote = quote ? '\0' : *at;
		assert_true(*at != '<');
		last = *at;
	}
	assert_true(*at == '>');
	*is_empty = last == '/' || last == '?';
	return at + 1;
}

void assert_well_formed(const char *text)
{
	char open[16][32];
	size_t depth = 0;
	check_characters(text);
	for (const char *at = text; *at;) {
		bool is_empty;
		if (*at == '&') {
			at = skip_entity(at);
			continue;
		}
		assert_true(strncmp(at, "]]>", 3) != 0);
		if (*at++ != '<')
			continue;
		bool is_end = *at == '/';
		size_t n = strcspn(at + is_end, " />\n");
		const char *name = at + is_end;
		at = skip_tag(at, &is_empty);
		if (is_empty)
			continue;
		if (!is_end) {
			assert_true(depth < 16 && n < sizeof open[0]);
			snprintf(open[depth++], sizeof open[0], "%.*s", (int)n, name);
			continue;
		}
		assert_true(depth > 0);
		depth--;
		if (strlen(open[depth]) != n || strncmp(open[depth], name, n) != 0)
			fail_msg("</%.*s> closes <%s>", (int)n, name, open[depth]);
	}
	assert_int_equal(depth, 0);
}
