/* Shares of two sides, box by box, on stacks whose weights are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tests/fixture.h"
#include "tests/fixture_frames.h"
#include "tui/face.h"
#include "tui/flame_diff.h"

static const uint64_t SECOND_NS = 1000000000;

/* A line is "thread;function;function"; its module is the same for all. */
struct line {
	const char *text;
	uint64_t weight, second;
};

static uint32_t frame_of(struct recording *recording, const char *name, const char *path)
{
	struct module_row module = { .path = recording_add_string(recording, path),
				     .kind = MODULE_FILE };
	struct function_row function = { .name = recording_add_string(recording, name),
					 .linkage_name = recording_add_string(recording, name),
					 .module = recording_add_module(recording, &module) };
	/* Equal names are equal functions, wherever they are in the line. */
	struct frame_row frame = { .address = recording_add_string(recording, name),
				   .module = function.module };
	uint32_t id = recording_add_frame(recording, &frame);
	struct location_row location = { .function = recording_add_function(recording, &function) };
	if (id >= recording->tables[TABLE_LOCATIONS].n_rows)
		recording_add_location(recording, &location);
	return id;
}

static void add_line(struct recording *recording, const struct line *line, const char *path,
		     uint32_t series)
{
	char text[128], *rest = NULL;
	uint32_t stack = 0;
	snprintf(text, sizeof text, "%s", line->text);
	const char *name = strtok_r(text, ";", &rest);
	struct thread_row thread = { .pid = 5,
				     .tid = 5,
				     .name = recording_add_string(recording, name),
				     .process_name = recording_add_string(recording, name) };
	while ((name = strtok_r(NULL, ";", &rest)))
		stack = recording_add_stack(recording, stack, frame_of(recording, name, path));
	struct sample_row sample = { .time_ns = recording->start_ns + line->second * SECOND_NS,
				     .weight = line->weight,
				     .stack = stack,
				     .thread = recording_add_thread(recording, &thread),
				     .count = 1,
				     .series = (uint16_t)series };
	recording_add_sample(recording, &sample);
}

static struct recording *record(const struct line *lines, size_t n, const char *path)
{
	struct recording *recording = recording_new();
	recording->start_ns = 1000 * SECOND_NS;
	struct series_row series = { .name = recording_add_string(recording, "cpu-clock"),
				     .unit = recording_add_string(recording, "ns"),
				     .origin = ORIGIN_SOFTWARE,
				     .flags = SERIES_SAMPLES };
	uint32_t id = recording_add_series(recording, &series);
	for (size_t i = 0; i < n; i++)
		add_line(recording, &lines[i], path, id);
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}

static const struct line of_a[] = { { "prog;main;work", 30, 0 },
				    { "prog;main;idle", 10, 0 },
				    { "prog;main;old;deep", 6, 0 },
				    { "prog;main;old", 4, 0 } };
static const struct line of_b[] = { { "prog;main;work", 50, 0 },
				    { "prog;main;idle", 20, 0 },
				    { "prog;main;new", 30, 0 } };

struct compared {
	struct recording *a, *b;
	struct tree *tree;
	struct flame_diff *diff;
	struct view_focus focus;
};

static void compare_with(struct compared *compared, struct tree_options options)
{
	struct view_context context = { .recording = compared->b,
					.against = compared->a,
					.against_name = "a.stoke",
					.focus = &compared->focus };
	struct side sides[N_COMPARED];
	assert_true(sides_of_picture(sides, &context));
	options.from_ns = compared->focus.from_ns;
	options.to_ns = compared->focus.to_ns;
	compared->tree = tree_open(compared->b, &options);
	tree_update(compared->tree);
	compared->diff = flame_diff_open(&context, sides, compared->tree);
	flame_diff_update(compared->diff, compared->tree);
}

static void close_tree(struct compared *compared)
{
	flame_diff_close(compared->diff);
	tree_close(compared->tree);
}

static void forget(struct compared *compared)
{
	close_tree(compared);
	recording_free(compared->a);
	recording_free(compared->b);
}

static void expect_shares(const struct compared *compared, const char *name, double a, double b)
{
	uint32_t n, found = 0;
	char label[64];
	const struct tree_node *nodes = tree_nodes(compared->tree, &n);
	for (uint32_t i = 0; i < n; i++)
		if (nodes[i].total &&
		    strcmp(tree_node_name(compared->tree, i, label, sizeof label), name) == 0)
			found = i;
	struct flame_shares shares = flame_diff_of(compared->diff, found);
	assert_float_equal(shares.of[COMPARE_A], a, 1e-12);
	assert_float_equal(shares.of[COMPARE_B], b, 1e-12);
	assert_true(fabs(shares.change - (b - a)) < 1e-12);
}

