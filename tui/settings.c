/* The option tables and what they set. Names and meanings follow perf, samply and GNU. */
#include "tui/settings.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters/cache_geometry.h"
#include "counters/events.h"
#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/event_parts.h"
#include "tui/command.h"
#include "tui/help.h"
#include "tui/metric_names.h"
#include "tui/preferences.h"

#define AT(field) .offset = offsetof(struct settings, field)

/* The kernel copies at most this much of a user stack (PERF_SAMPLE_STACK_USER is 16 bits, and a
 * record must fit 64 KiB); sizes are multiples of 8. */
enum { MAX_STACK_BYTES = 65528 };

/* Four times the widest terminals in use; a grid of this size is 16 MiB of cells at 4 bytes. */
enum { MAX_COLUMNS = 2000 };

static bool parse_call_graph(void *into, const char *value, struct why *why)
{
	struct settings *settings = into;
	if (!value) {
		settings->call_graph = CALL_GRAPH_AUTO;
		return true;
	}
	if (strncmp(value, "dwarf,", 6) == 0) {
		uint64_t bytes = text_parse_bytes(value + 6);
		if (bytes < 8 || bytes > MAX_STACK_BYTES)
			return why_fail(why,
					"--call-graph dwarf,BYTES copies 8 to %d bytes of stack.",
					MAX_STACK_BYTES);
		settings->call_graph = CALL_GRAPH_DWARF;
		settings->stack_bytes = (bytes + 7) / 8 * 8;
		return true;
	}
	int choice = choice_find("auto|dwarf|fp|none", value);
	if (choice < 0) {
		char clean[64];
		return why_fail(why, "--call-graph takes auto, dwarf[,BYTES], fp or none, not %s.",
				text_clean(clean, sizeof clean, value));
	}
	settings->call_graph = choice;
	return true;
}

static bool append(const char **list, char separator, const char *more)
{
	/* Kept to the end of the process, as argv is. */
	static struct arena arena;
	*list = *list ? arena_print(&arena, "%s%c%s", *list, separator, more) : more;
	return true;
}

static bool append_groups(void *into, const char *value, struct why *why)
{
	(void)why;
	return append(&((struct settings *)into)->groups, ',', value);
}

static bool append_known_groups(void *into, const char *value, struct why *why)
{
	return metric_names_check(value, why) && append_groups(into, value, why);
}

static const struct option_row sampling_rows[] = {
	{ 'F', OPTION_INTEGER, "freq", "HZ", "samples a second and CPU, 1 to 20000 (997)",
	  AT(frequency_hz), .least = 1, .most = 20000 },
	{ 0, OPTION_INTEGER, "rate", "HZ", NULL, AT(frequency_hz), .least = 1, .most = 20000 },
	{ 'c', OPTION_INTEGER, "count", "N", "sample once every N events instead", AT(period),
	  .least = 1, .most = INT64_MAX },
	{ 'e', OPTION_TEXT, "event", "LIST",
	  "what to sample on, as in `stoke list events`; suffixes :u :k :p; {a,b}:S reads b "
	  "at each sample of a",
	  AT(events) },
	{ 'M', OPTION_CALL, "metrics", "LIST",
	  "also read these metric groups over time, as in `stoke list metrics`",
	  .parse = append_known_groups },
	{ 'g', OPTION_CALL, "", NULL, "--call-graph auto, which is the default",
	  .parse = parse_call_graph },
	{ 0, OPTION_CALL, "call-graph", "MODE",
	  "how to find callers: auto, dwarf[,BYTES] (copy BYTES of stack), fp, none",
	  .parse = parse_call_graph },
	{ 0, OPTION_CHOICE, "unwinder", "NAME",
	  "fast; libunwind for reference; check = both, compared", AT(unwinder),
	  .choices = "fast|libunwind|check" },
	{ 0, OPTION_DURATION, "duration", "TIME", "stop recording after TIME (5s, 500ms, 2m)",
	  AT(duration_ns) },
	{ 0, OPTION_DURATION, "delay", "TIME", "start recording that late", AT(delay_ns) },
	{ 0, OPTION_FLAG, "no-inherit", NULL, "do not follow threads and children",
	  AT(no_inherit) },
	{ 0, OPTION_FLAG, "all-user", NULL, "user code only", AT(user_only) },
	{ 0, OPTION_FLAG, "all-kernel", NULL, "kernel code only", AT(kernel_only) },
	{ 0, OPTION_FLAG, "no-inline", NULL, "do not look for inlined functions and lines",
	  AT(no_inline) },
	{ 0, OPTION_FLAG, "no-gpu", NULL, "leave GPUs alone: nothing is loaded into the program",
	  AT(no_gpu) },
	{ 0, OPTION_INTEGER, "gpu-metrics", "HZ",
	  "sample the counters of every GPU, HZ times a second: memory, caches, pipes, links",
	  AT(gpu_hz), .least = 1, .most = 1000 },
	{ 0, OPTION_FLAG, "gpu-stalls", NULL,
	  "sample what the kernels of CUDA programs wait for, line by line (needs -lineinfo)",
	  AT(gpu_stalls) },
	{ 0, OPTION_TEXT, "require", "LIST",
	  "status 3 unless all of hw, callgraph, kernel, gpu can be had", AT(require) },
	{ 0, OPTION_FLAG, "model", NULL,
	  "count cache misses by a model instead of sampling: any workload, or a program "
	  "compiled for it",
	  AT(has_model) },
	{ 0, OPTION_TEXT, "caches", "LIST",
	  "caches of the model, such as l1=32K/8,l2=1M/16,prefetch=next", AT(caches) },
	{ 0 },
};

