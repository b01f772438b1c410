/* Where the preferences come from, and their help. A wrong line costs a note, never the program. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/completion.h"
#include "tui/help.h"
#include "tui/preferences.h"
#include "tui/theme.h"

enum {
	MOST_BYTES = 256 << 10, /* a configuration, not a novel */
	MOST_LINE_BYTES = 1024,
	PATH_BYTES = 1024,
	MOST_LISTED = 8, /* values */
};

static struct preferences own;
static struct preference_problems own_problems;

const char *preferences_path(char *out, size_t bytes)
{
	const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	out[0] = '\0';
	/* The specification has relative paths ignored. */
	if (folder && folder[0] == '/')
		snprintf(out, bytes, "%s/stoke/config", folder);
	else if (home && home[0] == '/')
		snprintf(out, bytes, "%s/.config/stoke/config", home);
	return out;
}

static void add_problem(struct preference_problems *problems, const char *text)
{
	if (problems->n == PREFERENCE_MOST_PROBLEMS)
		problems->n_more++;
	else
		text_clean(problems->text[problems->n++], WHY_BYTES, text);
}

static void take_line(struct preferences *preferences, const char *line, size_t n_bytes,
		      unsigned number, struct preference_problems *problems)
{
	char text[MOST_LINE_BYTES], sentence[WHY_BYTES + 32];
	struct why why;
	size_t n = n_bytes < sizeof text ? n_bytes : sizeof text - 1;
	memcpy(text, line, n);
	text[n] = '\0';
	if (strlen(text) != n) {
		why_fail(&why, "it holds a byte of zero; this is no text.");
	} else if (preferences_line(preferences, text, &why)) {
		return;
	}
	snprintf(sentence, sizeof sentence, "Line %u: %s", number, why.text);
	add_problem(problems, sentence);
}

void preferences_read(struct preferences *preferences, const char *text, size_t n_bytes,
		      struct preference_problems *problems)
{
	unsigned number = 0;
	for (size_t at = 0; at < n_bytes;) {
		const char *end = memchr(text + at, '\n', n_bytes - at);
		size_t n = end ? (size_t)(end - text) - at : n_bytes - at;
		take_line(preferences, text + at, n, ++number, problems);
		at += n + 1;
	}
}

static bool fail(const char *problem)
{
	char sentence[WHY_BYTES];
	snprintf(sentence, sizeof sentence, "The file cannot be read: %s.", problem);
	add_problem(&own_problems, sentence);
	return false;
}

/* A pipe or a device under this name would keep us waiting. */
static bool read_file(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || fail(strerror(errno));
	char *text = NULL;
	bool is_good = false;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		fail("it is no plain file");
	} else if (status.st_size > MOST_BYTES) {
		fail("it is longer than 256 KiB");
	} else {
		text = allocate(MOST_BYTES, 1);
		ssize_t n = read(fd, text, MOST_BYTES);
		is_good = n >= 0;
		preferences_read(&own, text, n > 0 ? (size_t)n : 0, &own_problems);
	}
	free(text);
	close(fd);
	return is_good;
}

const struct preferences *preferences_get(void)
{
	static bool is_read;
	char path[PATH_BYTES];
	if (!is_read) {
		is_read = true;
		preferences_defaults(&own);
		if (*preferences_path(path, sizeof path))
			read_file(path);
	}
	return &own;
}

void preferences_note(struct recording *recording)
{
	char path[PATH_BYTES], clean[256], text[PATH_BYTES + WHY_BYTES];
	preferences_get();
	text_clean(clean, sizeof clean, preferences_path(path, sizeof path));
	for (int i = 0; i < own_problems.n; i++) {
		snprintf(text, sizeof text, "%s: %s", clean, own_problems.text[i]);
		recording_note(recording, SEVERITY_WARNING, "config", text,
			       "Mend the line; `stoke help config` says what may be in it.");
	}
	if (own_problems.n_more) {
		snprintf(text, sizeof text, "%s: %d more lines were left out.", clean,
			 own_problems.n_more);
		recording_note(recording, SEVERITY_WARNING, "config", text, "");
	}
	if (own_problems.n)
		recording_publish(recording);
}

void preferences_help(FILE *out)
{
	print_wrapped(out,
		      "The file is $XDG_CONFIG_HOME/stoke/config, else ~/.config/stoke/config: a "
		      "setting a line; lines that begin with # are comments. A line that cannot be "
		      "taken becomes a note. `stoke render` does not look at it.",
		      0, 0);
	fputs("\nSettings, also for `:set`:\n", out);
	for (const struct preference *at = preference_table; at->name; at++) {
		struct completion values;
		completion_start(&values, "");
		preferences_complete(at->name, &values);
		int column = fprintf(out, "  %s = ", at->name);
		print_wrapped(out, values.n && values.n <= MOST_LISTED ? values.list : at->values,
			      column, column);
		fputs("      ", out);
		print_wrapped(out, at->help, 6, 6);
	}
	fputs("\nKeys, also for `:map` and `:unmap`:\n"
	      "  map KEY ACTION\n      in every view that has the action\n"
	      "  map KEY VIEW.ACTION\n      in one view\n"
	      "  unmap KEY [VIEW]\n      the key does nothing\n\n"
	      "Keys are written x, Ctrl-X, F5, Enter, Space, Tab, PgUp, Left. "
	      "`stoke help keys` lists\nthe actions of all views.\n\n"
	      "An example:\n"
	      "  theme = light\n  view = flame\n  map Space flame.freeze-and-go-on\n"
	      "  map Ctrl-Q quit\n  unmap q\n",
	      out);
}
