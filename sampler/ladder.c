/*
 * Every rung is tried for real: what the kernel says it offers and what it opens differ in virtual
 * machines and containers. The first failure of each rung is kept and becomes the note's reason.
 */
#include "sampler/ladder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sampler/attach.h"
#include "sampler/event_parts.h"
#include "sampler/unwind.h"

enum {
	/* Enough for one CFI step from a leaf: its caller's address lies within the leaf's frame,
	 * and leaves that need more than a cache line or four set up a frame pointer. */
	LEAF_STACK_BYTES = 256,
	/* Kernel chain, registers, header and fixed fields beside the stack copy. */
	SAMPLE_BASE_BYTES = 768,
	LEAST_RING_BYTES = 512 << 10,
	MOST_RING_BYTES = 16 << 20,
	FALLBACK_HZ = 997,   /* odd, against lock-step with the target's own timers */
	MOST_PRECISE_IP = 2, /* 3 asks for zero skid, which few events give */
	MOST_RESTARTS = 3,   /* a program that starts threads all the time is never still */
};

/* On a busy machine the collector may wait for its turn for 0.1 s (met with ten processes a CPU);
 * twice that. More is not free: the kernel clears every page of a ring when it is made. */
static const double RING_SECONDS = 0.2;

struct attempt {
	const struct target *target;
	struct recording *recording;
	struct cpu_rings *rings;
	struct rung *rung;
	struct why *why; /* of the first failure of this rung */
	pid_t *threads;  /* to follow */
	uint32_t n_threads;
};

enum origin ladder_origin(const struct sampled_event *event)
{
	uint32_t type = event->attribute.type;
	return type == PERF_TYPE_SOFTWARE || type == PERF_TYPE_TRACEPOINT ||
			       type == PERF_TYPE_BREAKPOINT
		       ? ORIGIN_SOFTWARE
		       : ORIGIN_MEASURED;
}

uint64_t ladder_ring_bytes(const struct rung *rung)
{
	double rate_hz = rung->frequency_hz ? rung->frequency_hz : 1000;
	double wanted =
		rate_hz * (SAMPLE_BASE_BYTES + rung->stack_bytes) * rung->n_events * RING_SECONDS;
	uint64_t bytes = LEAST_RING_BYTES;
	while (bytes < wanted && bytes < MOST_RING_BYTES)
		bytes *= 2;
	return bytes;
}

static struct sampled_event event_of(const char *name, const char *unit, uint32_t type,
				     uint64_t config)
{
	struct sampled_event event = { .attribute = { .type = type, .config = config } };
	snprintf(event.name, sizeof event.name, "%s", name);
	snprintf(event.unit, sizeof event.unit, "%s", unit);
	return event;
}

/* Of the parts of the program that `other` is of. */
static struct sampled_event cpu_clock(const struct perf_event_attr *other)
{
	const char *name = other->exclude_kernel ? "cpu-clock:u"
			   : other->exclude_user ? "cpu-clock:k"
						 : "cpu-clock";
	struct sampled_event clock =
		event_of(name, "ns", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK);
	clock.attribute.exclude_user = other->exclude_user;
	clock.attribute.exclude_kernel = other->exclude_kernel;
	return clock;
}

