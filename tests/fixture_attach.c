/* A busy program on a string. See fixture_attach.h. */
#include "tests/fixture_attach.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char word[] = "a-program-to-attach-to";
static _Thread_local volatile double sink;
static atomic_bool must_end_worker;

/* Each with a step of its own, or they would be one function to the compiler. */
#define SPINS(name, step)                                                                          \
	static __attribute__((noinline)) void name(void)                                           \
	{                                                                                          \
		for (int i = 0; i < 200000; i++)                                                   \
			sink = sink * 1.0000001 + (step);                                          \
	}
SPINS(attached_main_spins, 1e-9)
SPINS(attached_worker, 2e-9)
SPINS(attached_late, 3e-9)
SPINS(attached_forked, 4e-9)

static void answer(long value)
{
	if (write(STDOUT_FILENO, &value, sizeof value) != (ssize_t)sizeof value)
		_exit(1);
}

static void *work(void *nothing)
{
	(void)nothing;
	pthread_setname_np(pthread_self(), "worker");
	answer(syscall(SYS_gettid));
	while (!atomic_load(&must_end_worker))
		attached_worker();
	return NULL;
}

static void *work_late(void *nothing)
{
	pthread_setname_np(pthread_self(), "late");
	for (;;)
		attached_late();
	return nothing;
}

static void *work_briefly(void *nothing)
{
	return nothing;
}

static void *churn(void *nothing)
{
	pthread_t brief;
	while (pthread_create(&brief, NULL, work_briefly, NULL) == 0)
		pthread_join(brief, NULL);
	return nothing;
}

static void start_thread(void *(*run)(void *))
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		_exit(1);
	pthread_detach(thread);
}

static void fork_child(void)
{
	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		attached_forked();
}

static void obey(char what, pthread_t worker)
{
	if (what == ATTACHED_STARTS_THREAD)
		start_thread(work_late);
	else if (what == ATTACHED_CHURNS)
		start_thread(churn);
	else if (what == ATTACHED_FORKS)
		fork_child();
	else if (what == ATTACHED_ENDS_WORKER) {
		atomic_store(&must_end_worker, true);
		pthread_join(worker, NULL);
	}
	answer(0);
}

void attached_main(int argc, char **argv)
{
	pthread_t worker;
	char what;
	if (argc < 2 || strcmp(argv[1], word) != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "attached");
	if (pthread_create(&worker, NULL, work, NULL) != 0)
		_exit(1);
	for (;;) {
		struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
		attached_main_spins();
		if (poll(&input, 1, 0) == 0)
			continue;
		if (read(STDIN_FILENO, &what, 1) != 1)
			_exit(3);
		obey(what, worker);
	}
}

static long hear(const struct attached *attached)
{
	long value = -1;
	if (read(attached->from, &value, sizeof value) != (ssize_t)sizeof value)
		return -1;
	return value;
}

bool attached_start(struct attached *attached)
{
	int to[2], from[2];
	if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
		return false;
	attached->pid = fork();
	if (attached->pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		execl("/proc/self/exe", "attached", word, NULL);
		_exit(1);
	}
	close(to[0]);
	close(from[1]);
	attached->to = to[1];
	attached->from = from[0];
	attached->worker = attached->pid > 0 ? (pid_t)hear(attached) : -1;
	return attached->worker > 0;
}

void attached_tell(struct attached *attached, char what)
{
	if (write(attached->to, &what, 1) == 1)
		hear(attached);
}

void attached_finish(struct attached *attached)
{
	siginfo_t information;
	close(attached->to);
	waitid(P_PID, (id_t)attached->pid, &information, WEXITED | WNOWAIT);
}

void attached_end(struct attached *attached)
{
	close(attached->to);
	close(attached->from);
	waitpid(attached->pid, NULL, 0);
}