static void boxes_are_found_by_name(void **state)
{
	struct compared compared = { .a = record(of_a, 4, "/old/prog"),
				     .b = record(of_b, 3, "/new/prog") };
	(void)state;
	compare_with(&compared, (struct tree_options){ .root = TREE_ROOT_NAME });
	expect_shares(&compared, "all", 1, 1);
	expect_shares(&compared, "main", 1, 1);
	expect_shares(&compared, "work", 0.6, 0.5);
	expect_shares(&compared, "idle", 0.2, 0.2);
	expect_shares(&compared, "new", 0, 0.3);
	assert_float_equal(flame_diff_gone(compared.diff), 0.2, 1e-12);
	assert_false(flame_diff_joins(compared.diff));
	assert_true(isnan(flame_diff_of(compared.diff, 1000).change));
	assert_true(flame_diff_bytes(compared.diff) > 0);
	forget(&compared);
}

/* What comes later is not gone any more; what lies below it still is. */
static void shares_follow_what_is_live(void **state)
{
	static const struct line first[] = { { "prog;main;idle", 20, 0 } };
	static const struct line later[] = { { "prog;main;old", 20, 1 },
					     { "prog;main;work", 60, 1 } };
	struct compared compared = { .a = record(of_a, 4, "/old/prog"),
				     .b = record(first, 1, "/new/prog") };
	(void)state;
	compare_with(&compared, (struct tree_options){ .root = TREE_ROOT_NAME });
	expect_shares(&compared, "idle", 0.2, 1);
	assert_float_equal(flame_diff_gone(compared.diff), 0.8, 1e-6);
	for (size_t i = 0; i < 2; i++)
		add_line(compared.b, &later[i], "/new/prog", 1);
	recording_flush_samples(compared.b, UINT64_MAX);
	recording_publish(compared.b);
	assert_true(tree_update(compared.tree));
	flame_diff_update(compared.diff, compared.tree);
	expect_shares(&compared, "idle", 0.2, 0.2);
	expect_shares(&compared, "old", 0.2, 0.2);
	expect_shares(&compared, "work", 0.6, 0.6);
	assert_float_equal(flame_diff_gone(compared.diff), 0.12, 1e-6); /* deep */
	forget(&compared);
}

/* Ids of the other recording are other ones. */
static void choices_mean_the_same_on_both_sides(void **state)
{
	struct compared compared = { .a = record(of_a, 4, "/old/prog"),
				     .b = record(of_b, 3, "/new/prog") };
	uint32_t work = fixture_function(compared.b, "work"),
		 new = fixture_function(compared.b, "new");
	uint32_t module = recording_function(compared.b, work)->module;
	(void)state;
	compare_with(&compared, (struct tree_options){ .is_inverted = true });
	expect_shares(&compared, "work", 0.6, 0.5);
	assert_float_equal(flame_diff_gone(compared.diff), 0.2, 1e-12);
	close_tree(&compared);
	compare_with(&compared, (struct tree_options){ .focus = work });
	expect_shares(&compared, "work", 1, 1); /* of what is inside it */
	close_tree(&compared);
	compare_with(&compared, (struct tree_options){ .only_module = module });
	expect_shares(&compared, "work", 0.6, 0.5);
	close_tree(&compared);
	compare_with(&compared, (struct tree_options){ .focus = new });
	assert_true(isnan(flame_diff_gone(compared.diff))); /* nothing of A */
	assert_true(isnan(flame_diff_of(compared.diff, 1).of[COMPARE_A]));
	forget(&compared);
}

static void a_program_under_another_name_is_compared(void **state)
{
	static const struct line renamed[] = { { "other;main;work", 3, 0 },
					       { "other;main;idle", 1, 0 } };
	struct compared compared = { .a = record(renamed, 2, "/x"), .b = record(of_b, 3, "/y") };
	(void)state;
	compare_with(&compared, (struct tree_options){ .root = TREE_ROOT_NAME });
	assert_true(flame_diff_joins(compared.diff));
	expect_shares(&compared, "prog", 1, 1);
	expect_shares(&compared, "work", 0.75, 0.5);
	expect_shares(&compared, "new", 0, 0.3);
	forget(&compared);
}

