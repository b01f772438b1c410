/* The loops do what they say, the runner counts right, and what is kept comes back whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "counters/ceiling_runner.h"
#include "counters/ceilings.h"
#include "counters/machine.h"
#include "kernels/ceiling.h"
#include "sampler/recording.h"
#include "tests/fixture_machine.h"
#include "tui/bench.h"
#include "tui/ceilings_table.h"

enum { ARRAY_BYTES = 6 * CEILING_BLOCK_BYTES, GUARD_BYTES = 64 };

static double number_at(const char *memory, size_t i)
{
	double number;
	memcpy(&number, memory + i * sizeof number, sizeof number);
	return number;
}

/* Every byte of the array and none behind it. */
static void check_stream(const struct ceiling_stream *stream)
{
	size_t bytes = ARRAY_BYTES + GUARD_BYTES;
	char *a = ceiling_take(bytes), *b = ceiling_take(bytes), *c = ceiling_take(bytes);
	memset(a + ARRAY_BYTES, 0x5a, GUARD_BYTES);
	char *before = allocate(bytes, 1);
	memcpy(before, a, bytes);
	for (size_t i = 0; i < ARRAY_BYTES / 8; i++) {
		double number = (double)i, other = 1000 - (double)i;
		memcpy(b + i * 8, &number, 8);
		memcpy(c + i * 8, &other, 8);
	}
	stream->run(a, b, c, ARRAY_BYTES);
	for (size_t i = 0; i < GUARD_BYTES; i++)
		assert_int_equal(a[ARRAY_BYTES + i], 0x5a);
	for (size_t i = 0; i < ARRAY_BYTES / 8; i++) {
		if (strncmp(stream->name, "read", 4) == 0)
			assert_true(number_at(a, i) == number_at(before, i));
		else if (strncmp(stream->name, "copy", 4) == 0)
			assert_true(number_at(a, i) == (double)i);
		else if (strncmp(stream->name, "triad", 5) == 0)
			assert_true(number_at(a, i) == (double)i + (1000 - (double)i) / 256);
		else
			assert_true(number_at(a, i) >= 1 && number_at(a, i) < 1.01);
	}
	if (strncmp(stream->name, "write", 5) == 0)
		assert_memory_not_equal(a, before, ARRAY_BYTES);
	free(a);
	free(b);
	free(c);
	free(before);
}

static void streams_do_what_they_say(void **state)
{
	static const char *const names[] = { "read", "write", "copy", "triad" };
	size_t n = 0;
	(void)state;
	for (const struct ceiling_stream *stream; (stream = ceiling_stream_at(n)); n++) {
		check_stream(stream);
		assert_ptr_equal(ceiling_stream_find(stream->name), stream);
	}
	assert_true(n >= 4);
	for (size_t i = 0; i < 4; i++)
		assert_non_null(ceiling_stream_find(names[i]));
	assert_null(ceiling_stream_find("swim"));
}

static void a_chase_visits_every_line_once(void **state)
{
	(void)state;
	for (size_t n = 1; n < 3000; n = n * 3 + 1) {
		char *memory = ceiling_take(n * 64), *seen = allocate(n, 1), *at = memory;
		ceiling_chase_lay(memory, n * 64);
		for (size_t i = 0; i < n; i++) {
			size_t line = (size_t)(at - memory) / 64;
			assert_true(at >= memory && line < n && (size_t)(at - memory) % 64 == 0);
			assert_int_equal(seen[line]++, 0);
			at = ceiling_chase(at, 1);
		}
		assert_ptr_equal(at, memory); /* one circle */
		assert_ptr_equal(ceiling_chase(memory, 2 * n), memory);
		free(memory);
		free(seen);
	}
}

/* A loop that knows who ran it. */
struct counted {
	unsigned n_prepared, n_finished;
	bool has_failed;
};

static void *count_prepare(void *argument)
{
	struct counted *counted = argument;
	unsigned before = __atomic_fetch_add(&counted->n_prepared, 1, __ATOMIC_SEQ_CST);
	return counted->has_failed && before == 1 ? NULL : counted;
}

