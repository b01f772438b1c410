/* Trees that follow a growing recording against trees built in one go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tests/fixture.h"
#include "tests/fixture_frames.h"
#include "tests/fixture_growing.h"

enum { MOST_FUNCTIONS = 4096 };

/* The same nodes by path: ids are first-seen order, which is the same here. */
static void expect_equal(const struct tree *one, const struct tree *other)
{
	uint32_t n_one, n_other;
	const struct tree_node *a = tree_nodes(one, &n_one), *b = tree_nodes(other, &n_other);
	assert_int_equal(n_one, n_other);
	for (uint32_t i = 0; i < n_one; i++) {
		assert_int_equal(a[i].function, b[i].function);
		assert_int_equal(a[i].self, b[i].self);
		assert_int_equal(a[i].total, b[i].total);
	}
	struct tree_function *left = allocate(MOST_FUNCTIONS, sizeof *left),
			     *right = allocate(MOST_FUNCTIONS, sizeof *right);
	size_t n = tree_functions(one, left, MOST_FUNCTIONS);
	assert_int_equal(n, tree_functions(other, right, MOST_FUNCTIONS));
	assert_memory_equal(left, right, n * sizeof *left);
	free(left);
	free(right);
}

static void compare_growing(const struct tree_options *options, uint64_t seed)
{
	struct growing growing;
	growing_start(&growing, seed, 3);
	struct tree *follower = tree_open(growing.recording, options);
	unsigned n_samples = 2000 + 5;
	for (unsigned i = 0; i < 300; i++) {
		n_samples += 1 + i % 7;
		growing_add(&growing, 1 + i % 7); /* few, so that sums are added to */
		tree_update(follower);
	}
	growing_add(&growing, 2000); /* many, so that they are made anew */
	tree_update(follower);
	growing_add(&growing, 5);
	tree_update(follower);
	assert_false(tree_update(follower));
	struct tree *at_once = tree_open(growing.recording, options);
	assert_true(tree_update(at_once));
	expect_equal(follower, at_once);
	assert_int_equal(tree_n_samples(at_once), n_samples);
	tree_close(follower);
	tree_close(at_once);
	recording_free(growing.recording);
}

static void following_equals_building_at_once(void **state)
{
	(void)state;
	compare_growing(&(struct tree_options){ .root = TREE_ROOT_NAME }, 1);
	compare_growing(&(struct tree_options){ .root = TREE_ROOT_THREAD }, 2);
	compare_growing(&(struct tree_options){ .is_inverted = true }, 3);
	compare_growing(&(struct tree_options){ .root = TREE_ROOT_NAME, .is_inverted = true }, 4);
	compare_growing(&(struct tree_options){ .fold_recursion = true }, 5);
	compare_growing(&(struct tree_options){ .merge_names = true }, 6);
}

/* Exclusive and inclusive weight do not depend on which way up the tree is. */
static void both_ways_up_agree(void **state)
{
	struct growing growing;
	struct tree_function down[64], up[64];
	(void)state;
	growing_start(&growing, 7, 3);
	growing_add(&growing, 3000);
	struct tree *one = tree_open(growing.recording, &(struct tree_options){ 0 });
	struct tree *other =
		tree_open(growing.recording, &(struct tree_options){ .is_inverted = true });
	tree_update(one);
	tree_update(other);
	size_t n = tree_functions(one, down, 64);
	assert_int_equal(tree_functions(other, up, 64), n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(down[i].function, up[i].function);
		assert_int_equal(down[i].exclusive, up[i].exclusive);
		assert_int_equal(down[i].inclusive, up[i].inclusive);
		assert_int_equal(down[i].n_exclusive, up[i].n_exclusive);
	}
	tree_close(one);
	tree_close(other);
	recording_free(growing.recording);
}

/* The weight left over and how many nodes show it. fixture_known: 1000 samples of 1 ms. */
static void expect_left(const struct recording *recording, struct tree_options options,
			uint64_t weight_ms, uint32_t n_nodes)
{
	uint32_t n;
	struct tree *tree = tree_open(recording, &options);
	tree_update(tree);
	const struct tree_node *nodes = tree_nodes(tree, &n);
	uint32_t n_seen = 0;
	for (uint32_t i = 0; i < n; i++)
		n_seen += nodes[i].total > 0;
	assert_int_equal(nodes[0].total, weight_ms * 1000000);
	assert_int_equal(n_seen, n_nodes);
	tree_close(tree);
}

/* What narrows a tree, on stacks whose weights are known. */
static void narrowed_trees_keep_the_right_weight(void **state)
{
	struct recording *recording = fixture_known();
	uint32_t train = fixture_function(recording, "train_model");
	uint32_t sigmoid = fixture_function(recording, "sigmoid");
	uint32_t program = recording_function(recording, train)->module;
	regex_t pattern;
	(void)state;
	assert_int_equal(regcomp(&pattern, "^(sigmoid|ksys)", REG_EXTENDED | REG_NOSUB), 0);
	expect_left(recording, (struct tree_options){ 0 }, 1000, 12);
	/* all, train_model, build_histogram, gradients, sigmoid */
	expect_left(recording, (struct tree_options){ .focus = train }, 835, 5);
	/* all, train_model, main */
	expect_left(recording, (struct tree_options){ .focus = train, .is_inverted = true }, 835,
		    3);
	expect_left(recording, (struct tree_options){ .focus = sigmoid }, 150, 2);
	/* all, sigmoid, gradients, train_model, main */
	expect_left(recording, (struct tree_options){ .focus = sigmoid, .is_inverted = true }, 150,
		    5);
	expect_left(recording, (struct tree_options){ .only_kernel = true }, 95, 3);
	expect_left(recording, (struct tree_options){ .only_module = program }, 930, 8);
	expect_left(recording, (struct tree_options){ .hidden_module = program }, 1000, 5);
	/* all, main, train_model, gradients, sigmoid, ksys_read, copy_user */
	expect_left(recording, (struct tree_options){ .pattern = &pattern }, 245, 7);
	regfree(&pattern);
	recording_free(recording);
}

/* The same nodes, and the same weights again; of a part of the time only what came then. */
static void a_tree_that_forgets_keeps_its_nodes(void **state)
{
	struct recording *recording = fixture_timed();
	struct tree_options options = { .root = TREE_ROOT_NAME };
	struct tree *tree = tree_open(recording, &options);
	struct tree_function before[8], after[8];
	uint32_t n_before, n_after;
	(void)state;
	tree_update(tree);
	uint64_t whole = tree_nodes(tree, &n_before)[0].total, n_samples = tree_n_samples(tree);
	size_t n = tree_functions(tree, before, 8);
	tree_forget(tree, 0);
	assert_int_equal(tree_nodes(tree, &n_after)[0].total, 0);
	assert_int_equal(n_after, n_before);
	assert_true(tree_update(tree));
	assert_int_equal(tree_nodes(tree, &n_after)[0].total, whole);
	assert_int_equal(n_after, n_before);
	assert_int_equal(tree_n_samples(tree), n_samples);
	assert_int_equal(tree_functions(tree, after, 8), n);
	assert_memory_equal(before, after, n * sizeof before[0]);
	tree_forget(tree, UINT64_MAX);
	assert_false(tree_update(tree)); /* nothing is that new */
	assert_int_equal(tree_nodes(tree, &n_after)[0].total, 0);
	tree_close(tree);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_that_forgets_keeps_its_nodes),
		cmocka_unit_test(following_equals_building_at_once),
		cmocka_unit_test(both_ways_up_agree),
		cmocka_unit_test(narrowed_trees_keep_the_right_weight),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
