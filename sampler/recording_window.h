/*
 * recording_window: a part of a recording, in time, as a recording of its own: of one that is still
 * written to as well.
 */
#ifndef SAMPLER_RECORDING_WINDOW_H
#define SAMPLER_RECORDING_WINDOW_H

#include <stdint.h>

struct recording;
struct thread_choice;

/*
 * recording_window: what happened from from_ns until before to_ns (CLOCK_MONOTONIC; 0 = since the
 * beginning, to the end), and all names, facts and notes. Its clock begins where the window does.
 * Spans count if they reach into it; one that was told as open counts once, however often it was
 * told, and not at all if it ended before. Published, and of no writer.
 * Thread  any reader
 * Cost    a copy of the tables
 */
struct recording *recording_window(const struct recording *recording, uint64_t from_ns,
				   uint64_t to_ns);

/* recording_part: the same of some threads only (thread_choice.h): what is of no thread or of the
 * whole target is left out. A fact "part.pid" tells the process's number. */
struct recording *recording_part(const struct recording *recording, uint64_t from_ns,
				 uint64_t to_ns, const struct thread_choice *only);

/* How far a reader of samples, readings and spans has come: the next row of each; 1 at first. */
struct recording_place {
	uint64_t next[3];
};

/*
 * recording_window_next: the same, of what has been published since the place, which moves on:
 * windows one after the other hold every row once, however late it came.
 * from_ns  where its clock begins
 */
struct recording *recording_window_next(const struct recording *recording,
					struct recording_place *place, uint64_t from_ns);

/*
 * recording_keep_since: give back the memory of samples, readings and spans that ended before a
 * time: a reader must not look at them any more. old: the first rows that are not. A span that is
 * still open is told again, as a row of its own, before the row that told it goes; until there are
 * enough rows to give back, spans stay longer than they must.
 * Thread  the writer
 * Cost    what is newly too old; with open spans, each row some four times
 */
void recording_keep_since(struct recording *recording, struct recording_place *old,
			  uint64_t since_ns);

/* recording_name_rest: a name for each frame that has got none. */
void recording_name_rest(struct recording *recording, const char *text);

#endif