static double count_run(void *state, unsigned step, uint64_t turn)
{
	(void)state;
	(void)turn;
	usleep(100);
	return step + 1;
}

static void count_finish(void *state)
{
	struct counted *counted = state;
	__atomic_fetch_add(&counted->n_finished, 1, __ATOMIC_SEQ_CST);
}

static void the_runner_adds_up_threads(void **state)
{
	struct counted counted = { 0 };
	static const unsigned cpus[] = { 0, 0, 0 };
	struct ceiling_crew crew = {
		.cpus = cpus, .n_threads = 3, .n_repeats = 4, .repeat_ns = 2000000
	};
	const struct ceiling_loop loop = { count_prepare, count_run, count_finish, &counted, 2 };
	double rates[8];
	struct why why;
	(void)state;
	assert_true(ceiling_run(&loop, &crew, rates, &why));
	assert_int_equal(counted.n_prepared, 3);
	assert_int_equal(counted.n_finished, 3);
	for (int i = 0; i < 8; i++) /* one piece takes 100 us or longer, on three threads */
		assert_true(rates[i] > 0 && rates[i] <= (i / 4 + 1) * 3 * 1e4);
	assert_true(crew.wall_ns >= 2 * 4 * 3 * 2e6);
	assert_true(crew.cpu_ns < crew.wall_ns);
	counted = (struct counted){ .has_failed = true };
	assert_false(ceiling_run(&loop, &crew, rates, &why));
	assert_non_null(strstr(why.text, "memory"));
	assert_int_equal(counted.n_finished, 2);
}

struct turns {
	uint64_t next[2]; /* of each step */
	bool has_gap;
};

static void *turns_prepare(void *argument)
{
	return argument;
}

static double turns_run(void *state, unsigned step, uint64_t turn)
{
	struct turns *turns = state;
	turns->has_gap |= turn != turns->next[step]++;
	usleep(100);
	return 1;
}

static void turns_finish(void *state)
{
	(void)state;
}

/* A loop over an array larger than the caches comes back to a place only after all of it. */
static void turns_go_on_over_repeats(void **state)
{
	struct turns turns = { 0 };
	static const unsigned cpus[] = { 0 };
	struct ceiling_crew crew = {
		.cpus = cpus, .n_threads = 1, .n_repeats = 5, .repeat_ns = 1000000
	};
	const struct ceiling_loop loop = { turns_prepare, turns_run, turns_finish, &turns, 2 };
	double rates[10];
	struct why why;
	(void)state;
	assert_true(ceiling_run(&loop, &crew, rates, &why));
	assert_false(turns.has_gap);
	assert_true(turns.next[0] > 5 && turns.next[1] > 5);
}

static struct ceiling row(const char *name, const char *unit, uint32_t n_threads, double best,
			  double median)
{
	struct ceiling made = { .n_threads = n_threads,
				.n_repeats = 5,
				.set_bytes = 4096,
				.best = best,
				.median = median };
	snprintf(made.name, sizeof made.name, "%s", name);
	snprintf(made.unit, sizeof made.unit, "%s", unit);
	if (isnan(best))
		snprintf(made.reason, sizeof made.reason, "nobody asked");
	return made;
}

