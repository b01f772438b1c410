/*
 * explain_here: the user's own numbers of what is neither a function nor a counter: work of a GPU,
 * a part of the time, the machine, the program's terminal.
 */
#ifndef TUI_EXPLAIN_HERE_H
#define TUI_EXPLAIN_HERE_H

#include "tui/explain.h"

enum { EXPLAIN_MOST_SENTENCES = 4 };

/* Entries of the kind "numbers" that have something to say. */
struct explain_sentences {
	const char *names[EXPLAIN_MOST_SENTENCES];
	size_t n;
};

/*
 * explain_here: fills in the values of a subject.
 * Returns  which sentences tell them; none for other kinds of subjects
 * Cost     a pass over the spans (GPU), the samples (moment) or the facts (machine)
 */
struct explain_sentences explain_here(const struct recording *recording,
				      const struct view_focus *focus,
				      const struct view_subject *subject,
				      struct explain_values *values);

/* explain_title: what people call the subject: of a machine's fact its label; kept in out, or the
 * subject's name. */
const char *explain_title(const struct recording *recording, const struct view_subject *subject,
			  char *out, size_t bytes);

#endif
