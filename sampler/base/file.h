/*
 * file: what the standard library leaves to every caller.
 */
#ifndef SAMPLER_BASE_FILE_H
#define SAMPLER_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* file_write_all: all n bytes, however often it is interrupted; false and errno if it cannot. */
bool file_write_all(int fd, const void *bytes, size_t n);

/* file_read_line: the first line of a small file, without its end, cut at bytes - 1; false and ""
 * if there is none. */
bool file_read_line(const char *path, char *line, size_t bytes);

/* file_make_parents: the folders above a path, as far as they are missing and can be made, readable
 * for their owner only. What could not be made, using the path says. */
void file_make_parents(const char *path);

#endif
