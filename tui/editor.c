/* The shell takes the variable apart, as it may hold options; the file is a word of its own, so
 * that whatever a recording calls its files is never read by the shell. */
#include "tui/editor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sampler/base/text.h"

enum { PATH_BYTES = 4096 };

static _Noreturn void run(char *line, char *file)
{
	static char shell[] = "sh", option[] = "-c",
		    command[] = "exec ${VISUAL:-${EDITOR:-vi}} \"$@\"";
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* Where our output goes elsewhere, the editor still needs the terminal. */
	if (freopen("/dev/tty", "r", stdin) && freopen("/dev/tty", "w", stdout))
		execv("/bin/sh", (char *[]){ shell, option, command, shell, line, file, NULL });
	_exit(127);
}

bool editor_open(const char *path, unsigned line, struct why *why)
{
	char file[PATH_BYTES], number[16], clean[200];
	int status = 0;
	/* A name that begins with a dash or a plus would be an option. */
	snprintf(file, sizeof file, "%s%s", path[0] == '/' ? "" : "./", path);
	snprintf(number, sizeof number, "+%u", line);
	if (access(file, R_OK) != 0)
		return why_fail(why, "Cannot edit %s: %s.", text_clean(clean, sizeof clean, path),
				strerror(errno));
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		run(number, file);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (pid < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
		return why_fail(why, "Cannot run the editor: %s; set VISUAL or EDITOR.",
				pid < 0 ? strerror(errno) : "there is none of that name");
	return true;
}
