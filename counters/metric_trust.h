/*
 * metric_trust: marks of `doctor --grade` for metrics: as bad as the worst counter in the formula.
 */
#ifndef COUNTERS_METRIC_TRUST_H
#define COUNTERS_METRIC_TRUST_H

#include <stdint.h>

#include "counters/grade.h"
#include "counters/metric_set.h"

/* metric_event_grade: of an event of the set's section; NULL = nobody has graded it. */
const struct grade *metric_event_grade(const struct grades *grades, const struct metric_set *set,
				       uint32_t event);

/* metric_trust: a mark, or GRADE_NONE: where one of the events was not graded, unless another is
 * bad anyway. */
char metric_trust(const struct grades *grades, const struct metric_set *set, uint32_t metric);

#endif
