/*
 * http_post: one POST over HTTP or HTTPS. The one file that includes libcurl.
 */
#ifndef SAMPLER_HTTP_POST_H
#define SAMPLER_HTTP_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct http_post {
	const char *url, *content_type;
	const char *token, *tenant; /* Authorization: Bearer, X-Scope-OrgID; NULL = none */
	const void *body;
	size_t n_bytes;
	uint64_t timeout_ms; /* for all of it */
};

/* http_unusable: NULL, or why there is no HTTP here: not in this build, or no library. Opens it, so
 * before threads begin. */
const char *http_unusable(void);

/*
 * http_post: send it and wait for the answer, which must be a status of 2xx. Redirections are not
 * followed: a profile goes where it was sent.
 * may_retry       [out] on false: the server is away, busy or broken; else it does not want it
 * retry_after_ms  [out] how long it asked to be left alone; 0 = it did not say
 * Errors          false and a sentence with the server's status and first words
 * Thread          one at a time
 */
bool http_post(const struct http_post *post, bool *may_retry, uint64_t *retry_after_ms,
	       struct why *why);

#endif
