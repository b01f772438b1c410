/* Marks of `doctor --grade` on rows: an event's by what it is to the kernel, so by any name. */
#include <stdio.h>

#include "counters/grade.h"
#include "counters/machine.h"
#include "counters/metric_trust.h"
#include "tui/stat.h"

static char mark_of(struct stat *stat, const char *event, const struct grade *grade)
{
	char text[WHY_BYTES + GRADE_EVENT_BYTES];
	if (!grade)
		return GRADE_NONE;
	if (grade->mark == 'F') {
		snprintf(text, sizeof text, "%s has trust F. %s", event, grade->reason.text);
		stat_note(stat, text);
	}
	return grade->mark;
}

static void stamp_set(struct stat *stat, const struct grades *grades,
		      const struct stat_block *block)
{
	const struct metric_set *set = block->set;
	struct stat_row *row = &stat->rows[block->first_row];
	if (!set->section || set->absent.text[0])
		return;
	for (uint32_t i = 0; i < set->section->n_metrics; i++, row++)
		row->trust = metric_trust(grades, set, i);
	for (uint32_t i = 0; i < set->section->n_events; i++, row++)
		row->trust = mark_of(stat, row->name, metric_event_grade(grades, set, i));
}

static void stamp_events(struct stat *stat, const struct grades *grades,
			 const struct stat_block *block)
{
	for (uint32_t i = 0; i < block->n_events; i++) {
		struct stat_row *row = &stat->rows[block->first_row + i];
		struct grade_code code = grade_code(&block->events[i].sampled.attribute);
		row->trust = mark_of(stat, row->name, grades_find(grades, &code));
	}
}

void stat_stamp_grades(struct stat *stat)
{
	struct machine *machine = machine_read("");
	struct grades grades;
	bool is_graded = grades_cached(&grades, machine_identity(machine), NULL);
	machine_free(machine);
	for (uint32_t b = 0; is_graded && b < stat->n_blocks; b++)
		if (stat->blocks[b].set)
			stamp_set(stat, &grades, &stat->blocks[b]);
		else
			stamp_events(stat, &grades, &stat->blocks[b]);
}
