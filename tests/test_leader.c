/* Events read at the samples of another: the list that asks for them, growth between made samples,
 * the rungs of the kernel, and page faults of a real program where they happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "counters/events.h"
#include "sampler/collector.h"
#include "sampler/ladder.h"
#include "sampler/perf_event.h"
#include "sampler/rates.h"
#include "sampler/recording.h"
#include "sampler/sample_reads.h"
#include "sampler/target.h"
#include "sampler/tree.h"
#include "tests/fixture_perf.h"

/* ---- {a,b}:S */

static void groups_are_parsed(void **state)
{
	struct sampled_event events[MAX_SAMPLED_EVENTS];
	uint32_t n;
	struct why why;
	(void)state;
	assert_true(events_parse("{cpu-clock,page-faults,minor-faults}:S", events,
				 MAX_SAMPLED_EVENTS, &n, &why));
	assert_int_equal(n, 3);
	assert_false(events[0].is_read);
	assert_true(events[1].is_read && events[2].is_read);
	assert_true(events_parse("page-faults,{cpu-clock,minor-faults}:Su,task-clock", events,
				 MAX_SAMPLED_EVENTS, &n, &why));
	assert_int_equal(n, 4);
	assert_false(events[0].is_read || events[1].is_read || events[3].is_read);
	assert_true(events[2].is_read);
	assert_string_equal(events[2].name, "minor-faults:u");
	assert_true(events[1].attribute.exclude_kernel && events[2].attribute.exclude_kernel);
	assert_false(events[0].attribute.exclude_kernel || events[3].attribute.exclude_kernel);
	assert_true(events_parse("{cycles}:S", events, MAX_SAMPLED_EVENTS, &n, &why));
	assert_int_equal(n, 1);
}

static void wrong_groups_are_explained(void **state)
{
	static const char *const wrong[] = {
		"{cycles,instructions}",
		"{cycles,instructions",
		"{cycles,instructions:S",
		"cycles,instructions}",
		"{cycles,{instructions}:S}",
		"{cycles}:Sx",
		"{cycles}:Scycles",
		"{}:S",
		"{",
		"}",
		"{cycles,}:S",
		"{,cycles}:S",
		"{cycles}S",
		"{cycles}:S,",
		"{cycles}:",
		"{cycles}:u",
		"cycles,{",
		"{cycles}:Suuuuuuuuuuuuuuuuuuu",
	};
	struct sampled_event events[MAX_SAMPLED_EVENTS];
	uint32_t n;
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct why why = { "" };
		bool is_good = events_parse(wrong[i], events, MAX_SAMPLED_EVENTS, &n, &why);
		/* Letters that say the same twice do no harm. */
		if (strstr(wrong[i], "uuuu"))
			continue;
		if (is_good)
			fail_msg("%s was taken", wrong[i]);
		assert_true(strlen(why.text) > 20);
	}
	struct why why = { "" };
	assert_false(events_parse("{cycles,instructions}", events, MAX_SAMPLED_EVENTS, &n, &why));
	assert_non_null(strstr(why.text, "{a,b}:S"));
	assert_false(events_parse("{page-faults,page-faults,page-faults,page-faults,page-faults,"
				  "page-faults,page-faults,page-faults,page-faults}:S",
				  events, MAX_SAMPLED_EVENTS, &n, &why));
	assert_non_null(strstr(why.text, "At most"));
}

/* ---- growth between samples */

enum {
	FORMAT = PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_ENABLED |
		 PERF_FORMAT_TOTAL_TIME_RUNNING
};

static const struct perf_layout layout = {
	.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_READ,
	.read_format = FORMAT,
};

struct made {
	struct perf_event_header header;
	uint64_t words[16];
};

/* IDENTIFIER, TID, READ of two events. */
static struct made made_sample(uint32_t tid, uint64_t enabled, uint64_t running, uint64_t first,
			       uint64_t second)
{
	struct made made = { .header = { .type = PERF_RECORD_SAMPLE } };
	const uint64_t words[] = {
		7, (uint64_t)tid << 32 | 1, 2, enabled, running, first, 7, second, 8
	};
	memcpy(made.words, words, sizeof words);
	made.header.size = sizeof made.header + sizeof words;
	return made;
}

