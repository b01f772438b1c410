/*
 * A workload is run in stretches: one from its start to its end, unless new settings come while it
 * runs. Each stretch has its own state, checks and result.
 */
#include "workloads/support/runner.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sampler/base/probe.h"
#include "sampler/base/text.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/steer.h"
#include "workloads/support/workload_settings.h"
#include "workloads/workload.h"

/* As `--require` of what is not there. */
enum { NOT_HERE = 3 };

struct run {
	const struct workload *workload;
	struct workload_settings settings;
	/* Texts of the settings lie in the packet they came by, so the last good one is kept. */
	struct steer steer, kept;
	void *state;
	uint64_t n_units; /* of this stretch */
	double start_seconds;
	char phase[SHARED_RING_TEXT_BYTES]; /* of a stretch with new settings; "" = none */
};

/* Any thread may be the one that is told to end. */
static _Atomic bool must_stop;

static void stop(int number)
{
	(void)number;
	must_stop = true;
}

const struct workload *workload_find(const char *name)
{
	for (const struct workload *const *at = workloads; *at; at++)
		if (strcmp((*at)->name, name) == 0)
			return *at;
	return NULL;
}

static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void print_result(const struct workload *workload, void *state, double seconds)
{
	char flops[TEXT_BYTES], bytes[TEXT_BYTES], duration[TEXT_BYTES];
	struct work work = workload->work(state);
	if (!(work.flops > 0 || work.bytes > 0)) { /* 0 B/s would be a rate of what was not done */
		printf("%s: %s, checks passed\n", workload->name,
		       text_duration(duration, sizeof duration, seconds * 1e9));
		return;
	}
	printf("%s: %s, %s by exact work, checks passed\n", workload->name,
	       text_duration(duration, sizeof duration, seconds * 1e9),
	       work.flops > 0 ? text_rate(flops, sizeof flops, work.flops / seconds, "FLOP/s")
			      : text_rate(bytes, sizeof bytes, work.bytes / seconds, "B/s"));
	if (work.flops > 0)
		printf("%s: %s of algorithmic traffic\n", workload->name,
		       text_rate(bytes, sizeof bytes, work.bytes / seconds, "B/s"));
}

/* ---- a stretch */

/* True: it ended because new settings have come. */
static bool run_units(struct run *run)
{
	run->n_units = 0;
	while (!must_stop && ++run->n_units && run->workload->run(run->state)) {
		double limit_seconds = run->settings.seconds;
		if (limit_seconds > 0 && now_seconds() - run->start_seconds >= limit_seconds)
			return false;
		if (steer_take(&run->steer))
			return true;
	}
	return false;
}

/* Its checks and its result: true if nothing was wrong. */
static bool end_stretch(struct run *run, double start_seconds)
{
	struct why why;
	double seconds = now_seconds() - start_seconds;
	bool is_right = run->n_units == 0 || run->workload->verify(run->state, &why);
	if (run->n_units == 0)
		printf("%s: stopped before its work began; nothing was run or checked\n",
		       run->workload->name);
	else if (is_right)
		print_result(run->workload, run->state, seconds);
	else
		fprintf(stderr, "stoke: %s\n", why.text);
	if (run->phase[0])
		probe_phase_end(run->phase, PROBE_UNKNOWN);
	run->workload->finish(run->state);
	run->state = NULL;
	return is_right;
}

static bool run_stretch(struct run *run, bool *is_right)
{
	double start_seconds = now_seconds();
	bool is_steered = run_units(run);
	*is_right &= end_stretch(run, start_seconds);
	return is_steered;
}

static void name_stretch(struct run *run)
{
	size_t n = (size_t)snprintf(run->phase, sizeof run->phase, "with");
	for (char *const *word = run->kept.words; *word && n < sizeof run->phase; word++)
		n += (size_t)snprintf(run->phase + n, sizeof run->phase - n, " %s", *word);
	if (!run->kept.words[0])
		snprintf(run->phase, sizeof run->phase, "with initial settings");
	printf("%s: goes on %s\n", run->workload->name, run->phase);
	probe_phase_begin(run->phase);
	probe_restart();
}

