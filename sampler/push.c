/* The spool goes first, so that a store gets profiles in the order of time. */
#include "sampler/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sampler/base/text.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/http_post.h"
#include "sampler/json.h"
#include "sampler/recording.h"

enum { SECOND_MS = 1000, MOST_WAIT_MS = 30000 };

static const uint64_t SPOOL_BYTES = (uint64_t)256 << 20;

void push_defaults(struct push *push)
{
	*push = (struct push){ .timeout_ms = 10 * SECOND_MS,
			       .wait_ms = SECOND_MS / 2,
			       .n_tries = 3,
			       .most_spool_bytes = SPOOL_BYTES };
}

bool push_check(const struct push *push, struct why *why)
{
	char clean[128];
	const char *problem = http_unusable();
	const struct exporter *pprof = exporter_find("pprof");
	if (!problem && (!pprof || (pprof->unusable && pprof->unusable())))
		problem = pprof ? pprof->unusable() : "pprof is not built in.";
	if (problem)
		return why_fail(why, "Cannot push: %s", problem);
	return strncmp(push->store, "http://", 7) == 0 ||
	       strncmp(push->store, "https://", 8) == 0 ||
	       why_fail(why, "A profile store is http://HOST:PORT or https://HOST, not %s.",
			text_clean(clean, sizeof clean, push->store));
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* Prometheus' names: [a-zA-Z_][a-zA-Z0-9_]*. */
static void set_label(struct push_label *label, const char *name, size_t n, const char *value)
{
	n = n < sizeof label->name - 1 ? n : sizeof label->name - 1;
	for (size_t i = 0; i < n; i++)
		label->name[i] = is_word(name[i]) ? name[i] : '_';
	label->name[n] = '\0';
	if (label->name[0] >= '0' && label->name[0] <= '9')
		label->name[0] = '_';
	text_clean(label->value, sizeof label->value, value);
}

bool push_add_label(struct push *push, const char *text, struct why *why)
{
	char clean[64];
	size_t n = strcspn(text, "=");
	if (n == 0 || !text[n])
		return why_fail(why, "A label is NAME=VALUE, not %s.",
				text_clean(clean, sizeof clean, text));
	if (push->n_labels == PUSH_MOST_LABELS)
		return why_fail(why, "There are more than %d labels.", PUSH_MOST_LABELS);
	set_label(&push->labels[push->n_labels++], text, n, text + n + 1);
	return true;
}

/* ---- the request */

/* Labels given, and what the recording knows of itself where nobody said otherwise. */
static size_t gather_labels(const struct push *push, const struct recording *recording,
			    struct push_label *out)
{
	static const char *const facts[] = { "host", "rank", "workload" };
	size_t n = push->n_labels;
	memcpy(out, push->labels, n * sizeof *out);
	for (size_t i = 0; i < sizeof facts / sizeof facts[0] && n < PUSH_MOST_LABELS; i++) {
		const char *value = export_fact(recording, facts[i]);
		bool is_given = !value || !*value;
		for (size_t k = 0; k < n && !is_given; k++)
			is_given = strcmp(out[k].name, facts[i]) == 0;
		if (!is_given)
			set_label(&out[n++], facts[i], strlen(facts[i]), value);
	}
	return n;
}

static void name_of(const struct push *push, const struct recording *recording, char *out,
		    size_t bytes)
{
	char first[256];
	const char *line = export_fact(recording, "command_line");
	const char *name = push->name ? push->name : export_fact(recording, "workload");
	if (!name && line) {
		snprintf(first, sizeof first, "%.*s", (int)strcspn(line, " "), line);
		name = text_base_name(first);
	}
	text_clean(out, bytes, name && *name ? name : "stoke");
}

/* Everything but letters, digits and a few marks as %XX: RFC 3986, unreserved. */
static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++)
		if (is_word(*text) || *text == '-' || *text == '.' || *text == '~')
			putc(*text, out);
		else
			fprintf(out, "%%%02X", (unsigned char)*text);
}

/* Pyroscope's name is app{name=value,...}: none of these marks can be in a value. */
static void put_plain(FILE *out, const char *text)
{
	char plain[PUSH_LABEL_BYTES * 2];
	snprintf(plain, sizeof plain, "%s", text);
	for (char *at = plain; (at = strpbrk(at, "{},=\"")); at++)
		*at = '_';
	put_escaped(out, plain);
}

