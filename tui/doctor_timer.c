/* The last rung for sampling: a timer inside the program, where perf_event_open is forbidden. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sampler/perf_event.h"
#include "sampler/timer_notes.h"
#include "tui/doctor.h"
#include "tui/session_timer.h"

/* 0, or the errno that a program would get. */
static int try_timer(void)
{
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0)
		return errno;
	timer_delete(timer);
	return 0;
}

void doctor_timer(const struct doctor *doctor)
{
	struct why why;
	char text[WHY_BYTES + 256];
	int error = try_timer(), refusal = perf_event_refusal();
	char *library = session_timer_library(&why);
	const char *remedy, *reason = timer_notes_refusal(refusal, &remedy);
	puts("\nTimer in the program (where perf_event_open is forbidden)");
	if (error || !library)
		snprintf(text, sizeof text, "%s%s", error ? "timers of CPU time are refused: " : "",
			 error ? strerror(error) : why.text);
	else if (refusal)
		snprintf(text, sizeof text,
			 "used: perf_event_open is forbidden (%s: %s). User code of programs that "
			 "are dynamically linked, on the kernel's tick; nothing that runs already. "
			 "%s",
			 strerror(refusal), reason, remedy);
	else
		snprintf(text, sizeof text, "at hand, and not used: perf_event_open works");
	doctor_line(doctor, error || !library ? ORIGIN_UNAVAILABLE : ORIGIN_SOFTWARE, "cpu-timer",
		    text);
	free(library);
}
