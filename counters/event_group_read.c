/*
 * Reading a group: what the kernel gives for each thread or CPU is summed, times too, and the sum
 * is scaled: a thread that ran too shortly to get its turn is then made up for by the others, as
 * among the threads that a program's events inherit.
 */
#include <math.h>
#include <unistd.h>

#include "counters/event_group.h"
#include "sampler/ladder.h"

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

struct sum {
	struct reading reading;
	bool is_broken; /* one gave less than it was asked for */
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

static void add(struct sum *sum, const struct reading *reading)
{
	sum->reading.enabled_ns += reading->enabled_ns;
	sum->reading.running_ns += reading->running_ns;
	sum->reading.value += reading->value;
}

/* PERF_FORMAT_GROUP: number, enabled, running, then value and id of each. */
static void read_together(const struct event_group *group, const struct group_fd *fds,
			  uint32_t leader, struct sum *sums)
{
	uint64_t words[3 + 2 * MAX_GROUP_EVENTS] = { 0 };
	ssize_t n = read(fds[leader].fd, words, sizeof words);
	uint64_t n_values = n >= (ssize_t)(3 * sizeof words[0]) ? words[0] : 0;
	if (n_values > MAX_GROUP_EVENTS || (size_t)n < (3 + 2 * n_values) * sizeof words[0])
		n_values = 0;
	for (uint32_t i = 0; i < group->n_members; i++) {
		bool is_found = false;
		if (fds[i].fd < 0 || group->members[i].leader != leader)
			continue;
		for (uint64_t k = 0; k < n_values; k++) {
			struct reading reading = { words[1], words[2], words[3 + 2 * k] };
			if (words[4 + 2 * k] != fds[i].id)
				continue;
			add(&sums[i], &reading);
			is_found = true;
		}
		sums[i].is_broken |= !is_found;
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

/* Of one thread or one CPU. */
static void read_place(const struct event_group *group, const struct group_fd *fds,
		       struct sum *sums)
{
	for (uint32_t i = 0; i < group->n_members; i++) {
		struct reading reading;
		if (fds[i].fd < 0)
			continue;
		if (!group->is_apart && group->members[i].leader == i)
			read_together(group, fds, i, sums);
		else if (group->is_apart && read_alone(fds[i].fd, &reading))
			add(&sums[i], &reading);
		else if (group->is_apart)
			sums[i].is_broken = true;
	}
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

/* It was switched on, and no thread of it ran since. */
static struct count nothing(const struct counted_event *event)
{
	bool is_software_event = ladder_origin(&event->sampled) == ORIGIN_SOFTWARE;
	return (struct count){ .running_ratio = 1,
			       .origin = is_software_event ? ORIGIN_SOFTWARE : ORIGIN_MEASURED };
}

void event_group_read(struct event_group *group, struct count *counts)
{
	struct sum sums[MAX_GROUP_EVENTS] = { 0 };
	for (uint32_t i = 0; i < group->places.n; i++)
		read_place(group, &group->fds[(size_t)i * group->n_members], sums);
	for (uint32_t i = 0; i < group->n_members; i++) {
		const struct group_member *member = &group->members[i];
		if (!member->is_open)
			counts[i] = unknown(member->reason.text);
		else if (member->n_cpus > 0)
			counts[i] = read_cpus(group, member);
		else if (sums[i].is_broken)
			counts[i] = unknown("The kernel gave no count of it.");
		else if (sums[i].reading.enabled_ns == 0 && group->is_enabled)
			counts[i] = nothing(&member->event);
		else
			counts[i] = judge(&member->event, &sums[i].reading);
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
