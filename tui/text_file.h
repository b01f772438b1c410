/*
 * text_file: a source file as lines, read here if it is here. The path comes from a recording:
 * only plain files of a sane size are read.
 */
#ifndef TUI_TEXT_FILE_H
#define TUI_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct text_file {
	char *bytes;
	size_t *starts; /* n_lines + 1; lines end at the next one's start, less a newline */
	uint32_t n_lines;
	uint64_t modified_ns; /* since the epoch */
};

/* text_file_read: false and a sentence if it cannot be read; zeroed then. */
bool text_file_read(struct text_file *text, const char *path, struct why *why);
void text_file_free(struct text_file *text);

/* text_file_line: line 1 … n_lines with tabs spread out; "" beyond the end. */
const char *text_file_line(const struct text_file *text, uint32_t line, char *out, size_t bytes);

#endif
