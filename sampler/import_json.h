/*
 * import_json: a JSON file as a tree, for importers. The tree is json-c's; asking for what is not
 * there, or is of another kind, gives nothing rather than an error.
 */
#ifndef SAMPLER_IMPORT_JSON_H
#define SAMPLER_IMPORT_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "sampler/base/why.h"

struct json_object; /* json-c's; NULL is JSON's null, and nothing */

/* import_json_unusable: why JSON cannot be read in this build; NULL if it can. */
const char *import_json_unusable(void);

/*
 * import_json_read: the whole file, out of gzip too.
 *
 * is_cut  [out] the file ends early; whole elements of its outermost list are there
 * Errors  NULL and a sentence with the byte
 * Cost    some ten times the file in memory; files over 512 MiB are refused
 */
struct json_object *import_json_read(const char *path, bool *is_cut, struct why *why);
void import_json_free(struct json_object *root);

bool import_json_is_array(const struct json_object *value);
/* Members of an object; NULL if there is none. */
struct json_object *import_json_get(const struct json_object *object, const char *key);
/* Elements of an array; 0 for everything else. */
size_t import_json_length(const struct json_object *array);
struct json_object *import_json_at(const struct json_object *array, size_t i);
/* "" if it is no text. Borrowed. */
const char *import_json_text(const struct json_object *value);
/* NaN if it is no number; text that is one counts, as tools write it so. */
double import_json_number(const struct json_object *value);

/* import_json_each: members of an object, in their order. */
void import_json_each(const struct json_object *object,
		      void (*take)(void *opaque, const char *key, struct json_object *value),
		      void *opaque);

/* import_json_mentions: does text of n_bytes hold this word? For telling formats by their head. */
bool import_json_mentions(const unsigned char *text, size_t n_bytes, const char *word);

#endif
