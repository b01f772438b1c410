/*
 * kept_file: what was measured of a machine, as text, from one run to the next: one file of a kind
 * and machine in $XDG_CACHE_HOME/stoke, else ~/.cache/stoke.
 */
#ifndef COUNTERS_KEPT_FILE_H
#define COUNTERS_KEPT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

/* kept_file_path: where it is, or would be: "ceilings" is a kind. Errors: false and a sentence. */
bool kept_file_path(char *path, size_t bytes, const char *kind, uint64_t machine, struct why *why);

/* kept_file_save: makes the folder; the file is 0600 and appears whole or not at all. `kind` as in
 * kept_file_path; `what` is its name in a sentence. Errors: false and a sentence. */
bool kept_file_save(const char *kind, const char *what, uint64_t machine, const char *text,
		    struct why *why);

/* kept_file_read: a plain file of ours, shorter than most_bytes, to be freed; else NULL. */
char *kept_file_read(const char *path, size_t most_bytes);

/* kept_file_list: the numbers of all files of a kind, in order, at most `most`; how many. */
size_t kept_file_list(const char *kind, uint64_t *machines, size_t most);

#endif
