/* The output file is opened without cutting it; an old one is lost only when there is new data. */
#include "tui/session_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "sampler/recording_file.h"
#include "sampler/recording_window.h"
#include "tui/command.h"
#include "tui/imported.h"
#include "tui/output_path.h"
#include "tui/process_words.h"
#include "tui/settings.h"
#include "tui/summary.h"

static const char recording_format[] = "stoke", recording_suffix[] = ".stoke";

static bool has_suffix(const char *path, const char *suffix)
{
	size_t length = strlen(path), n = strlen(suffix);
	return length > n && strcmp(path + length - n, suffix) == 0;
}

static bool fail_format(const char *format, struct why *why)
{
	struct nearest nearest;
	char question[96], clean[64];
	nearest_start(&nearest, format);
	nearest_offer(&nearest, recording_format);
	for (const struct exporter *const *exporter = exporters; *exporter; exporter++)
		nearest_offer(&nearest, (*exporter)->name);
	return why_fail(why, "There is no format %s%s", text_clean(clean, sizeof clean, format),
			nearest.best ? nearest_question(&nearest, "", question, sizeof question)
				     : "; `stoke list exporters` shows them.");
}

static bool fail_path(const char *path, const char *problem, struct why *why)
{
	char clean[256];
	return why_fail(why, "Cannot write %s: %s.", text_clean(clean, sizeof clean, path),
			problem);
}

static bool open_stream(struct session_output *output, struct why *why)
{
	if (!output->path) {
		output->stream = stdout;
		return true;
	}
	struct stat before;
	output->is_new = stat(output->path, &before) != 0;
	int fd = open(output->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	output->stream = fd >= 0 ? fdopen(fd, "w") : NULL;
	return output->stream || fail_path(output->path, strerror(errno), why);
}

bool session_output_open(struct session_output *output, const char *path, const char *format,
			 bool may_replace, int *status, struct why *why)
{
	*output = (struct session_output){ 0 };
	output->path = path && strcmp(path, "-") != 0 ? path : NULL;
	bool is_recording = format ? strcmp(format, recording_format) == 0
				   : output->path && has_suffix(path, recording_suffix);
	*status = STATUS_USAGE;
	if (is_recording) {
		if (!output->path)
			return why_fail(why, "A recording needs a file to live in: give "
					     "-o NAME.stoke.");
		*status = STATUS_PROFILER_FAILED;
		if (!output_path_is_free(output->path, may_replace, why))
			return false;
		output->file = recording_file_create(output->path, why);
		return output->file != NULL;
	}
	if (format)
		output->exporter = exporter_find(format);
	else if (output->path)
		output->exporter = exporter_for_path(path);
	if (!output->exporter && !format && output->path && exporter_almost(path, why))
		return false;
	if (!output->exporter && !format) {
		output->exporter = exporter_find("folded");
		const char *name = output->path ? text_base_name(output->path) : "";
		/* A name that begins with its only dot has no extension. */
		output->is_assumed = name[0] && strrchr(name + 1, '.') && !has_suffix(name, ".txt");
	}
	if (!output->exporter)
		return fail_format(format ? format : "folded", why);
	*status = STATUS_PROFILER_FAILED;
	const char *problem = output->exporter->unusable ? output->exporter->unusable() : NULL;
	if (problem)
		return why_fail(why, "Cannot write %s: %s", output->exporter->name, problem);
	return (!output->path || output_path_is_free(output->path, may_replace, why)) &&
	       open_stream(output, why);
}

void session_output_remark(const struct session_output *output, const char *command)
{
	char clean[256];
	if (output->is_assumed)
		fprintf(stderr,
			"stoke %s: no format is told by the ending of %s: it gets folded stacks "
			"(--format chooses)\n",
			command, text_clean(clean, sizeof clean, output->path));
}

/* A plain file that no folder holds any more: the folder has gone while we wrote. */
static bool has_vanished(const struct session_output *output)
{
	struct stat status;
	return output->path && fstat(fileno(output->stream), &status) == 0 &&
	       S_ISREG(status.st_mode) && status.st_nlink == 0;
}

static bool write_file(struct session_output *output, const struct recording *recording,
		       struct why *why)
{
	struct recording_file *file = output->file;
	const struct export_options *part = &output->part;
	output->file = NULL;
	if (!part->from_ns && !part->to_ns && !thread_choice_is_set(&output->only))
		return recording_file_close(file, recording, why);
	struct recording *window =
		recording_part(recording, part->from_ns, part->to_ns, &output->only);
	bool is_good = recording_file_close(file, window, why);
	recording_free(window);
	return is_good;
}

/* "cpu-clock" is also the name of "cpu-clock:u". */
static bool is_event(const struct recording *recording, const struct series_row *row,
		     const char *event)
{
	const char *name = recording_string_at(recording, row->name);
	size_t n = strlen(event);
	return row->flags & SERIES_SAMPLES && strncmp(name, event, n) == 0 &&
	       (name[n] == '\0' || name[n] == ':');
}

static bool fail_event(const struct recording *recording, const char *event, struct why *why)
{
	char clean[64], names[256] = "";
	uint64_t n = recording_moment(recording).n[TABLE_SERIES];
	for (uint64_t i = 1; i < n; i++) {
		const struct series_row *row = recording_series(recording, i);
		size_t used = strlen(names);
		if (row->flags & SERIES_SAMPLES)
			snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
				 recording_string_at(recording, row->name));
	}
	return why_fail(why, "There are no samples of an event %s; there are samples of %s.",
			text_clean(clean, sizeof clean, event), names[0] ? names : "nothing");
}

