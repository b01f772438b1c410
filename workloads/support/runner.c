/* Settings are checked here, before a workload sees them; see workload.h. */
#include "workloads/support/runner.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "workloads/workload.h"

enum { MOST_PARAMETERS = 32 };

struct settings {
	struct setting values[MOST_PARAMETERS];
	double seconds; /* 0 = no limit */
};

static volatile sig_atomic_t must_stop;

static void stop(int number)
{
	(void)number;
	must_stop = 1;
}

const struct workload *workload_find(const char *name)
{
	for (const struct workload *const *at = workloads; *at; at++)
		if (strcmp((*at)->name, name) == 0)
			return *at;
	return NULL;
}

static bool read_number(const char *text, double *number)
{
	char *end;
	errno = 0;
	*number = strtod(text, &end);
	if (end == text || errno != 0 || !isfinite(*number))
		return false;
	if (*end == 'k' || *end == 'K')
		*number *= 1e3, end++;
	else if (*end == 'm' || *end == 'M')
		*number *= 1e6, end++;
	return *end == '\0';
}

/* The place of a word in "a|b|c", or -1. */
static int choice_of(const char *choices, const char *word)
{
	size_t length = strlen(word);
	for (int place = 0; *choices; place++) {
		size_t n = strcspn(choices, "|");
		if (n == length && strncmp(choices, word, n) == 0)
			return place;
		choices += n + (choices[n] == '|');
	}
	return -1;
}

static bool set_number(const struct parameter *parameter, const char *text, struct setting *setting,
		       struct why *why)
{
	if (!read_number(text, &setting->number))
		return why_fail(why, "%s=%s is not a number.", parameter->name, text);
	if (setting->number < parameter->least || setting->number > parameter->most)
		return why_fail(why, "%s=%s is out of range; it takes %g to %g.", parameter->name,
				text, parameter->least, parameter->most);
	if (parameter->kind == PARAMETER_INTEGER && setting->number != floor(setting->number))
		return why_fail(why, "%s=%s must be a whole number.", parameter->name, text);
	return true;
}

static bool set(const struct parameter *parameter, const char *text, struct setting *setting,
		struct why *why)
{
	setting->text = text;
	if (parameter->kind == PARAMETER_INTEGER || parameter->kind == PARAMETER_REAL)
		return set_number(parameter, text, setting, why);
	if (parameter->kind == PARAMETER_TEXT)
		return true;
	setting->choice = choice_of(parameter->choices, text);
	return setting->choice >= 0 || why_fail(why, "%s=%s is unknown; it takes %s.",
						parameter->name, text, parameter->choices);
}

static bool unknown_key(const struct workload *workload, const char *key, struct why *why)
{
	struct nearest nearest;
	nearest_start(&nearest, key);
	nearest_offer(&nearest, "seconds");
	for (const struct parameter *at = workload->parameters; at && at->name; at++)
		nearest_offer(&nearest, at->name);
	char question[96];
	return why_fail(why, "%s has no setting %s%s; see `stoke list workloads %s`.",
			workload->name, key,
			nearest_question(&nearest, "", question, sizeof question), workload->name);
}

static bool set_word(const struct workload *workload, const char *word, struct settings *settings,
		     struct why *why)
{
	static const struct parameter seconds = {
		"seconds", "", PARAMETER_REAL, "0", 0, 1e7, NULL
	};
	char key[64];
	struct setting limit;
	const char *equals = strchr(word, '=');
	if (!equals || equals == word || (size_t)(equals - word) >= sizeof key)
		return why_fail(why, "%s is no setting; write key=value.", word);
	snprintf(key, sizeof key, "%.*s", (int)(equals - word), word);
	if (strcmp(key, "seconds") == 0) {
		bool is_good = set(&seconds, equals + 1, &limit, why);
		settings->seconds = is_good ? limit.number : 0;
		return is_good;
	}
	const struct parameter *parameters = workload->parameters;
	for (int i = 0; parameters && parameters[i].name && i < MOST_PARAMETERS; i++)
		if (strcmp(parameters[i].name, key) == 0)
			return set(&parameters[i], equals + 1, &settings->values[i], why);
	return unknown_key(workload, key, why);
}

