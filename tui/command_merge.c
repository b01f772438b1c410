/* stoke merge: the recordings of a job's hosts and ranks, or of several runs, as one. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/export_rows.h"
#include "sampler/merge.h"
#include "sampler/recording.h"
#include "tui/command.h"
#include "tui/input.h"
#include "tui/session_output.h"
#include "tui/settings.h"
#include "tui/summary.h"

extern const struct command command_merge;

static const struct option_group *const options[] = { &options_output, &options_messages,
						      &options_general, NULL };

struct job {
	struct merge_input *inputs;
	struct recording **recordings;
	char *const *paths;
	size_t n;
	struct arena arena;
};

/* Whether a label tells each recording from all others. */
static bool are_different(const struct job *job)
{
	for (size_t i = 0; i < job->n; i++)
		for (size_t k = 0; k < i; k++)
			if (!job->inputs[i].label ||
			    strcmp(job->inputs[i].label, job->inputs[k].label) == 0)
				return false;
	return true;
}

static const char *label_rank(struct job *job, size_t i)
{
	const char *rank = export_fact(job->recordings[i], "rank");
	return rank ? arena_print(&job->arena, "r%s", rank) : NULL;
}

static const char *label_name(struct job *job, size_t i)
{
	const char *name = text_base_name(job->paths[i]);
	const char *dot = strrchr(name, '.');
	size_t n = dot && dot > name && strcmp(dot, ".stoke") == 0 ? (size_t)(dot - name)
								   : strlen(name);
	return arena_print(&job->arena, "%.*s", (int)(n < 200 ? n : 200), name);
}

static const char *label_path(struct job *job, size_t i)
{
	return arena_print(&job->arena, "%s", job->paths[i]);
}

static const char *label_number(struct job *job, size_t i)
{
	return arena_print(&job->arena, "%zu", i + 1);
}

/* The first way to name them that tells all apart. */
static void choose_labels(struct job *job)
{
	static const char *(*const ways[])(struct job *, size_t) = { label_rank, label_name,
								     label_path, label_number };
	for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++) {
		bool has_all = true;
		for (size_t i = 0; i < job->n; i++) {
			const char *label = ways[way](job, i);
			has_all = has_all && label;
			char clean[256];
			job->inputs[i].label =
				arena_print(&job->arena, "%s",
					    text_clean(clean, sizeof clean, label ? label : ""));
		}
		if (has_all && are_different(job))
			return;
	}
}

static bool read_all(struct job *job, const struct arguments *arguments, struct why *why)
{
	job->n = (size_t)arguments->n_words;
	job->paths = arguments->words;
	job->inputs = allocate(job->n, sizeof *job->inputs);
	job->recordings = allocate(job->n, sizeof(struct recording *));
	for (size_t i = 0; i < job->n; i++) {
		job->recordings[i] = input_open(job->paths[i], why);
		if (!job->recordings[i])
			return false;
		job->inputs[i].recording = job->recordings[i];
	}
	choose_labels(job);
	return true;
}

static bool write_all(const struct settings *settings, const struct recording *merged, int *status,
		      struct why *why)
{
	struct session_output output;
	signal(SIGPIPE, SIG_IGN); /* a reader that left has what it wanted */
	bool is_good = session_output_open(&output, settings->output, settings->format,
					   settings->is_forced, status, why);
	if (is_good)
		is_good = session_output_write(&output, merged, why);
	if (!is_good && *status != STATUS_USAGE)
		*status = STATUS_FAILED;
	if (is_good && !settings->is_quiet)
		session_output_remark(&output, "merge");
	session_output_close(&output);
	return is_good;
}

static void print_done(const struct settings *settings, const struct job *job,
		       const struct recording *merged)
{
	if (settings->is_quiet)
		return;
	fprintf(stderr, "stoke merge: %zu recording%s: ", job->n, job->n == 1 ? "" : "s");
	summary_print(stderr, merged);
	summary_print_notes(stderr, merged, settings->verbosity ? SEVERITY_INFO : SEVERITY_WARNING,
			    "stoke merge: ");
}

static int merge(const struct settings *settings, const struct arguments *arguments,
		 struct job *job, struct why *why)
{
	if (arguments->n_words == 0) {
		why_fail(why, "Which recordings? stoke merge -o OUT.stoke A B...");
		return STATUS_USAGE;
	}
	if (!read_all(job, arguments, why))
		return STATUS_BAD_INPUT;
	struct recording *merged = merge_recordings(job->inputs, job->n, why);
	int status = merged ? STATUS_OK : STATUS_BAD_INPUT;
	if (merged && write_all(settings, merged, &status, why)) {
		status = STATUS_OK;
		print_done(settings, job, merged);
	}
	recording_free(merged);
	return status;
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	struct job job = { 0 };
	struct why why;
	int status;
	if (!settings_parse(&command_merge, OPTIONS_ANYWHERE, argv, &settings, &arguments, &status))
		return status;
	status = merge(&settings, &arguments, &job, &why);
	if (status != STATUS_OK)
		fail_with(status, "merge", &why);
	for (size_t i = 0; i < job.n; i++)
		recording_free(job.recordings[i]);
	free(job.recordings);
	free(job.inputs);
	arena_close(&job.arena);
	return status;
}

const struct command command_merge = {
	.name = "merge",
	.summary = "Make one recording of many: hosts, ranks, runs.",
	.usage = "[options] -o OUT.stoke FILE...",
	.help = "Equal stacks become one; processes and what is counted keep a label: the rank of "
		"an MPI job, else the file's name. `stoke export --per-process` shows each by "
		"itself, `stoke export` all together. Recordings made at the same time are laid "
		"over each other by their hosts' clocks, others begin together.\n"
		"To record all ranks: mpirun -n 4 stoke record -o job.%r.stoke -- ./app",
	.options = options,
	.run = run,
};
