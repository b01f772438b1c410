/* stoke learn [LESSON]: predict, then measure, then see why. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/command.h"
#include "tui/help.h"
#include "tui/lesson.h"
#include "tui/settings.h"

extern const struct command command_learn;

enum { NAME_COLUMNS = 12, N_RUNS = 2 };

static const struct option_row learn_rows[] = {
	{ 0, OPTION_TEXT, "guess", "TIMES", "the answer, for lessons that nobody types to",
	  .offset = offsetof(struct settings, guess) },
	{ 0 },
};
static const struct option_group options_learn = { "Lessons", learn_rows };
static const struct option_group *const options[] = { &options_learn, &options_general, NULL };

static int print_lessons(void)
{
	struct why why;
	struct lesson lesson;
	for (const struct lesson_text *at = lesson_texts; at->name; at++) {
		if (!lesson_read(&lesson, at, &why))
			return fail_with(STATUS_PROFILER_FAILED, "learn", &why);
		printf("%-*s %s\n", NAME_COLUMNS - 1, at->name, lesson.title);
	}
	fputs("\n`stoke learn NAME` asks for a guess, measures here, and says why.\n", stdout);
	return STATUS_OK;
}

static const struct lesson_text *find(const char *name, struct why *why)
{
	struct nearest nearest;
	char question[96], clean[64];
	nearest_start(&nearest, name);
	for (const struct lesson_text *at = lesson_texts; at->name; at++) {
		nearest_offer(&nearest, at->name);
		if (strcmp(at->name, name) == 0)
			return at;
	}
	why_fail(why, "There is no lesson %s%s", text_clean(clean, sizeof clean, name),
		 nearest.best ? nearest_question(&nearest, "", question, sizeof question)
			      : "; `stoke learn` lists them.");
	return NULL;
}

/* A number, also as "20x"; NaN = none. */
static double parse_guess(const char *text)
{
	char *end;
	double guess = strtod(text, &end);
	end += strspn(end, "x \n");
	return end != text && !*end && guess > 0 && isfinite(guess) ? guess : NAN;
}

/* False: the reader has gone. */
static bool ask(const struct lesson *lesson, double *guess)
{
	char line[64];
	while (isnan(*guess)) {
		printf("%s Your guess: ", lesson->ask);
		fflush(stdout);
		if (!fgets(line, sizeof line, stdin))
			return false;
		*guess = parse_guess(line);
		if (isnan(*guess))
			puts("A number, please: 1 is as fast, 10 is ten times as fast.");
	}
	return true;
}

static void print_side(char letter, const char *words, const struct lesson_rate *rate)
{
	printf("  %c  %-52s %12s\n", letter, words, rate->text);
}

/* In turn, so that what else the machine does hits both. */
static bool measure_both(const struct lesson *lesson, struct lesson_rate *a, struct lesson_rate *b,
			 struct why *why)
{
	struct lesson_rate now;
	*a = *b = (struct lesson_rate){ 0 };
	for (int i = 0; i < N_RUNS; i++) {
		if (!lesson_run(lesson->a, &now, why))
			return false;
		*a = now.value > a->value ? now : *a;
		if (!lesson_run(lesson->b, &now, why))
			return false;
		*b = now.value > b->value ? now : *b;
	}
	return true;
}

static int measure(const struct lesson *lesson, double guess)
{
	struct lesson_rate a, b;
	struct why why;
	char text[LESSON_TEXT_BYTES + 128], verdict[96];
	puts("Measuring both, in turn; the better of two runs counts.");
	fflush(stdout);
	if (!measure_both(lesson, &a, &b, &why))
		return fail_with(STATUS_FAILED, "learn", &why);
	print_side('A', lesson->a, &a);
	print_side('B', lesson->b, &b);
	lesson_verdict(guess, a.value / b.value, verdict, sizeof verdict);
	printf("\n%s A is %.3g times as fast as B here: %s.\n\n", origin_glyph(ORIGIN_SOFTWARE),
	       a.value / b.value, verdict);
	print_wrapped(stdout, lesson_fill(lesson->why, &a, &b, text, sizeof text), 0, 0);
	fputs("\nSee: ", stdout);
	print_wrapped(stdout, lesson->see, 5, 5);
	return STATUS_OK;
}

static int teach(const char *name, double guess)
{
	struct lesson lesson;
	struct why why;
	const struct lesson_text *text = find(name, &why);
	if (!text)
		return fail_with(STATUS_USAGE, "learn", &why);
	if (!lesson_read(&lesson, text, &why))
		return fail_with(STATUS_PROFILER_FAILED, "learn", &why);
	printf("%s\n\n", lesson.title);
	print_wrapped(stdout, lesson.about, 0, 0);
	putchar('\n');
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
		if (!ask(&lesson, &guess))
			return STATUS_OK;
	} else {
		print_wrapped(stdout, lesson.ask, 0, 0);
	}
	return measure(&lesson, guess);
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	struct why why;
	int status;
	if (!settings_parse(&command_learn, OPTIONS_ANYWHERE, argv, &settings, &arguments, &status))
		return status;
	double guess = settings.guess ? parse_guess(settings.guess) : NAN;
	if (settings.guess && isnan(guess)) {
		why_fail(&why, "--guess takes a number above 0, such as 20.");
		return fail_with(STATUS_USAGE, "learn", &why);
	}
	if (arguments.n_words == 0)
		return print_lessons();
	if (arguments.n_words > 1) {
		why_fail(&why, "One lesson at a time, please.");
		return fail_with(STATUS_USAGE, "learn", &why);
	}
	return teach(arguments.words[0], guess);
}

const struct command command_learn = {
	.name = "learn",
	.summary = "Lessons: predict how two programs compare, measure them here, see why.",
	.usage = "[--guess TIMES] [LESSON]",
	.help = "Without a name the lessons are listed. Each runs two built-in workloads twice, "
		"unprofiled, which takes a few seconds, and compares their exact work a second. "
		"Off a "
		"terminal nothing is asked; --guess answers.",
	.options = options,
	.run = run,
};
