/*
 * libcurl is told all that matters: no signals, no redirections, no schemes but the two. It is
 * opened when something is first sent: with the thirty libraries it needs it would be half of every
 * run's start and memory.
 */
#include "sampler/http_post.h"

#if HAVE_CURL
#include <curl/curl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/library.h"
#include "sampler/base/text.h"

enum { ANSWER_BYTES = 200, HEADER_BYTES = 512, TOO_EARLY = 425, TOO_MANY = 429, TIMED_OUT = 408 };

/* The first bytes of what the server says. */
struct answer {
	char text[ANSWER_BYTES];
	size_t n;
};

static struct curl_calls {
	CURL *(*easy_init)(void);
	CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
	CURLcode (*easy_perform)(CURL *);
	CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
	void (*easy_cleanup)(CURL *);
	const char *(*easy_strerror)(CURLcode);
	struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
	void (*slist_free_all)(struct curl_slist *);
} calls;

static const struct library_symbol symbols[] = {
	{ "curl_easy_init", offsetof(struct curl_calls, easy_init), true },
	{ "curl_easy_setopt", offsetof(struct curl_calls, easy_setopt), true },
	{ "curl_easy_perform", offsetof(struct curl_calls, easy_perform), true },
	{ "curl_easy_getinfo", offsetof(struct curl_calls, easy_getinfo), true },
	{ "curl_easy_cleanup", offsetof(struct curl_calls, easy_cleanup), true },
	{ "curl_easy_strerror", offsetof(struct curl_calls, easy_strerror), true },
	{ "curl_slist_append", offsetof(struct curl_calls, slist_append), true },
	{ "curl_slist_free_all", offsetof(struct curl_calls, slist_free_all), true },
	{ 0 },
};

const char *http_unusable(void)
{
	static const char *const names[] = { "libcurl.so.4", NULL };
	static void *library;
	static struct why why;
	if (!library)
		library = library_open(names, "The HTTP library", "package libcurl4", symbols,
				       &calls, &why);
	return library ? NULL : why.text;
}

static size_t take(char *bytes, size_t size, size_t n, void *opaque)
{
	struct answer *answer = opaque;
	size_t room = sizeof answer->text - 1 - answer->n, now = size * n < room ? size * n : room;
	memcpy(answer->text + answer->n, bytes, now);
	answer->n += now;
	return size * n;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
	char line[HEADER_BYTES];
	/* A line break would begin a header of its own. */
	if (!value || !*value || strpbrk(value, "\r\n") ||
	    (size_t)snprintf(line, sizeof line, "%s: %s", name, value) >= sizeof line)
		return list;
	struct curl_slist *longer = calls.slist_append(list, line);
	return longer ? longer : list;
}

static struct curl_slist *headers_of(const struct http_post *post)
{
	char bearer[HEADER_BYTES];
	struct curl_slist *list = add_header(NULL, "Content-Type", post->content_type);
	snprintf(bearer, sizeof bearer, "Bearer %s", post->token ? post->token : "");
	list = post->token ? add_header(list, "Authorization", bearer) : list;
	list = add_header(list, "X-Scope-OrgID", post->tenant);
	/* Else libcurl waits a second for permission to send much. */
	struct curl_slist *longer = calls.slist_append(list, "Expect:");
	return longer ? longer : list;
}

static void set_up(CURL *curl, const struct http_post *post, struct curl_slist *headers,
		   struct answer *answer)
{
	calls.easy_setopt(curl, CURLOPT_URL, post->url);
#if LIBCURL_VERSION_NUM >= 0x075500
	calls.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	calls.easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	calls.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	calls.easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	calls.easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)post->timeout_ms);
	calls.easy_setopt(curl, CURLOPT_USERAGENT, "stoke");
	calls.easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	calls.easy_setopt(curl, CURLOPT_POST, 1L);
	calls.easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->n_bytes);
	calls.easy_setopt(curl, CURLOPT_POSTFIELDS, post->body);
	calls.easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	calls.easy_setopt(curl, CURLOPT_WRITEDATA, answer);
}

static bool judge(CURL *curl, CURLcode code, const struct http_post *post, struct answer *answer,
		  bool *may_retry, struct why *why)
{
	long status = 0;
	char url[256], said[ANSWER_BYTES];
	text_clean(url, sizeof url, post->url);
	url[strcspn(url, "?")] = '\0';
	calls.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK) {
		*may_retry = code != CURLE_UNSUPPORTED_PROTOCOL && code != CURLE_URL_MALFORMAT;
		return why_fail(why, "Cannot send to %s: %s.", url, calls.easy_strerror(code));
	}
	if (status >= 200 && status < 300)
		return true;
	*may_retry =
		status >= 500 || status == TIMED_OUT || status == TOO_EARLY || status == TOO_MANY;
	answer->text[answer->n] = '\0';
	answer->text[strcspn(answer->text, "\r\n")] = '\0';
	text_clean(said, sizeof said, answer->text);
	return why_fail(why, "%s answers with status %ld%s%s.", url, status, said[0] ? ": " : "",
			said);
}

bool http_post(const struct http_post *post, bool *may_retry, uint64_t *retry_after_ms,
	       struct why *why)
{
	struct answer answer = { .n = 0 };
	curl_off_t wait_s = 0;
	*may_retry = false;
	*retry_after_ms = 0;
	const char *problem = http_unusable();
	if (problem)
		return why_fail(why, "Cannot send anything: %s", problem);
	CURL *curl = calls.easy_init();
	if (!curl)
		return why_fail(why, "libcurl has no memory.");
	struct curl_slist *headers = headers_of(post);
	set_up(curl, post, headers, &answer);
	CURLcode code = calls.easy_perform(curl);
	bool is_good = judge(curl, code, post, &answer, may_retry, why);
	if (calls.easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait_s) == CURLE_OK && wait_s > 0)
		*retry_after_ms = (uint64_t)wait_s * 1000;
	calls.slist_free_all(headers);
	calls.easy_cleanup(curl);
	return is_good;
}
#else
const char *http_unusable(void)
{
	return "libcurl was not there when stoke was built; install libcurl4-openssl-dev and build "
	       "again.";
}

bool http_post(const struct http_post *post, bool *may_retry, uint64_t *retry_after_ms,
	       struct why *why)
{
	(void)post;
	*may_retry = false;
	*retry_after_ms = 0;
	return why_fail(why, "Cannot send anything: %s", http_unusable());
}
#endif
