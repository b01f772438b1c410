/*
 * The option parser. It is written out rather than built on getopt_long because the same tables
 * must print help and the man page, and because its sentences name the nearest option.
 */
#include "tui/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"

struct parser {
	const struct option_group *const *groups;
	enum options_mode mode;
	char **argv;
	int next, n_words;
	void *settings;
	struct why *why;
};

/* How the user typed it, for sentences. */
struct spelling {
	char text[80];
};

static bool takes_value(const struct option_row *row)
{
	return row->kind != OPTION_FLAG && row->kind != OPTION_TALLY && row->value;
}

static const struct option_row *row_by_letter(const struct parser *parser, char letter)
{
	for (const struct option_group *const *group = parser->groups; *group; group++)
		for (const struct option_row *row = (*group)->rows; row->name; row++)
			if (row->letter == letter)
				return row;
	return NULL;
}

static const struct option_row *row_by_name(const struct parser *parser, const char *name,
					    size_t length)
{
	for (const struct option_group *const *group = parser->groups; *group; group++)
		for (const struct option_row *row = (*group)->rows; row->name; row++)
			if (length > 0 && strlen(row->name) == length &&
			    strncmp(row->name, name, length) == 0)
				return row;
	return NULL;
}

static bool fail_unknown(const struct parser *parser, const char *name)
{
	struct nearest nearest;
	nearest_start(&nearest, name);
	for (const struct option_group *const *group = parser->groups; *group; group++)
		for (const struct option_row *row = (*group)->rows; row->name; row++)
			if (row->help && row->name[0])
				nearest_offer(&nearest, row->name);
	char question[96], clean[64];
	text_clean(clean, sizeof clean, name);
	return why_fail(parser->why, "There is no option --%s%s", clean,
			nearest.best ? nearest_question(&nearest, "--", question, sizeof question)
				     : "; --help lists the options.");
}

int choice_find(const char *choices, const char *text)
{
	size_t length = strlen(text);
	int place = 0;
	while (*choices) {
		size_t n = strcspn(choices, "|");
		if (n == length && strncmp(choices, text, n) == 0)
			return place;
		choices += n + (choices[n] == '|');
		place++;
	}
	return -1;
}

static bool read_integer(const struct option_row *row, const char *value, uint64_t *out)
{
	/* strtoull takes signs and spaces; we do not. */
	if (value[0] < '0' || value[0] > '9')
		return false;
	char *end = NULL;
	unsigned long long number = strtoull(value, &end, 10);
	/* An overflow gives ULLONG_MAX, which is above every limit in use. */
	if (*end || number < row->least || number > row->most)
		return false;
	*out = number;
	return true;
}

static bool store_value(const struct parser *parser, const struct option_row *row,
			const char *spelling, const char *value)
{
	unsigned char *field = (unsigned char *)parser->settings + row->offset;
	char clean[64];
	text_clean(clean, sizeof clean, value);
	if (row->kind == OPTION_INTEGER) {
		if (!read_integer(row, value, (uint64_t *)field))
			return why_fail(parser->why, "%s takes a number from %llu to %llu, not %s.",
					spelling, (unsigned long long)row->least,
					(unsigned long long)row->most, clean);
	} else if (row->kind == OPTION_DURATION) {
		uint64_t duration_ns = text_parse_duration_ns(value);
		if (duration_ns == UINT64_MAX)
			return why_fail(parser->why,
					"%s takes a time such as 5s, 500ms or 2m, not %s.",
					spelling, clean);
		if (duration_ns < row->least)
			return why_fail(parser->why, "%s takes a time above 0, such as 5s, not %s.",
					spelling, clean);
		*(uint64_t *)field = duration_ns;
	} else if (row->kind == OPTION_CHOICE) {
		int choice = choice_find(row->choices, value);
		if (choice < 0)
			return why_fail(parser->why, "%s takes one of %s, not %s.", spelling,
					row->choices, clean);
		*(int *)field = choice;
	} else {
		*(const char **)field = value;
	}
	return true;
}