static uint64_t last_sample_ns(const struct recording *recording)
{
	uint64_t n = recording_moment(recording).n[TABLE_SAMPLES], last_ns = 0;
	for (uint64_t id = 1; id < n; id++)
		if (recording_sample(recording, id)->time_ns > last_ns)
			last_ns = recording_sample(recording, id)->time_ns;
	return last_ns;
}

/* Seconds since 1970 of the first and after the last sample; of files without times, now. */
static void times_of(const struct recording *recording, uint64_t *from_s, uint64_t *until_s)
{
	uint64_t length_ns = export_relative_ns(recording, last_sample_ns(recording));
	*from_s = recording->start_epoch_ns / 1000000000;
	*until_s = (recording->start_epoch_ns + length_ns) / 1000000000 + 1;
	if (recording->start_epoch_ns == 0) {
		*until_s = (uint64_t)time(NULL);
		*from_s = *until_s - 1;
	}
}

static void write_pyroscope_url(const struct push *push, const struct recording *recording,
				const struct push_label *labels, size_t n, FILE *out)
{
	char name[PUSH_LABEL_BYTES];
	uint64_t from_s, until_s;
	name_of(push, recording, name, sizeof name);
	times_of(recording, &from_s, &until_s);
	fprintf(out, "%s/ingest?format=pprof&spyName=stoke&from=%llu&until=%llu&name=", push->store,
		(unsigned long long)from_s, (unsigned long long)until_s);
	put_plain(out, name);
	for (size_t i = 0; i < n; i++) {
		put_escaped(out, i ? "," : "{");
		put_escaped(out, labels[i].name);
		put_escaped(out, "=");
		put_plain(out, labels[i].value);
	}
	put_escaped(out, n ? "}" : "");
}

static void put_base64(FILE *out, const unsigned char *bytes, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t three = (uint32_t)bytes[i] << 16 |
				 (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				 (left > 2 ? bytes[i + 2] : 0u);
		putc(digits[three >> 18], out);
		putc(digits[three >> 12 & 63], out);
		putc(left > 1 ? digits[three >> 6 & 63] : '=', out);
		putc(left > 2 ? digits[three & 63] : '=', out);
	}
}

static void put_label(struct json *json, const char *name, const char *value)
{
	json_open(json, '{');
	json_string_at(json, "name", name);
	json_string_at(json, "value", value);
	json_close(json, '}');
}

static void put_labels(struct json *json, const char *name, const struct push_label *labels,
		       size_t n)
{
	json_open(json, '{');
	json_key(json, "labels");
	json_open(json, '[');
	put_label(json, "__name__", "stoke");
	put_label(json, "job", name);
	for (size_t i = 0; i < n; i++)
		put_label(json, labels[i].name, labels[i].value);
	json_close(json, ']');
	json_close(json, '}');
}

/* Bytes are base64 in protobuf's JSON. */
static void put_profile(struct json *json, const struct push_request *profile)
{
	json_open(json, '[');
	json_open(json, '{');
	json_key(json, "rawProfile");
	putc('"', json->out);
	put_base64(json->out, profile->body, profile->n_bytes);
	putc('"', json->out);
	json_close(json, '}');
	json_close(json, ']');
}

static void write_parca_body(FILE *out, const char *name, const struct push_label *labels, size_t n,
			     const struct push_request *profile)
{
	struct json json = { .out = out };
	json_open(&json, '{');
	json_key(&json, "series");
	json_open(&json, '[');
	json_open(&json, '{');
	json_key(&json, "labels");
	put_labels(&json, name, labels, n);
	json_key(&json, "samples");
	put_profile(&json, profile);
	json_close(&json, '}');
	json_close(&json, ']');
	/* Addresses are the files' own, whatever they were loaded at. */
	json_key(&json, "normalized");
	json_literal(&json, "true");
	json_close(&json, '}');
}

static FILE *open_memory(char **bytes, size_t *n)
{
	FILE *out = open_memstream(bytes, n);
	if (!out)
		die("out of memory making a request");
	return out;
}

/* The profile is in the body; it becomes a part of what Parca's gateway takes. */
static void wrap_for_parca(const struct push *push, const struct recording *recording,
			   const struct push_label *labels, size_t n, struct push_request *request)
{
	char name[PUSH_LABEL_BYTES], *body = NULL;
	size_t n_body;
	FILE *out = open_memory(&body, &n_body);
	name_of(push, recording, name, sizeof name);
	write_parca_body(out, name, labels, n, request);
	fclose(out);
	free(request->body);
	request->body = body;
	request->n_bytes = n_body;
}

