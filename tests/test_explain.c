/* Explanations: everything that has a name here has a text, and numbers are the recording's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/groups.h"
#include "counters/machine.h"
#include "kernels/kernel.h"
#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tests/fixture_gpu.h"
#include "tui/explain.h"
#include "tui/face.h"
#include "tui/view.h"

static void patterns_fit(void **state)
{
	(void)state;
	assert_true(explain_fits("gemm*", 5, "gemm_avx512"));
	assert_true(explain_fits("*gemm*", 6, "void gemm<float>"));
	assert_true(explain_fits("*", 1, ""));
	assert_true(explain_fits("a*b*c", 5, "aXXbYYbZc"));
	assert_false(explain_fits("a*b*c", 5, "aXXbYYbZ"));
	assert_false(explain_fits("gemm", 4, "gemm_x"));
	assert_false(explain_fits("gemm_x", 6, "gemm"));
	assert_true(explain_fits("[lost*", 6, "[lost]")); /* brackets are just brackets */
	char *name = malloc(20001);                       /* no time beyond pattern times name */
	memset(name, 'a', 20000);
	name[20000] = '\0';
	assert_false(explain_fits("*a*a*a*b", 8, name));
	free(name);
}

static bool is_last_resort(const char *kind, const struct explain_entry *entry)
{
	struct explain_entry last;
	assert_true(explain_find(kind, "\001no such name", &last));
	return strcmp(entry->parts[EXPLAIN_WHAT], last.parts[EXPLAIN_WHAT]) == 0;
}

static void has_text(const char *kind, const char *name)
{
	struct explain_entry entry;
	if (!explain_find(kind, name, &entry) || !entry.parts[EXPLAIN_WHAT][0] ||
	    is_last_resort(kind, &entry))
		fail_msg("there is no text for the %s \"%s\"", kind, name);
}

static void every_metric_has_a_text(void **state)
{
	size_t n = 0;
	(void)state;
	for (const struct group_text *group = group_texts; group->name; group++)
		for (const char *at = group->text; (at = strstr(at, "\nmetric ")); at++) {
			char name[128];
			assert_int_equal(sscanf(at, "\nmetric %127[^[]", name), 1);
			while (name[strlen(name) - 1] == ' ')
				name[strlen(name) - 1] = '\0';
			has_text("counter", name);
			n++;
		}
	assert_true(n > 60);
}

static void every_kernel_has_a_text(void **state)
{
	(void)state;
	for (const struct kernel *const *kernel = kernels; *kernel; kernel++) {
		if (strcmp((*kernel)->name, "fma_peak") == 0)
			has_text("phase", "fma_peak");
		has_text("function", (*kernel)->name);
	}
}

static void every_special_frame_has_a_text(void **state)
{
	static const char *const frames[] = {
		"[lost]",
		"[truncated]",
		"[cut: too many stacks]",
		"[kernel]",
		"[kernel without name]",
		"[unknown]",
		"[unknown: not mapped]",
		"[unknown: no name]",
		"[unknown: no symbol in libx.so]",
		"[unmatched gpu]",
		"[unknown: no unwind information in libx.so]",
		"[vdso]",
		"[anonymous code]",
		"[no stack]",
		"[gpu]",
		"[graph 7]",
		"[libx.so+0x1234]",
		"[unnamed]",
	};
	(void)state;
	for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++)
		has_text("function", frames[i]);
}

static void common_functions_have_a_text_and_others_are_not_mistaken(void **state)
{
	static const char *const known[] = { "memcpy",
					     "__memmove_avx_unaligned_erms",
					     "malloc",
					     "_int_free",
					     "pthread_mutex_lock",
					     "cudaLaunchKernel",
					     "expf",
					     "__x64_sys_read" };
	static const char *const others[] = {
		"log_likelihood",  "free_list_walk", "exponent_of", "select_best",
		"partition_graph", "scanner",        "x",           ""
	};
	struct explain_entry entry;
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		has_text("function", known[i]);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		assert_true(explain_find("function", others[i], &entry));
		if (!is_last_resort("function", &entry))
			fail_msg("%s is mistaken for: %s", others[i], entry.parts[EXPLAIN_WHAT]);
	}
}

/* Names in braces that the program fills in, and no others. */
static void every_value_in_the_texts_is_known(void **state)
{
	static const char known[] =
		" name self with self_time with_time whole_time share phase flops bytes intensity "
		"flop_rate byte_rate level least_time took_time lost_time attained value least "
		"most "
		"readings origin gpu_times gpu_each gpu_total gpu_share gpu_least gpu_most "
		"gpu_bytes gpu_rate gpu_blocks gpu_threads gpu_processors gpu_registers gpu_shared "
		"gpu_occupancy gpu_told gpu_flop_rate gpu_byte_rate moment_length moment_from "
		"moment_samples moment_weight "
		"moment_threads moment_cpus hottest hottest_share fact cpus cores caches "
		"peak_flops peak_bytes ridge output_bytes output_size change share_a share_b "
		"side_a side_b ";
	(void)state;
	for (const struct explain_text *file = explain_texts; file->name; file++)
		for (const char *at = file->text; (at = strchr(at, '{')); at++) {
			char name[64];
			snprintf(name, sizeof name, " %.*s ", (int)strcspn(at + 1, "}\n"), at + 1);
			if (at[1] != '{' && !strstr(known, name))
				fail_msg("%s.txt: {%s} is filled in by nobody", file->name, name);
		}
}