static bool store(const struct parser *parser, const struct option_row *row, const char *spelling,
		  const char *value)
{
	unsigned char *field = (unsigned char *)parser->settings + row->offset;
	if (row->kind == OPTION_FLAG)
		*(bool *)field = true;
	else if (row->kind == OPTION_TALLY)
		++*(int *)field;
	else if (row->kind == OPTION_CALL)
		return row->parse(parser->settings, value, parser->why);
	else
		return store_value(parser, row, spelling, value ? value : "");
	return true;
}

static bool take_value(struct parser *parser, const struct option_row *row, const char *spelling,
		       const char **value)
{
	*value = parser->argv[parser->next];
	if (!*value)
		return why_fail(parser->why, "%s needs a value: %s.", spelling, row->value);
	parser->next++;
	return true;
}

static bool parse_long(struct parser *parser, const char *word)
{
	const char *name = word + 2;
	size_t length = strcspn(name, "=");
	char plain[64];
	snprintf(plain, sizeof plain, "%.*s", (int)(length < 63 ? length : 63), name);
	const struct option_row *row = row_by_name(parser, name, length);
	if (!row)
		return fail_unknown(parser, plain);

	struct spelling spelling;
	snprintf(spelling.text, sizeof spelling.text, "--%s", plain);
	const char *value = name[length] == '=' ? name + length + 1 : NULL;
	if (value && !takes_value(row))
		return why_fail(parser->why, "%s takes no value.", spelling.text);
	if (!value && takes_value(row) && !take_value(parser, row, spelling.text, &value))
		return false;
	return store(parser, row, spelling.text, value);
}

static bool parse_letters(struct parser *parser, const char *letters)
{
	for (; *letters; letters++) {
		const struct option_row *row = row_by_letter(parser, *letters);
		char clean[8], letter[2] = { *letters, '\0' };
		if (!row)
			return why_fail(parser->why,
					"There is no option -%s; --help lists the options.",
					text_clean(clean, sizeof clean, letter));
		struct spelling spelling;
		snprintf(spelling.text, sizeof spelling.text, "-%c", *letters);
		if (!takes_value(row)) {
			if (!store(parser, row, spelling.text, NULL))
				return false;
			continue;
		}
		const char *value = letters + 1;
		if (!*value && !take_value(parser, row, spelling.text, &value))
			return false;
		return store(parser, row, spelling.text, value);
	}
	return true;
}

/* Words are kept at the front of argv[1] …, in order; there is always room, as each was there. */
static void keep_word(struct parser *parser, char *word)
{
	parser->argv[1 + parser->n_words++] = word;
}

static void keep_rest(struct parser *parser)
{
	while (parser->argv[parser->next])
		keep_word(parser, parser->argv[parser->next++]);
}

bool options_parse(const struct option_group *const *groups, enum options_mode mode, char **argv,
		   void *settings, struct arguments *arguments, struct why *why)
{
	struct parser parser = { .groups = groups,
				 .mode = mode,
				 .argv = argv,
				 .next = 1,
				 .settings = settings,
				 .why = why };
	*arguments = (struct arguments){ 0 };
	while (argv[parser.next]) {
		char *word = argv[parser.next];
		if (strcmp(word, "--") == 0) {
			arguments->has_dashes = parser.n_words == 0;
			parser.next++;
			keep_rest(&parser);
		} else if (word[0] != '-' || !word[1]) {
			if (mode == OPTIONS_UNTIL_WORD) {
				keep_rest(&parser);
				break;
			}
			keep_word(&parser, word);
			parser.next++;
		} else {
			parser.next++;
			if (!(word[1] == '-' ? parse_long(&parser, word)
					     : parse_letters(&parser, word + 1)))
				return false;
		}
	}
	argv[1 + parser.n_words] = NULL;
	arguments->words = argv + 1;
	arguments->n_words = parser.n_words;
	return true;
}
