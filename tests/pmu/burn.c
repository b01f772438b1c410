/*
 * burn SECONDS: use that much CPU time, three quarters of it in one function, and print it. Linked
 * statically, for the guests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static volatile unsigned long sum;

static double cpu_seconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

__attribute__((noinline)) static void spin_long(void)
{
	for (int i = 0; i < 300000; i++)
		sum += (unsigned long)i;
}

__attribute__((noinline)) static void spin_short(void)
{
	for (int i = 0; i < 100000; i++)
		sum += (unsigned long)i;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
	while (cpu_seconds() < seconds) {
		spin_long();
		spin_short();
	}
	printf("burned %.6f s\n", cpu_seconds());
	return 0;
}