/* Words point into their own packet: the copy needs its own. */
static void keep_packet(struct run *run)
{
	run->kept = run->steer;
	for (char **word = run->kept.words; *word; word++)
		*word = run->kept.text + (*word - run->steer.text);
}

/* New settings in place of the old ones; those that cannot be had leave the old ones. */
static bool change(struct run *run, struct why *why)
{
	struct workload_settings fresh;
	struct why reason;
	bool is_good = workload_settings_read(&fresh, run->workload, run->steer.words, &reason);
	if (is_good && (run->state = run->workload->prepare(fresh.values, &reason))) {
		keep_packet(run);
		is_good =
			workload_settings_read(&run->settings, run->workload, run->kept.words, why);
		name_stretch(run);
		return is_good;
	}
	fprintf(stderr, "stoke: %s The settings stay as they were.\n", reason.text);
	run->state = run->workload->prepare(run->settings.values, why);
	if (run->state && run->phase[0]) {
		probe_phase_begin(run->phase);
		probe_restart();
	}
	return run->state != NULL;
}

static int run_all(struct run *run)
{
	struct why why;
	bool is_right = true;
	run->start_seconds = now_seconds();
	run->state = run->workload->prepare(run->settings.values, &why);
	bool is_good = run->state != NULL;
	while (is_good && run_stretch(run, &is_right))
		is_good = change(run, &why);
	if (!is_good)
		fprintf(stderr, "stoke: %s\n", why.text);
	if (!is_good && cuda_run_is_missing())
		return NOT_HERE;
	return is_good && is_right ? 0 : 1;
}

static bool has_word(char *const *words, const char *word)
{
	for (; *words; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

static int run_checked(struct run *run, bool is_selftest)
{
	/* A check of a second says as much about rightness as one of a minute. */
	if (is_selftest && run->settings.seconds == 0)
		run->settings.seconds = 1;
	/* A second one ends what does not come to its next unit of work. */
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESETHAND };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	steer_open(&run->steer);
	int status = run_all(run);
	if (is_selftest)
		printf("%s: %d passed, %d failed\n", run->workload->name, status == 0, status != 0);
	return status;
}

int workload_main(int argc, char **argv)
{
	struct why why;
	const struct workload *workload = argc > 0 ? workload_find(argv[0]) : NULL;
	if (!workload) {
		fprintf(stderr, "stoke: there is no workload %s; see `stoke list workloads`.\n",
			argc > 0 ? argv[0] : "without a name");
		return 2;
	}
	/* Not on the stack: under every sample there are these bytes, and a profiler copies 16 KiB.
	 */
	struct run *run = allocate(1, sizeof *run);
	run->workload = workload;
	const char *reason = workload->unusable ? workload->unusable() : NULL;
	int status = reason ? 1 : 2;
	if (reason || !workload_settings_read(&run->settings, workload, argv + 1, &why))
		fprintf(stderr, "stoke: %s\n", reason ? reason : why.text);
	else
		status = run_checked(run, has_word(argv + 1, "--selftest"));
	free(run);
	return status;
}

/* A paragraph, wrapped at 78 columns behind an indent. */
static void print_wrapped(FILE *out, const char *text)
{
	enum { COLUMNS = 76 };
	while (*text) {
		size_t n = strlen(text);
		if (n > COLUMNS) {
			n = COLUMNS;
			while (n > 0 && text[n] != ' ')
				n--;
			n = n ? n : COLUMNS;
		}
		fprintf(out, "  %.*s\n", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

static void describe_parameter(FILE *out, const struct parameter *parameter)
{
	bool is_choice = parameter->kind == PARAMETER_CHOICE;
	fprintf(out, "    %-12s %-12s %s%s%s%s\n", parameter->name, parameter->initial,
		parameter->summary, is_choice ? ": " : "", is_choice ? parameter->choices : "",
		parameter->choices && !is_choice ? "; or size=S|M|L" : "");
}

void workload_describe(FILE *out, const struct workload *workload)
{
	fprintf(out, "%s: %s\n\n", workload->name, workload->summary);
	print_wrapped(out, workload->teaches);
	fprintf(out, "\n  source: %s\n\n  settings (key=value)\n", workload->source);
	for (const struct parameter *at = workload->parameters; at && at->name; at++)
		describe_parameter(out, at);
	describe_parameter(out, &workload_seconds);
}