static const struct option_row output_rows[] = {
	{ 'o', OPTION_TEXT, "output", "FILE",
	  "write to FILE (- is stdout); the extension chooses the format", AT(output) },
	{ 0, OPTION_TEXT, "format", "NAME", "format, as in `stoke list exporters`, or stoke",
	  AT(format) },
	{ 'f', OPTION_FLAG, "force", NULL, "replace a file that is there", AT(is_forced) },
	{ 0 },
};

static bool parse_most_bytes(void *into, const char *value, struct why *why)
{
	struct settings *settings = into;
	char clean[64];
	settings->most_bytes = text_parse_bytes(value);
	return (settings->most_bytes && settings->most_bytes != UINT64_MAX) ||
	       why_fail(why, "--max-size takes a size such as 64M or 2G, not %s.",
			text_clean(clean, sizeof clean, value));
}

/* perf's names where it has the thing. */
static const struct option_row over_time_rows[] = {
	{ 0, OPTION_DURATION, "ring", "TIME", "keep only the last TIME, however long it runs",
	  AT(ring_ns), .least = 1 },
	{ 0, OPTION_FLAG, "snapshot", NULL, "on SIGUSR2 write what there is to FILE.N.EXT",
	  AT(has_snapshots) },
	{ 0, OPTION_TEXT, "snapshot-when", "M>V",
	  "also when metric M passes V: cpu-clock>1.5 (CPUs), loss<0.1", AT(snapshot_when) },
	{ 0, OPTION_TEXT, "control", "FIFO[,ACK]",
	  "take enable, disable, snapshot, stop, ping from FIFO; answer ack to ACK", AT(control) },
	{ 0, OPTION_FLAG, "paused", NULL, "do not sample before --control says enable",
	  AT(is_paused) },
	{ 0, OPTION_CALL, "max-size", "BYTES", "record no more when the file gets so large (64M)",
	  .parse = parse_most_bytes },
	{ 0 },
};

