/*
 * The head has no separators that a thread's name could not hold too, so it is found by what
 * follows the name: the first number that a time and an event stand behind.
 * Source: linux/tools/perf/builtin-script.c, perf_sample__fprintf_start.
 */
#include "sampler/perf_script_line.h"

#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

/* A decimal number; NULL if there is none or it is too large. */
static char *take_number(char *at, uint64_t most, uint64_t *value)
{
	*value = 0;
	if (!is_digit(*at))
		return NULL;
	for (; is_digit(*at); at++) {
		uint64_t digit = (uint64_t)(*at - '0');
		if (*value > (most - digit) / 10)
			return NULL;
		*value = *value * 10 + digit;
	}
	return at;
}

/* A thread's number; "-1" (a thread that was gone when its sample was written) is UINT32_MAX, as in
 * the record. */
static char *take_id(char *at, uint64_t *id)
{
	if (at[0] != '-' || at[1] != '1' || is_digit(at[2]))
		return take_number(at, UINT32_MAX, id);
	*id = UINT32_MAX;
	return at + 2;
}

/* "123" or "12/13", then a blank. */
static char *take_thread(char *at, struct perf_script_head *out)
{
	uint64_t first, second;
	at = take_id(at, &first);
	if (!at)
		return NULL;
	out->pid = 0;
	out->tid = (uint32_t)first;
	if (*at == '/') {
		at = take_id(at + 1, &second);
		if (!at)
			return NULL;
		out->pid = (uint32_t)first;
		out->tid = (uint32_t)second;
	}
	out->has_tid = true;
	return is_blank(*at) ? skip_blanks(at) : NULL;
}

/* "[001] ", which may be missing. */
static char *take_cpu(char *at, struct perf_script_head *out)
{
	uint64_t cpu;
	out->has_cpu = false;
	if (*at != '[')
		return at;
	char *end = take_number(at + 1, UINT32_MAX, &cpu);
	if (!end || *end != ']')
		return at;
	out->has_cpu = true;
	out->cpu = (uint32_t)cpu;
	return skip_blanks(end + 1);
}

/* "5678.901234: " of six or nine places; NULL if it is no time. */
static char *take_time(char *at, struct perf_script_head *out)
{
	uint64_t seconds, part;
	at = take_number(at, UINT64_MAX / 1000000000u - 1, &seconds);
	if (!at || *at != '.')
		return NULL;
	char *start = at + 1;
	at = take_number(start, 999999999, &part);
	if (!at || at[0] != ':' || !(is_blank(at[1]) || !at[1]))
		return NULL;
	for (char *digit = at; digit - start < 9; digit++)
		part *= 10;
	out->time_ns = seconds * 1000000000u + part;
	out->has_time = true;
	return skip_blanks(at + 1);
}

/* "250000 cpu-clock:ppp: ": a word that ends in a colon, a number before it or not. */
static bool take_event(char *at, struct perf_script_head *out)
{
	char *end = take_number(at, UINT64_MAX, &out->period);
	out->has_period = end && is_blank(*end);
	if (out->has_period)
		at = skip_blanks(end);
	size_t n = strcspn(at, " \t");
	if (n < 2 || at[n - 1] != ':')
		return false;
	out->event = at;
	out->rest = at + n;
	if (*out->rest)
		*out->rest++ = '\0';
	at[n - 1] = '\0';
	return true;
}

static bool take_from(const char *line, char *blank, bool needs_time, struct perf_script_head *out)
{
	struct perf_script_head head = { 0 };
	char *at = take_thread(skip_blanks(blank), &head);
	if (!at)
		return false;
	at = take_cpu(at, &head);
	char *behind = take_time(at, &head);
	if ((needs_time && !behind) || !take_event(behind ? behind : at, &head))
		return false;
	head.comm = line;
	*blank = '\0';
	*out = head;
	return true;
}

/* Without a thread: a name, perhaps a time, an event. */
static bool take_nameless(char *line, struct perf_script_head *out)
{
	for (char *at = strpbrk(line, " \t"); at; at = strpbrk(at, " \t")) {
		struct perf_script_head head = { 0 };
		char *word = skip_blanks(at);
		char *behind = take_time(word, &head);
		if (*word && take_event(behind ? behind : word, &head) &&
		    !*skip_blanks(head.rest)) {
			*at = '\0';
			head.comm = line;
			*out = head;
			return true;
		}
		at = word;
	}
	return false;
}

bool perf_script_head(char *line, struct perf_script_head *out)
{
	line = skip_blanks(line);
	if (!strchr(line, ':') || *line == '#')
		return false;
	for (int needs_time = 1; needs_time >= 0; needs_time--)
		for (char *at = strpbrk(line, " \t"); at; at = strpbrk(skip_blanks(at), " \t"))
			if (take_from(line, at, needs_time, out))
				return true;
	return take_nameless(line, out);
}

static char *skip_hex(char *at)
{
	return at + strspn(at, "0123456789abcdef");
}

bool perf_script_is_frame(const char *line)
{
	if (!is_blank(*line))
		return false;
	char *at = skip_blanks((char *)line);
	char *end = skip_hex(at);
	if (end == at || !(is_blank(*end) || !*end))
		return false;
	/* A head may begin with a name of such letters, but has a blank behind a colon. */
	const char *colon = strstr(end, ": ");
	return !colon || line[strlen(line) - 1] == ')' ? !colon || strchr(line, '(') < colon
						       : false;
}

/* The last "(...)" is the file; before it the name, and behind that the distance "+0x10". */
void perf_script_frame(char *line, struct perf_script_frame *out)
{
	char *at = skip_blanks(line), *end;
	*out = (struct perf_script_frame){ .symbol = "", .module = "" };
	out->address = strtoull(at, &end, 16);
	at = skip_blanks(end);
	size_t n = strlen(at);
	while (n > 0 && is_blank(at[n - 1]))
		at[--n] = '\0';
	char *open = n > 0 && at[n - 1] == ')' ? strrchr(at, '(') : NULL;
	/* "(/opt/x (deleted))" holds one more. */
	if (open && n > 1 && at[n - 2] == ')' && open - at >= 2) {
		char *outer = open - 1;
		while (outer > at && *outer != '(')
			outer--;
		open = *outer == '(' ? outer : open;
	}
	if (open && (open == at || is_blank(open[-1]))) {
		at[n - 1] = '\0';
		out->module = open + 1;
		*open = '\0';
		if (open > at)
			open[-1] = '\0';
	}
	out->is_inlined = strcmp(out->module, "inlined") == 0;
	char *plus = strrchr(at, '+');
	if (plus && strncmp(plus, "+0x", 3) == 0 && plus[3] && !*skip_hex(plus + 3))
		*plus = '\0';
	if (strcmp(at, "[unknown]") != 0)
		out->symbol = at;
	if (strcmp(out->module, "[unknown]") == 0)
		out->module = "";
}

bool perf_script_place(char *line, const char **file, uint32_t *number)
{
	uint64_t value;
	char *at = skip_blanks(line);
	char *colon = strrchr(at, ':');
	if (at == line || !colon || colon == at)
		return false;
	char *end = take_number(colon + 1, UINT32_MAX, &value);
	if (!end || *skip_blanks(end))
		return false;
	*colon = '\0';
	*file = at;
	*number = (uint32_t)value;
	return true;
}
