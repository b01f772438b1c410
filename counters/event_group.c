/*
 * The first event that opens leads; the kernel puts its members on the counters together or not
 * at all. An event that belongs to a socket (energy, uncore) cannot share a program's group: it is
 * opened on the CPUs its PMU names and counts the whole machine.
 */
#include "counters/event_group.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "counters/cores.h"
#include "sampler/ladder.h"
#include "sampler/perf_event.h"

/* How far one try got. */
enum rung_answer { RUNG_HOLDS, RUNG_NEEDS_USER_ONLY, RUNG_NEEDS_APART };

struct attempt {
	struct event_group *group;
	const struct event_group_request *request;
	uint32_t leader; /* place, or MAX_GROUP_EVENTS */
};

static void add_note(struct event_group *group, const char *text)
{
	if (group->n_notes < MAX_GROUP_NOTES)
		why_fail(&group->notes[group->n_notes++], "%s", text);
}

static bool is_denied(int error)
{
	return error == EACCES || error == EPERM;
}

static bool is_software(const struct perf_event_attr *attribute)
{
	return attribute->type == PERF_TYPE_SOFTWARE;
}

/* Those the kernel counts in its own code: with the kernel excluded they open and stay 0. */
static bool is_kernel_side(const struct perf_event_attr *attribute)
{
	return attribute->type == PERF_TYPE_TRACEPOINT ||
	       (is_software(attribute) && (attribute->config == PERF_COUNT_SW_CONTEXT_SWITCHES ||
					   attribute->config == PERF_COUNT_SW_CPU_MIGRATIONS ||
					   attribute->config == PERF_COUNT_SW_CGROUP_SWITCHES));
}

static struct perf_event_attr complete(const struct attempt *attempt,
				       const struct group_member *member, bool leads)
{
	const struct event_group_request *request = attempt->request;
	struct perf_event_attr attribute = member->event.sampled.attribute;
	attribute.size = sizeof attribute;
	attribute.read_format =
		PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING | PERF_FORMAT_ID;
	if (member->event.n_cpus > 0) {
		attribute.disabled = 1;
		return attribute;
	}
	if (!attempt->group->is_apart)
		attribute.read_format |= PERF_FORMAT_GROUP;
	attribute.inherit = !request->no_inherit;
	attribute.disabled = leads;
	attribute.enable_on_exec = leads && request->enable_on_exec;
	attribute.exclude_kernel |= request->user_only || attempt->group->is_user_only;
	attribute.exclude_user |= request->kernel_only;
	return attribute;
}

static bool is_missing(int error)
{
	return error == ENOENT || error == ENODEV || error == ENXIO || error == EOPNOTSUPP;
}

/* One sentence for all events where the CPU has no PMU at all. */
static bool has_no_pmu(const struct perf_event_attr *attribute)
{
	struct core_pmu cores[MAX_CORE_PMUS];
	if (attribute->type != PERF_TYPE_HARDWARE && attribute->type != PERF_TYPE_HW_CACHE &&
	    attribute->type != PERF_TYPE_RAW)
		return false;
	core_pmus(cores);
	return !cores[0].sysfs[0];
}

static void refuse(struct group_member *member, int error)
{
	if (is_missing(error) && has_no_pmu(&member->event.sampled.attribute))
		why_fail(&member->reason,
			 "Cannot open hardware events: this machine has no PMU (%s), as usual in "
			 "virtual machines; enable the virtual PMU for the guest.",
			 strerror(error));
	else
		perf_event_explain(member->event.sampled.name, error, &member->reason);
}

static void close_cpus(struct event_group *group, struct group_member *member)
{
	while (member->n_cpus > 0) {
		close(group->cpu_fds[--group->n_cpu_fds]);
		member->n_cpus--;
	}
}

