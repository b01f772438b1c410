/* EPERM comes of filters (seccomp), EACCES of kernel.perf_event_paranoid above 2, which only some
 * distributions' kernels know, ENOSYS of either kind. */
#include "sampler/timer_notes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/perf_event.h"
#include "sampler/recording.h"
#include "sampler/target.h"

enum {
	LONG_MS = 100, /* a program that ran for so long would have been met by 10 ticks at least */
};

/* Of what stands in no sample of its own: a thread's end, time that came late. */
static const double MUCH_RATIO = 0.05;

const char *timer_notes_refusal(int error, const char **remedy)
{
	*remedy = "Start the container with --cap-add PERFMON or --security-opt "
		  "seccomp=unconfined.";
	if (error == ENOSYS) {
		*remedy = "Use a kernel with CONFIG_PERF_EVENTS, or in a container a filter that "
			  "allows the call.";
		return "this kernel, or a container's seccomp filter, has no such call";
	}
	if (error == EPERM && perf_event_paranoid() <= 2)
		return "a container's seccomp filter";
	*remedy = "Run `sysctl kernel.perf_event_paranoid=1` as root or give CAP_PERFMON.";
	return "kernel.perf_event_paranoid";
}

static void add_number(struct recording *recording, const char *key, uint64_t n)
{
	char text[32];
	snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	recording_add_fact(recording, key, text);
}

static void add_facts(struct recording *recording, const struct sampling *sampling,
		      const struct timer_shape *shape)
{
	if (sampling->frequency_hz)
		add_number(recording, "sampling.asked_hz", sampling->frequency_hz);
	recording_add_fact(recording, "sampling.call_graph",
			   sampling->call_graph == CALL_GRAPH_NONE ? "none" : "dwarf");
	recording_add_fact(recording, "sampling.event", "cpu-timer");
	recording_add_fact(recording, "sampling.user_only", "yes");
	add_number(recording, "sampling.stack_bytes", shape->stack_bytes);
}

void timer_notes_start(struct recording *recording, const struct sampling *sampling,
		       const struct timer_shape *shape, int error)
{
	char text[512];
	const char *remedy, *reason = timer_notes_refusal(error, &remedy);
	add_facts(recording, sampling, shape);
	snprintf(text, sizeof text,
		 "perf_event_open is forbidden here (%s: %s). Sampling user code by a timer in the "
		 "program (libstoke-timer.so) instead%s.",
		 strerror(error), reason,
		 sampling->n_events ? "; the events that were asked for are missing" : "");
	recording_note(recording, SEVERITY_WARNING, "timer", text, remedy);
	recording_note(
		recording, SEVERITY_INFO, "timer",
		"The timer counts time in the kernel to the function that called it, with no "
		"frames of the kernel; programs that are statically linked or setuid, and "
		"time before a program's libraries are loaded, are not in it.",
		remedy);
}

bool timer_notes_problem(struct recording *recording, const struct timer_problem *problem)
{
	char text[256], length[TEXT_BYTES];
	switch (problem->code) {
	case TIMER_REFUSED:
		snprintf(text, sizeof text, "A thread got no timer (%s) and is not sampled.",
			 strerror((int)(problem->error & 0xfff)));
		recording_note(recording, SEVERITY_WARNING, "timer", text,
			       "Each takes one of the user's pending signals: raise `ulimit -i`.");
		return true;
	case TIMER_TAKEN:
		recording_note(
			recording, SEVERITY_WARNING, "timer",
			"The program took SIGPROF for itself (gcc -pg does) or keeps it from "
			"coming: part of it was not sampled.",
			"Build it without -pg.");
		return true;
	case TIMER_SHARED:
		recording_note(recording, SEVERITY_INFO, "timer",
			       "The program handles SIGPROF too: it gets its own signals, and the "
			       "timer's are kept from it.",
			       "");
		return true;
	case TIMER_MISSED:
		snprintf(text, sizeof text,
			 "%s of CPU time of a process is in no sample: of threads that no library "
			 "of C started, or that block SIGPROF by system calls of their own.",
			 text_duration(length, sizeof length, (double)problem->error * 1e6));
		recording_note(recording, SEVERITY_WARNING, "timer", text,
			       "Sample where perf_event_open is allowed.");
		return true;
	default:
		return false;
	}
}