static void check_growth(struct sample_reads *reads, bool is_inherited, const struct made *made,
			 uint64_t first, uint64_t second)
{
	struct perf_sample sample;
	uint64_t id;
	assert_true(perf_record_sample(&made->header, &layout, &sample));
	assert_int_equal(sample.n_counts, 2);
	sample_reads_begin(reads, &sample, &layout, 1, is_inherited);
	assert_int_equal(sample_reads_grown(reads, &sample, &layout, 0, &id), first);
	assert_int_equal(id, 7);
	assert_int_equal(sample_reads_grown(reads, &sample, &layout, 1, &id), second);
	assert_int_equal(id, 8);
}

static void counts_grow_by_thread(void **state)
{
	struct sample_reads reads = { 0 };
	(void)state;
	assert_true(isnan(sample_reads_ran(&reads)));
	struct made one = made_sample(11, 100, 100, 1000, 10);
	struct made two = made_sample(12, 100, 100, 5000, 50);
	struct made three = made_sample(11, 200, 200, 1500, 10);
	struct made four = made_sample(12, 300, 300, 5001, 75);
	check_growth(&reads, true, &one, 1000, 10);
	check_growth(&reads, true, &two, 5000, 50);
	check_growth(&reads, true, &three, 500, 0);
	check_growth(&reads, true, &four, 1, 25);
	/* A new thread under an old number counts from zero again. */
	struct made five = made_sample(12, 10, 10, 3, 3), six = made_sample(12, 20, 20, 5, 4);
	check_growth(&reads, true, &five, 0, 0);
	check_growth(&reads, true, &six, 2, 1);
	sample_reads_free(&reads);
	/* Of a whole CPU: whoever runs, it is one count. */
	check_growth(&reads, false, &one, 1000, 10);
	check_growth(&reads, false, &two, 4000, 40);
	check_growth(&reads, false, &four, 1, 25);
	sample_reads_free(&reads);
}

/* Two CPUs, 1 ms on one, 1 ms on the other, each with events of its own, which run half of that
 * with part 2. */
static void check_turns(bool is_of_cpus, uint64_t part)
{
	const uint64_t ms = 1000000, n = is_of_cpus ? 400 : 200;
	struct sample_reads reads = { .is_of_cpus = is_of_cpus };
	struct perf_sample sample;
	for (uint64_t i = 1; i <= n; i++) {
		uint64_t on_ms = (i + 1) / 2; /* of this CPU */
		uint32_t tid = is_of_cpus ? 11 + (uint32_t)i % 7 : 11;
		struct made made =
			made_sample(tid, (is_of_cpus ? on_ms : i) * ms, on_ms * ms / part, i, i);
		made.words[6] = 7 + i % 2 * 10;
		made.words[8] = 8 + i % 2 * 10;
		assert_true(perf_record_sample(&made.header, &layout, &sample));
		sample_reads_begin(&reads, &sample, &layout, 1, !is_of_cpus);
	}
	assert_float_equal(sample_reads_ran(&reads), 1.0 / (double)part, 0.01);
	assert_int_equal(sample_reads_shared(&reads), part == 2);
	sample_reads_free(&reads);
}

/* One thread's events are enabled wherever it runs, and run where it is. */
static void turns_are_noticed(void **state)
{
	(void)state;
	check_turns(false, 1);
	check_turns(false, 2);
}

/* Of the whole machine each CPU's events are enabled and run by themselves, whatever thread. */
static void turns_are_noticed_on_every_cpu(void **state)
{
	(void)state;
	check_turns(true, 1);
	check_turns(true, 2);
}

/* ---- rungs */

static struct {
	uint64_t missing; /* config of hardware events that are not there */
	bool is_old;      /* a kernel that reads no inherited groups */
	int n_inherited, n_read;
} plan;

static int open_by_plan(const struct perf_event_attr *attribute, pid_t pid, int cpu, int leader_fd)
{
	if (attribute->type == PERF_TYPE_HARDWARE && attribute->config == plan.missing)
		return -ENOENT;
	if (plan.is_old && attribute->inherit && attribute->read_format & PERF_FORMAT_GROUP)
		return -EINVAL;
	plan.n_inherited += attribute->inherit;
	plan.n_read += leader_fd >= 0;
	assert_true(leader_fd < 0 || (attribute->sample_period == 0 && !attribute->disabled));
	return fixture_perf_open(attribute,
				 attribute->sample_period ? PERF_COUNT_SW_CPU_CLOCK
							  : PERF_COUNT_SW_PAGE_FAULTS,
				 pid, cpu, leader_fd);
}

