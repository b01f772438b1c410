/*
 * What is attached to goes on without us: it is never signalled, its end ends the session, and its
 * status is nobody's business here.
 */
#include "tui/session_attach.h"

#include <errno.h>
#include <stdio.h>

#include "sampler/attach.h"
#include "sampler/base/text.h"
#include "sampler/perf_event.h"
#include "sampler/recording.h"
#include "sampler/target.h"
#include "tui/session.h"
#include "tui/session_gpu.h"
#include "tui/settings.h"
#include "tui/words.h"

static void fall_back(struct attach_request *attach, struct recording *recording)
{
	char text[160];
	int error = attach_may_watch_machine();
	if (error != EACCES && error != EPERM)
		return;
	*attach = (struct attach_request){ .is_user = true };
	snprintf(text, sizeof text,
		 "Watching the whole machine is not permitted (kernel.perf_event_paranoid is %d), "
		 "so only processes of this user are followed.",
		 perf_event_paranoid());
	recording_note(recording, SEVERITY_WARNING, "stacks", text,
		       "Run `sysctl kernel.perf_event_paranoid=0` as root, or give CAP_PERFMON.");
}

static void add_facts(const struct target *target, const struct attach_request *attach,
		      char *const *words, struct recording *recording)
{
	char text[1024], clean[1024];
	const char *list = attach->processes ? attach->processes : attach->threads;
	recording_add_fact(recording, "command_line", attach_describe(target, text, sizeof text));
	snprintf(text, sizeof text, "%s%s",
		 attach->processes ? "-p "
		 : attach->threads ? "-t "
		 : attach->is_user ? "all of this user"
				   : "-a",
		 list ? list : "");
	recording_add_fact(recording, "attached", text_clean(clean, sizeof clean, text));
	if (!words)
		return;
	words_join(text, sizeof text, ' ', words);
	recording_add_fact(recording, "attached.until", text_clean(clean, sizeof clean, text));
}

bool session_attach(struct target *target, const struct session_request *request,
		    const struct sampling *sampling, struct recording *recording, struct why *why)
{
	struct attach_request attach = request->settings->attach;
	if (request->may_fall_back && attach.is_whole_machine)
		fall_back(&attach, recording);
	if (!target_attach(target, &attach, sampling, why))
		return false;
	add_facts(target, &attach, request->words, recording);
	if (!target->is_launched || !attach.is_whole_machine) /* else session_gpu_open has */
		session_gpu_attach(sampling, recording);
	return true;
}

void session_attach_say(const struct target *target, const struct session_request *request)
{
	char what[1024];
	if (request->settings->is_quiet)
		return;
	attach_describe(target, what, sizeof what);
	if (request->words)
		fprintf(stderr, "stoke: recording %s while %s runs\n", what, request->words[0]);
	else
		fprintf(stderr, "stoke: recording %s; Ctrl-C ends it\n", what);
}
