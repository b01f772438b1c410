/*
 * Events that cannot be tried (a name this libpfm4 lacks, a PMU this machine has not) take no part
 * in the group; metrics over them are unavailable for that reason.
 */
#include "counters/metric_set.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/events_generic.h"
#include "counters/events_libpfm.h"

static const char busy_reason[] =
	"Clocks of the whole machine go on while CPUs are idle, so they do not say how long those "
	"were busy; user and system time do.";

static const char part_reason[] =
	"Its clock counts user code and the kernel together, its other events only one of them.";

static bool is_raw(const struct perf_event_attr *attribute)
{
	return attribute->type == PERF_TYPE_RAW;
}

static bool resolve_vendor(const struct metric_event *event, const struct core_pmu *core,
			   bool is_foreign_allowed, struct counted_event *counted, struct why *why)
{
	char name[512];
	snprintf(name, sizeof name, "%s::%s", core->model, event->encoding);
	/* Several umasks of one event make long names; what people see is the short one. */
	*counted = (struct counted_event){ .scale = 1 };
	snprintf(counted->sampled.name, sizeof counted->sampled.name, "%.127s", event->encoding);
	snprintf(counted->sampled.unit, sizeof counted->sampled.unit, "events");
	switch (libpfm_resolve(name, is_foreign_allowed, &counted->sampled.attribute, why)) {
	case LIBPFM_FOUND:
		return true;
	case LIBPFM_UNKNOWN:
		return why_fail(why, "libpfm4 has no event %.100s for %s; a newer libpfm4 may.",
				event->encoding, core->model[0] ? core->model : "this CPU");
	default:
		return false;
	}
}

bool metric_event_resolve(const struct metric_event *event, const struct core_pmu *core,
			  bool is_foreign_allowed, struct counted_event *counted, struct why *why)
{
	struct perf_event_attr probe;
	bool is_kernels = strchr(event->encoding, '/') || generic_resolve(event->encoding, &probe);
	if (!(is_kernels ? event_resolve_counted(event->encoding, counted, why)
			 : resolve_vendor(event, core, is_foreign_allowed, counted, why)))
		return false;
	struct perf_event_attr *attribute = &counted->sampled.attribute;
	if (is_raw(attribute) && core->sysfs[0])
		attribute->type = core->type;
	/* Since Linux 5.13 the upper half says on which kind of core. */
	if (core->is_hybrid &&
	    (attribute->type == PERF_TYPE_HARDWARE || attribute->type == PERF_TYPE_HW_CACHE))
		attribute->config |= (uint64_t)core->type << 32;
	return true;
}

void metric_set_choose(struct metric_set *set, const struct metric_group *group,
		       const struct core_pmu *core)
{
	memset(set, 0, sizeof *set);
	set->group = group;
	set->core = *core;
	set->section = metric_section_for(group, core->model);
	if (!set->section || set->section->absent) {
		why_fail(&set->absent, "%s",
			 set->section ? set->section->absent
				      : "There are no events for it on this CPU.");
		return;
	}
	for (uint32_t i = 0; i < set->section->n_events; i++)
		metric_event_resolve(&set->section->events[i], core, false, &set->events[i],
				     &set->unresolved[i]);
}

/* The section's events that can be tried, of those in `used` (bits by place). */
static uint32_t open_group(struct metric_set *set, uint32_t used, struct event_group *group,
			   const struct event_group_request *request)
{
	struct counted_event events[MAX_SECTION_EVENTS];
	struct event_group_request own = *request;
	own.events = events;
	own.n_events = 0;
	for (uint32_t i = 0; i < set->section->n_events; i++)
		if (used & 1u << i && !set->unresolved[i].text[0])
			events[own.n_events++] = set->events[i];
	return event_group_open(group, &own);
}

