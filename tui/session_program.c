/* A workload is `stoke workload NAME key=value...`: a child process like any other program. */
#include "tui/session_program.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sampler/base/shared_ring.h"
#include "sampler/probe_memory.h"
#include "tui/session.h"
#include "tui/session_model.h"
#include "tui/settings.h"
#include "tui/words.h"

static char *own_path(void)
{
	char *path = allocate(PATH_MAX, 1);
	/* Its own name rather than "exe" is what the threads are then called. */
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	if (n <= 0 || access(path, X_OK) != 0) {
		static const char link[] = "/proc/self/exe";
		for (size_t i = 0; i < sizeof link; i++)
			path[i] = link[i];
	}
	return path;
}

/* Without it the settings stay as they are: no reason not to run. */
static void open_steering(struct session_program *program)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return;
	program->steer_fd = ends[0];
	program->steered_fd = ends[1];
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool session_program_open(struct session_program *program, const struct session_request *request,
			  struct why *why)
{
	*program = SESSION_PROGRAM_NONE;
	/* Any program may report through probe.h, so each gets the memory. */
	program->probe_fd = probe_memory_create(SHARED_RING_RECORDS, why);
	if (program->probe_fd < 0)
		return false;
	if (!request->workload) {
		program->argv = request->words;
		return true;
	}
	static char word[] = "workload";
	bool is_model = request->settings && request->settings->has_model;
	program->self = is_model ? session_model_program(why) : own_path();
	if (!program->self)
		return false;
	program->argv = allocate(words_count(request->words) + 3, sizeof *program->argv);
	char **next = program->argv;
	*next++ = program->self;
	if (!is_model)
		*next++ = word;
	for (size_t i = 0; request->words[i]; i++)
		*next++ = request->words[i];
	if (request->wants_screen)
		open_steering(program);
	return true;
}

void session_program_started(struct session_program *program)
{
	close_end(&program->steered_fd);
}

void session_program_close(struct session_program *program)
{
	if (program->self)
		free(program->argv);
	free(program->self);
	close_end(&program->probe_fd);
	close_end(&program->steer_fd);
	close_end(&program->steered_fd);
	*program = SESSION_PROGRAM_NONE;
}
