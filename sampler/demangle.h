/*
 * demangle: names of C++ and Rust functions as a person wrote them.
 */
#ifndef SAMPLER_DEMANGLE_H
#define SAMPLER_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * demangle: writes the readable, cleaned form of a linkage name.
 * Returns  out; the name itself (cleaned) if it is not mangled, or libiberty is missing
 * Cost     1 to 2 us
 */
char *demangle(char *out, size_t bytes, const char *name);

/* demangle_is_available: false in a build without libiberty. */
bool demangle_is_available(void);

#endif
