/*
 * The order matters: the output is opened first (a wrong path must not cost a run), then the
 * program is forked and held, events are opened on it, signals become descriptors, and only then
 * it runs. Whatever happens after that, what was recorded is written.
 */
#include "tui/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "sampler/collector.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"
#include "sampler/recording_file.h"
#include "sampler/recording_window.h"
#include "sampler/target.h"
#include "tui/command.h"
#include "tui/driver.h"
#include "tui/output_path.h"
#include "tui/output_text.h"
#include "tui/preferences.h"
#include "tui/requirements.h"
#include "tui/session_again.h"
#include "tui/session_attach.h"
#include "tui/session_control.h"
#include "tui/session_gpu.h"
#include "tui/session_model.h"
#include "tui/session_output.h"
#include "tui/session_program.h"
#include "tui/session_push.h"
#include "tui/session_terminal.h"
#include "tui/session_timer.h"
#include "tui/settings.h"
#include "tui/summary.h"
#include "tui/theme.h"
#include "tui/words.h"
#include "workloads/support/runner.h"

/* Without a pidfd (kernels before 5.3) the end of the program is looked for this often. */
enum { LOOK_MS = 200 };

enum { MOST_PATH_BYTES = 4096 };

struct session {
	const struct session_request *request;
	const struct settings *settings;
	struct sampling sampling;
	struct session_program program;
	struct session_gpu gpu;
	struct session_model model;
	struct session_timer timer;
	struct session_output output;
	struct session_control control;
	struct session_push push;
	char output_path[MOST_PATH_BYTES]; /* with the host's name, the rank ... filled in */
	struct recording *recording;
	struct target target;
	struct collector *collector;
	bool has_target, has_screen;
	int signal_fd;
	int n_interrupts;
	int ended_by;   /* the signal that told us to leave, or 0 */
	char **restart; /* settings to start again with, or NULL */
	const char *restart_view, *view;
	bool must_stop; /* --control said so */
};

static void say(const struct session *session, const char *text)
{
	if (!session->settings->is_quiet)
		fprintf(stderr, "stoke: %s\n", text);
}

/* nohup and a shell's background jobs ignore signals on our behalf; a blocked one would come
 * through a signalfd all the same. */
static void add_unless_ignored(sigset_t *set, int number)
{
	struct sigaction action;
	if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
		sigaddset(set, number);
}

/* The program was forked before, so it does not inherit what is blocked here. */
static bool take_signals(struct session *session, struct why *why)
{
	sigset_t set;
	sigemptyset(&set);
	add_unless_ignored(&set, SIGINT);
	add_unless_ignored(&set, SIGTERM);
	add_unless_ignored(&set, SIGHUP);
	if (session->has_screen)
		sigaddset(&set, SIGWINCH);
	if (session->settings->has_snapshots)
		sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN); /* a reader that left is an errno, not a death */
	session->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return session->signal_fd >= 0 ||
	       why_fail(why, "Cannot wait for signals: %s; raise `ulimit -n`.", strerror(errno));
}

/* A terminal sends SIGINT to the program as well: it decides whether to end. What is attached to is
 * left alone. */
static void take_interrupt(struct session *session)
{
	if (session->target.is_launched && ++session->n_interrupts == 1)
		say(session, "interrupted; waiting for the program to end (once more: stop now)");
	else
		session->ended_by = SIGINT;
}

static void take_snapshot(struct session *session)
{
	struct why why;
	char path[MOST_PATH_BYTES + 32], line[sizeof path + 32];
	if (!session_control_snapshot(&session->control, session->recording, session->output_path,
				      path, sizeof path, &why)) {
		fail_with(STATUS_FAILED, session->request->name, &why);
		return;
	}
	snprintf(line, sizeof line, "snapshot %s", path);
	say(session, line);
}

static void obey(struct session *session, enum order order)
{
	struct session_control *control = &session->control;
	if (order == ORDER_SNAPSHOT && session->output_path[0])
		take_snapshot(session);
	else if (order == ORDER_SNAPSHOT)
		say(session, "a snapshot is named after the output: start with -o FILE");
	if (order == ORDER_ENABLE || order == ORDER_DISABLE)
		collector_pause(session->collector, order == ORDER_DISABLE);
	session->must_stop = session->must_stop || order == ORDER_STOP;
	session_control_answer(control, "ack");
}

