/*
 * counters: what the CPU and the kernel can count. It may include sampler and itself; it knows no
 * screen and no GPU. Start reading here, then event_group.h (counting) and metrics.h (ratios).
 *
 * events: from an event's name to the attribute that opens it. Names are, in the order they are
 * looked for: the kernel's own (events_generic.h), raw numbers (r01c2), PMUs of sysfs
 * (pmu/event=1,umask=2/, events_sysfs.h), tracepoints (sched:sched_switch), and whatever libpfm4
 * knows of this machine's PMUs (events_libpfm.h).
 */
#ifndef COUNTERS_EVENTS_H
#define COUNTERS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "sampler/target.h"

/* Uncore and energy PMUs name one CPU a socket or die to open them on; memory controllers come
 * several to a socket, each a PMU of its own. */
enum { MAX_EVENT_CPUS = 64, MAX_EVENT_PMUS = 48 };

/* An event with what counting (not sampling) needs beside. */
struct counted_event {
	struct sampled_event sampled; /* .unit: "ns", "events", or what sysfs says ("J", "MiB") */
	double scale;                 /* one count is so many units */
	uint32_t n_cpus; /* 0: counts the program; else the whole machine, opened on `cpus` */
	uint16_t cpus[MAX_EVENT_CPUS];
	uint32_t n_types; /* of equal PMUs whose sum it is: pmu_0, pmu_1, ...; 0 = one */
	uint32_t types[MAX_EVENT_PMUS];
};

/*
 * event_resolve: one event, such as "cycles", "cpu-clock:u", "MEM_LOAD_RETIRED:L3_MISS:upp",
 * "cpu/event=0xc0,umask=1/k", "sched:sched_switch" or "r01c2".
 * Modifiers: u, k, h (only user, kernel, hypervisor), p (precise, up to ppp).
 * Errors  false and a sentence with the nearest known name, which takes a while to find: none with
 * a NULL why
 */
bool event_resolve(const char *text, struct sampled_event *event, struct why *why);

/* event_resolve_counted: the same, with scale, unit and CPUs. */
bool event_resolve_counted(const char *text, struct counted_event *event, struct why *why);

/*
 * events_parse: a list separated by commas (those within slashes belong to an event); at most
 * `max` events. {a,b,c}:S samples a and reads b and c at each of its samples; letters beside the S
 * hold for all of them.
 */
bool events_parse(const char *list, struct sampled_event *events, uint32_t max, uint32_t *n_events,
		  struct why *why);

/* events_length: bytes of the first event of a list, up to the comma behind it, the brace that
 * closes its group, or the end. */
size_t events_length(const char *list);

enum { EVENT_LETTERS = 8, EVENT_NAME_BYTES = 288 };

/*
 * events_group_letters: what stands behind a group's brace, ":u" or ":Sp": the letters that hold
 * for each of its events, and whether one was S.
 * Returns  its length; 0 = there is nothing
 */
size_t events_group_letters(const char *behind, char letters[EVENT_LETTERS], bool *is_sampled);

/* events_with_letters: an event of a list with its group's letters; returns name. */
const char *events_with_letters(const char *text, size_t length, const char *letters,
				char name[EVENT_NAME_BYTES]);

/* event_visitor: false ends the walk. Strings are borrowed for the call. */
struct event_visitor {
	bool (*visit)(void *context, const char *name, const char *summary);
	void *context;
};

/*
 * events_each: every name event_resolve knows here: generic, sysfs, libpfm4, tracepoints; with
 * `everywhere`, libpfm4's names of all PMUs it knows, as "pmu::EVENT:UMASK", instead.
 */
void events_each(bool everywhere, const struct event_visitor *visitor);

/*
 * events_find_elsewhere: a name like this among those of processors that this machine has not, as
 * "pmu::EVENT:UMASK"; false if there is none. Cost: half a second.
 */
bool events_find_elsewhere(const char *name, char *out, size_t bytes);

#endif
