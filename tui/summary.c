/* Text for people: what `record` says at its end and `report` says off a terminal. */
#include "tui/summary.h"

#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/tree.h"
#include "sampler/trust.h"
#include "tui/help.h"
#include "tui/output_path.h"

static const char *fact_or_unknown(const struct recording *recording, const char *key)
{
	const char *value = recording_fact_text(recording, key);
	if (value)
		return value;
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? TEXT_UNKNOWN : "-";
}

/* Series of samples get the lowest ids, as they are made when the sources open. */
enum { MOST_SERIES = 64 };

struct totals {
	uint64_t n_samples, first_ns, last_ns;
	uint64_t n_by_series[MOST_SERIES];
};

static struct totals count_samples(const struct recording *recording)
{
	struct totals totals = { .first_ns = UINT64_MAX };
	struct moment moment = recording_moment(recording);
	for (uint64_t id = 1; id < moment.n[TABLE_SAMPLES]; id++) {
		const struct sample_row *sample = recording_sample(recording, id);
		totals.n_samples += sample->count;
		/* What a model has counted stands for the time before it was looked at. */
		bool is_sum =
			recording_series(recording, sample->series)->origin == ORIGIN_MODELLED;
		uint64_t from_ns = is_sum ? recording->start_ns : sample->time_ns;
		if (from_ns < totals.first_ns)
			totals.first_ns = from_ns;
		if (sample->time_ns > totals.last_ns)
			totals.last_ns = sample->time_ns;
		if (sample->series < MOST_SERIES)
			totals.n_by_series[sample->series] += sample->count;
	}
	return totals;
}

uint32_t summary_main_series(const struct recording *recording, uint32_t *n_series)
{
	struct totals totals = count_samples(recording);
	uint32_t main_series = 0;
	*n_series = 0;
	for (uint32_t id = MOST_SERIES; id-- > 1;) {
		if (totals.n_by_series[id] == 0)
			continue;
		main_series = id;
		++*n_series;
	}
	return main_series;
}

static void print_series(FILE *out, const struct recording *recording, const struct totals *totals)
{
	const char *separator = "";
	char count[TEXT_BYTES];
	for (uint32_t id = 1; id < MOST_SERIES; id++) {
		if (totals->n_by_series[id] == 0)
			continue;
		const struct series_row *series = recording_series(recording, id);
		fprintf(out, "%s%s samples of %s%s", separator,
			text_count(count, sizeof count, totals->n_by_series[id]),
			recording_string_at(recording, series->name),
			series->origin == ORIGIN_MODELLED ? " (modelled)" : "");
		const char *trust =
			trust_of(recording, recording_string_at(recording, series->name));
		if (*trust)
			fprintf(out, " (trust %s)", trust);
		separator = ", ";
	}
}

void summary_print(FILE *out, const struct recording *recording)
{
	struct totals totals = count_samples(recording);
	char duration[TEXT_BYTES];
	if (totals.n_samples == 0) {
		fputs("no samples: nothing ran long enough on a CPU while it was recorded\n", out);
		return;
	}
	/* Folded text has no times: one instant is no duration. */
	uint64_t duration_ns = totals.last_ns - totals.first_ns;
	text_duration(duration, sizeof duration, duration_ns ? (double)duration_ns : NAN);
	const char *rate = recording_fact_text(recording, "sampling.frequency_hz");
	print_series(out, recording, &totals);
	fprintf(out, "%s%s%s in %s, %s lost, %s truncated\n", rate ? " at " : "", rate ? rate : "",
		rate ? " Hz" : "", duration, fact_or_unknown(recording, "sampling.lost"),
		fact_or_unknown(recording, "sampling.truncated"));
}

static const char *severity_name(uint32_t severity)
{
	static const char *const names[N_SEVERITIES] = { "note", "warning", "error" };
	return severity < N_SEVERITIES ? names[severity] : "note";
}

