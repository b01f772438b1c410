/*
 * completion: what a word may become: the candidates that begin as it does.
 */
#ifndef TUI_COMPLETION_H
#define TUI_COMPLETION_H

#include <stddef.h>

enum { COMPLETION_BYTES = 256 };

struct completion {
	const char *word;              /* borrowed: what is typed so far */
	char common[COMPLETION_BYTES]; /* the longest beginning that all candidates share */
	char list[COMPLETION_BYTES];   /* the candidates with blanks between, as far as they fit */
	int n;                         /* candidates */
};

void completion_start(struct completion *completion, const char *word);
void completion_offer(struct completion *completion, const char *candidate);

/* completion_offer_each: the parts of "a|b|c". */
void completion_offer_each(struct completion *completion, const char *candidates);

/* completion_offer_files: the files of the folder that the word names; folders end in '/'. */
void completion_offer_files(struct completion *completion);

#endif
