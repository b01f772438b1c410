/* The rungs, one after the other; each that fails leaves its reason. See bandwidth.h. */
#include "counters/bandwidth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters/events_sysfs.h"

static const char *const rung_names[] = {
	[BANDWIDTH_CONTROLLERS] = "memory controllers",
	[BANDWIDTH_RESCTRL] = "resource control",
	[BANDWIDTH_MISSES] = "cache misses",
	[BANDWIDTH_WORK] = "exact work",
	[BANDWIDTH_NONE] = "",
};

/* Why each rung before the one that holds did not. */
struct refusals {
	struct why controllers, resctrl, misses;
};

const char *bandwidth_rung_name(enum bandwidth_rung rung)
{
	return rung_names[rung];
}

enum origin bandwidth_origin(enum bandwidth_rung rung)
{
	switch (rung) {
	case BANDWIDTH_CONTROLLERS:
	case BANDWIDTH_RESCTRL:
		return ORIGIN_MEASURED;
	case BANDWIDTH_MISSES:
	case BANDWIDTH_WORK:
		return ORIGIN_MODELLED;
	default:
		return ORIGIN_UNAVAILABLE;
	}
}

static bool find_metric(const struct metric_set *set, const char *name, uint32_t *place)
{
	for (uint32_t i = 0; i < set->section->n_metrics; i++)
		if (strcmp(set->section->metrics[i].name, name) == 0) {
			*place = i;
			return true;
		}
	return false;
}

/* The first event that could not be had. */
static const char *refusal_of(const struct metric_set *set)
{
	for (uint32_t i = 0; i < set->section->n_events; i++)
		if (set->unresolved[i].text[0])
			return set->unresolved[i].text;
	for (uint32_t i = 0; i < set->whole.n_members; i++)
		if (set->whole.members[i].reason.text[0])
			return set->whole.members[i].reason.text;
	return "The memory controllers' events do not open.";
}

/* Ends the walk at the first PMU that counts what hardware does. */
static bool is_software(void *context, const char *name, const char *summary)
{
	static const char *const names[] = { "breakpoint", "kprobe",     "msr",
					     "software",   "tracepoint", "uprobe" };
	(void)context;
	(void)summary;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Without any PMU no name needs looking up, and libpfm4 need not be opened: that is most virtual
 * machines. */
static bool has_counters(struct why *why)
{
	const struct event_visitor visitor = { is_software, NULL };
	return !sysfs_pmus_each(&visitor) ||
	       why_fail(why, "This machine shows no counters of its processor or its memory "
			     "(/sys/bus/event_source/devices).");
}

static bool open_controllers(struct bandwidth *bandwidth, const struct bandwidth_request *request,
			     struct why *why)
{
	struct core_pmu cores[MAX_CORE_PMUS];
	const struct metric_group *group = metric_group_find("memory");
	struct event_group_request events = { .pid = request->pid };
	core_pmus(cores);
	struct metric_set *set = allocate(1, sizeof *set);
	metric_set_choose(set, group, &cores[0]);
	if (set->absent.text[0] || !find_metric(set, "memory traffic", &bandwidth->metric)) {
		why_fail(why, "%s", set->absent.text);
		free(set);
		return false;
	}
	if (metric_set_open(set, &events) < set->section->n_events) {
		why_fail(why, "%s", refusal_of(set));
		metric_set_close(set);
		free(set);
		return false;
	}
	bandwidth->controllers = set;
	return true;
}

/* The event that the group of the last cache calls missed; AMD's says memory. */
static bool find_miss(struct counted_event *event, struct why *why)
{
	struct core_pmu cores[MAX_CORE_PMUS];
	core_pmus(cores);
	const struct metric_section *section =
		metric_section_for(metric_group_find("llc"), cores[0].model);
	if (!section || section->absent)
		return why_fail(why, "%s", section ? section->absent : "There is no such event.");
	for (uint32_t i = 0; i < section->n_events; i++)
		if (strcmp(section->events[i].name, "missed") == 0 ||
		    strcmp(section->events[i].name, "memory") == 0)
			return metric_event_resolve(&section->events[i], &cores[0], false, event,
						    why);
	return why_fail(why, "The misses of the last cache are not among this CPU's events.");
}

static bool open_misses(struct bandwidth *bandwidth, const struct bandwidth_request *request,
			struct why *why)
{
	struct counted_event event;
	struct event_group_request events = { .events = &event,
					      .n_events = 1,
					      .pid = request->pid,
					      .threads = request->threads,
					      .n_threads = request->n_threads,
					      .may_leave_out = request->may_leave_out,
					      .is_whole_machine = request->is_whole_machine,
					      .enable_on_exec = request->enable_on_exec,
					      .no_inherit = request->no_inherit };
	if (!find_miss(&event, why))
		return false;
	if (event_group_open(&bandwidth->misses, &events) == 1)
		return true;
	why_fail(why, "%s", bandwidth->misses.members[0].reason.text);
	event_group_close(&bandwidth->misses);
	return false;
}

static bool open_resctrl(struct bandwidth *bandwidth, const struct bandwidth_request *request,
			 struct why *why)
{
	bool is_attached = request->n_threads > 0;
	const struct resctrl_request tasks = { .root = request->root,
					       .tasks = is_attached ? request->threads
								    : &request->pid,
					       .n_tasks = is_attached ? request->n_threads : 1,
					       .is_attached = is_attached,
					       .is_whole_machine = request->is_whole_machine };
	return resctrl_open(&bandwidth->resctrl, &tasks, why);
}

static void explain(struct bandwidth *bandwidth, const struct refusals *refusals)
{
	switch (bandwidth->rung) {
	case BANDWIDTH_CONTROLLERS:
		why_fail(&bandwidth->reason, "Of the whole machine: memory controllers do not know "
					     "programs.");
		break;
	case BANDWIDTH_RESCTRL:
		why_fail(&bandwidth->reason, "Of %s, as the last cache's monitor counts it.",
			 bandwidth->is_whole_machine ? "the whole machine"
						     : "the program and its children");
		break;
	case BANDWIDTH_MISSES:
		why_fail(&bandwidth->reason,
			 "Misses of the last cache times %u bytes: what is written back and what "
			 "is fetched ahead may be missing.",
			 bandwidth->line_bytes);
		break;
	case BANDWIDTH_WORK:
		why_fail(&bandwidth->reason,
			 "Bytes that the program's exact work asks for, where it tells that "
			 "(probe.h): caches may serve a part of them.");
		break;
	case BANDWIDTH_NONE:
		why_fail(&bandwidth->reason, "%.150s %.150s%s%.150s", refusals->controllers.text,
			 refusals->resctrl.text, refusals->misses.text[0] ? " " : "",
			 refusals->misses.text);
		break;
	}
	if (bandwidth->rung == BANDWIDTH_WORK || bandwidth->rung == BANDWIDTH_MISSES)
		why_fail(&bandwidth->remedy, "Counting needs more: %.220s %.220s",
			 refusals->controllers.text, refusals->resctrl.text);
	else if (bandwidth->rung == BANDWIDTH_NONE)
		why_fail(&bandwidth->remedy, "A program that tells its work by probe.h, such as a "
					     "built-in workload, shows that instead.");
}

void bandwidth_request_target(struct bandwidth_request *request, const struct target *target)
{
	struct event_group_request events = { .pid = 0 };
	event_group_request_target(&events, target);
	request->pid = events.pid;
	request->threads = events.threads;
	request->n_threads = events.n_threads;
	request->may_leave_out = events.may_leave_out;
	request->is_whole_machine = events.is_whole_machine;
	request->enable_on_exec = events.enable_on_exec;
}

void bandwidth_open(struct bandwidth *bandwidth, const struct bandwidth_request *request)
{
	struct refusals refusals = { 0 };
	long line = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);
	memset(bandwidth, 0, sizeof *bandwidth);
	bandwidth->is_whole_machine = request->is_whole_machine;
	/* Every processor of the last twenty years but few has 64. */
	bandwidth->line_bytes = line > 0 ? (uint32_t)line : 64;
	bool is_counted = has_counters(&refusals.controllers);
	if (is_counted && open_controllers(bandwidth, request, &refusals.controllers))
		bandwidth->rung = BANDWIDTH_CONTROLLERS;
	else if (open_resctrl(bandwidth, request, &refusals.resctrl))
		bandwidth->rung = BANDWIDTH_RESCTRL;
	else if (is_counted && open_misses(bandwidth, request, &refusals.misses))
		bandwidth->rung = BANDWIDTH_MISSES;
	else
		bandwidth->rung = request->states_work ? BANDWIDTH_WORK : BANDWIDTH_NONE;
	explain(bandwidth, &refusals);
}