static struct sampled_event cycles(void)
{
	struct sampled_event event =
		event_of("cycles", "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
	event.attribute.precise_ip = MOST_PRECISE_IP;
	return event;
}

static void set_call_graph(struct perf_event_attr *attribute, const struct rung *rung)
{
	if (rung->call_graph == CALL_GRAPH_NONE)
		return;
	attribute->sample_type |=
		PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
	attribute->sample_regs_user = UNWIND_REGISTER_MASK;
	attribute->sample_stack_user = rung->stack_bytes;
}

/* What is only read has no samples of its own; it begins with the event that has. */
static void complete_read(struct perf_event_attr *attribute)
{
	attribute->freq = 0;
	attribute->sample_period = 0;
	attribute->precise_ip = 0;
	attribute->disabled = 0;
	attribute->enable_on_exec = 0;
}

static void complete(struct perf_event_attr *attribute, const struct rung *rung,
		     const struct target *target)
{
	const struct sampling *sampling = target->sampling;
	attribute->size = sizeof *attribute;
	attribute->sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
				 PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD;
	if (rung->n_events > 1)
		attribute->sample_type |= PERF_SAMPLE_IDENTIFIER;
	attribute->freq = rung->frequency_hz != 0;
	attribute->sample_freq = rung->frequency_hz ? rung->frequency_hz : sampling->period;
	if (rung->has_reads) {
		attribute->sample_type |= PERF_SAMPLE_READ;
		attribute->read_format = PERF_FORMAT_GROUP | PERF_FORMAT_ID |
					 PERF_FORMAT_TOTAL_TIME_ENABLED |
					 PERF_FORMAT_TOTAL_TIME_RUNNING;
	}
	bool is_attached = target_is_attached(target);
	attribute->inherit =
		!sampling->no_inherit && !rung->is_first_thread_only && !target->is_whole_machine;
	attribute->disabled = 1;
	attribute->enable_on_exec = target->is_launched && !is_attached &&
				    sampling->delay_ns == 0 && !sampling->starts_paused;
	/* A clock ticks on idle CPUs too; hardware counts what they really do. */
	attribute->exclude_idle = target->is_whole_machine && attribute->type == PERF_TYPE_SOFTWARE;
	attribute->mmap = attribute->mmap2 = 1;
	attribute->comm = attribute->comm_exec = attribute->task = 1;
	attribute->sample_id_all = 1;
	attribute->use_clockid = 1;
	attribute->clockid = CLOCK_MONOTONIC;
	attribute->exclude_kernel |= sampling->user_only || rung->is_user_only;
	attribute->exclude_user |= sampling->kernel_only;
	attribute->exclude_hv = 1;
	attribute->watermark = 1;
	attribute->wakeup_watermark = (uint32_t)(ladder_ring_bytes(rung) / 4);
	set_call_graph(attribute, rung);
}

/* Mappings must be seen while nothing is sampled yet. Reading those of every process takes too long
 * for rings that fill meanwhile. */
static bool needs_side_band(const struct target *target)
{
	const struct sampling *sampling = target->sampling;
	return sampling->delay_ns > 0 || sampling->can_pause || target->is_whole_machine;
}

/* Opens the rung as it stands; lowers precise_ip where the PMU has less. */
static int open_as_it_stands(struct attempt *attempt)
{
	struct rung *rung = attempt->rung;
	struct perf_event_attr attributes[MAX_SAMPLED_EVENTS];
	bool is_read[MAX_SAMPLED_EVENTS];
	for (uint32_t i = 0; i < rung->n_events; i++) {
		attributes[i] = rung->events[i].attribute;
		is_read[i] = rung->events[i].is_read;
		complete(&attributes[i], rung, attempt->target);
		if (is_read[i])
			complete_read(&attributes[i]);
	}
	const struct target *target = attempt->target;
	struct cpu_rings_request request = {
		.attributes = attributes,
		.n_attributes = rung->n_events,
		.is_read = is_read,
		.needs_side_band = needs_side_band(target),
		.is_side_band_on = target_is_attached(target),
		.may_leave_out = target->may_leave_out,
		.threads = attempt->threads,
		.n_threads = attempt->n_threads,
		.ring_bytes = ladder_ring_bytes(rung),
	};
	for (;;) {
		int error = cpu_rings_open(attempt->rings, &request);
		if (error != EOPNOTSUPP && error != EINVAL)
			return error;
		if (attributes[0].precise_ip == 0 || !rung->is_default)
			return error;
		attributes[0].precise_ip--;
	}
}

/* Kernels before 6.12 read no group in threads and children that the events are inherited by. */
static int open_rung(struct attempt *attempt)
{
	struct rung *rung = attempt->rung;
	int error = open_as_it_stands(attempt);
	if (error != EINVAL || !rung->has_reads || rung->is_first_thread_only ||
	    attempt->target->sampling->no_inherit)
		return error;
	rung->is_first_thread_only = true;
	if (open_as_it_stands(attempt) == 0)
		return 0;
	rung->is_first_thread_only = false;
	return error;
}

/* What the kernel copies of the stack at each sample, by kind of call graph. */
static uint32_t stack_bytes_of(const struct sampling *sampling, enum call_graph call_graph)
{
	if (call_graph == CALL_GRAPH_DWARF)
		return sampling->stack_bytes;
	return call_graph == CALL_GRAPH_FP ? LEAF_STACK_BYTES : 0;
}

static bool try_call_graph(struct attempt *attempt, enum call_graph call_graph, int *error)
{
	attempt->rung->call_graph = call_graph;
	attempt->rung->stack_bytes = stack_bytes_of(attempt->target->sampling, call_graph);
	*error = open_rung(attempt);
	return *error == 0;
}

static const char *const call_graph_names[] = { "auto", "dwarf", "fp", "none" };

/* While the kernel's own code may be what is refused, the process has nothing to do with it. */
static bool explain(struct attempt *attempt, int error)
{
	const struct rung *rung = attempt->rung;
	const struct target *target = attempt->target;
	bool is_kernel = (error == EACCES || error == EPERM) && !rung->is_user_only &&
			 !target->sampling->user_only && perf_event_paranoid() >= 2;
	if (target_is_attached(target) && (!is_kernel || target->is_whole_machine))
		return attach_explain(target, rung->events[0].name, error, attempt->why);
	return perf_event_explain(rung->events[0].name, error, attempt->why);
}

/* From the asked call graph downwards; false leaves the first errno's sentence in why. */
static bool try_rung(struct attempt *attempt)
{
	enum call_graph asked = attempt->target->sampling->call_graph;
	enum call_graph first = asked == CALL_GRAPH_AUTO ? CALL_GRAPH_DWARF : asked;
	int first_error = 0, error = 0;
	for (enum call_graph kind = first; kind <= CALL_GRAPH_NONE; kind++) {
		if (try_call_graph(attempt, kind, &error)) {
			if (kind == first)
				return true;
			char text[200];
			snprintf(text, sizeof text,
				 "Call graphs by %s are refused here (%s), so %s is used.",
				 call_graph_names[first], strerror(first_error),
				 call_graph_names[kind]);
			recording_note(attempt->recording, SEVERITY_WARNING, "stacks", text,
				       "Try --call-graph fp or a newer kernel.");
			return true;
		}
		if (!first_error)
			first_error = error;
		if (error != EINVAL && error != EOPNOTSUPP && error != ENOSYS)
			break;
	}
	return explain(attempt, first_error);
}

static void note_step(struct attempt *attempt, enum severity severity, const char *now)
{
	char text[WHY_BYTES + 128];
	snprintf(text, sizeof text, "%s Sampling %s instead.", attempt->why->text, now);
	recording_note(attempt->recording, severity, "stacks", text,
		       "`stoke doctor` shows what this machine offers.");
}

/* What keeps its name and its reason, and is not there. */
static void miss(struct rung *rung, const struct sampled_event *event, const struct why *reason)
{
	rung->reasons[rung->n_missing] = *reason;
	rung->missing[rung->n_missing++] = *event;
}

/* Of what nothing is left without the kernel, that which is only read is left out; false: it is to
 * be sampled. */
static bool drop_empty(struct attempt *attempt)
{
	struct rung *rung = attempt->rung;
	struct event_without without = { .user = attempt->target->sampling->kernel_only,
					 .kernel = true,
					 .is_refused = true };
	uint32_t n = 0;
	bool has_reads = false;
	for (uint32_t i = 0; i < rung->n_events; i++) {
		const struct sampled_event event = rung->events[i];
		struct why why;
		if (event_is_left(&event, without, &why)) {
			rung->events[n++] = event;
			has_reads |= event.is_read;
			continue;
		}
		if (!event.is_read)
			return false;
		recording_note(attempt->recording, SEVERITY_WARNING, "stacks", why.text,
			       "The other events of its group are read without it.");
		miss(rung, &event, &why);
	}
	rung->n_events = n;
	rung->has_reads = has_reads;
	return true;
}

static bool try_user_only(struct attempt *attempt, const char *now)
{
	struct why denied = *attempt->why;
	attempt->rung->is_user_only = true;
	if (!drop_empty(attempt) || !try_rung(attempt)) {
		attempt->rung->is_user_only = false;
		return false;
	}
	*attempt->why = denied;
	note_step(attempt, SEVERITY_WARNING, now);
	return true;
}

static bool try_asked(struct attempt *attempt)
{
	if (try_rung(attempt))
		return true;
	char now[96];
	snprintf(now, sizeof now, "user code only (%.40s:u; time in the kernel is missing)",
		 attempt->rung->events[0].name);
	return perf_event_paranoid() >= 2 && try_user_only(attempt, now);
}

/* What was to be read at the samples of the first event is read at those of another. */
static void keep_first_group(struct rung *rung)
{
	uint32_t n = 1;
	while (n < rung->n_events && rung->events[n].is_read)
		n++;
	rung->n_events = n;
	rung->has_reads = n > 1;
}

static bool try_clock(struct attempt *attempt)
{
	struct why better = *attempt->why;
	bool was_default = attempt->rung->is_default;
	attempt->rung->events[0] = cpu_clock(&attempt->rung->events[0].attribute);
	keep_first_group(attempt->rung);
	attempt->rung->is_default = true;
	/* A period counted events of another kind; as nanoseconds it would mean something else. */
	if (attempt->rung->frequency_hz == 0)
		attempt->rung->frequency_hz = FALLBACK_HZ;
	if (try_rung(attempt)) {
		char now[64];
		*attempt->why = better;
		snprintf(now, sizeof now, "with the software clock %.11s",
			 attempt->rung->events[0].name);
		note_step(attempt, was_default ? SEVERITY_INFO : SEVERITY_WARNING, now);
		return true;
	}
	return try_user_only(attempt,
			     "user code only (cpu-clock:u; time in the kernel is missing)");
}

/* Does an event count at all? Its group would fail with it, and not say which one it was. */
static int try_alone(const struct attempt *attempt, const struct sampled_event *event)
{
	struct perf_event_attr attribute = event->attribute;
	attribute.size = sizeof attribute;
	attribute.disabled = 1;
	attribute.exclude_hv = 1;
	attribute.precise_ip = 0;
	pid_t thread = attempt->threads[0];
	int cpu = thread == -1 ? 0 : -1;
	int fd = perf_event_open_fd(&attribute, thread, cpu);
	if (fd == -EACCES || fd == -EPERM) { /* the rung for user code alone is still to come */
		attribute.exclude_kernel = 1;
		fd = perf_event_open_fd(&attribute, thread, cpu);
	}
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -fd : 0;
}

/* One event less is better than none together: what is missing keeps its name and its reason. */
static void drop_missing(struct attempt *attempt)
{
	struct rung *rung = attempt->rung;
	uint32_t n = 0;
	for (uint32_t i = 0; i < rung->n_events; i++) {
		const struct sampled_event event = rung->events[i];
		int error = event.is_read ? try_alone(attempt, &event) : 0;
		if (error) {
			struct why why;
			perf_event_explain(event.name, error, &why);
			recording_note(attempt->recording, SEVERITY_WARNING, "stacks", why.text,
				       "The other events of its group are read without it.");
			miss(rung, &event, &why);
			continue;
		}
		rung->events[n++] = event;
		rung->has_reads |= event.is_read;
	}
	rung->n_events = n;
}

static void note_first_thread(const struct attempt *attempt)
{
	if (attempt->rung->is_first_thread_only)
		recording_note(attempt->recording, SEVERITY_WARNING, "stacks",
			       "This kernel reads groups of events in one thread only, so only "
			       "the program's first thread is sampled.",
			       "Linux 6.12 and later read them in all; or sample events by "
			       "themselves: -e a,b.");
}

/* Above the kernel's limit the open fails; the limit also falls by itself when interrupts are
 * slow, so it is read each time. */
static uint32_t clamp_frequency(struct recording *recording, uint32_t frequency_hz)
{
	long most = perf_event_setting("perf_event_max_sample_rate", 100000);
	if (most <= 0 || frequency_hz <= (uint64_t)most)
		return frequency_hz;
	char text[160];
	snprintf(text, sizeof text,
		 "%u Hz is above kernel.perf_event_max_sample_rate, so %ld Hz is used.",
		 frequency_hz, most);
	recording_note(recording, SEVERITY_WARNING, "stacks", text,
		       "Run `sysctl kernel.perf_event_max_sample_rate=100000` as root.");
	return (uint32_t)most;
}

static void list_threads(struct attempt *attempt)
{
	free(attempt->threads);
	attempt->n_threads = attach_list_threads(attempt->target, &attempt->threads);
}

/* Is there a thread that was not followed? Ended ones make no difference. */
static bool has_new_thread(const struct attempt *attempt)
{
	struct hash_map known = { 0 };
	pid_t *now;
	bool is_new = false;
	uint32_t n = attach_list_threads(attempt->target, &now);
	for (uint32_t i = 0; i < attempt->n_threads; i++)
		*hash_map_at(&known, (uint64_t)attempt->threads[i]) = 1;
	for (uint32_t i = 0; i < n && !is_new; i++)
		is_new = !hash_map_get(&known, (uint64_t)now[i]);
	hash_map_free(&known);
	free(now);
	return is_new;
}

/* A thread born while its parent's events were being opened inherits some of them, so some of its
 * time would be missing, or counted twice if it got its own as well: all begin again. */
static bool open_all_threads(struct attempt *attempt)
{
	const struct target *target = attempt->target;
	bool may_grow = target->n_processes > 0 && !target->is_thread_list;
	if (!try_asked(attempt) && !try_clock(attempt))
		return false;
	for (int i = 0; i < MOST_RESTARTS && may_grow && has_new_thread(attempt); i++) {
		cpu_rings_close(attempt->rings);
		list_threads(attempt);
		int error = open_rung(attempt);
		if (error)
			return explain(attempt, error);
	}
	return true;
}

static bool reserve(const struct attempt *attempt, struct why *why)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t n_events = attempt->rung->n_events + needs_side_band(attempt->target);
	return !target_is_attached(attempt->target) ||
	       attach_reserve(attempt->target,
			      attempt->n_threads * n_events * (uint64_t)(n_cpus > 0 ? n_cpus : 1),
			      why);
}

