/* The library is loaded once; workloads that run in the test open it again by its path. */
#include "tests/fixture_cuda.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fixture_library.h"
#include "workloads/support/runner.h"

enum { MOST_ARRAYS = 16 };

static void *handle, *arrays[MOST_ARRAYS];
static size_t n_arrays;
static const struct cuda_library *library;

/* The emulated one lies beside this program. */
static bool load_emulated(char *path)
{
	static const char name[] = "/libstoke-cuda-emulated.so";
	handle = fixture_library("libstoke-cuda-emulated");
	if (readlink("/proc/self/exe", path, PATH_MAX - 1) < 0)
		return false;
	memcpy(strrchr(path, '/'), name, sizeof name);
	return true;
}

static bool load_real(char *path)
{
	if (!realpath(getenv("STOKE_TEST_CUDA"), path))
		return false;
	handle = dlopen(path, RTLD_NOW);
	if (!handle)
		fprintf(stderr, "%s\n", dlerror());
	return true;
}

bool fixture_cuda_open(void)
{
	stoke_cuda_library_function *function;
	struct cuda_device device;
	char path[PATH_MAX + 64] = "";
	bool is_found = getenv("STOKE_TEST_CUDA") ? load_real(path) : load_emulated(path);
	if (!is_found || !fixture_library_find(handle, "stoke_cuda_library", &function))
		return false;
	library = function();
	const char *problem = library->open(&device);
	setenv("STOKE_CUDA_LIBRARY", path, 1);
	if (problem)
		fprintf(stderr, "%s\n", problem);
	return !problem;
}

void fixture_cuda_needs_script(void)
{
	if (!getenv("STOKE_TEST_CUDA"))
		return;
	print_message("SKIP: the calls of a real driver do not fail at will\n");
	skip();
}

void fixture_cuda_close(void)
{
	dlclose(handle);
}

int fixture_cuda_both_orders(const struct CMUnitTest *tests, size_t n)
{
	int failed = 0;
	for (int order = 0; order < 2; order++) {
		setenv("CUDA_EMULATION_ORDER", order ? "backward" : "forward", 1);
		failed += _cmocka_run_group_tests(order ? "from the last thread" : "from the first",
						  tests, n, NULL, NULL);
	}
	return failed;
}

const struct cuda_kernel *fixture_cuda_kernels(const char *family)
{
	const struct cuda_kernel *at = library->kernels;
	while (at->name && strcmp(at->family, family) != 0)
		at++;
	assert_non_null(at->name);
	return at;
}

const struct cuda_kernel *fixture_cuda_next(const struct cuda_kernel *kernel)
{
	return kernel[1].name && strcmp(kernel[1].family, kernel->family) == 0 ? kernel + 1 : NULL;
}

void *fixture_cuda_give(const void *host, size_t bytes)
{
	assert_in_range(n_arrays, 0, MOST_ARRAYS - 1);
	assert_null(library->take(&arrays[n_arrays], bytes));
	if (host)
		assert_null(library->copy_in(arrays[n_arrays], host, bytes));
	return arrays[n_arrays++];
}

void fixture_cuda_fetch(void *host, const void *device, size_t bytes)
{
	assert_null(library->copy_out(host, device, bytes));
}

void fixture_cuda_launch(const struct cuda_kernel *kernel, const void *task)
{
	double ns = -1;
	const char *problem = library->time(kernel, task, &ns);
	if (problem)
		fail_msg("%s %s: %s", kernel->family, kernel->name, problem);
	assert_true(ns >= 0);
}

void fixture_cuda_free(void)
{
	while (n_arrays > 0)
		library->give(arrays[--n_arrays]);
}

int fixture_cuda_workload(const char *words)
{
	char text[512], *argv[24] = { NULL };
	int n = 0;
	snprintf(text, sizeof text, "%s", words);
	for (char *word = strtok(text, " "); word && n < 23; word = strtok(NULL, " "))
		argv[n++] = word;
	fflush(NULL);
	return workload_main(n, argv);
}

static _Noreturn void fail_in_child(const char *words, const char *script, int out)
{
	dup2(out, 2);
	if (script)
		setenv("MOCK_SCRIPT", script, 1);
	else
		setenv("STOKE_CUDA_LIBRARY", "/nowhere/libstoke-cuda.so", 1);
	int status = fixture_cuda_workload(words);
	fflush(NULL);
	_exit(status);
}

int fixture_cuda_failing(const char *words, const char *script, char *text, size_t size)
{
	int out[2], status;
	size_t n = 0;
	ssize_t got;
	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		fail_in_child(words, script, out[1]);
	close(out[1]);
	while (n < size - 1 && (got = read(out[0], text + n, size - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