static const struct option_row part_rows[] = {
	{ 'e', OPTION_TEXT, "event", "NAME", "samples of this event (the first that has any)",
	  AT(events) },
	{ 0, OPTION_DURATION, "from", "TIME", "nothing before TIME since the start (1.5s, 300ms)",
	  AT(from_ns) },
	{ 0, OPTION_DURATION, "to", "TIME", "nothing from TIME on", AT(to_ns) },
	{ 0, OPTION_INTEGER, "pid", "PID", "only this process, as in the view processes",
	  AT(only_pid), .least = 1, .most = UINT32_MAX },
	{ 0, OPTION_FLAG, "per-thread", NULL, "stacks begin with NAME-PID/TID, not with the name",
	  AT(is_per_thread) },
	{ 0, OPTION_FLAG, "per-process", NULL, "stacks begin with NAME-PID", AT(is_per_process) },
	{ 0, OPTION_FLAG, "per-phase", NULL, "stacks begin with the phase of the program (probe.h)",
	  AT(is_per_phase) },
	{ 0, OPTION_FLAG, "no-inline", NULL, "leave inlined functions to those around them",
	  AT(no_inline) },
	{ 0, OPTION_FLAG, "annotate", NULL, "folded: _[k] kernel, _[i] inlined, _[j] JIT",
	  AT(is_annotated) },
	{ 0 },
};

static const struct option_row input_rows[] = {
	{ 'i', OPTION_TEXT, "input", "FILE", "read FILE (- is stdin)", AT(input) },
	{ 0 },
};

static const struct option_row against_rows[] = {
	{ 0, OPTION_TEXT, "against", "FILE",
	  "another recording: side A of the view diff and of a flame graph's colours",
	  AT(against) },
	{ 0 },
};

static const struct option_row terminal_rows[] = {
	{ 0, OPTION_FLAG, "headless", NULL, "no screen even on a terminal", AT(is_headless) },
	{ 0, OPTION_CHOICE, "color", "WHEN", "auto, always or never", AT(color),
	  .choices = "auto|always|never" },
	{ 0, OPTION_FLAG, "ascii", NULL, "draw with ASCII characters only", AT(is_ascii) },
	{ 0, OPTION_FLAG, "no-mouse", NULL, "leave the mouse to the terminal", AT(no_mouse) },
	{ 0, OPTION_TEXT, "theme", "NAME", "colours", AT(theme) },
	{ 0 },
};

static const struct option_row render_rows[] = {
	{ 0, OPTION_TEXT, "view", "NAME", "which screen, as in `stoke list views`", AT(view) },
	{ 0, OPTION_TEXT, "size", "CxR",
	  "columns x rows, such as 120x40 (COLUMNS and LINES, else 80x24)", AT(size) },
	{ 0, OPTION_TEXT, "keys", "KEYS", "press these keys first", AT(keys) },
	{ 0, OPTION_INTEGER, "pid", "PID", "only this process, as in the view processes",
	  AT(only_pid), .least = 1, .most = UINT32_MAX },
	{ 0, OPTION_CHOICE, "color", "WHEN", "auto, always or never", AT(color),
	  .choices = "auto|always|never" },
	{ 0, OPTION_FLAG, "ascii", NULL, "draw with ASCII characters only", AT(is_ascii) },
	{ 0, OPTION_TEXT, "theme", "NAME", "colours", AT(theme) },
	{ 0 },
};

static bool append_label(void *into, const char *value, struct why *why)
{
	(void)why;
	return append(&((struct settings *)into)->push_labels, '\n', value);
}

static const struct option_row push_rows[] = {
	{ 0, OPTION_TEXT, "push", "URL",
	  "send pprof to the profile store at URL (http://HOST:4040)", AT(push_store) },
	{ 0, OPTION_CHOICE, "push-to", "STORE", "which it is: pyroscope or parca", AT(push_form),
	  .choices = "pyroscope|parca" },
	{ 0, OPTION_DURATION, "push-every", "TIME", "while recording, every TIME (else at the end)",
	  AT(push_every_ns) },
	{ 0, OPTION_TEXT, "push-name", "NAME", "what the profile is called (the program)",
	  AT(push_name) },
	{ 0, OPTION_CALL, "label", "NAME=VALUE", "a label for it; any number of them",
	  .parse = append_label },
	{ 0, OPTION_TEXT, "spool", "FOLDER",
	  "where profiles wait for a store that is away ($XDG_STATE_HOME/stoke/spool)",
	  AT(push_spool) },
	{ 0, OPTION_DURATION, "push-timeout", "TIME", "give up a try after TIME (10s)",
	  AT(push_timeout_ns) },
	{ 0, OPTION_INTEGER, "push-tries", "N", "how often to try (3)", AT(push_tries), .least = 1,
	  .most = 100 },
	{ 0 },
};

