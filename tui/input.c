/* A file of another format is told by its extension or its first bytes; all else is a recording. */
#include "tui/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "sampler/importer.h"
#include "sampler/recording_file.h"
#include "tui/command.h"
#include "tui/settings.h"

enum { COPY_BYTES = 1 << 20 };

static struct recording *open_file(const char *path, struct why *why)
{
	struct stat information;
	char clean[256];
	text_clean(clean, sizeof clean, path);
	if (stat(path, &information) != 0) {
		why_fail(why, "Cannot read %s: %s.", clean, strerror(errno));
		return NULL;
	}
	if (S_ISDIR(information.st_mode)) {
		why_fail(why, "Cannot read %s: it is a directory; name a file.", clean);
		return NULL;
	}
	const struct importer *importer = importer_for_path(path);
	if (!importer)
		importer = importer_for_content(path);
	return importer ? importer_read(importer, path, why) : recording_file_open(path, why);
}

/* What can be read once only, and to its end: nobody else waits for us there. */
static bool is_stream(const char *path)
{
	static const char *const folders[] = { "/dev/stdin", "/dev/fd/", "/proc/self/fd/" };
	struct stat information;
	if (strcmp(path, "-") == 0)
		return true;
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
		if (strncmp(path, folders[i], strlen(folders[i])) == 0)
			return stat(path, &information) == 0 && !S_ISREG(information.st_mode);
	return false;
}

static bool copy_all(int from, int to)
{
	char *bytes = allocate(COPY_BYTES, 1);
	ssize_t n;
	while ((n = read(from, bytes, COPY_BYTES)) > 0 || (n < 0 && errno == EINTR))
		for (ssize_t done = 0, now; done < n; done += now)
			if ((now = write(to, bytes + done, (size_t)(n - done))) <= 0) {
				free(bytes);
				return false;
			}
	free(bytes);
	return n == 0;
}

/* Readers look at a file from several ends, so a stream becomes one, in memory. */
static struct recording *open_stream(const char *path, struct why *why)
{
	bool is_standard = strcmp(path, "-") == 0;
	int from = is_standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int copy = memfd_create("standard input", MFD_CLOEXEC);
	struct recording *recording = NULL;
	char name[32], clean[256];
	snprintf(name, sizeof name, "/proc/self/fd/%d", copy);
	text_clean(clean, sizeof clean, is_standard ? "standard input" : path);
	if (from < 0 || copy < 0 || !copy_all(from, copy))
		why_fail(why, "Cannot read %s: %s.", clean, strerror(errno));
	else if (lseek(copy, 0, SEEK_END) == 0)
		why_fail(why, "Cannot read %s: there is nothing in it.", clean);
	else
		recording = open_file(name, why);
	if (from >= 0 && !is_standard)
		close(from);
	if (copy >= 0)
		close(copy);
	/* The sentence is about what was typed. */
	char *at = recording ? NULL : strstr(why->text, name);
	if (at) {
		struct why before = *why;
		at = before.text + (at - why->text);
		why_fail(why, "%.*s%s%s", (int)(at - before.text), before.text, clean,
			 at + strlen(name));
	}
	return recording;
}

struct recording *input_open(const char *path, struct why *why)
{
	return is_stream(path) ? open_stream(path, why) : open_file(path, why);
}

struct recording *input_from_arguments(const char *command, const struct settings *settings,
				       const struct arguments *arguments, int *status)
{
	struct why why;
	const char *path = settings->input;
	int n_left = arguments->n_words;
	if (!path && n_left > 0) {
		path = arguments->words[0];
		n_left--;
	}
	if (!path || n_left > 0) {
		why_fail(&why, path ? "One file at a time, please." : "Which FILE? Name one.");
		*status = fail_with(STATUS_USAGE, command, &why);
		return NULL;
	}
	struct recording *recording = input_open(path, &why);
	*status = recording ? STATUS_OK : fail_with(STATUS_BAD_INPUT, command, &why);
	return recording;
}

struct recording *input_against(const char *command, const struct settings *settings, int *status)
{
	struct why why;
	if (!settings->against)
		return NULL;
	struct recording *recording = input_open(settings->against, &why);
	if (!recording)
		*status = fail_with(STATUS_BAD_INPUT, command, &why);
	return recording;
}
