/*
 * markdown_text: any text inside GitHub's Markdown, table cells included.
 * Source  CommonMark 0.30, 6.1 Code spans; GitHub Flavored Markdown, 4.10 Tables
 */
#ifndef SAMPLER_MARKDOWN_TEXT_H
#define SAMPLER_MARKDOWN_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* markdown_code: a name as a code span, in as many backticks as it needs; cut at 120 columns. */
void markdown_code(FILE *out, const char *text);

/* markdown_sentence: a sentence of ours, which may hold words of others: all marks are escaped. */
void markdown_sentence(FILE *out, const char *text);

/* markdown_plain: the first `bytes` bytes; only what would end a cell or a line is escaped. */
void markdown_plain(FILE *out, const char *text, size_t bytes);

#endif
