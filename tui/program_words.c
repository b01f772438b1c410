/* A workload is looked for by name only where no "--" says that a command follows. */
#include "tui/program_words.h"

#include <stdio.h>
#include <string.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "tui/command.h"
#include "tui/session.h"
#include "tui/settings.h"
#include "workloads/support/runner.h"
#include "workloads/support/workload_settings.h"
#include "workloads/workload.h"

/* What `make run` and a bare `stoke run` show: DESIGN's main job. */
static char main_job[] = "gbdt";

static bool fail_unknown(const struct command *command, const char *name, int *status)
{
	struct nearest nearest;
	struct why why;
	char question[96], clean[64];
	nearest_start(&nearest, name);
	for (const struct workload *const *workload = workloads; *workload; workload++)
		nearest_offer(&nearest, (*workload)->name);
	why_fail(&why, "There is no workload %s; for a command say `stoke %s -- %s`%s",
		 text_clean(clean, sizeof clean, name), command->name, clean,
		 nearest.best ? nearest_question(&nearest, "", question, sizeof question) : ".");
	*status = fail_with(STATUS_USAGE, command->name, &why);
	return false;
}

static bool use_main_job(struct session_request *request)
{
	static char *words[] = { main_job, NULL };
	request->words = words;
	request->workload = main_job;
	return true;
}

static bool fail_missing(const struct command *command, int *status)
{
	struct why why;
	why_fail(&why, "A command is missing: stoke %s %s.", command->name, command->usage);
	*status = fail_with(STATUS_USAGE, command->name, &why);
	return false;
}

/* argv[0] is not looked at by the parser, so the workload's name can stand there: what follows it
 * is options and KEY=VALUE in any order. */
static bool parse_workload(const struct command *command, struct settings *settings,
			   struct session_request *request, struct arguments *arguments,
			   int *status)
{
	char **words = arguments->words;
	if (!settings_parse(command, OPTIONS_ANYWHERE, words, settings, arguments, status))
		return false;
	request->words = words;
	request->workload = words[0];
	struct why why;
	if (workload_settings_check(workload_find(words[0]), words + 1, &why))
		return true;
	*status = fail_with(STATUS_USAGE, command->name, &why);
	return false;
}

bool program_words_parse(const struct command *command, char **argv, struct settings *settings,
			 struct session_request *request, int *status)
{
	struct arguments arguments;
	bool is_run = strcmp(command->name, "run") == 0;
	if (!settings_parse(command, OPTIONS_UNTIL_WORD, argv, settings, &arguments, status))
		return false;
	if (arguments.n_words == 0 && settings_attach(settings) && !arguments.has_dashes)
		return true;
	if (arguments.n_words == 0)
		return is_run && !arguments.has_dashes ? use_main_job(request)
						       : fail_missing(command, status);
	if (!arguments.has_dashes && workload_find(arguments.words[0]))
		return parse_workload(command, settings, request, &arguments, status);
	if (!arguments.has_dashes && is_run)
		return fail_unknown(command, arguments.words[0], status);
	request->words = arguments.words;
	return true;
}
