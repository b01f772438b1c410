/*
 * event_places: where a group of events is opened: on a program, on each of some threads, or on
 * each CPU for whatever runs there. What is counted at each of them is summed.
 * Source: perf_event_open(2), "pid and cpu"
 */
#ifndef COUNTERS_EVENT_PLACES_H
#define COUNTERS_EVENT_PLACES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sampler/base/why.h"

struct event_group_request;

struct event_place {
	pid_t pid;    /* -1: whatever runs on `cpu` */
	int cpu;      /* -1: wherever `pid` runs */
	bool is_gone; /* the thread had ended or is left out, or the CPU had been switched off */
};

struct event_places {
	struct event_place *rows;
	uint32_t n;
	char core[40]; /* only the CPUs of this kind of core; "" = all */
};

/*
 * event_places_of: the places that a request means. Of the whole machine: the CPUs that are on; of
 * a request with events of one kind of core (hybrid PMUs): those of that kind, for all its events.
 */
void event_places_of(struct event_places *places, const struct event_group_request *request);
void event_places_free(struct event_places *places);

/* event_place_is_gone: does this errno of opening there say that there is nothing to count? */
bool event_place_is_gone(const struct event_place *place, int error);

/* event_place_denied: EACCES or EPERM if nothing at all may be counted there, ESRCH if nothing is
 * there, else 0. */
int event_place_denied(const struct event_place *place);

/*
 * event_places_denied: EACCES or EPERM if these threads, or the whole machine, may not be counted
 * at all, else 0. Of a program that is launched it is not asked: some of that can always be had.
 * Cost    opens and closes one event for each thread
 */
int event_places_denied(const struct event_group_request *request);

/* event_place_refused: the sentence for EACCES and EPERM in such a place; returns false. */
bool event_place_refused(const struct event_place *place, int error, struct why *why);

#endif
