/*
 * One run of the program: held before its exec while the events are opened on it, so that not one
 * of its instructions escapes, then waited for with signals and interval ticks as descriptors. Of
 * what is attached to, a program only says how long it is counted.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counters/usage.h"
#include "sampler/perf_event.h"
#include "sampler/target.h"
#include "tui/command.h"
#include "tui/session_program.h"
#include "tui/settings.h"
#include "tui/stat.h"
#include "tui/stat_attach.h"

/* Without a pidfd (kernels before 5.3) the end of the program is looked for this often. */
enum { LOOK_MS = 50 }; /* and a program that tells its work is listened to */

struct run {
	struct stat *stat;
	struct sampling sampling; /* target_launch wants one; nothing is sampled */
	struct target target;     /* attached: the command, if any, only says how long */
	struct stat_attach attach;
	bool has_command, is_attached, is_timed_out;
	struct rusage before;
	uint64_t start_ns, tick_ns;
	int signal_fd, n_interrupts;
};

static void open_blocks(struct run *run)
{
	const struct settings *settings = run->stat->settings;
	for (uint32_t i = 0; i < run->stat->n_blocks; i++) {
		struct stat_block *block = &run->stat->blocks[i];
		struct event_group_request request = {
			.events = block->events,
			.n_events = block->n_events,
			.no_inherit = settings->no_inherit,
			.user_only = settings->user_only,
			.kernel_only = settings->kernel_only,
		};
		event_group_request_target(&request, &run->target);
		memset(block->before, 0, sizeof *block->before);
		if (block->set)
			metric_set_open(block->set, &request);
		else
			event_group_open(block->group, &request);
	}
}

static void take_notes(struct stat *stat, const struct event_group *group)
{
	for (uint32_t i = 0; i < group->n_notes; i++)
		stat_note(stat, group->notes[i].text);
}

static void note_one(void *stat, const char *text)
{
	stat_note(stat, text);
}

static void note_blocks(struct stat *stat)
{
	for (uint32_t i = 0; i < stat->n_blocks; i++) {
		const struct stat_block *block = &stat->blocks[i];
		if (block->set)
			metric_set_notes(block->set, note_one, stat);
		else
			take_notes(stat, block->group);
	}
}

static void note_attached(struct stat *stat, const struct target *target)
{
	char text[200];
	snprintf(text, sizeof text, "user and system are in the kernel's steps of %.3g ms%s.",
		 1e3 * usage_seconds(1),
		 target->is_whole_machine ? ""
					  : ", and of what was attached to, without the children "
					    "that it starts; events are with them");
	stat_note(stat, text);
	if (!target->is_whole_machine)
		return;
	for (uint32_t i = 0; i < stat->n_rows; i++)
		if (stat->rows[i].kind == STAT_EVENT && !stat->rows[i].is_detail &&
		    (strncmp(stat->rows[i].name, "task-clock", 10) == 0 ||
		     strncmp(stat->rows[i].name, "cpu-clock", 9) == 0))
			stat_note(stat, "Clocks of the whole machine are the time of all CPUs, "
					"busy or idle; user and system say how busy they were.");
}

/* Those that belong to sockets do not wait for the exec; nothing does that runs already. */
static void enable_blocks(struct run *run)
{
	for (uint32_t i = 0; i < run->stat->n_blocks; i++) {
		const struct stat_block *block = &run->stat->blocks[i];
		struct event_group *group = block->set ? &block->set->whole : block->group;
		if (run->is_attached && block->set)
			metric_set_enable(block->set);
		else if (run->is_attached || group->n_cpu_fds > 0)
			event_group_enable(group);
	}
}

static void read_blocks(struct stat *stat)
{
	for (uint32_t i = 0; i < stat->n_blocks; i++) {
		struct stat_block *block = &stat->blocks[i];
		if (block->set)
			metric_set_read(block->set, block->now);
		else
			event_group_read(block->group, block->now->whole);
	}
}

static void close_blocks(struct stat *stat)
{
	for (uint32_t i = 0; i < stat->n_blocks; i++) {
		struct stat_block *block = &stat->blocks[i];
		if (block->set)
			metric_set_close(block->set);
		else
			event_group_close(block->group);
	}
}

