/*
 * recording_file: a recording as one self-contained .stoke file.
 *
 * The file is a log: a header, then blocks of rows in the order they were published, each group
 * ended by a commit block with the counts so far. Whatever a cut or a kill -9 leaves, everything
 * up to the last commit opens. Blocks hold row_bytes and are checksummed; unknown blocks are
 * skipped, longer rows are cut and shorter ones zero-filled, so versions can read each other.
 */
#ifndef SAMPLER_RECORDING_FILE_H
#define SAMPLER_RECORDING_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct recording;
struct recording_file;

/*
 * recording_file_create: a new file, mode 0600, under a name of its own until it is placed: what
 * the path held so far stays until then.
 * Errors   NULL and a sentence
 */
struct recording_file *recording_file_create(const char *path, struct why *why);

/* recording_file_place: give it its path, replacing an old file. Closing does it too. */
bool recording_file_place(struct recording_file *file, struct why *why);

/* recording_file_discard: remove it if it has not been placed, close, free. NULL is fine. */
void recording_file_discard(struct recording_file *file);

/*
 * recording_file_flush: append what was published since the last flush.
 * Errors   false and a sentence (disk full); what is on disk stays readable; later flushes try
 *          again
 * Thread   collector (or main once it has stopped)
 */
bool recording_file_flush(struct recording_file *file, const struct recording *recording,
			  struct why *why);

/* recording_file_bytes: how large the file is by now. */
uint64_t recording_file_bytes(const struct recording_file *file);

/* recording_file_close: flush, place, fsync, close, free; the last error if any. NULL is fine. */
bool recording_file_close(struct recording_file *file, const struct recording *recording,
			  struct why *why);

/*
 * recording_file_open: read a whole file into a new recording. Every reference is checked, so
 * readers need no checks of their own. A cut end is a note in the recording, not an error.
 * Errors   NULL and a sentence: not a recording, unknown version, nothing committed
 */
struct recording *recording_file_open(const char *path, struct why *why);

#endif