static bool append_events(void *into, const char *value, struct why *why)
{
	(void)why;
	return append(&((struct settings *)into)->events, ',', value);
}

/* perf's name and unit of --duration. */
static bool parse_timeout(void *into, const char *value, struct why *why)
{
	char text[64], clean[64];
	snprintf(text, sizeof text, "%.40sms", value);
	uint64_t duration_ns = text_parse_duration_ns(text);
	((struct settings *)into)->duration_ns = duration_ns;
	return (duration_ns && duration_ns != UINT64_MAX) ||
	       why_fail(why, "--timeout takes milliseconds, not %s.",
			text_clean(clean, sizeof clean, value));
}

/* Names as in perf stat; -g is likwid's. A day between two lines is long enough. */
static const struct option_row stat_rows[] = {
	{ 'e', OPTION_CALL, "event", "LIST",
	  "count these, as in `stoke list events`; {a,b} = at the same time",
	  .parse = append_events },
	{ 'g', OPTION_CALL, "group", "LIST", "metric groups, as in `stoke list metrics`, or all",
	  .parse = append_groups },
	{ 'M', OPTION_CALL, "metrics", "LIST", NULL, .parse = append_groups },
	{ 'r', OPTION_INTEGER, "repeat", "N", "run N times: mean and standard deviation",
	  AT(repeat), .least = 1, .most = 100000 },
	{ 'I', OPTION_INTEGER, "interval", "MS", "print what happened every MS milliseconds",
	  AT(interval_ms), .least = 10, .most = 86400000 },
	{ 0, OPTION_DURATION, "duration", "TIME", "stop counting after TIME (5s, 500ms, 2m)",
	  AT(duration_ns) },
	{ 0, OPTION_CALL, "timeout", "MS", NULL, .parse = parse_timeout },
	{ 'x', OPTION_TEXT, "separator", "SEP", "comma-separated values, with SEP for commas",
	  AT(separator) },
	{ 'j', OPTION_FLAG, "json", NULL, "one JSON object a line", AT(is_json) },
	{ 'o', OPTION_TEXT, "output", "FILE", "write to FILE (- is stdout)", AT(output) },
	{ 'f', OPTION_FLAG, "force", NULL, "replace a file that is there", AT(is_forced) },
	{ 0, OPTION_FLAG, "no-inherit", NULL, "do not follow threads and children",
	  AT(no_inherit) },
	{ 0, OPTION_FLAG, "all-user", NULL, "user code only", AT(user_only) },
	{ 0, OPTION_FLAG, "all-kernel", NULL, "kernel code only", AT(kernel_only) },
	{ 0, OPTION_TEXT, "require", "LIST", "status 3 unless all of hw, kernel can be had",
	  AT(require) },
	{ 0, OPTION_FLAG, "ascii", NULL, "ASCII characters only", AT(is_ascii) },
	{ 0 },
};

static const struct option_row diff_rows[] = {
	{ 0, OPTION_CHOICE, "by", "WHAT", "function or stack", AT(by),
	  .choices = "function|stack" },
	{ 0, OPTION_CHOICE, "per", "WHAT",
	  "divide by total, run, duration, work; auto = work, if all have it, else total or run",
	  AT(per), .choices = "auto|total|run|duration|work" },
	{ 0, OPTION_TEXT, "fail-on", "GROWTH", "status 1 if anything grew by more (+5%)",
	  AT(fail_on) },
	{ 'r', OPTION_INTEGER, "repeat", "N", "run each command N times (5)", AT(repeat),
	  .least = 1, .most = 1000 },
	{ 'o', OPTION_TEXT, "output", "FILE",
	  "write to FILE (- is stdout); .json .md .folded choose the format", AT(output) },
	{ 0, OPTION_TEXT, "format", "NAME", "text, json, markdown or folded", AT(format) },
	{ 'f', OPTION_FLAG, "force", NULL, "replace a file that is there", AT(is_forced) },
	{ 0, OPTION_CHOICE, "color", "WHEN", "auto, always or never", AT(color),
	  .choices = "auto|always|never" },
	{ 0, OPTION_FLAG, "ascii", NULL, "ASCII characters only", AT(is_ascii) },
	{ 0 },
};

