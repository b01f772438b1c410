/*
 * export_phases: which phase of the program a moment lies in.
 */
#ifndef SAMPLER_EXPORT_PHASES_H
#define SAMPLER_EXPORT_PHASES_H

#include <stdint.h>

struct recording;
struct export_phases;

/* export_phases_open: from the spans of the series "phases". Cost: a sort of the spans. */
struct export_phases *export_phases_open(const struct recording *recording);
void export_phases_close(struct export_phases *phases);

/*
 * export_phase_at: the latest begun phase that is still open, of the thread itself or else of the
 * whole program.
 * Returns  its name (strings); 0 = in none
 * Cost     two binary searches
 */
uint32_t export_phase_at(const struct export_phases *phases, uint32_t thread, uint64_t time_ns);

#endif
