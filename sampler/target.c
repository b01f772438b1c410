/*
 * Starting a program so that not one of its instructions escapes: the child waits on a pipe until
 * the events are open, then execs. If we die first the pipe closes and the child leaves. A failed
 * exec comes back as an errno through a close-on-exec pipe.
 */
#include "sampler/target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "sampler/attach.h"

enum {
	DEFAULT_STACK_BYTES = 16384, /* completes 98 % of a C compiler's stacks, 8192 only 94 % */
	DEFAULT_HZ = 997,
	GRACE_MS = 1000, /* between TERM and KILL */
};

void sampling_defaults(struct sampling *sampling)
{
	memset(sampling, 0, sizeof *sampling);
	sampling->frequency_hz = DEFAULT_HZ;
	sampling->stack_bytes = DEFAULT_STACK_BYTES;
}

struct pipes {
	int start[2], error[2];
	int terminal, terminal_child;
};

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pipes(struct pipes *pipes)
{
	close_if_open(&pipes->start[0]);
	close_if_open(&pipes->start[1]);
	close_if_open(&pipes->error[0]);
	close_if_open(&pipes->error[1]);
	close_if_open(&pipes->terminal);
	close_if_open(&pipes->terminal_child);
}

static bool open_pipes(struct pipes *pipes, const struct launch *launch, struct why *why)
{
	*pipes = (struct pipes){ { -1, -1 }, { -1, -1 }, -1, -1 };
	struct winsize size = { .ws_col = launch->columns ? launch->columns : 80,
				.ws_row = launch->rows ? launch->rows : 24 };
	bool is_good = pipe2(pipes->start, O_CLOEXEC) == 0 && pipe2(pipes->error, O_CLOEXEC) == 0;
	if (is_good && launch->output == TARGET_OUTPUT_TERMINAL)
		is_good = openpty(&pipes->terminal, &pipes->terminal_child, NULL, NULL, &size) == 0;
	if (is_good)
		return true;
	why_fail(why, "Cannot start %s: no descriptors for it (%s); raise `ulimit -n`.",
		 launch->argv[0], strerror(errno));
	close_pipes(pipes);
	return false;
}

static void take_terminal(int terminal, const char *type)
{
	if (type)
		setenv("TERM", type, 1);
	unsetenv("COLUMNS"); /* of the terminal we are in */
	unsetenv("LINES");
	setsid();
	ioctl(terminal, TIOCSCTTY, 0);
	for (int fd = 0; fd <= 2; fd++)
		dup2(terminal, fd);
}

