/* stoke diff: two recordings, or two commands run in turn, function by function. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"
#include "tui/command.h"
#include "tui/diff.h"
#include "tui/diff_repeat.h"
#include "tui/input.h"
#include "tui/output_path.h"
#include "tui/settings.h"

extern const struct command command_diff;

static const struct option_group *const options[] = { &options_diff, &options_sampling,
						      &options_messages, &options_general, NULL };

/* Five runs each are eight degrees of freedom: the fewest that find what is worth finding. */
enum { USUAL_REPEATS = 5 };

static const char formats[] = "text|json|markdown|folded";
enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_MARKDOWN, FORMAT_FOLDED };

struct job {
	struct settings settings;
	int format;
	double limit_ratio;
	size_t n[N_COMPARED];
	struct recording **recordings[N_COMPARED];
	const char *names[N_COMPARED];
	struct arena arena;
};

static bool ends_in(const char *path, const char *suffix)
{
	size_t length = strlen(path), n = strlen(suffix);
	return length > n && strcmp(path + length - n, suffix) == 0;
}

static bool choose_format(struct job *job, struct why *why)
{
	const char *name = job->settings.format, *path = job->settings.output;
	char clean[64];
	if (!name && path && ends_in(path, ".json"))
		name = "json";
	else if (!name && path && ends_in(path, ".md"))
		name = "markdown";
	else if (!name && path && ends_in(path, ".folded"))
		name = "folded";
	else if (!name && path && exporter_for_path(path))
		name = exporter_for_path(path)->name;
	job->format = choice_find(formats, name ? name : "text");
	return job->format >= 0 ||
	       why_fail(why, "A comparison is written as text, json, markdown or folded, not %s.",
			text_clean(clean, sizeof clean, name));
}

/* "+5%", "5%" or "5": digits and a point, whatever the locale. */
static bool parse_limit(const char *text, double *limit, struct why *why)
{
	double value = 0, scale = 1;
	const char *at = text + (text[0] == '+');
	bool has_digits = false, has_point = false;
	for (; (*at >= '0' && *at <= '9') || (*at == '.' && !has_point); at++) {
		if (*at == '.') {
			has_point = true;
			continue;
		}
		has_digits = true;
		value = value * 10 + (*at - '0');
		scale *= has_point ? 10 : 1;
	}
	at += *at == '%';
	char clean[32];
	*limit = value / scale / 100;
	return (has_digits && !*at && *limit < 1e6) ||
	       why_fail(why, "--fail-on takes a growth such as +5%%, not %s.",
			text_clean(clean, sizeof clean, text));
}

static bool settle(struct job *job, struct why *why)
{
	job->limit_ratio = NAN;
	if (!choose_format(job, why))
		return false;
	if (job->format == FORMAT_FOLDED)
		job->settings.by = COMPARE_STACKS;
	return !job->settings.fail_on || parse_limit(job->settings.fail_on, &job->limit_ratio, why);
}

static void make_room(struct job *job, size_t n)
{
	for (int side = 0; side < N_COMPARED; side++) {
		job->n[side] = n;
		job->recordings[side] = allocate(n, sizeof(struct recording *));
	}
}

static bool read_files(struct job *job, const struct arguments *arguments, int *status,
		       struct why *why)
{
	*status = STATUS_USAGE;
	if (job->settings.repeat)
		return why_fail(why, "-r runs commands: stoke diff -r %llu -- A -- B.",
				(unsigned long long)job->settings.repeat);
	if (arguments->n_words != N_COMPARED)
		return why_fail(why, "Two recordings are compared: stoke diff A B.");
	make_room(job, 1);
	*status = STATUS_BAD_INPUT;
	for (int side = 0; side < N_COMPARED; side++) {
		job->names[side] = arguments->words[side];
		job->recordings[side][0] = input_open(arguments->words[side], why);
		if (!job->recordings[side][0])
			return false;
	}
	return true;
}

static const char *join(struct job *job, char *const *words)
{
	const char *line = "";
	for (; *words; words++)
		line = arena_print(&job->arena, "%s%s%s", line, line[0] ? " " : "", *words);
	return line;
}

static bool run_commands(struct job *job, const struct arguments *arguments, int *status,
			 struct why *why)
{
	char **words[N_COMPARED] = { arguments->words, NULL };
	size_t n = job->settings.repeat ? job->settings.repeat : USUAL_REPEATS;
	for (char **word = arguments->words; *word && !words[COMPARE_B]; word++)
		if (strcmp(*word, "--") == 0) {
			*word = NULL;
			words[COMPARE_B] = word + 1;
		}
	*status = STATUS_USAGE;
	if (!words[COMPARE_B] || !words[COMPARE_A][0] || !words[COMPARE_B][0])
		return why_fail(why, "Two commands are compared: stoke diff -r 5 -- A -- B.");
	for (int side = 0; side < N_COMPARED; side++)
		job->names[side] = join(job, words[side]);
	make_room(job, n);
	return diff_repeat(&job->settings, words, n, job->recordings, status, why);
}

