/*
 * fixture_machine: folders that look like /proc and /sys of machines that are not here.
 */
#ifndef TESTS_FIXTURE_MACHINE_H
#define TESTS_FIXTURE_MACHINE_H

/* A folder of its own, in $TMPDIR or /tmp; fake_free removes it with all that is in it. */
char *fake_new(void);
void fake_free(char *root);

/* fake_put: a file with its folders. */
void fake_put(const char *root, const char *text, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* fake_cpu: topology of one CPU; lists as the kernel writes them. */
void fake_cpu(const char *root, unsigned cpu, unsigned core, const char *siblings, unsigned package,
	      const char *package_cpus);

/* fake_cache: "Data", "Instruction" or "Unified" at indexN of one CPU. */
struct fake_cache {
	unsigned place, level;
	const char *type, *size, *shared;
	unsigned ways, sets;
};
void fake_cache(const char *root, unsigned cpu, const struct fake_cache *cache);

/* Whole machines. */
char *fake_hybrid(void);  /* 2 performance cores of 2 threads, 4 efficiency cores in a module */
char *fake_epyc(void);    /* 2 packages x 4 last caches x 8 cores x 2 threads, 2 nodes */
char *fake_arm(void);     /* 4 Cortex-A55 and 2 Cortex-A76 */
char *fake_tiny(void);    /* 1 CPU, nothing in /sys but that */
char *fake_hostile(void); /* every file is wrong in another way */

struct recording;

/* fake_add_facts: a small machine as a recording holds it, with things unknown, and its ceilings.
 */
void fake_add_facts(struct recording *recording);

#endif
