/* libiberty reads the Itanium C++ ABI and both Rust manglings. See demangle.h. */
#include "sampler/demangle.h"

#include <stdlib.h>
#include <string.h>
#if HAVE_IBERTY
#include <libiberty/demangle.h>
#endif

#include "sampler/base/text.h"

enum {
	MOST_LINKAGE_BYTES = 16384, /* heavy templates reach a few KiB; beyond is an attack */
	RUST_HASH_BYTES = 19,       /* "::h" and sixteen hexadecimal digits */
};

bool demangle_is_available(void)
{
	return HAVE_IBERTY;
}

#if HAVE_IBERTY
static bool is_mangled(const char *name)
{
	return (name[0] == '_' && (name[1] == 'Z' || name[1] == 'R')) ||
	       strncmp(name, "__Z", 3) == 0;
}

/* Rust's legacy names end in a hash that tells versions apart and people nothing. */
static void drop_rust_hash(char *name)
{
	size_t length = strlen(name);
	if (length <= RUST_HASH_BYTES)
		return;
	char *tail = name + length - RUST_HASH_BYTES;
	if (strncmp(tail, "::h", 3) == 0 && strspn(tail + 3, "0123456789abcdef") == 16)
		*tail = '\0';
}

char *demangle(char *out, size_t bytes, const char *name)
{
	char *plain = NULL;
	if (is_mangled(name) && strnlen(name, MOST_LINKAGE_BYTES) < MOST_LINKAGE_BYTES)
		plain = cplus_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
	if (plain)
		drop_rust_hash(plain);
	text_clean(out, bytes, plain ? plain : name);
	free(plain);
	return out;
}
#else
char *demangle(char *out, size_t bytes, const char *name)
{
	return text_clean(out, bytes, name);
}
#endif
