/* Rates of lines and of instructions, with numbers that were worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/rates.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "sampler/tree_sums.h"
#include "tests/fixture_frames.h"
#include "tests/fixture_model.h"
#include "tui/face.h"
#include "tui/function_lines.h"
#include "tui/view.h"

static volatile int total;
void add_for_the_test(int n);

__attribute__((noinline)) void add_for_the_test(int n)
{
	for (int i = 0; i < n; i++)
		total += i;
}

static uint64_t file_address(void)
{
	Dl_info information;
	assert_int_not_equal(dladdr((void *)(uintptr_t)add_for_the_test, &information), 0);
	return (uint64_t)(uintptr_t)add_for_the_test - (uint64_t)(uintptr_t)information.dli_fbase;
}

enum { N_EVENTS = 3 };

struct made {
	struct recording *recording;
	uint32_t module, thread, series[N_EVENTS];
};

static uint32_t text(const struct made *made, const char *words)
{
	return recording_add_string(made->recording, words);
}

/* Where in a function, and how far into its code. */
struct where {
	const char *function;
	uint32_t line, offset;
};

static uint32_t stack_of(const struct made *made, uint32_t parent, struct where where)
{
	struct recording *recording = made->recording;
	uint32_t name = text(made, where.function);
	bool is_code = strcmp(where.function, "add_for_the_test") == 0;
	struct function_row function = { .name = name,
					 .linkage_name = name,
					 .module = made->module,
					 .address = is_code ? file_address() : 0,
					 .size_bytes = is_code ? 24 : 0 };
	struct frame_row frame = { .address = (is_code ? file_address() : 1) + where.offset,
				   .module = made->module,
				   .flags = FRAME_LEAF };
	uint32_t id = recording_add_frame(recording, &frame);
	struct location_row location = { .function = recording_add_function(recording, &function),
					 .file = text(made, "/nonexistent/add.c"),
					 .line = where.line };
	recording_add_location(recording, &location);
	return recording_add_stack(recording, parent, id);
}

static void add_counts(const struct made *made, uint32_t stack, uint64_t time_ns,
		       const uint64_t *counts)
{
	for (int i = 0; i < N_EVENTS; i++) {
		struct sample_row row = { .time_ns = made->recording->start_ns + time_ns,
					  .weight = counts[i],
					  .stack = stack,
					  .thread = made->thread,
					  .count = 1,
					  .series = (uint16_t)made->series[i] };
		if (counts[i])
			recording_add_sample(made->recording, &row);
	}
}

static struct made begin(int n_events, enum origin origin, uint32_t group)
{
	static const char *const names[N_EVENTS] = { "cycles:u", "instructions:u",
						     "cache-misses:u" };
	struct made made = { .recording = recording_new() };
	struct module_row module = { .path = text(&made, "/proc/self/exe"), .kind = MODULE_FILE };
	made.module = recording_add_module(made.recording, &module);
	for (int i = 0; i < n_events; i++) {
		struct series_row row = { .name = text(&made, names[i]),
					  .unit = text(&made, "events"),
					  .origin = origin,
					  .flags = SERIES_SAMPLES | group << SERIES_GROUP_SHIFT };
		made.series[i] = recording_add_series(made.recording, &row);
	}
	uint32_t name = text(&made, "adds");
	struct thread_row thread = { .pid = 1, .tid = 1, .name = name, .process_name = name };
	made.thread = recording_add_thread(made.recording, &thread);
	return made;
}

static void end(const struct made *made)
{
	recording_flush_samples(made->recording, UINT64_MAX);
	recording_publish(made->recording);
}

/* Line 6 does much with few cycles, line 7 misses, line 8 only calls what is slow. */
static struct recording *grouped(enum origin origin)
{
	static const uint64_t fast[] = { 1000, 2000, 4 }, missing[] = { 3000, 1500, 300 },
			      slow[] = { 4000, 400, 0 }, later[] = { 1000, 500, 100 };
	struct made made = begin(N_EVENTS, origin, 3);
	uint32_t six = stack_of(&made, 0, (struct where){ "add_for_the_test", 6, 0 });
	uint32_t seven = stack_of(&made, 0, (struct where){ "add_for_the_test", 7, 4 });
	uint32_t eight = stack_of(&made, 0, (struct where){ "add_for_the_test", 8, 8 });
	add_counts(&made, six, 1000, fast);
	add_counts(&made, seven, 1000, missing);
	add_counts(&made, stack_of(&made, eight, (struct where){ "callee", 20, 64 }), 1000, slow);
	add_counts(&made, seven, 5000000000, later);
	end(&made);
	return made.recording;
}

