/*
 * Reads group files. A file is read line by line out of one copy of its text; names, units and
 * explanations point into that copy.
 */
#include "counters/metrics.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/groups.h"
#include "sampler/base/text.h"

struct reader {
	struct metric_group *group;
	struct metric_section *section; /* NULL before the first */
	const char **about;             /* what a continued line belongs to */
	uint32_t line;
	struct why *why;
};

static bool fail_line(const struct reader *reader, const char *what, const char *text)
{
	char clean[80];
	return why_fail(reader->why, "Line %u of the metric group %s: %s%s%s.", reader->line,
			reader->group->name, what, text ? " " : "",
			text ? text_clean(clean, sizeof clean, text) : "");
}

/* Cuts the next word off; *rest goes on behind it. */
static char *take_word(char **rest)
{
	char *word = *rest;
	size_t length = strcspn(word, " \t");
	char *end = word + length;
	*rest = end + strspn(end, " \t");
	*end = '\0';
	return word;
}

static void trim(char *text)
{
	size_t length = strlen(text);
	while (length > 0 &&
	       (text[length - 1] == ' ' || text[length - 1] == '\t' || text[length - 1] == '\r'))
		text[--length] = '\0';
}

static bool is_identifier(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
	return n > 0 && !name[n] && !isdigit((unsigned char)name[0]);
}

static bool read_section(struct reader *reader, const char *pmus)
{
	struct metric_group *group = reader->group;
	if (group->n_sections == MAX_SECTIONS)
		return fail_line(reader, "too many sections", NULL);
	if (!pmus[0])
		return fail_line(reader, "names of PMUs are missing behind \"on\"", NULL);
	reader->section = &group->sections[group->n_sections++];
	reader->section->pmus = pmus;
	reader->about = NULL;
	return true;
}

static bool read_event(struct reader *reader, char *rest)
{
	struct metric_section *section = reader->section;
	if (!section || section->n_events == MAX_SECTION_EVENTS)
		return fail_line(reader, section ? "too many events" : "an event before \"on\"",
				 NULL);
	char *name = take_word(&rest), *encoding = take_word(&rest);
	if (!is_identifier(name) || !encoding[0] || *rest || strcmp(name, "seconds") == 0)
		return fail_line(reader, "an event is written \"event NAME ENCODING\", not", name);
	for (uint32_t i = 0; i < section->n_events; i++)
		if (strcmp(section->events[i].name, name) == 0)
			return fail_line(reader, "there are two events", name);
	if (section->n_metrics > 0)
		return fail_line(reader, "an event behind the first metric:", name);
	section->events[section->n_events++] = (struct metric_event){ name, encoding };
	reader->about = NULL;
	return true;
}

/* metric NAME OF WORDS [UNIT] = FORMULA */
static bool read_metric(struct reader *reader, char *rest)
{
	struct metric_section *section = reader->section;
	if (!section || section->n_metrics == MAX_SECTION_METRICS)
		return fail_line(reader, section ? "too many metrics" : "a metric before \"on\"",
				 NULL);
	char *open = strchr(rest, '['), *close = open ? strchr(open, ']') : NULL;
	char *equals = close ? strchr(close, '=') : NULL;
	if (!equals || open == rest)
		return fail_line(reader,
				 "a metric is written \"metric NAME [UNIT] = FORMULA\", not", rest);
	*open = *close = '\0';
	trim(rest);
	struct metric *metric = &section->metrics[section->n_metrics++];
	metric->name = rest;
	metric->unit = open + 1;
	metric->about = "";
	const char *names[MAX_SECTION_EVENTS + 1];
	for (uint32_t i = 0; i < section->n_events; i++)
		names[i] = section->events[i].name;
	names[section->n_events] = "seconds";
	struct why wrong;
	const char *formula = equals + 1 + strspn(equals + 1, " \t");
	if (!formula_parse(&metric->formula, formula, names, section->n_events + 1, &wrong))
		return why_fail(reader->why, "Line %u of the metric group %s: %.400s", reader->line,
				reader->group->name, wrong.text);
	reader->about = &metric->about;
	return true;
}

/* Lines of one text are joined by moving the continued line up to the end of what is there: its
 * blank and the newline before leave room for the space between. */
static bool continue_text(struct reader *reader, char *line)
{
	if (!reader->about)
		return fail_line(reader, "nothing goes on here:", line);
	if (!*reader->about || !**reader->about) {
		*reader->about = line;
		return true;
	}
	char *end = (char *)*reader->about + strlen(*reader->about);
	size_t length = strlen(line);
	*end++ = ' ';
	memmove(end, line, length + 1);
	return true;
}

