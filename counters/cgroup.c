/*
 * Where groups are mounted is where every distribution mounts them. A path that is not below it is
 * one from outside the container: then only the topmost folder is ours to see.
 */
#include "counters/cgroup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/machine_parts.h"

/* Version 1 says "no limit" by the largest number of whole pages. */
static const double no_limit_bytes = 9.2e18;

/* A folder of a group: mount and path. */
struct place {
	const struct machine_root *root;
	const char *mount;
	char path[256];
	bool is_second; /* version 2 */
};

static void tighten(struct cgroup_limit *limit, double value, const struct place *place,
		    const char *rule)
{
	if (limit->is_set && limit->value <= value)
		return;
	limit->is_set = true;
	limit->value = value;
	snprintf(limit->rule, sizeof limit->rule, "%s", rule);
	snprintf(limit->group, sizeof limit->group, "%s", place->path);
}

static void read_cpus(const struct place *place, struct cgroup_limit *limit)
{
	char text[40], rule[64];
	int64_t quota_us, period_us;
	double quota, period;
	if (!place->is_second) {
		if (!file_number(place->root, &quota_us, "%s%s/cpu.cfs_quota_us", place->mount,
				 place->path) ||
		    !file_number(place->root, &period_us, "%s%s/cpu.cfs_period_us", place->mount,
				 place->path))
			return;
		snprintf(rule, sizeof rule, "cpu.cfs_quota_us %lld of %lld", (long long)quota_us,
			 (long long)period_us);
		quota = (double)quota_us;
		period = (double)period_us;
	} else {
		/* "150000 100000", or "max 100000" */
		if (!file_text(place->root, text, sizeof text, "%s%s/cpu.max", place->mount,
			       place->path) ||
		    sscanf(text, "%lf %lf", &quota, &period) != 2)
			return;
		snprintf(rule, sizeof rule, "cpu.max %s", text);
	}
	if (isfinite(quota / period) && quota > 0 && period > 0)
		tighten(limit, quota / period, place, rule);
}

/* "nr_periods 12\nnr_throttled 3\n..." */
static uint64_t read_throttled(const struct place *place)
{
	static const char key[] = "nr_throttled ";
	char text[1024];
	file_head(place->root, text, sizeof text, "%s%s/cpu.stat", place->mount, place->path);
	const char *at = strstr(text, key);
	return at ? strtoull(at + sizeof key - 1, NULL, 10) : 0;
}

static void read_memory(const struct place *place, struct cgroup_limit *limit)
{
	const char *most = place->is_second ? "memory.max" : "memory.limit_in_bytes";
	const char *used = place->is_second ? "memory.current" : "memory.usage_in_bytes";
	int64_t bytes, used_bytes = 0;
	if (!file_number(place->root, &bytes, "%s%s/%s", place->mount, place->path, most) ||
	    bytes <= 0 || (double)bytes > no_limit_bytes)
		return;
	file_number(place->root, &used_bytes, "%s%s/%s", place->mount, place->path, used);
	double left = used_bytes < bytes ? (double)(bytes - used_bytes) : 0;
	if (!limit->is_set || left < limit->left)
		limit->left = left;
	tighten(limit, (double)bytes, place, most);
}

/* From the group itself up to the top. */
static void read_groups(struct place *place, bool has_cpus, bool has_memory,
			struct cgroup_limits *limits)
{
	limits->cpus.is_shown |= has_cpus;
	limits->memory.is_shown |= has_memory;
	for (;;) {
		if (has_cpus) {
			read_cpus(place, &limits->cpus);
			limits->n_throttled += read_throttled(place);
		}
		if (has_memory)
			read_memory(place, &limits->memory);
		char *last = strrchr(place->path, '/');
		if (!last)
			return;
		*last = '\0';
	}
}

/* Is "cpu" among "cpu,cpuacct"? */
static bool has_controller(const char *list, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = list; (at = strstr(at, name)); at += length)
		if ((at == list || at[-1] == ',') && (at[length] == ',' || !at[length]))
			return true;
	return false;
}

/* "4:memory:/a/b", or "0::/a/b" of version 2. */
static void read_line(const struct machine_root *root, char *line, struct cgroup_limits *limits)
{
	char *controllers = strchr(line, ':'),
	     *path = controllers ? strchr(controllers + 1, ':') : NULL;
	struct place place = { .root = root };
	if (!path)
		return;
	*path++ = '\0';
	controllers++;
	if (path[0] && path[1] && !strstr(path, ".."))
		snprintf(place.path, sizeof place.path, "%s", path);
	place.is_second = !*controllers;
	bool has_cpus = place.is_second || has_controller(controllers, "cpu");
	bool has_memory = place.is_second || has_controller(controllers, "memory");
	place.mount = !place.is_second ? (has_cpus ? "/sys/fs/cgroup/cpu" : "/sys/fs/cgroup/memory")
				       : "/sys/fs/cgroup";
	if (place.is_second && !file_exists(root, "%s/cgroup.procs", place.mount))
		place.mount = "/sys/fs/cgroup/unified";
	if ((has_cpus || has_memory) && file_exists(root, "%s", place.mount))
		read_groups(&place, has_cpus, has_memory, limits);
}

void cgroup_limits_read(const char *path, struct cgroup_limits *limits)
{
	const struct machine_root root = { .path = path };
	char text[4096], *rest = text;
	*limits = (struct cgroup_limits){ .cpus.is_shown = false };
	file_head(&root, text, sizeof text, "/proc/self/cgroup");
	for (char *line; (line = strsep(&rest, "\n"));)
		read_line(&root, line, limits);
}
