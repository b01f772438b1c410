/*
 * push: profiles to a store that people run, as pprof over HTTP, in the form it takes; with labels,
 * tries that wait longer each time, and a spool on disk for when it is away.
 * Source  Pyroscope, server HTTP API, POST /ingest; Parca, profilestore.proto, WriteRaw, as its
 *         gateway takes it (POST /profiles/writeraw)
 */
#ifndef SAMPLER_PUSH_H
#define SAMPLER_PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "sampler/push_spool.h"

struct recording;

enum push_form { PUSH_PYROSCOPE, PUSH_PARCA };

enum { PUSH_MOST_LABELS = 32, PUSH_LABEL_BYTES = 128 };

struct push_label {
	char name[PUSH_LABEL_BYTES], value[PUSH_LABEL_BYTES];
};

struct push {
	enum push_form form;
	const char *store; /* "http://host:4040": the form's path is put behind it */
	const char *spool; /* folder; NULL = none */
	const char *name;  /* what the profile is called; NULL = after the program */
	const char *token; /* Bearer, and tenant; NULL = none */
	const char *tenant;
	struct push_label labels[PUSH_MOST_LABELS];
	size_t n_labels;
	uint64_t timeout_ms, wait_ms; /* wait_ms: before the second try; then twice as long */
	unsigned n_tries;
	uint64_t most_spool_bytes;
};

/* What came of it. */
struct push_result {
	size_t n_sent, n_refused; /* of the spool too */
	size_t n_spooled, n_left; /* put into it now; still in it */
	size_t n_dropped;         /* lost, as the spool was full */
};

/* push_defaults: what is usual for everything but the address. */
void push_defaults(struct push *push);

/* push_check: an address that makes sense, a form that can be used. */
bool push_check(const struct push *push, struct why *why);

/* push_add_label: "name=value"; the name becomes letters, digits and '_'. */
bool push_add_label(struct push *push, const char *text, struct why *why);

/*
 * push_make: a recording as a request, with labels of its own beside those given: host, rank.
 * Returns  false and a sentence if pprof cannot be written here
 */
bool push_make(const struct push *push, const struct recording *recording,
	       struct push_request *request, struct why *why);

/*
 * push_send: what waits in the spool, then the request (NULL = only the spool). If the store is
 * away, it is kept; if the store does not want it, it is not.
 * Returns  false and a sentence if it was not delivered, though it may be in the spool
 */
bool push_send(const struct push *push, const struct push_request *request,
	       struct push_result *result, struct why *why);

#endif