static bool print(const struct job *job, const struct diff *diff, struct why *why)
{
	static void (*const printers[])(FILE *, const struct diff *) = {
		diff_print_text, diff_print_json, diff_print_markdown, diff_print_folded
	};
	const char *path = job->settings.output;
	bool is_file = path && strcmp(path, "-") != 0;
	char clean[256];
	if (is_file && !output_path_is_free(path, job->settings.is_forced, why))
		return false;
	FILE *out = is_file ? fopen(path, "we") : stdout;
	bool is_good = out != NULL;
	if (is_good)
		printers[job->format](out, diff);
	if (is_good && (fflush(out) != 0 || ferror(out)))
		is_good = false;
	int error = errno;
	if (is_file && out && fclose(out) != 0 && is_good) {
		error = errno;
		is_good = false;
	}
	if (is_good)
		return true;
	if (is_file && out)
		output_path_discard(path);
	if (!is_file)
		clearerr(stdout); /* or the end of the program would say it again */
	if (!is_file && error == EPIPE)
		return true;
	return why_fail(why, "Cannot write %s: %s.",
			is_file ? text_clean(clean, sizeof clean, path) : "standard output",
			strerror(error));
}

static int compare(struct job *job, struct why *why)
{
	const struct settings *settings = &job->settings;
	const struct compare_request request = { .by = (enum compare_by)settings->by,
						 .per = (enum compare_per)settings->per,
						 .event = settings->events,
						 .limit_ratio = job->limit_ratio };
	struct compare_side sides[N_COMPARED];
	for (int side = 0; side < N_COMPARED; side++)
		sides[side] = (struct compare_side){
			(const struct recording *const *)job->recordings[side], job->n[side]
		};
	struct compare *result = compare_open(&request, sides, why);
	if (!result)
		return STATUS_BAD_INPUT;
	struct diff diff = { .compare = result,
			     .by = request.by,
			     .names = { job->names[0], job->names[1] },
			     .n_recordings = { job->n[0], job->n[1] },
			     .is_ascii = job->format == FORMAT_TEXT &&
					 settings_glyphs_are_ascii(settings) };
	diff.has_color = job->format == FORMAT_TEXT && !settings->output &&
			 settings_use_color(settings, fileno(stdout));
	why->text[0] = '\0';
	signal(SIGPIPE, SIG_IGN); /* a reader that left has what it wanted */
	bool is_written = print(job, &diff, why);
	bool is_worse = result->n_regressions > 0;
	compare_close(result);
	return is_written && !is_worse ? STATUS_OK : STATUS_FAILED;
}

static void free_job(struct job *job)
{
	for (int side = 0; side < N_COMPARED; side++) {
		for (size_t i = 0; job->recordings[side] && i < job->n[side]; i++)
			recording_free(job->recordings[side][i]);
		free(job->recordings[side]);
	}
	arena_close(&job->arena);
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct job job = { 0 };
	struct arguments arguments;
	struct why why = { "" };
	int status;
	if (!settings_parse(&command_diff, OPTIONS_ANYWHERE, argv, &job.settings, &arguments,
			    &status))
		return status;
	status = STATUS_USAGE;
	if (settle(&job, &why) &&
	    (arguments.has_dashes ? run_commands(&job, &arguments, &status, &why)
				  : read_files(&job, &arguments, &status, &why)))
		status = compare(&job, &why);
	if (why.text[0] && status != STATUS_OK)
		fail_with(status, "diff", &why);
	free_job(&job);
	return status;
}

const struct command command_diff = {
	.name = "diff",
	.summary = "Compare two recordings, or two commands, with intervals and a verdict.",
	.usage = "[options] A B | [options] -r N -- COMMAND-A -- COMMAND-B",
	.help = "A and B are recordings or files that `import` reads. Functions are matched by "
		"name; each counts by itself, without what it calls. Commands are recorded N times "
		"each, in turn; their output goes to standard error. Three runs or more of each "
		"make intervals that hold what differs from run to run.\n"
		"--fail-on +5% gives status 1 if a function (or everything together, unless costs "
		"are shares) grew by more than 5 % of itself and chance is ruled out, all "
		"functions "
		"taken together; a new function, if it adds more than 5 % of all of A. What is "
		"below 0.5 % of both sides is not judged.\n"
		"Folded text has two counts a line, A's and B's, as difffolded.pl writes it.",
	.options = options,
	.run = run,
};
