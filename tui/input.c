/* A file of another format is told by its extension or its first bytes; all else is a recording. */
#include "tui/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "sampler/importer.h"
#include "sampler/recording_file.h"
#include "tui/command.h"
#include "tui/settings.h"

struct recording *input_open(const char *path, struct why *why)
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
