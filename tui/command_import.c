/* stoke import: a file of another format as a recording. */
#include <stdio.h>
#include <string.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "sampler/importer.h"
#include "sampler/recording.h"
#include "tui/command.h"
#include "tui/input.h"
#include "tui/session_output.h"
#include "tui/settings.h"
#include "tui/summary.h"

extern const struct command command_import;

static const struct option_group *const options[] = { &options_input, &options_output,
						      &options_messages, &options_general, NULL };

enum { MOST_PATH_BYTES = 4096 };

/* FILE.stoke, in the folder we are in: the file may lie where we cannot write. */
static bool name_output(const char *input, char *out, size_t bytes, struct why *why)
{
	const char *name = strcmp(input, "-") == 0 ? "stdin" : text_base_name(input);
	char clean[256];
	if ((size_t)snprintf(out, bytes, "%s.stoke", name) >= bytes)
		return why_fail(why, "The name %s is too long to add .stoke; use -o.",
				text_clean(clean, sizeof clean, name));
	return true;
}

static bool write_recording(const struct settings *settings, const struct recording *recording,
			    const char *path, int *status, struct why *why)
{
	struct session_output output;
	bool is_good = session_output_open(&output, path, settings->format, settings->is_forced,
					   status, why);
	if (is_good)
		is_good = session_output_write(&output, recording, why);
	else if (*status != STATUS_USAGE)
		*status = STATUS_FAILED;
	if (is_good && !settings->is_quiet)
		session_output_remark(&output, "import");
	session_output_close(&output);
	return is_good;
}

static void print_done(const struct settings *settings, const struct recording *recording,
		       const char *path)
{
	char clean[256];
	if (settings->is_quiet)
		return;
	fprintf(stderr, "stoke import: %s holds ", text_clean(clean, sizeof clean, path));
	summary_print(stderr, recording);
	fputc('\n', stderr);
	summary_print_notes(stderr, recording,
			    settings->verbosity ? SEVERITY_INFO : SEVERITY_WARNING,
			    "stoke import: ");
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	struct why why;
	char name[MOST_PATH_BYTES];
	int status;
	if (!settings_parse(&command_import, OPTIONS_ANYWHERE, argv, &settings, &arguments,
			    &status))
		return status;
	const char *input = settings.input ? settings.input : arguments.words[0];
	const char *path = settings.output;
	struct recording *recording =
		input_from_arguments("import", &settings, &arguments, &status);
	if (!recording)
		return status;
	status = STATUS_FAILED;
	if (!path && name_output(input, name, sizeof name, &why))
		path = name;
	if (!path || !write_recording(&settings, recording, path, &status, &why))
		status = fail_with(status, "import", &why);
	else
		status = STATUS_OK;
	if (status == STATUS_OK)
		print_done(&settings, recording, path);
	recording_free(recording);
	return status;
}

const struct command command_import = {
	.name = "import",
	.summary = "Make a recording of another tool's file.",
	.usage = "[options] FILE",
	.help = "The format is told by FILE's extension, else by what it holds; `stoke list "
		"importers` shows the formats. Without -o the recording is FILE.stoke here. "
		"report, render and export read such files too; a recording keeps names that "
		"were found, so it can be read where the programs are not.",
	.options = options,
	.run = run,
};
