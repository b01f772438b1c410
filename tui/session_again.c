/*
 * One screen of ncurses a process, one recording a session: starting this program anew is the
 * simplest thing that leaves nothing of the first run behind. See session_again.h.
 */
#include "tui/session_again.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h> /* strerror */
#include <unistd.h>

#include "tui/command.h"
#include "tui/session.h"
#include "tui/settings.h"
#include "tui/view.h"
#include "tui/words.h"

static const char VIEW[] = "STOKE_RESUMED_VIEW";

/* A command's line stays as it was typed. Of a workload's everything stays but the old settings. */
static bool is_kept(const struct session_request *request, const char *word)
{
	if (!request->workload)
		return true;
	for (char *const *old = request->words; *old; old++)
		if (*old == word)
			return false;
	return true;
}

static char **new_line(const struct session_request *request, char *const *words)
{
	static char self[] = "stoke", force[] = "-f";
	size_t n = 0;
	char **line = allocate(words_count(request->argv) + words_count(words) + 4, sizeof *line);
	line[n++] = self;
	for (char *const *word = request->argv; *word; word++) {
		if (is_kept(request, *word))
			line[n++] = *word;
		if (word == request->argv) /* what the run before wrote is ours to replace */
			line[n++] = force;
	}
	if (!request->workload)
		return line;
	line[n++] = request->words[0];
	for (; *words; words++)
		line[n++] = *words;
	return line;
}

int session_again(const struct session_request *request, char *const *words, const char *view)
{
	struct why why;
	sigset_t none;
	char **line = new_line(request, words);
	/* What is blocked or ignored would stay so, in the next program too. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setenv(VIEW, view, 1);
	execv("/proc/self/exe", line);
	free(line);
	why_fail(&why, "Cannot start again: %s; the run before is over.", strerror(errno));
	return fail_with(STATUS_PROFILER_FAILED, request->name, &why);
}

const char *session_resumed_view(const char *otherwise)
{
	const char *name = getenv(VIEW);
	const struct view *view = name ? view_find(name) : NULL;
	unsetenv(VIEW);
	return view ? view->name : otherwise;
}
