/* The names event_resolve takes, filtered. */
#include "tui/list_events.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "counters/events.h"
#include "counters/events_tracepoint.h"
#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "tui/command.h"
#include "tui/help.h"
#include "tui/settings.h"

enum { SUMMARY_COLUMN = 25 };

struct filter {
	const char *pattern; /* NULL = everything */
	size_t n_shown;
	struct nearest nearest;
	char best[128];
};

static bool is_wanted(const char *pattern, const char *name, const char *summary)
{
	if (!pattern)
		return true;
	if (strpbrk(pattern, "*?["))
		return fnmatch(pattern, name, FNM_CASEFOLD) == 0;
	return strcasestr(name, pattern) || strcasestr(summary, pattern);
}

static bool print_event(void *context, const char *name, const char *summary)
{
	struct filter *filter = context;
	if (!is_wanted(filter->pattern, name, summary)) {
		const char *before = filter->nearest.best;
		nearest_offer(&filter->nearest, name);
		if (filter->nearest.best != before) {
			snprintf(filter->best, sizeof filter->best, "%s", name);
			filter->nearest.best = filter->best;
		}
		return true;
	}
	filter->n_shown++;
	/* A name that leaves no room stands on a line of its own. */
	int width = printf("%-*s ", SUMMARY_COLUMN - 1, name);
	if (width > SUMMARY_COLUMN)
		printf("\n%*s", SUMMARY_COLUMN, "");
	print_wrapped(stdout, summary, SUMMARY_COLUMN, SUMMARY_COLUMN);
	return !ferror(stdout);
}

int list_events(const char *pattern)
{
	struct filter filter = { .pattern = pattern };
	struct event_visitor visitor = { print_event, &filter };
	nearest_start(&filter.nearest, pattern ? pattern : "");
	events_each(pattern && strstr(pattern, "::"), &visitor);
	if (filter.n_shown > 0)
		return STATUS_OK;
	char question[400] = ".", clean[64], elsewhere[128];
	struct why why;
	if (filter.nearest.best)
		nearest_question(&filter.nearest, "", question, sizeof question);
	else if (pattern && events_find_elsewhere(pattern, elsewhere, sizeof elsewhere))
		snprintf(question, sizeof question,
			 " of this processor; others have such: %s. `stoke list events "
			 "'*::*%.60s*'` "
			 "shows them.",
			 elsewhere, text_clean(clean, sizeof clean, pattern));
	/* Tracepoints are written small, vendors' events as a rule not. */
	bool is_hidden = pattern && pattern[0] >= 'a' && !strstr(pattern, "::") &&
			 !filter.nearest.best && tracepoints_are_hidden();
	why_fail(&why, "There is nothing called %s to list among the events%s%s",
		 text_clean(clean, sizeof clean, pattern ? pattern : ""), question,
		 is_hidden ? " Tracepoints could not be asked: those need /sys/kernel/tracing "
			     "readable; run `mount -t tracefs tracefs /sys/kernel/tracing` as root."
			   : "");
	return fail_with(STATUS_USAGE, "list", &why);
}
