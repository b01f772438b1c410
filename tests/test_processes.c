/* Processes: sums by hand, exec, ends, parents, samples of nobody; one process alone everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/exporter.h"
#include "sampler/merge.h"
#include "sampler/perf_replay.h"
#include "sampler/processes.h"
#include "sampler/recording.h"
#include "sampler/recording_check.h"
#include "sampler/recording_window.h"
#include "sampler/tree.h"
#include "tests/fixture.h"
#include "tests/fixture_growing.h"
#include "tests/fixture_processes.h"
#include "tests/fixture_shown.h"

static const uint64_t START_NS = 1000000000000;
static const uint64_t MS = 1000000;

/* ---- sums */

static const struct process_row *row_of(const struct processes *processes, uint32_t pid)
{
	for (size_t i = 0; i < processes->n_rows; i++)
		if (processes->rows[i].pid == pid)
			return &processes->rows[i];
	fail_msg("there is no process %u", pid);
	return NULL;
}

static const struct process_row *row_named(const struct processes *processes,
					   const struct recording *recording, const char *name)
{
	for (size_t i = 0; i < processes->n_rows; i++)
		if (strcmp(recording_string_at(recording, processes->rows[i].name), name) == 0)
			return &processes->rows[i];
	fail_msg("there is no process %s", name);
	return NULL;
}

static const struct process_thread *
thread_named(const struct processes *processes, const struct recording *recording, const char *name)
{
	for (size_t i = 0; i < processes->n_threads; i++)
		if (strcmp(recording_string_at(recording, processes->threads[i].name), name) == 0)
			return &processes->threads[i];
	fail_msg("there is no thread %s", name);
	return NULL;
}

static void expect_sum(const struct process_sum *sum, const struct recording *recording,
		       unsigned ms, unsigned kernel_ms, const char *hottest)
{
	assert_int_equal(sum->weight, ms * MS);
	assert_int_equal(sum->kernel, kernel_ms * MS);
	assert_int_equal(sum->n_samples, ms / 5);
	assert_string_equal(
		recording_string_at(recording, recording_function(recording, sum->hottest)->name),
		hottest);
}

static void sums_are_those_worked_out_by_hand(void **state)
{
	struct recording *recording = fixture_processes();
	struct processes all = { 0 };
	(void)state;
	assert_true(processes_update(&all, recording, &(struct processes_part){ 0 }));
	assert_false(processes_update(&all, recording, &(struct processes_part){ 0 }));
	assert_int_equal(all.n_rows, 7);
	assert_int_equal(all.all.weight, 2340 * MS);
	expect_sum(&row_of(&all, 100)->sum, recording, 30, 20, "page_fault");
	expect_sum(&row_of(&all, 110)->sum, recording, 0, 0, "");
	expect_sum(&row_of(&all, 111)->sum, recording, 945, 200, "parse");
	expect_sum(&row_of(&all, 112)->sum, recording, 900, 0, "parse");
	expect_sum(&row_of(&all, 120)->sum, recording, 400, 0, "link");
	expect_sum(&row_named(&all, recording, "swapper")->sum, recording, 50, 50, "cpu_idle");
	assert_int_equal(row_of(&all, 112)->n_threads, 2);
	assert_int_equal(row_of(&all, 111)->n_threads, 1);
	processes_free(&all);
	recording_free(recording);
}

static void samples_without_a_thread_are_of_nobody(void **state)
{
	struct recording *recording = fixture_processes();
	struct processes all = { 0 };
	struct thread_choice choice;
	(void)state;
	processes_update(&all, recording, &(struct processes_part){ 0 });
	const struct process_row *nobody = row_named(&all, recording, "");
	expect_sum(&nobody->sum, recording, 15, 0, "main");
	assert_int_equal(nobody->state, PROCESS_UNKNOWN);
	assert_false(processes_choice(&all, (size_t)(nobody - all.rows), &choice));
	/* The idle task has no number either, but a name. */
	size_t idle = (size_t)(row_named(&all, recording, "swapper") - all.rows);
	assert_true(processes_choice(&all, idle, &choice));
	assert_int_equal(choice.pid, 0);
	assert_string_equal(recording_string_at(recording, choice.name), "swapper");
	processes_free(&all);
	recording_free(recording);
}

