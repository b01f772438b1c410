/* stoke bench: measure what this machine can do, keep it, show it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "counters/ceilings.h"
#include "counters/cgroup.h"
#include "counters/machine.h"
#include "tui/bench.h"
#include "tui/ceilings_table.h"
#include "tui/command.h"
#include "tui/settings.h"
#include "tui/theme.h"

extern const struct command command_bench;

enum { BENCH_COLUMNS = 80, MOST_REPEATS = 1000 };

#define AT(field) .offset = offsetof(struct settings, field)

static const struct option_row measuring_rows[] = {
	{ 0, OPTION_TEXT, "threads", "LIST",
	  "numbers of threads, such as 1-4,8 (1, all cores, and powers of two for main memory)",
	  AT(threads) },
	{ 'r', OPTION_INTEGER, "repeat", "N", "repeats of each measurement (25)", AT(repeat),
	  .least = 1, .most = MOST_REPEATS },
	{ 0, OPTION_FLAG, "no-gpu", NULL, "measure the CPUs and their memory only", AT(no_gpu) },
	{ 0, OPTION_FLAG, "cached", NULL, "show what was measured last; measure nothing",
	  AT(is_cached) },
	{ 0 },
};
static const struct option_row text_rows[] = {
	{ 'j', OPTION_FLAG, "json", NULL, "as JSON", AT(is_json) },
	{ 0, OPTION_CHOICE, "color", "WHEN", "auto, always or never", AT(color),
	  .choices = "auto|always|never" },
	{ 0, OPTION_FLAG, "ascii", NULL, "draw with ASCII characters only", AT(is_ascii) },
	{ 0 },
};
static const struct option_group options_measuring = { "Measuring", measuring_rows };
static const struct option_group options_text = { "Output", text_rows };
static const struct option_group *const options[] = { &options_measuring, &options_text,
						      &options_messages, &options_general, NULL };

static void say(const char *text)
{
	fprintf(stderr, "stoke: measuring %s\n", text);
}

/* What is shown: the CPUs' ceilings, those of GPUs, and why there are none of these. */
struct shown {
	struct ceilings *ceilings;
	struct ceilings_devices devices;
	struct why reason;
	bool has_reason;
};

static int draw(const struct shown *shown, const struct canvas *canvas)
{
	int rows = ceilings_table_draw(shown->ceilings, canvas, 0, 0, BENCH_COLUMNS);
	return rows + ceilings_table_draw_devices(&shown->devices,
						  shown->has_reason ? shown->reason.text : NULL,
						  canvas, 0, rows, BENCH_COLUMNS);
}

static void print(const struct shown *shown, const struct settings *settings)
{
	if (settings->is_json) {
		ceilings_json_print(shown->ceilings, &shown->devices,
				    shown->has_reason ? shown->reason.text : NULL, stdout);
		return;
	}
	struct canvas counted = canvas_new(BENCH_COLUMNS, 1);
	struct canvas canvas = canvas_new(BENCH_COLUMNS, draw(shown, &counted));
	draw(shown, &canvas);
	canvas_write(&canvas, stdout, settings_glyphs_are_ascii(settings),
		     settings_use_color(settings, STDOUT_FILENO) ? theme_find("dark") : NULL);
	canvas_free(&counted);
	canvas_free(&canvas);
}

static void keep(const struct ceilings *ceilings)
{
	struct why cannot_keep;
	if (!ceilings_save(ceilings, &cannot_keep))
		fail_with(STATUS_OK, "bench", &cannot_keep);
}

/* What was measured on all cores stands while this process is bound to some of them. */
static void keep_whole(const struct ceilings *ceilings)
{
	struct why why;
	struct ceilings *kept = ceilings_cached(ceilings->machine, &why);
	uint32_t most = ceilings_most_threads(kept);
	ceilings_free(kept);
	if (most <= ceilings_most_threads(ceilings)) {
		keep(ceilings);
		return;
	}
	why_fail(&why,
		 "This is not kept: with %u threads there is more of this machine in what was "
		 "measured before; run it unbound (taskset, cpusets) to take its place.",
		 most);
	fail_with(STATUS_OK, "bench", &why);
}

