/*
 * A FIFO is opened for reading and writing, so that it never hangs up when a writer leaves.
 * Source: perf-record(1), --control, --snapshot, --max-size.
 */
#include "tui/session_control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"
#include "sampler/recording_window.h"
#include "tui/options.h"
#include "tui/session_output.h"
#include "tui/settings.h"

enum { MOST_SNAPSHOTS = 100000 };

/* Below it a recording of three commits and its names does not fit. */
static const uint64_t LEAST_BYTES = 256 << 10;

static const char recording_suffix[] = ".stoke";

static bool is_recording(const struct settings *settings)
{
	const char *path = settings->output, *format = settings->format;
	size_t n = path ? strlen(path) : 0, n_suffix = sizeof recording_suffix - 1;
	if (format)
		return strcmp(format, "stoke") == 0;
	return n > n_suffix && strcmp(path + n - n_suffix, recording_suffix) == 0;
}

bool session_control_check(const struct settings *settings, bool has_screen, struct why *why)
{
	bool has_snapshots = settings->has_snapshots || settings->snapshot_when;
	bool has_any = has_snapshots || settings->ring_ns || settings->is_paused ||
		       settings->control || settings->most_bytes;
	const char *path = settings->output;
	if (has_any && has_screen)
		return why_fail(why, "--snapshot, --ring, --paused, --control and --max-size are "
				     "for recording without a screen: use `stoke record`.");
	if (has_snapshots && (!path || strcmp(path, "-") == 0))
		return why_fail(why, "Snapshots are named after the output: give -o FILE.");
	if (settings->is_paused && !settings->control)
		return why_fail(why, "--paused would never begin: give --control FIFO, and write "
				     "enable to it.");
	if (settings->most_bytes && (!is_recording(settings) || settings->ring_ns))
		return why_fail(why, "--max-size is for a .stoke file that grows: give -o "
				     "FILE.stoke, without --ring.");
	if (settings->most_bytes && settings->most_bytes < LEAST_BYTES)
		return why_fail(why, "--max-size takes 256 KiB or more, such as 64M.");
	return true;
}

/* ---- the FIFO */

static bool open_fifo(struct session_control *control, const char *path, int *fd, struct why *why)
{
	struct stat status;
	char clean[256];
	text_clean(clean, sizeof clean, path);
	if (!control->made && fd == &control->fd && mkfifo(path, 0600) == 0)
		control->made = strdup(path);
	*fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0)
		return why_fail(why, "Cannot open the FIFO %s: %s.", clean, strerror(errno));
	return (fstat(*fd, &status) == 0 && S_ISFIFO(status.st_mode)) ||
	       why_fail(why, "%s is no FIFO; make one with mkfifo, or give a name that is free.",
			clean);
}

bool session_control_open(struct session_control *control, const struct settings *settings,
			  struct why *why)
{
	*control = SESSION_CONTROL_NONE;
	control->settings = settings;
	control->has_trigger = settings->snapshot_when != NULL;
	if (control->has_trigger &&
	    !snapshot_trigger_parse(&control->trigger, settings->snapshot_when, why))
		return false;
	if (!settings->control)
		return true;
	const char *text = settings->control;
	text += strncmp(text, "fifo:", 5) == 0 ? 5 : 0;
	size_t n = strcspn(text, ",");
	char *path = strndup(text, n);
	bool is_good = open_fifo(control, path, &control->fd, why) &&
		       (!text[n] || open_fifo(control, text + n + 1, &control->answer_fd, why));
	free(path);
	return is_good;
}

void session_control_close(struct session_control *control)
{
	if (control->fd >= 0)
		close(control->fd);
	if (control->answer_fd >= 0)
		close(control->answer_fd);
	if (control->made)
		unlink(control->made);
	free(control->made);
	control->fd = control->answer_fd = -1;
	control->made = NULL;
}

void session_control_answer(const struct session_control *control, const char *text)
{
	char line[ORDER_BYTES + 64];
	int n = snprintf(line, sizeof line, "%s\n", text);
	/* Nobody need listen: a full FIFO is not our trouble. */
	if (control->answer_fd >= 0 && n > 0 && write(control->answer_fd, line, (size_t)n) < 0)
		return;
}

static enum order understand(const struct session_control *control, const char *line)
{
	static const char words[] = "|enable|disable|snapshot|stop|ping";
	char answer[ORDER_BYTES + 32], clean[ORDER_BYTES];
	int order = choice_find(words, line);
	if (order > 0)
		return (enum order)order;
	snprintf(answer, sizeof answer, "no order: %s", text_clean(clean, sizeof clean, line));
	session_control_answer(control, answer);
	if (!control->settings->is_quiet)
		fprintf(stderr,
			"stoke: --control takes enable, disable, snapshot, stop and ping, not %s\n",
			clean);
	return ORDER_NONE;
}

enum order session_control_next(struct session_control *control)
{
	char byte;
	while (control->fd >= 0 && read(control->fd, &byte, 1) == 1) {
		bool is_end = byte == '\n' || byte == '\0';
		if (!is_end && control->n_line + 1 < sizeof control->line)
			control->line[control->n_line++] = byte;
		if (!is_end || control->n_line == 0)
			continue;
		control->line[control->n_line] = '\0';
		control->n_line = 0;
		enum order order = understand(control, control->line);
		if (order != ORDER_NONE)
			return order;
	}
	return ORDER_NONE;
}

/* ---- snapshots */

bool session_control_is_triggered(struct session_control *control,
				  const struct recording *recording)
{
	return control->has_trigger &&
	       snapshot_trigger_check(&control->trigger, recording, now_ns());
}

uint64_t session_control_since(const struct settings *settings)
{
	uint64_t now = now_ns();
	return settings->ring_ns && settings->ring_ns < now ? now - settings->ring_ns : 0;
}

/* Where the extension begins, which may be of two parts (".pb.gz"); the end if there is none. */
static size_t extension_of(const char *path)
{
	size_t n = strlen(path), n_suffix = sizeof recording_suffix - 1;
	const struct exporter *exporter = exporter_for_path(path);
	if (exporter && strlen(exporter->suffix) < n)
		return n - strlen(exporter->suffix);
	if (n > n_suffix && strcmp(path + n - n_suffix, recording_suffix) == 0)
		return n - n_suffix;
	const char *dot = strrchr(text_base_name(path), '.');
	return dot && dot > text_base_name(path) ? (size_t)(dot - path) : n;
}

static bool name_snapshot(struct session_control *control, const char *path, char *out,
			  size_t bytes, struct why *why)
{
	size_t at = extension_of(path);
	char clean[256];
	while (control->n_snapshots < MOST_SNAPSHOTS) {
		int n = snprintf(out, bytes, "%.*s.%u%s", (int)at, path, ++control->n_snapshots,
				 path + at);
		if (n < 0 || (size_t)n >= bytes)
			break;
		if (access(out, F_OK) != 0)
			return true;
	}
	return why_fail(why, "There is no name for a snapshot of %s: too many, or too long.",
			text_clean(clean, sizeof clean, path));
}

bool session_control_snapshot(struct session_control *control, const struct recording *recording,
			      const char *path, char *written, size_t bytes, struct why *why)
{
	struct session_output output;
	int status;
	if (!name_snapshot(control, path, written, bytes, why))
		return false;
	/* The format of -o, which its name or --format says. */
	if (!session_output_open(&output, written, control->settings->format, false, &status, why))
		return false;
	struct recording *part =
		recording_window(recording, session_control_since(control->settings), 0);
	bool is_good = session_output_write(&output, part, why);
	session_output_close(&output);
	recording_free(part);
	return is_good;
}
