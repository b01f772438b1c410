/* What the recording's machine is and can do, so that it can be shown on another. */
#include "counters/ceilings.h"
#include "counters/grade.h"
#include "counters/machine.h"
#include "sampler/recording.h"
#include "sampler/source.h"

static bool machine_open(void *state, const struct target *target, struct recording *recording,
			 struct why *why)
{
	(void)state;
	(void)target;
	(void)why;
	struct machine *machine = machine_read("");
	machine_store(machine, recording);
	/* Not measured yet is no fault of the recording: the views say how to. */
	struct ceilings *ceilings = ceilings_cached(machine_identity(machine), NULL);
	if (ceilings)
		ceilings_store(ceilings, recording);
	ceilings_free(ceilings);
	struct grades grades;
	if (grades_cached(&grades, machine_identity(machine), NULL))
		grades_store(&grades, recording);
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