size_t summary_print_notes(FILE *out, const struct recording *recording, enum severity least,
			   const char *prefix)
{
	struct moment moment = recording_moment(recording);
	size_t n_left_out = 0;
	for (uint64_t id = 1; id < moment.n[TABLE_NOTES]; id++) {
		const struct note_row *note = recording_note_row(recording, id);
		if (note->severity < (uint32_t)least) {
			n_left_out++;
			continue;
		}
		char text[2048], clean[2048];
		const char *remedy = recording_string_at(recording, note->remedy);
		snprintf(text, sizeof text, "%s%s%s", recording_string_at(recording, note->text),
			 *remedy ? " " : "", remedy);
		int column = fprintf(out, "%s%s: ", prefix, severity_name(note->severity));
		print_wrapped(out, text_clean(clean, sizeof clean, text), column, 2);
	}
	return n_left_out;
}

static void print_row(FILE *out, const struct recording *recording,
		      const struct tree_function *function, double whole)
{
	char exclusive[TEXT_BYTES], inclusive[TEXT_BYTES], name[512];
	const struct module_row *module = recording_module(recording, function->module);
	const char *path = recording_string_at(recording, module->path);
	text_ratio(exclusive, sizeof exclusive, (double)function->exclusive / whole);
	text_ratio(inclusive, sizeof inclusive, (double)function->inclusive / whole);
	text_clean(name, sizeof name, recording_string_at(recording, function->name));
	fprintf(out, "%8s %8s  %s%s%s\n", exclusive, inclusive, name,
		*path && !(function->flags & FUNCTION_SPECIAL) ? "  " : "",
		function->flags & FUNCTION_SPECIAL ? "" : text_base_name(path));
}

void summary_print_functions(FILE *out, const struct recording *recording, size_t most)
{
	uint32_t n_series;
	const struct tree_options options = { .root = TREE_ROOT_NAME,
					      .series = summary_main_series(recording, &n_series) };
	struct tree *tree = tree_open(recording, &options);
	tree_update(tree);
	uint32_t n_nodes;
	double whole = (double)tree_nodes(tree, &n_nodes)[0].total;
	struct tree_function *functions = allocate(most, sizeof *functions);
	size_t n = tree_functions(tree, functions, most);
	if (n > 0)
		fprintf(out, "%8s %8s  %s\n", "self", "with", "function  (with = and all below)");
	for (size_t i = 0; i < n; i++)
		print_row(out, recording, &functions[i], whole);
	free(functions);
	tree_close(tree);
}

static void add_command_line(struct recording *recording, char *const *words)
{
	char line[4096] = "";
	size_t used = 0;
	for (; *words && used < sizeof line - 1; words++) {
		int n = snprintf(line + used, sizeof line - used, "%s%s", used ? " " : "", *words);
		used += n > 0 ? (size_t)n : 0;
	}
	char clean[sizeof line];
	recording_add_fact(recording, "command_line", text_clean(clean, sizeof clean, line));
}

static void add_cpu_model(struct recording *recording)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[512];
	while (file && fgets(line, sizeof line, file)) {
		char *colon = strchr(line, ':');
		if (!colon || strncmp(line, "model name", 10) != 0)
			continue;
		colon[strcspn(colon, "\n")] = '\0';
		char clean[256];
		recording_add_fact(recording, "cpu",
				   text_clean(clean, sizeof clean, colon + 1 + (colon[1] == ' ')));
		break;
	}
	if (file)
		fclose(file);
}

void summary_add_facts(struct recording *recording, char *const *words)
{
	char text[512];
	struct utsname system;
	recording_add_fact(recording, "version", STOKE_VERSION);
	if (words)
		add_command_line(recording, words);
	if (uname(&system) == 0) {
		recording_add_fact(recording, "host", system.nodename);
		snprintf(text, sizeof text, "%.60s %.60s %.60s", system.sysname, system.release,
			 system.machine);
		recording_add_fact(recording, "kernel", text);
	}
	add_cpu_model(recording);
	snprintf(text, sizeof text, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	recording_add_fact(recording, "cpus_online", text);
	const char *variable, *rank = output_path_rank(&variable);
	if (rank) {
		recording_add_fact(recording, "rank", rank);
		recording_add_fact(recording, "rank.from", variable);
	}
	time_t now = time(NULL);
	struct tm parts;
	if (gmtime_r(&now, &parts) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
		recording_add_fact(recording, "started", text);
}
