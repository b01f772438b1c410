/* Every counter beside a loop whose count is known. */
#include <math.h>
#include <stdio.h>

#include "counters/grade.h"
#include "counters/machine.h"
#include "sampler/base/text.h"
#include "tui/doctor.h"

static void print_grade(const struct doctor *doctor, const struct grade *grade)
{
	char text[WHY_BYTES + 192], expected[TEXT_BYTES], counted[TEXT_BYTES];
	if (grade->mark == GRADE_UNKNOWN) {
		doctor_line(doctor, ORIGIN_UNAVAILABLE, grade->event, grade->reason.text);
		return;
	}
	snprintf(text, sizeof text, "%c  %s counted of %s %s: %+.2f %%%s%s", grade->mark,
		 text_count(counted, sizeof counted, (uint64_t)llround(grade->counted)),
		 text_count(expected, sizeof expected, (uint64_t)llround(grade->expected)),
		 grade->what, 100 * (grade->counted - grade->expected) / grade->expected,
		 grade->reason.text[0] ? ". " : "", grade->reason.text);
	doctor_line(doctor, grade->origin, grade->event, text);
}

bool doctor_grade(const struct doctor *doctor, struct why *why)
{
	struct machine *machine = machine_read("");
	struct grades grades;
	grades_measure(&grades, machine_identity(machine));
	machine_free(machine);
	printf("Counters beside loops whose counts are known\n");
	for (uint32_t i = 0; i < grades.n; i++)
		print_grade(doctor, &grades.rows[i]);
	printf("\nA: within 1 %%, B: 5 %%, C: 25 %%, F: worse. Median of five runs.\n"
	       "Kept for this machine: stat and recordings show them.\n");
	return grades_save(&grades, why);
}
