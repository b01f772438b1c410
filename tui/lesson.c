/* Reading, running and comparing. See lesson.h. */
#include "tui/lesson.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tui/words.h"

/* A guess within this of the truth is a good one: half as much again. */
static const double CLOSE_RATIO = 1.5;
static const char RATE_END[] = " by exact work";

enum { MOST_OUTPUT = 4096, MOST_WORDS = 24 };

/* ---- the file */

static char *field_of(struct lesson *lesson, const char *word, size_t n)
{
	const struct {
		const char *word;
		char *text;
	} fields[] = { { "title", lesson->title }, { "about", lesson->about },
		       { "a", lesson->a },         { "b", lesson->b },
		       { "ask", lesson->ask },     { "why", lesson->why },
		       { "see", lesson->see } };
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (strlen(fields[i].word) == n && strncmp(fields[i].word, word, n) == 0)
			return fields[i].text;
	return NULL;
}

bool lesson_read(struct lesson *lesson, const struct lesson_text *text, struct why *why)
{
	*lesson = (struct lesson){ .name = text->name };
	for (const char *line = text->text, *next; *line; line = next) {
		size_t length = strcspn(line, "\n"), n = strcspn(line, " \n");
		next = line + length + (line[length] == '\n');
		char *field = field_of(lesson, line, n);
		if (length == 0 || line[0] == '#')
			continue;
		n += strspn(line + n, " ");
		if (!field || n >= length || *field)
			return why_fail(why, "The lesson %s has a line that is none: %.40s",
					text->name, line);
		snprintf(field, LESSON_TEXT_BYTES, "%.*s", (int)(length - n), line + n);
	}
	bool is_whole = *lesson->title && *lesson->about && *lesson->a && *lesson->b &&
			*lesson->ask && *lesson->why && *lesson->see;
	return is_whole || why_fail(why,
				    "The lesson %s lacks one of title, about, a, b, ask, why "
				    "and see.",
				    text->name);
}

/* ---- running */

bool lesson_parse_rate(const char *output, struct lesson_rate *rate)
{
	const char *end = NULL;
	for (const char *at = output; (at = strstr(at, RATE_END)); at++)
		end = at;
	const char *start = end;
	while (start && start > output && start[-1] != ',' && start[-1] != '\n')
		start--;
	if (!start)
		return false;
	start += strspn(start, " ");
	static const char prefixes[] = "kMGTP";
	char *unit;
	rate->value = strtod(start, &unit);
	unit += strspn(unit, " ");
	const char *prefix = *unit && unit < end ? strchr(prefixes, *unit) : NULL;
	if (prefix)
		rate->value *= pow(1000, (double)(prefix - prefixes) + 1);
	snprintf(rate->text, sizeof rate->text, "%.*s", (int)(end - start), start);
	return rate->value > 0 && isfinite(rate->value);
}

static void run_child(char *const *words, int out)
{
	static char self[] = "stoke", workload[] = "workload";
	char *argv[MOST_WORDS + 4] = { self, workload };
	for (size_t i = 0; words[i] && i < MOST_WORDS; i++)
		argv[2 + i] = words[i];
	dup2(out, STDOUT_FILENO);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static bool read_all(int fd, char *out, size_t bytes)
{
	size_t used = 0;
	for (ssize_t n; used + 1 < bytes && (n = read(fd, out + used, bytes - used - 1)) > 0;)
		used += (size_t)n;
	out[used] = '\0';
	return used > 0;
}

bool lesson_run(const char *words, struct lesson_rate *rate, struct why *why)
{
	int ends[2], status = 0;
	char output[MOST_OUTPUT];
	if (pipe(ends) != 0)
		return why_fail(why, "There is no pipe left for the workload; close some files.");
	char **split = words_split(words, ' ');
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		run_child(split, ends[1]);
	}
	words_free(split);
	close(ends[1]);
	bool has_output = pid > 0 && read_all(ends[0], output, sizeof output);
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		continue;
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return why_fail(why, "`stoke workload %s` did not end well; run it to see why.",
				words);
	return (has_output && lesson_parse_rate(output, rate)) ||
	       why_fail(why, "`stoke workload %s` says no rate to compare.", words);
}

/* ---- words */

char *lesson_fill(const char *text, const struct lesson_rate *a, const struct lesson_rate *b,
		  char *out, size_t bytes)
{
	char ratio[32];
	size_t used = 0;
	snprintf(ratio, sizeof ratio, "%.3g", a->value / b->value);
	const struct {
		const char *name, *text;
	} values[] = { { "{a}", a->text }, { "{b}", b->text }, { "{ratio}", ratio } };
	out[0] = '\0';
	while (*text && used + 1 < bytes) {
		size_t i = 0, n = sizeof values / sizeof values[0];
		while (i < n && strncmp(text, values[i].name, strlen(values[i].name)) != 0)
			i++;
		int added = i < n ? snprintf(out + used, bytes - used, "%s", values[i].text)
				  : snprintf(out + used, bytes - used, "%c", *text);
		used += added > 0 ? (size_t)added : 0;
		text += i < n ? strlen(values[i].name) : 1;
	}
	return out;
}

char *lesson_verdict(double guess, double ratio, char *out, size_t bytes)
{
	double off = guess > ratio ? guess / ratio : ratio / guess;
	if (!(guess > 0) || !isfinite(off))
		snprintf(out, bytes, "no guess");
	else if (off <= CLOSE_RATIO)
		snprintf(out, bytes, "your guess of %.3g is close", guess);
	else
		snprintf(out, bytes, "your guess of %.3g is %.3g times too %s", guess, off,
			 guess > ratio ? "much" : "little");
	return out;
}
