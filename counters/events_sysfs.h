/*
 * events_sysfs: PMUs the kernel describes in /sys/bus/event_source/devices: uncore, energy, msr,
 * the CPU's own. "pmu/name/", "pmu/event=0x3c,umask=1/", "pmu/config=0x3c/".
 * Source: Documentation/ABI/testing/sysfs-bus-event_source-devices-{format,events}
 */
#ifndef COUNTERS_EVENTS_SYSFS_H
#define COUNTERS_EVENTS_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters/events.h"
#include "sampler/base/why.h"

/*
 * sysfs_event_resolve: "pmu/terms/" without modifiers. Fills attribute, unit, scale and CPUs.
 * Where there is no PMU of that name but pmu_0, pmu_1, ..., it is the sum of them all.
 * Errors  false and a sentence: no such PMU (with the nearest), term or event
 */
bool sysfs_event_resolve(const char *text, struct counted_event *event, struct why *why);

/* sysfs_events_each: the PMUs' named events, as "pmu/name/"; false if a visit ended the walk. */
bool sysfs_events_each(const struct event_visitor *visitor);

/* sysfs_pmu_type: the number of a PMU for perf_event_attr.type; false if there is none. */
bool sysfs_pmu_type(const char *pmu, uint32_t *type);

/* sysfs_pmu_file: one line of a file of a PMU, without the newline; false if it cannot be read. */
bool sysfs_pmu_file(const char *pmu, const char *file, char *out, size_t bytes);

/* sysfs_pmus_each: names of all PMUs; false if a visit ended the walk. */
bool sysfs_pmus_each(const struct event_visitor *visitor);

/* sysfs_events_root: for tests: look in another folder; NULL = the kernel's. */
void sysfs_events_root(const char *path);

/* cpu_list_parse: "0-3,8" to numbers; how many there are, at most `max` of them stored. */
uint32_t cpu_list_parse(const char *list, uint16_t *cpus, uint32_t max);

#endif
