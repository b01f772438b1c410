/* The built-in workloads, the kernels' variants, and the ring a program reports through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/kernel.h"
#include "kernels/triad.h"
#include "sampler/base/probe.h"
#include "sampler/probe_memory.h"
#include "tests/fixture_stride.h"
#include "workloads/support/random.h"
#include "workloads/support/runner.h"
#include "workloads/support/steer.h"
#include "workloads/workload.h"

/* Large, small, negative and zero, in odd lengths and at odd places. */
static bool agrees(triad_function *triad, size_t n, size_t shift)
{
	struct random random = { n * 31 + shift };
	double *a = calloc(n + 16, sizeof *a), *b = calloc(n + 16, sizeof *b),
	       *c = calloc(n + 16, sizeof *c);
	bool is_good = true;
	for (size_t i = 0; i < n + 16; i++) {
		b[i] = ldexp(random_unit(&random) - 0.5, (int)(random_bits(&random) % 200) - 100);
		c[i] = ldexp(random_unit(&random) - 0.5, (int)(random_bits(&random) % 200) - 100);
		a[i] = 12345;
	}
	triad(a + shift, b + shift, c + shift, 3, n);
	for (size_t i = 0; i < n; i++) {
		double right = fma(3, c[shift + i], b[shift + i]);
		double scale = fabs(b[shift + i]) + 3 * fabs(c[shift + i]);
		is_good &= fabs(a[shift + i] - right) <= 2.3e-16 * scale;
	}
	for (size_t i = 0; i < shift; i++)
		is_good &= a[i] == 12345; /* nothing before or behind is touched */
	for (size_t i = shift + n; i < n + 16; i++)
		is_good &= a[i] == 12345;
	free(a);
	free(b);
	free(c);
	return is_good;
}

static void every_triad_agrees_with_fma(void **state)
{
	extern const struct kernel kernel_triad;
	int n_tried = 0;
	(void)state;
	for (const struct variant *at = kernel_triad.variants; at->name; at++) {
		triad_function *triad = triad_variant(at->name);
		if (!triad) {
			print_message("SKIP %s: this CPU cannot run it\n", at->name);
			continue;
		}
		for (size_t n = 0; n < 70; n++)
			for (size_t shift = 0; shift < 9; shift++)
				assert_true(agrees(triad, n, shift));
		n_tried++;
	}
	assert_true(n_tried >= 1);
	assert_null(triad_variant("nonsense"));
}

static void wrong_triad(double *a, const double *b, const double *c, double scale, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) /* forgets the last */
		a[i] = b[i] + scale * c[i];
}

static void nearly_right_triad(double *a, const double *b, const double *c, double scale, size_t n)
{
	for (size_t i = 0; i < n; i++)
		a[i] = (float)(b[i] + scale * c[i]);
}

static void wrong_controls_fail(void **state)
{
	(void)state;
	assert_false(agrees(wrong_triad, 33, 1));
	assert_false(agrees(nearly_right_triad, 33, 1));
}

static int run(const char *const *words, int n)
{
	fflush(NULL);
	return workload_main(n, (char **)words);
}

#define GBDT_ROWS   FIXTURE_LENGTH("rows=20000", "rows=8000")
#define GBDT_ROUNDS FIXTURE_LENGTH("rounds=120", "rounds=40")
#define SAMPLES     FIXTURE_LENGTH("samples=8000", "samples=500")
#define EPOCHS      FIXTURE_LENGTH("epochs=10", "epochs=4")
#define GPT_STEPS   FIXTURE_LENGTH("steps=40", "steps=6")
#define GPT_LENGTH  FIXTURE_LENGTH("length=0", "length=16")
#define BF16_STEPS  FIXTURE_LENGTH("steps=10", "steps=2")
#define TRAININGS   FIXTURE_LENGTH("trainings=6", "trainings=2")

