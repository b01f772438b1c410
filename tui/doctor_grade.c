/* Every counter beside a loop whose count is known. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "counters/grade.h"
#include "counters/machine.h"
#include "sampler/base/text.h"
#include "tui/doctor.h"

static void print_grade(const struct doctor *doctor, const struct grade *grade)
{
	char text[WHY_BYTES + 192], expected[TEXT_BYTES], counted[TEXT_BYTES];
	snprintf(text, sizeof text, "%c  %s counted of %s %s: %+.2f %%%s%s", grade->mark,
		 text_count(counted, sizeof counted, (uint64_t)llround(grade->counted)),
		 text_count(expected, sizeof expected, (uint64_t)llround(grade->expected)),
		 grade->what, 100 * (grade->counted - grade->expected) / grade->expected,
		 grade->reason.text[0] ? ". " : "", grade->reason.text);
	doctor_line(doctor, grade->origin, grade->event, text);
}

/* A reason that was just given (this machine has no PMU) is not given again. */
static void print_unknown(const struct doctor *doctor, const struct grades *grades, uint32_t place)
{
	const struct grade *grade = &grades->rows[place];
	for (uint32_t i = 0; i < place; i++)
		if (grades->rows[i].mark == GRADE_UNKNOWN &&
		    strcmp(grades->rows[i].reason.text, grade->reason.text) == 0) {
			char text[GRADE_EVENT_BYTES + 32];
			snprintf(text, sizeof text, "For the same reason as %s.",
				 grades->rows[i].event);
			doctor_line(doctor, ORIGIN_UNAVAILABLE, grade->event, text);
			return;
		}
	doctor_line(doctor, ORIGIN_UNAVAILABLE, grade->event, grade->reason.text);
}

static size_t cache_bytes(const struct machine *machine, unsigned level)
{
	const struct machine_cache *cache = machine_cache_of(machine, level, 0);
	return cache ? (size_t)cache->size_bytes : 0;
}

bool doctor_grade(const struct doctor *doctor, struct why *why)
{
	struct machine *machine = machine_read("");
	const struct grade_request request = {
		.machine = machine_identity(machine),
		.first_cache_bytes = cache_bytes(machine, 1),
		.last_cache_bytes = cache_bytes(machine, machine_last_level(machine)),
	};
	struct grades grades;
	machine_free(machine);
	grades_measure(&grades, &request);
	printf("Counters beside loops whose counts are known\n");
	for (uint32_t i = 0; i < grades.n; i++)
		if (grades.rows[i].mark == GRADE_UNKNOWN)
			print_unknown(doctor, &grades, i);
		else
			print_grade(doctor, &grades.rows[i]);
	printf("\nA: within 1 %%, B: 5 %%, C: 25 %%, F: worse. Median of five runs.\n");
	if (!grades_save(&grades, why))
		return false;
	printf("Kept for this machine: stat and recordings show them.\n");
	return true;
}
