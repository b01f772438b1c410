/* Reading the files. See explain.h; the numbers are explain_numbers.c's. */
#include "tui/explain.h"

#include <string.h>

bool explain_fits(const char *pattern, size_t n_bytes, const char *name)
{
	const char *end = pattern + n_bytes, *star = NULL, *from = NULL;
	while (*name) {
		if (pattern < end && *pattern == '*') {
			star = pattern++;
			from = name;
		} else if (pattern < end && *pattern == *name) {
			pattern++;
			name++;
		} else if (star) { /* the star takes one more */
			pattern = star + 1;
			name = ++from;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

static size_t line_length(const char *line)
{
	return strcspn(line, "\n");
}

static const char *next_line(const char *line)
{
	size_t n = line_length(line);
	return line + n + (line[n] == '\n');
}

/* Is the kind among "function+phase"? Returns where the patterns begin, or NULL. */
static const char *patterns_of(const char *line, const char *kind)
{
	size_t n = strlen(kind);
	if (strncmp(line, "on ", 3) != 0)
		return NULL;
	const char *at = line + 3, *end = at + strcspn(at, " \n");
	bool is_found = false;
	for (; at < end; at += strcspn(at, "+ \n") + 1)
		is_found |= strcspn(at, "+ \n") == n && strncmp(at, kind, n) == 0;
	return is_found && *end == ' ' ? end + 1 : NULL;
}

/* "on KIND+KIND PATTERN | PATTERN ..." */
static bool is_entry(const char *line, const char *kind, const char *name)
{
	const char *end = line + line_length(line), *patterns = patterns_of(line, kind);
	for (const char *at = patterns; at && at < end;) {
		const char *bar = at;
		while (bar < end && strncmp(bar, " | ", 3) != 0)
			bar++;
		if (explain_fits(at, (size_t)(bar - at), name))
			return true;
		at = bar + 3;
	}
	return false;
}

static void append(char *part, const char *text, size_t n)
{
	size_t used = strlen(part);
	snprintf(part + used, EXPLAIN_PART_BYTES - used, "%s%.*s", used ? " " : "", (int)n, text);
}

static void take_parts(const char *line, struct explain_entry *entry)
{
	static const char *const names[N_EXPLAIN_PARTS] = { "what", "formula", "bound", "move",
							    "see" };
	char *part = NULL;
	memset(entry, 0, sizeof *entry);
	for (; *line && strncmp(line, "on ", 3) != 0; line = next_line(line)) {
		size_t n = line_length(line), blank = strspn(line, " \t");
		if (*line == '#' || blank >= n) {
			part = NULL;
		} else if (blank == 0) {
			size_t word = strcspn(line, " \n");
			part = NULL;
			for (int i = 0; i < N_EXPLAIN_PARTS; i++)
				if (strlen(names[i]) == word && strncmp(line, names[i], word) == 0)
					part = entry->parts[i];
			blank = word + strspn(line + word, " ");
		}
		if (part && blank < n)
			append(part, line + blank, n - blank);
	}
}

bool explain_find(const char *kind, const char *name, struct explain_entry *entry)
{
	for (const struct explain_text *file = explain_texts; file->name; file++)
		for (const char *line = file->text; *line; line = next_line(line))
			if (is_entry(line, kind, name)) {
				take_parts(next_line(line), entry);
				return true;
			}
	return false;
}

void explain_set(struct explain_values *values, const char *name, const char *text)
{
	if (values->n == EXPLAIN_MOST_VALUES)
		return;
	values->rows[values->n].name = name;
	snprintf(values->rows[values->n++].text, EXPLAIN_VALUE_BYTES, "%s", text);
}

static const char *value_of(const struct explain_values *values, const char *name, size_t n)
{
	for (size_t i = values->n; i-- > 0;)
		if (strlen(values->rows[i].name) == n &&
		    strncmp(values->rows[i].name, name, n) == 0)
			return values->rows[i].text;
	return "\u2013";
}

void explain_fill(const char *text, const struct explain_values *values, char *out, size_t bytes)
{
	size_t used = 0;
	out[0] = '\0';
	while (*text && used + 1 < bytes) {
		size_t n = strcspn(text, "{");
		used += (size_t)snprintf(out + used, bytes - used, "%.*s", (int)n, text);
		text += n;
		if (*text != '{' || used + 1 >= bytes)
			continue;
		n = strcspn(++text, "}");
		used += (size_t)snprintf(out + used, bytes - used, "%s", value_of(values, text, n));
		text += n + (text[n] == '}');
	}
}
