/*
 * What every workload must have, whatever it does: a page that says what it teaches, sizes S, M and
 * L with their working sets, a switch, results that a seed decides, settings that change while it
 * runs, phases with their work, and checks of its own that pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sampler/base/probe.h"
#include "sampler/probe_memory.h"
#include "tui/form.h"
#include "workloads/support/runner.h"
#include "workloads/support/steer.h"
#include "workloads/support/workload_settings.h"
#include "workloads/workload.h"

enum { MOST_RECORDS = SHARED_RING_RECORDS, MOST_WORDS = 8 };
/* One that would not end fails. A hundred times what the longest takes, for the sanitizers. */
enum { MOST_SECONDS = 600 };

/* Small and short enough for the sanitizers too; the work is the same. */
static const struct {
	const char *name;
	const char *words[MOST_WORDS];
} small[] = {
	{ "attention", { "tokens=64", "n=16", "repeats=3" } },
	{ "branch", { "repeats=20" } },
	{ "chase", { "repeats=200" } },
	{ "decoder", { "repeats=3" } },
	{ "drift", { "rows=3000", "batches=12", "at=6", "trees=20" } },
	{ "gbdt", { "rows=2000", "rounds=8" } },
	{ "gemm", { "n=48", "repeats=5" } },
	{ "gemv", { "repeats=5" } },
	{ "gpt", { "steps=3", "width=32", "heads=2", "length=16", "batch=2", "sample=5" } },
	{ "hadamard", { "repeats=5" } },
	{ "histogram", { "repeats=5" } },
	{ "launches", { "launches=5", "repeats=5" } },
	{ "mlp", { "hidden=16", "samples=300", "epochs=2" } },
	{ "norm", { "repeats=3" } },
	{ "pages", { "repeats=3" } },
	{ "render", { "width=16", "rounds=1", "steps=5" } },
	{ "scan", { "repeats=5" } },
	{ "sharing", { "n=1000", "repeats=5" } },
	{ "spmv", { "repeats=5" } },
	{ "transpose", { "repeats=5" } },
	{ "triad", { "repeats=5" } },
	{ "xor", { "trainings=2", "steps=20" } },
};

/* What a run told through probe.h. */
struct told {
	int status;
	size_t n;
	struct shared_record *records;
};

static void told_free(struct told *told)
{
	free(told->records);
}

static _Noreturn void child(const struct workload *workload, const char *const *words, int ring_fd,
			    int steer_fd)
{
	char ring[16], steer[16];
	const char *all[2 * MOST_WORDS] = { workload->name };
	int n = 1, quiet = open("/dev/null", O_WRONLY);
	snprintf(ring, sizeof ring, "%d", ring_fd);
	setenv("STOKE_PROBE_FD", ring, 1);
	snprintf(steer, sizeof steer, "%d", steer_fd);
	if (steer_fd >= 0)
		setenv("STOKE_STEER_FD", steer, 1);
	for (; *words; words++)
		all[n++] = *words;
	dup2(quiet, 1);
	alarm(MOST_SECONDS);
	int status = workload_main(n, (char **)all);
	fflush(NULL);
	_exit(status);
}

static void take_all(struct told *told, struct shared_ring *ring, uint64_t *tail)
{
	struct shared_record record;
	while (shared_ring_take(ring, tail, &record) == SHARED_RING_READ)
		if (told->n < MOST_RECORDS)
			told->records[told->n++] = record;
}

/* Runs it. With `change` these settings come once it has told something; *was_sent says so. */
static struct told run_changing(const struct workload *workload, const char *const *words,
				char *const *change, bool *was_sent)
{
	struct why why;
	struct told told = { .records = calloc(MOST_RECORDS, sizeof *told.records) };
	int ends[2] = { -1, -1 }, fd = probe_memory_create(SHARED_RING_RECORDS, &why);
	struct shared_ring *ring = probe_memory_map(fd, SHARED_RING_RECORDS, &why);
	uint64_t tail = 0;
	if (change)
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		child(workload, words, fd, ends[1]);
	if (change)
		close(ends[1]);
	while (waitpid(pid, &told.status, WNOHANG) == 0) {
		take_all(&told, ring, &tail);
		if (change && told.n > 2 && !*was_sent)
			*was_sent = steer_send(ends[0], change);
		usleep(1000);
	}
	take_all(&told, ring, &tail);
	if (change)
		close(ends[0]);
	probe_memory_unmap(ring, SHARED_RING_RECORDS);
	close(fd);
	told.status = WIFEXITED(told.status) ? WEXITSTATUS(told.status) : -1;
	return told;
}

static struct told run(const struct workload *workload, const char *const *words)
{
	return run_changing(workload, words, NULL, NULL);
}

static const char *const *small_words(const struct workload *workload)
{
	for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
		if (strcmp(small[i].name, workload->name) == 0)
			return small[i].words;
	fail_msg("%s is not in this test's list", workload->name);
	return NULL;
}