void bandwidth_enable(struct bandwidth *bandwidth)
{
	if (bandwidth->rung == BANDWIDTH_CONTROLLERS)
		metric_set_enable(bandwidth->controllers);
	else if (bandwidth->rung == BANDWIDTH_MISSES)
		event_group_enable(&bandwidth->misses);
}

void bandwidth_close(struct bandwidth *bandwidth)
{
	if (bandwidth->controllers)
		metric_set_close(bandwidth->controllers);
	free(bandwidth->controllers);
	bandwidth->controllers = NULL;
	if (bandwidth->rung == BANDWIDTH_MISSES)
		event_group_close(&bandwidth->misses);
	resctrl_close(&bandwidth->resctrl);
}

static struct bandwidth_bytes read_controllers(struct bandwidth *bandwidth)
{
	struct metric_counts *counts = allocate(1, sizeof *counts);
	metric_set_read(bandwidth->controllers, counts);
	/* The formula is a rate: over one second it is the bytes themselves. */
	struct formula_result result =
		metric_set_evaluate(bandwidth->controllers, counts, bandwidth->metric, 1);
	/* That the time is by a clock does not make the bytes less measured. */
	enum origin origin = result.origin == ORIGIN_SOFTWARE ? ORIGIN_MEASURED : result.origin;
	free(counts);
	return (struct bandwidth_bytes){ result.value, result.running_ratio, origin };
}

struct bandwidth_bytes bandwidth_read(struct bandwidth *bandwidth, double work_bytes)
{
	struct bandwidth_bytes read = { NAN, 1, bandwidth_origin(bandwidth->rung) };
	struct count count[MAX_GROUP_EVENTS];
	double bytes;
	switch (bandwidth->rung) {
	case BANDWIDTH_CONTROLLERS:
		return read_controllers(bandwidth);
	case BANDWIDTH_RESCTRL:
		read.bytes = resctrl_read(&bandwidth->resctrl, &bytes) ? bytes : NAN;
		break;
	case BANDWIDTH_MISSES:
		event_group_read(&bandwidth->misses, count);
		read.bytes = count[0].value * bandwidth->line_bytes;
		read.running_ratio = count[0].running_ratio;
		break;
	case BANDWIDTH_WORK:
		read.bytes = work_bytes;
		break;
	case BANDWIDTH_NONE:
		break;
	}
	return read;
}

bool bandwidth_is_measured(const struct recording *recording, uint32_t series)
{
	const struct series_row *row = recording_series(recording, series);
	return strcmp(recording_string_at(recording, row->name), BANDWIDTH_SERIES) == 0 &&
	       strcmp(recording_string_at(recording, row->device), rung_names[BANDWIDTH_WORK]) != 0;
}