/* No part is cut: the longest joined text fits. */
static void every_part_fits(void **state)
{
	static const char *const kinds[] = { "function", "counter", "note", "numbers" };
	(void)state;
	for (const struct explain_text *file = explain_texts; file->name; file++)
		for (const char *at = file->text; (at = strstr(at, "\non ")); at++) {
			const char *end = strstr(at + 1, "\non ");
			size_t n = end ? (size_t)(end - at) : strlen(at);
			assert_true(n < EXPLAIN_PART_BYTES + 400);
		}
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct explain_entry entry;
		explain_find(kinds[i], "bound-memory", &entry);
		for (int part = 0; part < N_EXPLAIN_PARTS; part++)
			assert_true(strlen(entry.parts[part]) < EXPLAIN_PART_BYTES - 200);
	}
}

static void values_are_filled_in(void **state)
{
	struct explain_values values = { .n = 0 };
	char out[64], small[8];
	(void)state;
	explain_set(&values, "a", "1");
	explain_set(&values, "b", "two");
	explain_fill("{a} + {b} = {c}, {", &values, out, sizeof out);
	assert_string_equal(out, "1 + two = \xe2\x80\x93, \xe2\x80\x93");
	explain_fill("{b}{b}{b}{b}", &values, small, sizeof small);
	assert_string_equal(small, "twotwot");
}

static char *text_of(const struct recording *recording, const struct view_subject *subject)
{
	struct view_focus focus = { 0 };
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	explain_write(out, recording, &focus, subject);
	fclose(out);
	return text;
}

static void numbers_are_the_recording_s(void **state)
{
	struct recording *recording = fixture_timed();
	uint64_t n = recording_moment(recording).n[TABLE_FUNCTIONS];
	bool is_found = false;
	(void)state;
	for (uint32_t id = 1; id < n; id++) {
		struct view_subject subject = subject_of_function(recording, id);
		if (strcmp(subject.name, "first") != 0)
			continue;
		char *text = text_of(recording, &subject), *again = text_of(recording, &subject);
		assert_string_equal(text, again);
		assert_ptr_equal(strstr(text, "first (function)\n"), text);
		assert_non_null(strstr(text, "own time = 54.5 % of all samples"));
		assert_null(strchr(text, '{'));
		free(text);
		free(again);
		is_found = true;
	}
	assert_true(is_found);
	n = recording_moment(recording).n[TABLE_SERIES];
	for (uint32_t id = 1; id < n; id++) {
		struct view_subject subject = {
			.kind = SUBJECT_COUNTER,
			.id = id,
			.name = recording_string_at(recording,
						    recording_series(recording, id)->name),
		};
		char *text = text_of(recording, &subject);
		assert_non_null(strstr(text, "readings"));
		assert_null(strchr(text, '{'));
		free(text);
	}
	recording_free(recording);
}

/* The screen has one line for it, which most reasons do not fit in. */
static void a_counter_says_why(void **state)
{
	static const struct {
		enum origin origin;
		const char *line;
	} cases[] = {
		{ ORIGIN_UNAVAILABLE, "Why it is not available: No PMU {here}. Enable it.\n" },
		{ ORIGIN_MODELLED, "Where it is from: No PMU {here}. Enable it.\n" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct recording *recording = recording_new();
		struct series_row row = { .name = recording_add_string(recording, "IPC"),
					  .origin = cases[i].origin,
					  .reason =
						  recording_add_string(recording, "No PMU {here}."),
					  .remedy = recording_add_string(recording, "Enable it.") };
		uint32_t id = recording_add_series(recording, &row);
		recording_publish(recording);
		const struct view_subject subject = { .kind = SUBJECT_COUNTER,
						      .id = id,
						      .name = "IPC" };
		char *text = text_of(recording, &subject);
		assert_non_null(strstr(text, cases[i].line));
		free(text);
		recording_free(recording);
	}
}

/* Of the first subject of a view, as `e` shows it. */
static char *explain_view(struct recording *recording, const char *view, const char *keys)
{
	struct face_settings settings = { .recording = recording, .command = "x", .view = view };
	struct face *face = face_new(&settings);
	struct canvas canvas = canvas_new(120, 60);
	char *text;
	size_t n;
	face_draw(face, &canvas, recording->start_ns + 1000000000);
	face_keys(face, keys);
	face_draw(face, &canvas, recording->start_ns + 1000000000);
	FILE *out = open_memstream(&text, &n);
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	canvas_free(&canvas);
	face_free(face);
	return text;
}

/* "1.50 instruct": a value without its unit is whole, a cut one is not. */
static void long_units_are_not_cut(void **state)
{
	struct recording *recording = recording_new();
	struct series_row series = { .name = recording_add_string(recording, "IPC"),
				     .unit = recording_add_string(recording, "instructions/cycle"),
				     .origin = ORIGIN_MEASURED };
	uint32_t id = recording_add_series(recording, &series);
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct reading_row row = { .time_ns = recording->start_ns + 100000000 * (i + 1ull),
					   .value = 1.5,
					   .series = id,
					   .running_ratio = 1,
					   .origin = ORIGIN_MEASURED };
		recording_add_reading(recording, &row);
	}
	recording_publish(recording);
	char *text = explain_view(recording, "counters", "");
	assert_non_null(strstr(text, "  1.50  "));
	assert_non_null(strstr(text, "IPC  instructions/cycle"));
	assert_null(strstr(text, "1.50 i"));
	free(text);
	recording_free(recording);
}

