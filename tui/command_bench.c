/* stoke bench: measure what this machine can do, keep it, show it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "counters/ceilings.h"
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

static void print(const struct ceilings *ceilings, const struct settings *settings)
{
	if (settings->is_json) {
		ceilings_json_print(ceilings, stdout);
		return;
	}
	struct canvas counted = canvas_new(BENCH_COLUMNS, 1);
	int rows = ceilings_table_draw(ceilings, &counted, 0, 0, BENCH_COLUMNS);
	struct canvas canvas = canvas_new(BENCH_COLUMNS, rows);
	ceilings_table_draw(ceilings, &canvas, 0, 0, BENCH_COLUMNS);
	canvas_write(&canvas, stdout, settings_glyphs_are_ascii(settings),
		     settings_use_color(settings, STDOUT_FILENO) ? theme_find("dark") : NULL);
	canvas_free(&counted);
	canvas_free(&canvas);
}

static struct ceilings *measure(const struct machine *machine, const struct settings *settings,
				struct why *why)
{
	const struct bench_wish wish = { .threads = settings->threads,
					 .n_repeats = (unsigned)settings->repeat };
	struct why cannot_keep;
	struct ceilings *ceilings = bench_run(machine, &wish, settings->is_quiet ? NULL : say, why);
	/* Wishes make a part of it, which must not take the place of the whole. */
	if (ceilings && !settings->threads && !ceilings_save(ceilings, &cannot_keep))
		fail_with(STATUS_OK, "bench", &cannot_keep);
	return ceilings;
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	struct why why;
	int status;
	if (!settings_parse(&command_bench, OPTIONS_ANYWHERE, argv, &settings, &arguments, &status))
		return status;
	if (arguments.n_words > 0) {
		why_fail(&why, "bench takes no arguments; `stoke run` runs workloads.");
		return fail_with(STATUS_USAGE, "bench", &why);
	}
	struct machine *machine = machine_read("");
	struct ceilings *ceilings = settings.is_cached
					    ? ceilings_cached(machine_identity(machine), &why)
					    : measure(machine, &settings, &why);
	if (ceilings)
		print(ceilings, &settings);
	else
		status = fail_with(settings.threads ? STATUS_USAGE : STATUS_FAILED, "bench", &why);
	ceilings_free(ceilings);
	machine_free(machine);
	return status;
}

const struct command command_bench = {
	.name = "bench",
	.summary = "Measure what this machine can do: arithmetic, each cache, main memory.",
	.usage = "[options]",
	.help = "Takes some 10 seconds and all cores. The result is kept in "
		"$XDG_CACHE_HOME/stoke for later recordings on this machine, unless --threads "
		"chose a part of it.",
	.options = options,
	.run = run,
};