static void note_left_out(const struct attempt *attempt)
{
	char text[160];
	if (attempt->rings->n_refused == 0)
		return;
	snprintf(text, sizeof text,
		 "%u of %u threads of this user may not be attached to and are left out.",
		 attempt->rings->n_refused, attempt->n_threads);
	recording_note(attempt->recording, SEVERITY_INFO, "stacks", text,
		       "Run as root, or with CAP_PERFMON, to see them.");
}

bool ladder_open(const struct target *target, struct recording *recording, struct cpu_rings *rings,
		 struct rung *rung, struct why *why)
{
	const struct sampling *sampling = target->sampling;
	struct why reason = { "" };
	struct attempt attempt = { target, recording, rings, rung, &reason, NULL, 0 };
	memset(rung, 0, sizeof *rung);
	rung->frequency_hz =
		sampling->period ? 0 : clamp_frequency(recording, sampling->frequency_hz);
	rung->is_default = sampling->n_events == 0;
	rung->n_events = rung->is_default ? 1 : sampling->n_events;
	rung->events[0] = cycles();
	if (!rung->is_default)
		memcpy(rung->events, sampling->events, rung->n_events * sizeof rung->events[0]);
	list_threads(&attempt);
	drop_missing(&attempt);
	bool is_open = reserve(&attempt, &reason) && open_all_threads(&attempt);
	if (is_open) {
		note_first_thread(&attempt);
		note_left_out(&attempt);
	} else {
		*why = reason;
	}
	free(attempt.threads);
	return is_open;
}