static void workloads_pass_their_own_checks(void **state)
{
	const char *const gbdt[] = { "gbdt", GBDT_ROWS, GBDT_ROUNDS, "threads=2", NULL };
	const char *const triad[] = { "triad", "size=1", "repeats=50", "threads=2", NULL };
	const char *const xor [] = { "xor", TRAININGS, "alloc=malloc", "topo=scan", NULL };
	const char *const mlp[] = { "mlp", "size=S", SAMPLES, EPOCHS, NULL };
	const char *const gpt[] = { "gpt",       "size=S",  GPT_STEPS, GPT_LENGTH,
				    "sample=20", "batch=5", NULL };
	const char *const bf16[] = {
		"gpt", "size=S", BF16_STEPS, GPT_LENGTH, "precision=bf16", NULL
	};
	(void)state;
	assert_int_equal(run(gpt, 6), 0);
	assert_int_equal(run(bf16, 5), 0);
	assert_int_equal(run(xor, 4), 0);
	assert_int_equal(run(mlp, 4), 0);
	assert_int_equal(run(gbdt, 4), 0);
	assert_int_equal(run(triad, 4), 0);
}

static _Noreturn void steered_child(int fd, int out)
{
	char text[16];
	const char *const words[] = { "triad", "size=1", "threads=1", "repeats=1e9", NULL };
	snprintf(text, sizeof text, "%d", fd);
	setenv("STOKE_STEER_FD", text, 1);
	dup2(out, 1);
	dup2(out, 2);
	int status = run(words, 4);
	fflush(NULL);
	_exit(status);
}

static void settings_change_while_it_runs(void **state)
{
	char refused[] = "size=x", size[] = "size=2", repeats[] = "repeats=3", text[4096] = "";
	int steer[2], out[2], status;
	size_t n = 0;
	ssize_t got;
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, steer), 0);
	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		steered_child(steer[1], out[1]);
	close(steer[1]);
	close(out[1]);
	/* Refused, so what it had goes on: without end, but for the next packet. */
	assert_true(steer_send(steer[0], (char *[]){ refused, NULL }));
	while (!strstr(text, "The settings stay as they were.") &&
	       (got = read(out[0], text + n, sizeof text - n - 1)) > 0)
		n += (size_t)got;
	assert_true(steer_send(steer[0], (char *[]){ size, repeats, NULL }));
	while ((got = read(out[0], text + n, sizeof text - n - 1)) > 0)
		n += (size_t)got;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_non_null(strstr(text, "size=x is not a number."));
	const char *change = strstr(text, "triad: goes on with size=2 repeats=3");
	assert_non_null(change);
	assert_non_null(strstr(change, "checks passed"));
	assert_false(steer_send(steer[0], (char *[]){ size, NULL })); /* nobody listens */
	close(steer[0]);
	close(out[0]);
}

/* Once: a second one would end it at once. */
static void *end_what_listens(void *unused)
{
	struct sigaction now = { .sa_handler = SIG_IGN };
	for (; now.sa_handler == SIG_IGN; sigaction(SIGTERM, NULL, &now))
		usleep(500);
	kill(getpid(), SIGTERM);
	return unused;
}

/* Ended while it makes its data, which takes some hundred milliseconds. */
static _Noreturn void child_stopped_early(int out)
{
	const char *const words[] = { "gbdt", "rows=400k", NULL };
	pthread_t thread;
	signal(SIGTERM, SIG_IGN);
	if (pthread_create(&thread, NULL, end_what_listens, NULL) != 0)
		_exit(99);
	dup2(out, 1);
	int status = run(words, 2);
	pthread_join(thread, NULL);
	fflush(NULL);
	_exit(status);
}

static void what_was_not_run_is_not_called_checked(void **state)
{
	char text[512] = "";
	int out[2], status;
	size_t n = 0;
	ssize_t got;
	(void)state;
	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		child_stopped_early(out[1]);
	close(out[1]);
	while ((got = read(out[0], text + n, sizeof text - n - 1)) > 0)
		n += (size_t)got;
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(text,
			    "gbdt: stopped before its work began; nothing was run or checked\n");
}