static struct ceilings *some(void)
{
	struct ceilings *ceilings = ceilings_new(0xfeedf00d);
	const struct ceiling rows[] = {
		row("clock", "Hz", 1, 3.5e9, 3.49e9),
		row("fma.f32-scalar", "FLOP/s", 1, 1e10, 1e10),
		row("fma.f32-avx2", "FLOP/s", 1, 1e11, 0.99e11),
		row("fma.f32-avx2", "FLOP/s", 2, 2e11, 1.9e11),
		row("fma.int8-avx512", "OP/s", 1, 4e11, 4e11),
		row("read.L1", "B/s", 1, 2e11, 1.9e11),
		row("write.L1", "B/s", 1, 1e11, 1e11),
		row("read.L3", "B/s", 4, NAN, NAN),
		row("read.DRAM", "B/s", 1, 2e10, 1.5e10),
		row("read.DRAM", "B/s", 4, 6e10, 6e10),
		row("copy-nt.DRAM", "B/s", 4, 7e10, 7e10),
		row("latency.4096", "ns", 1, 1.1, 1.2),
		row("latency.8192", "ns", 1, 110, 120),
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ceilings_add(ceilings, &rows[i]);
	ceilings->epoch_s = 1700000000;
	ceilings->lost_ratio = 0.0125;
	return ceilings;
}

static void check_equal(const struct ceilings *a, const struct ceilings *b)
{
	assert_int_equal(a->machine, b->machine);
	assert_int_equal(a->epoch_s, b->epoch_s);
	assert_true(isnan(a->stolen_ratio) == isnan(b->stolen_ratio));
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct ceiling *one = &a->rows[i], *other = &b->rows[i];
		assert_string_equal(one->name, other->name);
		assert_string_equal(one->unit, other->unit);
		assert_string_equal(one->reason, other->reason);
		assert_int_equal(one->n_threads, other->n_threads);
		assert_int_equal(one->set_bytes, other->set_bytes);
		assert_true(isnan(one->best) ? isnan(other->best)
					     : fabs(one->best / other->best - 1) < 1e-8);
	}
}

static void values_are_summarized(void **state)
{
	double rates[] = { 3, 1, 5, 4, 2 }, times[] = { 3, 1, 5, 4 };
	struct ceiling speed = { .unit = "B/s" }, time = { .unit = "ns" };
	(void)state;
	ceilings_summarize(&speed, rates, 5);
	assert_true(speed.best == 5 && speed.median == 3 && speed.n_repeats == 5);
	assert_true(fabs(ceiling_spread(&speed) - 0.4) < 1e-12);
	ceilings_summarize(&time, times, 4);
	assert_true(time.best == 1 && time.median == 3.5);
	assert_true(fabs(ceiling_spread(&time) - 2.5) < 1e-12);
	ceilings_summarize(&speed, rates, 1); /* nothing to be far from */
	assert_true(speed.best == 1 && isnan(ceiling_spread(&speed)));
	ceilings_summarize(&speed, rates, 0);
	assert_true(isnan(speed.best) && isnan(ceiling_spread(&speed)));
}

static void peaks_are_found(void **state)
{
	struct ceilings *ceilings = some();
	(void)state;
	assert_string_equal(ceilings_peak(ceilings, "fma.f32-", 1)->name, "fma.f32-avx2");
	assert_true(ceilings_peak(ceilings, "fma.f32-", 8)->best == 2e11);
	assert_true(ceilings_peak(ceilings, "read.DRAM", 3)->best == 2e10);
	assert_true(ceilings_peak(ceilings, "read.DRAM", 4)->best == 6e10);
	assert_null(ceilings_peak(ceilings, "read.L3", 4));
	assert_null(ceilings_peak(ceilings, "fma.f64-", 1));
	assert_null(ceilings_peak(ceilings, "read.DRAM", 0));
	assert_string_equal(ceilings_bandwidth(ceilings, "DRAM", 4)->name, "copy-nt.DRAM");
	assert_string_equal(ceilings_bandwidth(ceilings, "DRAM", 2)->name, "read.DRAM");
	assert_string_equal(ceilings_bandwidth(ceilings, "L1", 9)->name, "read.L1");
	assert_null(ceilings_bandwidth(ceilings, "L3", 4));
	/* What two threads get, four could get too. */
	struct ceiling fewer = row("triad.DRAM", "B/s", 2, 9e10, 9e10);
	ceilings_add(ceilings, &fewer);
	assert_string_equal(ceilings_bandwidth(ceilings, "DRAM", 4)->name, "triad.DRAM");
	assert_string_equal(ceilings_bandwidth(ceilings, "DRAM", 1)->name, "read.DRAM");
	assert_null(ceilings_bandwidth(ceilings, "f32-avx2", 4));
	struct ceiling better = row("clock", "Hz", 1, 4e9, 4e9);
	size_t n = ceilings->n;
	ceilings_add(ceilings, &better);
	assert_int_equal(ceilings->n, n);
	assert_true(ceilings_find(ceilings, "clock", 1)->best == 4e9);
	ceilings_free(ceilings);
}