static void take_orders(struct session *session)
{
	enum order order;
	while ((order = session_control_next(&session->control)) != ORDER_NONE)
		obey(session, order);
	if (session_control_is_triggered(&session->control, session->recording))
		take_snapshot(session);
}

static void read_signals(struct session *session)
{
	struct signalfd_siginfo information;
	while (read(session->signal_fd, &information, sizeof information) ==
	       (ssize_t)sizeof information) {
		if (information.ssi_signo == SIGINT) {
			take_interrupt(session);
		} else if (information.ssi_signo == SIGUSR2) {
			take_snapshot(session);
		} else {
			session->ended_by = (int)information.ssi_signo;
			target_signal(&session->target, SIGTERM);
		}
	}
}

static void wait_headless(struct session *session)
{
	struct pollfd fds[] = {
		{ .fd = session->signal_fd, .events = POLLIN },
		{ .fd = collector_event_fd(session->collector), .events = POLLIN },
		{ .fd = session->control.fd, .events = POLLIN }, /* poll leaves out -1 */
		{ .fd = session->target.pid_fd, .events = POLLIN },
	};
	while (!session->ended_by && !session->must_stop && !target_poll(&session->target)) {
		/* A file that is full ends the recording, not the program. */
		if (collector_is_done(session->collector) &&
		    (!collector_is_full(session->collector) || !session->target.is_launched))
			break;
		poll(fds, sizeof fds / sizeof fds[0], LOOK_MS);
		collector_clear_event(session->collector);
		read_signals(session);
		take_orders(session);
		session_push_now_and_then(&session->push, session->recording);
	}
}

/* The screen until the user leaves it; whatever still runs then is ended by finish(). */
static bool show(struct session *session, struct why *why)
{
	const struct settings *settings = session->settings;
	const struct session_request *request = session->request;
	const char *line = recording_fact_text(session->recording, "command_line");
	struct tui_session screen = {
		.recording = session->recording,
		.collector = &session->collector,
		.target = &session->target,
		.command = line ? line : "",
		.view = session->view,
		.theme = settings->theme ? theme_find(settings->theme) : NULL,
		.is_ascii = settings_glyphs_are_ascii(settings),
		.has_color = settings_screen_has_color(settings),
		.has_mouse = !settings->no_mouse,
		.workload = request->workload ? workload_find(request->workload) : NULL,
		.words = request->workload ? request->words + 1 : NULL,
		.steer_fd = session->program.steer_fd,
		.signal_fd = session->signal_fd,
	};
	bool is_shown = tui_run(&screen, why);
	session->restart = screen.restart;
	session->restart_view = screen.restart_view;
	return is_shown;
}

/* What the program wrote while the screen was ours. */
static void print_output(const struct session *session)
{
	struct moment moment = recording_moment(session->recording);
	const char *bytes = table_row(&session->recording->tables[TABLE_OUTPUTS], 0);
	if (session->has_screen && moment.n[TABLE_OUTPUTS])
		output_print(stdout, bytes, moment.n[TABLE_OUTPUTS]);
	fflush(stdout);
}

/* Its variables go behind the others'. */
static void open_timer(struct session *session, const char **environment)
{
	session_timer_open(&session->timer, &session->sampling);
	while (*environment)
		environment++;
	for (char *const *more = session->timer.environment; *more; more++)
		*environment++ = *more;
	*environment = NULL;
}

/* The program, or the command that says how long. */
static bool launch_target(struct session *session, struct why *why)
{
	const struct session_program *program = &session->program;
	const char *environment[7];
	bool is_attached = settings_attach(session->settings);
	bool is_profiled = !is_attached || session->settings->attach.is_whole_machine;
	if (is_profiled)
		session_gpu_open(&session->gpu, &session->sampling, session->recording);
	if (!session_model_open(&session->model, session->settings, why))
		return false;
	session_model_environment(&session->model, session->gpu.environment, environment);
	if (!is_attached && !session->model.fd)
		open_timer(session, environment);
	struct launch launch = {
		.argv = program->argv,
		.workload = session->request->workload,
		.extra_environment = environment,
		.probe_fd = is_profiled ? program->probe_fd : -1,
		.gpu_fd = session->gpu.fd,
		.steer_fd = program->steered_fd,
		.model_fd = session->model.fd,
		.timer_fd = session->timer.fd,
		.output = TARGET_OUTPUT_INHERIT,
	};
	if (session->has_screen)
		session_terminal(&launch);
	else if (session->output.stream == stdout)
		launch.output = TARGET_OUTPUT_TO_STDERR;
	session->has_target = target_launch(&session->target, &launch, &session->sampling, why);
	session_program_started(&session->program);
	return session->has_target;
}

