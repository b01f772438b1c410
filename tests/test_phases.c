/* Phases of threads and processes, and trees split by them, against going through all spans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/phases.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "sampler/tree_sums.h"
#include "tests/fixture_export.h"
#include "tests/fixture_phases.h"
#include "tests/fixture_told.h"

static void expect_phase(const struct phases *phases, const struct recording *recording,
			 uint32_t thread, uint64_t at_ns, const char *name)
{
	assert_string_equal(recording_string_at(recording, phases_at(phases, thread, at_ns)), name);
}

static uint32_t add_thread(struct recording *recording, uint32_t pid, uint32_t tid)
{
	struct thread_row row = { .pid = pid,
				  .tid = tid,
				  .name = recording_add_string(recording, "t"),
				  .process_name = recording_add_string(recording, "t") };
	return recording_add_thread(recording, &row);
}

static struct phases *phases_of(const struct recording *recording)
{
	struct moment moment = recording_moment(recording);
	struct phases *phases = phases_open(recording);
	phases_update(phases, &moment);
	return phases;
}

/* Nested, overlapping, with a gap, of no length; of nobody, of a thread, of its process. */
static void phase_is_the_innermost(void **state)
{
	struct recording *recording = recording_new();
	struct series_row series = { .name = recording_add_string(recording, "phases"),
				     .flags = SERIES_SPANS };
	uint32_t id = recording_add_series(recording, &series);
	uint32_t alone = add_thread(recording, 1, 1), own = add_thread(recording, 2, 2),
		 beside = add_thread(recording, 2, 3);
	const struct {
		const char *name;
		uint32_t thread;
		uint64_t from, to;
	} spans[] = { { "outer", 0, 10, 100 },      { "inner", 0, 20, 30 },
		      { "late", 0, 90, 120 },       { "own", own, 25, 200 },
		      { "second", 0, 130, 140 },    { "none", 0, 50, 50 },
		      { "own inner", own, 25, 40 }, { "again", own, 30, 200 } };
	const struct {
		uint64_t at;
		uint32_t thread;
		const char *name;
	} questions[] = {
		{ 9, alone, "" },        { 10, alone, "outer" },   { 20, alone, "inner" },
		{ 29, alone, "inner" },  { 30, alone, "outer" },   { 50, alone, "outer" },
		{ 90, alone, "late" },   { 110, alone, "late" },   { 119, alone, "late" },
		{ 120, alone, "" },      { 135, 0, "second" },     { 140, 0, "" },
		{ 24, own, "inner" },    { 25, own, "own inner" }, { 30, own, "again" },
		{ 199, own, "again" },   { 200, own, "" },         { 26, beside, "own inner" },
		{ 24, beside, "inner" }, { 199, beside, "again" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
		struct span_row row = { .start_ns = spans[i].from,
					.duration_ns = spans[i].to - spans[i].from,
					.series = id,
					.name = recording_add_string(recording, spans[i].name),
					.thread = spans[i].thread };
		recording_add_span(recording, &row);
	}
	recording_publish(recording);
	struct phases *phases = phases_of(recording);
	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
		expect_phase(phases, recording, questions[i].thread, questions[i].at,
			     questions[i].name);
	assert_int_equal(phases_n(phases), sizeof spans / sizeof spans[0]);
	phases_close(phases);
	recording_free(recording);
}

/* Also where borders are: a nanosecond before, at, and behind each. */
static void any_order_gives_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct told told;
		told_start(&told, seed, seed % 2);
		struct phases *follower = phases_open(told.recording);
		for (int i = 0; i < 150; i++) {
			told_step(&told);
			struct moment now = recording_moment(told.recording);
			phases_update(follower, &now);
		}
		told_tell(&told);
		struct moment moment = recording_moment(told.recording);
		phases_update(follower, &moment);
		struct phases *at_once = phases_of(told.recording);
		for (uint32_t i = 0; i < told.n_spans; i += 3)
			for (uint32_t row = 1; row <= TOLD_ROWS; row++)
				for (int side = -1; side <= 1; side++) {
					uint64_t at = (i % 2 ? told.spans[i].to_ns
							     : told.spans[i].from_ns) +
						      (uint64_t)side;
					uint32_t wanted = told_phase(&told, row, at);
					uint32_t thread = told.threads[row];
					assert_int_equal(phases_at(follower, thread, at), wanted);
					assert_int_equal(phases_at(at_once, thread, at), wanted);
				}
		phases_close(follower);
		phases_close(at_once);
		told_end(&told);
	}
}

/* What a node of the first level weighs, by name; 0 = "[no phase]". */
static uint64_t weight_of(const struct tree *tree, uint32_t name, uint64_t *n_roots)
{
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(tree, &n);
	uint64_t weight = 0;
	*n_roots = 0;
	for (uint32_t i = nodes[0].first_child; i; i = nodes[i].next_sibling) {
		assert_true(nodes[i].flags & TREE_THREAD);
		if (nodes[i].name == name)
			weight += nodes[i].total;
		*n_roots += nodes[i].total > 0;
	}
	return weight;
}