/* One number, three programs: one process, and a row of a thread for each. */
static void an_exec_is_the_same_process(void **state)
{
	struct recording *recording = fixture_processes();
	struct processes all = { 0 };
	(void)state;
	processes_update(&all, recording, &(struct processes_part){ 0 });
	const struct process_row *row = row_of(&all, 111);
	assert_string_equal(recording_string_at(recording, row->name), "as");
	assert_string_equal(recording_string_at(recording, row->name_before), "cc1");
	expect_sum(&thread_named(&all, recording, "cc1")->sum, recording, 900, 200, "parse");
	expect_sum(&thread_named(&all, recording, "as")->sum, recording, 40, 0, "assemble");
	expect_sum(&thread_named(&all, recording, "w\xc3\xb6rker")->sum, recording, 300, 0,
		   "optimize");
	uint32_t forked = row->first_thread;
	expect_sum(&all.threads[forked - 1].sum, recording, 5, 0, "main");
	assert_string_equal(recording_string_at(recording, all.threads[forked - 1].name), "sh");
	processes_free(&all);
	recording_free(recording);
}

static void ends_and_parents_are_told(void **state)
{
	struct recording *recording = fixture_processes();
	struct processes all = { 0 };
	(void)state;
	processes_update(&all, recording, &(struct processes_part){ 0 });
	assert_true(all.knows_ends && all.knows_parents);
	assert_int_equal(row_of(&all, 112)->state, PROCESS_ENDED);
	assert_int_equal(row_of(&all, 112)->ended_ns, START_NS + 900 * MS);
	assert_int_equal(row_of(&all, 110)->state, PROCESS_ENDED);
	assert_int_equal(row_of(&all, 120)->state, PROCESS_RUNNING);
	assert_int_equal(row_of(&all, 111)->state, PROCESS_RUNNING); /* its number goes on */
	assert_int_equal(row_of(&all, 100)->parent, 0);
	const struct process_row *parent = &all.rows[row_of(&all, 111)->parent - 1];
	assert_int_equal(parent->pid, 110);
	assert_int_equal(all.rows[parent->parent - 1].pid, 100);
	processes_free(&all);
	recording_free(recording);
}

static void windows_and_events_are_summed_anew(void **state)
{
	struct recording *recording = fixture_processes();
	struct processes all = { 0 };
	struct processes_part part = { .from_ns = START_NS + 205 * MS,
				       .to_ns = START_NS + 405 * MS };
	(void)state;
	processes_update(&all, recording, &(struct processes_part){ 0 });
	/* Slots of 20 ms begin at a multiple of 5 here: rows of [200, 220) begin at 200. */
	assert_true(processes_update(&all, recording, &part));
	assert_true(row_of(&all, 111)->sum.weight >= 180 * MS);
	assert_true(row_of(&all, 111)->sum.weight <= 220 * MS);
	assert_int_equal(row_of(&all, 120)->sum.weight, 0);
	assert_int_equal(row_of(&all, 120)->sum.hottest, 0);
	part = (struct processes_part){ .series = 2 };
	assert_true(processes_update(&all, recording, &part));
	assert_int_equal(row_of(&all, 111)->sum.weight, 3);
	assert_int_equal(row_of(&all, 120)->sum.weight, 1);
	assert_int_equal(all.all.weight, 4);
	assert_true(processes_update(&all, recording, &(struct processes_part){ 0 }));
	assert_int_equal(all.all.weight, 2340 * MS);
	processes_recent(&all, recording, START_NS + 3600 * MS, START_NS + 4600 * MS);
	assert_int_equal(row_named(&all, recording, "swapper")->sum.recent, 50 * MS);
	assert_int_equal(row_of(&all, 111)->sum.recent, 0);
	assert_int_equal(all.all.recent, 65 * MS);
	processes_free(&all);
	recording_free(recording);
}

