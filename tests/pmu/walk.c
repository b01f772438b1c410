/* Walks over more pages than a TLB holds, then spins in registers: only the walk can miss. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = 16384, PAGE_BYTES = 4096, ROUNDS = 20, SPINS = 1000000 };

static volatile uint64_t sum;

__attribute__((noinline)) static void walk_pages(const char *pages)
{
	for (size_t i = 0; i < (size_t)PAGES * PAGE_BYTES; i += PAGE_BYTES)
		sum += (uint64_t)pages[i];
}

__attribute__((noinline)) static void spin(void)
{
	for (int i = 0; i < SPINS; i++)
		sum += (uint64_t)i;
}

int main(void)
{
	char *pages = malloc((size_t)PAGES * PAGE_BYTES);
	if (!pages)
		return 1;
	memset(pages, 1, (size_t)PAGES * PAGE_BYTES);
	for (int i = 0; i < ROUNDS; i++) {
		walk_pages(pages);
		spin();
	}
	free(pages);
	return 0;
}