/* ---- values */

static const struct function_line *line_of(const struct function_lines *lines, uint32_t line)
{
	for (size_t i = 0; i < lines->n_rows; i++)
		if (lines->rows[i].line == line)
			return &lines->rows[i];
	fail_msg("no line %u", line);
	return NULL;
}

static double value_of(const struct function_lines *lines, uint32_t line, const char *rate,
		       bool is_self)
{
	const uint64_t *sums =
		row_sums_of(&lines->row_sums, &lines->sums, line_of(lines, line)->place, is_self);
	for (size_t i = 0; i < lines->sums.rates.n; i++)
		if (strcmp(lines->sums.rates.rows[i].name, rate) == 0)
			return rates_value(&lines->sums.rates.rows[i], sums);
	fail_msg("no rate %s", rate);
	return NAN;
}

static void lines_have_rates_of_their_own_counts(void **state)
{
	struct recording *recording = grouped(ORIGIN_MEASURED);
	struct function_lines lines = { 0 };
	struct view_focus focus = { .function = fixture_function(recording, "add_for_the_test") };
	(void)state;
	assert_true(function_lines_update(&lines, recording, &focus, 0));
	assert_float_equal(value_of(&lines, 6, "IPC", false), 2.0, 1e-9);
	assert_float_equal(value_of(&lines, 6, "cache-misses", false), 2.0, 1e-9);
	assert_float_equal(value_of(&lines, 7, "IPC", false), 0.5, 1e-9);
	assert_float_equal(value_of(&lines, 7, "cache-misses", false), 200.0, 1e-9);
	assert_float_equal(value_of(&lines, 8, "IPC", false), 0.1, 1e-9);
	assert_float_equal(value_of(&lines, 8, "cache-misses", false), 0.0, 1e-9);
	assert_true(isnan(value_of(&lines, 8, "IPC", true)));
	assert_float_equal(value_of(&lines, 7, "IPC", true), 0.5, 1e-9);
	assert_false(function_lines_update(&lines, recording, &focus, 0));
	/* Only the second half: line 7's last sample. */
	focus.from_ns = recording->start_ns + 1000000000;
	assert_true(function_lines_update(&lines, recording, &focus, 0));
	assert_int_equal(lines.n_rows, 1);
	assert_int_equal(lines.with, 1000);
	assert_float_equal(value_of(&lines, 7, "cache-misses", false), 200.0, 1e-9);
	/* Self and with of another event; rates stay. */
	focus.from_ns = 0;
	assert_true(function_lines_update(&lines, recording, &focus, 3));
	assert_int_equal(line_of(&lines, 7)->self, 400);
	assert_int_equal(line_of(&lines, 8)->with, 0);
	assert_float_equal(value_of(&lines, 8, "IPC", false), 0.1, 1e-9);
	function_lines_free(&lines);
	recording_free(recording);
}

static void recursion_counts_once(void **state)
{
	static const uint64_t counts[] = { 100, 50, 0 };
	struct made made = begin(N_EVENTS, ORIGIN_MEASURED, 3);
	uint32_t outer = stack_of(&made, 0, (struct where){ "again", 3, 0 });
	uint32_t inner = stack_of(&made, outer, (struct where){ "again", 3, 8 });
	struct function_lines lines = { 0 };
	(void)state;
	add_counts(&made, inner, 1, counts);
	end(&made);
	struct view_focus focus = { .function = fixture_function(made.recording, "again") };
	function_lines_update(&lines, made.recording, &focus, 0);
	const uint64_t *sums =
		row_sums_of(&lines.row_sums, &lines.sums, line_of(&lines, 3)->place, false);
	assert_int_equal(sums[0], 100);
	assert_int_equal(sums[1], 50);
	function_lines_free(&lines);
	recording_free(made.recording);
}

/* ---- screens */

