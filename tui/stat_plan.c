/* What to count: the lists of -e and -g, or a default that fits every machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/events.h"
#include "tui/metric_names.h"
#include "tui/settings.h"
#include "tui/stat.h"

/* As perf stat shows them, and the groups that say most at a glance. */
static const char default_events[] = "task-clock,context-switches,cpu-migrations,page-faults";
static const char *const default_groups[] = { "ipc", "branches", "l1", "llc" };

struct stat_row *stat_row_new(struct stat *stat, enum stat_kind kind, const char *name,
			      const char *unit)
{
	stat->rows = reallocate(stat->rows, stat->n_rows + 1, sizeof *stat->rows);
	struct stat_row *row = &stat->rows[stat->n_rows++];
	memset(row, 0, sizeof *row);
	row->kind = kind;
	row->name = name;
	row->unit = unit;
	row->group = row->core = row->about = "";
	row->running_ratio = NAN;
	return row;
}

static struct stat_block *add_block(struct stat *stat, struct why *why)
{
	if (stat->n_blocks == MAX_STAT_BLOCKS) {
		why_fail(why, "At most %d groups can be counted at once.", MAX_STAT_BLOCKS);
		return NULL;
	}
	struct stat_block *block = &stat->blocks[stat->n_blocks++];
	memset(block, 0, sizeof *block);
	block->now = allocate(1, sizeof *block->now);
	block->before = allocate(1, sizeof *block->before);
	block->first_row = stat->n_rows;
	return block;
}

static bool add_event(struct stat *stat, struct stat_block *block, const char *name,
		      struct why *why)
{
	if (block->n_events == MAX_SECTION_EVENTS)
		return why_fail(why, "At most %d events fit into one group.", MAX_SECTION_EVENTS);
	struct counted_event *event = &block->events[block->n_events];
	if (!event_resolve_counted(name, event, why))
		return false;
	block->n_events++;
	stat_row_new(stat, STAT_EVENT, event->sampled.name, event->sampled.unit);
	return true;
}

/* The letters behind the brace of the group that begins here; "" where there are none. */
static size_t group_letters(const char *list, char letters[EVENT_LETTERS])
{
	bool is_sampled; /* to count them at the same time is all that S can mean here */
	const char *end = list;
	while (*end && *end != '}')
		end += events_length(end) + (end[events_length(end)] == ',');
	return events_group_letters(end + (*end == '}'), letters, &is_sampled);
}

/* "a", "{a,b,c}" or "{a,b,c}:u"; *list goes on behind it. */
static bool add_event_block(struct stat *stat, const char **list, struct why *why)
{
	char letters[EVENT_LETTERS] = "", name[EVENT_NAME_BYTES];
	struct stat_block *block = add_block(stat, why);
	if (!block)
		return false;
	block->events = allocate(MAX_SECTION_EVENTS, sizeof *block->events);
	block->group = allocate(1, sizeof *block->group);
	*list += strspn(*list, " \t");
	bool is_braced = **list == '{';
	const char *at = *list + is_braced;
	size_t n_letters = is_braced ? group_letters(at, letters) : 0;
	for (;;) {
		size_t length = events_length(at);
		if (!add_event(stat, block, events_with_letters(at, length, letters, name), why))
			return false;
		at += length;
		if (!is_braced || *at != ',')
			break;
		at++;
	}
	if (is_braced != (*at == '}'))
		return why_fail(why, "A brace is missing in the list of events: groups are written "
				     "{cycles,instructions}.");
	at += is_braced + n_letters;
	if (*at && *at != ',')
		return why_fail(why, "A comma is missing behind a group of events.");
	*list = at;
	return true;
}

static bool add_events(struct stat *stat, const char *list, struct why *why)
{
	for (;;) {
		if (!add_event_block(stat, &list, why))
			return false;
		if (!*list)
			return true;
		list++;
	}
}