/* ---- the page */

/* The parameter that S, M and L belong to. */
static const struct parameter *sizes_of(const struct workload *workload)
{
	for (const struct parameter *at = workload->parameters; at && at->name; at++)
		if (at->choices &&
		    (at->kind == PARAMETER_CHOICE ? strcmp(at->choices, "S|M|L") == 0
						  : strchr(at->choices, '|') != NULL))
			return at;
	return NULL;
}

static bool has_unit(const char *text)
{
	static const char *const units[] = { "KB", "KiB", "MB", "MiB", "GB", "GiB", "bytes" };
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strstr(text, units[i]))
			return true;
	return false;
}

/* Each stated number is in the summary behind its letter: "(S 3, M 300, L 3000)". */
static bool states_sizes(const struct parameter *sizes)
{
	char copy[64], *rest, letter = 'S', said[32];
	if (sizes->kind == PARAMETER_CHOICE)
		return strchr(sizes->summary, 'S') && has_unit(sizes->summary);
	snprintf(copy, sizeof copy, "%s", sizes->choices);
	for (char *one = strtok_r(copy, "|", &rest); one; one = strtok_r(NULL, "|", &rest)) {
		snprintf(said, sizeof said, "%c %s", letter, one);
		if (!strstr(sizes->summary, said))
			return false;
		letter = letter == 'S' ? 'M' : 'L';
	}
	return has_unit(sizes->summary);
}

static bool has_switch(const struct workload *workload)
{
	for (const struct parameter *at = workload->parameters; at && at->name; at++)
		if (at->kind == PARAMETER_CHOICE && at != sizes_of(workload) &&
		    strcmp(at->name, "device") != 0)
			return true;
	return false;
}

static void every_page_says_what_it_teaches(void **state)
{
	enum { LEAST_LETTERS = 300 };
	(void)state;
	for (const struct workload *const *at = workloads; *at; at++) {
		const struct parameter *sizes = sizes_of(*at);
		if (strlen((*at)->teaches) < LEAST_LETTERS || !(*at)->source[0] ||
		    !(*at)->summary[0])
			fail_msg("%s: its page says too little", (*at)->name);
		if (!sizes || !states_sizes(sizes))
			fail_msg("%s: no sizes S, M and L with their bytes", (*at)->name);
		if (!has_switch(*at))
			fail_msg("%s: nothing to switch", (*at)->name);
	}
}

/* A choice that the form has no room for could not be turned to. */
static void every_choice_fits_the_form(void **state)
{
	(void)state;
	for (const struct workload *const *at = workloads; *at; at++) {
		size_t n_fields = 1; /* seconds */
		for (const struct parameter *one = (*at)->parameters; one && one->name; one++) {
			size_t n = 1;
			n_fields++;
			for (const char *c = one->choices; c && *c; c++)
				n += *c == '|';
			if (n > FORM_MOST_CHOICES ||
			    (one->choices && strlen(one->choices) >= FORM_VALUE_BYTES))
				fail_msg("%s: %s has %zu choices", (*at)->name, one->name, n);
		}
		assert_true(n_fields <= FORM_MOST_FIELDS);
	}
}

static void every_size_is_taken(void **state)
{
	struct why why;
	(void)state;
	for (const struct workload *const *at = workloads; *at; at++) {
		for (const char *letter = "SML"; *letter; letter++) {
			char word[] = { 's', 'i', 'z', 'e', '=', *letter, 0 };
			char *words[] = { word, NULL };
			if (!workload_settings_check(*at, words, &why))
				fail_msg("%s %s: %s", (*at)->name, word, why.text);
		}
		char wrong[] = "size=XL", *words[] = { wrong, NULL };
		assert_false(workload_settings_check(*at, words, &why));
	}
}

/* ---- runs */

static bool is_known(const struct shared_record *record)
{
	return record->values[0] > 0 || record->values[1] > 0 || record->values[2] > 0;
}

/* Ends with its beginnings in pairs, and some of it with its work. */
static void check_phases(const struct workload *workload, const struct told *told)
{
	size_t n_begun = 0, n_ended = 0, n_known = 0, n_progress = 0, n_work = 0;
	for (size_t i = 0; i < told->n; i++) {
		const struct shared_record *record = &told->records[i];
		n_begun += record->type == SHARED_PHASE_BEGIN;
		n_ended += record->type == SHARED_PHASE_END;
		n_known += record->type == SHARED_PHASE_END && is_known(record);
		n_progress += record->type == SHARED_PROGRESS;
		n_work += record->type == SHARED_WORK && is_known(record);
	}
	if (n_begun == 0 || n_begun != n_ended || n_known == 0)
		fail_msg("%s: %zu phases begun, %zu ended, %zu of them with their work",
			 workload->name, n_begun, n_ended, n_known);
	if (n_progress == 0 || n_work == 0)
		fail_msg("%s: %zu words of progress, %zu of work", workload->name, n_progress,
			 n_work);
}

