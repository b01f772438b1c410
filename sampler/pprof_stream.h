/*
 * pprof_stream: pieces of a profile, packed by protobuf-c, compressed by zlib, into a stream.
 */
#ifndef SAMPLER_PPROF_STREAM_H
#define SAMPLER_PPROF_STREAM_H

#include <stdbool.h>
#include <stdio.h>

#include "sampler/profile.pb-c.h"

struct pprof_stream;

struct pprof_stream *pprof_stream_open(FILE *out);

/* pprof_stream_put: a profile of any part; what repeats is added to what was put before. */
void pprof_stream_put(struct pprof_stream *stream, const Pprof__Profile *part);

/* pprof_stream_failed: nothing more reaches the file. */
bool pprof_stream_failed(const struct pprof_stream *stream);

/* pprof_stream_close: the end of the gzip stream; `out` stays open, its error says the rest. */
void pprof_stream_close(struct pprof_stream *stream);

#endif
