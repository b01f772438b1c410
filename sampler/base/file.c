/* A write may end early without having failed. Most of /proc and /sys is files of one line. */
#include "sampler/base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_write_all(int fd, const void *bytes, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t written = write(fd, (const char *)bytes + done, n - done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		done += (size_t)written;
	}
	return true;
}

bool file_read_line(const char *path, char *line, size_t bytes)
{
	FILE *file = fopen(path, "re");
	bool is_read = file && fgets(line, (int)bytes, file);
	if (file)
		fclose(file);
	line[is_read ? strcspn(line, "\n") : 0] = '\0';
	return is_read;
}

void file_make_parents(const char *path)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%s", path);
	for (char *slash = folder; *slash && (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(folder, 0700);
		*slash = '/';
	}
}
