/* Symbols from text, parsed in place: names are cut out of the file's own bytes. */
#include "sampler/symbols_text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/why.h"

enum {
	MOST_TEXT_BYTES = 256 << 20, /* a long-lived JVM writes some 10 MB */
	READ_BYTES = 1 << 20,
};

/* /proc files have no size, so read until the end. NUL-terminated; NULL if unreadable. */
static char *read_text(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return NULL;
	}
	size_t n = 0, capacity = READ_BYTES;
	char *text = allocate(capacity + 1, 1);
	ssize_t got;
	while (n < MOST_TEXT_BYTES && (got = read(fd, text + n, capacity - n)) > 0) {
		n += (size_t)got;
		if (n == capacity)
			text = reallocate(text, (capacity *= 2) + 1, 1);
	}
	close(fd);
	text[n] = '\0';
	return text;
}

/* Hexadecimal digits at *at; false if there are none. strtoull is slower by half. */
static bool take_hex(char **at, uint64_t *value)
{
	char *start = *at;
	*value = 0;
	for (;; ++*at) {
		unsigned digit = (unsigned char)**at;
		if (digit - '0' < 10)
			digit -= '0';
		else if ((digit | 0x20) - 'a' < 6)
			digit = (digit | 0x20) - 'a' + 10;
		else
			break;
		*value = *value << 4 | digit;
	}
	return *at != start && *at - start <= 16;
}

static char *end_of_line(char *at)
{
	char *end = strchr(at, '\n');
	return end ? end : at + strlen(at);
}

static struct text_symbol *add(struct text_symbols *out, size_t *capacity, uint64_t start,
			       uint64_t end, const char *name)
{
	if (out->n_symbols == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 1024;
		out->symbols = reallocate(out->symbols, *capacity, sizeof *out->symbols);
	}
	struct text_symbol *symbol = &out->symbols[out->n_symbols++];
	*symbol = (struct text_symbol){ .start = start, .end = end, .name = name };
	return symbol;
}

static int compare(const void *a, const void *b)
{
	const struct text_symbol *left = a, *right = b;
	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	/* Names lie in file order. */
	return left->name < right->name ? -1 : left->name > right->name;
}

static bool is_sorted(const struct text_symbols *out)
{
	for (size_t i = 1; i < out->n_symbols; i++)
		if (compare(&out->symbols[i - 1], &out->symbols[i]) > 0)
			return false;
	return true;
}

/* Sorted, one symbol an address, each ending where the next begins. */
static void finish(struct text_symbols *out)
{
	size_t n = 0;
	if (out->n_symbols == 0)
		return;
	if (!is_sorted(out)) /* the kernel's own list is, nearly always */
		qsort(out->symbols, out->n_symbols, sizeof *out->symbols, compare);
	for (size_t i = 0; i < out->n_symbols; i++)
		if (n > 0 && out->symbols[n - 1].start == out->symbols[i].start)
			out->symbols[n - 1] = out->symbols[i]; /* the later line is kept */
		else
			out->symbols[n++] = out->symbols[i];
	for (size_t i = 0; i + 1 < n; i++)
		if (out->symbols[i].end > out->symbols[i + 1].start)
			out->symbols[i].end = out->symbols[i + 1].start;
	out->n_symbols = n;
}

/* "address type name[\t[module]]": text symbols only. */
/* NOLINTNEXTLINE(readability-non-const-parameter): one type for both kinds of line */
static void kernel_line(struct text_symbols *out, size_t *capacity, char *at, char *end)
{
	uint64_t address;
	if (!take_hex(&at, &address) || address == 0 || end - at < 4 || at[0] != ' ')
		return;
	char type = (char)(at[1] | 0x20);
	if ((type != 't' && type != 'w') || at[2] != ' ')
		return;
	char *end_of_name = at + 3 + strcspn(at + 3, "\t\n");
	bool is_module = *end_of_name == '\t';
	*end_of_name = '\0';
	add(out, capacity, address, UINT64_MAX, at + 3)->is_module = is_module;
}

static void jit_line(struct text_symbols *out, size_t *capacity, char *at, char *end)
{
	uint64_t start, size;
	if (!take_hex(&at, &start) || *at++ != ' ' || !take_hex(&at, &size) || *at++ != ' ')
		return;
	if (at >= end || size == 0 || start + size < start)
		return;
	*end = '\0';
	add(out, capacity, start, start + size, at);
}

static bool parse(struct text_symbols *out, const char *path,
		  void (*line)(struct text_symbols *, size_t *, char *, char *))
{
	size_t capacity = 0;
	memset(out, 0, sizeof *out);
	out->text = read_text(path);
	if (!out->text)
		return false;
	for (char *at = out->text; *at;) {
		char *end = end_of_line(at);
		char *next = *end ? end + 1 : end;
		line(out, &capacity, at, end);
		at = next;
	}
	finish(out);
	return true;
}

bool text_symbols_kernel(struct text_symbols *out, const char *path)
{
	return parse(out, path, kernel_line) && out->n_symbols > 0;
}

bool text_symbols_jit(struct text_symbols *out, const char *path)
{
	return parse(out, path, jit_line);
}

void text_symbols_free(struct text_symbols *symbols)
{
	free(symbols->text);
	free(symbols->symbols);
	memset(symbols, 0, sizeof *symbols);
}

const struct text_symbol *text_symbols_find(const struct text_symbols *symbols, uint64_t address)
{
	size_t low = 0, high = symbols->n_symbols;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (symbols->symbols[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address >= symbols->symbols[low - 1].end)
		return NULL;
	return &symbols->symbols[low - 1];
}
