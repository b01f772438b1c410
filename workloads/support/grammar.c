/* The automaton is a table; its long-run shares of the states come from multiplying it out. */
#include "workloads/support/grammar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/random.h"

enum { START, NOUN, VERB, ARTICLE, OBJECT, AFTER, STATES };
enum { MOST_WORDS = 28 };

struct word {
	const char *text;
	double probability;
	int next;
};

/* Probabilities in multiples of 1/1000, unequal as in any language. */
static const struct word words[STATES][MOST_WORDS] = {
	[START] = { { "the ", 0.550, NOUN },
		    { "a ", 0.250, NOUN },
		    { "every ", 0.120, NOUN },
		    { "my ", 0.080, NOUN } },
	[NOUN] = { { "cat ", 0.150, VERB },
		   { "dog ", 0.120, VERB },
		   { "child ", 0.090, VERB },
		   { "king ", 0.070, VERB },
		   { "river ", 0.060, VERB },
		   { "teacher ", 0.060, VERB },
		   { "bird ", 0.050, VERB },
		   { "machine ", 0.045, VERB },
		   { "farmer ", 0.040, VERB },
		   { "moon ", 0.030, VERB },
		   { "poet ", 0.020, VERB },
		   { "engineer ", 0.015, VERB },
		   { "old ", 0.080, NOUN },
		   { "small ", 0.070, NOUN },
		   { "quiet ", 0.050, NOUN },
		   { "happy ", 0.030, NOUN },
		   { "very ", 0.020, NOUN } },
	[VERB] = { { "sees ", 0.180, ARTICLE },
		   { "likes ", 0.150, ARTICLE },
		   { "follows ", 0.120, ARTICLE },
		   { "finds ", 0.090, ARTICLE },
		   { "remembers ", 0.060, ARTICLE },
		   { "sleeps", 0.140, AFTER },
		   { "sings", 0.110, AFTER },
		   { "waits", 0.080, AFTER },
		   { "never ", 0.040, VERB },
		   { "often ", 0.030, VERB } },
	[ARTICLE] = { { "the ", 0.600, OBJECT },
		      { "a ", 0.300, OBJECT },
		      { "its ", 0.100, OBJECT } },
	[OBJECT] = { { "house", 0.180, AFTER },
		     { "garden", 0.150, AFTER },
		     { "apple", 0.120, AFTER },
		     { "book", 0.110, AFTER },
		     { "road", 0.090, AFTER },
		     { "window", 0.080, AFTER },
		     { "stone", 0.060, AFTER },
		     { "letter", 0.050, AFTER },
		     { "bridge", 0.040, AFTER },
		     { "green ", 0.070, OBJECT },
		     { "broken ", 0.050, OBJECT } },
	[AFTER] = { { ".\n", 0.640, START },
		    { " and ", 0.110, START },
		    { " because ", 0.070, START },
		    { " near ", 0.110, ARTICLE },
		    { " with ", 0.070, ARTICLE } },
};

/* How likely a word of the state begins with the first n letters of `text`. */
static double share_beginning(const struct word *state, const char *text, size_t n)
{
	double sum = 0;
	for (const struct word *at = state; at->text; at++)
		if (strncmp(at->text, text, n) == 0)
			sum += at->probability;
	return sum;
}

static const struct word *draw_word(const struct word *state, struct random *random)
{
	double left = random_unit(random);
	const struct word *at = state;
	for (; at[1].text && left >= at->probability; at++)
		left -= at->probability;
	return at;
}

static void add_word(struct grammar_text *text, const struct word *state, const struct word *word)
{
	double before = 1;
	for (size_t i = 0; word->text[i]; i++) {
		double after = share_beginning(state, word->text, i + 1);
		text->bytes[text->n] = (unsigned char)word->text[i];
		text->information[text->n++] = (float)log(before / after);
		before = after;
	}
}

void grammar_make(struct grammar_text *text, size_t n, uint64_t seed)
{
	struct random random = { seed };
	size_t room = n + 4096; /* a sentence longer than that comes once in 10^30 */
	int state = START;
	text->n = 1;
	text->bytes = allocate(room, 1);
	text->information = allocate(room, sizeof(float));
	text->bytes[0] = '\n';
	while ((text->n < n || state != START) && text->n + 16 < room) {
		const struct word *word = draw_word(words[state], &random);
		add_word(text, words[state], word);
		state = word->next;
	}
}

void grammar_free(struct grammar_text *text)
{
	free(text->bytes);
	free(text->information);
	text->bytes = NULL;
	text->information = NULL;
}

/* The share of the words drawn in each state: where a thousand steps from the start end. */
static void count_visits(double *visits)
{
	double here[STATES] = { [START] = 1 };
	memset(visits, 0, STATES * sizeof *visits);
	for (int turn = 0; turn < 4000; turn++) {
		double next[STATES] = { 0 };
		for (int state = 0; state < STATES; state++) {
			visits[state] += turn >= 1000 ? here[state] : 0;
			for (const struct word *at = words[state]; at->text; at++)
				next[at->next] += here[state] * at->probability;
		}
		memcpy(here, next, sizeof here);
	}
}

double grammar_entropy(void)
{
	double visits[STATES], nats = 0, bytes = 0;
	count_visits(visits);
	for (int state = 0; state < STATES; state++)
		for (const struct word *at = words[state]; at->text; at++) {
			nats -= visits[state] * at->probability * log(at->probability);
			bytes += visits[state] * at->probability * (double)strlen(at->text);
		}
	return nats / bytes;
}

bool grammar_is_decodable(void)
{
	for (int state = 0; state < STATES; state++) {
		double sum = 0;
		for (const struct word *at = words[state]; at->text; at++) {
			double same = share_beginning(words[state], at->text, strlen(at->text));
			sum += at->probability;
			if (same != at->probability)
				return false;
		}
		if (fabs(sum - 1) > 1e-12)
			return false;
	}
	return true;
}
