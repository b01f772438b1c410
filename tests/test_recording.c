/* Tables, interning, merging, files, trees and folded text, on known stacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/exporter.h"
#include "sampler/importer.h"
#include "sampler/recording.h"
#include "sampler/recording_file.h"
#include "sampler/sample_slot.h"
#include "sampler/tree.h"
#include "tests/fixture_stride.h"
#include "workloads/support/random.h"

static uint32_t add_function(struct recording *recording, const char *name, uint32_t flags)
{
	struct function_row row = { .name = recording_add_string(recording, name),
				    .linkage_name = recording_add_string(recording, name),
				    .flags = flags };
	return recording_add_function(recording, &row);
}

/* A frame at its own address whose location is the function. */
static uint32_t add_frame(struct recording *recording, uint64_t address, const char *name,
			  uint32_t flags)
{
	struct module_row module = { .path = recording_add_string(recording, "/bin/prog"),
				     .kind = MODULE_FILE };
	struct frame_row frame = { .address = address,
				   .module = recording_add_module(recording, &module),
				   .flags = flags & FUNCTION_KERNEL ? FRAME_KERNEL : 0 };
	uint32_t id = recording_add_frame(recording, &frame);
	struct location_row location = { .function = add_function(recording, name, flags) };
	recording_add_location(recording, &location);
	return id;
}

static void add_sample(struct recording *recording, uint32_t thread, uint32_t series,
		       uint32_t stack, uint64_t time_ns, uint64_t weight)
{
	struct sample_row row = { .time_ns = time_ns,
				  .weight = weight,
				  .stack = stack,
				  .thread = thread,
				  .count = 1,
				  .series = (uint16_t)series };
	recording_add_sample(recording, &row);
}

/* main -> work -> [inlined step] 30; main -> work 10; main -> sys_read (kernel) 20, recursion. */
static struct recording *make(void)
{
	struct recording *recording = recording_new();
	struct thread_row thread = { .pid = 7,
				     .tid = 8,
				     .name = recording_add_string(recording, "prog"),
				     .process_name = recording_add_string(recording, "prog") };
	struct series_row series = { .name = recording_add_string(recording, "cpu-clock"),
				     .unit = recording_add_string(recording, "ns"),
				     .origin = ORIGIN_SOFTWARE,
				     .flags = SERIES_SAMPLES };
	uint32_t t = recording_add_thread(recording, &thread);
	uint32_t s = recording_add_series(recording, &series);
	uint32_t main_frame = add_frame(recording, 0x10, "main", 0);
	uint32_t work_frame = add_frame(recording, 0x20, "work", 0);
	/* An address in work where step is inlined. */
	struct frame_row frame = { .address = 0x28, .module = 1 };
	uint32_t inline_frame = recording_add_frame(recording, &frame);
	struct inline_row around = { .function = add_function(recording, "work", 0) };
	struct location_row location = {
		.function = add_function(recording, "step", 0),
		.inlined_into = recording_add_inline(recording, &around),
	};
	recording_add_location(recording, &location);
	uint32_t kernel_frame = add_frame(recording, 0x30, "sys_read;x", FUNCTION_KERNEL);
	uint32_t a = recording_add_stack(recording, 0, main_frame);
	uint32_t b = recording_add_stack(recording, a, work_frame);
	uint32_t c = recording_add_stack(recording, a, inline_frame);
	uint32_t d = recording_add_stack(recording, a, kernel_frame);
	uint32_t e = recording_add_stack(recording, b, main_frame); /* recursion */
	for (int i = 0; i < 30; i++)
		add_sample(recording, t, s, c, 1000 + (uint64_t)i, 10);
	for (int i = 0; i < 10; i++)
		add_sample(recording, t, s, b, 2000 + (uint64_t)i, 10);
	for (int i = 0; i < 20; i++)
		add_sample(recording, t, s, d, 3000 + (uint64_t)i, 10);
	for (int i = 0; i < 5; i++)
		add_sample(recording, t, s, e, 4000 + (uint64_t)i, 10);
	recording_note(recording, SEVERITY_INFO, "test", "a note", "a remedy");
	recording_note(recording, SEVERITY_INFO, "test", "a note", "a remedy");
	recording_add_fact(recording, "command_line", "prog");
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}