static const struct option_row messages_rows[] = {
	{ 'q', OPTION_FLAG, "quiet", NULL, "errors only", AT(is_quiet) },
	{ 'v', OPTION_TALLY, "verbose", NULL, "all notes", AT(verbosity) },
	{ 0 },
};

static const struct option_row general_rows[] = {
	{ 'h', OPTION_FLAG, "help", NULL, "this text", AT(wants_help) },
	{ 'V', OPTION_FLAG, "version", NULL, "the version", AT(wants_version) },
	{ 0 },
};

const struct option_group options_sampling = { "Sampling", sampling_rows };
const struct option_group options_over_time = { "Over time", over_time_rows };
const struct option_group options_push = { "Profile store", push_rows };
const struct option_group options_output = { "Output", output_rows };
const struct option_group options_part = { "What part", part_rows };
const struct option_group options_input = { "Input", input_rows };
const struct option_group options_against = { "Comparison", against_rows };
const struct option_group options_terminal = { "Screen", terminal_rows };
const struct option_group options_render = { "Screen", render_rows };
const struct option_group options_stat = { "Counting", stat_rows };
const struct option_group options_diff = { "Comparison", diff_rows };
const struct option_group options_messages = { "Messages", messages_rows };
const struct option_group options_general = { "General", general_rows };

int fail_with(int status, const char *command, const struct why *why)
{
	/* Names in the sentence are the target's or the file's choice. One write, so that
	 * sentences of parent and child do not mix. */
	char line[WHY_BYTES + 64], clean[WHY_BYTES];
	int n = snprintf(line, sizeof line, "stoke%s%s: %s\n", command ? " " : "",
			 command ? command : "", text_clean(clean, sizeof clean, why->text));
	fputs(n < 0 ? "stoke: failed\n" : line, stderr);
	return status;
}

bool settings_parse(const struct command *command, enum options_mode mode, char **argv,
		    struct settings *settings, struct arguments *arguments, int *status)
{
	static const struct option_group *const none[] = { &options_general, NULL };
	const struct option_group *const *groups = command->options ? command->options : none;
	struct why why;
	if (!options_parse(groups, mode, argv, settings, arguments, &why)) {
		*status = fail_with(STATUS_USAGE, command->name, &why);
		return false;
	}
	*status = STATUS_OK;
	if (settings->wants_help)
		help_print_command(stdout, command);
	else if (settings->wants_version)
		help_print_version(stdout);
	return !settings->wants_help && !settings->wants_version;
}

static bool check_exclusions(const struct settings *settings, struct why *why)
{
	if (settings->frequency_hz && settings->period)
		return why_fail(why, "--freq and --count exclude each other: give one of them.");
	if (settings->user_only && settings->kernel_only)
		return why_fail(why, "--all-user and --all-kernel exclude each other: without "
				     "either, both are sampled.");
	if (settings->has_model && (settings->events || settings->frequency_hz || settings->period))
		return why_fail(why, "--model counts every access and samples nothing: leave out "
				     "--event, --freq and --count.");
	if (settings->caches && !settings->has_model)
		return why_fail(why, "--caches are those of the cache model: add --model.");
	if (!settings_check_attach(settings, why))
		return false;
	struct cache_geometry geometry;
	cache_geometry_of_machine(&geometry);
	return cache_geometry_parse(&geometry, settings->caches, why);
}

static bool parse_events(const struct settings *settings, struct sampling *sampling,
			 struct why *why)
{
	struct event_without without = { .user = settings->kernel_only,
					 .kernel = settings->user_only };
	if (settings->events && !events_parse(settings->events, sampling->events,
					      MAX_SAMPLED_EVENTS, &sampling->n_events, why))
		return false;
	for (uint32_t i = 0; i < sampling->n_events; i++)
		if (!event_is_left(&sampling->events[i], without, why))
			return false;
	return true;
}