static bool can_read_groups(void)
{
	struct perf_event_attr attribute = { .type = PERF_TYPE_SOFTWARE,
					     .size = sizeof attribute,
					     .config = PERF_COUNT_SW_CPU_CLOCK,
					     .sample_period = 1000000,
					     .sample_type = PERF_SAMPLE_READ | PERF_SAMPLE_TID,
					     .read_format = FORMAT,
					     .inherit = 1,
					     .disabled = 1,
					     .exclude_kernel = 1,
					     .exclude_hv = 1 };
	int fd = perf_event_open_fd(&attribute, 0, 0);
	if (fd >= 0)
		close(fd);
	else
		printf("SKIP: this kernel reads no inherited groups (%s)\n", strerror(-fd));
	return fd >= 0;
}

static void open_ladder(struct rung *rung, struct recording *recording, struct cpu_rings *rings)
{
	struct sampling sampling;
	struct why why = { "" };
	sampling_defaults(&sampling);
	assert_true(events_parse("{cycles,instructions,cache-misses}:S", sampling.events,
				 MAX_SAMPLED_EVENTS, &sampling.n_events, &why));
	struct target target = { .sampling = &sampling, .pid = getpid() };
	if (!ladder_open(&target, recording, rings, rung, &why))
		fail_msg("%s", why.text);
}

static void missing_events_leave_the_others(void **state)
{
	(void)state;
	if (!can_read_groups())
		skip();
	perf_event_inject(open_by_plan);
	for (uint64_t missing = 0; missing < 3; missing++) {
		static const uint64_t configs[] = { PERF_COUNT_HW_CPU_CYCLES,
						    PERF_COUNT_HW_INSTRUCTIONS,
						    PERF_COUNT_HW_CACHE_MISSES };
		memset(&plan, 0, sizeof plan);
		plan.missing = configs[missing];
		struct recording *recording = recording_new();
		struct cpu_rings rings;
		struct rung rung;
		open_ladder(&rung, recording, &rings);
		assert_true(rung.has_reads);
		assert_true(plan.n_read > 0);
		assert_false(rung.is_first_thread_only);
		if (missing == 0) { /* the one that samples: the clock takes its place */
			assert_int_equal(rung.n_events, 3);
			assert_string_equal(rung.events[0].name, "cpu-clock");
		} else {
			assert_int_equal(rung.n_events, 2);
			assert_int_equal(rung.n_missing, 1);
			assert_string_equal(rung.missing[0].name,
					    missing == 1 ? "instructions" : "cache-misses");
			assert_non_null(strstr(rung.reasons[0].text, "Cannot open"));
		}
		recording_publish(recording);
		assert_int_equal(recording_moment(recording).n[TABLE_NOTES], 2);
		cpu_rings_close(&rings);
		recording_free(recording);
	}
	perf_event_inject(NULL);
}

static void old_kernels_sample_one_thread_and_say_so(void **state)
{
	(void)state;
	if (!can_read_groups())
		skip();
	perf_event_inject(open_by_plan);
	memset(&plan, 0, sizeof plan);
	plan.missing = UINT64_MAX;
	plan.is_old = true;
	struct recording *recording = recording_new();
	struct cpu_rings rings;
	struct rung rung;
	open_ladder(&rung, recording, &rings);
	assert_true(rung.is_first_thread_only && rung.n_events == 3);
	assert_int_equal(plan.n_inherited, 0);
	recording_publish(recording);
	const struct note_row *note = recording_note_row(recording, 1);
	assert_non_null(strstr(recording_string_at(recording, note->text), "first thread"));
	cpu_rings_close(&rings);
	recording_free(recording);
	perf_event_inject(NULL);
}

/* ---- a real program: ours */

enum { N_PAGES = 3000, N_TURNS = 40 };

