/* Metric groups as their files explain them, for the kinds of cores this machine has. */
#include "tui/list_metrics.h"

#include <stdio.h>
#include <string.h>

#include "counters/cores.h"
#include "counters/metrics.h"
#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "tui/command.h"
#include "tui/help.h"
#include "tui/settings.h"

enum { NAME_COLUMNS = 25, INDENT = 4 };

static void print_indented(int indent, const char *text)
{
	printf("%*s", indent, "");
	print_wrapped(stdout, text, indent, indent);
}

static void print_section(const struct metric_group *group, const struct core_pmu *core)
{
	const struct metric_section *section = metric_section_for(group, core->model);
	printf("\nOn %s%s%s:\n", core->model[0] ? core->model : "this CPU",
	       core->is_hybrid ? ", the PMU " : "", core->is_hybrid ? core->sysfs : "");
	if (!section || section->absent) {
		print_indented(INDENT, section ? section->absent
					       : "There are no events for it on this CPU.");
		return;
	}
	for (uint32_t i = 0; i < section->n_metrics; i++) {
		const struct metric *metric = &section->metrics[i];
		printf("  %s [%s] = %s\n", metric->name, metric->unit, metric->formula.text);
		print_indented(INDENT, metric->about);
	}
	puts("  where");
	for (uint32_t i = 0; i < section->n_events; i++)
		printf("    %-12s is %s\n", section->events[i].name, section->events[i].encoding);
}

static void print_group(const struct metric_group *group)
{
	struct core_pmu cores[MAX_CORE_PMUS];
	uint32_t n_cores = core_pmus(cores);
	printf("%s: ", group->name);
	print_wrapped(stdout, group->summary, (int)strlen(group->name) + 2, INDENT);
	if (group->about[0])
		print_indented(INDENT, group->about);
	for (uint32_t i = 0; i < n_cores; i++)
		print_section(group, &cores[i]);
	fputs("\nSource: ", stdout);
	print_wrapped(stdout, group->source, 8, 8);
}

static void print_line(const struct metric_group *group, const char *model)
{
	const struct metric_section *section = metric_section_for(group, model);
	char line[512];
	bool is_absent = !section || section->absent;
	snprintf(line, sizeof line, "%s%s%s%s", group->summary,
		 is_absent ? " (not on this CPU: " : "",
		 is_absent ? (section ? section->absent : "no events for it") : "",
		 is_absent ? ")" : "");
	printf("%-*s ", NAME_COLUMNS - 1, group->name);
	print_wrapped(stdout, line, NAME_COLUMNS, NAME_COLUMNS);
}

int list_metrics(const char *name)
{
	struct core_pmu cores[MAX_CORE_PMUS];
	struct nearest nearest;
	uint32_t n;
	const struct metric_group *groups = metric_groups(&n);
	core_pmus(cores);
	nearest_start(&nearest, name ? name : "");
	for (uint32_t i = 0; i < n; i++) {
		nearest_offer(&nearest, groups[i].name);
		if (!name)
			print_line(&groups[i], cores[0].model);
	}
	if (!name)
		return STATUS_OK;
	const struct metric_group *group = metric_group_find(name);
	if (group) {
		print_group(group);
		return STATUS_OK;
	}
	char question[96], clean[64];
	struct why why;
	why_fail(&why, "There is nothing called %s to list among the metrics%s",
		 text_clean(clean, sizeof clean, name),
		 nearest.best ? nearest_question(&nearest, "", question, sizeof question) : ".");
	return fail_with(STATUS_USAGE, "list", &why);
}
