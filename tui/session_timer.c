/*
 * The dynamic linker loads what LD_PRELOAD names before everything else, in the program and in
 * what it starts. Programs with gcc's address sanitizer refuse to run behind another library unless
 * ASAN_OPTIONS says that it does not matter.
 */
#include "tui/session_timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/library.h"
#include "sampler/perf_event.h"
#include "sampler/target.h"
#include "sampler/timer_memory.h"

#define LIBRARY "libstoke-timer.so"

enum { USUAL_HZ = 997 }; /* where a period counts events of another kind */

char *session_timer_library(struct why *why)
{
	char *path = library_beside_program(LIBRARY);
	if (path && !strpbrk(path, " :"))
		return path;
	why_fail(why, path ? LIBRARY " lies in a folder whose name has a blank or a colon, which "
				     "LD_PRELOAD cannot name; move it."
			   : LIBRARY " is neither beside stoke nor in ../lib/stoke; run `make` or "
				     "`make install`.");
	free(path);
	return NULL;
}

/* "NAME=value", or with what the variable holds already before or behind it. */
static char *assignment(const char *name, const char *before, const char *value, const char *behind)
{
	size_t bytes = strlen(name) + strlen(before) + strlen(value) + strlen(behind) + 4;
	char *text = allocate(bytes, 1);
	snprintf(text, bytes, "%s=%s%s%s%s%s", name, before, *before ? ":" : "", value,
		 *behind ? ":" : "", behind);
	return text;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value ? value : "";
}

/* A stoke that samples a stoke has it there already. */
static char *preload(const char *library)
{
	const char *others = variable("LD_PRELOAD");
	return assignment("LD_PRELOAD", "", strstr(others, library) ? others : library,
			  strstr(others, library) ? "" : others);
}

void session_timer_open(struct session_timer *timer, const struct sampling *sampling)
{
	struct why why;
	*timer = (struct session_timer){ 0 };
	if (sampling->kernel_only || perf_event_refusal() == 0)
		return;
	char *library = session_timer_library(&why);
	uint32_t hz = sampling->frequency_hz ? sampling->frequency_hz : USUAL_HZ;
	uint32_t bytes = sampling->call_graph == CALL_GRAPH_NONE ? 0 : sampling->stack_bytes;
	int fd = library ? timer_memory_create(bytes, 1000000000u / hz, &why) : -1;
	if (fd > 0) {
		timer->fd = fd;
		timer->environment[0] = preload(library);
		timer->environment[1] = assignment("ASAN_OPTIONS", variable("ASAN_OPTIONS"),
						   "verify_asan_link_order=0", "");
	}
	free(library);
}

void session_timer_close(struct session_timer *timer)
{
	free(timer->environment[0]);
	free(timer->environment[1]);
	if (timer->fd > 0)
		close(timer->fd);
	*timer = (struct session_timer){ 0 };
}