static void following_equals_summing_at_once(void **state)
{
	struct growing growing;
	struct processes follower = { 0 }, once = { 0 };
	const struct processes_part everything = { 0 };
	(void)state;
	growing_start(&growing, 7, 3);
	for (unsigned i = 0; i < 100; i++) {
		growing_add(&growing, 1 + i % 9);
		processes_update(&follower, growing.recording, &everything);
	}
	processes_update(&once, growing.recording, &everything);
	assert_int_equal(follower.n_threads, once.n_threads);
	assert_int_equal(follower.all.weight, once.all.weight);
	assert_true(once.all.weight > 0);
	for (size_t i = 0; i < once.n_threads; i++)
		assert_memory_equal(&follower.threads[i].sum, &once.threads[i].sum,
				    sizeof once.threads[i].sum);
	assert_memory_equal(&follower.rows[0].sum, &once.rows[0].sum, sizeof once.rows[0].sum);
	processes_free(&follower);
	processes_free(&once);
	recording_free(growing.recording);
}

/* ---- from perf's records */

struct record {
	struct perf_event_header header;
	uint32_t words[16];
};

static void play(struct perf_replay *replay, struct record *record, uint32_t type, size_t n_words)
{
	const struct perf_layout layout = { .has_no_trailer = true };
	record->header.type = type;
	record->header.size = (uint16_t)(sizeof record->header + n_words * sizeof(uint32_t));
	assert_true(perf_replay_task(replay, &record->header, &layout));
}

static void task(struct perf_replay *replay, uint32_t type, uint32_t pid, uint32_t parent)
{
	struct record record = { .words = { pid, parent, pid, parent, 77 } };
	play(replay, &record, type, 6);
}

static void comm(struct perf_replay *replay, uint32_t pid, const char *name)
{
	struct record record = { .words = { pid, pid } };
	memcpy(&record.words[2], name, strlen(name) + 1);
	play(replay, &record, PERF_RECORD_COMM, 6);
}

static void forks_and_ends_become_rows(void **state)
{
	struct recording *recording = recording_new();
	struct perf_replay replay;
	struct processes all = { 0 };
	(void)state;
	perf_replay_open(&replay, recording, 0);
	comm(&replay, 10, "make");
	task(&replay, PERF_RECORD_FORK, 20, 10);
	task(&replay, PERF_RECORD_FORK, 30, 20);
	comm(&replay, 30, "cc1");
	uint32_t row = perf_replay_thread(&replay, 30, 30, 50);
	assert_int_equal(perf_replay_thread(&replay, 30, 30, 60), row);
	task(&replay, PERF_RECORD_EXIT, 30, 20);
	assert_int_equal(recording_thread(recording, row)->parent_pid, 20);
	task(&replay, PERF_RECORD_FORK, 40, 10); /* never sampled, and ends: no row */
	task(&replay, PERF_RECORD_EXIT, 40, 10);
	perf_replay_close(&replay);
	recording_publish(recording);
	processes_update(&all, recording, &(struct processes_part){ 0 });
	assert_int_equal(all.n_rows, 3);
	assert_int_equal(row_of(&all, 30)->state, PROCESS_ENDED);
	assert_int_equal(row_of(&all, 30)->ended_ns, 77);
	assert_int_equal(row_of(&all, 20)->state, PROCESS_RUNNING);
	assert_int_equal(row_of(&all, 20)->parent_pid, 10);
	assert_int_equal(row_of(&all, 10)->parent_pid, 0);
	processes_free(&all);
	recording_free(recording);
}

static void merging_keeps_parents_and_ends(void **state)
{
	struct recording *one = fixture_processes(), *other = fixture_processes();
	struct merge_input inputs[] = { { one, "a" }, { other, "b" } };
	struct processes all = { 0 };
	struct why why;
	(void)state;
	struct recording *merged = merge_recordings(inputs, 2, &why);
	assert_non_null(merged);
	assert_true(recording_check(merged, "merged", &why));
	processes_update(&all, merged, &(struct processes_part){ 0 });
	assert_int_equal(all.all.weight, 2 * 2340 * MS);
	/* The second one's numbers have moved, those of parents too. */
	const struct process_row *moved = row_of(&all, 4194304 + 112);
	assert_int_equal(moved->parent_pid, 4194304 + 110);
	assert_int_equal(moved->state, PROCESS_ENDED);
	assert_int_equal(row_of(&all, 112)->parent_pid, 110);
	assert_int_equal(row_of(&all, 112)->sum.weight, 900 * MS);
	processes_free(&all);
	recording_free(merged);
	recording_free(one);
	recording_free(other);
}

