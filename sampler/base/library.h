/*
 * library: a shared library opened at run time and a table of its functions.
 */
#ifndef SAMPLER_BASE_LIBRARY_H
#define SAMPLER_BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "sampler/base/why.h"

/* Where one function's address goes: `offset` bytes into a struct of function pointers. */
struct library_symbol {
	const char *name;
	size_t offset;
	bool is_required; /* without it the library is too old */
};

/*
 * library_open: the first of `names` (ended by NULL) that can be opened, its functions written to
 * `calls`; those that are optional and missing become NULL.
 *
 * what     what the library is, for the sentence: "NVML, the GPU driver's library"
 * package  what brings it, behind "install the": "NVIDIA driver"
 * symbols  ended by a NULL name
 * Returns  a handle for library_close, or NULL and a sentence
 * Thread   any
 */
void *library_open(const char *const *names, const char *what, const char *package,
		   const struct library_symbol *symbols, void *calls, struct why *why);
void library_close(void *handle);

/* library_beside_program: the path of a library of ours, by its file name: beside the program that
 * runs (a build), or in ../lib/stoke (as `make install` puts it). NULL if it is in neither. Freed
 * with free(). */
char *library_beside_program(const char *name);

#endif
