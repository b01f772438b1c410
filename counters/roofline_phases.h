/*
 * roofline_phases: the phases of a program that state their work (probe.h), each against its
 * roofline, and which of them a moment lies in.
 */
#ifndef COUNTERS_ROOFLINE_PHASES_H
#define COUNTERS_ROOFLINE_PHASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters/roofline.h"
#include "sampler/recording.h"

struct ceilings;

/* All spans of one name. */
struct roofline_phase {
	uint32_t name; /* strings */
	uint64_t n_spans;
	/* all: with the phases inside it; own: without those whose work is known. */
	struct roofline_work all, own;
	struct roofline roofline; /* for its type of numbers and its threads */
	uint32_t n_threads; /* by how many CPUs were busy or threads took turns, else all that were
			     * measured; 0 = unknown
			     */
	struct roofline_verdict all_verdict, own_verdict;
	double measured_bytes; /* moved while it ran, with all else that did; NaN = not measured */
	enum origin measured_origin;
};

struct roofline_segment {
	uint64_t from_ns, to_ns;
	uint32_t phase; /* the innermost with known work */
};

struct roofline_phases {
	struct roofline_phase *rows; /* by their own time, longest first */
	size_t n;
	struct roofline_segment *segments; /* by time, apart from each other */
	size_t n_segments;
	uint64_t first_ns, last_ns; /* of all spans */
	bool is_modelled; /* it ran under the cache model, whose times are not the program's: no
			     verdicts */
};

/*
 * roofline_phases_open: of the spans that begin in [from_ns, to_ns) (to_ns 0 = open end).
 * ceilings  borrowed until the close; may be NULL: no verdicts then
 * Cost      a sort of the spans, and one binary search a sample
 */
struct roofline_phases *roofline_phases_open(const struct recording *recording, uint64_t from_ns,
					     uint64_t to_ns, const struct ceilings *ceilings);
void roofline_phases_close(struct roofline_phases *phases);

/* roofline_phase_at: NULL if the moment lies in no phase with known work. */
const struct roofline_phase *roofline_phase_at(const struct roofline_phases *phases,
					       uint64_t time_ns);

/*
 * roofline_lost_ratio: the share of a moment's time that lies above its bound; NaN where no bound
 * is known.
 */
double roofline_lost_ratio(const struct roofline_phases *phases, uint64_t time_ns);

#endif