/* Each phase has the samples that lie in it, and no other. */
static void expect_weights(const struct told *told, const struct tree *tree)
{
	struct moment moment = recording_moment(told->recording);
	uint64_t wanted[TOLD_NAMES + 1] = { 0 }, n_wanted = 0, n_roots;
	for (uint64_t id = 1; id < moment.n[TABLE_SAMPLES]; id++) {
		const struct sample_row *sample = recording_sample(told->recording, id);
		int name = 0;
		if (sample->series != told->series)
			continue;
		uint32_t phase = told_phase(told, sample->thread, sample->time_ns);
		while (name < TOLD_NAMES && told->names[name] != phase)
			name++;
		wanted[name] += sample->weight;
	}
	for (int i = 0; i <= TOLD_NAMES; i++) {
		uint32_t name = i < TOLD_NAMES ? told->names[i] : 0;
		assert_int_equal(weight_of(tree, name, &n_roots), wanted[i]);
		n_wanted += wanted[i] > 0;
	}
	assert_int_equal(n_roots, n_wanted);
	assert_true(n_wanted > 3);
}

/* Paths of names with what they weigh, in no order. */
static uint64_t fingerprint(const struct tree *tree, const struct tree_sums *sums)
{
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(tree, &n);
	uint64_t *keys = allocate(n, sizeof *keys), whole = 0;
	for (uint32_t i = 1; i < n; i++) {
		const uint64_t *sum = tree_sums_of(sums, i);
		keys[i] = (keys[nodes[i].parent] + nodes[i].name + 1) * 0x9e3779b97f4a7c15;
		uint64_t weights =
			nodes[i].self * 3 + nodes[i].total * 5 + nodes[i].n_self * 7 + sum[0] * 11;
		whole += (keys[i] ^ keys[i] >> 29) * weights;
	}
	free(keys);
	return whole;
}

static void follow(uint64_t seed, struct tree_options options)
{
	struct told told;
	struct tree_sum sum = { 0 };
	told_start(&told, seed, seed % 3 == 0);
	options.root = TREE_ROOT_PHASE;
	options.series = told.series;
	sum.series = told.other_series;
	struct tree *follower = tree_open(told.recording, &options);
	struct tree_sums *sums = tree_sums_open(told.recording, follower, &sum, 1);
	for (int i = 0; i < 200; i++) {
		told_step(&told);
		if (i % (1 + i / 50) == 0) {
			tree_update(follower);
			tree_sums_update(sums);
		}
		if (i == 120)
			tree_forget(follower, 0); /* and all again */
	}
	told_tell(&told);
	tree_update(follower);
	tree_sums_update(sums);
	struct tree *at_once = tree_open(told.recording, &options);
	struct tree_sums *sums_at_once = tree_sums_open(told.recording, at_once, &sum, 1);
	tree_update(at_once);
	tree_sums_update(sums_at_once);
	assert_true(tree_has_phases(follower));
	expect_weights(&told, follower);
	assert_int_equal(tree_n_samples(follower), tree_n_samples(at_once));
	assert_true(fingerprint(follower, sums) == fingerprint(at_once, sums_at_once));
	assert_false(tree_update(follower));
	tree_sums_close(sums);
	tree_sums_close(sums_at_once);
	tree_close(follower);
	tree_close(at_once);
	told_end(&told);
}

static void live_trees_are_exact(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++)
		follow(seed, (struct tree_options){ 0 });
	follow(7, (struct tree_options){ .is_inverted = true });
	follow(8, (struct tree_options){ .fold_recursion = true });
}

static void add_told(struct recording *recording, uint32_t thread, uint64_t from_ns,
		     uint64_t duration_ns)
{
	struct series_row series = { .name = recording_add_string(recording, "phases"),
				     .flags = SERIES_SPANS };
	struct span_row row = {
		.start_ns = from_ns,
		.duration_ns = duration_ns,
		.series = recording_add_series(recording, &series),
		.name = recording_add_string(recording, "told"),
		.thread = thread,
		.launch_duration_ns = duration_ns ? 0 : (uint64_t)SPAN_OPEN_LAUNCH,
	};
	recording_add_span(recording, &row);
	recording_publish(recording);
}

static void add_samples(struct recording *recording, uint32_t thread, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end; i++) {
		struct sample_row sample = { .time_ns = recording->start_ns + i * 20000000,
					     .weight = 1,
					     .thread = thread,
					     .count = 1,
					     .series = 1 };
		recording_add_sample(recording, &sample);
		recording_flush_samples(recording, UINT64_MAX);
	}
	recording_publish(recording);
}

