/*
 * The first event that opens leads; the kernel puts its members on the counters together or not
 * at all. An event that belongs to a socket (energy, uncore) cannot share a program's group: it is
 * opened on the CPUs its PMU names and counts the whole machine. Of several threads or CPUs each
 * gets the same group: what one of them refuses is closed on all, so everything begins again
 * without it.
 */
#include "counters/event_group.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "counters/cores.h"
#include "sampler/event_parts.h"
#include "sampler/perf_event.h"

/* Left for all else (files of /proc, pipes, libraries) when threads take many descriptors. */
enum { DESCRIPTORS_LEFT = 32 };

/* How far one try got. */
enum rung_answer {
	RUNG_HOLDS,
	RUNG_NEEDS_USER_ONLY,
	RUNG_NEEDS_APART,
	RUNG_NEEDS_LESS, /* a member has been refused after others had opened elsewhere */
	RUNG_IS_GONE,    /* the thread has ended */
};

struct attempt {
	struct event_group *group;
	const struct event_group_request *request;
	uint32_t leader;          /* number of a member, or MAX_GROUP_EVENTS */
	uint32_t place;           /* of the group's places */
	uint32_t n_opened_places; /* before this one */
	uint32_t refusing_place;  /* one that was left out; UINT32_MAX = none */
};

static const struct event_place *place_of(const struct attempt *attempt)
{
	return &attempt->group->places.rows[attempt->place];
}

static struct group_fd *fds_of(const struct attempt *attempt)
{
	return &attempt->group->fds[(size_t)attempt->place * attempt->group->n_members];
}

static void add_note(struct event_group *group, const char *text)
{
	if (group->n_notes < MAX_GROUP_NOTES)
		why_fail(&group->notes[group->n_notes++], "%s", text);
}

static bool is_denied(int error)
{
	return error == EACCES || error == EPERM;
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
	attribute.inherit = !request->no_inherit && !request->is_whole_machine;
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

static void refuse_for_descriptors(struct attempt *attempt, struct group_member *member)
{
	struct rlimit limit = { .rlim_cur = 0 };
	getrlimit(RLIMIT_NOFILE, &limit);
	why_fail(&member->reason,
		 "Cannot open %.80s: %u events on each of %u %s take more open files than are left "
		 "of the %llu allowed; count fewer events, or raise the hard limit (`ulimit -Hn`).",
		 member->event.sampled.name, attempt->group->n_members, attempt->group->places.n,
		 attempt->request->is_whole_machine ? "CPUs" : "threads",
		 (unsigned long long)limit.rlim_cur);
}

static bool excludes(const struct perf_event_attr *attribute)
{
	return attribute->exclude_user || attribute->exclude_kernel || attribute->exclude_hv;
}

static void refuse(struct attempt *attempt, struct group_member *member, int error)
{
	struct perf_event_attr attribute = complete(attempt, member, true);
	bool is_attached = attempt->request->n_threads > 0 || attempt->request->is_whole_machine;
	bool is_place = is_attached && is_denied(error) && member->event.n_cpus == 0 &&
			event_place_denied(place_of(attempt));
	if (is_missing(error) && has_no_pmu(&member->event.sampled.attribute))
		why_fail(&member->reason,
			 "Cannot open hardware events: this machine has no PMU (%s), as usual in "
			 "virtual machines; enable the virtual PMU for the guest.",
			 strerror(error));
	else if (is_place)
		event_place_refused(place_of(attempt), error, &member->reason);
	else if (error == EMFILE && attempt->group->places.n > 1)
		refuse_for_descriptors(attempt, member);
	else if (error == EINVAL && excludes(&attribute))
		why_fail(
			&member->reason,
			"Cannot open %.80s: the kernel refuses to count it without the kernel's or "
			"without the user's part; many PMUs beside the core's know no such parts: "
			"leave its modifiers and --all-user away.",
			member->event.sampled.name);
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
static void open_on_cpus(struct attempt *attempt, struct group_member *member)
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
			refuse(attempt, member, -fd);
			close_cpus(group, member);
			break;
		}
		group->cpu_fds[group->n_cpu_fds++] = fd;
		member->n_cpus++;
	}
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

