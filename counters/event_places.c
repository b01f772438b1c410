/*
 * An event of one kind of core opens on CPUs of that kind only (the kernel says ENOENT on others),
 * and what is counted together must be counted in the same places, or ratios mix.
 */
#include "counters/event_places.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters/cores.h"
#include "counters/cpu_mask.h"
#include "counters/event_group.h"
#include "counters/events_sysfs.h"
#include "sampler/base/file.h"
#include "sampler/perf_event.h"

static void online_cpus(struct cpu_mask *cpus)
{
	char line[4096]; /* ranges of 2048 CPUs, every other of them off */
	memset(cpus, 0, sizeof *cpus);
	if (file_read_line("/sys/devices/system/cpu/online", line, sizeof line))
		cpu_mask_parse(cpus, line);
	long n = cpu_mask_count(cpus) ? 0 : sysconf(_SC_NPROCESSORS_ONLN);
	for (long cpu = 0; cpu < n && cpu < CPU_MASK_MOST; cpu++)
		cpu_mask_add(cpus, (unsigned)cpu);
}

/* The PMU that an event of the CPU's own is for: since Linux 5.13 the upper half of a generic
 * event's number says, and without it it is the one whose type is that of raw events, if any. */
static bool core_of(const struct perf_event_attr *attribute, struct core_pmu *core)
{
	struct core_pmu cores[MAX_CORE_PMUS];
	uint32_t n = core_pmus(cores), type = attribute->type;
	if (type == PERF_TYPE_HARDWARE || type == PERF_TYPE_HW_CACHE) {
		type = (uint32_t)(attribute->config >> 32);
		type = type ? type : PERF_TYPE_RAW;
	}
	for (uint32_t i = 0; i < n; i++)
		if (cores[i].is_hybrid && cores[i].sysfs[0] && cores[i].type == type) {
			*core = cores[i];
			return true;
		}
	return false;
}

static bool cpus_of_core(const struct core_pmu *core, struct cpu_mask *cpus)
{
	char list[4096];
	return sysfs_pmu_file(core->sysfs, "cpus", list, sizeof list) &&
	       cpu_mask_parse(cpus, list) && cpu_mask_count(cpus) > 0;
}

static void find_cpus(struct event_places *places, const struct event_group_request *request,
		      struct cpu_mask *cpus)
{
	struct core_pmu core;
	struct cpu_mask own;
	online_cpus(cpus);
	for (uint32_t i = 0; i < request->n_events && !places->core[0]; i++) {
		const struct counted_event *event = &request->events[i];
		if (event->n_cpus > 0 || !core_of(&event->sampled.attribute, &core) ||
		    !cpus_of_core(&core, &own))
			continue;
		snprintf(places->core, sizeof places->core, "%s", core.sysfs);
		for (size_t word = 0; word < CPU_MASK_WORDS; word++)
			cpus->words[word] &= own.words[word];
	}
}

static void add(struct event_places *places, pid_t pid, int cpu)
{
	places->rows[places->n++] = (struct event_place){ .pid = pid, .cpu = cpu };
}

void event_places_of(struct event_places *places, const struct event_group_request *request)
{
	*places = (struct event_places){ .n = 0 };
	if (request->is_whole_machine) {
		struct cpu_mask cpus;
		find_cpus(places, request, &cpus);
		places->rows = allocate(cpu_mask_count(&cpus) + 1, sizeof *places->rows);
		for (unsigned cpu = cpu_mask_next(&cpus, 0); cpu < CPU_MASK_MOST;
		     cpu = cpu_mask_next(&cpus, cpu + 1))
			add(places, -1, (int)cpu);
		return;
	}
	places->rows = allocate((size_t)request->n_threads + 1, sizeof *places->rows);
	for (uint32_t i = 0; i < request->n_threads; i++)
		add(places, request->threads[i], -1);
	if (request->n_threads == 0)
		add(places, request->pid, -1);
}

void event_places_free(struct event_places *places)
{
	free(places->rows);
	*places = (struct event_places){ .n = 0 };
}

bool event_place_is_gone(const struct event_place *place, int error)
{
	struct cpu_mask cpus;
	if (place->cpu < 0)
		return error == ESRCH;
	if (error != ENODEV)
		return false;
	online_cpus(&cpus);
	return !cpu_mask_has(&cpus, (unsigned)place->cpu);
}

bool event_place_refused(const struct event_place *place, int error, struct why *why)
{
	int paranoid = perf_event_paranoid();
	if (error == EPERM && geteuid() == 0)
		return perf_event_explain(place->cpu < 0 ? "events of other programs"
							 : "events of the whole machine",
					  error, why);
	if (place->cpu >= 0)
		return why_fail(why,
				"Cannot count the whole machine: kernel.perf_event_paranoid is %d; "
				"run `sysctl kernel.perf_event_paranoid=0` as root or give "
				"CAP_PERFMON.",
				paranoid);
	/* Some distributions have 3 and 4, which forbid one's own programs as well. */
	if (paranoid > 2)
		return perf_event_explain("events of other programs", error, why);
	return why_fail(why,
			"Cannot count thread %d: permission denied, as for programs of other users "
			"and those that may not be looked into; run as root or give CAP_PERFMON.",
			(int)place->pid);
}

/* The kernel asks for the right before it looks at the event. */
int event_place_denied(const struct event_place *place)
{
	const struct perf_event_attr attribute = { .type = PERF_TYPE_SOFTWARE,
						   .size = sizeof attribute,
						   .config = PERF_COUNT_SW_DUMMY,
						   .disabled = 1,
						   .exclude_kernel = 1,
						   .exclude_hv = 1 };
	int fd = perf_event_open_fd(&attribute, place->pid, place->cpu);
	if (fd >= 0)
		close(fd);
	return fd == -EACCES || fd == -EPERM || fd == -ESRCH ? -fd : 0;
}

int event_places_denied(const struct event_group_request *request)
{
	struct event_places places;
	int denied = 0;
	if (!request->is_whole_machine && request->n_threads == 0)
		return 0;
	event_places_of(&places, request);
	uint32_t n = request->is_whole_machine && places.n > 1 ? 1 : places.n;
	for (uint32_t i = 0; i < n && !denied; i++) {
		int error = event_place_denied(&places.rows[i]);
		denied = error == ESRCH ? 0 : error;
	}
	event_places_free(&places);
	return denied;
}
