/* --require of stat: asked of what was opened, before the program runs. */
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/ladder.h"
#include "tui/settings.h"
#include "tui/stat.h"

bool stat_require_check(const char *list, struct why *why)
{
	while (list && *list) {
		char clean[64];
		size_t length = strcspn(list, ",");
		bool is_known = (length == 2 && memcmp(list, "hw", 2) == 0) ||
				(length == 6 && memcmp(list, "kernel", 6) == 0);
		if (!is_known)
			return why_fail(why, "--require of stat takes hw and kernel, not %s.",
					text_clean(clean, sizeof clean, list));
		list += length + (list[length] == ',');
	}
	return true;
}

struct census {
	uint32_t n_hardware;
	bool is_user_only;
	const char *missing; /* why the first that is not there is not, or NULL */
};

static void miss(struct census *census, const char *reason)
{
	if (!census->missing)
		census->missing = reason;
}

static void take_group(struct census *census, const struct event_group *group)
{
	census->is_user_only |= group->is_user_only;
	for (uint32_t i = 0; i < group->n_members; i++) {
		const struct group_member *member = &group->members[i];
		if (ladder_origin(&member->event.sampled) == ORIGIN_SOFTWARE)
			continue;
		census->n_hardware++;
		if (!member->is_open)
			miss(census, member->reason.text);
	}
}

static void take_set(struct census *census, const struct metric_set *set)
{
	if (!set->section || set->absent.text[0]) {
		miss(census, set->absent.text);
		return;
	}
	for (uint32_t i = 0; i < set->section->n_events; i++)
		if (set->unresolved[i].text[0])
			miss(census, set->unresolved[i].text);
	take_group(census, &set->whole);
	for (uint32_t i = 0; set->apart && i < set->section->n_metrics; i++)
		take_group(census, &set->apart[i]);
}

bool stat_require(const struct stat *stat, struct why *why)
{
	const char *list = stat->settings->require;
	struct census census = { .is_user_only = stat->settings->user_only };
	if (!list)
		return true;
	for (uint32_t i = 0; i < stat->n_blocks; i++) {
		if (stat->blocks[i].set)
			take_set(&census, stat->blocks[i].set);
		else
			take_group(&census, stat->blocks[i].group);
	}
	if (strstr(list, "hw") && census.missing)
		return why_fail(why, "--require hw: %.400s", census.missing);
	if (strstr(list, "hw") && census.n_hardware == 0)
		return why_fail(why, "--require hw: only software events are asked for; name "
				     "others with -e or -g.");
	if (strstr(list, "kernel") && census.is_user_only)
		return why_fail(why,
				"--require kernel: the kernel's part cannot be counted; set "
				"kernel.perf_event_paranoid to 1 or run as root, and leave out "
				"--all-user.");
	return true;
}
