/* The letters are in order: A is less than F. */
#include "counters/metric_trust.h"

const struct grade *metric_event_grade(const struct grades *grades, const struct metric_set *set,
				       uint32_t event)
{
	if (set->unresolved[event].text[0])
		return NULL;
	struct grade_code code = grade_code(&set->events[event].sampled.attribute);
	return grades_find(grades, &code);
}

char metric_trust(const struct grades *grades, const struct metric_set *set, uint32_t metric)
{
	const struct metric_section *section = set->section;
	char most = GRADE_NONE;
	bool is_known = true;
	for (uint32_t i = 0; i < section->n_events; i++) {
		if (!(section->metrics[metric].formula.operands_used & 1u << i))
			continue;
		const struct grade *grade = metric_event_grade(grades, set, i);
		is_known &= grade != NULL;
		if (grade && grade->mark > most)
			most = grade->mark;
	}
	return is_known || most == 'F' ? most : GRADE_NONE;
}