static void shows(struct recording *recording, const char *view, const char *keys,
		  const char *expected)
{
	char *text = explain_view(recording, view, keys);
	if (!strstr(text, expected))
		fail_msg("%s, keys %s: no \"%s\" in\n%s", view, keys, expected, text);
	if (strchr(text, '{'))
		fail_msg("%s: not filled in:\n%s", view, text);
	free(text);
}

static void what_is_under_the_cursor_is_explained_in_every_view(void **state)
{
	struct recording *gpu = fixture_gpu(), *timed = fixture_timed();
	(void)state;
	shows(gpu, "gpu", "e", "of the GPU's busy time");
	shows(gpu, "gpu", "Ge", "(gpu)");
	shows(timed, "timeline", "e", "a column of the plots (moment)");
	shows(timed, "timeline", "me", "a cell of the heat map (moment)");
	shows(timed, "timeline", "e", "CPUs busy = ");
	shows(timed, "output", "e", "the program's terminal (output)");
	recording_free(gpu);
	recording_free(timed);
}

static void the_machine_is_explained(void **state)
{
	struct recording *recording = recording_new();
	struct machine *machine = machine_read("");
	(void)state;
	machine_store(machine, recording);
	recording_publish(recording);
	for (size_t i = 0; i < machine->n_facts; i++) {
		struct view_subject subject = { .kind = SUBJECT_MACHINE,
						.name = machine->facts[i].key };
		has_text("machine", subject.name);
		char *text = text_of(recording, &subject);
		assert_null(strchr(text, '{'));
		assert_ptr_equal(strstr(text, machine->facts[i].label), text);
		free(text);
	}
	shows(recording, "machine", "e", "picture (machine)");
	shows(recording, "machine", "je", "ceilings (machine)");
	shows(recording, "machine", "fffje", "(machine)");
	machine_free(machine);
	recording_free(recording);
}

static void any_recording_is_explained(void **state)
{
	struct recording *recordings[] = { fixture_hostile(), fixture_random(5, 200),
					   recording_new() };
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct moment moment = recording_moment(recordings[i]);
		for (uint32_t id = 1; id < moment.n[TABLE_FUNCTIONS] && id < 60; id++) {
			struct view_subject subject = subject_of_function(recordings[i], id);
			free(text_of(recordings[i], &subject));
		}
		for (uint32_t id = 1; id < moment.n[TABLE_NOTES]; id++) {
			struct view_subject subject = { .kind = SUBJECT_NOTE,
							.id = id,
							.name = "any" };
			free(text_of(recordings[i], &subject));
		}
		struct view_subject phase = { .kind = SUBJECT_PHASE, .name = "" }, none = { 0 };
		struct view_subject moment_of = { .kind = SUBJECT_MOMENT,
						  .name = "x",
						  .to_ns = UINT64_MAX };
		struct view_subject work = { .kind = SUBJECT_GPU, .id = 1, .name = "x" };
		struct view_subject output = { .kind = SUBJECT_OUTPUT, .name = "x" };
		free(text_of(recordings[i], &moment_of));
		free(text_of(recordings[i], &work));
		free(text_of(recordings[i], &output));
		free(text_of(recordings[i], &phase));
		free(text_of(recordings[i], &none));
		recording_free(recordings[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_fit),
		cmocka_unit_test(every_metric_has_a_text),
		cmocka_unit_test(every_kernel_has_a_text),
		cmocka_unit_test(every_special_frame_has_a_text),
		cmocka_unit_test(common_functions_have_a_text_and_others_are_not_mistaken),
		cmocka_unit_test(every_value_in_the_texts_is_known),
		cmocka_unit_test(every_part_fits),
		cmocka_unit_test(values_are_filled_in),
		cmocka_unit_test(numbers_are_the_recording_s),
		cmocka_unit_test(what_is_under_the_cursor_is_explained_in_every_view),
		cmocka_unit_test(a_counter_says_why),
		cmocka_unit_test(long_units_are_not_cut),
		cmocka_unit_test(the_machine_is_explained),
		cmocka_unit_test(any_recording_is_explained),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