/* ---- one of them alone */

static uint64_t weight_of(const struct recording *recording, struct thread_choice only)
{
	struct tree_options options = { .root = TREE_ROOT_NAME, .only = only };
	struct tree *tree = tree_open(recording, &options);
	uint32_t n;
	tree_update(tree);
	uint64_t weight = tree_nodes(tree, &n)[0].total;
	tree_close(tree);
	return weight;
}

static void trees_are_of_what_is_chosen(void **state)
{
	struct recording *recording = fixture_processes();
	struct processes all = { 0 };
	struct thread_choice idle;
	(void)state;
	assert_int_equal(weight_of(recording, (struct thread_choice){ 0 }), 2340 * MS);
	assert_int_equal(weight_of(recording, (struct thread_choice){ .pid = 112 }), 900 * MS);
	assert_int_equal(weight_of(recording, (struct thread_choice){ .pid = 112, .tid = 113 }),
			 300 * MS);
	assert_int_equal(weight_of(recording, (struct thread_choice){ .pid = 5 }), 0);
	processes_update(&all, recording, &(struct processes_part){ 0 });
	processes_choice(&all, (size_t)(row_named(&all, recording, "swapper") - all.rows), &idle);
	assert_int_equal(weight_of(recording, idle), 50 * MS);
	processes_free(&all);
	recording_free(recording);
}

static void a_part_holds_one_process(void **state)
{
	struct recording *recording = fixture_processes();
	struct recording *part = recording_part(recording, START_NS + 400 * MS, 0,
						&(struct thread_choice){ .pid = 112 });
	struct why why;
	(void)state;
	assert_true(recording_check(part, "part", &why));
	uint64_t weight = 0, n = recording_moment(part).n[TABLE_SAMPLES];
	for (uint64_t id = 1; id < n; id++) {
		const struct sample_row *row = recording_sample(part, id);
		assert_int_equal(recording_thread(part, row->thread)->pid, 112);
		weight += row->weight;
	}
	assert_int_equal(weight, (400 + 200) * MS);
	assert_string_equal(shown_fact(part, "part.pid"), "112");
	recording_free(part);
	recording_free(recording);
}

/* ---- screens */

static void a_process_is_chosen_and_given_back(void **state)
{
	struct shown screen = shown_open(fixture_processes(), "processes", 120, 40);
	(void)state;
	shown_has(&screen, "7 processes, 2 ended");
	shown_not(&screen, "only (Esc: all)");
	shown_press(&screen, "j\\r");
	shown_has(&screen, "process 112 cc1plus only (Esc: all)");
	shown_has(&screen, "* cc1plus");
	shown_press(&screen, "2");
	shown_has(&screen, "process 112 cc1plus only (Esc: all)");
	shown_has(&screen, "optimize");
	shown_not(&screen, "assemble");
	shown_press(&screen, "3");
	shown_has(&screen, " 66.7 %   66.7 %        120 parse");
	shown_not(&screen, "link");
	shown_press(&screen, "1");
	shown_has(&screen, ", 180 samples");
	shown_not(&screen, "page_fault");
	shown_press(&screen, "5");
	shown_not(&screen, "make 100");
	shown_press(&screen, "4");
	shown_has(&screen, "but here: all of them");
	shown_press(&screen, "T");
	shown_press(&screen, "\\r"); /* the same again */
	shown_not(&screen, "only (Esc: all)");
	shown_press(&screen, "s");
	shown_has(&screen, "[2 Flame]");
	shown_has(&screen, "process 112 cc1plus only");
	shown_press(&screen, "\\e");
	shown_not(&screen, "only (Esc: all)");
	shown_has(&screen, "link");
	shown_close(&screen);
}

static void a_thread_is_chosen_as_well(void **state)
{
	struct shown screen = shown_open(fixture_processes(), "processes", 120, 40);
	(void)state;
	shown_press(&screen, "/112\\r");
	shown_not(&screen, "swapper");
	shown_has(&screen, "+ cc1plus");
	shown_press(&screen, "+");
	shown_has(&screen, "- cc1plus");
	shown_press(&screen, "jj\\r");
	shown_has(&screen, "thread 113 w?rker of process 112 cc1plus only");
	shown_press(&screen, "3\\e"); /* the search first */
	shown_has(&screen, "only (Esc: all)");
	shown_has(&screen, "optimize");
	shown_not(&screen, "parse");
	shown_press(&screen, "\\e");
	shown_not(&screen, "only (Esc: all)");
	shown_has(&screen, "parse");
	shown_close(&screen);
}

