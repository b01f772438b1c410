/*
 * fixture_stacks: weights by stack, as text: what a recording holds, and what a format read back
 * says it holds.
 */
#ifndef TESTS_FIXTURE_STACKS_H
#define TESTS_FIXTURE_STACKS_H

#include <stddef.h>
#include <stdint.h>

struct recording;

struct stack_line {
	char *text; /* frames joined by ';', root first */
	uint64_t weight, count;
};

struct stack_lines {
	struct stack_line *lines;
	size_t n, capacity;
};

/* stack_lines_add: takes a copy; what is no plain text in a name ('\033', bytes that are not
 * UTF-8, U+FFFD, ';') becomes '?', since formats differ in how they carry it. */
void stack_lines_add(struct stack_lines *lines, const char *text, uint64_t weight, uint64_t count);

/* stack_text: frames (leaf first, n of them) as a line's text; freed with free(). */
char *stack_text(const char *const *leaf_first, size_t n);

/* stack_lines_of: what a recording holds, by tree. series 0 = the first with samples. */
struct stack_lines stack_lines_of(const struct recording *recording, uint32_t series);

/*
 * stack_lines_difference: NULL if both hold the same, else what differs, for a failed test.
 * by   'w' compare weights, 'c' counts, 'b' both
 */
const char *stack_lines_difference(struct stack_lines *a, struct stack_lines *b, char by);

void stack_lines_free(struct stack_lines *lines);

#endif
