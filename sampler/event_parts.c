/* Source: Linux, kernel/events/core.c (perf_exclude_event, perf_tp_event_match): the registers at
 * the event decide; those of a context switch are the kernel's. */
#include "sampler/event_parts.h"

#include <string.h>

/* Tracepoints that come with the registers of user code: system calls, probes of programs. */
static const char *const user_tracepoints[] = { "syscalls:", "uprobes:", "probe_", "sdt_" };

static bool is_user_tracepoint(const char *name)
{
	for (size_t i = 0; i < sizeof user_tracepoints / sizeof user_tracepoints[0]; i++)
		if (strncmp(name, user_tracepoints[i], strlen(user_tracepoints[i])) == 0)
			return true;
	return false;
}

bool event_is_kernel_side(const struct sampled_event *event)
{
	const struct perf_event_attr *attribute = &event->attribute;
	if (attribute->type == PERF_TYPE_TRACEPOINT)
		return !is_user_tracepoint(event->name);
	return attribute->type == PERF_TYPE_SOFTWARE &&
	       (attribute->config == PERF_COUNT_SW_CONTEXT_SWITCHES ||
		attribute->config == PERF_COUNT_SW_CPU_MIGRATIONS ||
		attribute->config == PERF_COUNT_SW_CGROUP_SWITCHES);
}

/* Only where it is asked for by itself ("cycles:h"); x86's counters know two levels, and what the
 * kernel counts has no third. */
static bool is_of_hypervisor(const struct perf_event_attr *attribute)
{
#if defined(__x86_64__)
	(void)attribute;
	return false;
#else
	return attribute->type != PERF_TYPE_SOFTWARE && attribute->type != PERF_TYPE_TRACEPOINT &&
	       attribute->exclude_user && attribute->exclude_kernel && !attribute->exclude_hv;
#endif
}

bool event_is_left(const struct sampled_event *event, struct event_without without, struct why *why)
{
	const struct perf_event_attr *attribute = &event->attribute;
	bool is_of_user = !attribute->exclude_user && !event_is_kernel_side(event);
	bool is_of_kernel = !attribute->exclude_kernel;
	if ((is_of_user && !without.user) || (is_of_kernel && !without.kernel) ||
	    is_of_hypervisor(attribute))
		return true;
	if (is_of_user)
		return why_fail(why, "%.80s is of user code, which is left out.", event->name);
	if (!is_of_kernel && event_is_kernel_side(event))
		return why_fail(why,
				"%.80s would always be 0: it happens in the kernel; leave its "
				"modifier u away.",
				event->name);
	if (!is_of_kernel)
		return why_fail(why,
				"%.80s would always be 0: this processor cannot count a "
				"hypervisor by itself; leave its modifier h away.",
				event->name);
	return why_fail(why, "%.80s happens in the kernel, which %s.", event->name,
			without.is_refused ? "may not be counted here; run as root or set "
					     "kernel.perf_event_paranoid to 1"
					   : "is left out; count it without --all-user");
}