/* On each CPU its PMU names, for each of the equal PMUs: all or none. */
static enum rung_answer open_on_cpus(const struct attempt *attempt, struct group_member *member)
{
	struct event_group *group = attempt->group;
	struct perf_event_attr attribute = complete(attempt, member, true);
	const struct counted_event *event = &member->event;
	uint32_t n_types = event->n_types ? event->n_types : 1;
	group->cpu_fds = reallocate(group->cpu_fds, group->n_cpu_fds + event->n_cpus * n_types,
				    sizeof *group->cpu_fds);
	member->first_cpu = group->n_cpu_fds;
	for (uint32_t i = 0; i < event->n_cpus * n_types; i++) {
		attribute.type = event->n_types ? event->types[i / event->n_cpus] : attribute.type;
		int fd = perf_event_open_fd(&attribute, -1, event->cpus[i % event->n_cpus]);
		if (fd < 0) {
			refuse(member, -fd);
			close_cpus(group, member);
			break;
		}
		group->cpu_fds[group->n_cpu_fds++] = fd;
		member->n_cpus++;
	}
	return RUNG_HOLDS;
}

/* A raw event the PMU itself says it has not would open and stay 0. */
static bool is_lacking(struct group_member *member)
{
	const struct perf_event_attr *attribute = &member->event.sampled.attribute;
	struct core_pmu cores[MAX_CORE_PMUS];
	uint32_t n_cores = core_pmus(cores);
	for (uint32_t i = 0; i < n_cores; i++) {
		if (attribute->type != PERF_TYPE_RAW && attribute->type != cores[i].type)
			continue;
		if (core_pmu_lacks(&cores[i], attribute->config)) {
			why_fail(&member->reason,
				 "This CPU's PMU says that it does not count event 0x%llx.",
				 (unsigned long long)attribute->config);
			return true;
		}
	}
	return false;
}