static char *screen_of(struct recording *recording, const char *keys)
{
	struct face_settings settings = { .recording = recording,
					  .command = "x",
					  .view = "functions" };
	struct canvas canvas = canvas_new(200, 40);
	char *out_text;
	size_t n;
	struct face *face = face_new(&settings);
	face_draw(face, &canvas, recording->start_ns);
	face_keys(face, keys);
	face_draw(face, &canvas, recording->start_ns);
	FILE *out = open_memstream(&out_text, &n);
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	canvas_free(&canvas);
	face_free(face);
	return out_text;
}

static void shows(struct recording *recording, const char *keys, const char *expected)
{
	char *screen = screen_of(recording, keys);
	if (!strstr(screen, expected))
		fail_msg("no \"%s\" on\n%s", expected, screen);
	free(screen);
}

static void the_view_shows_them_with_their_provenance(void **state)
{
	struct recording *recording = grouped(ORIGIN_MEASURED);
	(void)state;
	shows(recording, "/add_for\ra", "\u25cf IPC  \u25cf cache-misses/k  \u25cf cache-misses:u");
	shows(recording, "/add_for\ra", "7      0.50            200.00");
	shows(recording, "/add_for\ra",
	      "\u25cf IPC 0.50 = 2.00 k instructions:u / 4.00 k cycles:u; \u25cf cache-misses "
	      "200.00 = "
	      "1000 \u00d7 400 cache-misses:u / 2.00 k instructions:u");
	shows(recording, "/add_for\raik", "rates of the line itself");
	shows(recording, "/add_for\raij", "no cycles:u were counted here");
	shows(recording, "/add_for\raww%", "     400      400      7");
	shows(recording, "/add_for\rax", "line  \u25cf cache-misses/k");
	recording_free(recording);
	recording = grouped(ORIGIN_SCALED);
	shows(recording, "/add_for\ra", "\u25d0 IPC");
	recording_free(recording);
}

static void instructions_have_them_too(void **state)
{
	(void)state;
#if HAVE_CAPSTONE
	struct recording *recording = grouped(ORIGIN_MEASURED);
	char row[128];
	snprintf(row, sizeof row, "11.1 %%   11.1 %% %12llx      2.00              2.00",
		 (unsigned long long)file_address());
	shows(recording, "/add_for\ram", row);
	shows(recording, "/add_for\ram", "\u25cf IPC  \u25cf cache-misses/k");
	recording_free(recording);
#else
	puts("SKIP instructions: built without capstone");
	skip();
#endif
}

static void why_there_are_none_is_said(void **state)
{
	static const uint64_t counts[] = { 100, 0, 0 };
	struct made made = begin(1, ORIGIN_SOFTWARE, 0);
	(void)state;
	add_counts(&made, stack_of(&made, 0, (struct where){ "alone", 3, 0 }), 1, counts);
	end(&made);
	shows(made.recording, "a", "rates \u2013: one event was sampled alone");
	struct series_row missing = { .name = text(&made, "instructions"),
				      .reason = text(&made, "This machine has no PMU."),
				      .flags = SERIES_SAMPLES };
	recording_add_series(made.recording, &missing);
	recording_publish(made.recording);
	shows(made.recording, "a", "rates \u2013: instructions: This machine has no PMU.");
	recording_free(made.recording);
}

/* Sampled one by one they counted at other moments, with counters of other times. */
static void no_ratio_mixes_groups(void **state)
{
	static const uint64_t counts[] = { 100, 50, 10 };
	struct made made = begin(N_EVENTS, ORIGIN_MEASURED, 0);
	struct rates rates;
	(void)state;
	add_counts(&made, stack_of(&made, 0, (struct where){ "apart", 3, 0 }), 1, counts);
	end(&made);
	rates_find(&rates, made.recording, made.series[0]);
	assert_int_equal(rates.n, 0);
	assert_int_equal(rates.n_sums, 3);
	shows(made.recording, "a", "rates \u2013: the events were sampled one by one");
	/* A clock that was read with others is none for those that were not. */
	struct series_row clock = { .name = text(&made, "cpu-clock"),
				    .unit = text(&made, "ns"),
				    .origin = ORIGIN_SOFTWARE,
				    .flags = SERIES_SAMPLES | 1 << SERIES_GROUP_SHIFT };
	uint32_t id = recording_add_series(made.recording, &clock);
	recording_publish(made.recording);
	rates_find(&rates, made.recording, id);
	assert_int_equal(rates.n, 0);
	recording_free(made.recording);
}