static void expect_told(struct tree *tree, uint32_t name, uint64_t in, uint64_t out)
{
	uint64_t n_roots;
	tree_update(tree);
	assert_int_equal(weight_of(tree, name, &n_roots), in);
	assert_int_equal(weight_of(tree, 0, &n_roots), out);
}

/* What is open goes on; its end takes back what came behind it; a thread that tells one of its own
 * was never in its process's. */
static void samples_move_as_phases_come(void **state)
{
	struct recording *recording = recording_new();
	uint32_t one = add_thread(recording, 9, 9), two = add_thread(recording, 9, 10);
	uint32_t name = recording_add_string(recording, "told");
	uint64_t start = recording->start_ns = 1000000000000, slot = 20000000;
	struct tree *tree = tree_open(
		recording, &(struct tree_options){ .root = TREE_ROOT_PHASE, .series = 1 });
	(void)state;
	add_samples(recording, one, 0, 10);
	expect_told(tree, name, 0, 10);
	add_told(recording, one, start + 2 * slot, 0);
	expect_told(tree, name, 8, 2);
	add_samples(recording, one, 10, 20);
	add_samples(recording, two, 10, 20);
	expect_told(tree, name, 28, 2);
	add_told(recording, one, start + 2 * slot, 13 * slot); /* ends at 15 */
	expect_told(tree, name, 18, 12);
	add_told(recording, two, start + 18 * slot, slot);
	expect_told(tree, name, 14, 16);
	tree_close(tree);
	recording_free(recording);
}

/* Functions do not depend on how their callers are split. */
static void functions_stay_the_same(void **state)
{
	struct recording *recording = fixture_phases();
	struct tree_function by_name[16], by_phase[16];
	struct tree *one = tree_open(recording, &(struct tree_options){ .root = TREE_ROOT_NAME });
	struct tree *other =
		tree_open(recording, &(struct tree_options){ .root = TREE_ROOT_PHASE });
	uint64_t n_roots;
	(void)state;
	tree_update(one);
	tree_update(other);
	size_t n = tree_functions(one, by_name, 16);
	assert_int_equal(n, 4);
	assert_int_equal(tree_functions(other, by_phase, 16), n);
	assert_memory_equal(by_name, by_phase, n * sizeof by_name[0]);
	/* "turn" is round the three and has nothing of its own; nothing lies outside. */
	assert_int_equal(weight_of(other, 0, &n_roots), 0);
	assert_int_equal(n_roots, 3);
	tree_close(one);
	tree_close(other);
	recording_free(recording);
}

static void folded_text_begins_with_phases(void **state)
{
	struct recording *recording = fixture_phases();
	const struct export_options options = { .per_phase = true };
	size_t n;
	char *text = export_with(recording, "folded", &options, &n);
	(void)state;
	/* Ten turns of six threads: 100, 20 and 80 samples of 1 ms. */
	assert_string_equal(text, "gemm f32;main;multiply 6000\nset up;main;set_up 1200\n"
				  "triad;main;triad 4800\n");
	free(text);
	recording_free(recording);
	recording = recording_new();
	struct tree *tree = tree_open(recording, &(struct tree_options){ .root = TREE_ROOT_PHASE });
	assert_false(tree_update(tree));
	assert_false(tree_has_phases(tree));
	tree_close(tree);
	recording_free(recording);
}

/* What a slot of time merges: equal stacks, but not across a border that was told before. */
static void borders_part_samples(void **state)
{
	struct recording *recording = recording_new();
	uint64_t start = (recording->start_ns / 20000000 + 1) * 20000000;
	/* Out of order, twice, outside; more than are kept. */
	static const uint64_t borders_us[] = { 9000, 3000, 9000, 15000, 40000 };
	static const uint64_t counts[] = { 3, 6, 6, 5 };
	(void)state;
	for (int i = 0; i < 70; i++) /* old ones give way */
		recording_part_samples(recording, start - 1000000 + (uint64_t)i);
	for (size_t i = 0; i < sizeof borders_us / sizeof borders_us[0]; i++)
		recording_part_samples(recording, start + borders_us[i] * 1000);
	recording_part_samples(recording, 1); /* long ago */
	for (uint64_t ms = 0; ms < 20; ms++) {
		struct sample_row sample = {
			.time_ns = start + ms * 1000000, .weight = 1, .count = 1, .series = 1
		};
		recording_add_sample(recording, &sample);
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	assert_int_equal(recording_moment(recording).n[TABLE_SAMPLES], 1 + 4);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(recording_sample(recording, i + 1)->count, counts[i]);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(phase_is_the_innermost),
		cmocka_unit_test(any_order_gives_the_same),
		cmocka_unit_test(live_trees_are_exact),
		cmocka_unit_test(samples_move_as_phases_come),
		cmocka_unit_test(functions_stay_the_same),
		cmocka_unit_test(borders_part_samples),
		cmocka_unit_test(folded_text_begins_with_phases),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