/* Software events the kernel would not count for us: its accounting may know. */
static void fill_from_usage(struct run *run, const struct rusage *after)
{
	for (uint32_t b = 0; b < run->stat->n_blocks; b++) {
		struct stat_block *block = &run->stat->blocks[b];
		const struct counted_event *events =
			block->set ? block->set->events : block->events;
		uint32_t n = block->n_events;
		if (block->set)
			n = block->set->absent.text[0] ? 0 : block->set->section->n_events;
		for (uint32_t i = 0; i < n; i++) {
			struct count *count = &block->now->whole[i];
			if (count->origin != ORIGIN_UNAVAILABLE || run->stat->settings->user_only ||
			    run->stat->settings->kernel_only)
				continue;
			if (usage_count(&events[i].sampled.attribute, &run->before, after, count))
				stat_note(run->stat, "Software events come from the kernel's "
						     "accounting (getrusage) where "
						     "perf_event_open may not count them.");
		}
	}
}

static bool take_signals(struct run *run, struct why *why)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		struct sigaction action;
		/* What nohup or a shell's `&` ignores stays ignored. */
		if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&set, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signal_fd >= 0 ||
	       why_fail(why, "Cannot wait for signals: %s; raise `ulimit -n`.", strerror(errno));
}

/* A terminal sends SIGINT to the program as well: it decides whether to end, the first time. */
static void read_signals(struct run *run)
{
	struct signalfd_siginfo information;
	while (read(run->signal_fd, &information, sizeof information) ==
	       (ssize_t)sizeof information) {
		run->stat->ended_by = (int)information.ssi_signo;
		if (information.ssi_signo == SIGINT && ++run->n_interrupts == 1)
			continue;
		target_signal(&run->target, SIGTERM);
	}
}

/* Of this interval, or of the whole run. */
static void add_attached_times(struct run *run)
{
	struct stat_row *rows = run->stat->rows;
	double user, system;
	struct why why = { "" };
	if (!stat_attach_times(&run->attach, &user, &system, &why))
		user = system = NAN;
	stat_row_add(&rows[1], user, ORIGIN_SOFTWARE, 1, why.text);
	stat_row_add(&rows[2], system, ORIGIN_SOFTWARE, 1, why.text);
}

static void add_unknown_times(struct run *run)
{
	struct stat_row *rows = run->stat->rows;
	stat_row_add(&rows[1], NAN, ORIGIN_UNAVAILABLE, NAN, "Known when the program ends.");
	stat_row_add(&rows[2], NAN, ORIGIN_UNAVAILABLE, NAN, "Known when the program ends.");
}

static void print_interval(struct run *run, uint64_t time_ns)
{
	struct stat *stat = run->stat;
	double seconds = (double)(time_ns - run->tick_ns) / 1e9;
	read_blocks(stat);
	stat_rows_clear(stat);
	stat_row_add(&stat->rows[0], seconds, ORIGIN_SOFTWARE, 1, NULL);
	if (run->is_attached)
		add_attached_times(run);
	else
		add_unknown_times(run);
	stat_evaluate(stat, true, seconds);
	stat_bandwidth_read(stat, true, seconds);
	stat_print(stat, (double)(time_ns - run->start_ns) / 1e9);
	for (uint32_t i = 0; i < stat->n_blocks; i++)
		*stat->blocks[i].before = *stat->blocks[i].now;
	run->tick_ns = time_ns;
}

static uint64_t sooner_ms(uint64_t limit_ms, uint64_t due_ns)
{
	uint64_t time_ns = now_ns();
	uint64_t left_ms = due_ns > time_ns ? (due_ns - time_ns) / 1000000 + 1 : 0;
	return left_ms < limit_ms ? left_ms : limit_ms;
}

static int wait_ms(const struct run *run, uint64_t interval_ns)
{
	uint64_t duration_ns = run->stat->settings->duration_ns;
	bool is_endless = !run->has_command && run->target.is_whole_machine;
	bool must_look = (run->target.pid_fd < 0 && !is_endless) || run->stat->bandwidth.ring;
	uint64_t limit_ms = must_look ? LOOK_MS : 10000;
	if (interval_ns > 0)
		limit_ms = sooner_ms(limit_ms, run->tick_ns + interval_ns);
	if (duration_ns > 0)
		limit_ms = sooner_ms(limit_ms, run->start_ns + duration_ns);
	return (int)limit_ms;
}

static bool is_over(struct run *run)
{
	uint64_t duration_ns = run->stat->settings->duration_ns;
	if (target_poll(&run->target))
		return true;
	run->is_timed_out = duration_ns > 0 && now_ns() - run->start_ns >= duration_ns;
	return run->is_timed_out || (!run->has_command && run->stat->ended_by);
}

static void wait_for_end(struct run *run)
{
	uint64_t interval_ns = run->stat->settings->interval_ms * 1000000;
	struct pollfd fds[] = {
		{ .fd = run->signal_fd, .events = POLLIN },
		{ .fd = run->target.pid_fd, .events = POLLIN },
	};
	while (!is_over(run)) {
		poll(fds, 2, wait_ms(run, interval_ns));
		read_signals(run);
		stat_bandwidth_listen(run->stat);
		if (interval_ns > 0 && now_ns() >= run->tick_ns + interval_ns)
			print_interval(run, now_ns());
	}
}

