/*
 * process_words: a process or a thread that everything is restricted to, in words.
 */
#ifndef TUI_PROCESS_WORDS_H
#define TUI_PROCESS_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recording;
struct thread_choice;
struct why;

enum { PROCESS_WORDS_BYTES = 160 };

/*
 * process_words: "process 1234 cc1", "thread 1235 pool of process 1234 cc1". Returns out.
 * Cost  the rows of threads, from the last one back to the one that is meant
 */
const char *process_words(const struct recording *recording, const struct thread_choice *choice,
			  char *out, size_t bytes);

/* process_is_there: has the recording a process of that number? 0 = none is asked for: true.
 * Errors  false and a sentence */
bool process_is_there(const struct recording *recording, uint64_t pid, struct why *why);

struct view_context;

/* process_words_none: what a view says that has no sample to show: that the one process it is
 * restricted to has none, else `otherwise`. */
const char *process_words_none(const struct view_context *context, const char *otherwise);

#endif