bool push_make(const struct push *push, const struct recording *recording,
	       struct push_request *request, struct why *why)
{
	const struct export_options everything = { 0 };
	struct push_label labels[PUSH_MOST_LABELS];
	size_t n = gather_labels(push, recording, labels), n_profile, n_url;
	char *profile = NULL;
	FILE *out = open_memory(&profile, &n_profile);
	bool is_good = exporter_find("pprof")->write(recording, &everything, out, why);
	fclose(out);
	*request = (struct push_request){ 0 };
	if (!is_good) {
		free(profile);
		return false;
	}
	request->store = strdup(push->store);
	out = open_memory(&request->url, &n_url);
	if (push->form == PUSH_PYROSCOPE)
		write_pyroscope_url(push, recording, labels, n, out);
	else
		fprintf(out, "%s/profiles/writeraw", push->store);
	fclose(out);
	request->content_type = strdup(push->form == PUSH_PYROSCOPE ? "application/octet-stream"
								    : "application/json");
	request->body = profile;
	request->n_bytes = n_profile;
	if (push->form == PUSH_PYROSCOPE)
		return true;
	wrap_for_parca(push, recording, labels, n, request);
	return true;
}

/* ---- sending */

static void wait_for(uint64_t wait_ms)
{
	struct timespec wait = { .tv_sec = (time_t)(wait_ms / 1000),
				 .tv_nsec = (long)(wait_ms % 1000) * 1000000 };
	nanosleep(&wait, NULL);
}

static bool try_to_send(const struct push *push, const struct push_request *request,
			unsigned n_tries, bool *may_retry, struct why *why)
{
	const struct http_post post = { .url = request->url,
					.content_type = request->content_type,
					.token = push->token,
					.tenant = push->tenant,
					.body = request->body,
					.n_bytes = request->n_bytes,
					.timeout_ms = push->timeout_ms };
	uint64_t wait_ms = push->wait_ms, asked_ms;
	for (unsigned i = 1; !http_post(&post, may_retry, &asked_ms, why); i++) {
		if (!*may_retry || i >= n_tries)
			return false;
		wait_ms = asked_ms > wait_ms ? asked_ms : wait_ms;
		wait_for(wait_ms < MOST_WAIT_MS ? wait_ms : MOST_WAIT_MS);
		wait_ms *= 2;
	}
	return true;
}

/* The spool on its way out. */
struct replay {
	const struct push *push;
	struct push_result *result;
	struct why *why;
	bool is_away;
};

static bool take_spooled(void *opaque, const struct push_request *request, bool *is_done)
{
	struct replay *replay = opaque;
	bool may_retry;
	if (try_to_send(replay->push, request, replay->push->n_tries, &may_retry, replay->why)) {
		replay->result->n_sent++;
		*is_done = true;
		return true;
	}
	/* What the store does not want now it will not want later. */
	replay->result->n_refused += !may_retry;
	*is_done = !may_retry;
	replay->is_away = may_retry;
	return !may_retry;
}

static bool keep(const struct push *push, const struct push_request *request,
		 struct push_result *result, struct why *why)
{
	struct why problem;
	if (!push->spool)
		return false;
	if (!push_spool_add(push->spool, request, push->most_spool_bytes, &result->n_dropped,
			    &problem)) {
		struct why first = *why;
		return why_fail(why, "%.400s %.400s", first.text, problem.text);
	}
	result->n_spooled++;
	result->n_left += 1;
	result->n_left -= result->n_dropped < result->n_left ? result->n_dropped : result->n_left;
	return false;
}

bool push_send(const struct push *push, const struct push_request *request,
	       struct push_result *result, struct why *why)
{
	struct replay replay = { .push = push, .result = result, .why = why };
	bool may_retry = true;
	*result = (struct push_result){ 0 };
	if (push->spool)
		result->n_left = push_spool_each(push->spool, push->store, take_spooled, &replay);
	if (!request)
		return !replay.is_away;
	/* A store that was away a moment ago is not asked again. */
	if (!replay.is_away && try_to_send(push, request, push->n_tries, &may_retry, why)) {
		result->n_sent++;
		return true;
	}
	if (!may_retry) {
		result->n_refused++;
		return false;
	}
	return keep(push, request, result, why);
}
