/* The ring is read when the child has ended: nothing depends on who is faster. */
#include "tests/fixture_inject.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu/gpu_record.h"
#include "sampler/base/why.h"
#include "sampler/probe_memory.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"

extern const struct source source_cupti;

/* What a child runs. */
struct injected {
	const char *script;
	int (*start)(void); /* NULL: the program's own business */
	void (*program)(void);
};

static pid_t fork_child(const struct injected *injected, int fd)
{
	char text[16];
	fflush(NULL);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	snprintf(text, sizeof text, "%d", fcntl(fd, F_DUPFD, 3));
	setenv("STOKE_GPU_FD", text, 1);
	setenv("MOCK_SCRIPT", injected->script, 1);
	if (injected->start && injected->start() != 1)
		_exit(1);
	injected->program();
	exit(0); /* with what is registered for the end */
}

static struct recording *read_ring(int fd, pid_t pid)
{
	struct sampling sampling;
	struct why why;
	sampling_defaults(&sampling);
	sampling.gpu_stalls = getenv("STOKE_GPU_STALLS") != NULL;
	struct target target = { .sampling = &sampling, .pid = pid, .gpu_fd = fd };
	struct recording *recording = recording_new();
	void *state = allocate(1, source_cupti.state_bytes);
	if (!source_cupti.wanted(&target) || !source_cupti.open(state, &target, recording, &why))
		die("the source does not open");
	source_cupti.drain(state, recording, false);
	source_cupti.drain(state, recording, true);
	source_cupti.close(state);
	free(state);
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}

static struct recording *record(const struct injected *injected, int expected)
{
	struct why why;
	int status = -1, fd = probe_memory_create(GPU_RING_RECORDS, &why);
	if (fd < 3)
		die("%s", why.text);
	pid_t pid = fork_child(injected, fd);
	/* Whatever failed, the program goes on. */
	if (waitpid(pid, &status, 0) != pid || status != expected)
		die("the program ended with status %d, not %d", status, expected);
	struct recording *recording = read_ring(fd, pid);
	close(fd);
	return recording;
}

struct recording *fixture_inject(const char *script, void (*program)(void))
{
	return record(&(struct injected){ script, NULL, program }, 0);
}

struct recording *fixture_inject_started(const char *script, int (*start)(void),
					 void (*program)(void))
{
	return record(&(struct injected){ script, start, program }, 0);
}

struct recording *fixture_inject_killed(const char *script, int (*start)(void),
					void (*program)(void), int signal)
{
	return record(&(struct injected){ script, start, program }, signal);
}

uint64_t fixture_fact(const struct recording *recording, const char *key)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_FACTS]; i++) {
		const struct fact_row *row = recording_fact(recording, i);
		if (strcmp(recording_string_at(recording, row->key), key) == 0)
			return strtoull(recording_string_at(recording, row->value), NULL, 10);
	}
	return UINT64_MAX;
}

bool fixture_has_note(const struct recording *recording, const char *part)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_NOTES]; i++)
		if (strstr(recording_string_at(recording, recording_note_row(recording, i)->text),
			   part))
			return true;
	return false;
}

uint64_t fixture_count_spans(const struct recording *recording, const char *name)
{
	uint64_t n = 0;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SPANS]; i++)
		n += strcmp(recording_string_at(recording, recording_span(recording, i)->name),
			    name) == 0;
	return n;
}

bool fixture_is_stall(const struct recording *recording, const struct sample_row *sample)
{
	const struct series_row *series = recording_series(recording, sample->series);
	return strcmp(recording_string_at(recording, series->name), "gpu-stalls") == 0;
}

uint64_t fixture_count_stalls(const struct recording *recording)
{
	uint64_t n = 0;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SAMPLES]; i++) {
		const struct sample_row *sample = recording_sample(recording, i);
		if (fixture_is_stall(recording, sample))
			n += sample->weight;
	}
	return n;
}

uint32_t fixture_count_frames_of(const struct recording *recording, uint32_t stack,
				 const char *part)
{
	uint32_t n = 0;
	for (; stack; stack = recording_stack(recording, stack)->parent) {
		const struct frame_row *frame =
			recording_frame(recording, recording_stack(recording, stack)->frame);
		const char *path = recording_string_at(
			recording, recording_module(recording, frame->module)->path);
		n += strstr(path, part) != NULL;
	}
	return n;
}