static void noise_is_said(void **state)
{
	struct ceilings *ceilings = ceilings_new(1);
	struct why why;
	(void)state;
	for (uint32_t i = 1; i <= 20; i++) {
		struct ceiling quiet = row("x", "B/s", i, 100, i <= 2 ? 90 : 99);
		ceilings_add(ceilings, &quiet);
	}
	assert_false(ceilings_are_noisy(ceilings, &why)); /* two of twenty */
	struct ceiling loud = row("y", "B/s", 1, 100, 90);
	ceilings_add(ceilings, &loud);
	assert_true(ceilings_are_noisy(ceilings, &why));
	assert_non_null(strstr(why.text, "3 of 21 values"));
	ceilings->rows[ceilings->n - 1].median = 100;
	ceilings->lost_ratio = 0.2;
	assert_true(ceilings_are_noisy(ceilings, &why));
	assert_non_null(strstr(why.text, "Other programs"));
	ceilings->lost_ratio = 0;
	ceilings->stolen_ratio = 0.2;
	assert_true(ceilings_are_noisy(ceilings, &why));
	assert_non_null(strstr(why.text, "hypervisor"));
	ceilings->stolen_ratio = 0;
	assert_false(ceilings_are_noisy(ceilings, &why));
	for (size_t i = 0; i < ceilings->n; i++)
		ceilings->rows[i].n_repeats = 1;
	assert_true(ceilings_are_noisy(ceilings, &why));
	assert_non_null(strstr(why.text, "21 values were measured once"));
	assert_int_equal(ceilings_most_threads(ceilings), 20);
	ceilings_free(ceilings);
}

static void text_comes_back_whole_or_not_at_all(void **state)
{
	struct ceilings *ceilings = some();
	char *text = ceilings_write_text(ceilings);
	struct ceilings *back = ceilings_read_text(text);
	(void)state;
	assert_non_null(back);
	check_equal(ceilings, back);
	ceilings_free(back);
	size_t n = strlen(text);
	char *damaged = allocate(n + 1, 1);
	for (size_t cut = 0; cut < n; cut++) { /* cut anywhere but before the last end of line */
		memcpy(damaged, text, cut);
		damaged[cut] = '\0';
		assert_null(ceilings_read_text(damaged));
	}
	for (size_t at = 0; at < n; at++) { /* and anything in place of any byte */
		for (int byte = 1; byte < 256; byte += 17) {
			memcpy(damaged, text, n + 1);
			damaged[at] = (char)byte;
			ceilings_free(ceilings_read_text(damaged));
		}
	}
	free(damaged);
	free(text);
	ceilings_free(ceilings);
}

static void recordings_carry_them(void **state)
{
	struct ceilings *ceilings = some();
	struct recording *recording = recording_new();
	(void)state;
	assert_null(ceilings_load(recording));
	ceilings_store(ceilings, recording);
	recording_add_fact(recording, "ceilings:row", "nonsense");
	recording_add_fact(recording, "ceilings:row", "a\tb\t1\t1\t1\tinf\t1\t");
	recording_add_fact(recording, "ceilings:row", "a\tb\t1\t1\t1\t-4\t1\t");
	recording_add_fact(recording, "ceilings:row", "a\tb\t1\t1\t1\tnan\t1\t");
	recording_publish(recording);
	struct ceilings *back = ceilings_load(recording);
	assert_non_null(back);
	check_equal(ceilings, back);
	ceilings_free(back);
	ceilings_free(ceilings);
	recording_free(recording);
}

