/* Each requirement is a question to the recording about what the sources opened. */
#include "tui/requirements.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "sampler/collector.h"
#include "sampler/recording.h"

enum { FIRST_ROWS_MS = 1000 };

struct requirement {
	const char *name;
	bool (*is_met)(const struct recording *recording);
	const char *sentence; /* what is wrong, after "--require NAME: " */
};

static bool has_hardware(const struct recording *recording)
{
	struct moment moment = recording_moment(recording);
	for (uint64_t id = 1; id < moment.n[TABLE_SERIES]; id++) {
		const struct series_row *series = recording_series(recording, id);
		if (series->flags & SERIES_SAMPLES && series->origin == ORIGIN_MEASURED)
			return true;
	}
	return false;
}

static bool has_call_graph(const struct recording *recording)
{
	const char *kind = recording_fact_text(recording, "sampling.call_graph");
	return kind && strcmp(kind, "none") != 0;
}

static bool has_kernel(const struct recording *recording)
{
	const char *user_only = recording_fact_text(recording, "sampling.user_only");
	return user_only && strcmp(user_only, "no") == 0;
}

static bool has_gpu(const struct recording *recording)
{
	/* session_gpu.h: what is missing is told before the program starts. */
	return !recording_fact_text(recording, "gpu.unavailable");
}

static const struct requirement requirements[] = {
	{ "hw", has_hardware, "no hardware event can be sampled here; `stoke doctor` says why." },
	{ "callgraph", has_call_graph,
	  "callers cannot be recorded here; `stoke doctor` says why." },
	{ "kernel", has_kernel,
	  "time in the kernel cannot be sampled; set kernel.perf_event_paranoid to 1 or run as "
	  "root, and leave out --all-user." },
	{ "gpu", has_gpu, "GPU work cannot be recorded here; `stoke doctor` says why." },
	{ 0 },
};

/* The next word of a comma-separated list, or NULL; *list moves behind it. */
static const struct requirement *next_requirement(const char **list, char *word, size_t bytes)
{
	size_t length = strcspn(*list, ",");
	snprintf(word, bytes, "%.*s", (int)(length < bytes ? length : bytes - 1), *list);
	*list += length + ((*list)[length] == ',');
	for (const struct requirement *requirement = requirements; requirement->name; requirement++)
		if (strcmp(requirement->name, word) == 0)
			return requirement;
	return NULL;
}

bool requirements_check(const char *list, struct why *why)
{
	char word[32], clean[32], question[96];
	do {
		if (!list || next_requirement(&list, word, sizeof word))
			continue;
		struct nearest nearest;
		nearest_start(&nearest, word);
		for (const struct requirement *known = requirements; known->name; known++)
			nearest_offer(&nearest, known->name);
		return why_fail(why, "--require does not know \"%s\"%s",
				text_clean(clean, sizeof clean, word),
				nearest.best
					? nearest_question(&nearest, "", question, sizeof question)
					: "; it takes hw, callgraph, kernel and gpu.");
	} while (list && *list);
	return true;
}

bool requirements_are_met(const char *list, const struct recording *recording,
			  struct collector *collector, struct why *why)
{
	if (!list)
		return true;
	struct pollfd published = { .fd = collector_event_fd(collector), .events = POLLIN };
	poll(&published, 1, FIRST_ROWS_MS);
	while (*list) {
		char word[32];
		const struct requirement *requirement = next_requirement(&list, word, sizeof word);
		if (requirement && !requirement->is_met(recording))
			return why_fail(why, "--require %s: %s", word, requirement->sentence);
	}
	return true;
}