static bool start_target(struct session *session, struct why *why)
{
	const struct session_request *request = session->request;
	if (request->words && (!session_program_open(&session->program, request, why) ||
			       !launch_target(session, why)))
		return false;
	if (!settings_attach(session->settings))
		return true;
	session->has_target = true;
	if (!session_attach(&session->target, request, &session->sampling, session->recording, why))
		return false;
	recording_publish(session->recording);
	return true;
}

static bool open_output(struct session *session, int *status, struct why *why)
{
	const struct settings *settings = session->settings;
	const char *path = settings->output;
	if (path &&
	    !output_path_expand(path, session->output_path, sizeof session->output_path, why))
		return false;
	return session_output_open(&session->output, path ? session->output_path : NULL,
				   settings->format, settings->is_forced, status, why);
}

static bool start(struct session *session, int *status, struct why *why)
{
	const struct settings *settings = session->settings;
	*status = STATUS_USAGE;
	if (!settings_sampling(settings, &session->sampling, why) ||
	    !requirements_check(settings->require, why) ||
	    !session_control_check(settings, session->has_screen, why))
		return false;
	if ((!session->has_screen || settings->output) && !open_output(session, status, why))
		return false;
	*status = STATUS_PROFILER_FAILED;
	if (!session_control_open(&session->control, settings, why) ||
	    !session_push_open(&session->push, settings, why))
		return false;
	session->recording = recording_new();
	summary_add_facts(session->recording,
			  settings_attach(settings) ? NULL : session->request->words);
	if (session->request->workload)
		recording_add_fact(session->recording, "workload", session->request->workload);
	if (session->has_screen)
		preferences_note(session->recording);
	recording_publish(session->recording); /* the screen shows the facts from the start */
	if (!start_target(session, why) || !take_signals(session, why))
		return false;
	/* What is kept of a ring is known at its end only. */
	session->collector = collector_start(session->recording, &session->target,
					     settings->ring_ns ? NULL : session->output.file, why);
	if (!session->collector)
		return false;
	if (!requirements_are_met(settings->require, session->recording, session->collector, why)) {
		*status = STATUS_REQUIRE;
		return false;
	}
	/* The old recording stays if the program cannot even start. */
	if (session->target.is_launched && !target_release(&session->target, status, why))
		return false;
	if (settings_attach(settings) && !session->has_screen)
		session_attach_say(&session->target, session->request);
	/* If its folder has gone by now, the end says so: the program runs. */
	if (session->output.file)
		recording_file_place(session->output.file, NULL);
	return true;
}

/* Ends a program that still runs (--duration is over, or we are to leave); its exit status. What is
 * attached to goes on, and an interrupt is how that is left. */
static int end_target(struct session *session)
{
	bool had_ended = target_poll(&session->target);
	target_close(&session->target);
	session->has_target = false;
	if (!session->target.is_launched)
		return session->ended_by && session->ended_by != SIGINT ? 128 + session->ended_by
									: STATUS_OK;
	int status = target_exit_status(&session->target);
	bool is_our_doing = (!had_ended || session->ended_by) &&
			    (status == 128 + SIGTERM || status == 128 + SIGKILL);
	if (!is_our_doing)
		return status;
	return session->ended_by ? 128 + session->ended_by : STATUS_OK;
}

static void say_what_is_left_out(const struct session *session)
{
	uint32_t n_series;
	uint32_t series = summary_main_series(session->recording, &n_series);
	if (!session->output.exporter || n_series < 2)
		return;
	fprintf(stderr, "stoke: %s holds one event, so only %s is written; a .stoke file has all\n",
		session->output.exporter->name,
		recording_string_at(session->recording,
				    recording_series(session->recording, series)->name));
}

static void report_end(const struct session *session)
{
	if (session->settings->is_quiet)
		return;
	say_what_is_left_out(session);
	fputs("stoke: ", stderr);
	summary_print(stderr, session->recording);
	enum severity least = session->settings->verbosity > 0 ? SEVERITY_INFO : SEVERITY_WARNING;
	const char *agreement =
		recording_fact_text(session->recording, "unwinding.agreed_with_libunwind");
	if (session->settings->verbosity > 0 && agreement)
		fprintf(stderr, "stoke: unwinding beside libunwind: %s\n", agreement);
	size_t n_more = summary_print_notes(stderr, session->recording, least, "stoke: ");
	if (n_more > 0)
		fprintf(stderr, "stoke: %zu more note%s with -v\n", n_more, n_more > 1 ? "s" : "");
}