static bool read_text(struct reader *reader, const char **field, const char *rest)
{
	*field = rest;
	reader->about = field;
	return true;
}

static bool read_line(struct reader *reader, char *line)
{
	trim(line);
	if (!line[0] || line[0] == '#')
		return true;
	if (line[0] == ' ' || line[0] == '\t')
		return continue_text(reader, line + strspn(line, " \t"));
	char *keyword = take_word(&line);
	if (strcmp(keyword, "summary") == 0)
		return read_text(reader, &reader->group->summary, line);
	if (strcmp(keyword, "source") == 0)
		return read_text(reader, &reader->group->source, line);
	if (strcmp(keyword, "about") == 0)
		return read_text(reader, &reader->group->about, line);
	if (strcmp(keyword, "on") == 0)
		return read_section(reader, line);
	if (strcmp(keyword, "event") == 0)
		return read_event(reader, line);
	if (strcmp(keyword, "metric") == 0)
		return read_metric(reader, line);
	if (strcmp(keyword, "absent") == 0 && reader->section)
		return read_text(reader, &reader->section->absent, line);
	return fail_line(reader, "a line cannot begin with", keyword);
}

static bool check(struct reader *reader)
{
	const struct metric_group *group = reader->group;
	if (!group->summary[0] || !group->source[0] || group->n_sections == 0)
		return fail_line(reader, "a summary, a source or a section is missing", NULL);
	for (uint32_t i = 0; i < group->n_sections; i++) {
		const struct metric_section *section = &group->sections[i];
		if (!section->absent && (section->n_events == 0 || section->n_metrics == 0))
			return fail_line(reader, "there is nothing in the section on",
					 section->pmus);
	}
	return true;
}

bool metric_group_parse(struct metric_group *group, const char *name, const char *text,
			struct why *why)
{
	*group = (struct metric_group){ .name = name, .summary = "", .about = "", .source = "" };
	group->text = strdup(text);
	if (!group->text)
		die("out of memory");
	group->sections = allocate(MAX_SECTIONS, sizeof *group->sections);
	struct reader reader = { .group = group, .why = why };
	char *line = group->text;
	bool is_good = true;
	while (is_good && *line) {
		size_t length = strcspn(line, "\n");
		char *next = line + length + (line[length] != '\0');
		line[length] = '\0';
		reader.line++;
		is_good = read_line(&reader, line);
		line = next;
	}
	if (is_good && check(&reader))
		return true;
	metric_group_free(group);
	return false;
}

void metric_group_free(struct metric_group *group)
{
	free(group->sections);
	free(group->text);
	*group = (struct metric_group){ 0 };
}

/* Room for all of them; a group is parsed when it is first asked for. */
static struct metric_group *known_groups(uint32_t *n_groups)
{
	static struct metric_group *groups;
	static uint32_t n;
	if (!groups) {
		while (group_texts[n].name)
			n++;
		groups = allocate(n + 1, sizeof *groups);
	}
	*n_groups = n;
	return groups;
}

static void parse_known(struct metric_group *group, uint32_t place)
{
	struct why why;
	if (!group->name &&
	    !metric_group_parse(group, group_texts[place].name, group_texts[place].text, &why))
		die("%s", why.text);
}

const struct metric_group *metric_groups(uint32_t *n_groups)
{
	struct metric_group *groups = known_groups(n_groups);
	for (uint32_t i = 0; i < *n_groups; i++)
		parse_known(&groups[i], i);
	return groups;
}

const struct metric_group *metric_group_find(const char *name)
{
	uint32_t n;
	struct metric_group *groups = known_groups(&n);
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(group_texts[i].name, name) == 0) {
			parse_known(&groups[i], i);
			return &groups[i];
		}
	return NULL;
}

static bool fits(const char *patterns, const char *pmu)
{
	while (*patterns) {
		char pattern[64];
		size_t length = strcspn(patterns, " \t");
		snprintf(pattern, sizeof pattern, "%.*s", (int)(length < 63 ? length : 63),
			 patterns);
		if (fnmatch(pattern, pmu, 0) == 0)
			return true;
		patterns += length;
		patterns += strspn(patterns, " \t");
	}
	return false;
}

const struct metric_section *metric_section_for(const struct metric_group *group, const char *pmu)
{
	for (uint32_t i = 0; i < group->n_sections; i++)
		if (fits(group->sections[i].pmus, pmu))
			return &group->sections[i];
	return NULL;
}