static void a_process_that_slept_is_said_to_have_no_samples(void **state)
{
	struct shown screen = shown_open(fixture_processes(), "processes", 120, 40);
	(void)state;
	shown_press(&screen, "/110\\r\\r\\e"); /* and the search again */
	shown_has(&screen, "process 110 ");
	for (const char *keys = "235L"; *keys; keys++) {
		shown_press(&screen, (char[]){ *keys, '\0' });
		shown_has(&screen, "Nothing of it was sampled here; Esc shows all.");
	}
	shown_press(&screen, "\\e");
	shown_not(&screen, "Nothing of it was sampled");
	shown_close(&screen);
}

static void lines_are_of_what_is_chosen(void **state)
{
	struct shown screen = shown_open(fixture_processes(), "functions", 120, 40);
	(void)state;
	shown_press(&screen, "a"); /* of parse: 1300 of 2340 */
	shown_has(&screen, "55.6 %");
	shown_press(&screen, "Tgj\\r3a"); /* 600 of 900 */
	shown_has(&screen, "66.7 %");
	shown_press(&screen, "c");
	shown_has(&screen, "66.7 %");
	shown_close(&screen);
}

static void lists_are_sorted_opened_and_clicked(void **state)
{
	struct shown screen = shown_open(fixture_processes(), "processes", 120, 40);
	(void)state;
	shown_stands_above(&screen, "as (was cc1)", "swapper");
	shown_click(&screen, "PID", KEY_CLICK);
	shown_stands_above(&screen, "ld", "make");
	shown_click(&screen, "PID", KEY_CLICK);
	shown_stands_above(&screen, "make", "ld");
	shown_click(&screen, "name", KEY_CLICK);
	shown_stands_above(&screen, "[no process]", "as (was");
	shown_press(&screen, ":sort share\\r");
	shown_click(&screen, "cc1plus", KEY_DOUBLE_CLICK);
	shown_has(&screen, "process 112 cc1plus only");
	shown_click(&screen, "cc1plus  ", KEY_DOUBLE_CLICK);
	shown_not(&screen, "only (Esc: all)");
	shown_press(&screen, "tE");
	shown_has(&screen, "- make");
	shown_has(&screen, " - sh");
	shown_has(&screen, "  - cc1plus");
	shown_stands_above(&screen, " sh ", "cc1plus");
	shown_press(&screen, "C");
	shown_has(&screen, "+ make");
	shown_not(&screen, "cc1plus");
	shown_press(&screen, "gj+");
	shown_has(&screen, "+ sh");
	shown_press(&screen, "tC");
	shown_has(&screen, "+ cc1plus");
	shown_not(&screen, "w?rker");
	shown_close(&screen);
}

/* make has made all but the idle task and what nobody tells: 2275 of 2340. */
static void a_tree_sums_what_was_made(void **state)
{
	struct shown screen = shown_open(fixture_processes(), "processes", 120, 40);
	(void)state;
	shown_press(&screen, "t");
	shown_has(&screen, "97.2 %   66.7 % - make");
	shown_has(&screen, "78.8 %        -  - sh");
	shown_has(&screen, "38.5 %    0.0 %   + cc1plus");
	shown_press(&screen, "/cc1plus\\r"); /* what is above it stays */
	shown_has(&screen, "- make");
	shown_not(&screen, "swapper");
	shown_not(&screen, "as (was");
	shown_close(&screen);
}

static void rings_of_parents_are_cut(void **state)
{
	struct shown screen = shown_open(fixture_processes_ring(), "processes", 100, 20);
	(void)state;
	shown_press(&screen, "tE");
	shown_has(&screen, "      10 ");
	shown_has(&screen, "      11 ");
	shown_has(&screen, "      12 ");
	shown_close(&screen);
}

