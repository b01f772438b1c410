/* Files below /sys/fs/resctrl. See resctrl.h. */
#include "counters/resctrl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/file.h"
#include "sampler/base/text.h"

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

/* The number goes to the kernel with the write itself: stdio would tell only at the close. */
static int add_task(const char *group, pid_t task)
{
	char path[RESCTRL_PATH_BYTES + 16], text[16];
	snprintf(path, sizeof path, "%s/tasks", group);
	int n = snprintf(text, sizeof text, "%d\n", (int)task);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return errno;
	int error = write(fd, text, (size_t)n) == n ? 0 : errno;
	close(fd);
	return error;
}

/* A task is in one monitoring group; we do not take it from whoever put it into another.
 * "res:" and "mon:", each followed by a name, or by nothing for the default. */
static bool is_somebodys(const char *root, pid_t task, struct why *why)
{
	char path[RESCTRL_PATH_BYTES], line[256], clean[64];
	bool is_taken = false;
	snprintf(path, sizeof path, "%s/proc/%d/cpu_resctrl_groups", root, (int)task);
	FILE *file = fopen(path, "re");
	while (file && !is_taken && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		is_taken = strncmp(line, "mon:", 4) == 0 && line[4];
	}
	if (file)
		fclose(file);
	if (is_taken)
		why_fail(why,
			 "Thread %d is in the monitoring group %s of the resource control, which "
			 "somebody else has made.",
			 (int)task, text_clean(clean, sizeof clean, line + 4));
	return is_taken;
}

static bool add_tasks(const struct resctrl *resctrl, const struct resctrl_request *request,
		      struct why *why)
{
	uint32_t n_added = 0;
	for (uint32_t i = 0; i < request->n_tasks; i++) {
		if (request->is_attached && is_somebodys(request->root, request->tasks[i], why))
			return false;
		int error = add_task(resctrl->group, request->tasks[i]);
		if (error && !(error == ESRCH && request->is_attached))
			return why_fail(why, "Cannot put the program into %s: %s.", resctrl->group,
					strerror(error));
		n_added += error == 0;
	}
	return n_added > 0 || why_fail(why, "The threads to be counted have ended.");
}

static bool read_domain(const char *group, const char *domain, double *bytes)
{
	char path[RESCTRL_PATH_BYTES + 320], text[64], *end = NULL;
	snprintf(path, sizeof path, "%s/mon_data/%s/mbm_total_bytes", group, domain);
	/* "Unavailable", "Error", "Unassigned" stand where there is no count. */
	if (!file_read_line(path, text, sizeof text) || text[0] < '0' || text[0] > '9')
		return false;
	*bytes += (double)strtoumax(text, &end, 10);
	return end != text;
}

/* Of all domains of a group, or of the root. */
static bool read_group(const char *group, double *bytes)
{
	char path[RESCTRL_PATH_BYTES + 272];
	snprintf(path, sizeof path, "%s/mon_data", group);
	DIR *folder = opendir(path);
	bool is_good = folder != NULL;
	int n_domains = 0;
	for (struct dirent *entry; is_good && (entry = readdir(folder));) {
		if (strncmp(entry->d_name, "mon_L3_", 7) != 0)
			continue;
		is_good = read_domain(group, entry->d_name, bytes);
		n_domains++;
	}
	if (folder)
		closedir(folder);
	return is_good && n_domains > 0;
}

/* The root counts for what is in no control group; the count of each control group has those of
 * the monitoring groups in it. */
static bool read_machine(const char *root, double *bytes)
{
	static const char *const others[] = { "info", "mon_data", "mon_groups" };
	DIR *folder = opendir(root);
	bool is_good = folder && read_group(root, bytes);
	for (struct dirent *entry; is_good && (entry = readdir(folder));) {
		char path[RESCTRL_PATH_BYTES + 256];
		struct stat status;
		bool is_other = entry->d_name[0] == '.';
		for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
			is_other |= strcmp(entry->d_name, others[i]) == 0;
		snprintf(path, sizeof path, "%s/%s", root, entry->d_name);
		if (!is_other && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
			is_good = read_group(path, bytes);
	}
	if (folder)
		closedir(folder);
	return is_good;
}

bool resctrl_read(const struct resctrl *resctrl, double *bytes)
{
	*bytes = 0;
	if (!resctrl->is_whole_machine)
		return resctrl->group[0] && read_group(resctrl->group, bytes);
	bool is_good = read_machine(resctrl->folder, bytes);
	*bytes -= resctrl->before;
	/* A control group that has gone took its count with it. */
	return is_good && *bytes >= 0;
}

static bool make_group(struct resctrl *resctrl, const struct resctrl_request *request,
		       struct why *why)
{
	char group[RESCTRL_PATH_BYTES];
	int n = snprintf(group, sizeof group, "%s/mon_groups/stoke-%d", resctrl->folder,
			 (int)request->tasks[0]);
	/* Of what is attached to, another profiler may have a group as well. */
	if (request->is_attached)
		snprintf(group + n, sizeof group - (size_t)n, "-%d", (int)getpid());
	/* One that is there was left by a profiler that was killed: its numbers are ours alone. */
	if (mkdir(group, 0755) != 0 && errno != EEXIST) {
		if (errno == ENOSPC)
			return why_fail(why,
					"All monitors of the resource control are in use; "
					"remove groups in %s/mon_groups.",
					resctrl->folder);
		return why_fail(why,
				"Cannot make a monitoring group in %s/mon_groups: %s; run as "
				"root.",
				resctrl->folder, strerror(errno));
	}
	snprintf(resctrl->group, sizeof resctrl->group, "%s", group);
	return true;
}

bool resctrl_open(struct resctrl *resctrl, const struct resctrl_request *request, struct why *why)
{
	double bytes;
	*resctrl = (struct resctrl){ .is_whole_machine = request->is_whole_machine };
	int n = snprintf(resctrl->folder, sizeof resctrl->folder, "%s/sys/fs/resctrl",
			 request->root);
	if (n < 0 || (size_t)n >= sizeof resctrl->folder)
		return why_fail(why, "The path of the resource control is too long.");
	if (!is_offered(resctrl->folder, why))
		return false;
	if (request->is_whole_machine) {
		bool is_read = resctrl_read(resctrl, &bytes);
		resctrl->before = bytes;
		return is_read ||
		       why_fail(why, "The groups in %s have no counts.", resctrl->folder);
	}
	if (!make_group(resctrl, request, why))
		return false;
	if (!add_tasks(resctrl, request, why)) {
		resctrl_close(resctrl);
		return false;
	}
	if (resctrl_read(resctrl, &bytes))
		return true;
	resctrl_close(resctrl);
	return why_fail(why, "The monitoring group in %s/mon_groups has no counts.",
			resctrl->folder);
}

void resctrl_close(struct resctrl *resctrl)
{
	if (resctrl->group[0])
		rmdir(resctrl->group);
	resctrl->group[0] = '\0';
}
