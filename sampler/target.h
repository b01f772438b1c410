/*
 * target: the program being profiled and how to profile it; starting it, waiting for it, and its
 * exit status.
 */
#ifndef SAMPLER_TARGET_H
#define SAMPLER_TARGET_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sampler/base/why.h"

enum call_graph {
	CALL_GRAPH_AUTO, /* dwarf where registers and stack can be copied, else fp */
	CALL_GRAPH_DWARF,
	CALL_GRAPH_FP,
	CALL_GRAPH_NONE,
};

/* UNWINDER_CHECK: fast, and every stack through libunwind as well, to compare. */
enum unwinder_kind { UNWINDER_FAST, UNWINDER_LIBUNWIND, UNWINDER_CHECK };

/* One event to sample: a ready attribute (type, config, exclude bits) and its name. The sampling
 * fields (sample_type, ring, inherit) are filled in by source_stacks. */
struct sampled_event {
	char name[128]; /* libpfm4 names with several umasks are long */
	char unit[16];  /* of a sample's weight: "ns" for clocks, else "events" */
	bool is_read;   /* not sampled by itself: read at each sample of the event before it that is
			   (perf's {a,b}:S) */
	struct perf_event_attr attribute;
};

enum { MAX_SAMPLED_EVENTS = 8 };

/* How to profile. sampling_defaults() fills it. */
struct sampling {
	uint32_t frequency_hz; /* 1 … 20,000; 0 = use period */
	uint64_t period;       /* events between samples; 0 = use frequency */
	enum call_graph call_graph;
	enum unwinder_kind unwinder;
	uint32_t stack_bytes; /* of user stack copied a sample; multiple of 8, at most 65,528 */
	struct sampled_event events[MAX_SAMPLED_EVENTS];
	uint32_t n_events; /* 0 = the best clock there is */
	bool no_inherit;   /* do not follow threads and children */
	bool user_only, kernel_only;
	bool no_inline; /* do not look for inlined functions and lines */
	const char
		*metric_groups; /* names with commas between, to be read over time; NULL = none */
	bool no_gpu;            /* leave GPUs alone */
	uint32_t gpu_hz;        /* of GPUs' counters; 0 = they are not sampled */
	bool gpu_stalls;        /* sample what GPUs' kernels wait for */
	uint64_t duration_ns;   /* stop recording after; 0 = never */
	uint64_t delay_ns;      /* start sampling this late */
	bool can_pause;         /* sampling may be switched off and on (collector_pause) */
	bool starts_paused;     /* it is off until it is switched on; can_pause too */
	uint64_t most_bytes;    /* of the recording's file: sampling ends before; 0 = no limit */
	uint64_t ring_ns;       /* older samples may be forgotten; 0 = never */
};

struct target {
	const struct sampling *sampling;
	char *const *argv;    /* NULL-terminated; NULL when attached */
	const char *workload; /* name of a built-in workload, or NULL */
	pid_t pid;            /* of the first process; -1: the whole machine and no command */
	/* Attached: the threads that ran at that moment, to be followed one by one, and their
	 * processes; owned. None for what is launched, which is followed from `pid` on, nor for the
	 * whole machine. */
	pid_t *threads, *processes;
	uint32_t n_threads, n_processes;
	int *process_fds;      /* a pidfd for each of `processes`, -1 if the kernel has none */
	bool is_thread_list;   /* -t: no other threads of those processes */
	bool may_leave_out;    /* what refuses to be attached to is left out, with a note */
	bool is_whole_machine; /* every process on every CPU; `pid` may be a command beside them */
	/* Readable when the target has ended; -1 if the kernel has none, or for several processes:
	 * then only target_poll knows. */
	int pid_fd;
	int start_fd;  /* writing a byte lets the launched program exec; -1 afterwards */
	int error_fd;  /* the child reports a failed exec here as an errno; -1 afterwards */
	int output_fd; /* master of the child's terminal, or -1 when it has ours */
	int probe_fd;  /* memory shared with probe.h in the target, or -1 */
	int gpu_fd;    /* memory shared with libstoke-cupti.so in the target, or -1 */
	int model_fd;  /* memory shared with the cache model in the target; 0 = none */
	int timer_fd;  /* memory shared with libstoke-timer.so in it (timer_memory.h); 0 = none */
	bool is_launched;
	bool is_reaped;  /* has ended; of attached processes: all of them */
	int wait_status; /* as from waitpid, valid when is_reaped and is_launched */
};

/* What runs already, in one of these ways. Lists are numbers with commas between, as typed; NULL =
 * none. */
struct attach_request {
	const char *processes; /* -p: with all their threads, and the children they start */
	const char *threads;   /* -t: these threads only, and those that they start */
	bool is_whole_machine; /* -a */
	bool is_user;          /* all processes of this user but our own that can be attached to */
};

enum target_output {
	TARGET_OUTPUT_INHERIT,   /* the child writes where we write */
	TARGET_OUTPUT_TO_STDERR, /* the child's stdout goes to our stderr: our stdout is data */
	TARGET_OUTPUT_TERMINAL,  /* a pseudo-terminal of its own, read by source_output */
};

struct launch {
	char *const *argv;
	const char *workload;                 /* or NULL */
	const char *const *extra_environment; /* "NAME=value", NULL-terminated; may be NULL */
	int probe_fd; /* memory the target may write to through probe.h, or -1; the target's copy
			 is announced in STOKE_PROBE_FD */
	int gpu_fd;   /* the same for libstoke-cupti.so, in STOKE_GPU_FD */
	int steer_fd; /* socket that brings a workload new settings, in STOKE_STEER_FD, or 0 */
	int model_fd; /* the same for the cache model, in STOKE_MODEL_FD; addresses are then the
			 same in every run */
	int timer_fd; /* the same for libstoke-timer.so, in STOKE_TIMER_FD, or 0 */
	enum target_output output;
	uint16_t columns, rows;    /* of its terminal */
	const char *terminal_type; /* its TERM; NULL = ours */
};

void sampling_defaults(struct sampling *sampling);

/*
 * target_launch: fork the program, stopped before its exec until target_release.
 * Errors  false and a sentence; the statuses 126 and 127 come from target_release
 */
bool target_launch(struct target *target, const struct launch *launch,
		   const struct sampling *sampling, struct why *why);

/*
 * target_release: let it exec; waits until the exec has succeeded or failed (milliseconds).
 * *status gets 126 (not executable) or 127 (not found) on false.
 */
bool target_release(struct target *target, int *status, struct why *why);

/*
 * target_attach: find the threads of what runs already. Nothing is stopped and nothing is opened
 * but the descriptors that tell the end. See attach.h for what follows.
 *
 * target  zeroed; or launched: that command then only says how long
 * Errors  false and a sentence: a word that is no number, no such process, a thread that is not
 *         one; target_close gives back what there is
 */
bool target_attach(struct target *target, const struct attach_request *request,
		   const struct sampling *sampling, struct why *why);

/* target_is_attached: it is not (only) what was launched that is profiled. */
bool target_is_attached(const struct target *target);

/* target_poll: has it ended? Reaps what was launched. What is attached to beside a launched command
 * is not asked. Never blocks. */
bool target_poll(struct target *target);

/* target_signal: forward a signal to the launched program; no effect once reaped. */
void target_signal(struct target *target, int signal_number);

/* target_exit_status: its code, or 128 + N if signal N ended it; 0 of what was not launched. */
int target_exit_status(const struct target *target);

/* target_close: kill it if it still runs and was launched (TERM, then KILL after a second), reap
 * it, close the descriptors. */
void target_close(struct target *target);

#endif
