/* Where the preferences come from, and their help. A wrong line costs a note, never the program. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/file.h"
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

/* ---- writing */

/* A link stays one: what it leads to is written. */
static void real_path(const char *path, char *out, size_t bytes)
{
	char *real = realpath(path, NULL);
	snprintf(out, bytes, "%s", real ? real : path);
	free(real);
}

/* Is this the line of the view's columns? */
static bool is_line_of(const char *line, const struct view *view)
{
	static const char word[] = "columns";
	line += strspn(line, " \t");
	if (strncmp(line, word, sizeof word - 1) != 0)
		return false;
	line += sizeof word - 1;
	size_t blanks = strspn(line, " \t"), n = strlen(view->name);
	line += blanks;
	return blanks > 0 && strncmp(line, view->name, n) == 0 &&
	       (!line[n] || strchr(" \t\r\n", line[n]));
}

/* Everything but the view's line, then that. */
static bool write_lines(FILE *out, const char *old, size_t n_bytes, const struct view *view,
			const char *names)
{
	for (size_t at = 0; at < n_bytes;) {
		const char *end = memchr(old + at, '\n', n_bytes - at);
		size_t n = end ? (size_t)(end - old) - at + 1 : n_bytes - at;
		char line[MOST_LINE_BYTES];
		snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line ? n : sizeof line - 1),
			 old + at);
		if (!is_line_of(line, view) && fwrite(old + at, 1, n, out) != n)
			return false;
		at += n;
		if (!end) /* the last line had no end */
			fputc('\n', out);
	}
	if (*names)
		fprintf(out, "columns %s %s\n", view->name, names);
	return !ferror(out);
}

static bool cannot_keep(const char *path, struct why *why)
{
	char clean[256];
	return why_fail(why, "%s cannot be written: %s.", text_clean(clean, sizeof clean, path),
			strerror(errno));
}

/* Whole or not at all: a new file takes the old one's place. */
static bool replace_file(const char *path, const char *old, size_t n_bytes, const struct view *view,
			 const char *names, struct why *why)
{
	char next[PATH_BYTES + 8];
	struct stat status;
	mode_t mode = stat(path, &status) == 0 ? status.st_mode & 0777 : 0666;
	snprintf(next, sizeof next, "%s.new", path);
	int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!out)
		return cannot_keep(next, why);
	bool is_good = write_lines(out, old, n_bytes, view, names);
	is_good = fclose(out) == 0 && is_good;
	if (is_good && rename(next, path) == 0)
		return true;
	cannot_keep(path, why);
	unlink(next);
	return false;
}

bool preferences_keep_columns(const struct view *view, const char *names, struct why *why)
{
	char path[PATH_BYTES], real[PATH_BYTES], *old = NULL;
	size_t n = 0;
	preferences_get();
	preferences_set_columns(&own, view, names);
	if (!*preferences_path(path, sizeof path))
		return why_fail(why, "there is no home for a configuration.");
	file_make_parents(path);
	real_path(path, real, sizeof real);
	struct stat status;
	if (stat(real, &status) == 0 && !S_ISREG(status.st_mode))
		return why_fail(why, "the configuration is no plain file.");
	FILE *in = fopen(real, "re");
	if (!in && errno != ENOENT)
		return cannot_keep(real, why);
	if (in) {
		old = allocate(MOST_BYTES + 1, 1);
		n = fread(old, 1, MOST_BYTES + 1, in);
		bool is_good = !ferror(in) && n <= MOST_BYTES;
		fclose(in);
		if (!is_good) {
			free(old);
			return why_fail(why, "the configuration cannot be read, or is too long.");
		}
	}
	bool is_kept = replace_file(real, old, n, view, names, why);
	free(old);
	return is_kept;
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
	char lists[128];
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
	      "  unmap KEY [VIEW]\n      the key does nothing\n\n",
	      out);
	fprintf(out, "Lists (%s), also by `:columns` and `:sort` on the screen:\n",
		view_lists(lists, sizeof lists));
	fputs("  columns VIEW NAME,NAME...\n      these columns, in this order, as room allows\n"
	      "  sort VIEW COLUMN\n      sorted by it; -COLUMN the other way round\n\n"
	      "Keys are written x, Ctrl-X, F5, Enter, Space, Tab, PgUp, Left. "
	      "`stoke help keys` lists\nthe actions of all views.\n\n"
	      "An example:\n"
	      "  theme = light\n  view = flame\n  map Space flame.freeze-and-go-on\n"
	      "  map Ctrl-Q quit\n  unmap q\n  columns functions self,with,name\n",
	      out);
}
