/* Waiting: for memory, and for the adder. See ceiling.h. */
#include "kernels/ceiling.h"

#include <string.h>

enum { LINE_BYTES = 64 };

/* A whole line is one link: its neighbour would come with it. */
struct link {
	struct link *next;
	char rest[LINE_BYTES - sizeof(struct link *)];
};

/* xorshift64; Marsaglia (2003). */
static uint64_t step(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void ceiling_chase_lay(char *memory, size_t bytes)
{
	struct link *links = (struct link *)(void *)memory;
	size_t n = bytes / LINE_BYTES;
	uint64_t random = 88172645463325252u;
	for (size_t i = 0; i < n; i++)
		links[i].next = &links[i];
	/* Sattolo: swapping with an earlier one only leaves a single circle. */
	for (size_t i = n; i-- > 1;) {
		size_t other = step(&random) % i;
		struct link *next = links[i].next;
		links[i].next = links[other].next;
		links[other].next = next;
	}
}

char *ceiling_chase(char *at, size_t n)
{
	struct link *link = (struct link *)(void *)at;
	for (size_t i = 0; i < n; i++)
		link = link->next;
	__asm__ volatile("" : "+r"(link));
	return (char *)link;
}

bool ceiling_ticks(size_t n)
{
	/* Registers on both sides: recent cores add constants while renaming, in no time. */
#if defined(__x86_64__)
	uint64_t sum = n, one = 1;
	for (size_t i = 0; i < n / 8; i++)
		__asm__ volatile("add %1, %0\nadd %1, %0\nadd %1, %0\nadd %1, %0\n"
				 "add %1, %0\nadd %1, %0\nadd %1, %0\nadd %1, %0"
				 : "+r"(sum)
				 : "r"(one));
	return true;
#elif defined(__aarch64__)
	uint64_t sum = n, one = 1;
	for (size_t i = 0; i < n / 8; i++)
		__asm__ volatile("add %0, %0, %1\nadd %0, %0, %1\nadd %0, %0, %1\nadd %0, %0, %1\n"
				 "add %0, %0, %1\nadd %0, %0, %1\nadd %0, %0, %1\nadd %0, %0, %1"
				 : "+r"(sum)
				 : "r"(one));
	return true;
#else
	(void)n;
	return false;
#endif
}
