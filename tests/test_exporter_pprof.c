/* pprof profiles read back by a decoder of our own tests: totals, labels, mappings, inline lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"
#include "sampler/recording_window.h"
#include "tests/fixture.h"
#include "tests/fixture_export.h"
#include "tests/fixture_gpu.h"
#include "tests/fixture_pprof.h"
#include "tests/fixture_stacks.h"

static int needs_pprof(void **state)
{
	(void)state;
	const struct exporter *exporter = exporter_find("pprof");
	const char *problem = exporter->unusable ? exporter->unusable() : NULL;
	if (problem)
		printf("SKIP pprof: %s\n", problem);
	return 0;
}

static void skip_if_unusable(void)
{
	if (exporter_find("pprof")->unusable())
		skip();
}

static struct pprof *export_pprof(const struct recording *recording)
{
	size_t n;
	char *bytes = export_text(recording, "pprof", &n);
	struct pprof *pprof = pprof_decode(bytes, n);
	free(bytes);
	return pprof;
}

static size_t names_of(const struct pprof *pprof, const struct pprof_sample *sample,
		       const char **names)
{
	size_t n = 0;
	for (size_t i = 0; i < sample->n_locations; i++) {
		const struct pprof_location *location = &pprof->locations[sample->locations[i]];
		assert_true(location->n_lines > 0);
		assert_true(location->mapping == 0 || pprof->mapping_files[location->mapping]);
		for (size_t k = 0; k < location->n_lines; k++) {
			const char *name = pprof->functions[location->lines[k].function];
			assert_non_null(name);
			names[n++] = name;
		}
	}
	return n;
}

static void holds_every_series(void **state)
{
	(void)state;
	struct recording *recording;
	skip_if_unusable();
	for (int i = 0; (recording = fixture_subject(i)); i++) {
		struct pprof *pprof = export_pprof(recording);
		for (size_t type = 0; type < pprof->n_types; type += 2) {
			struct stack_lines lines = { 0 };
			for (size_t k = 0; k < pprof->n_samples; k++) {
				const char *names[4096];
				size_t n = names_of(pprof, &pprof->samples[k], names);
				char *text = stack_text(names, n);
				stack_lines_add(&lines, text, pprof->samples[k].values[type + 1],
						pprof->samples[k].values[type]);
				free(text);
			}
			/* Series of samples are the first ones of every fixture. */
			struct stack_lines held =
				stack_lines_of(recording, (uint32_t)(type / 2 + 1));
			const char *difference = stack_lines_difference(&held, &lines, 'b');
			if (difference)
				fail_msg("%s: %s", pprof->types[type], difference);
			stack_lines_free(&held);
			stack_lines_free(&lines);
		}
		pprof_free(pprof);
		recording_free(recording);
	}
}

static const struct pprof_label *label(const struct pprof_sample *sample, const char *key)
{
	for (size_t i = 0; i < sample->n_labels; i++)
		if (strcmp(sample->labels[i].key, key) == 0)
			return &sample->labels[i];
	return NULL;
}

static void names_types_and_times(void **state)
{
	(void)state;
	skip_if_unusable();
	struct recording *recording = fixture_known();
	struct pprof *pprof = export_pprof(recording);
	assert_int_equal(pprof->n_types, 2);
	assert_string_equal(pprof->types[0], "samples");
	assert_string_equal(pprof->units[0], "count");
	assert_string_equal(pprof->types[1], "cpu-clock");
	assert_string_equal(pprof->units[1], "nanoseconds");
	assert_string_equal(pprof->default_type, "cpu-clock");
	assert_true(pprof->time_ns == 1700000000000000000);
	assert_true(pprof->duration_ns == 1500000000);
	assert_true(pprof->period == 1000000000 / 997);
	assert_string_equal(pprof->mapping_files[1], "/usr/bin/train");
	pprof_free(pprof);
	recording_free(recording);
}

static void labels_samples(void **state)
{
	(void)state;
	skip_if_unusable();
	struct recording *recording = fixture_hostile();
	struct pprof *pprof = export_pprof(recording);
	size_t n_load = 0, n_inner = 0, n_scaled = 0;
	assert_int_equal(pprof->n_types, 4);
	assert_string_equal(pprof->types[2], "cache \"misses\",.samples");
	for (size_t i = 0; i < pprof->n_samples; i++) {
		const struct pprof_sample *sample = &pprof->samples[i];
		const struct pprof_label *phase = label(sample, "phase");
		assert_int_equal(label(sample, "pid")->number, 7);
		assert_true(label(sample, "tid")->number == 7 || label(sample, "tid")->number == 8);
		assert_non_null(label(sample, "thread"));
		const char *origin = label(sample, "provenance")->text;
		n_scaled += strcmp(origin, "scaled") == 0;
		/* One series a sample, so that its provenance is one. */
		assert_true((sample->values[0] > 0) == (strcmp(origin, "software") == 0));
		assert_true((sample->values[2] > 0) == (strcmp(origin, "scaled") == 0));
		n_load += phase && strcmp(phase->text, "load, \"it\"") == 0;
		n_inner += phase && strcmp(phase->text, "inner") == 0;
	}
	/* Times are 0, 30, 60 and 90 ms; phases 0-40 and 40-80 ms; 5-15 ms in thread 7 alone. */
	assert_true(n_scaled > 0 && n_load > 0 && n_load < pprof->n_samples && n_inner == 0);
	assert_string_equal(pprof->build_ids[1], "00ff12");
	pprof_free(pprof);
	recording_free(recording);
}

