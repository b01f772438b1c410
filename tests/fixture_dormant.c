/* Pipes on its standard input and output; nothing else of ours goes there. */
#include "tests/fixture_dormant.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <search.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sampler/base/why.h"
#include "tests/fixture_library.h"

enum { THREADS = 3 };

static _Noreturn void be_dormant(const int *in, const int *out, const char *mode,
				 const char *script)
{
	dup2(in[0], 0);
	dup2(out[1], 1);
	setenv("MOCK_SCRIPT", script, 1);
	unsetenv("STOKE_GPU_FD");
	execl("/proc/self/exe", "test", mode, (char *)NULL);
	_exit(2);
}

struct dormant fixture_dormant_start(const char *mode, const char *script)
{
	int in[2], out[2];
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		die("no pipes");
	fflush(NULL);
	struct dormant dormant = { fork(), in[1], out[0] };
	if (dormant.pid == 0)
		be_dormant(in, out, mode, script);
	close(in[0]);
	close(out[1]);
	char ready = 0;
	if (read(dormant.out, &ready, 1) != 1)
		die("the program does not start");
	return dormant;
}

bool fixture_dormant_do(const struct dormant *dormant, char order)
{
	char done = 0;
	return write(dormant->in, &order, 1) == 1 && read(dormant->out, &done, 1) == 1;
}

int fixture_dormant_end(struct dormant *dormant)
{
	int status = -1;
	close(dormant->in);
	waitpid(dormant->pid, &status, 0);
	close(dormant->out);
	return status;
}

/* ---- the program's side */

/* Says that what was ordered is done (at first: that it is ready); 0 = leave. */
static char next_order(void)
{
	char order = 0;
	if (write(1, "d", 1) != 1 || read(0, &order, 1) != 1)
		return 0;
	return order;
}

static struct {
	void (*launch)(const char *, uint32_t, uint64_t);
	void (*deliver)(void);
	void (*sample)(const char *, uint64_t, uint32_t, uint32_t);
} mock;

static void find(void *library, const char *name, void *into)
{
	void *address = dlsym(library, name);
	if (!address)
		die("the mock has no %s", name);
	memcpy(into, &address, sizeof address);
}

static void load_mocks(void)
{
	void *library = fixture_library("mock_cupti");
	if (!library || !fixture_library("mock_cuda"))
		die("no mock");
	find(library, "mock_cupti_launch", &mock.launch);
	find(library, "mock_cupti_deliver", &mock.deliver);
	find(library, "mock_cupti_sample", &mock.sample);
}

__attribute__((noinline)) static void train_step(void)
{
	mock.launch("_Z4gemmPKfS0_Pf", 7, 10000);
	mock.launch("softmax", 13, 3000);
	__asm__ volatile("");
}

static int compare(const void *a, const void *b)
{
	(void)a;
	(void)b;
	train_step();
	return 0;
}

/* Inner frames of the module that the injected code is in, which is this program, are left out up
 * to those of another: libc's. */
__attribute__((noinline)) static void run(void)
{
	for (int i = 0; i < DORMANT_LAUNCHES; i++) {
		char one[1] = "";
		size_t n = 1;
		mock.sample("softmax", 16, 0, 1);
		lfind(one, one, &n, 1, compare);
		if (i % 8 == 0)
			mock.deliver();
	}
	__asm__ volatile("");
}

static void *launch_on(void *unused)
{
	for (;;) {
		train_step();
		mock.deliver();
	}
	return unused;
}

static void run_threads(void)
{
	pthread_t thread;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, launch_on, NULL) == 0)
			pthread_detach(thread);
}

/* A child that outlives its parent, with whatever it inherited. */
static void run_forked(void)
{
	if (fork() != 0)
		return;
	mock.launch("of the child", 7, 10);
	close(0);
	close(1);
	sleep(3);
	_exit(0);
}

/* As programs do that become daemons; then something else has the numbers. Not by close(): the
 * thread sanitizer knows, rightly, that these are somebody else's. */
static void close_everything(void)
{
	for (int fd = 3; fd < 64; fd++)
		syscall(SYS_close, fd);
	for (int i = 0; i < 8; i++)
		if (syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			return;
}

static void obey(char order)
{
	switch (order) {
	case 'r':
		run();
		break;
	case 't':
		run_threads();
		break;
	case 'f':
		run_forked();
		break;
	case 'c':
		close_everything();
		break;
	case 'k':
		run();
		mock.deliver();
		raise(SIGKILL);
		break;
	default:
		break;
	}
}

static int run_dormant(int (*initialize)(void))
{
	char order;
	load_mocks();
	if (initialize() != 1)
		return 1;
	while ((order = next_order()) != 0)
		obey(order);
	return 0;
}

/* CUDA without the library. */
static int run_bare(void)
{
	const char *path = getenv("TEST_DRIVER");
	if (!path || !dlopen(path, RTLD_NOW))
		return 1;
	while (next_order() != 0)
		continue;
	return 0;
}

/* As the driver does it. */
static int run_injected(void)
{
	const char *path = getenv("CUDA_INJECTION64_PATH");
	void *library = path ? dlopen(path, RTLD_NOW) : NULL;
	int (*start)(void);
	load_mocks();
	if (!library)
		return 1;
	find(library, "InitializeInjection", &start);
	if (start() != 1)
		return 1;
	while (next_order() != 0)
		run();
	return 0;
}

int fixture_dormant_main(const char *mode, int (*initialize)(void))
{
	if (strcmp(mode, "--dormant") == 0 ||
	    (strcmp(mode, "--elsewhere") == 0 && unshare(CLONE_NEWNET) == 0))
		return run_dormant(initialize);
	if (strcmp(mode, "--injected") == 0)
		return run_injected();
	return run_bare();
}
