/*
 * firefox_meta: the head of a Firefox profile: version, times, categories, how markers are shown.
 */
#ifndef SAMPLER_FIREFOX_META_H
#define SAMPLER_FIREFOX_META_H

struct json;
struct recording;

/* Order of the list of categories in the file. */
enum firefox_category {
	FIREFOX_OTHER,
	FIREFOX_USER,
	FIREFOX_KERNEL,
	FIREFOX_JIT,
	N_FIREFOX_CATEGORIES
};

/* firefox_write_meta: the key "meta" and its value. */
void firefox_write_meta(const struct recording *recording, struct json *json);

#endif