/* 30 kernels of 410 us and 30 of 15, 30 or 45 us on stream 7, 30 of 100 us on stream 13. */
static void labels_streams(void **state)
{
	(void)state;
	skip_if_unusable();
	struct recording *recording = fixture_gpu();
	struct pprof *pprof = export_pprof(recording);
	uint64_t on_7_ns = 0, on_13_ns = 0, all_ns = 0;
	for (size_t i = 0; i < pprof->n_samples; i++) {
		const struct pprof_label *stream = label(&pprof->samples[i], "stream");
		uint64_t ns = pprof->samples[i].values[1];
		all_ns += ns;
		if (stream && strcmp(stream->text, "GPU 0 stream 7") == 0)
			on_7_ns += ns;
		if (stream && strcmp(stream->text, "GPU 0 stream 13") == 0)
			on_13_ns += ns;
	}
	assert_int_equal(on_7_ns, 30 * 410000 + 30 * 30000);
	assert_int_equal(on_13_ns, 30 * 100000);
	assert_int_equal(all_ns, on_7_ns + on_13_ns + 1250000); /* and a copy on stream 14 */
	pprof_free(pprof);
	recording_free(recording);
}

/* One stack on two streams within one slot of time: each work is told from the other. */
static void tells_streams_of_one_stack_apart(void **state)
{
	(void)state;
	skip_if_unusable();
	struct recording *recording = recording_new();
	uint32_t lanes[2],
		stack = recording_add_stack(recording, 0,
					    recording_add_special_frame(recording, "[launch]", 0));
	struct series_row time = { .name = recording_add_string(recording, "gpu-time"),
				   .unit = recording_add_string(recording, "ns"),
				   .origin = ORIGIN_MEASURED,
				   .flags = SERIES_SAMPLES | SERIES_VALUES };
	uint16_t series = (uint16_t)recording_add_series(recording, &time);
	for (int i = 0; i < 2; i++) {
		struct series_row lane = { .name = recording_add_string(recording, i ? "stream 2"
										     : "stream 1"),
					   .device = recording_add_string(recording, "GPU 0"),
					   .flags = SERIES_SPANS };
		lanes[i] = recording_add_series(recording, &lane);
	}
	for (uint64_t i = 0; i < 6; i++) {
		uint64_t at_ns = recording->start_ns + i * 1000, ns = i % 2 ? 300 : 200;
		struct span_row span = {
			.start_ns = at_ns, .duration_ns = ns, .series = lanes[i % 2], .stack = stack
		};
		struct sample_row sample = {
			.time_ns = at_ns, .weight = ns, .stack = stack, .count = 1, .series = series
		};
		recording_add_span(recording, &span);
		recording_add_sample(recording, &sample);
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_name_rest(recording, "[launch]");
	recording_publish(recording);
	struct pprof *pprof = export_pprof(recording);
	assert_int_equal(pprof->n_samples, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct pprof_label *stream = label(&pprof->samples[i], "stream");
		assert_non_null(stream);
		bool is_second = strcmp(stream->text, "GPU 0 stream 2") == 0;
		assert_int_equal(pprof->samples[i].values[0], 3);
		assert_int_equal(pprof->samples[i].values[1], is_second ? 900 : 600);
	}
	pprof_free(pprof);
	recording_free(recording);
}

static void keeps_inline_frames_in_one_location(void **state)
{
	(void)state;
	skip_if_unusable();
	struct recording *recording = fixture_known();
	struct pprof *pprof = export_pprof(recording);
	size_t n_inlined = 0;
	for (size_t id = 1; id < PPROF_MOST; id++) {
		const struct pprof_location *location = &pprof->locations[id];
		if (location->n_lines < 2)
			continue;
		n_inlined++;
		assert_string_equal(pprof->functions[location->lines[0].function], "sigmoid");
		assert_string_equal(pprof->functions[location->lines[1].function], "gradients");
		assert_int_equal(location->address, 77777);
	}
	assert_int_equal(n_inlined, 1);
	pprof_free(pprof);
	recording_free(recording);
}

static void is_the_same_every_time(void **state)
{
	(void)state;
	skip_if_unusable();
	size_t n_first, n_second;
	struct recording *recording = fixture_random(7, 500);
	char *first = export_text(recording, "pprof", &n_first);
	char *second = export_text(recording, "pprof", &n_second);
	assert_int_equal(n_first, n_second);
	assert_memory_equal(first, second, n_first);
	free(first);
	free(second);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_every_series),
		cmocka_unit_test(names_types_and_times),
		cmocka_unit_test(labels_samples),
		cmocka_unit_test(labels_streams),
		cmocka_unit_test(tells_streams_of_one_stack_apart),
		cmocka_unit_test(keeps_inline_frames_in_one_location),
		cmocka_unit_test(is_the_same_every_time),
	};
	return cmocka_run_group_tests(tests, needs_pprof, NULL);
}