uint32_t metric_set_open(struct metric_set *set, const struct event_group_request *request)
{
	set->is_whole_machine = request->is_whole_machine;
	set->is_of_part = request->user_only || request->kernel_only;
	if (set->absent.text[0])
		return 0;
	uint32_t n_opened = open_group(set, UINT32_MAX, &set->whole, request);
	if (!set->whole.is_apart)
		return n_opened;
	event_group_close(&set->whole);
	set->apart = allocate(set->section->n_metrics, sizeof *set->apart);
	n_opened = 0;
	for (uint32_t i = 0; i < set->section->n_metrics; i++)
		n_opened += open_group(set, set->section->metrics[i].formula.operands_used,
				       &set->apart[i], request);
	return n_opened;
}

bool metric_set_is_of_core(const struct metric_set *set)
{
	if (set->absent.text[0])
		return strcmp(set->section ? set->section->pmus : "*", "*") != 0;
	for (uint32_t i = 0; i < set->section->n_events; i++) {
		uint32_t type = set->events[i].sampled.attribute.type;
		bool is_resolved = !set->unresolved[i].text[0];
		if (is_resolved && (type == PERF_TYPE_HARDWARE || type == PERF_TYPE_HW_CACHE ||
				    type == PERF_TYPE_RAW || type == set->core.type))
			return true;
	}
	return false;
}

bool metric_set_is_apart(const struct metric_set *set)
{
	return set->apart != NULL;
}

void metric_set_enable(struct metric_set *set)
{
	if (set->absent.text[0])
		return;
	event_group_enable(&set->whole);
	for (uint32_t i = 0; set->apart && i < set->section->n_metrics; i++)
		event_group_enable(&set->apart[i]);
}

static struct count unresolved(const struct metric_set *set, uint32_t event)
{
	return (struct count){ .value = NAN,
			       .running_ratio = NAN,
			       .origin = ORIGIN_UNAVAILABLE,
			       .reason = set->unresolved[event].text };
}

static void read_group(const struct metric_set *set, uint32_t used, struct event_group *group,
		       struct count *counts)
{
	struct count read[MAX_GROUP_EVENTS];
	event_group_read(group, read);
	uint32_t member = 0;
	for (uint32_t i = 0; i < set->section->n_events; i++) {
		if (set->unresolved[i].text[0])
			counts[i] = unresolved(set, i);
		else if (used & 1u << i)
			counts[i] = read[member++];
	}
}

void metric_set_read(struct metric_set *set, struct metric_counts *counts)
{
	memset(counts, 0, sizeof *counts);
	if (set->absent.text[0])
		return;
	if (!set->apart) {
		read_group(set, UINT32_MAX, &set->whole, counts->whole);
		return;
	}
	for (uint32_t i = 0; i < set->section->n_metrics; i++) {
		uint32_t used = set->section->metrics[i].formula.operands_used;
		read_group(set, used, &set->apart[i], counts->apart[i]);
		for (uint32_t event = 0; event < set->section->n_events; event++)
			if (used & 1u << event)
				counts->whole[event] = counts->apart[i][event];
	}
}

static void tell_group(const struct event_group *group,
		       void (*tell)(void *context, const char *text), void *context)
{
	for (uint32_t i = 0; i < group->n_notes; i++)
		tell(context, group->notes[i].text);
}

/* Where the set as a whole does not fit, what its attempt had to say is not how it is counted. */
void metric_set_notes(const struct metric_set *set, void (*tell)(void *context, const char *text),
		      void *context)
{
	char text[WHY_BYTES];
	if (!set->apart) {
		tell_group(&set->whole, tell, context);
		return;
	}
	for (uint32_t i = 0; i < set->section->n_metrics; i++)
		if (!set->apart[i].is_apart)
			tell_group(&set->apart[i], tell, context);
	snprintf(text, sizeof text,
		 "The events of the group %s do not fit the counters together, so each metric is "
		 "counted by itself, in turns.",
		 set->group->name);
	tell(context, text);
}

/* What the events of a metric are. */
struct makings {
	bool has_clock, has_hardware;
};