bool settings_sampling(const struct settings *settings, struct sampling *sampling, struct why *why)
{
	if (!check_exclusions(settings, why))
		return false;
	sampling_defaults(sampling);
	uint64_t rate_hz =
		settings->frequency_hz ? settings->frequency_hz : preferences_get()->rate_hz;
	if (rate_hz)
		sampling->frequency_hz = (uint32_t)rate_hz;
	if (settings->period) {
		sampling->frequency_hz = 0;
		sampling->period = settings->period;
	}
	sampling->call_graph = (enum call_graph)settings->call_graph;
	if (settings->stack_bytes)
		sampling->stack_bytes = (uint32_t)settings->stack_bytes;
	sampling->unwinder = (enum unwinder_kind)settings->unwinder;
	sampling->no_inherit = settings->no_inherit;
	sampling->user_only = settings->user_only;
	sampling->kernel_only = settings->kernel_only;
	sampling->no_inline = settings->no_inline;
	sampling->metric_groups = settings->groups;
	sampling->no_gpu = settings->no_gpu;
	sampling->gpu_hz = (uint32_t)settings->gpu_hz;
	sampling->gpu_stalls = settings->gpu_stalls;
	sampling->duration_ns = settings->duration_ns;
	sampling->delay_ns = settings->delay_ns;
	sampling->can_pause = settings->control != NULL;
	sampling->starts_paused = settings->is_paused;
	sampling->most_bytes = settings->most_bytes;
	sampling->ring_ns = settings->ring_ns;
	return parse_events(settings, sampling, why);
}

/* A number from 1 to MAX_COLUMNS; *end behind it. 0 = it is none. */
static int read_extent(const char *text, const char **end)
{
	int value = 0;
	for (*end = text; **end >= '0' && **end <= '9' && value <= MAX_COLUMNS; ++*end)
		value = value * 10 + (**end - '0');
	return value <= MAX_COLUMNS ? value : 0;
}

/* Shells leave odd values in these; one that makes no sense is not the user's word. */
static int extent_of(const char *variable, int otherwise)
{
	const char *text = getenv(variable), *end = NULL;
	int value = text ? read_extent(text, &end) : 0;
	return value > 0 && !*end ? value : otherwise;
}

bool settings_size(const struct settings *settings, int *columns, int *rows, struct why *why)
{
	const char *end = NULL;
	*columns = extent_of("COLUMNS", 80);
	*rows = extent_of("LINES", 24);
	if (!settings->size)
		return true;
	*columns = read_extent(settings->size, &end);
	*rows = *end == 'x' ? read_extent(end + 1, &end) : 0;
	char clean[32];
	return (*columns > 0 && *rows > 0 && !*end) ||
	       why_fail(why, "--size takes COLUMNSxROWS up to %dx%d, such as 120x40, not %s.",
			MAX_COLUMNS, MAX_COLUMNS, text_clean(clean, sizeof clean, settings->size));
}

bool settings_glyphs_are_ascii(const struct settings *settings)
{
	return settings->is_ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
}

static bool environment_says(const char *name)
{
	const char *value = getenv(name);
	return value && *value && strcmp(value, "0") != 0;
}

bool settings_use_color(const struct settings *settings, int fd)
{
	if (settings->color != COLOR_AUTO)
		return settings->color == COLOR_ALWAYS;
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	if (no_color && *no_color)
		return false;
	if (environment_says("CLICOLOR_FORCE") || environment_says("FORCE_COLOR"))
		return true;
	const char *clicolor = getenv("CLICOLOR");
	if (clicolor && strcmp(clicolor, "0") == 0)
		return false;
	return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

bool settings_wants_text(const struct settings *settings)
{
	return settings->is_headless || !isatty(STDOUT_FILENO);
}

bool settings_screen_has_color(const struct settings *settings)
{
	const char *none = getenv("NO_COLOR");
	if (settings->color != COLOR_AUTO)
		return settings->color == COLOR_ALWAYS;
	return !none || !*none;
}