static void the_cache_is_private_and_checked(void **state)
{
	char *root = fake_new(), path[600];
	struct ceilings *ceilings = some();
	struct stat status;
	struct why why;
	(void)state;
	setenv("XDG_CACHE_HOME", root, 1);
	assert_null(ceilings_cached(ceilings->machine, &why));
	assert_non_null(strstr(why.text, "stoke bench"));
	snprintf(path, sizeof path, "%s/stoke", root);
	assert_int_not_equal(access(path, F_OK), 0); /* looking leaves nothing behind */
	assert_true(ceilings_save(ceilings, &why));
	snprintf(path, sizeof path, "%s/stoke/ceilings-%016" PRIx64, root, ceilings->machine);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	struct ceilings *back = ceilings_cached(ceilings->machine, &why);
	assert_non_null(back);
	check_equal(ceilings, back);
	ceilings_free(back);
	assert_null(ceilings_cached(ceilings->machine + 1, &why));
	fake_put(root, "stoke ceilings 2\n", "/stoke/ceilings-%016" PRIx64, ceilings->machine);
	assert_null(ceilings_cached(ceilings->machine, &why));
	assert_non_null(strstr(why.text, "cannot be read"));
	/* A file of another machine under this one's name. */
	char *text = ceilings_write_text(ceilings);
	fake_put(root, text, "/stoke/ceilings-%016x", 0x77);
	assert_null(ceilings_cached(0x77, &why));
	free(text);
	setenv("XDG_CACHE_HOME", "relative", 1);
	unsetenv("HOME");
	assert_null(ceilings_cached(1, &why));
	assert_false(ceilings_save(ceilings, &why));
	ceilings_free(ceilings);
	fake_free(root);
}

