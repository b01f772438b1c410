/* stoke stat: count events and metrics while a program runs. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "tui/command.h"
#include "tui/output_path.h"
#include "tui/program_words.h"
#include "tui/session.h"
#include "tui/session_program.h"
#include "tui/settings.h"
#include "tui/stat.h"

extern const struct command command_stat;

static const struct option_group *const options[] = { &options_stat, &options_attach,
						      &options_messages, &options_general, NULL };

static bool check(const struct settings *settings, bool has_command, struct why *why)
{
	if (!settings_check_attach(settings, why))
		return false;
	if (settings->repeat > 1 && !has_command)
		return why_fail(why, "-r repeats a command: give one behind --, which then says "
				     "how long each run is.");
	if (settings->user_only && settings->kernel_only)
		return why_fail(why, "--all-user and --all-kernel exclude each other: without "
				     "either, both are counted.");
	if (settings->is_json && settings->separator)
		return why_fail(why, "--json and -x exclude each other: give one of them.");
	if (settings->interval_ms > 0 && settings->repeat > 1)
		return why_fail(why, "-I and -r exclude each other: intervals are of one run.");
	/* What stands in numbers and around fields cannot stand between them. */
	if (settings->separator &&
	    (!settings->separator[0] || strpbrk(settings->separator, "\"\r\n+-.0123456789eE")))
		return why_fail(why, "-x takes a separator such as , or ; or a tabulator; it may "
				     "hold no quote, no new line and nothing of a number.");
	return stat_require_check(settings->require, why);
}

/* Data go to standard output (the program's own output then to standard error), a table for people
 * beside the program's output to standard error. */
static bool open_output(struct stat *stat, struct why *why)
{
	const struct settings *settings = stat->settings;
	char clean[128];
	const char *path = settings->output;
	stat->out = settings->is_json || settings->separator ? stdout : stderr;
	if (path && strcmp(path, "-") == 0)
		stat->out = stdout;
	else if (path && !output_path_is_free(path, settings->is_forced, why))
		return false;
	else if (path)
		stat->out = fopen(path, "we");
	return stat->out || why_fail(why, "Cannot write %s: %s.",
				     text_clean(clean, sizeof clean, path), strerror(errno));
}

static bool close_output(struct stat *stat, struct why *why)
{
	char clean[128];
	const char *path = stat->settings->output;
	int error = stat->write_error;
	if (stat->out != stdout && stat->out != stderr && fclose(stat->out) != 0 && !error)
		error = errno;
	if (stat->out == stdout)
		clearerr(stdout); /* said here, not again at the end */
	if (error == 0 || error == EPIPE)
		return true;
	/* Half a table is no table: the whole ones before it stay. */
	if (path && (stat->n_written <= 0 || truncate(path, (off_t)stat->n_written) != 0))
		output_path_discard(path);
	return why_fail(why, "Cannot write to %s: %s.",
			path ? text_clean(clean, sizeof clean, path) : "standard output",
			strerror(error));
}

/* What the numbers are of, where it is not what was wanted: a program that was ended, runs that
 * failed. One run's own status its program has explained itself. */
static void note_failures(struct stat *stat, uint64_t n_failed, int status)
{
	char text[160], who[64] = "The program";
	int signal = stat->first_signal;
	if (stat->n_runs > 1)
		snprintf(who, sizeof who, "%llu of %u runs failed; the first",
			 (unsigned long long)n_failed, stat->n_runs);
	if (signal)
		snprintf(text, sizeof text, "%s was ended by signal %d (%s).", who, signal,
			 strsignal(signal));
	else
		snprintf(text, sizeof text, "%s ended with status %d.", who, status);
	if (n_failed > 0 && (signal || stat->n_runs > 1))
		stat_note(stat, text);
}

/* The first status that is not 0 is the status of all runs. */
static bool run_all(struct stat *stat, const struct session_program *program, int *status,
		    struct why *why)
{
	uint64_t n = stat->settings->repeat ? stat->settings->repeat : 1, n_failed = 0;
	*status = STATUS_OK;
	for (uint64_t i = 0; i < n && !stat->ended_by; i++) {
		int one;
		if (!stat_run(stat, program, &one, why)) {
			*status = one;
			return false;
		}
		n_failed += one != STATUS_OK;
		if (*status == STATUS_OK) {
			*status = one;
			stat->first_signal = stat->signal;
		}
	}
	note_failures(stat, n_failed, *status);
	return true;
}

static int count(struct stat *stat, const struct session_request *request)
{
	struct session_program program = SESSION_PROGRAM_NONE;
	struct why why;
	int status = STATUS_USAGE;
	bool has_command = stat->words[0] != NULL;
	if (!check(stat->settings, has_command, &why) || !stat_plan(stat, &why))
		return fail_with(status, "stat", &why);
	status = STATUS_PROFILER_FAILED;
	if (!open_output(stat, &why))
		return fail_with(status, "stat", &why);
	if ((!has_command || session_program_open(&program, request, &why)) &&
	    run_all(stat, &program, &status, &why)) {
		if (stat->settings->interval_ms == 0)
			stat_print(stat, NAN);
		stat_print_notes(stat);
	} else {
		fail_with(status, "stat", &why);
	}
	session_program_close(&program);
	if (!close_output(stat, &why))
		status = fail_with(STATUS_PROFILER_FAILED, "stat", &why);
	return status;
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct session_request request = { .name = "stat", .settings = &settings };
	static char *const none[] = { NULL };
	int status;
	if (!program_words_parse(&command_stat, argv, &settings, &request, &status))
		return status;
	struct stat stat = {
		.settings = &settings,
		.words = request.words ? request.words : none,
		.is_ascii = settings_glyphs_are_ascii(&settings),
	};
	status = count(&stat, &request);
	stat_free(&stat);
	return status;
}

const struct command command_stat = {
	.name = "stat",
	.summary = "Count events and metrics while a program runs.",
	.usage = "[options] -- COMMAND | WORKLOAD [KEY=VALUE...] | -p PID | -a",
	.help = "Without -e and -g: software events and the groups ipc, branches, l1, llc and "
		"bandwidth. "
		"Each row says where its value is from; what cannot be had is a dash with its "
		"reason, never 0. Events of one group, and those in braces, are on the counters "
		"at the same time; groups that do not fit take turns and are scaled.\n"
		"The table goes to standard error. -x and --json write to standard output, and the "
		"program's own output then goes to standard error.\n"
		"With -p, -t or -a what runs already is counted, from now until Ctrl-C, "
		"--duration, "
		"or its end; with a command until that one's end, and the command itself only "
		"where -a has everything.\n"
		"The exit status is the program's own, or 128 + N if signal N ended it; of "
		"several runs, the first that is not 0; without a command 0.",
	.options = options,
	.run = run,
};
