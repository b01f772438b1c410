/* What source_model makes of a program's tables: every count of them, under a name or under what
 * says that the name did not come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "counters/model_memory.h"
#include "counters/model_stacks.h"
#include "sampler/recording.h"
#include "sampler/recording_check.h"
#include "sampler/source.h"
#include "sampler/target.h"

extern const struct source source_model;

enum { N_SITES = 4, ACCESSES = 100, MISSES = 10, LOST = 7, BLOCK = 1, GLOBAL = 2 };

/* A call of a call in a file that is not there; each site on an array of its own, and one that its
 * thread was still writing when it was killed. */
static void fill(struct model_memory *memory)
{
	static const char maps[] = "1000-9000 r-xp 00000000 00:00 0 /nonexistent/program\n";
	memory->pid = 1;
	snprintf(memory->geometry, sizeof memory->geometry, "l1=32K/8,l2=1M/16,tlb=0");
	memcpy(memory->maps, maps, sizeof maps);
	memory->maps_bytes = sizeof maps - 1;
	memory->maps_changes = 2;
	memory->nodes[1] = (struct model_node){ .call = 1 };
	memory->nodes[2] = (struct model_node){ .call = 0x2000, .parent = 1, .entry = 0x3000 };
	memory->nodes[3] = (struct model_node){ .call = 0x4000, .parent = 2, .entry = 0x5100 };
	memory->arrays[BLOCK] = (struct model_array){ .pc = 0x5000,
						      .size_bytes = 8192,
						      .n_blocks = 1,
						      .node = 2,
						      .kind = MODEL_HEAP,
						      .is_whole = 1 };
	memory->arrays[GLOBAL] =
		(struct model_array){ .size_bytes = 64, .kind = MODEL_GLOBAL, .is_whole = 1 };
	snprintf(memory->arrays[GLOBAL].name, MODEL_NAME_BYTES, "global");
	memory->threads[1] = (struct model_thread){ .tid = 1, .is_whole = 1, .name = "program" };
	for (uint32_t i = 1; i <= N_SITES; i++)
		memory->sites[i] = (struct model_site){ .pc = 0x2000 + 0x1100 * i,
							.node = i < N_SITES ? i : 0,
							.thread = 1,
							.array = i < N_SITES ? i - 1 : 0,
							.counts = { ACCESSES, MISSES } };
	memory->sites[0].counts[MODEL_ACCESSES] = LOST;
	memory->n_nodes = 4;
	memory->n_sites = 1 + N_SITES;
	memory->n_arrays = 3;
	memory->n_threads = 2;
	memory->is_open = 1;
}

/* A recording of the program; last_ns: how long the last names may take, NULL = as ever. */
static struct recording *record(const uint64_t *last_ns)
{
	struct why why = { "" };
	struct sampling sampling;
	int fd = model_memory_create(&why);
	struct model_memory *memory = fd < 0 ? NULL : model_memory_map(fd, &why);
	if (!memory) {
		fail_msg("%s", why.text);
		return NULL;
	}
	fill(memory);
	sampling_defaults(&sampling);
	struct target target = { .sampling = &sampling, .pid = 1, .model_fd = fd };
	struct recording *recording = recording_new();
	void *state = calloc(1, source_model.state_bytes);
	assert_non_null(state);
	assert_true(source_model.open(state, &target, recording, &why));
	model_names_hurry(last_ns);
	source_model.drain(state, recording, true);
	model_names_hurry(NULL);
	source_model.close(state);
	free(state);
	model_memory_unmap(memory);
	close(fd);
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	assert_true(recording_check(recording, "a modelled program", &why));
	return recording;
}

static uint32_t series_of(const struct recording *recording, const char *name)
{
	for (uint32_t i = 1; i < recording_moment(recording).n[TABLE_SERIES]; i++)
		if (strcmp(recording_string_at(recording, recording_series(recording, i)->name),
			   name) == 0)
			return i;
	fail_msg("there is no series %s", name);
	return 0;
}

static const char *name_of(const struct recording *recording, uint32_t stack)
{
	uint32_t frame = recording_stack(recording, stack)->frame;
	assert_true(frame < recording_moment(recording).n[TABLE_LOCATIONS]);
	const struct location_row *location = recording_location(recording, frame);
	return recording_string_at(recording,
				   recording_function(recording, location->function)->name);
}

/* What a series counts under frames of this name, or altogether. */
static uint64_t sum_of(const struct recording *recording, const char *series, const char *name)
{
	uint32_t wanted = series_of(recording, series);
	uint64_t sum = 0;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SAMPLES]; i++) {
		const struct sample_row *row = recording_sample(recording, i);
		if (row->series == wanted &&
		    (!name || strcmp(name_of(recording, row->stack), name) == 0))
			sum += row->weight;
	}
	return sum;
}

static bool has_note(const struct recording *recording, const char *part)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_NOTES]; i++)
		if (strstr(recording_string_at(recording, recording_note_row(recording, i)->text),
			   part))
			return true;
	return false;
}

static void check_sums(const struct recording *recording)
{
	assert_int_equal(sum_of(recording, "memory-accesses", NULL), N_SITES * ACCESSES + LOST);
	assert_int_equal(sum_of(recording, "memory-accesses", "[lost]"), LOST);
	assert_int_equal(sum_of(recording, "L1-misses", NULL), N_SITES * MISSES);
	assert_int_equal(sum_of(recording, "memory-accesses-by-array", NULL), N_SITES * ACCESSES);
	assert_int_equal(sum_of(recording, "L1-misses-by-array", NULL), N_SITES * MISSES);
}

static void all_counts_have_names(void **state)
{
	(void)state;
	struct recording *recording = record(NULL);
	check_sums(recording);
	assert_int_equal(sum_of(recording, "L1-misses-by-array", "[global, global, 64 B]"), MISSES);
	assert_int_equal(sum_of(recording, "L1-misses-by-array", "[small blocks and other data]"),
			 2 * MISSES);
	/* but for the site that was not whole, whose call path nobody knows */
	assert_int_equal(sum_of(recording, "L1-misses", MODEL_LATE), MISSES);
	assert_int_equal(sum_of(recording, "L1-misses-by-array", MODEL_LATE), 0);
	recording_free(recording);
}

/* No time at all: one name comes in each look. */
static void counts_without_names_stay(void **state)
{
	(void)state;
	const uint64_t no_time = 0;
	struct recording *recording = record(&no_time);
	check_sums(recording);
	assert_true(sum_of(recording, "L1-misses", MODEL_LATE) >= 2 * MISSES);
	assert_int_equal(sum_of(recording, "L1-misses-by-array", MODEL_LATE), MISSES);
	assert_int_equal(sum_of(recording, "L1-misses-by-array", "[global, global, 64 B]"), MISSES);
	assert_true(has_note(recording, "under " MODEL_LATE));
	assert_true(has_note(recording, "200 accesses no call path or array"));
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_counts_have_names),
		cmocka_unit_test(counts_without_names_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
