/*
 * export_streams: which stream of a GPU a sample of GPU time was spent on. Samples know the stack
 * that launched the work; streams are series of spans.
 */
#ifndef SAMPLER_EXPORT_STREAMS_H
#define SAMPLER_EXPORT_STREAMS_H

#include <stddef.h>
#include <stdint.h>

struct recording;
struct sample_row;

struct export_piece {
	uint64_t duration_ns;
	uint32_t lane; /* TABLE_SERIES: a stream; 0 = not known */
};

struct export_streams;

/* export_streams_open: Cost: a sort of the spans of devices; nothing where there are none. */
struct export_streams *export_streams_open(const struct recording *recording);
void export_streams_close(struct export_streams *streams);

/*
 * export_streams_of: the pieces of work that a row of samples is made of. Rows merge work of equal
 * stack and thread within 20 ms, whatever stream it was on: with several streams there is a piece
 * for each work, if they add up to the row.
 * pieces   [out] borrowed until the next call
 * Returns  how many; 0 = all of the row is of `*lane`, where 0 is not known
 * Cost     a binary search and the pieces
 */
size_t export_streams_of(struct export_streams *streams, const struct sample_row *row,
			 const struct export_piece **pieces, uint32_t *lane);

#endif
