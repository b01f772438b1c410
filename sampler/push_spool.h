/*
 * push_spool: what a profile store did not take yet, in a folder, one file each, oldest first. A
 * file appears whole or not at all. What is read back is not believed: a request whose URL is not
 * below its store, or whose lines hold control characters, is none of ours.
 */
#ifndef SAMPLER_PUSH_SPOOL_H
#define SAMPLER_PUSH_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct push_request {
	char *store; /* the address the user gave: only what was meant for it is sent to it */
	char *url, *content_type;
	void *body;
	size_t n_bytes;
};

/* push_request_clear: frees what it holds; a zeroed one is fine. */
void push_request_clear(struct push_request *request);

/* push_spool_folder: $XDG_STATE_HOME/stoke/spool, or below $HOME/.local/state. */
bool push_spool_folder(char *path, size_t bytes, struct why *why);

/*
 * push_spool_add: keep a request. When there are more than most_bytes the oldest are dropped.
 * n_dropped  [out] how many were
 */
bool push_spool_add(const char *folder, const struct push_request *request, uint64_t most_bytes,
		    size_t *n_dropped, struct why *why);

/*
 * push_spool_each: every request for a store, oldest first.
 * take      returns false to end; *is_done: the file is removed
 * Returns   how many files are left for this store
 * What is no request of ours is left alone.
 */
size_t push_spool_each(const char *folder, const char *store,
		       bool (*take)(void *opaque, const struct push_request *request,
				    bool *is_done),
		       void *opaque);

#endif