/* Time that the limit takes looks as if other programs had it. */
static void warn_of_limit(const struct cgroup_limits *before)
{
	struct cgroup_limits now;
	struct why why;
	cgroup_limits_read("", &now);
	if (now.n_throttled <= before->n_throttled)
		return;
	why_fail(&why,
		 "The control group%s%s may use %.2f CPUs (%s) and was stopped %" PRIu64
		 " times meanwhile: that is the time \"taken by other programs\", and the ceilings "
		 "may be too low.",
		 now.cpus.group[0] ? " " : "", now.cpus.group, now.cpus.value, now.cpus.rule,
		 now.n_throttled - before->n_throttled);
	fail_with(STATUS_OK, "bench", &why);
}

/* A GPU that is not there is no failure: the CPUs' ceilings stand. */
static void measure_device(struct shown *shown, const struct machine *machine,
			   const struct bench_wish *wish, const struct settings *settings)
{
	struct why why;
	struct ceilings *ceilings =
		bench_device(machine, wish, settings->is_quiet ? NULL : say, &why);
	if (ceilings) {
		keep(ceilings);
		ceilings_devices_add(&shown->devices, ceilings);
		return;
	}
	shown->has_reason = true;
	why_fail(&shown->reason, "No ceilings of a GPU were measured. %s", why.text);
}

static bool measure(struct shown *shown, const struct machine *machine,
		    const struct settings *settings, struct why *why)
{
	const struct bench_wish wish = { .threads = settings->threads,
					 .n_repeats = (unsigned)settings->repeat };
	struct cgroup_limits before;
	cgroup_limits_read("", &before);
	shown->ceilings = bench_run(machine, &wish, settings->is_quiet ? NULL : say, why);
	if (!shown->ceilings)
		return false;
	warn_of_limit(&before);
	/* Wishes make a part of it, which must not take the place of the whole. */
	if (!settings->threads)
		keep_whole(shown->ceilings);
	if (!settings->no_gpu)
		measure_device(shown, machine, &wish, settings);
	return true;
}

static bool look_up(struct shown *shown, const struct machine *machine,
		    const struct settings *settings, struct why *why)
{
	uint64_t identity = machine_identity(machine);
	shown->ceilings = ceilings_cached(identity, why);
	if (!settings->no_gpu)
		ceilings_devices_cached(&shown->devices, identity);
	return shown->ceilings != NULL;
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	struct why why;
	struct shown shown = { .has_reason = false };
	int status;
	if (!settings_parse(&command_bench, OPTIONS_ANYWHERE, argv, &settings, &arguments, &status))
		return status;
	if (arguments.n_words > 0) {
		why_fail(&why, "bench takes no arguments; `stoke run` runs workloads.");
		return fail_with(STATUS_USAGE, "bench", &why);
	}
	struct machine *machine = machine_read("");
	if (settings.is_cached ? look_up(&shown, machine, &settings, &why)
			       : measure(&shown, machine, &settings, &why))
		print(&shown, &settings);
	else
		status = fail_with(settings.threads ? STATUS_USAGE : STATUS_FAILED, "bench", &why);
	ceilings_free(shown.ceilings);
	ceilings_devices_free(&shown.devices);
	machine_free(machine);
	return status;
}

const struct command command_bench = {
	.name = "bench",
	.summary = "Measure what this machine can do: arithmetic, caches, main memory, its GPU.",
	.usage = "[options]",
	.help = "Takes some 10 seconds and all cores. The result is kept in "
		"$XDG_CACHE_HOME/stoke for later recordings on this machine, unless --threads "
		"chose a part of it. Where there is an NVIDIA GPU and libstoke-cuda.so, 2 seconds "
		"more measure what it can do: bytes copied within its memory and its L2, "
		"multiply-adds of f32, bf16 on its tensor cores; they are kept by the device's "
		"name and UUID. CUDA_VISIBLE_DEVICES chooses which one.",
	.options = options,
	.run = run,
};