/* The child gets the signals as a shell would give them, whatever we block or catch. */
static void reset_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;
		/* What nohup or a shell's `&` ignores stays ignored. */
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			signal(number, SIG_DFL);
	}
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* "VAR=x cmd": assignments before the command, as a shell has them. */
static char *const *skip_assignments(char *const *argv)
{
	for (; argv[0] && argv[1]; argv++) {
		const char *equals = strchr(argv[0], '=');
		size_t length = equals ? (size_t)(equals - argv[0]) : 0;
		if (length == 0 || strspn(argv[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstu"
						   "vwxyz0123456789_") != length)
			break;
		putenv(argv[0]);
	}
	return argv;
}

/* 0 is what a zeroed struct says: none. */
static void announce(const char *variable, int fd)
{
	char text[16];
	int copy = fd > 0 ? fcntl(fd, F_DUPFD, 3) : -1; /* survives the exec */
	if (copy < 0)
		return;
	snprintf(text, sizeof text, "%d", copy);
	setenv(variable, text, 1);
}

static _Noreturn void run_child(struct pipes *pipes, const struct launch *launch)
{
	char go;
	close_if_open(&pipes->start[1]);
	close_if_open(&pipes->error[0]);
	reset_signals();
	for (const char *const *extra = launch->extra_environment; extra && *extra; extra++)
		putenv((char *)*extra);
	announce("STOKE_PROBE_FD", launch->probe_fd);
	announce("STOKE_GPU_FD", launch->gpu_fd);
	announce("STOKE_STEER_FD", launch->steer_fd);
	announce("STOKE_MODEL_FD", launch->model_fd);
	announce("STOKE_TIMER_FD", launch->timer_fd);
	/* Which lines share a set follows from addresses: the same every time, where allowed. */
	if (launch->model_fd > 0)
		personality(ADDR_NO_RANDOMIZE);
	if (read(pipes->start[0], &go, 1) != 1)
		_exit(125); /* the profiler gave up */
	if (launch->output == TARGET_OUTPUT_TERMINAL)
		take_terminal(pipes->terminal_child, launch->terminal_type);
	else if (launch->output == TARGET_OUTPUT_TO_STDERR)
		dup2(2, 1);
	char *const *argv = skip_assignments(launch->argv);
	execvp(argv[0], argv);
	int error = errno;
	ssize_t ignored = write(pipes->error[1], &error, sizeof error);
	(void)ignored;
	_exit(error == ENOENT ? 127 : 126);
}

bool target_launch(struct target *target, const struct launch *launch,
		   const struct sampling *sampling, struct why *why)
{
	struct pipes pipes;
	memset(target, 0, sizeof *target);
	target->sampling = sampling;
	target->argv = launch->argv;
	target->workload = launch->workload;
	target->pid_fd = target->start_fd = target->error_fd = target->output_fd = -1;
	target->probe_fd = launch->probe_fd;
	target->gpu_fd = launch->gpu_fd;
	target->model_fd = launch->model_fd;
	target->timer_fd = launch->timer_fd;
	if (!open_pipes(&pipes, launch, why))
		return false;
	fflush(NULL);
	target->pid = fork();
	if (target->pid < 0) {
		why_fail(why, "Cannot start %s: %s.", launch->argv[0], strerror(errno));
		close_pipes(&pipes);
		return false;
	}
	if (target->pid == 0)
		run_child(&pipes, launch);
	target->is_launched = true;
	target->pid_fd = attach_open_pid_fd(target->pid);
	target->start_fd = pipes.start[1];
	target->error_fd = pipes.error[0];
	target->output_fd = pipes.terminal;
	pipes.start[1] = pipes.error[0] = pipes.terminal = -1;
	close_pipes(&pipes);
	if (target->output_fd >= 0) {
		fcntl(target->output_fd, F_SETFL, O_NONBLOCK);
		fcntl(target->output_fd, F_SETFD, FD_CLOEXEC);
	}
	return true;
}

bool target_release(struct target *target, int *status, struct why *why)
{
	int error = 0;
	*status = 0;
	ssize_t written = write(target->start_fd, "x", 1);
	close_if_open(&target->start_fd);
	ssize_t n = written == 1 ? read(target->error_fd, &error, sizeof error) : 0;
	close_if_open(&target->error_fd);
	if (n != (ssize_t)sizeof error)
		return true; /* the pipe closed on exec: it runs */
	*status = error == ENOENT ? 127 : 126;
	char *const *argv = target->argv;
	if (error == ENOENT)
		return why_fail(why, "Cannot run %s: command not found; check the name and PATH.",
				argv[0]);
	return why_fail(why, "Cannot run %s: %s; check that it is an executable file.", argv[0],
			strerror(error));
}

bool target_poll(struct target *target)
{
	if (target->is_reaped)
		return true;
	if (!target->is_launched)
		return target->is_reaped = attach_has_ended(target);
	target->is_reaped = waitpid(target->pid, &target->wait_status, WNOHANG) == target->pid;
	return target->is_reaped;
}

void target_signal(struct target *target, int signal_number)
{
	if (target->is_launched && !target->is_reaped)
		kill(target->pid, signal_number);
}

int target_exit_status(const struct target *target)
{
	if (WIFSIGNALED(target->wait_status))
		return 128 + WTERMSIG(target->wait_status);
	return WEXITSTATUS(target->wait_status);
}

static void wait_briefly(struct target *target)
{
	const struct timespec step = { 0, 10 * 1000 * 1000 };
	for (int waited_ms = 0; waited_ms < GRACE_MS && !target_poll(target); waited_ms += 10)
		nanosleep(&step, NULL);
}

void target_close(struct target *target)
{
	close_if_open(&target->start_fd); /* one that still waits leaves by itself */
	close_if_open(&target->error_fd);
	if (target->is_launched && !target_poll(target)) {
		target_signal(target, SIGTERM);
		target_signal(target, SIGCONT);
		wait_briefly(target);
		target_signal(target, SIGKILL);
	}
	if (target->is_launched && !target->is_reaped)
		target->is_reaped = waitpid(target->pid, &target->wait_status, 0) == target->pid;
	close_if_open(&target->output_fd);
	close_if_open(&target->pid_fd);
	attach_close(target);
}