static void windows_of_one_recording_compare(void **state)
{
	static const struct line lines[] = { { "prog;main;work", 10, 0 },
					     { "prog;main;idle", 30, 1 },
					     { "prog;main;work", 10, 2 },
					     { "prog;main;idle", 10, 3 },
					     { "prog;main;work", 80, 4 } };
	struct compared compared = { .b = record(lines, 5, "/x") };
	struct view_context context = { .recording = compared.b, .focus = &compared.focus };
	struct side sides[N_COMPARED];
	uint64_t start = compared.b->start_ns;
	(void)state;
	assert_false(sides_of_picture(sides, &context)); /* nothing to compare with */
	compared.focus.from_ns = start + 2 * SECOND_NS;
	compared.focus.to_ns = start + 4 * SECOND_NS;
	compare_with(&compared, (struct tree_options){ .root = TREE_ROOT_NAME });
	expect_shares(&compared, "work", 0.25, 0.5); /* the time before */
	close_tree(&compared);
	compared.focus.has_kept = true;
	compared.focus.kept_from_ns = start + 4 * SECOND_NS;
	compared.focus.kept_to_ns = start + 5 * SECOND_NS;
	compare_with(&compared, (struct tree_options){ .root = TREE_ROOT_NAME });
	expect_shares(&compared, "work", 1, 0.5);
	expect_shares(&compared, "idle", 0, 0.5);
	close_tree(&compared);
	compared.focus = (struct view_focus){ .from_ns = start, .to_ns = start + SECOND_NS };
	compare_with(&compared, (struct tree_options){ .root = TREE_ROOT_NAME });
	expect_shares(&compared, "work", 90. / 130, 1); /* the time behind it */
	forget(&compared);
}

struct shown {
	struct face *face;
	struct canvas canvas; /* as it was where nothing has changed */
	uint64_t now_ns;
};

static struct shown show(struct recording *recording, const struct recording *against)
{
	struct face_settings settings = { .recording = recording,
					  .command = "prog",
					  .view = "flame",
					  .against = against,
					  .against_name = "/tmp/a.stoke" };
	struct shown shown = { face_new(&settings), canvas_new(100, 30),
			       recording->start_ns + SECOND_NS };
	face_draw(shown.face, &shown.canvas, shown.now_ns);
	return shown;
}

static void expect_after(struct shown *shown, const char *keys, const char *wanted)
{
	char *text;
	size_t n;
	face_keys(shown->face, keys);
	face_draw(shown->face, &shown->canvas, shown->now_ns);
	FILE *out = open_memstream(&text, &n);
	canvas_write(&shown->canvas, out, true, NULL);
	fclose(out);
	if (!strstr(text, wanted))
		fail_msg("no %s in:\n%s", wanted, text);
	free(text);
}

static void hide(struct shown *shown)
{
	canvas_free(&shown->canvas);
	face_free(shown->face);
}

static void the_flame_graph_says_what_changed(void **state)
{
	struct recording *a = record(of_a, 4, "/old/prog"), *b = record(of_b, 3, "/new/prog");
	struct shown shown = show(b, a);
	(void)state;
	expect_after(&shown, "CC", "-50  -  -  -  =  +  +  +  +50 points  A a.stoke");
	expect_after(&shown, "", "B all of this recording");
	expect_after(&shown, "", "* is new  gone since A: 20.0 %");
	expect_after(&shown, "jjj", "A 60.0 %, B 50.0 %: -10.0 points  work");
	expect_after(&shown, "ll", "A 0.0 %, B 30.0 %: +30.0 points, new  new");
	expect_after(&shown, "e", "+30.00 points");
	expect_after(&shown, "\\eCC", " a prog "); /* round: kind, module */
	hide(&shown);
	shown = show(b, NULL);
	expect_after(&shown, "CC", "Nothing to compare with: start with --against FILE");
	hide(&shown);
	recording_free(a);
	recording_free(b);
}

static void without_phases_there_is_a_reason(void **state)
{
	struct recording *recording = record(of_a, 4, "/x");
	struct shown shown = show(recording, NULL);
	(void)state;
	expect_after(&shown, "ppp", "No phase was told");
	expect_after(&shown, "", "[no phase]");
	expect_after(&shown, "je", "[no phase] (phase)");
	hide(&shown);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boxes_are_found_by_name),
		cmocka_unit_test(shares_follow_what_is_live),
		cmocka_unit_test(choices_mean_the_same_on_both_sides),
		cmocka_unit_test(a_program_under_another_name_is_compared),
		cmocka_unit_test(windows_of_one_recording_compare),
		cmocka_unit_test(the_flame_graph_says_what_changed),
		cmocka_unit_test(without_phases_there_is_a_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
