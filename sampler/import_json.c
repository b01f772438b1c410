/*
 * The one file that knows json-c. Traces of programs that died end anywhere; the list they are is
 * closed behind its last whole element, as the trace viewers do it.
 */
#include "sampler/import_json.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/import_bytes.h"

#if HAVE_JSONC
#include <json-c/json.h>

enum { MOST_DEPTH = 64 };
static const size_t MOST_BYTES = (size_t)512 << 20;

const char *import_json_unusable(void)
{
	return NULL;
}

/* What is open at a place of the text. */
struct nesting {
	char open[MOST_DEPTH];
	int depth;
};

static size_t skip_string(const char *text, size_t at, size_t n)
{
	for (at++; at < n && text[at] != '"'; at++)
		if (text[at] == '\\')
			at++;
	return at;
}

/* The end of the last whole element of the outermost list, and what is open there. */
static size_t last_element(const char *text, size_t n, struct nesting *at_end)
{
	struct nesting now = { .depth = 0 };
	size_t end = 0;
	for (size_t at = 0; at < n; at++) {
		char c = text[at];
		if (c == '"') {
			at = skip_string(text, at, n);
		} else if (c == '{' || c == '[') {
			if (now.depth == MOST_DEPTH)
				return end;
			now.open[now.depth++] = c;
		} else if (c == '}' || c == ']') {
			if (now.depth == 0)
				return end;
			now.depth--;
			bool is_list = now.depth > 0 && now.open[now.depth - 1] == '[';
			if (is_list && (now.depth == 1 || (now.depth == 2 && now.open[0] == '{'))) {
				end = at + 1;
				*at_end = now;
			}
		}
	}
	return end;
}

/* Closes the text behind its last whole element; false if it has none. */
static bool mend(char **text, size_t *n)
{
	struct nesting nesting = { .depth = 0 };
	size_t end = last_element(*text, *n, &nesting);
	if (end == 0)
		return false;
	*text = reallocate(*text, end + MOST_DEPTH + 1, 1);
	while (nesting.depth > 0)
		(*text)[end++] = nesting.open[--nesting.depth] == '[' ? ']' : '}';
	(*text)[end] = '\0';
	*n = end;
	return true;
}

static struct json_object *parse(const char *text, size_t n, size_t *at, const char **problem)
{
	struct json_tokener *tokener = json_tokener_new_ex(MOST_DEPTH);
	if (!tokener)
		die("out of memory reading JSON");
	/* The NUL behind the text tells json-c that a number at its end is whole. */
	struct json_object *root = json_tokener_parse_ex(tokener, text, (int)n + 1);
	enum json_tokener_error error = json_tokener_get_error(tokener);
	*at = json_tokener_get_parse_end(tokener);
	*problem =
		error == json_tokener_success ? "it holds nothing" : json_tokener_error_desc(error);
	json_tokener_free(tokener);
	return root;
}

struct json_object *import_json_read(const char *path, bool *is_cut, struct why *why)
{
	size_t n, at;
	const char *problem;
	char clean[256];
	char *text = import_bytes(path, MOST_BYTES, &n, is_cut, why);
	if (!text)
		return NULL;
	struct json_object *root = parse(text, n, &at, &problem);
	size_t first_at = at;
	if (!root && mend(&text, &n)) {
		const char *other;
		*is_cut = true;
		root = parse(text, n, &at, &other);
	}
	free(text);
	if (!root)
		why_fail(why, "%s is no JSON: %s at byte %zu.",
			 text_clean(clean, sizeof clean, path), problem, first_at);
	return root;
}

void import_json_free(struct json_object *root)
{
	json_object_put(root);
}

bool import_json_is_array(const struct json_object *value)
{
	return json_object_is_type(value, json_type_array);
}

struct json_object *import_json_get(const struct json_object *object, const char *key)
{
	struct json_object *value = NULL;
	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, key, &value);
	return value;
}

size_t import_json_length(const struct json_object *array)
{
	return import_json_is_array(array) ? json_object_array_length(array) : 0;
}

struct json_object *import_json_at(const struct json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

const char *import_json_text(const struct json_object *value)
{
	/* json-c keeps its texts in the tree; asking does not change it. */
	return json_object_is_type(value, json_type_string)
		       ? json_object_get_string((struct json_object *)value)
		       : "";
}

double import_json_number(const struct json_object *value)
{
	char *end;
	if (json_object_is_type(value, json_type_int))
		return (double)json_object_get_int64(value);
	if (json_object_is_type(value, json_type_double))
		return json_object_get_double(value);
	const char *text = import_json_text(value);
	if (!isdigit((unsigned char)text[0]))
		return NAN;
	double number = strtod(text, &end);
	return *end ? NAN : number;
}

void import_json_each(const struct json_object *object,
		      void (*take)(void *opaque, const char *key, struct json_object *value),
		      void *opaque)
{
	if (!json_object_is_type(object, json_type_object))
		return;
	struct json_object_iterator at = json_object_iter_begin((struct json_object *)object);
	struct json_object_iterator end = json_object_iter_end(object);
	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
		take(opaque, json_object_iter_peek_name(&at), json_object_iter_peek_value(&at));
}

#else

const char *import_json_unusable(void)
{
	return "this stoke was built without json-c; install libjson-c-dev and build again.";
}

struct json_object *import_json_read(const char *path, bool *is_cut, struct why *why)
{
	*is_cut = false;
	why_fail(why, "Cannot read %s: %s", path, import_json_unusable());
	return NULL;
}

void import_json_free(struct json_object *root)
{
	(void)root;
}

bool import_json_is_array(const struct json_object *value)
{
	(void)value;
	return false;
}

struct json_object *import_json_get(const struct json_object *object, const char *key)
{
	(void)object, (void)key;
	return NULL;
}

size_t import_json_length(const struct json_object *array)
{
	(void)array;
	return 0;
}

struct json_object *import_json_at(const struct json_object *array, size_t i)
{
	(void)array, (void)i;
	return NULL;
}

const char *import_json_text(const struct json_object *value)
{
	(void)value;
	return "";
}

double import_json_number(const struct json_object *value)
{
	(void)value;
	return NAN;
}

void import_json_each(const struct json_object *object,
		      void (*take)(void *opaque, const char *key, struct json_object *value),
		      void *opaque)
{
	(void)object, (void)take, (void)opaque;
}
#endif

bool import_json_mentions(const unsigned char *text, size_t n_bytes, const char *word)
{
	return memmem(text, n_bytes, word, strlen(word)) != NULL;
}
