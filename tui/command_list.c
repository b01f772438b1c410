/* stoke list KIND [NAME]: everything that registers itself, straight from the registry. */
#include <stdio.h>
#include <string.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "sampler/exporter.h"
#include "sampler/importer.h"
#include "sampler/source.h"
#include "tui/command.h"
#include "tui/help.h"
#include "tui/lesson.h"
#include "tui/list_events.h"
#include "tui/list_metrics.h"
#include "tui/settings.h"
#include "tui/view.h"
#include "workloads/support/runner.h"
#include "workloads/workload.h"

extern const struct command command_list;

enum { NAME_COLUMNS = 25 };

/* One entry of any kind; `unusable` is the sentence if it cannot be used here. */
struct entry {
	const char *name, *summary, *unusable;
	const void *item;
};

struct kind {
	const char *name, *summary;
	bool (*at)(size_t place, struct entry *entry); /* false after the last */
	void (*describe)(const void *item);            /* more about one of them; may be NULL */
	int (*list)(const char *pattern); /* instead of both, where there are thousands */
};

static bool workload_at(size_t place, struct entry *entry)
{
	const struct workload *workload = workloads[place];
	if (workload)
		*entry = (struct entry){ workload->name, workload->summary,
					 workload->unusable ? workload->unusable() : NULL,
					 workload };
	return workload != NULL;
}

static bool source_at(size_t place, struct entry *entry)
{
	const struct source *source = sources[place];
	if (source)
		*entry = (struct entry){ source->name, source->summary,
					 source->unusable ? source->unusable() : NULL, source };
	return source != NULL;
}

static bool exporter_at(size_t place, struct entry *entry)
{
	const struct exporter *exporter = exporters[place];
	if (exporter)
		*entry = (struct entry){ exporter->name, exporter->summary,
					 exporter->unusable ? exporter->unusable() : NULL,
					 exporter };
	return exporter != NULL;
}

static bool importer_at(size_t place, struct entry *entry)
{
	const struct importer *importer = importers[place];
	if (importer)
		*entry = (struct entry){ importer->name, importer->summary,
					 importer->unusable ? importer->unusable() : NULL,
					 importer };
	return importer != NULL;
}

static bool view_at(size_t place, struct entry *entry)
{
	const struct view *view = views[place];
	if (view)
		*entry = (struct entry){ view->name, view->summary, NULL, view };
	return view != NULL;
}

static bool command_at(size_t place, struct entry *entry)
{
	size_t seen = 0;
	for (const struct command *const *command = commands; *command; command++) {
		if ((*command)->is_hidden || seen++ != place)
			continue;
		*entry = (struct entry){ (*command)->name, (*command)->summary, NULL, *command };
		return true;
	}
	return false;
}

static bool lesson_at(size_t place, struct entry *entry)
{
	static struct lesson lesson;
	struct why why;
	const struct lesson_text *text = &lesson_texts[place];
	if (!text->name)
		return false;
	*entry = (struct entry){ text->name, lesson_read(&lesson, text, &why) ? lesson.title : "",
				 NULL, text };
	return true;
}

static void describe_command(const void *item)
{
	help_print_command(stdout, item);
}

static void describe_workload(const void *item)
{
	workload_describe(stdout, item);
}

static const struct kind kinds[] = {
	{ "workloads", "programs to look at, for `stoke run NAME`", workload_at, describe_workload,
	  NULL },
	{ "views", "screens, for `stoke render --view NAME`", view_at, NULL, NULL },
	{ "events", "what can be counted and sampled on, for -e; NAME is a pattern", NULL, NULL,
	  list_events },
	{ "metrics", "groups of metrics, for `stoke stat -g NAME`", NULL, NULL, list_metrics },
	{ "exporters", "formats, for --format", exporter_at, NULL, NULL },
	{ "importers", "formats that can be read", importer_at, NULL, NULL },
	{ "sources", "what measures", source_at, NULL, NULL },
	{ "lessons", "what to predict and then measure, for `stoke learn NAME`", lesson_at, NULL,
	  NULL },
	{ "commands", "what stoke can do", command_at, describe_command, NULL },
	{ 0 },
};

static void print_entry(const struct entry *entry)
{
	char line[512];
	printf("%-*s ", NAME_COLUMNS - 1, entry->name);
	if (entry->unusable)
		snprintf(line, sizeof line, "%s (not usable here: %s)", entry->summary,
			 entry->unusable);
	print_wrapped(stdout, entry->unusable ? line : entry->summary, NAME_COLUMNS, NAME_COLUMNS);
}

static void print_kinds(void)
{
	puts("stoke list KIND [NAME]");
	for (const struct kind *kind = kinds; kind->name; kind++) {
		struct entry entry = { kind->name, kind->summary, NULL, NULL };
		print_entry(&entry);
	}
}

static int fail_unknown(const char *what, const char *name, const struct nearest *nearest)
{
	char question[96], clean[64];
	struct why why;
	why_fail(&why, "There is nothing called %s to list%s%s",
		 text_clean(clean, sizeof clean, name), what,
		 nearest->best ? nearest_question(nearest, "", question, sizeof question) : ".");
	return fail_with(STATUS_USAGE, "list", &why);
}

static int list_one(const struct kind *kind, const char *name)
{
	struct entry entry;
	struct nearest nearest;
	nearest_start(&nearest, name);
	for (size_t i = 0; kind->at(i, &entry); i++) {
		nearest_offer(&nearest, entry.name);
		if (strcmp(entry.name, name) != 0)
			continue;
		if (kind->describe)
			kind->describe(entry.item);
		else
			print_entry(&entry);
		return STATUS_OK;
	}
	char what[64];
	snprintf(what, sizeof what, " among the %s", kind->name);
	return fail_unknown(what, name, &nearest);
}

static int list_all(const struct kind *kind)
{
	struct entry entry;
	for (size_t i = 0; kind->at(i, &entry); i++)
		print_entry(&entry);
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	int status;
	if (!settings_parse(&command_list, OPTIONS_ANYWHERE, argv, &settings, &arguments, &status))
		return status;
	if (arguments.n_words == 0) {
		print_kinds();
		return STATUS_OK;
	}
	struct nearest nearest;
	nearest_start(&nearest, arguments.words[0]);
	for (const struct kind *kind = kinds; kind->name; kind++) {
		nearest_offer(&nearest, kind->name);
		if (strcmp(kind->name, arguments.words[0]) != 0)
			continue;
		if (kind->list)
			return kind->list(arguments.words[1]);
		return arguments.n_words > 1 ? list_one(kind, arguments.words[1]) : list_all(kind);
	}
	return fail_unknown("", arguments.words[0], &nearest);
}

const struct command command_list = {
	.name = "list",
	.summary = "List workloads, events, formats, sources, views or commands.",
	.usage = "KIND [NAME]",
	.run = run,
};