static void add_metric_rows(struct stat *stat, const struct metric_set *set)
{
	const char *core = set->core.is_hybrid ? set->core.sysfs : "";
	if (set->absent.text[0]) {
		struct stat_row *row = stat_row_new(stat, STAT_METRIC, set->group->summary, "");
		row->group = set->group->name;
		row->core = core;
		return;
	}
	for (uint32_t i = 0; i < set->section->n_metrics; i++) {
		const struct metric *metric = &set->section->metrics[i];
		struct stat_row *row = stat_row_new(stat, STAT_METRIC, metric->name, metric->unit);
		row->group = set->group->name;
		row->core = core;
		row->about = metric->about;
	}
	for (uint32_t i = 0; i < set->section->n_events; i++) {
		const char *unit = set->events[i].sampled.unit;
		struct stat_row *row =
			stat_row_new(stat, STAT_EVENT, set->section->events[i].encoding,
				     unit[0] ? unit : "events");
		row->group = set->group->name;
		row->core = core;
		row->is_detail = true;
	}
}

/* On each kind of core by itself; software events know no cores. */
static bool add_group(struct stat *stat, const struct metric_group *group, struct why *why)
{
	struct core_pmu cores[MAX_CORE_PMUS];
	uint32_t n_cores = core_pmus(cores);
	for (uint32_t i = 0; i < n_cores; i++) {
		struct stat_block *block = add_block(stat, why);
		if (!block)
			return false;
		block->set = allocate(1, sizeof *block->set);
		metric_set_choose(block->set, group, &cores[i]);
		bool is_of_all = n_cores > 1 && !metric_set_is_of_core(block->set);
		if (is_of_all)
			block->set->core.is_hybrid = false;
		add_metric_rows(stat, block->set);
		if (is_of_all)
			break;
	}
	return true;
}

static bool add_groups(struct stat *stat, const char *list, struct why *why)
{
	for (;;) {
		char name[64];
		size_t length = strcspn(list, ",");
		snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), list);
		const struct metric_group *group = metric_group_find(name);
		uint32_t n;
		const struct metric_group *all = metric_groups(&n);
		bool wants_all = strcmp(name, "all") == 0;
		bool is_traffic = strcmp(name, "bandwidth") == 0;
		if (!group && !wants_all && !is_traffic)
			return metric_names_fail(name, "bandwidth", why);
		if (wants_all || is_traffic)
			stat_bandwidth_plan(stat);
		for (uint32_t i = 0; i < n; i++)
			if ((wants_all || group == &all[i]) && !add_group(stat, &all[i], why))
				return false;
		if (!list[length])
			return true;
		list += length + 1;
	}
}

bool stat_plan(struct stat *stat, struct why *why)
{
	const struct settings *settings = stat->settings;
	bool is_default = !settings->events && !settings->groups;
	stat_row_new(stat, STAT_TIME, "elapsed", "s");
	stat_row_new(stat, STAT_TIME, "user", "s");
	stat_row_new(stat, STAT_TIME, "system", "s");
	if ((settings->events || is_default) &&
	    !add_events(stat, settings->events ? settings->events : default_events, why))
		return false;
	if (settings->groups && !add_groups(stat, settings->groups, why))
		return false;
	for (size_t i = 0; is_default && i < sizeof default_groups / sizeof default_groups[0]; i++)
		if (!add_group(stat, metric_group_find(default_groups[i]), why))
			return false;
	if (is_default)
		stat_bandwidth_plan(stat);
	stat_stamp_grades(stat);
	return true;
}

void stat_free(struct stat *stat)
{
	for (uint32_t i = 0; i < stat->n_blocks; i++) {
		struct stat_block *block = &stat->blocks[i];
		if (block->group)
			event_group_close(block->group);
		if (block->set)
			metric_set_close(block->set);
		free(block->events);
		free(block->group);
		free(block->set);
		free(block->now);
		free(block->before);
	}
	free(stat->rows);
}
