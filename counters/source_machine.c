/* What the recording's machine is and can do, so that it can be shown on another. */
#include "counters/ceilings.h"
#include "counters/grade.h"
#include "counters/machine.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"

/* Under the names that were graded, and under those that are sampled here. */
static void store_grades(const struct target *target, uint64_t machine, struct recording *recording)
{
	const struct sampling *sampling = target->sampling;
	struct grades grades;
	if (!grades_cached(&grades, machine, NULL))
		return;
	for (uint32_t i = 0; i < grades.n; i++)
		if (grades.rows[i].mark != GRADE_UNKNOWN)
			grades_store(&grades.rows[i], grades.rows[i].event, recording);
	for (uint32_t i = 0; sampling && i < sampling->n_events; i++) {
		struct grade_code code = grade_code(&sampling->events[i].attribute);
		const struct grade *grade = grades_find(&grades, &code);
		if (grade)
			grades_store(grade, sampling->events[i].name, recording);
	}
}

static bool machine_open(void *state, const struct target *target, struct recording *recording,
			 struct why *why)
{
	(void)state;
	(void)why;
	struct machine *machine = machine_read("");
	machine_store(machine, recording);
	/* Not measured yet is no fault of the recording: the views say how to. */
	struct ceilings *ceilings = ceilings_cached(machine_identity(machine), NULL);
	if (ceilings)
		ceilings_store(ceilings, recording);
	ceilings_free(ceilings);
	struct ceilings_devices devices = { .n = 0 };
	ceilings_devices_cached(&devices, machine_identity(machine));
	ceilings_devices_store(&devices, recording);
	ceilings_devices_free(&devices);
	store_grades(target, machine_identity(machine), recording);
	machine_free(machine);
	return true;
}

static void machine_drain(void *state, struct recording *recording, bool is_last)
{
	(void)state;
	(void)recording;
	(void)is_last;
}

static void machine_close(void *state)
{
	(void)state;
}

const struct source source_machine = {
	.name = "machine",
	.summary = "what this computer is: cores, caches, memory, counters, limits, GPUs, ceilings",
	.open = machine_open,
	.drain = machine_drain,
	.close = machine_close,
};
