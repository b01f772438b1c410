/* stoke push: recordings to a profile store. */
#include <stdio.h>

#include "sampler/base/why.h"
#include "sampler/push.h"
#include "sampler/recording.h"
#include "tui/command.h"
#include "tui/input.h"
#include "tui/push_options.h"
#include "tui/settings.h"

extern const struct command command_push;

static const struct option_group *const options[] = { &options_push, &options_messages,
						      &options_general, NULL };

static void add_result(struct push_result *all, const struct push_result *one)
{
	all->n_sent += one->n_sent;
	all->n_refused += one->n_refused;
	all->n_spooled += one->n_spooled;
	all->n_dropped += one->n_dropped;
	all->n_left = one->n_left;
}

/* Any file of another tool that is a profile will do. */
static int push_file(const struct push *push, const char *path, struct push_result *result)
{
	struct why why;
	struct push_request request;
	struct recording *recording = input_open(path, &why);
	if (!recording)
		return fail_with(STATUS_BAD_INPUT, "push", &why);
	bool is_good = push_make(push, recording, &request, &why) &&
		       push_send(push, &request, result, &why);
	recording_free(recording);
	push_request_clear(&request);
	return is_good ? STATUS_OK : fail_with(STATUS_FAILED, "push", &why);
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	struct push push;
	struct push_result all = { 0 }, one = { 0 };
	struct why why;
	char folder[PUSH_PATH_BYTES];
	int status;
	if (!settings_parse(&command_push, OPTIONS_ANYWHERE, argv, &settings, &arguments, &status))
		return status;
	if (!settings.push_store) {
		why_fail(&why, "Where to? stoke push --push http://HOST:4040 FILE...");
		return fail_with(STATUS_USAGE, "push", &why);
	}
	if (!push_from_settings(&push, &settings, folder, &why))
		return fail_with(STATUS_USAGE, "push", &why);
	if (arguments.n_words == 0 && !push_send(&push, NULL, &all, &why))
		status = fail_with(STATUS_FAILED, "push", &why);
	for (int i = 0; i < arguments.n_words; i++) {
		int of_this = push_file(&push, arguments.words[i], &one);
		status = of_this > status ? of_this : status;
		add_result(&all, &one);
	}
	if (!settings.is_quiet)
		push_print(&push, &all, "push");
	return status;
}

const struct command command_push = {
	.name = "push",
	.summary = "Send recordings to a profile store (Pyroscope, Parca).",
	.usage = "[options] --push URL [FILE...]",
	.help = "Each FILE (a recording, or what `import` reads) goes as pprof over HTTP: to "
		"Pyroscope's /ingest, or with --push-to parca to Parca's /profiles/writeraw. What "
		"a "
		"store that is away does not take is kept in a spool and goes first the next time; "
		"without FILE, only that. Nothing is ever sent unless --push is given.\n"
		"STOKE_PUSH_TOKEN in the environment is sent as a bearer token, STOKE_PUSH_TENANT "
		"as "
		"X-Scope-OrgID. Status 1: something was not delivered.",
	.options = options,
	.run = run,
};
