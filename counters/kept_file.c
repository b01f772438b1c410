/* See kept_file.h. */
#include "counters/kept_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/file.h"

static bool find_folder(char *path, size_t bytes, struct why *why)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;
	if (cache && cache[0] == '/')
		n = snprintf(path, bytes, "%s/stoke", cache);
	else if (home && home[0] == '/')
		n = snprintf(path, bytes, "%s/.cache/stoke", home);
	else
		return why_fail(
			why, "There is no place to keep what was measured: neither XDG_CACHE_HOME "
			     "nor HOME is set; set one of them to a folder that can be written.");
	return (n > 0 && (size_t)n + 64 < bytes) ||
	       why_fail(why, "The path of the cache folder is too long.");
}

/* The folder and all above it; reading makes none. */
static bool make_folder(const char *path, struct why *why)
{
	file_make_parents(path);
	return mkdir(path, 0700) == 0 || errno == EEXIST ||
	       why_fail(why,
			"Cannot make the folder %s for what was measured: %s; set XDG_CACHE_HOME "
			"to one that can be written.",
			path, strerror(errno));
}

bool kept_file_path(char *path, size_t bytes, const char *kind, uint64_t machine, struct why *why)
{
	if (!find_folder(path, bytes, why))
		return false;
	size_t n = strlen(path);
	snprintf(path + n, bytes - n, "/%s-%016" PRIx64, kind, machine);
	return true;
}

bool kept_file_save(const char *kind, const char *what, uint64_t machine, const char *text,
		    struct why *why)
{
	char folder[PATH_MAX], path[PATH_MAX], temporary[PATH_MAX + 8];
	if (!find_folder(folder, sizeof folder, why) || !make_folder(folder, why) ||
	    !kept_file_path(path, sizeof path, kind, machine, why))
		return false;
	snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
	int fd = mkostemp(temporary, O_CLOEXEC);
	bool is_good =
		fd >= 0 && file_write_all(fd, text, strlen(text)) && rename(temporary, path) == 0;
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && !is_good)
		unlink(temporary);
	return is_good || why_fail(why, "Cannot keep %s in %s: %s.", what, path, strerror(error));
}

char *kept_file_read(const char *path, size_t most_bytes)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	char *text = NULL;
	/* Somebody else's file says what they like. */
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_uid == geteuid() && (size_t)status.st_size < most_bytes) {
		text = allocate((size_t)status.st_size + 1, 1);
		ssize_t n = read(fd, text, (size_t)status.st_size);
		text[n > 0 ? n : 0] = '\0';
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static int by_number(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return left < right ? -1 : left > right;
}

/* "KIND-%016x" */
static bool read_name(const char *name, const char *kind, uint64_t *number)
{
	size_t n = strlen(kind);
	return strncmp(name, kind, n) == 0 && name[n] == '-' && strlen(name + n + 1) == 16 &&
	       strspn(name + n + 1, "0123456789abcdef") == 16 &&
	       sscanf(name + n + 1, "%16" SCNx64, number) == 1;
}

size_t kept_file_list(const char *kind, uint64_t *machines, size_t most)
{
	char folder[PATH_MAX];
	size_t n = 0;
	DIR *at = find_folder(folder, sizeof folder, NULL) ? opendir(folder) : NULL;
	for (const struct dirent *entry; at && n < most && (entry = readdir(at));)
		n += read_name(entry->d_name, kind, &machines[n]);
	if (at)
		closedir(at);
	if (n > 1)
		qsort(machines, n, sizeof *machines, by_number);
	return n;
}