static bool read_settings(const struct workload *workload, char *const *words,
			  struct settings *settings, struct why *why)
{
	memset(settings, 0, sizeof *settings);
	const struct parameter *parameters = workload->parameters;
	for (int i = 0; parameters && parameters[i].name && i < MOST_PARAMETERS; i++)
		if (!set(&parameters[i], parameters[i].initial, &settings->values[i], why))
			return false;
	for (; *words; words++)
		if (strcmp(*words, "--selftest") != 0 && !set_word(workload, *words, settings, why))
			return false;
	return true;
}

bool workload_settings_check(const struct workload *workload, char *const *words, struct why *why)
{
	struct settings settings;
	return read_settings(workload, words, &settings, why);
}

static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void print_result(const struct workload *workload, void *state, double seconds)
{
	char flops[TEXT_BYTES], bytes[TEXT_BYTES], duration[TEXT_BYTES];
	struct work work = workload->work(state);
	printf("%s: %s, %s by exact work, checks passed\n", workload->name,
	       text_duration(duration, sizeof duration, seconds * 1e9),
	       work.flops > 0 ? text_rate(flops, sizeof flops, work.flops / seconds, "FLOP/s")
			      : text_rate(bytes, sizeof bytes, work.bytes / seconds, "B/s"));
	if (work.flops > 0)
		printf("%s: %s of algorithmic traffic\n", workload->name,
		       text_rate(bytes, sizeof bytes, work.bytes / seconds, "B/s"));
}

static int run_units(const struct workload *workload, void *state, double limit_seconds)
{
	struct why why;
	double start = now_seconds();
	while (!must_stop && workload->run(state))
		if (limit_seconds > 0 && now_seconds() - start >= limit_seconds)
			break;
	double seconds = now_seconds() - start;
	if (!workload->verify(state, &why)) {
		fprintf(stderr, "stoke: %s\n", why.text);
		return 1;
	}
	print_result(workload, state, seconds);
	return 0;
}

static bool has_word(char *const *words, const char *word)
{
	for (; *words; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

int workload_main(int argc, char **argv)
{
	struct why why;
	struct settings settings;
	const struct workload *workload = argc > 0 ? workload_find(argv[0]) : NULL;
	if (!workload) {
		fprintf(stderr, "stoke: there is no workload %s; see `stoke list workloads`.\n",
			argc > 0 ? argv[0] : "without a name");
		return 2;
	}
	const char *reason = workload->unusable ? workload->unusable() : NULL;
	if (reason || !read_settings(workload, argv + 1, &settings, &why)) {
		fprintf(stderr, "stoke: %s\n", reason ? reason : why.text);
		return reason ? 1 : 2;
	}
	/* A check of a second says as much about rightness as one of a minute. */
	if (has_word(argv + 1, "--selftest") && settings.seconds == 0)
		settings.seconds = 1;
	struct sigaction action = { .sa_handler = stop };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	void *state = workload->prepare(settings.values, &why);
	if (!state) {
		fprintf(stderr, "stoke: %s\n", why.text);
		return 1;
	}
	int status = run_units(workload, state, settings.seconds);
	if (has_word(argv + 1, "--selftest"))
		printf("%s: %d passed, %d failed\n", workload->name, status == 0, status != 0);
	workload->finish(state);
	return status;
}

/* A paragraph, wrapped at 78 columns behind an indent. */
static void print_wrapped(FILE *out, const char *text)
{
	enum { COLUMNS = 76 };
	while (*text) {
		size_t n = strlen(text);
		if (n > COLUMNS) {
			n = COLUMNS;
			while (n > 0 && text[n] != ' ')
				n--;
			n = n ? n : COLUMNS;
		}
		fprintf(out, "  %.*s\n", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

void workload_describe(FILE *out, const struct workload *workload)
{
	fprintf(out, "%s: %s\n\n", workload->name, workload->summary);
	print_wrapped(out, workload->teaches);
	fprintf(out, "\n  source: %s\n\n  settings (key=value)\n", workload->source);
	for (const struct parameter *at = workload->parameters; at && at->name; at++)
		fprintf(out, "    %-10s %-12s %s%s%s\n", at->name, at->initial, at->summary,
			at->kind == PARAMETER_CHOICE ? ": " : "",
			at->kind == PARAMETER_CHOICE ? at->choices : "");
	fprintf(out, "    %-10s %-12s %s\n", "seconds", "0", "stop after this long; 0 = when done");
}