static void note_rate(struct recording *recording, const struct target *target,
		      const struct timer_sums *sums)
{
	char text[256];
	double seconds = (double)sums->sampled_ns / 1e9;
	uint32_t asked = target->sampling->frequency_hz;
	if (sums->n_samples == 0 || seconds <= 0)
		return;
	snprintf(text, sizeof text, "%.0f", (double)sums->n_samples / seconds);
	recording_add_fact(recording, "sampling.frequency_hz", text);
	snprintf(text, sizeof text,
		 "The timer fired %.0f times in a second of CPU time%s: such timers fire on the "
		 "kernel's tick only. Each sample weighs what was used since the last one.",
		 (double)sums->n_samples / seconds,
		 asked && asked * seconds > 1.1 * (double)sums->n_samples ? ", less than asked"
									  : "");
	recording_note(recording, SEVERITY_INFO, "timer", text, "");
}

static void note_rest(struct recording *recording, const struct timer_sums *sums)
{
	char text[192], ratio[TEXT_BYTES];
	double all = (double)sums->sampled_ns + (double)sums->rest_ns;
	if (all <= 0 || (double)sums->rest_ns / all < MUCH_RATIO)
		return;
	snprintf(text, sizeof text,
		 "%s of the time is of threads that ended before the next tick: "
		 "[unknown: ended before the next tick].",
		 text_ratio(ratio, sizeof ratio, (double)sums->rest_ns / all));
	recording_note(recording, SEVERITY_WARNING, "timer", text,
		       "Let threads live longer, or sample where perf_event_open is allowed.");
}

static void note_late(struct recording *recording, const struct timer_sums *sums)
{
	char text[256], ratio[TEXT_BYTES];
	double late = (double)sums->late_ns / (double)(sums->sampled_ns ? sums->sampled_ns : 1);
	if (late < MUCH_RATIO)
		return;
	snprintf(text, sizeof text,
		 "%s of the time is in samples that came 0.2 s or more after the last one: SIGPROF "
		 "was held back (by system calls, or a thread sanitizer), and the stack is that of "
		 "the moment it came.",
		 text_ratio(ratio, sizeof ratio, late));
	recording_note(recording, SEVERITY_WARNING, "timer", text,
		       "Sample where perf_event_open is allowed.");
}

static void note_nothing(struct recording *recording, const struct target *target,
			 const struct timer_sums *sums)
{
	char text[256], name[64];
	uint64_t ran_ms = (now_ns() - sums->start_ns) / 1000000;
	if (sums->n_programs > 0 || ran_ms < LONG_MS)
		return;
	snprintf(text, sizeof text,
		 "Nothing of %s was sampled: libstoke-timer.so did not come into it. It is "
		 "statically linked, setuid or 32-bit, or LD_PRELOAD was set anew.",
		 text_clean(name, sizeof name, target->argv ? target->argv[0] : "the program"));
	recording_note(recording, SEVERITY_WARNING, "timer", text,
		       "Link it dynamically, or sample where perf_event_open is allowed.");
}

void timer_notes_end(struct recording *recording, const struct target *target,
		     const struct timer_sums *sums, const struct unwind_statistics *unwinding)
{
	char text[96];
	uint64_t n_cut = unwinding->n_by_end[UNWIND_TRUNCATED];
	note_rate(recording, target, sums);
	note_rest(recording, sums);
	note_late(recording, sums);
	note_nothing(recording, target, sums);
	recording_note_count(
		recording, SEVERITY_WARNING, "timer", sums->n_lost,
		"samples were lost because the ring was full; they are the width of "
		"[lost].",
		"Sample less often (-F) or copy less stack (--call-graph dwarf,4096).");
	recording_note_count(recording, SEVERITY_WARNING, "timer", sums->n_malformed,
			     "records made no sense and were left out.", "");
	if (n_cut * 100 >= unwinding->n_stacks)
		recording_note_count(recording, SEVERITY_WARNING, "timer", n_cut,
				     "stacks are longer than the part that is copied; they end in "
				     "[truncated].",
				     "Copy more with --call-graph dwarf,BYTES (at most 65528).");
	add_number(recording, "sampling.lost", sums->n_lost);
	add_number(recording, "sampling.truncated", n_cut);
	snprintf(text, sizeof text, "%llu equal, %llu prefixes of %llu checked",
		 (unsigned long long)unwinding->n_agreed, (unsigned long long)unwinding->n_prefix,
		 (unsigned long long)unwinding->n_checked);
	recording_add_fact(recording, "unwinding.agreed_with_libunwind", text);
}
