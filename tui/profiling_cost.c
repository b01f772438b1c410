/* CPU time, not time: on a machine that others use as well, waiting says nothing about profiling.
 */
#include "tui/profiling_cost.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "sampler/collector.h"
#include "sampler/compare_statistics.h"
#include "sampler/recording.h"
#include "sampler/target.h"
#include "tui/session.h"
#include "tui/session_program.h"
#include "tui/settings.h"

static const uint64_t SLICE_NS = 200 * 1000 * 1000, SETTLE_NS = 10 * 1000 * 1000;
enum { MOST_WAITS = 500, LEAST_PAIRS = 2 };
static const double CONFIDENCE_TAIL = 0.025; /* of each side: 95 % are between */

/* ---- evaluating */

/* The series of finished units of work. */
static uint32_t find_work(const struct recording *recording)
{
	uint64_t n = recording_moment(recording).n[TABLE_SERIES];
	for (uint32_t id = 1; id < n; id++) {
		const struct series_row *row = recording_series(recording, id);
		if (row->flags & SERIES_WORK)
			return id;
	}
	return 0;
}

/* How much had been done by a time: between two reports as if it were done evenly; NaN outside. */
static double work_at(const struct recording *recording, uint32_t series, uint64_t time_ns)
{
	uint64_t n = recording_moment(recording).n[TABLE_READINGS];
	const struct reading_row *before = NULL;
	for (uint64_t id = 1; id < n; id++) {
		const struct reading_row *row = recording_reading(recording, id);
		if (row->series != series)
			continue;
		if (row->time_ns < time_ns) {
			before = row;
			continue;
		}
		if (row->time_ns == time_ns)
			return row->value;
		if (!before)
			return NAN;
		double share = (double)(time_ns - before->time_ns) /
			       (double)(row->time_ns - before->time_ns);
		return before->value + share * (row->value - before->value);
	}
	return NAN;
}

/* Work a second of CPU time. */
static double speed(const struct recording *recording, uint32_t series,
		    const struct cost_slice *slice)
{
	double work = work_at(recording, series, slice->to_ns) -
		      work_at(recording, series, slice->from_ns);
	return slice->cpu_s > 0 && work > 0 ? work / slice->cpu_s : NAN;
}

bool profiling_cost_evaluate(struct profiling_cost *cost, const struct recording *recording,
			     const struct cost_slice *slices, size_t n, struct why *why)
{
	uint32_t series = find_work(recording);
	double costs[COST_MOST_SLICES / 2], sum = 0;
	cost->n_pairs = 0;
	for (size_t i = 0; i + 1 < n && i + 1 < COST_MOST_SLICES; i += 2) {
		const struct cost_slice *plain = &slices[i + slices[i].is_profiled];
		const struct cost_slice *profiled = &slices[i + !slices[i].is_profiled];
		double ratio =
			speed(recording, series, plain) / speed(recording, series, profiled) - 1;
		if (!series || !isfinite(ratio) || plain->is_profiled == profiled->is_profiled)
			continue;
		costs[cost->n_pairs++] = ratio;
		sum += ratio;
	}
	if (cost->n_pairs < LEAST_PAIRS)
		return why_fail(why, "The workload reported too little work to say what profiling "
				     "costs.");
	cost->ratio = sum / (double)cost->n_pairs;
	double error = compare_critical(CONFIDENCE_TAIL, (double)cost->n_pairs - 1) *
		       compare_deviation(costs, cost->n_pairs) / sqrt((double)cost->n_pairs);
	cost->low = cost->ratio - error;
	cost->high = cost->ratio + error;
	return true;
}

/* ---- measuring */

static void sleep_ns(uint64_t ns)
{
	const struct timespec time = { .tv_nsec = (long)ns };
	nanosleep(&time, NULL);
}

static double cpu_seconds(clockid_t clock)
{
	struct timespec time;
	if (clock_gettime(clock, &time) != 0)
		return NAN;
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool wait_for_work(const struct recording *recording, struct target *target)
{
	for (int i = 0; i < MOST_WAITS && !target_poll(target); i++) {
		uint32_t series = find_work(recording);
		if (series && !isnan(work_at(recording, series, now_ns() - SLICE_NS)))
			return true;
		sleep_ns(SETTLE_NS);
	}
	return false;
}

static size_t take_slices(struct collector *collector, struct target *target,
			  struct cost_slice *slices)
{
	clockid_t clock;
	size_t n = 0;
	if (clock_getcpuclockid(target->pid, &clock) != 0)
		return 0;
	for (; n < COST_MOST_SLICES && !target_poll(target); n++) {
		struct cost_slice *slice = &slices[n];
		slice->is_profiled = n % 4 == 1 || n % 4 == 2;
		collector_pause(collector, !slice->is_profiled);
		sleep_ns(SETTLE_NS);
		double before = cpu_seconds(clock);
		slice->from_ns = now_ns();
		sleep_ns(SLICE_NS);
		slice->to_ns = now_ns();
		slice->cpu_s = cpu_seconds(clock) - before;
	}
	return n;
}

static uint64_t count_samples(const struct recording *recording)
{
	uint64_t n = recording_moment(recording).n[TABLE_SAMPLES], sum = 0;
	for (uint64_t id = 1; id < n; id++)
		sum += recording_sample(recording, id)->count;
	return sum;
}

static bool run(struct profiling_cost *cost, struct recording *recording, struct target *target,
		struct why *why)
{
	struct cost_slice slices[COST_MOST_SLICES];
	int status;
	struct collector *collector = collector_start(recording, target, NULL, why);
	if (!collector)
		return false;
	bool is_good = target_release(target, &status, why);
	size_t n = is_good && wait_for_work(recording, target)
			   ? take_slices(collector, target, slices)
			   : 0;
	collector_stop(collector);
	cost->n_samples = count_samples(recording);
	return is_good && profiling_cost_evaluate(cost, recording, slices, n, why);
}

bool profiling_cost_measure(struct profiling_cost *cost, const struct settings *settings,
			    struct why *why)
{
	static char name[] = "gemm", size[] = "n=256", threads[] = "threads=1",
		    repeats[] = "repeats=1000000";
	char *words[] = { name, size, threads, repeats, NULL };
	const struct session_request request = {
		.name = "doctor", .settings = settings, .words = words, .workload = name
	};
	struct session_program program;
	struct sampling sampling;
	struct target target;
	*cost = (struct profiling_cost){ .workload = "gemm n=256 threads=1" };
	sampling_defaults(&sampling);
	sampling.can_pause = sampling.starts_paused = sampling.no_gpu = true;
	cost->frequency_hz = sampling.frequency_hz;
	if (!session_program_open(&program, &request, why))
		return false;
	const struct launch launch = { .argv = program.argv,
				       .workload = name,
				       .probe_fd = program.probe_fd,
				       .gpu_fd = -1,
				       .steer_fd = program.steered_fd,
				       .output = TARGET_OUTPUT_TO_STDERR };
	struct recording *recording = recording_new();
	bool is_good = target_launch(&target, &launch, &sampling, why);
	session_program_started(&program);
	if (is_good) {
		is_good = run(cost, recording, &target, why);
		target_close(&target);
	}
	recording_free(recording);
	session_program_close(&program);
	return is_good;
}