/* A GPU's: of this machine or of another, with a name and a UUID. */
static struct ceilings *device(uint64_t machine, const char *name, const char *uuid, double copy)
{
	struct ceilings *ceilings = ceilings_new(machine);
	snprintf(ceilings->device, sizeof ceilings->device, "%s", name);
	snprintf(ceilings->uuid, sizeof ceilings->uuid, "%s", uuid);
	const struct ceiling rows[] = {
		row("copy.DRAM", "B/s", 132, copy, copy * 0.99),
		row("fma.f32-cuda", "FLOP/s", 132, 6e13, 5.9e13),
		row("fma.bf16-wgmma", "FLOP/s", 132, NAN, NAN),
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ceilings_add(ceilings, &rows[i]);
	return ceilings;
}

static void keep(struct ceilings *ceilings)
{
	struct why why;
	if (!ceilings_save(ceilings, &why))
		fail_msg("%s", why.text);
	ceilings_free(ceilings);
}

static void devices_are_kept_one_by_one(void **state)
{
	char *root = fake_new();
	struct ceilings_devices devices = { .n = 0 };
	struct why why;
	(void)state;
	setenv("XDG_CACHE_HOME", root, 1);
	ceilings_devices_cached(&devices, 7);
	assert_int_equal(devices.n, 0);
	keep(device(7, "NVIDIA H200", "GPU-1", 4.3e12));
	keep(device(7, "NVIDIA H200", "GPU-2", 4.2e12));
	keep(device(8, "NVIDIA L4", "GPU-3", 3e11));     /* of another machine */
	keep(device(7, "NVIDIA H200", "GPU-1", 4.4e12)); /* once more */
	fake_put(root, "stoke ceilings 2\n", "/stoke/gpu-ceilings-%016x", 1);
	fake_put(root, "", "/stoke/gpu-ceilings-nonsense");
	struct ceilings *ninth = device(7, "NVIDIA H200", "GPU-9", 1);
	char *text = ceilings_write_text(ninth);
	fake_put(root, text, "/stoke/gpu-ceilings-%016x", 2); /* under another's number */
	free(text);
	ceilings_free(ninth);
	assert_null(ceilings_cached(7, &why)); /* the CPUs' are others */
	ceilings_devices_cached(&devices, 7);
	assert_int_equal(devices.n, 2);
	const struct ceilings *one = ceilings_devices_find(&devices, "NVIDIA H200", "GPU-1");
	assert_non_null(one);
	assert_true(ceilings_bandwidth(one, "DRAM", UINT32_MAX)->best == 4.4e12);
	assert_true(ceilings_peak(one, "fma.f32-", UINT32_MAX)->best == 6e13);
	assert_null(ceilings_peak(one, "fma.bf16-", UINT32_MAX));
	assert_null(ceilings_devices_find(&devices, "NVIDIA H200", "")); /* which of two? */
	assert_null(ceilings_devices_find(&devices, "NVIDIA H200", "GPU-3"));
	assert_null(ceilings_devices_find(&devices, "NVIDIA H100", "GPU-1"));
	assert_null(ceilings_devices_find(&devices, NULL, NULL));
	struct recording *recording = recording_new();
	ceilings_devices_store(&devices, recording);
	recording_add_fact(recording, "ceilings.gpu0:row", "nonsense");
	recording_add_fact(recording, "ceilings.gpu2:row", "a\tb\t1\t1\t1\t4\t1\t");
	recording_publish(recording);
	struct ceilings_devices back = { .n = 0 };
	ceilings_devices_load(&back, recording);
	assert_int_equal(back.n, 2); /* one without a name is none */
	for (size_t i = 0; i < 2; i++) {
		check_equal(devices.rows[i], back.rows[i]);
		assert_string_equal(devices.rows[i]->device, back.rows[i]->device);
		assert_string_equal(devices.rows[i]->uuid, back.rows[i]->uuid);
	}
	assert_null(ceilings_load(recording)); /* nor are these the CPUs' */
	for (int width = 1; width < 100; width += 7) {
		struct canvas canvas = canvas_new(width, 20);
		assert_true(ceilings_table_draw_devices(&back, NULL, &canvas, 0, 0, width) > 6);
		canvas_free(&canvas);
	}
	ceilings_devices_free(&back);
	ceilings_devices_free(&devices);
	recording_free(recording);
	fake_free(root);
}

static void tables_fit_any_width(void **state)
{
	struct ceilings *ceilings = some();
	(void)state;
	for (int width = 1; width < 130; width++) {
		struct canvas canvas = canvas_new(width, 30);
		assert_true(ceilings_table_draw(ceilings, &canvas, width / 3, -2,
						width - width / 3) > 10);
		canvas_free(&canvas);
	}
	ceilings_free(ceilings);
}

/* All of it for real, as short as it gets: order and plausibility, no speed. */
static void this_machine_is_measured(void **state)
{
	struct machine *machine = machine_read("");
	struct bench_wish wish = { .threads = "1", .n_repeats = 1 };
	struct why why;
	struct ceilings *ceilings = bench_run(machine, &wish, NULL, &why);
	(void)state;
	assert_non_null(ceilings);
	assert_true(ceilings->machine == machine_identity(machine));
	assert_true(ceilings->lost_ratio >= 0 && ceilings->lost_ratio <= 1);
	assert_non_null(ceilings_peak(ceilings, "fma.f32-", 1));
	assert_non_null(ceilings_peak(ceilings, "fma.f64-", 1));
	assert_non_null(ceilings_find(ceilings, "read.DRAM", 1));
	assert_non_null(ceilings_find(ceilings, "latency.4096", 1));
	for (size_t i = 0; i < ceilings->n; i++) {
		const struct ceiling *at = &ceilings->rows[i];
		assert_true(isnan(at->best) ? at->reason[0] != '\0' : at->best > 0);
	}
	ceilings_free(ceilings);
	wish.threads = "0";
	assert_null(bench_run(machine, &wish, NULL, &why));
	wish.threads = "1-2000";
	assert_null(bench_run(machine, &wish, NULL, &why));
	assert_non_null(strstr(why.text, "may be used here"));
	machine_free(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_do_what_they_say),
		cmocka_unit_test(a_chase_visits_every_line_once),
		cmocka_unit_test(the_runner_adds_up_threads),
		cmocka_unit_test(turns_go_on_over_repeats),
		cmocka_unit_test(values_are_summarized),
		cmocka_unit_test(peaks_are_found),
		cmocka_unit_test(noise_is_said),
		cmocka_unit_test(text_comes_back_whole_or_not_at_all),
		cmocka_unit_test(recordings_carry_them),
		cmocka_unit_test(the_cache_is_private_and_checked),
		cmocka_unit_test(devices_are_kept_one_by_one),
		cmocka_unit_test(tables_fit_any_width),
		cmocka_unit_test(this_machine_is_measured),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
