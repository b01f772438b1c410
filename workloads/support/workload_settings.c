/* Settings are checked here, before a workload sees them. See workload_settings.h. */
#include "workloads/support/workload_settings.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/nearest.h"

const struct parameter workload_seconds = {
	"seconds", "stop after this long; 0 = when done", PARAMETER_REAL, "0", 0, 1e7, NULL
};

enum { SIZE_BYTES = 16 };

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

/* S, M or L as the number it stands for; else the text itself. */
static const char *number_text(const struct parameter *parameter, const char *text,
			       char room[SIZE_BYTES])
{
	int place = parameter->choices ? choice_of("S|M|L", text) : -1;
	const char *at = parameter->choices;
	if (place < 0)
		return text;
	for (; place > 0; place--)
		at += strcspn(at, "|") + 1;
	snprintf(room, SIZE_BYTES, "%.*s", (int)strcspn(at, "|"), at);
	return room;
}

static bool set_number(const struct parameter *parameter, const char *text, struct setting *setting,
		       struct why *why)
{
	char room[SIZE_BYTES];
	if (!read_number(number_text(parameter, text, room), &setting->number))
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

static bool has_sizes(const struct parameter *parameter)
{
	return parameter->kind != PARAMETER_CHOICE && parameter->choices;
}

static bool unknown_key(const struct workload *workload, const char *key, struct why *why)
{
	struct nearest nearest;
	nearest_start(&nearest, key);
	nearest_offer(&nearest, workload_seconds.name);
	for (const struct parameter *at = workload->parameters; at && at->name; at++)
		nearest_offer(&nearest, at->name);
	char question[96];
	return why_fail(why, "%s has no setting %s%s; see `stoke list workloads %s`.",
			workload->name, key,
			nearest_question(&nearest, "", question, sizeof question), workload->name);
}

static bool set_word(const struct workload *workload, const char *word,
		     struct workload_settings *settings, struct why *why)
{
	char key[64];
	struct setting limit;
	const char *equals = strchr(word, '=');
	if (!equals || equals == word || (size_t)(equals - word) >= sizeof key)
		return why_fail(why, "%s is no setting; write key=value.", word);
	snprintf(key, sizeof key, "%.*s", (int)(equals - word), word);
	if (strcmp(key, workload_seconds.name) == 0) {
		bool is_good = set(&workload_seconds, equals + 1, &limit, why);
		settings->seconds = is_good ? limit.number : 0;
		return is_good;
	}
	const struct parameter *parameters = workload->parameters;
	for (int i = 0; parameters && parameters[i].name && i < MOST_PARAMETERS; i++)
		if (strcmp(parameters[i].name, key) == 0)
			return set(&parameters[i], equals + 1, &settings->values[i], why);
	for (int i = 0; parameters && parameters[i].name && i < MOST_PARAMETERS; i++)
		if (has_sizes(&parameters[i]) && strcmp(key, "size") == 0 &&
		    choice_of("S|M|L", equals + 1) >= 0)
			return set(&parameters[i], equals + 1, &settings->values[i], why);
	return unknown_key(workload, key, why);
}

bool workload_settings_read(struct workload_settings *settings, const struct workload *workload,
			    char *const *words, struct why *why)
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
	struct workload_settings settings;
	return workload_settings_read(&settings, workload, words, why);
}