static char *folded(const struct recording *recording, const struct export_options *options)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	struct why why;
	assert_true(exporter_find("folded")->write(recording, options, out, &why));
	fclose(out);
	return text;
}

static void equal_things_get_one_id(void **state)
{
	struct recording *recording = recording_new();
	(void)state;
	uint32_t first = recording_add_string(recording, "name");
	for (int i = 0; i < 5000; i++) {
		char text[16];
		snprintf(text, sizeof text, "n%d", i);
		recording_add_string(recording, text);
	}
	assert_int_equal(recording_add_string(recording, "name"), first);
	assert_int_equal(recording_add_string(recording, "nam"),
			 recording_add_string(recording, "nam"));
	assert_int_equal(recording_add_string(recording, ""), 0);
	assert_string_equal(recording_string_at(recording, first), "name");
	recording_free(recording);
}

static void samples_of_a_slot_are_one_row(void **state)
{
	struct recording *recording = make();
	struct moment moment = recording_moment(recording);
	(void)state;
	assert_int_equal(moment.n[TABLE_SAMPLES], 1 + 4); /* four stacks within 20 ms */
	assert_int_equal(recording_sample(recording, 1)->count, 30);
	assert_int_equal(recording_sample(recording, 1)->weight, 300);
	assert_int_equal(moment.n[TABLE_NOTES], 2); /* equal notes are one */
	recording_free(recording);
}

static void folded_text_is_right(void **state)
{
	struct recording *recording = make();
	struct export_options options = { 0 };
	(void)state;
	char *text = folded(recording, &options);
	assert_string_equal(text, "prog;main;sys_read:x 20\n"
				  "prog;main;work 10\n"
				  "prog;main;work;main 5\n"
				  "prog;main;work;step 30\n");
	free(text);
	options.annotate = options.per_thread = true;
	text = folded(recording, &options);
	assert_non_null(strstr(text, "prog-7/8;main;sys_read:x_[k] 20\n"));
	assert_non_null(strstr(text, "prog-7/8;main;work;step_[i] 30\n"));
	free(text);
	options = (struct export_options){ .no_inline = true, .from_ns = 1000, .to_ns = 2001 };
	text = folded(recording, &options);
	assert_string_equal(text, "prog;main;work 40\n");
	free(text);
	recording_free(recording);
}

static void recursion_is_counted_once(void **state)
{
	struct recording *recording = make();
	struct tree_options options = { .root = TREE_ROOT_NAME };
	struct tree *tree = tree_open(recording, &options);
	struct tree_function functions[8];
	uint32_t n_nodes;
	(void)state;
	assert_true(tree_update(tree));
	assert_false(tree_update(tree)); /* nothing new */
	size_t n = tree_functions(tree, functions, 8);
	assert_int_equal(n, 4);
	assert_int_equal(tree_nodes(tree, &n_nodes)[0].total, 650);
	assert_int_equal(tree_n_samples(tree), 65);
	for (size_t i = 0; i < n; i++)
		if (strcmp(recording_string_at(recording, functions[i].name), "main") == 0) {
			assert_int_equal(functions[i].inclusive, 650);
			assert_int_equal(functions[i].exclusive, 50);
		}
	tree_close(tree);
	recording_free(recording);
}

static void inverted_trees_have_the_same_total(void **state)
{
	struct recording *recording = make();
	struct tree_options options = { .root = TREE_ROOT_NONE, .is_inverted = true };
	struct tree *tree = tree_open(recording, &options);
	uint32_t n;
	(void)state;
	tree_update(tree);
	const struct tree_node *nodes = tree_nodes(tree, &n);
	assert_int_equal(nodes[0].total, 650);
	assert_string_equal(recording_string_at(recording, nodes[nodes[0].first_child].name),
			    "step");
	tree_close(tree);
	recording_free(recording);
}

