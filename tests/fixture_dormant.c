/* Pipes on its standard input and output; nothing else of ours goes there. */
#include "tests/fixture_dormant.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "tests/fixture_inject.h"

extern const struct source source_cupti;

static const uint64_t PATIENCE_NS = 10000000000;

static _Noreturn void be_dormant(const int *in, const int *out, const char *mode,
				 const char *script)
{
	dup2(in[0], 0);
	dup2(out[1], 1);
	setenv("MOCK_SCRIPT", script, 1);
	unsetenv("STOKE_GPU_FD");
	execl("/proc/self/exe", "test", mode, (char *)NULL);
	_exit(2);
}

struct dormant fixture_dormant_start(const char *mode, const char *script)
{
	int in[2], out[2];
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		die("no pipes");
	fflush(NULL);
	struct dormant dormant = { fork(), in[1], out[0] };
	if (dormant.pid == 0)
		be_dormant(in, out, mode, script);
	close(in[0]);
	close(out[1]);
	char ready = 0;
	if (read(dormant.out, &ready, 1) != 1)
		die("the program does not start");
	return dormant;
}

bool fixture_dormant_do(const struct dormant *dormant, char order)
{
	char done = 0;
	return write(dormant->in, &order, 1) == 1 && read(dormant->out, &done, 1) == 1;
}

int fixture_dormant_end(struct dormant *dormant)
{
	int status = -1;
	close(dormant->in);
	waitpid(dormant->pid, &status, 0);
	close(dormant->out);
	return status;
}

char fixture_dormant_next(void)
{
	char order = 0;
	if (write(1, "d", 1) != 1 || read(0, &order, 1) != 1)
		return 0;
	return order;
}

void late_session_open(struct late_session *session, pid_t *pid)
{
	struct why why;
	sampling_defaults(&session->sampling);
	session->sampling.gpu_stalls = getenv("STOKE_GPU_STALLS") != NULL;
	session->target = (struct target){ .sampling = &session->sampling,
					   .pid = *pid,
					   .processes = pid,
					   .n_processes = 1,
					   .gpu_fd = -1 };
	session->recording = recording_new();
	session->state = allocate(1, source_cupti.state_bytes);
	if (!source_cupti.wanted(&session->target) ||
	    !source_cupti.open(session->state, &session->target, session->recording, &why))
		die("the source does not open");
}

bool late_session_wait(struct late_session *session, const char *text)
{
	const struct timespec step = { 0, 2000000 };
	uint64_t until = now_ns() + PATIENCE_NS;
	while (now_ns() < until) {
		source_cupti.drain(session->state, session->recording, false);
		recording_publish(session->recording);
		if (fixture_fact(session->recording, text) != UINT64_MAX ||
		    fixture_has_note(session->recording, text))
			return true;
		nanosleep(&step, NULL);
	}
	printf("waited in vain for \"%s\"; there are these notes:\n", text);
	for (uint64_t i = 1; i < recording_moment(session->recording).n[TABLE_NOTES]; i++)
		puts(recording_string_at(session->recording,
					 recording_note_row(session->recording, i)->text));
	return false;
}

struct recording *late_session_close(struct late_session *session)
{
	source_cupti.drain(session->state, session->recording, true);
	source_cupti.close(session->state);
	free(session->state);
	recording_flush_samples(session->recording, UINT64_MAX);
	recording_publish(session->recording);
	return session->recording;
}
