/* Drained by hand: nothing depends on who is faster. */
#include "tests/fixture_late.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "tests/fixture_dormant.h"
#include "tests/fixture_inject.h"

extern const struct source source_cupti;

/* Programs are asked again each 5 s. */
static const uint64_t PATIENCE_NS = 30000000000;

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

void late_session_check(const struct recording *recording)
{
	assert_int_equal(fixture_fact(recording, "gpu.matched"), DORMANT_LAUNCHES * 2);
	assert_int_equal(fixture_fact(recording, "gpu.unmatched"), 0);
	assert_int_equal(fixture_fact(recording, "gpu.dropped"), 0);
	assert_int_equal(fixture_count_spans(recording, "gemm(float const*, float const*, float*)"),
			 DORMANT_LAUNCHES);
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SPANS]; i++)
		assert_true(fixture_count_frames_of(recording, recording_span(recording, i)->stack,
						    "test_attach") >= 2);
}

void late_session_run(const struct dormant *dormant)
{
	struct late_session session;
	pid_t pid = dormant->pid;
	late_session_open(&session, &pid);
	assert_true(late_session_wait(&session, "gpu.cupti"));
	assert_true(fixture_dormant_do(dormant, 'r'));
	struct recording *recording = late_session_close(&session);
	late_session_check(recording);
	recording_free(recording);
}