static void wrong_settings_are_refused(void **state)
{
	const char *const words[][3] = {
		{ "gbdt", "rows=many", NULL },      { "gbdt", "rows=1", NULL },
		{ "gbdt", "rows", NULL },           { "gbdt", "row=5", NULL },
		{ "triad", "variant=fast", NULL },  { "triad", "repeats=1.5", NULL },
		{ "triad", "size=nan", NULL },      { "mlp", "batch=0", NULL },
		{ "mlp", "activation=sine", NULL }, { "xor", "hidden=1", NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		assert_int_equal(run(words[i], 2), 2);
}

static void weights_are_saved_and_loaded(void **state)
{
	char path[] = "/tmp/stoke-weights-XXXXXX", save[64], load[64];
	const char *words[] = {
		"mlp", "size=S", "hidden=32", "samples=400", "epochs=2", save, NULL
	};
	(void)state;
	close(mkstemp(path));
	snprintf(save, sizeof save, "save=%s", path);
	snprintf(load, sizeof load, "load=%s", path);
	assert_int_equal(run(words, 6), 0);
	words[5] = load;
	assert_int_equal(run(words, 6), 0);
	words[2] = "hidden=33"; /* another model */
	assert_int_equal(run(words, 6), 1);
	words[5] = "save=/nowhere/weights";
	assert_int_equal(run(words, 6), 1);
	unlink(path);
}

enum { WRITERS = 4, WRITES = 5000 };

static void *write_many(void *opaque)
{
	struct shared_record record = { .type = SHARED_QUALITY };
	for (int i = 0; i < WRITES; i++) {
		record.values[0] = i;
		while (!shared_ring_write(opaque, &record))
			sched_yield();
	}
	return NULL;
}

static void the_ring_loses_nothing_it_took(void **state)
{
	struct why why;
	int fd = probe_memory_create(SHARED_RING_RECORDS, &why);
	struct shared_ring *ring = probe_memory_map(fd, SHARED_RING_RECORDS, &why);
	pthread_t threads[WRITERS];
	struct shared_record record;
	uint64_t tail = 0, n = 0;
	double sum = 0;
	(void)state;
	for (int i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, write_many, ring);
	while (n < (uint64_t)WRITERS * WRITES) {
		if (shared_ring_take(ring, &tail, &record) != SHARED_RING_READ)
			continue;
		sum += record.values[0];
		n++;
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_float_equal(sum, (double)WRITERS * WRITES * (WRITES - 1) / 2, 0.5);
	assert_int_equal(shared_ring_take(ring, &tail, &record), SHARED_RING_EMPTY);
	probe_memory_unmap(ring, SHARED_RING_RECORDS);
	assert_int_equal(ftruncate(fd, 0), -1); /* sealed */
	close(fd);
}

static void a_full_ring_drops_and_counts(void **state)
{
	struct why why;
	int fd = probe_memory_create(SHARED_RING_RECORDS, &why);
	struct shared_ring *ring = probe_memory_map(fd, SHARED_RING_RECORDS, &why);
	struct shared_record record = { .type = SHARED_PROGRESS };
	(void)state;
	for (int i = 0; i < SHARED_RING_RECORDS + 10; i++)
		shared_ring_write(ring, &record);
	assert_int_equal(shared_ring_dropped(ring), 10);
	probe_memory_unmap(ring, SHARED_RING_RECORDS);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_triad_agrees_with_fma),
		cmocka_unit_test(wrong_controls_fail),
		cmocka_unit_test(workloads_pass_their_own_checks),
		cmocka_unit_test(settings_change_while_it_runs),
		cmocka_unit_test(what_was_not_run_is_not_called_checked),
		cmocka_unit_test(wrong_settings_are_refused),
		cmocka_unit_test(weights_are_saved_and_loaded),
		cmocka_unit_test(the_ring_loses_nothing_it_took),
		cmocka_unit_test(a_full_ring_drops_and_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
