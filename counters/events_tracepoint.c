/* tracefs has a folder for each tracepoint whose file `id` is the number perf_event_open takes. */
#include "counters/events_tracepoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/file.h"

static const char *const roots[] = { "/sys/kernel/tracing/events",
				     "/sys/kernel/debug/tracing/events" };
enum { N_ROOTS = sizeof roots / sizeof roots[0], NAME_BYTES = 96 };

/* Letters of C identifiers only: the name becomes part of a path. */
static bool split(const char *name, char *system, char *event)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t first = strspn(name, letters);
	if (first == 0 || first >= NAME_BYTES || name[first] != ':')
		return false;
	size_t second = strspn(name + first + 1, letters);
	if (second == 0 || second >= NAME_BYTES || name[first + 1 + second])
		return false;
	snprintf(system, NAME_BYTES, "%.*s", (int)first, name);
	snprintf(event, NAME_BYTES, "%s", name + first + 1);
	return true;
}

bool tracepoints_are_hidden(void)
{
	for (int i = 0; i < N_ROOTS; i++)
		if (access(roots[i], R_OK | X_OK) == 0)
			return false;
	return true;
}

bool tracepoint_resolve(const char *name, struct perf_event_attr *attribute, bool *is_hidden)
{
	char system[NAME_BYTES], event[NAME_BYTES], path[3 * NAME_BYTES];
	*is_hidden = false;
	if (!split(name, system, event))
		return false;
	for (int i = 0; i < N_ROOTS; i++) {
		snprintf(path, sizeof path, "%s/%s/%s/id", roots[i], system, event);
		char line[32], *end = line;
		if (!file_read_line(path, line, sizeof line))
			continue;
		attribute->type = PERF_TYPE_TRACEPOINT;
		attribute->config = strtoull(line, &end, 10);
		return end != line;
	}
	*is_hidden = tracepoints_are_hidden();
	return false;
}

static int is_named(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && entry->d_type == DT_DIR;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool visit_system(const char *path, const char *system, const struct event_visitor *visitor)
{
	struct dirent **entries = NULL;
	bool goes_on = true;
	int n = scandir(path, &entries, is_named, compare_names);
	for (int i = 0; i < n; i++) {
		char name[2 * 256 + 2];
		snprintf(name, sizeof name, "%s:%s", system, entries[i]->d_name);
		goes_on = goes_on && visitor->visit(visitor->context, name, "kernel tracepoint");
		free(entries[i]);
	}
	free(entries);
	return goes_on;
}

bool tracepoints_each(const struct event_visitor *visitor)
{
	for (int root = 0; root < N_ROOTS; root++) {
		struct dirent **entries = NULL;
		bool goes_on = true;
		int n = scandir(roots[root], &entries, is_named, compare_names);
		for (int i = 0; i < n; i++) {
			char path[512];
			snprintf(path, sizeof path, "%s/%s", roots[root], entries[i]->d_name);
			goes_on = goes_on && visit_system(path, entries[i]->d_name, visitor);
			free(entries[i]);
		}
		free(entries);
		if (n > 0)
			return goes_on;
	}
	return true;
}