/* 60 samples of cycles at 200 a second are 0.3 s of CPU time, about: 7.5 % of a CPU in 4 s. */
static void samples_of_cycles_are_cpu_time(void **state)
{
	struct recording *recording = recording_new();
	struct series_row cycles = { .name = recording_add_string(recording, "cycles"),
				     .origin = ORIGIN_MEASURED,
				     .flags = SERIES_SAMPLES };
	uint32_t name = recording_add_string(recording, "prog");
	(void)state;
	recording_add_fact(recording, "sampling.frequency_hz", "200");
	recording_add_series(recording, &cycles);
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t tid = i < 60 ? 7 : 8;
		struct thread_row thread = {
			.pid = tid, .tid = tid, .name = name, .process_name = name
		};
		struct sample_row row = { .time_ns = recording->start_ns + i,
					  .weight = 1000000 + i,
					  .thread = recording_add_thread(recording, &thread),
					  .count = 1,
					  .series = 1 };
		recording_add_sample(recording, &row);
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	struct shown screen = shown_open(recording, "processes", 120, 20); /* after 4 s */
	shown_has(&screen, "cycles of 4.00 s  CPU: 100 % is one CPU, by the number of samples");
	shown_has(&screen, "~ CPU ~ CPU time");
	shown_has(&screen, "7   1    7.5 %     300 ms");
	shown_has(&screen, "8   1    5.0 %     200 ms");
	shown_has(&screen, "60.0 M");
	shown_not(&screen, "kernel"); /* nothing says that it was sampled */
	shown_close(&screen);
}

/* From a box and from a function: the process of that name, or all that have it. */
static void whose_time_it_is_can_be_asked(void **state)
{
	struct shown screen = shown_open(fixture_processes(), "flame", 120, 40);
	(void)state;
	shown_press(&screen, "/link\\rnW");
	shown_has(&screen, "process 120 ld only");
	shown_press(&screen, "W");
	shown_not(&screen, "only (Esc: all)");
	shown_press(&screen, "3\\eW"); /* parse: most of it is of cc1 */
	shown_has(&screen, "process 111 as only");
	shown_press(&screen, "W");
	shown_not(&screen, "only (Esc: all)");
	shown_close(&screen);
	screen = shown_open(fixture_processes_ring(), "flame", 120, 40);
	shown_press(&screen, "jW");
	shown_has(&screen, "every process a only");
	shown_press(&screen, "3");
	shown_has(&screen, "100.0 %");
	shown_close(&screen);
}

static void the_tab_is_there_for_several(void **state)
{
	struct shown screen = shown_open(fixture_processes(), "flame", 80, 24);
	(void)state;
	shown_has(&screen, "T P");
	shown_close(&screen);
	screen = shown_open(fixture_known(), "flame", 80, 24);
	shown_not(&screen, "T P");
	shown_press(&screen, "T");
	shown_has(&screen, "[T Processes]");
	shown_has(&screen, "1 process ");
	shown_close(&screen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_those_worked_out_by_hand),
		cmocka_unit_test(samples_without_a_thread_are_of_nobody),
		cmocka_unit_test(an_exec_is_the_same_process),
		cmocka_unit_test(ends_and_parents_are_told),
		cmocka_unit_test(windows_and_events_are_summed_anew),
		cmocka_unit_test(following_equals_summing_at_once),
		cmocka_unit_test(forks_and_ends_become_rows),
		cmocka_unit_test(merging_keeps_parents_and_ends),
		cmocka_unit_test(trees_are_of_what_is_chosen),
		cmocka_unit_test(a_part_holds_one_process),
		cmocka_unit_test(a_process_is_chosen_and_given_back),
		cmocka_unit_test(a_thread_is_chosen_as_well),
		cmocka_unit_test(a_process_that_slept_is_said_to_have_no_samples),
		cmocka_unit_test(lines_are_of_what_is_chosen),
		cmocka_unit_test(lists_are_sorted_opened_and_clicked),
		cmocka_unit_test(a_tree_sums_what_was_made),
		cmocka_unit_test(rings_of_parents_are_cut),
		cmocka_unit_test(samples_of_cycles_are_cpu_time),
		cmocka_unit_test(whose_time_it_is_can_be_asked),
		cmocka_unit_test(the_tab_is_there_for_several),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
