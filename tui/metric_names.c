/* What is wrong with a name of a metric group. */
#include "tui/metric_names.h"

#include <stdio.h>
#include <string.h>

#include "counters/metrics.h"
#include "sampler/base/nearest.h"
#include "sampler/base/text.h"

bool metric_names_fail(const char *name, const char *extra, struct why *why)
{
	uint32_t n;
	const struct metric_group *groups = metric_groups(&n);
	struct nearest nearest;
	char question[96], clean[64];
	nearest_start(&nearest, name);
	for (uint32_t i = 0; i < n; i++)
		nearest_offer(&nearest, groups[i].name);
	if (extra)
		nearest_offer(&nearest, extra);
	return why_fail(why, "There is no metric group \"%s\"%s",
			text_clean(clean, sizeof clean, name),
			nearest.best ? nearest_question(&nearest, "", question, sizeof question)
				     : "; `stoke list metrics` shows them.");
}

bool metric_names_check(const char *list, struct why *why)
{
	for (;;) {
		char name[64];
		size_t length = strcspn(list, ",");
		snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), list);
		if (!metric_group_find(name))
			return metric_names_fail(name, NULL, why);
		if (!list[length])
			return true;
		list += length + 1;
	}
}