static void frames_without_names_wait(void **state)
{
	struct recording *recording = make();
	struct tree_options options = { .root = TREE_ROOT_NONE };
	struct tree *tree = tree_open(recording, &options);
	(void)state;
	tree_update(tree);
	struct frame_row frame = { .address = 0x99, .module = 1 };
	uint32_t id = recording_add_frame(recording, &frame);
	uint32_t stack = recording_add_stack(recording, 0, id);
	add_sample(recording, 1, 1, stack, 9000, 7);
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	assert_false(tree_update(tree));
	struct location_row location = { .function = add_function(recording, "late", 0) };
	recording_add_location(recording, &location);
	recording_publish(recording);
	assert_true(tree_update(tree));
	tree_close(tree);
	recording_free(recording);
}

static void *read_beside(void *opaque)
{
	struct recording *recording = opaque;
	struct tree_options options = { .root = TREE_ROOT_NAME };
	struct tree *tree = tree_open(recording, &options);
	uint32_t n;
	uint64_t before = 0;
	for (int i = 0; i < 2000; i++) {
		tree_update(tree);
		uint64_t total = tree_nodes(tree, &n)[0].total;
		if (total < before)
			return (void *)1;
		before = total;
	}
	tree_close(tree);
	return NULL;
}

static void readers_need_no_lock(void **state)
{
	struct recording *recording = make();
	pthread_t thread;
	void *result;
	(void)state;
	pthread_create(&thread, NULL, read_beside, recording);
	for (uint64_t i = 0; i < 20000; i++) {
		char name[24];
		snprintf(name, sizeof name, "f%u", (unsigned)(i % 500));
		uint32_t frame = recording_add_frame(
			recording, &(struct frame_row){ .address = 0x1000 + i % 500, .module = 1 });
		if (frame >= recording->tables[TABLE_LOCATIONS].n_rows)
			recording_add_location(
				recording, &(struct location_row){
						   .function = add_function(recording, name, 0) });
		add_sample(recording, 1, 1, recording_add_stack(recording, 1, frame), i * 100000,
			   1);
		recording_publish(recording);
	}
	pthread_join(thread, &result);
	assert_null(result);
	recording_free(recording);
}

static char path[] = "/tmp/stoke-test-XXXXXX";

static void save(const struct recording *recording)
{
	struct why why;
	struct recording_file *file = recording_file_create(path, &why);
	assert_non_null(file);
	assert_true(recording_file_flush(file, recording, &why));
	assert_true(recording_file_close(file, recording, &why));
}

static void a_saved_recording_is_the_same(void **state)
{
	struct recording *recording = make();
	struct export_options options = { 0 };
	struct why why;
	struct stat status;
	(void)state;
	save(recording);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	struct recording *again = recording_file_open(path, &why);
	assert_non_null(again);
	char *one = folded(recording, &options), *two = folded(again, &options);
	assert_string_equal(one, two);
	assert_true(again->start_ns == recording->start_ns);
	assert_int_equal(recording_moment(again).n[TABLE_NOTES], 2);
	free(one);
	free(two);
	recording_free(again);
	recording_free(recording);
}

/* Imported: its clock starts at 0, and the day is not known. */
static void a_clock_from_0_stays(void **state)
{
	struct recording *recording = make();
	struct why why;
	(void)state;
	uint64_t first_ns = recording_sample(recording, 1)->time_ns;
	assert_true(first_ns > 0);
	recording->start_ns = recording->start_epoch_ns = 0;
	save(recording);
	struct recording *again = recording_file_open(path, &why);
	assert_non_null(again);
	assert_true(again->start_ns == 0 && again->start_epoch_ns == 0);
	assert_true(recording_sample(again, 1)->time_ns == first_ns);
	recording_free(again);
	recording_free(recording);
}

static size_t read_file(unsigned char *bytes, size_t most)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, bytes, most);
	close(fd);
	return (size_t)n;
}