/* Rates, times and faults are counted in each run. */
static bool is_decided(const struct shared_record *record)
{
	if (record->type == SHARED_QUALITY)
		return strncmp(record->text, "ns ", 3) != 0 && !strstr(record->text, "/s") &&
		       strncmp(record->text, "faults", 6) != 0;
	return record->type == SHARED_PHASE_BEGIN || record->type == SHARED_PHASE_END ||
	       record->type == SHARED_WORK;
}

static size_t next_decided(const struct told *told, size_t i)
{
	while (i < told->n && !is_decided(&told->records[i]))
		i++;
	return i;
}

/* To the last bit; unknown is equal to unknown. */
static bool are_same(const double *a, const double *b)
{
	enum { TOLD = 3 };
	for (int i = 0; i < TOLD; i++)
		if (a[i] != b[i] && !(isnan(a[i]) && isnan(b[i])))
			return false;
	return true;
}

static void check_same(const struct workload *workload, const struct told *a, const struct told *b)
{
	size_t i = next_decided(a, 0), j = next_decided(b, 0);
	for (; i < a->n && j < b->n; i = next_decided(a, i + 1), j = next_decided(b, j + 1)) {
		const struct shared_record *x = &a->records[i], *y = &b->records[j];
		bool has_values = x->type != SHARED_PHASE_BEGIN;
		if (x->type != y->type || strcmp(x->text, y->text) != 0 ||
		    (has_values && !are_same(x->values, y->values)))
			fail_msg("%s: two runs tell %s %.17g and %s %.17g", workload->name, x->text,
				 x->values[0], y->text, y->values[0]);
	}
	assert_true(i == a->n && j == b->n);
}

static size_t words_of(const struct workload *workload, const char *words[2 * MOST_WORDS])
{
	size_t n = 0;
	words[n++] = "size=S";
	for (const char *const *at = small_words(workload); *at; at++)
		words[n++] = *at;
	words[n] = NULL;
	return n;
}

static void every_workload_is_decided_by_its_settings(void **state)
{
	(void)state;
	for (const struct workload *const *at = workloads; *at; at++) {
		const char *words[2 * MOST_WORDS];
		words_of(*at, words);
		struct told one = run(*at, words), two = run(*at, words);
		if (one.status != 0 || two.status != 0)
			fail_msg("%s: status %d and %d", (*at)->name, one.status, two.status);
		check_phases(*at, &one);
		check_same(*at, &one, &two);
		told_free(&one);
		told_free(&two);
	}
}

/* What runs until it is told otherwise. Passes over S take microseconds, and three records each:
 * the one that names the new settings may find the ring full. But that such a run ends says enough.
 */
static const char *endless_word(const struct workload *workload)
{
	for (const struct parameter *at = workload->parameters; at->name; at++)
		if (strcmp(at->name, "repeats") == 0)
			return "repeats=1000000000";
	return NULL;
}

/* Takes the settings that come and tells so by a phase of their name. */
static void every_workload_is_steered(void **state)
{
	(void)state;
	for (const struct workload *const *at = workloads; *at; at++) {
		const char *words[2 * MOST_WORDS];
		char *change[2 * MOST_WORDS], limit[] = "seconds=0.01";
		bool was_sent = false, was_taken = endless_word(*at) != NULL;
		size_t n = words_of(*at, words);
		for (size_t i = 0; i < n; i++)
			change[i] = (char *)words[i];
		change[n] = limit;
		change[n + 1] = NULL;
		const char *const first[] = { "size=S", endless_word(*at), NULL };
		struct told told = run_changing(*at, first, change, &was_sent);
		for (size_t i = 0; i < told.n; i++)
			was_taken |= told.records[i].type == SHARED_PHASE_BEGIN &&
				     strncmp(told.records[i].text, "with size=S", 11) == 0;
		if (!was_sent || !was_taken || told.status != 0)
			fail_msg("%s: sent %d, taken %d, status %d", (*at)->name, was_sent,
				 was_taken, told.status);
		told_free(&told);
	}
}

static void every_selftest_passes(void **state)
{
	(void)state;
	for (const struct workload *const *at = workloads; *at; at++) {
		const char *words[2 * MOST_WORDS];
		size_t n = words_of(*at, words);
		words[n++] = "--selftest";
		words[n] = NULL;
		struct told told = run(*at, words);
		if (told.status != 0)
			fail_msg("%s: status %d", (*at)->name, told.status);
		told_free(&told);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_page_says_what_it_teaches),
		cmocka_unit_test(every_choice_fits_the_form),
		cmocka_unit_test(every_size_is_taken),
		cmocka_unit_test(every_workload_is_decided_by_its_settings),
		cmocka_unit_test(every_workload_is_steered),
		cmocka_unit_test(every_selftest_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