static struct makings makings_of(const struct metric_set *set, uint32_t metric)
{
	struct makings makings = { false };
	uint32_t used = set->section->metrics[metric].formula.operands_used;
	for (uint32_t i = 0; i < set->section->n_events; i++) {
		const struct perf_event_attr *attribute = &set->events[i].sampled.attribute;
		bool is_software = attribute->type == PERF_TYPE_SOFTWARE;
		if (!(used & 1u << i) || set->unresolved[i].text[0])
			continue;
		makings.has_hardware |= !is_software;
		makings.has_clock |=
			is_software && (attribute->config == PERF_COUNT_SW_TASK_CLOCK ||
					attribute->config == PERF_COUNT_SW_CPU_CLOCK);
	}
	return makings;
}

/* A clock beside events of which a part is left out: it has both. */
static bool is_of_two_parts(const struct metric_set *set, uint32_t metric)
{
	struct makings makings = makings_of(set, metric);
	const struct event_group *group = set->apart ? &set->apart[metric] : &set->whole;
	return makings.has_clock && makings.has_hardware &&
	       (set->is_of_part || group->is_user_only);
}

const char *metric_set_lacks(const struct metric_set *set, uint32_t metric)
{
	uint32_t used = set->section->metrics[metric].formula.operands_used, member = 0;
	if (set->is_whole_machine && makings_of(set, metric).has_clock)
		return busy_reason;
	const struct event_group *group = set->apart ? &set->apart[metric] : &set->whole;
	for (uint32_t i = 0; i < set->section->n_events; i++) {
		bool is_used = used & 1u << i, is_unresolved = set->unresolved[i].text[0];
		if (is_used && is_unresolved)
			return set->unresolved[i].text;
		if (is_unresolved || (set->apart && !is_used))
			continue;
		const struct group_member *opened = &group->members[member++];
		if (is_used && !opened->is_open)
			return opened->reason.text;
	}
	return is_of_two_parts(set, metric) ? part_reason : NULL;
}

void metric_counts_since(const struct metric_set *set, const struct metric_counts *now,
			 const struct metric_counts *before, struct metric_counts *since)
{
	uint32_t n_events = set->section ? set->section->n_events : 0;
	*since = *now;
	for (uint32_t i = 0; i < n_events; i++) {
		since->whole[i] = count_since(&set->events[i], &now->whole[i], &before->whole[i]);
		for (uint32_t m = 0; m < MAX_SECTION_METRICS; m++)
			since->apart[m][i] = count_since(&set->events[i], &now->apart[m][i],
							 &before->apart[m][i]);
	}
}

void metric_set_close(struct metric_set *set)
{
	event_group_close(&set->whole);
	for (uint32_t i = 0; set->apart && i < set->section->n_metrics; i++)
		event_group_close(&set->apart[i]);
	free(set->apart);
	set->apart = NULL;
}

static struct formula_result none_for(const char *reason)
{
	struct formula_result result = { .value = NAN,
					 .running_ratio = NAN,
					 .origin = ORIGIN_UNAVAILABLE };
	why_fail(&result.reason, "%s", reason);
	return result;
}

struct formula_result metric_set_evaluate(const struct metric_set *set,
					  const struct metric_counts *counts, uint32_t metric,
					  double seconds)
{
	struct operand operands[MAX_SECTION_EVENTS + 1];
	const struct formula *formula = &set->section->metrics[metric].formula;
	const struct count *read = set->apart ? counts->apart[metric] : counts->whole;
	uint32_t n = set->section->n_events;
	for (uint32_t i = 0; i < n; i++)
		operands[i] = (struct operand){
			.name = set->section->events[i].name,
			.value = read[i].value,
			.running_ratio = read[i].running_ratio,
			.origin = read[i].origin,
			.reason = read[i].reason,
		};
	operands[n] = (struct operand){ "seconds", seconds, 1, ORIGIN_SOFTWARE, NULL };
	if (set->apart && set->apart[metric].is_apart)
		return none_for("Its events do not fit the counters together.");
	if (set->is_whole_machine && makings_of(set, metric).has_clock)
		return none_for(busy_reason);
	struct formula_result result = formula_evaluate(formula, operands);
	bool is_spoilt = isfinite(result.value) && is_of_two_parts(set, metric);
	return is_spoilt ? none_for(part_reason) : result;
}