__attribute__((noinline)) static void burn_time(void)
{
	volatile double sum = 0;
	for (int i = 0; i < 6000000; i++)
		sum = sum + i;
}

static int be_the_program(void)
{
	for (int i = 0; i < N_TURNS; i++) {
		fixture_touch_pages(N_PAGES);
		burn_time();
	}
	return 0;
}

/* *n_faults: as the kernel's accounting has them. */
static struct recording *record_ourselves(double *n_faults)
{
	struct rusage before, after;
	static char self[] = "/proc/self/exe", word[] = "--program";
	static char *argv[] = { self, word, NULL };
	struct sampling sampling;
	struct target target;
	struct launch launch = { .argv = argv, .probe_fd = -1, .output = TARGET_OUTPUT_INHERIT };
	struct recording *recording = recording_new();
	struct why why;
	int status;
	getrusage(RUSAGE_CHILDREN, &before);
	sampling_defaults(&sampling);
	sampling.call_graph = CALL_GRAPH_FP;
	sampling.no_gpu = true;
	assert_true(events_parse("{cpu-clock,page-faults}:S", sampling.events, MAX_SAMPLED_EVENTS,
				 &sampling.n_events, &why));
	assert_true(target_launch(&target, &launch, &sampling, &why));
	struct collector *collector = collector_start(recording, &target, NULL, &why);
	if (!collector)
		fail_msg("%s", why.text);
	assert_true(target_release(&target, &status, &why));
	while (!collector_is_done(collector) && !target_poll(&target))
		usleep(5000);
	collector_stop(collector);
	target_close(&target);
	getrusage(RUSAGE_CHILDREN, &after);
	*n_faults = (double)(after.ru_minflt - before.ru_minflt);
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}

static void faults_are_where_they_happen(void **state)
{
	(void)state;
	if (!can_read_groups())
		skip();
	double wanted;
	struct recording *recording = record_ourselves(&wanted);
	struct tree_options options = { .root = TREE_ROOT_NONE };
	struct tree *tree = tree_open(recording, &options);
	struct rates rates;
	uint32_t n_nodes;
	tree_update(tree);
	assert_string_equal(
		recording_string_at(recording,
				    recording_series(recording, tree_series(tree))->name),
		"cpu-clock");
	rates_find(&rates, recording, tree_series(tree));
	assert_int_equal(rates.n_sums, 2);
	assert_string_equal(rates.rows[0].name, "page-faults");
	assert_int_equal(rates.rows[0].origin, ORIGIN_SOFTWARE);
	struct tree_sums *sums = tree_sums_open(recording, tree, rates.sums, rates.n_sums);
	tree_sums_update(sums);
	const struct tree_node *nodes = tree_nodes(tree, &n_nodes);
	double faults = 0, touching = 0, burning = 0;
	for (uint32_t i = 0; i < n_nodes; i++) {
		const char *name = recording_string_at(recording, nodes[i].name);
		double of = (double)tree_sums_of(sums, i)[rates.rows[0].numerator];
		faults = i == 0 ? of : faults;
		touching += strcmp(name, "fixture_touch_pages") == 0 ? of : 0;
		burning += strcmp(name, "burn_time") == 0 ? of : 0;
	}
	/* All but those between the last sample and the end; a sample in burn_time brings those of
	 * fixture_touch_pages that came since the sample before. */
	assert_true(faults > 0.95 * wanted - 1000 && faults < 1.01 * wanted);
#ifndef __SANITIZE_THREAD__ /* whose own memory faults elsewhere, and as often */
	assert_true(touching > 0.5 * faults);
#endif
	assert_true(touching > 4 * burning);
	tree_sums_close(sums);
	tree_close(tree);
	recording_free(recording);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_parsed),
		cmocka_unit_test(wrong_groups_are_explained),
		cmocka_unit_test(counts_grow_by_thread),
		cmocka_unit_test(turns_are_noticed),
		cmocka_unit_test(turns_are_noticed_on_every_cpu),
		cmocka_unit_test(missing_events_leave_the_others),
		cmocka_unit_test(old_kernels_sample_one_thread_and_say_so),
		cmocka_unit_test(faults_are_where_they_happen),
	};
	if (argc == 2 && strcmp(argv[1], "--program") == 0)
		return be_the_program();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
