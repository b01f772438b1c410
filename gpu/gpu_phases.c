/* Those that are open stay apart: an epoch must not be forgotten over a thousand steps. */
#include "gpu/gpu_phases.h"

#include <stdbool.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"

enum {
	MOST_OPEN = 256,    /* as source_probe.c keeps them */
	N_CLOSED = 1 << 10, /* launches are looked up a quarter of a second late */
	MOST_DEPTH = 16,
};

struct phase {
	uint64_t start_ns, end_ns;
	uint32_t pid, tid, name;
};

struct gpu_phases {
	struct recording *recording;
	struct phase open[MOST_OPEN], closed[N_CLOSED];
	uint32_t n_open;
	uint64_t n_closed; /* ever */
};

struct gpu_phases *gpu_phases_new(struct recording *recording)
{
	struct gpu_phases *phases = allocate(1, sizeof *phases);
	phases->recording = recording;
	return phases;
}

void gpu_phases_free(struct gpu_phases *phases)
{
	free(phases);
}

static void close_phase(struct gpu_phases *phases, const struct phase_event *event)
{
	uint32_t at = phases->n_open;
	while (at > 0 &&
	       (phases->open[at - 1].name != event->name ||
		phases->open[at - 1].tid != event->tid || phases->open[at - 1].pid != event->pid))
		at--;
	if (at == 0)
		return;
	struct phase *closed = &phases->closed[phases->n_closed++ % N_CLOSED];
	*closed = phases->open[at - 1];
	closed->end_ns = event->time_ns;
	for (phases->n_open--; at <= phases->n_open; at++)
		phases->open[at - 1] = phases->open[at];
}

void gpu_phases_add(struct gpu_phases *phases, const struct phase_event *event)
{
	if (!event->is_begin)
		close_phase(phases, event);
	else if (phases->n_open < MOST_OPEN)
		phases->open[phases->n_open++] =
			(struct phase){ event->time_ns, UINT64_MAX, event->pid, event->tid,
					event->name };
}

/* Kept by start, the outer of equal ones first: it ends later. */
static uint32_t take(const struct phase **found, uint32_t n, const struct phase *phase)
{
	uint32_t at = n;
	if (n == MOST_DEPTH)
		return n;
	while (at > 0 && (found[at - 1]->start_ns > phase->start_ns ||
			  (found[at - 1]->start_ns == phase->start_ns &&
			   found[at - 1]->end_ns < phase->end_ns))) {
		found[at] = found[at - 1];
		at--;
	}
	found[at] = phase;
	return n + 1;
}

uint32_t gpu_phases_stack(const struct gpu_phases *phases, uint32_t stack, uint32_t pid,
			  uint32_t tid, uint64_t time_ns)
{
	struct recording *recording = phases->recording;
	const struct phase *found[MOST_DEPTH];
	uint32_t n = 0,
		 n_closed = phases->n_closed < N_CLOSED ? (uint32_t)phases->n_closed : N_CLOSED;
	for (uint32_t i = 0; i < phases->n_open + n_closed; i++) {
		const struct phase *phase =
			i < phases->n_open ? &phases->open[i] : &phases->closed[i - phases->n_open];
		if (phase->tid == tid && phase->pid == pid && phase->start_ns <= time_ns &&
		    time_ns < phase->end_ns)
			n = take(found, n, phase);
	}
	if (n == 0)
		return stack;
	struct module_row module = { .path = recording_add_string(recording, "[phase]"),
				     .kind = MODULE_GPU };
	uint32_t module_id = recording_add_module(recording, &module);
	for (uint32_t i = 0; i < n; i++) {
		struct frame_row frame = { .address = found[i]->name,
					   .module = module_id,
					   .flags = FRAME_NAMED };
		stack = recording_add_stack(recording, stack,
					    recording_add_frame(recording, &frame));
	}
	return stack;
}
