/* Each run is what `stoke record -q -o FILE -- COMMAND` does. */
#include "tui/diff_repeat.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/recording_file.h"
#include "tui/command.h"
#include "tui/session.h"
#include "tui/settings.h"

enum { MOST_PATH_BYTES = 4096 };

static bool make_folder(char *out, size_t bytes, struct why *why)
{
	const char *base = getenv("TMPDIR");
	if (!base || base[0] != '/' || strlen(base) > bytes - 64)
		base = "/tmp";
	snprintf(out, bytes, "%s/stoke-diff-XXXXXX", base);
	return mkdtemp(out) || why_fail(why, "Cannot make a private folder in %s: %s.",
					base[0] ? base : "/tmp", strerror(errno));
}

/* A session blocks signals and ignores SIGPIPE for good; the next program must not inherit that. */
static int run_once(const struct settings *settings, char **words)
{
	const struct session_request request = { .name = "diff",
						 .settings = settings,
						 .words = words };
	sigset_t before;
	sigprocmask(SIG_BLOCK, NULL, &before);
	fflush(stdout);
	int kept = dup(STDOUT_FILENO);
	if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		die("no descriptor is left for standard output");
	int status = session_run(&request);
	fflush(stdout);
	if (kept >= 0) {
		dup2(kept, STDOUT_FILENO);
		close(kept);
	}
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}

/* What the session said itself has been said; a program's own failure is ours to say. */
static bool fail_run(int side, size_t i, int status, int *result, struct why *why)
{
	bool is_ours = status == STATUS_USAGE || status == STATUS_REQUIRE ||
		       status >= STATUS_PROFILER_FAILED;
	*result = is_ours ? status : STATUS_PROFILER_FAILED;
	return why_fail(why, "Run %zu of %c ended with status %d: nothing is compared.", i + 1,
			side == COMPARE_A ? 'A' : 'B', status);
}

bool diff_repeat(const struct settings *settings, char **const words[N_COMPARED], size_t n,
		 struct recording **const recordings[N_COMPARED], int *status, struct why *why)
{
	char folder[MOST_PATH_BYTES], path[MOST_PATH_BYTES + 16];
	struct settings quiet = *settings;
	bool is_good = true;
	*status = STATUS_PROFILER_FAILED;
	if (!make_folder(folder, sizeof folder, why))
		return false;
	snprintf(path, sizeof path, "%s/run.stoke", folder);
	quiet.output = path;
	quiet.format = "stoke";
	quiet.is_quiet = true;
	for (size_t i = 0; i < 2 * n && is_good; i++) {
		int side = (int)((i + i / 2) % 2); /* each is first as often as the other */
		if (!settings->is_quiet)
			fprintf(stderr, "stoke diff: run %zu of %zu, %c\n", i / 2 + 1, n,
				side == COMPARE_A ? 'A' : 'B');
		int ended = run_once(&quiet, words[side]);
		if (ended != STATUS_OK)
			is_good = fail_run(side, i / 2, ended, status, why);
		else
			recordings[side][i / 2] = recording_file_open(path, why);
		is_good = is_good && recordings[side][i / 2];
		unlink(path);
	}
	rmdir(folder);
	return is_good;
}
