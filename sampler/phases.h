/*
 * phases: which phase of its program a thread is in at a time, from the spans of the series
 * "phases", in whatever order they come. Grows with the recording.
 *
 * A thread that tells phases is in its own; one that tells none is in those of its process,
 * whichever thread tells them; and while it is in none of these, in those that name no thread. Of
 * phases that overlap it is the one that began last, of those that began together the one that ends
 * first. A phase has the time of its beginning, and not that of its end.
 */
#ifndef SAMPLER_PHASES_H
#define SAMPLER_PHASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct moment;
struct phases;
struct recording;

/* phases_open: none yet; the recording is borrowed until phases_close. */
struct phases *phases_open(const struct recording *recording);
void phases_close(struct phases *phases);

/*
 * phases_update: take in the spans that there are by a moment.
 * Returns  true if there were any
 * Cost     O(log n) a span
 */
bool phases_update(struct phases *phases, const struct moment *moment);

/*
 * phases_at: the phase of a thread (0 = of nobody) at a time.
 * Returns  its name (strings); 0 = in none
 * Cost     two look-ups, and O(log n)
 */
uint32_t phases_at(const struct phases *phases, uint32_t thread, uint64_t time_ns);

/* phases_n: how many have been taken in: 0 = nobody has told any. */
uint64_t phases_n(const struct phases *phases);

/*
 * phases_changed: what was answered before may be another phase now, for whoever looked last when
 * phases_n was n_before: in [*from_ns, *to_ns).
 * Returns  false if nothing came since
 */
bool phases_changed(const struct phases *phases, uint64_t n_before, uint64_t *from_ns,
		    uint64_t *to_ns);

size_t phases_bytes(const struct phases *phases);

#endif