static int open_event(const struct attempt *attempt, const struct perf_event_attr *attribute,
		      int leader_fd)
{
	const struct event_place *place = place_of(attempt);
	struct rlimit limit;
	int fd = perf_event_open_member(attribute, place->pid, place->cpu, leader_fd);
	if (fd < 0 || attempt->group->places.n < 2 || getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    (rlim_t)fd + DESCRIPTORS_LEFT < limit.rlim_cur)
		return fd;
	close(fd);
	return perf_event_more_descriptors() ? open_event(attempt, attribute, leader_fd) : -EMFILE;
}

/* Does it open outside the group, so that only the company was wrong? */
static bool opens_alone(const struct attempt *attempt, const struct group_member *member)
{
	struct perf_event_attr attribute = complete(attempt, member, true);
	attribute.read_format &= ~(uint64_t)PERF_FORMAT_GROUP;
	int fd = open_event(attempt, &attribute, -1);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int open_member(const struct attempt *attempt, const struct group_member *member,
		       int leader_fd)
{
	struct perf_event_attr attribute = complete(attempt, member, leader_fd < 0);
	int fd = open_event(attempt, &attribute, leader_fd);
	bool wants_less = fd == -EOPNOTSUPP || fd == -EINVAL;
	if (!wants_less || attribute.precise_ip == 0)
		return fd;
	/* Precision says where a sample is taken; a count is the same without. */
	attribute.precise_ip = 0;
	int plain = open_event(attempt, &attribute, leader_fd);
	return plain >= 0 ? plain : fd;
}

/* The member has not opened in this place. */
static enum rung_answer step_down(struct attempt *attempt, struct group_member *member, int error)
{
	const struct event_group *group = attempt->group;
	bool without_kernel = attempt->request->user_only || group->is_user_only;
	bool is_attached = attempt->request->n_threads > 0 || attempt->request->is_whole_machine;
	/* On CPUs, and in others' programs, the user's part is as forbidden as the kernel's. */
	int denied = is_attached && is_denied(error) ? event_place_denied(place_of(attempt)) : 0;
	if (is_attached && event_place_is_gone(place_of(attempt), denied ? denied : error))
		return RUNG_IS_GONE;
	if (denied && attempt->request->may_leave_out) {
		attempt->refusing_place = attempt->place;
		return RUNG_IS_GONE;
	}
	if (is_denied(error) && !denied && !without_kernel && !attempt->request->kernel_only)
		return RUNG_NEEDS_USER_ONLY;
	/* Alone it opens: then the group is too large, or this kernel cannot read groups of
	 * programs with children (before 4.13). */
	if (error != EMFILE && !group->is_apart && opens_alone(attempt, member))
		return RUNG_NEEDS_APART;
	refuse(attempt, member, error);
	return attempt->n_opened_places > 0 ? RUNG_NEEDS_LESS : RUNG_HOLDS;
}

static enum rung_answer open_one(struct attempt *attempt, uint32_t number)
{
	struct event_group *group = attempt->group;
	struct group_member *member = &group->members[number];
	struct group_fd *fds = fds_of(attempt);
	bool leads = group->is_apart || attempt->leader == MAX_GROUP_EVENTS;
	int fd = open_member(attempt, member, leads ? -1 : fds[attempt->leader].fd);
	if (fd < 0)
		return step_down(attempt, member, -fd);
	fds[number].fd = fd;
	member->leader = leads ? number : attempt->leader;
	if (leads && !group->is_apart)
		attempt->leader = number;
	if (ioctl(fd, PERF_EVENT_IOC_ID, &fds[number].id) != 0)
		fds[number].id = 0;
	return RUNG_HOLDS;
}

static void close_place(struct event_group *group, uint32_t place)
{
	struct group_fd *fds = &group->fds[(size_t)place * group->n_members];
	/* Members before their leader, or the kernel makes leaders of them. */
	for (uint32_t i = group->n_members; i-- > 0;) {
		if (fds[i].fd >= 0)
			close(fds[i].fd);
		fds[i].fd = -1;
	}
}

static void close_descriptors(struct event_group *group)
{
	for (uint32_t i = 0; i < group->places.n; i++)
		close_place(group, i);
	for (uint32_t i = 0; i < group->n_members; i++)
		group->members[i].n_cpus = 0;
	for (uint32_t i = 0; i < group->n_cpu_fds; i++)
		close(group->cpu_fds[i]);
	group->n_cpu_fds = 0;
}

/* In the present place. */
static enum rung_answer open_place(struct attempt *attempt)
{
	struct event_group *group = attempt->group;
	attempt->leader = MAX_GROUP_EVENTS;
	for (uint32_t i = 0; i < group->n_members; i++) {
		const struct group_member *member = &group->members[i];
		if (member->event.n_cpus > 0 || member->reason.text[0])
			continue;
		enum rung_answer answer = open_one(attempt, i);
		if (answer == RUNG_IS_GONE) {
			close_place(group, attempt->place);
			group->places.rows[attempt->place].is_gone = true;
			return RUNG_HOLDS;
		}
		if (answer != RUNG_HOLDS)
			return answer;
	}
	attempt->n_opened_places++;
	return RUNG_HOLDS;
}

/* Samples of a clock are of the code they hit; its count goes on in both. */
static bool is_part_of_clock(const struct perf_event_attr *attribute)
{
	bool is_clock = attribute->type == PERF_TYPE_SOFTWARE &&
			(attribute->config == PERF_COUNT_SW_TASK_CLOCK ||
			 attribute->config == PERF_COUNT_SW_CPU_CLOCK);
	return is_clock && (attribute->exclude_user || attribute->exclude_kernel);
}

/* Events that there is no use in trying, and those of sockets. */
static void prepare(struct attempt *attempt, struct group_member *member)
{
	const struct event_group *group = attempt->group;
	struct event_without without = {
		.user = attempt->request->kernel_only,
		.kernel = attempt->request->user_only || group->is_user_only,
		.is_refused = group->is_user_only,
	};
	if (member->reason.text[0])
		return;
	if (member->event.n_cpus > 0)
		open_on_cpus(attempt, member);
	else if (is_part_of_clock(&member->event.sampled.attribute))
		why_fail(&member->reason,
			 "%.80s: a clock counts user code and the kernel together; leave its "
			 "modifier away (user and system say how the time was divided).",
			 member->event.sampled.name);
	else if (event_is_left(&member->event.sampled, without, &member->reason))
		is_lacking(member);
}

/* Every thread has ended or is left out. */
static void explain_nothing(struct attempt *attempt)
{
	const struct event_group *group = attempt->group;
	bool is_refused = attempt->refusing_place != UINT32_MAX;
	for (uint32_t i = 0; i < group->n_members; i++) {
		struct group_member *member = &attempt->group->members[i];
		if (member->event.n_cpus > 0 || member->reason.text[0])
			continue;
		if (is_refused)
			event_place_refused(&group->places.rows[attempt->refusing_place], EACCES,
					    &member->reason);
		else
			why_fail(&member->reason, "Its threads had ended.");
	}
}

static enum rung_answer open_all(struct event_group *group,
				 const struct event_group_request *request)
{
	struct attempt attempt = { .group = group,
				   .request = request,
				   .refusing_place = UINT32_MAX };
	for (uint32_t i = 0; i < group->n_members; i++)
		prepare(&attempt, &group->members[i]);
	for (; attempt.place < group->places.n; attempt.place++) {
		enum rung_answer answer =
			place_of(&attempt)->is_gone ? RUNG_HOLDS : open_place(&attempt);
		if (answer != RUNG_HOLDS) {
			close_descriptors(group);
			return answer;
		}
	}
	if (attempt.n_opened_places == 0)
		explain_nothing(&attempt);
	return RUNG_HOLDS;
}

static void forget_reasons(struct event_group *group)
{
	for (uint32_t i = 0; i < group->n_members; i++)
		group->members[i].reason.text[0] = '\0';
}

static void note_user_only(struct event_group *group)
{
	char text[WHY_BYTES];
	snprintf(text, sizeof text,
		 "Only user code is counted, but clocks count all: kernel.perf_event_paranoid is "
		 "%d and there is no CAP_PERFMON; run `sysctl kernel.perf_event_paranoid=1` as "
		 "root for the rest.",
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

static void note_core(struct event_group *group)
{
	char text[WHY_BYTES];
	snprintf(text, sizeof text, "%.80s and what is counted with it are of the CPUs of %s only.",
		 group->members[0].event.sampled.name, group->places.core);
	add_note(group, text);
}

static void prepare_group(struct event_group *group, const struct event_group_request *request)
{
	memset(group, 0, sizeof *group);
	if (request->n_events > MAX_GROUP_EVENTS)
		die("a group of %u events", request->n_events);
	group->n_members = request->n_events;
	for (uint32_t i = 0; i < request->n_events; i++)
		group->members[i].event = request->events[i];
	event_places_of(&group->places, request);
	size_t n = (size_t)group->places.n * group->n_members;
	group->fds = allocate(n + 1, sizeof *group->fds);
	for (size_t i = 0; i < n; i++)
		group->fds[i].fd = -1;
	group->waits_for_exec = request->enable_on_exec;
	if (group->places.core[0])
		note_core(group);
}

uint32_t event_group_open(struct event_group *group, const struct event_group_request *request)
{
	prepare_group(group, request);
	for (;;) {
		enum rung_answer answer = open_all(group, request);
		if (answer == RUNG_HOLDS)
			break;
		if (answer == RUNG_NEEDS_LESS)
			continue; /* without those that have been refused */
		forget_reasons(group);
		if (answer == RUNG_NEEDS_USER_ONLY) {
			group->is_user_only = true;
			note_user_only(group);
		} else {
			group->is_apart = true;
			note_apart(group);
		}
	}
	uint32_t n_opened = 0;
	for (uint32_t i = 0; i < group->n_members; i++) {
		group->members[i].is_open = !group->members[i].reason.text[0];
		n_opened += group->members[i].is_open;
	}
	/* Where user code may not be counted either, each event has said so. */
	if (n_opened == 0)
		group->n_notes = 0;
	return n_opened;
}

static void control(struct event_group *group, unsigned long request)
{
	size_t n = (size_t)group->places.n * group->n_members;
	for (size_t i = 0; i < n; i++) {
		uint32_t number = (uint32_t)(i % group->n_members);
		if (group->fds[i].fd >= 0 && group->members[number].leader == number)
			ioctl(group->fds[i].fd, request, group->is_apart ? 0 : PERF_IOC_FLAG_GROUP);
	}
	for (uint32_t i = 0; i < group->n_cpu_fds; i++)
		ioctl(group->cpu_fds[i], request, 0);
}

void event_group_enable(struct event_group *group)
{
	control(group, PERF_EVENT_IOC_ENABLE);
	group->is_enabled = !group->waits_for_exec;
}

void event_group_disable(struct event_group *group)
{
	control(group, PERF_EVENT_IOC_DISABLE);
}

void event_group_request_target(struct event_group_request *request, const struct target *target)
{
	request->pid = target->pid;
	request->threads = target->threads;
	request->n_threads = target->n_threads;
	request->may_leave_out = target->may_leave_out;
	request->is_whole_machine = target->is_whole_machine;
	request->enable_on_exec =
		target->is_launched && !target->is_whole_machine && target->n_threads == 0;
}

void event_group_close(struct event_group *group)
{
	close_descriptors(group);
	event_places_free(&group->places);
	free(group->fds);
	free(group->cpu_fds);
	group->fds = NULL;
	group->cpu_fds = NULL;
	group->n_members = 0;
}