/* Does it open outside the group, so that only the company was wrong? */
static bool opens_alone(const struct attempt *attempt, const struct group_member *member)
{
	struct perf_event_attr attribute = complete(attempt, member, true);
	attribute.read_format &= ~(uint64_t)PERF_FORMAT_GROUP;
	int fd = perf_event_open_fd(&attribute, attempt->request->pid, -1);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int open_member(const struct attempt *attempt, struct group_member *member, int leader_fd)
{
	struct perf_event_attr attribute = complete(attempt, member, leader_fd < 0);
	int fd = perf_event_open_member(&attribute, attempt->request->pid, -1, leader_fd);
	bool wants_less = fd == -EOPNOTSUPP || fd == -EINVAL;
	if (!wants_less || attribute.precise_ip == 0)
		return fd;
	/* Precision says where a sample is taken; a count is the same without. */
	attribute.precise_ip = 0;
	int plain = perf_event_open_member(&attribute, attempt->request->pid, -1, leader_fd);
	return plain >= 0 ? plain : fd;
}

static enum rung_answer open_one(struct attempt *attempt, uint32_t place)
{
	struct event_group *group = attempt->group;
	struct group_member *member = &group->members[place];
	if (member->event.n_cpus > 0)
		return open_on_cpus(attempt, member);
	bool without_kernel = attempt->request->user_only || group->is_user_only;
	if (without_kernel && is_kernel_side(&member->event.sampled.attribute)) {
		why_fail(&member->reason,
			 "%s happens in the kernel, which %s; run as root or set "
			 "kernel.perf_event_paranoid to 1.",
			 member->event.sampled.name,
			 group->is_user_only ? "may not be counted here" : "was excluded");
		return RUNG_HOLDS;
	}
	if (is_lacking(member))
		return RUNG_HOLDS;
	bool leads = group->is_apart || attempt->leader == MAX_GROUP_EVENTS;
	int leader_fd = leads ? -1 : group->members[attempt->leader].fd;
	int fd = open_member(attempt, member, leader_fd);
	if (fd < 0 && is_denied(-fd) && !without_kernel && !attempt->request->kernel_only)
		return RUNG_NEEDS_USER_ONLY;
	/* Alone it opens: then the group is too large, or this kernel cannot read groups of
	 * programs with children (before 4.13). */
	if (fd < 0 && !group->is_apart && opens_alone(attempt, member))
		return RUNG_NEEDS_APART;
	if (fd < 0) {
		refuse(member, -fd);
		return RUNG_HOLDS;
	}
	member->fd = fd;
	member->leader = leads ? place : attempt->leader;
	if (leads && !group->is_apart)
		attempt->leader = place;
	if (ioctl(fd, PERF_EVENT_IOC_ID, &member->id) != 0)
		member->id = 0;
	return RUNG_HOLDS;
}

static void close_descriptors(struct event_group *group)
{
	/* Members before their leader, or the kernel makes leaders of them. */
	for (uint32_t i = group->n_members; i-- > 0;) {
		if (group->members[i].fd >= 0)
			close(group->members[i].fd);
		group->members[i].fd = -1;
		group->members[i].n_cpus = 0;
		group->members[i].reason.text[0] = '\0';
	}
	for (uint32_t i = 0; i < group->n_cpu_fds; i++)
		close(group->cpu_fds[i]);
	group->n_cpu_fds = 0;
}

static enum rung_answer open_all(struct event_group *group,
				 const struct event_group_request *request)
{
	struct attempt attempt = { group, request, MAX_GROUP_EVENTS };
	for (uint32_t i = 0; i < group->n_members; i++) {
		enum rung_answer answer = open_one(&attempt, i);
		if (answer != RUNG_HOLDS) {
			close_descriptors(group);
			return answer;
		}
	}
	return RUNG_HOLDS;
}

static void note_user_only(struct event_group *group)
{
	char text[WHY_BYTES];
	snprintf(text, sizeof text,
		 "Only user code is counted: kernel.perf_event_paranoid is %d and there is no "
		 "CAP_PERFMON; run `sysctl kernel.perf_event_paranoid=1` as root for the rest.",
		 perf_event_paranoid());
	add_note(group, text);
}

static void note_apart(struct event_group *group)
{
	char text[WHY_BYTES];
	snprintf(text, sizeof text,
		 "%.80s and %u more events do not fit the counters together, so each is counted "
		 "by itself and ratios between them are less sure; count fewer at once.",
		 group->members[0].event.sampled.name, group->n_members - 1);
	add_note(group, text);
}

uint32_t event_group_open(struct event_group *group, const struct event_group_request *request)
{
	memset(group, 0, sizeof *group);
	if (request->n_events > MAX_GROUP_EVENTS)
		die("a group of %u events", request->n_events);
	group->n_members = request->n_events;
	for (uint32_t i = 0; i < request->n_events; i++) {
		group->members[i].event = request->events[i];
		group->members[i].fd = -1;
	}
	for (;;) {
		enum rung_answer answer = open_all(group, request);
		if (answer == RUNG_HOLDS)
			break;
		if (answer == RUNG_NEEDS_USER_ONLY) {
			group->is_user_only = true;
			note_user_only(group);
		} else {
			group->is_apart = true;
			note_apart(group);
		}
	}
	uint32_t n_opened = 0;
	for (uint32_t i = 0; i < group->n_members; i++)
		n_opened += group->members[i].fd >= 0 || group->members[i].n_cpus > 0;
	return n_opened;
}

static void control(struct event_group *group, unsigned long request)
{
	for (uint32_t i = 0; i < group->n_members; i++)
		if (group->members[i].fd >= 0 && group->members[i].leader == i)
			ioctl(group->members[i].fd, request,
			      group->is_apart ? 0 : PERF_IOC_FLAG_GROUP);
	for (uint32_t i = 0; i < group->n_cpu_fds; i++)
		ioctl(group->cpu_fds[i], request, 0);
}

void event_group_enable(struct event_group *group)
{
	control(group, PERF_EVENT_IOC_ENABLE);
}

void event_group_disable(struct event_group *group)
{
	control(group, PERF_EVENT_IOC_DISABLE);
}

double event_scale(uint64_t counted, uint64_t enabled_ns, uint64_t running_ns)
{
	if (running_ns == 0)
		return NAN;
	if (running_ns >= enabled_ns)
		return (double)counted;
	return (double)counted * ((double)enabled_ns / (double)running_ns);
}

static struct count unknown(const char *reason)
{
	return (struct count){
		.value = NAN, .running_ratio = NAN, .origin = ORIGIN_UNAVAILABLE, .reason = reason
	};
}

/* Times and value as the kernel gives them. */
struct reading {
	uint64_t enabled_ns, running_ns, value;
};

static struct count judge(const struct counted_event *event, const struct reading *reading)
{
	if (reading->enabled_ns == 0)
		return unknown("It was never switched on: the program did not run.");
	if (reading->running_ns == 0)
		return unknown("It never got a counter: other events, another profiler or the "
			       "NMI watchdog (kernel.nmi_watchdog) held them.");
	double value = event_scale(reading->value, reading->enabled_ns, reading->running_ns);
	double ratio = (double)reading->running_ns / (double)reading->enabled_ns;
	bool is_software_event = ladder_origin(&event->sampled) == ORIGIN_SOFTWARE;
	bool is_shared = reading->running_ns < reading->enabled_ns;
	return (struct count){
		.value = value * event->scale,
		.counted = reading->value,
		.enabled_ns = reading->enabled_ns,
		.running_ns = reading->running_ns,
		.running_ratio = ratio < 1 ? ratio : 1,
		.origin = is_shared           ? ORIGIN_SCALED
			  : is_software_event ? ORIGIN_SOFTWARE
					      : ORIGIN_MEASURED,
	};
}

/* PERF_FORMAT_GROUP: number, enabled, running, then value and id of each. */
static void read_group(const struct event_group *group, uint32_t leader, struct count *counts)
{
	uint64_t words[3 + 2 * MAX_GROUP_EVENTS] = { 0 };
	ssize_t n = read(group->members[leader].fd, words, sizeof words);
	uint64_t n_values = n >= (ssize_t)(3 * sizeof words[0]) ? words[0] : 0;
	if (n_values > MAX_GROUP_EVENTS || (size_t)n < (3 + 2 * n_values) * sizeof words[0])
		n_values = 0;
	for (uint32_t i = 0; i < group->n_members; i++) {
		const struct group_member *member = &group->members[i];
		if (member->fd < 0 || member->leader != leader)
			continue;
		counts[i] = unknown("The kernel gave no count of it.");
		for (uint64_t k = 0; k < n_values; k++) {
			struct reading reading = { words[1], words[2], words[3 + 2 * k] };
			if (words[4 + 2 * k] == member->id)
				counts[i] = judge(&member->event, &reading);
		}
	}
}

static bool read_alone(int fd, struct reading *reading)
{
	uint64_t words[4]; /* value, enabled, running, id */
	if (read(fd, words, sizeof words) != (ssize_t)sizeof words)
		return false;
	*reading = (struct reading){ words[1], words[2], words[0] };
	return true;
}

/* Each socket's count is whole; their sum is the machine's. */
static struct count read_cpus(const struct event_group *group, const struct group_member *member)
{
	struct count sum = { .running_ratio = 1 };
	for (uint32_t i = 0; i < member->n_cpus; i++) {
		struct reading reading;
		if (!read_alone(group->cpu_fds[member->first_cpu + i], &reading))
			return unknown("The kernel gave no count of it.");
		struct count one = judge(&member->event, &reading);
		if (one.origin == ORIGIN_UNAVAILABLE)
			return one;
		sum.value += one.value;
		sum.counted += one.counted;
		sum.enabled_ns += one.enabled_ns;
		sum.running_ns += one.running_ns;
		if (one.running_ratio <= sum.running_ratio || i == 0) {
			sum.running_ratio = one.running_ratio;
			sum.origin = one.origin;
		}
	}
	return sum;
}

void event_group_read(struct event_group *group, struct count *counts)
{
	for (uint32_t i = 0; i < group->n_members; i++) {
		const struct group_member *member = &group->members[i];
		struct reading reading;
		if (member->n_cpus > 0)
			counts[i] = read_cpus(group, member);
		else if (member->fd < 0)
			counts[i] = unknown(member->reason.text);
		else if (!group->is_apart && member->leader == i)
			read_group(group, i, counts);
		else if (group->is_apart && read_alone(member->fd, &reading))
			counts[i] = judge(&member->event, &reading);
		else if (group->is_apart)
			counts[i] = unknown("The kernel gave no count of it.");
	}
}

struct count count_since(const struct counted_event *event, const struct count *now,
			 const struct count *before)
{
	if (now->origin == ORIGIN_UNAVAILABLE || before->origin == ORIGIN_UNAVAILABLE)
		return *now;
	struct reading reading = { now->enabled_ns - before->enabled_ns,
				   now->running_ns - before->running_ns,
				   now->counted - before->counted };
	if (reading.enabled_ns > 0)
		return judge(event, &reading);
	/* The program did not run meanwhile, so 0 is what it did. */
	struct count none = *now;
	none.value = 0;
	none.counted = none.enabled_ns = none.running_ns = 0;
	return none;
}

void event_group_close(struct event_group *group)
{
	close_descriptors(group);
	free(group->cpu_fds);
	group->cpu_fds = NULL;
	group->n_members = 0;
}