/* Only the last seconds, of which all rows are still there. */
static void cut_to_ring(struct session *session, uint64_t since_ns)
{
	struct recording *whole = session->recording;
	if (!session->settings->ring_ns)
		return;
	session->recording = recording_window(whole, since_ns, 0);
	recording_free(whole);
}

static void note_unknown_metric(const struct session *session)
{
	const struct session_control *control = &session->control;
	char text[TRIGGER_NAME_BYTES + 96], clean[TRIGGER_NAME_BYTES];
	if (!control->has_trigger || control->trigger.is_known)
		return;
	snprintf(text, sizeof text, "--snapshot-when: nothing called %s was ever measured.",
		 text_clean(clean, sizeof clean, control->trigger.name));
	recording_note(session->recording, SEVERITY_WARNING, "session", text,
		       "`stoke export --format csv` of a recording shows its metrics.");
}

/* The output is lost: what was recorded is not. */
static void rescue(const struct session *session)
{
	struct why why;
	char path[MOST_PATH_BYTES];
	const char *folder = getenv("TMPDIR");
	snprintf(path, sizeof path, "%s/stoke-%d.stoke", folder && *folder ? folder : "/tmp",
		 (int)getpid());
	struct recording_file *file = recording_file_create(path, &why);
	if (file && recording_file_close(file, session->recording, &why))
		fprintf(stderr, "stoke: what was recorded is in %s\n", path);
}

static int finish(struct session *session)
{
	struct why why = { "" };
	char text[16];
	uint64_t since_ns = session_control_since(session->settings);
	collector_stop(session->collector);
	session->collector = NULL;
	if (session->settings->push_every_ns) /* its place is in the rows as they are */
		session_push_rest(&session->push, session->recording);
	cut_to_ring(session, since_ns);
	note_unknown_metric(session);
	int status = end_target(session);
	snprintf(text, sizeof text, "%d", status);
	if (session->target.is_launched)
		recording_add_fact(session->recording, "exit_status", text);
	recording_flush_samples(session->recording, UINT64_MAX);
	recording_publish(session->recording);
	if (session->output.stream || session->output.file) {
		if (!session_output_write(&session->output, session->recording, &why))
			status = fail_with(STATUS_PROFILER_FAILED, session->request->name, &why);
		if (status == STATUS_PROFILER_FAILED && why.text[0])
			rescue(session);
		else if (!session->settings->is_quiet)
			session_output_remark(&session->output, session->request->name);
	}
	session_push_rest(&session->push, session->recording);
	print_output(session);
	report_end(session);
	return status;
}

static void close_session(struct session *session)
{
	collector_stop(session->collector);
	if (session->has_target)
		target_close(&session->target);
	session_output_close(&session->output);
	session_control_close(&session->control);
	session_push_close(&session->push);
	session_program_close(&session->program);
	session_gpu_close(&session->gpu);
	session_model_close(&session->model);
	session_timer_close(&session->timer);
	recording_free(session->recording);
	if (session->signal_fd >= 0)
		close(session->signal_fd);
}

int session_run(const struct session_request *request)
{
	struct session session = { .request = request,
				   .settings = request->settings,
				   .program = SESSION_PROGRAM_NONE,
				   .control = SESSION_CONTROL_NONE,
				   .signal_fd = -1,
				   .view = session_resumed_view(request->settings->view) };
	struct why why;
	int status;
	const char *refusal = tui_refusal();
	session.has_screen =
		request->wants_screen && !settings_wants_text(session.settings) && !refusal;
	if (request->wants_screen && refusal && !session.settings->is_headless &&
	    !session.settings->is_quiet)
		fprintf(stderr, "stoke: no screen, because %s; stacks go to standard output\n",
			refusal);
	if (start(&session, &status, &why)) {
		if (session.output.stream == stdout && request->words)
			say(&session, "the program's standard output goes to standard error: "
				      "standard output is for the stacks");
		if (!session.has_screen)
			wait_headless(&session);
		else if (!show(&session, &why))
			fail_with(STATUS_PROFILER_FAILED, request->name, &why);
		status = finish(&session);
	} else {
		fail_with(status, request->name, &why);
	}
	close_session(&session);
	if (session.restart)
		status = session_again(request, session.restart, session.restart_view);
	words_free(session.restart);
	return status;
}