static bool choose_series(struct export_options *part, const struct recording *recording,
			  const char *event, struct why *why)
{
	uint64_t n = recording_moment(recording).n[TABLE_SERIES];
	for (uint64_t i = 1; event && i < n && !part->series; i++)
		if (is_event(recording, recording_series(recording, i), event))
			part->series = (uint32_t)i;
	return !event || part->series || fail_event(recording, event, why);
}

/* Times are typed since the start; UINT64_MAX is as good as never. */
static uint64_t time_at(const struct recording *recording, uint64_t since_start_ns)
{
	return since_start_ns < UINT64_MAX - recording->start_ns
		       ? recording->start_ns + since_start_ns
		       : UINT64_MAX;
}

bool session_output_choose(struct session_output *output, const struct recording *recording,
			   const struct settings *settings, struct why *why)
{
	if (settings->to_ns && settings->to_ns <= settings->from_ns)
		return why_fail(why, "--to is not after --from: there is nothing between them.");
	if ((settings->from_ns || settings->to_ns) && !imported_has_times(recording))
		return why_fail(why, "The file holds no times: --from and --to can choose no part "
				     "of it.");
	if (output->file && settings->events)
		return why_fail(why, "A .stoke file holds every event; -e is for other formats.");
	if (!process_is_there(recording, settings->only_pid, why))
		return false;
	output->only = (struct thread_choice){ .pid = (uint32_t)settings->only_pid };
	output->part = (struct export_options){
		.from_ns = settings->from_ns ? time_at(recording, settings->from_ns) : 0,
		.to_ns = settings->to_ns ? time_at(recording, settings->to_ns) : 0,
		.annotate = settings->is_annotated,
		.no_inline = settings->no_inline,
		.per_thread = settings->is_per_thread,
		.per_process = settings->is_per_process,
		.per_phase = settings->is_per_phase,
	};
	return choose_series(&output->part, recording, settings->events, why);
}

static bool open_beside(struct session_output *output, mode_t mode)
{
	char path[PATH_MAX + 16];
	snprintf(path, sizeof path, "%s.%d.new", output->replaced, (int)getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	FILE *stream = fchmod(fd, mode & 07777) == 0 ? fdopen(fd, "w") : NULL;
	if (!stream) {
		close(fd);
		unlink(path);
		return false;
	}
	fclose(output->stream);
	output->stream = stream;
	output->beside = strdup(path);
	return true;
}

/*
 * A file that holds something is replaced by one written beside it. Where none can be made (a
 * folder of others), it is cut and written in place.
 */
static bool begin(struct session_output *output, struct why *why)
{
	struct stat old = { 0 };
	if (!output->path)
		return true;
	if (!output->is_new && fstat(fileno(output->stream), &old) == 0 && S_ISREG(old.st_mode) &&
	    old.st_size > 0)
		output->replaced = realpath(output->path, NULL);
	if (output->replaced && open_beside(output, old.st_mode))
		return true;
	output->is_begun = true;
	/* Pipes and devices cannot be cut, and need not be. */
	return ftruncate(fileno(output->stream), 0) == 0 || errno == EINVAL ||
	       fail_path(output->path, strerror(errno), why);
}

/* Exporters know windows of time; of processes they need not know. */
static bool write_part(struct session_output *output, const struct recording *recording,
		       const struct export_options *part, struct why *why)
{
	if (!thread_choice_is_set(&output->only))
		return output->exporter->write(recording, part, output->stream, why);
	struct recording *alone = recording_part(recording, 0, 0, &output->only);
	bool is_good = output->exporter->write(alone, part, output->stream, why);
	int reason = errno;
	recording_free(alone);
	errno = reason;
	return is_good;
}

bool session_output_write(struct session_output *output, const struct recording *recording,
			  struct why *why)
{
	output->is_used = output->file != NULL;
	if (output->file)
		return write_file(output, recording, why);
	uint32_t n_series;
	struct export_options part = output->part;
	if (!part.series)
		part.series = summary_main_series(recording, &n_series);
	if (!begin(output, why))
		return false;
	errno = 0;
	bool is_written = write_part(output, recording, &part, why);
	if (is_written && has_vanished(output))
		is_written = fail_path(output->path, "its folder is gone", why);
	if (is_written && fflush(output->stream) != 0)
		is_written = fail_path(output->path ? output->path : "standard output",
				       strerror(errno), why);
	if (is_written && output->beside && rename(output->beside, output->replaced) != 0)
		is_written = fail_path(output->path, strerror(errno), why);
	if (!is_written && errno == EPIPE) {
		clearerr(output->stream); /* or the end of the program would call it a failure */
		output->is_used = true;
		return true;
	}
	output->is_used = is_written; /* half a file is worse than none */
	return is_written;
}

void session_output_close(struct session_output *output)
{
	bool is_half = output->path && !output->is_used;
	recording_file_discard(output->file);
	if (output->stream && output->path)
		fclose(output->stream);
	if (is_half && output->beside)
		unlink(output->beside);
	else if (is_half && output->is_new)
		unlink(output->path);
	else if (is_half && output->is_begun)
		output_path_discard(output->path);
	free(output->beside);
	free(output->replaced);
	*output = (struct session_output){ 0 };
}
