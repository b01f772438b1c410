/* Files below /sys/fs/resctrl. See resctrl.h. */
#include "counters/resctrl.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool exists(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0;
}

static bool has_line(const char *path, const char *wanted)
{
	char line[128];
	bool is_there = false;
	FILE *file = fopen(path, "re");
	while (file && !is_there && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		is_there = strcmp(line, wanted) == 0;
	}
	if (file)
		fclose(file);
	return is_there;
}

static bool is_offered(const char *folder, struct why *why)
{
	char path[RESCTRL_PATH_BYTES + 64];
	if (!exists(folder))
		return why_fail(why, "Kernel or processor have no resource control (%s).", folder);
	snprintf(path, sizeof path, "%s/info", folder);
	if (!exists(path))
		return why_fail(why,
				"Resource control is not mounted; run `mount -t resctrl resctrl "
				"%s` as root.",
				folder);
	snprintf(path, sizeof path, "%s/info/L3_MON/mon_features", folder);
	return has_line(path, "mbm_total_bytes") ||
	       why_fail(why, "Resource control of this processor does not count memory traffic "
			     "(mbm_total_bytes).");
}

static bool add_task(const char *group, pid_t pid, struct why *why)
{
	char path[RESCTRL_PATH_BYTES + 16];
	snprintf(path, sizeof path, "%s/tasks", group);
	FILE *file = fopen(path, "we");
	bool is_good = file && fprintf(file, "%d\n", (int)pid) > 0;
	int error = errno;
	if (file && fclose(file) != 0) {
		is_good = false;
		error = errno;
	}
	return is_good ||
	       why_fail(why, "Cannot put the program into %s: %s.", group, strerror(error));
}

bool resctrl_open(struct resctrl *resctrl, const char *root, pid_t pid, struct why *why)
{
	char folder[RESCTRL_PATH_BYTES - 64];
	resctrl->group[0] = '\0';
	int n = snprintf(folder, sizeof folder, "%s/sys/fs/resctrl", root);
	if (n < 0 || (size_t)n >= sizeof folder)
		return why_fail(why, "The path of the resource control is too long.");
	if (!is_offered(folder, why))
		return false;
	char group[RESCTRL_PATH_BYTES];
	snprintf(group, sizeof group, "%s/mon_groups/stoke-%d", folder, (int)pid);
	/* One that is there was left by a profiler that was killed: no other program has our pid.
	 */
	if (mkdir(group, 0755) != 0 && errno != EEXIST) {
		if (errno == ENOSPC)
			return why_fail(why,
					"All monitors of the resource control are in use; "
					"remove groups in %s/mon_groups.",
					folder);
		return why_fail(why,
				"Cannot make a monitoring group in %s/mon_groups: %s; run as "
				"root.",
				folder, strerror(errno));
	}
	snprintf(resctrl->group, sizeof resctrl->group, "%s", group);
	double bytes;
	if (!add_task(group, pid, why)) {
		resctrl_close(resctrl);
		return false;
	}
	if (resctrl_read(resctrl, &bytes))
		return true;
	resctrl_close(resctrl);
	return why_fail(why, "The monitoring group in %s/mon_groups has no counts.", folder);
}

static bool read_domain(const char *group, const char *domain, double *bytes)
{
	char path[RESCTRL_PATH_BYTES + 320], text[64], *end = NULL;
	snprintf(path, sizeof path, "%s/mon_data/%s/mbm_total_bytes", group, domain);
	FILE *file = fopen(path, "re");
	bool is_read = file && fgets(text, sizeof text, file);
	if (file)
		fclose(file);
	/* "Unavailable", "Error", "Unassigned" stand where there is no count. */
	if (!is_read || text[0] < '0' || text[0] > '9')
		return false;
	*bytes += (double)strtoumax(text, &end, 10);
	return end != text;
}

bool resctrl_read(const struct resctrl *resctrl, double *bytes)
{
	char path[RESCTRL_PATH_BYTES + 16];
	snprintf(path, sizeof path, "%s/mon_data", resctrl->group);
	DIR *folder = resctrl->group[0] ? opendir(path) : NULL;
	bool is_good = folder != NULL;
	int n_domains = 0;
	*bytes = 0;
	for (struct dirent *entry; is_good && (entry = readdir(folder));) {
		if (strncmp(entry->d_name, "mon_L3_", 7) != 0)
			continue;
		is_good = read_domain(resctrl->group, entry->d_name, bytes);
		n_domains++;
	}
	if (folder)
		closedir(folder);
	return is_good && n_domains > 0;
}

void resctrl_close(struct resctrl *resctrl)
{
	if (resctrl->group[0])
		rmdir(resctrl->group);
	resctrl->group[0] = '\0';
}