static void write_file(const unsigned char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void check_open(size_t n)
{
	struct why why = { "" };
	struct recording *recording = recording_file_open(path, &why);
	if (!recording) {
		if (!why.text[0] || strchr(why.text, '\n'))
			fail_msg("cut at %zu: no sentence", n);
		return;
	}
	char *text = folded(recording, &(struct export_options){ 0 });
	free(text);
	recording_free(recording);
}

/* Two commits, so that a cut in the second leaves the first. */
static size_t save_in_two(unsigned char *bytes, size_t most, size_t *first)
{
	struct recording *recording = make();
	struct why why;
	struct stat status;
	struct recording_file *file = recording_file_create(path, &why);
	assert_true(recording_file_place(file, &why));
	assert_true(recording_file_flush(file, recording, &why));
	stat(path, &status);
	*first = (size_t)status.st_size;
	recording_add_fact(recording, "exit_status", "0");
	recording_publish(recording);
	assert_true(recording_file_close(file, recording, &why));
	recording_free(recording);
	return read_file(bytes, most);
}

static void files_cut_at_every_byte_open_or_say_why(void **state)
{
	static unsigned char bytes[65536];
	size_t first, n = save_in_two(bytes, sizeof bytes, &first);
	struct why why;
	(void)state;
	for (size_t cut = 0; cut < n; cut += FIXTURE_STRIDE) {
		write_file(bytes, cut);
		check_open(cut);
	}
	write_file(bytes, first + 3); /* in the second group: the first must be there, and a note */
	struct recording *recording = recording_file_open(path, &why);
	assert_non_null(recording);
	assert_int_equal(recording_moment(recording).n[TABLE_SAMPLES], 5);
	assert_int_equal(recording_moment(recording).n[TABLE_NOTES], 3);
	recording_free(recording);
}

static void flipped_bytes_never_crash(void **state)
{
	static unsigned char bytes[65536], bent[65536];
	size_t first, n = save_in_two(bytes, sizeof bytes, &first);
	(void)state;
	for (size_t at = 0; at < n; at += FIXTURE_STRIDE) {
		memcpy(bent, bytes, n);
		bent[at] ^= (unsigned char)(1 + at % 255);
		write_file(bent, n);
		check_open(at);
	}
}

static void other_files_are_refused_in_a_sentence(void **state)
{
	struct why why;
	(void)state;
	write_file((const unsigned char *)"hello", 5);
	assert_null(recording_file_open(path, &why));
	assert_non_null(strstr(why.text, "is not a stoke recording"));
	assert_null(recording_file_open("/nonexistent/x", &why));
	assert_non_null(strstr(why.text, "Cannot read /nonexistent/x"));
	assert_null(recording_file_open("/tmp", &why));
	assert_null(recording_file_create("/nonexistent/x.stoke", &why));
}

static void an_old_file_stays_until_the_new_one_is_placed(void **state)
{
	unsigned char bytes[16];
	struct why why;
	(void)state;
	write_file((const unsigned char *)"hello", 5);
	recording_file_discard(recording_file_create(path, &why));
	assert_int_equal(read_file(bytes, sizeof bytes), 5);
	assert_memory_equal(bytes, "hello", 5);
	struct recording_file *file = recording_file_create(path, &why);
	assert_int_equal(read_file(bytes, sizeof bytes), 5);
	assert_true(recording_file_place(file, &why));
	assert_true(read_file(bytes, sizeof bytes) >= 8);
	assert_memory_equal(bytes, "STOKEREC", 8);
	recording_file_discard(file); /* placed: what is there stays */
	assert_int_equal(access(path, F_OK), 0);
}

static void damaged_references_are_refused(void **state)
{
	struct recording *recording = make();
	struct why why;
	(void)state;
	struct sample_row row = { .stack = 4000000, .thread = 1, .count = 1, .series = 1 };
	table_append(&recording->tables[TABLE_SAMPLES], &row, 1);
	recording_publish(recording);
	save(recording);
	assert_null(recording_file_open(path, &why));
	assert_non_null(strstr(why.text, "sample 5 refers to"));
	recording_free(recording);
}

static void folded_text_comes_back(void **state)
{
	static const char text[] =
		"prog;main;sys_read:x 20\nprog;main;work 10\nx y;z w 3\nsolo 4\n";
	struct why why;
	(void)state;
	write_file((const unsigned char *)text, sizeof text - 1);
	struct recording *recording = importer_for_path("a.folded")->read(path, &why);
	assert_non_null(recording);
	char *again = folded(recording, &(struct export_options){ 0 });
	assert_string_equal(again,
			    "prog;main;sys_read:x 20\nprog;main;work 10\nsolo 4\nx y;z w 3\n");
	free(again);
	recording_free(recording);
	write_file((const unsigned char *)"no count\n\n;;; 5x\n", 17);
	assert_null(importer_for_path("a.folded")->read(path, &why));
	assert_non_null(strstr(why.text, "holds no folded stack"));
	assert_null(importer_for_path("a.txt"));
}

/* Whatever comes: no more rows than the limit and one for each known caller, and no weight lost. */
static void stacks_are_cut_at_their_budget(void **state)
{
	struct recording *recording = recording_new();
	struct random random = { 23 };
	uint64_t n_notes = recording_moment(recording).n[TABLE_NOTES];
	(void)state;
	recording->most_stacks = 1000;
	for (uint64_t i = 0; i < 20000; i++) {
		uint32_t frames[12], stacks[12];
		for (size_t k = 0; k < 12; k++)
			frames[k] = 1 + (uint32_t)(random_bits(&random) % 4);
		recording_add_stacks(recording, 0, frames, 12, stacks);
		assert_true(stacks[11] > 0 && stacks[11] < 2001);
		/* Known ones stay what they are. */
		assert_int_equal(recording_stack(recording, stacks[0])->frame, frames[0]);
		assert_int_equal(recording_add_stack(recording, 0, frames[0]), stacks[0]);
		recording_add_sample(recording, &(struct sample_row){ .time_ns = i,
								      .weight = 3,
								      .count = 1,
								      .stack = stacks[11] });
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	struct moment moment = recording_moment(recording);
	uint64_t weight = 0;
	for (uint64_t i = 1; i < moment.n[TABLE_SAMPLES]; i++)
		weight += recording_sample(recording, i)->weight;
	assert_int_equal(weight, 3 * 20000);
	assert_true(moment.n[TABLE_STACKS] <= 2001);
	assert_int_equal(moment.n[TABLE_NOTES], n_notes + 1);
	const struct note_row *note = recording_note_row(recording, n_notes);
	assert_non_null(strstr(recording_string_at(recording, note->text), "1000 distinct stacks"));
	recording_free(recording);
}

static void memory_is_what_the_rows_take(void **state)
{
	struct recording *recording = recording_new();
	struct recording_memory before = recording_memory(recording);
	(void)state;
	assert_int_equal(before.samples_budget_bytes, (uint64_t)256 << 20);
	assert_int_equal(sample_slot_budget_bytes(((uint64_t)256 << 20) - 1), (uint64_t)256 << 20);
	assert_int_equal(sample_slot_budget_bytes((uint64_t)256 << 20), (uint64_t)384 << 20);
	assert_int_equal(sample_slot_budget_bytes((uint64_t)512 << 20), (uint64_t)640 << 20);
	for (uint32_t i = 1; i <= 100; i++)
		recording_add_stack(recording, 0, i);
	assert_int_equal(recording_memory(recording).all_bytes, before.all_bytes);
	recording_publish(recording);
	struct recording_memory after = recording_memory(recording);
	assert_int_equal(after.stacks_bytes - before.stacks_bytes, 100 * sizeof(struct stack_row));
	assert_int_equal(after.all_bytes - before.all_bytes, 100 * sizeof(struct stack_row));
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_are_cut_at_their_budget),
		cmocka_unit_test(memory_is_what_the_rows_take),
		cmocka_unit_test(equal_things_get_one_id),
		cmocka_unit_test(samples_of_a_slot_are_one_row),
		cmocka_unit_test(folded_text_is_right),
		cmocka_unit_test(recursion_is_counted_once),
		cmocka_unit_test(inverted_trees_have_the_same_total),
		cmocka_unit_test(frames_without_names_wait),
		cmocka_unit_test(readers_need_no_lock),
		cmocka_unit_test(a_saved_recording_is_the_same),
		cmocka_unit_test(a_clock_from_0_stays),
		cmocka_unit_test(files_cut_at_every_byte_open_or_say_why),
		cmocka_unit_test(flipped_bytes_never_crash),
		cmocka_unit_test(other_files_are_refused_in_a_sentence),
		cmocka_unit_test(an_old_file_stays_until_the_new_one_is_placed),
		cmocka_unit_test(damaged_references_are_refused),
		cmocka_unit_test(folded_text_comes_back),
	};
	close(mkstemp(path));
	int status = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return status;
}