/* ---- the cache model's */

static void modelled_misses_are_by_line(void **state)
{
	struct recording *recording = fixture_model();
	struct function_lines lines = { 0 };
	struct view_focus focus = { .function = fixture_function(recording, "take_turn") };
	(void)state;
	function_lines_update(&lines, recording, &focus, 0);
	assert_float_equal(value_of(&lines, 7, "L1 misses", true), 0.25, 1e-9);
	assert_float_equal(value_of(&lines, 7, "L2 misses", true), 0.25, 1e-9);
	assert_float_equal(value_of(&lines, 7, "TLB misses", true), 0.1, 1e-9);
	assert_float_equal(value_of(&lines, 6, "L1 misses", true), 0.0, 1e-9);
	assert_true(isnan(value_of(&lines, 6, "L2 misses", true)));
	function_lines_free(&lines);
	shows(recording, "a", "\u2248 L1 misses  \u2248 L1-misses  \u2248 L2 misses");
	shows(recording, "a", "25.0 %       20.0 k       25.0 %       5.00 k");
	recording_free(recording);
}

static uint32_t series_named(const struct recording *recording, const char *name)
{
	uint64_t n = recording_moment(recording).n[TABLE_SERIES];
	for (uint32_t i = 1; i < n; i++)
		if (strcmp(recording_string_at(recording, recording_series(recording, i)->name),
			   name) == 0)
			return i;
	fail_msg("no series %s", name);
	return 0;
}

/* Sums of one array's node in a tree of accesses by array. */
static const uint64_t *array_sums(const struct recording *recording, const struct tree *tree,
				  const struct tree_sums *sums, const char *name)
{
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(tree, &n);
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(recording_string_at(recording, nodes[i].name), name) == 0)
			return tree_sums_of(sums, i);
	fail_msg("no array %s", name);
	return NULL;
}

static void arrays_have_miss_rates(void **state)
{
	struct recording *recording = fixture_model();
	struct tree_options options = { .root = TREE_ROOT_NONE,
					.series = series_named(recording,
							       "memory-accesses-by-array") };
	struct tree *tree = tree_open(recording, &options);
	struct rates rates;
	(void)state;
	tree_update(tree);
	rates_find(&rates, recording, options.series);
	assert_string_equal(rates.rows[0].name, "L1 misses");
	assert_int_equal(rates.rows[0].origin, ORIGIN_MODELLED);
	struct tree_sums *sums = tree_sums_open(recording, tree, rates.sums, rates.n_sums);
	tree_sums_update(sums);
	const uint64_t *heap = array_sums(recording, tree, sums, "[2.00 MiB from main:14]");
	assert_float_equal(rates_value(&rates.rows[0], heap), 0.25, 1e-9);
	const uint64_t *global = array_sums(recording, tree, sums, "[weights, global, 64.0 KiB]");
	assert_float_equal(rates_value(&rates.rows[0], global), 0.05, 1e-9);
	/* 100 of 50000 */
	const uint64_t *stack = array_sums(recording, tree, sums, "[stack]");
	assert_float_equal(rates_value(&rates.rows[0], stack), 0.002, 1e-9);
	tree_sums_close(sums);
	tree_close(tree);
	/* No ratio mixes the two ways of counting. */
	rates_find(&rates, recording, series_named(recording, "memory-accesses"));
	for (size_t i = 0; i < rates.n_sums; i++)
		assert_null(strstr(
			recording_string_at(
				recording, recording_series(recording, rates.sums[i].series)->name),
			"by-array"));
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_have_rates_of_their_own_counts),
		cmocka_unit_test(recursion_counts_once),
		cmocka_unit_test(the_view_shows_them_with_their_provenance),
		cmocka_unit_test(instructions_have_them_too),
		cmocka_unit_test(why_there_are_none_is_said),
		cmocka_unit_test(no_ratio_mixes_groups),
		cmocka_unit_test(modelled_misses_are_by_line),
		cmocka_unit_test(arrays_have_miss_rates),
	};
	add_for_the_test(3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