static void add_times(struct run *run, uint64_t end_ns, const struct rusage *after)
{
	struct stat_row *rows = run->stat->rows;
	stat_row_add(&rows[0], (double)(end_ns - run->start_ns) / 1e9, ORIGIN_SOFTWARE, 1, NULL);
	if (run->is_attached) {
		add_attached_times(run);
		return;
	}
	/* Its time is in the accounting when it has been waited for. */
	if (run->is_timed_out) {
		add_unknown_times(run);
		return;
	}
	stat_row_add(&rows[1], usage_user_seconds(&run->before, after), ORIGIN_SOFTWARE, 1, NULL);
	stat_row_add(&rows[2], usage_system_seconds(&run->before, after), ORIGIN_SOFTWARE, 1, NULL);
}

static void finish(struct run *run)
{
	struct rusage after;
	uint64_t end_ns = now_ns();
	bool has_intervals = run->stat->settings->interval_ms > 0;
	getrusage(RUSAGE_CHILDREN, &after);
	read_blocks(run->stat);
	if (has_intervals) {
		print_interval(run, end_ns);
		return;
	}
	if (!run->is_attached && !run->is_timed_out)
		fill_from_usage(run, &after);
	add_times(run, end_ns, &after);
	stat_evaluate(run->stat, false, (double)(end_ns - run->start_ns) / 1e9);
	stat_bandwidth_read(run->stat, false, (double)(end_ns - run->start_ns) / 1e9);
}

static bool open_targets(struct run *run, const struct session_program *program, struct why *why)
{
	struct launch launch = {
		.argv = program->argv,
		.probe_fd = program->probe_fd,
		.output =
			run->stat->out == stdout ? TARGET_OUTPUT_TO_STDERR : TARGET_OUTPUT_INHERIT,
	};
	if (run->has_command && !target_launch(&run->target, &launch, &run->sampling, why))
		return false;
	return !run->is_attached ||
	       (target_attach(&run->target, &run->stat->settings->attach, &run->sampling, why) &&
		stat_attach_open(&run->attach, &run->target, run->stat, why));
}

static bool start(struct run *run, const struct session_program *program, int *status,
		  struct why *why)
{
	double user, system;
	struct why ignored;
	*status = STATUS_PROFILER_FAILED;
	getrusage(RUSAGE_CHILDREN, &run->before);
	if (!open_targets(run, program, why))
		return false;
	open_blocks(run);
	stat_bandwidth_open(run->stat, &run->target);
	note_blocks(run->stat);
	if (run->is_attached)
		note_attached(run->stat, &run->target);
	if (!stat_require(run->stat, why)) {
		*status = STATUS_REQUIRE;
		return false;
	}
	if (!take_signals(run, why))
		return false;
	if (run->is_attached)
		stat_attach_times(&run->attach, &user, &system, &ignored);
	enable_blocks(run);
	run->start_ns = run->tick_ns = now_ns();
	return !run->has_command || target_release(&run->target, status, why);
}

static int status_of(const struct run *run)
{
	int ended = run->target.wait_status;
	run->stat->signal = 0;
	if (!run->has_command || run->is_timed_out)
		return STATUS_OK;
	run->stat->signal = WIFSIGNALED(ended) ? WTERMSIG(ended) : 0;
	return target_exit_status(&run->target);
}

bool stat_run(struct stat *stat, const struct session_program *program, int *status,
	      struct why *why)
{
	struct run run = {
		.stat = stat,
		.signal_fd = -1,
		.has_command = program->argv != NULL,
		.is_attached = settings_attach(stat->settings),
		.target = { .pid_fd = -1, .start_fd = -1, .error_fd = -1, .output_fd = -1 }
	};
	/* A reader that left is an errno for us; for the program it stays a signal. */
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	sampling_defaults(&run.sampling);
	bool is_started = start(&run, program, status, why);
	if (is_started) {
		sigaction(SIGPIPE, &ignore, &old);
		wait_for_end(&run);
		finish(&run);
		stat->n_runs++;
		*status = status_of(&run);
		sigaction(SIGPIPE, &old, NULL);
	}
	close_blocks(stat);
	stat_bandwidth_close(stat);
	stat_attach_close(&run.attach);
	target_close(&run.target);
	/* What is launched next gets the limit that there was. */
	perf_event_fewer_descriptors();
	if (run.signal_fd >= 0)
		close(run.signal_fd);
	return is_started;
}
