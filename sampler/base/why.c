/* Failures as sentences. See why.h. */
#include "sampler/base/why.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_PROFILER_FAILED = 125 }; /* as env, timeout and docker: the tool itself failed */

static void (*restore_terminal)(void);

/* A sentence that was cut must not end inside a UTF-8 sequence. */
static void drop_partial_character(char *text)
{
	size_t length = strlen(text);
	size_t start = length;
	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t need = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (length - (start - 1) < need)
		text[start - 1] = '\0';
}

bool why_fail(struct why *why, const char *format, ...)
{
	if (!why)
		return false;
	va_list list;
	va_start(list, format);
	int n = vsnprintf(why->text, sizeof why->text, format, list);
	va_end(list);
	if (n >= (int)sizeof why->text)
		drop_partial_character(why->text);
	return false;
}

void die_hook(void (*restore)(void))
{
	restore_terminal = restore;
}

void die(const char *format, ...)
{
	void (*restore)(void) = restore_terminal;
	restore_terminal = NULL;
	if (restore)
		restore();
	va_list list;
	va_start(list, format);
	fputs("stoke: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	va_end(list);
	exit(STATUS_PROFILER_FAILED);
}

void *allocate(unsigned long n, unsigned long bytes_each)
{
	void *memory = calloc(n ? n : 1, bytes_each ? bytes_each : 1);
	if (!memory)
		die("out of memory asking for %lu x %lu bytes", n, bytes_each);
	return memory;
}

void *reallocate(void *old, unsigned long n, unsigned long bytes_each)
{
	if (bytes_each && n > SIZE_MAX / bytes_each)
		die("out of memory asking for %lu x %lu bytes", n, bytes_each);
	size_t n_bytes = n * bytes_each;
	void *memory = realloc(old, n_bytes > 0 ? n_bytes : 1);
	if (!memory)
		die("out of memory asking for %lu x %lu bytes", n, bytes_each);
	return memory;
}
